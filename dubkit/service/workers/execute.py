"""What a worker does with a job that it has claimed: bring the film, dub it, hand over the files, say how it went."""

from __future__ import annotations

import contextlib
import copy
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from dubkit.batch.outcome import facts
from dubkit.errors import BadInput, DubkitError, MissingModel, OutOfSpace, judged
from dubkit.progress import Event
from dubkit.record import Seconds
from dubkit.run import PIPELINE, Run
from dubkit.service.config import Config
from dubkit.service.jobs.claims import Claims
from dubkit.service.jobs.job import Claim, Job, Output
from dubkit.service.jobs.jobs import Jobs
from dubkit.service.storage import Storage
from dubkit.service.watching.logs import bound
from dubkit.service.workers import outputs
from dubkit.service.workers.heart import Heart, Stopped
from dubkit.settings import Settings
from dubkit.store import Store
from dubkit.workers import shared_threads

log = logging.getLogger(__name__)

FIRST_PAUSE: Seconds = 2.0
"""Before a job is tried again; doubled each time."""
FULL_PAUSE: Seconds = 60.0
"""The same where the disk is full: somebody has to make room."""
PATIENCE: Seconds = 120.0
"""How long to wait for a storage that does not answer, before the job is tried again as a whole."""

T = TypeVar("T")
Marked = Callable[[], object]


def execute(
    claim: Claim, claims: Claims, config: Config, storage: Storage, ending: threading.Event | None = None
) -> None:
    """Do a claimed job; how it went stands in the database.

    Parameters
    ----------
    claim : Claim
    claims : Claims
    config : Config
    storage : Storage
    ending : threading.Event, optional
        Set where this worker is to end: the job is given back then.

    Raises
    ------
    DatabaseAway
        If the database does not answer in the end. The job is done again when it does, from the store.
    """
    job = claim.job
    with bound(correlation=job.correlation, job=job.id, stage=""):
        log.info("job begun", extra={"attempt": claim.attempt, "kind": job.kind})
        begun = time.monotonic()
        with Heart(claims, claim, config.lease, ending or threading.Event()) as heart:
            mark = _outcome(claim, claims, config, storage, heart)
        mark()
        log.info("job ended", extra={"seconds": round(time.monotonic() - begun, 3), "stopped": heart.why or ""})


def _outcome(claim: Claim, claims: Claims, config: Config, storage: Storage, heart: Heart) -> Marked:
    """Do the work; what writes down how it went."""
    begun, prefix = time.monotonic(), outputs.prefix(claim.job, claim.fence)

    def settle() -> None:
        heart.settle()
        _discard(storage, prefix)

    try:
        published, said, source = _done(claim, claims, config, storage, heart, prefix)
    except Stopped:
        return settle
    except Exception as error:
        # What stops may fail first, such as a download that is cut off.
        if heart.why:
            return settle
        kind, reason, final = judged(error)
        log.warning(
            "job failed", extra={"error_type": kind, "error": reason}, exc_info=not isinstance(error, DubkitError)
        )
        pause = None if final or claim.attempt >= config.attempts else _pause(error, claim.attempt)
        return lambda: claims.fail(claim, kind, reason, pause)
    said["seconds"] = round(time.monotonic() - begun, 3)

    def finish() -> None:
        if not claims.finish(claim, published, said, source):
            _discard(storage, prefix)

    return finish


def _discard(storage: Storage, prefix: str) -> None:
    """Remove files that nobody will ask for; what cannot be removed now is swept up later."""
    with contextlib.suppress(DubkitError):
        storage.delete_all(prefix)


def _pause(error: Exception, attempt: int) -> Seconds:
    first = FULL_PAUSE if isinstance(error, OutOfSpace) else FIRST_PAUSE
    return float(first * 2 ** (attempt - 1))


def _done(
    claim: Claim, claims: Claims, config: Config, storage: Storage, heart: Heart, prefix: str
) -> tuple[tuple[Output, ...], dict[str, Any], str | None]:
    """Outputs, facts and the source language."""
    job = claim.job
    with contextlib.ExitStack() as stack:
        film = _patiently(lambda: stack.enter_context(storage.local(job.film.place)), heart)
        run, shown = _run(job, film, config, claims, heart)
        run.until(PIPELINE[-1].name)
        published = _patiently(lambda: outputs.publish(run, job, storage, prefix), heart)
        said = facts(run) | shown
        said["spoken"] = bool(run.translation.lines)
        said["warnings"] = [text for step in PIPELINE for text in run.made(step.name).record.get("warnings", ())]
        return published, said, run.translation.source if run.translation.lines else None


def _run(job: Job, film: Path, config: Config, claims: Claims, heart: Heart) -> tuple[Run, dict[str, Seconds]]:
    """The job's run: of the film, of a stretch of it, or, for a preview, of a stretch of its parent's film.

    Of a preview also its begin and end: whole lines are heard, so it may show more than was asked for.
    """
    store = Store(config.store)
    if job.parent is None:
        return _opened(job, _cut(job, film, store), config, heart), {}
    from dubkit.excerpt import excerpt, known, widened

    assert job.start is not None and job.duration is not None
    whole = _opened(job, _cut(Jobs(claims.database).find(job.parent), film, store), config, heart)
    if not known(whole):
        asked = {"begin": job.start, "end": job.start + job.duration}
        return _opened(job, _cut(job, whole.video.file.path, store), config, heart), asked
    begin, end = widened(whole.transcript.utterances, job.start, job.duration, whole.media.duration)
    part = excerpt(whole, job.start, job.duration, store)
    for step in PIPELINE:
        if step.result in part.results:
            heart.observe(Event(step.name, "reused"))
    return part, {"begin": begin, "end": end}


def _opened(job: Job, film: Path, config: Config, heart: Heart) -> Run:
    run = Run.open(
        film,
        job.target,
        job.asked,
        profile=job.profile or config.profile,
        set={**shared_threads(Settings(), config.workers), **job.settings},
        store=config.store,
        observers=(heart.observe,),
        name=job.parent or job.id,
    )
    run.log.edits = copy.deepcopy(job.edits)
    return run


def _cut(job: Job, film: Path, store: Store) -> Path:
    """The stretch of a film that a job is of, kept so that it is the same at every attempt; the film where it is of all."""
    if job.start is None or job.duration is None:
        return film
    from dubkit.excerpt import cut

    start, duration = job.start, job.duration
    items, identity = store.items("cut"), [job.film.place, job.kind == "preview" and job.parent, start, duration]

    def write(path: Path) -> None:
        cut(film, start, duration, path)

    return items.find(identity, ".mp4") or items.keep(identity, ".mp4", write)


def _patiently(work: Callable[[], T], heart: Heart) -> T:
    """Do it, and do it again where the storage was away."""
    until, pause = time.monotonic() + PATIENCE, 0.5
    while True:
        heart.check()
        try:
            return work()
        except (BadInput, MissingModel, OutOfSpace):
            raise
        except DubkitError as error:
            if time.monotonic() > until:
                raise
            log.warning("tried again soon", extra={"error": str(error)})
        heart.wait(pause)
        pause = min(2 * pause, 10.0)

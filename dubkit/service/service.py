"""The service as one object: what the API, the page and the commands ask for, each in the name of an owner."""

from __future__ import annotations

import contextlib
import logging
import math
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.database import Database
from dubkit.errors import BadInput, DubkitError
from dubkit.record import Seconds
from dubkit.retiming import TimeMap
from dubkit.service import archive, home, previews
from dubkit.service.access.keys import Keys
from dubkit.service.access.limits import Limiter
from dubkit.service.access.signing import Signer
from dubkit.service.config import DAY, Config
from dubkit.service.films.arrival import Arrived
from dubkit.service.films.inspection import Inspector
from dubkit.service.films.intake import Intake, request_of
from dubkit.service.films.uploads import NoSuchUpload, Uploads
from dubkit.service.jobs.claims import Claims
from dubkit.service.jobs.job import (
    Conflict,
    Job,
    NewJob,
    Output,
    StageRow,
    Status,
    TooManyWaiting,
    seconds_left,
    share_done,
)
from dubkit.service.jobs.jobs import Jobs
from dubkit.service.jobs.pairs import Pairs
from dubkit.service.jobs.tables import upgrade
from dubkit.service.lines.line_changes import LineChanges, changed
from dubkit.service.lines.lines import Document, shown
from dubkit.service.links import Link, Links
from dubkit.service.storage import Storage, storage
from dubkit.service.wanted import Wanted

if TYPE_CHECKING:
    from dubkit.service.workers.dramatiq import Queue

log = logging.getLogger(__name__)

CONNECTIONS = 10
FRESH: Seconds = 2.0
"""For how long the expected wait of a job is told again, as long as its place is the same."""
MOST_WAITS = 1000
PATIENCE: Seconds = 2.0
"""How long somebody who asks waits for a database that is away."""


@dataclass(frozen=True)
class JobStatus:
    """How far a job is.

    Parameters
    ----------
    job : Job
    stages : list of StageRow
    percent : float
        Of the work, in [0, 100].
    place : int
        In the queue: 1 is next, 0 is not waiting.
    seconds_left : float or None
        Until it is done, as far as can be told; None where it is over.
    expected_end : float or None
        The same as a time, in seconds since 1970.
    """

    job: Job
    stages: list[StageRow]
    percent: float
    place: int
    seconds_left: Seconds | None
    expected_end: float | None


def _lifecycle(config: Config) -> dict[str, int]:
    """After how many days a storage may remove what this service has not, by prefix.

    It counts from when a file came, and the service from when it was last used: hence twice as long.
    """

    def days(seconds: Seconds) -> int:
        return math.ceil(2 * seconds / DAY)

    return {
        "arriving": 1,
        "films": days(config.keep_films),
        "dubs": days(config.keep_dubs),
        "previews": days(config.keep_dubs),
    }


def _queue(config: Config) -> Queue | None:
    from dubkit.service.workers.dramatiq import Queue

    return Queue(config.queue) if config.queue else None


class Service:
    """A service on its database, storage and queue; many threads may use it at once."""

    def __init__(self, config: Config) -> None:
        home.settle(config.home)
        self.config = config
        remedy = "the service goes on by itself once it is there"
        self.database = Database(config.database, "job database", remedy, CONNECTIONS, PATIENCE)
        upgrade(self.database)
        self.storage: Storage = storage(config.storage)
        self.jobs, self.claims = Jobs(self.database), Claims(self.database, config.attempts)
        self.keys, self.pairs = Keys(self.database), Pairs(self.database)
        self.signer = Signer(config)
        self.uploads = Uploads(config)
        self.inspector = Inspector(config)
        self.intake = Intake(config, self.storage, self.uploads, self.inspector, self.signer)
        self.links, self.limiter = Links(config, self.storage, self.signer), Limiter(config)
        self.queue = _queue(config)
        self._cutting = threading.BoundedSemaphore(previews.AT_ONCE)
        self._document = lru_cache(maxsize=32)(self._read_document)
        self._waits: dict[tuple[str, int], tuple[float, Seconds]] = {}

    def begin(self) -> None:
        """Get ready for films, before the first one comes."""
        self.inspector.begin()
        try:
            self.storage.expire(_lifecycle(self.config))
        except DubkitError as error:
            # Not every key may set rules, and not every server has them: the supervisor sweeps in any case.
            log.warning("the storage removes nothing by itself: %s", error)

    def close(self) -> None:
        """Give back connections and end the process that looks into films."""
        self.inspector.close()
        self.database.engine.dispose()

    def check(self, wanted: Wanted) -> Wanted:
        """What is wanted, with languages as codes.

        Raises
        ------
        BadInput, UnsupportedPair
            If it cannot be had here.
        """
        return wanted.checked(self.pairs.list())

    def submit(
        self,
        owner: str,
        arrived: Arrived,
        wanted: Wanted,
        idempotency_key: str | None = None,
        correlation: str = "",
    ) -> tuple[Job, bool]:
        """Take a film in, and queue its job. Whoever brings the film discards `arrived` afterwards, however it ends.

        Returns
        -------
        tuple of (Job, bool)
            The job, and whether it is new: an earlier one may have come with the same key.

        Raises
        ------
        BadInput
            If the film cannot be dubbed, or what is wanted cannot be had.
        Conflict
            If the key came with another film before, or another wish.
        TooManyWaiting
            If the owner has as many jobs in the queue as one may have.
        OutOfSpace
            If it cannot be kept.
        """
        wanted = self.check(wanted)
        if idempotency_key is not None:
            earlier = self.jobs.submitted(owner, idempotency_key, request_of(wanted, arrived))
            if earlier is not None:
                return earlier, False
        self._check_queue(owner)
        return self._added(self.intake.new_job(owner, arrived, wanted, idempotency_key, correlation))

    def submit_upload(
        self, owner: str, upload: str, wanted: Wanted, idempotency_key: str | None = None, correlation: str = ""
    ) -> tuple[Job, bool]:
        """As :meth:`submit`, of a film that an upload has brought.

        The upload is used up by its job, or by a film that cannot be dubbed; after all other errors it is still there.

        Raises
        ------
        NoSuchUpload, Unfinished, Busy
            If it is not there to be taken.
        """
        wanted = self.check(wanted)
        try:
            with self.intake.taking(owner, upload) as arrived:
                return self.submit(owner, arrived, wanted, idempotency_key, correlation)
        except NoSuchUpload:
            # It may be used up by an earlier request whose answer was lost.
            if idempotency_key is not None:
                earlier = self.jobs.submitted(owner, idempotency_key, request_of(wanted))
                if earlier is not None:
                    return earlier, False
            raise

    def status(self, owner: str, id: str) -> JobStatus:
        """How far a job is.

        Raises
        ------
        NoSuchJob
            If the owner has none of that id.
        """
        job, stages, place = self.jobs.look(id, owner)
        if job.is_over:
            percent = 100.0 if job.status == "completed" else 100.0 * share_done(stages)
            return JobStatus(job, stages, percent, place, None, None)
        paces = self.jobs.paces()
        left = seconds_left(stages, job.length, paces)
        if place:
            left += self._wait(job, place)
        return JobStatus(job, stages, 100.0 * share_done(stages, paces), place, left, time.time() + left)

    def _wait(self, job: Job, place: int) -> Seconds:
        """How long until it is a job's turn; many ask again and again, and it takes ten times as long as all the rest."""
        until, seconds = self._waits.get((job.id, place), (0.0, 0.0))
        if time.monotonic() >= until:
            seconds = self.jobs.waiting_seconds(job)
            if len(self._waits) >= MOST_WAITS:
                self._waits.clear()
            self._waits[job.id, place] = time.monotonic() + FRESH, seconds
        return seconds

    def list(
        self, owner: str, status: Sequence[Status] = (), limit: int = 50, before: str | None = None
    ) -> Sequence[Job]:
        """An owner's jobs, newest first; `before` is the id of the last one of the page before."""
        return self.jobs.list(owner, status, "dub", limit, before)

    def cancel(self, owner: str, id: str) -> Job:
        """Stop a job, and the previews made of it; a job that is over stays as it is."""
        for preview in self.jobs.previews(self.jobs.find(id, owner).id):
            self.jobs.cancel(preview.id, owner)
        return self.jobs.cancel(id, owner)

    def delete(self, owner: str, id: str, patience: Seconds = 10.0) -> None:
        """Remove a job with its film, its dubs and previews; one that runs is stopped first.

        Raises
        ------
        Conflict
            If it has not stopped within `patience` seconds.
        """
        self.cancel(owner, id)
        until = time.monotonic() + patience
        while True:
            try:
                job = self.jobs.delete(id, owner)
                break
            except Conflict:
                if time.monotonic() > until:
                    raise
                time.sleep(0.2)
        films = [str(Path(job.film.place).parent)] if job.film.place else []
        try:
            for prefix in (*films, f"dubs/{job.id}", f"previews/{job.id}"):
                self.storage.delete_all(prefix)
        except DubkitError as error:
            # The job is gone: what is left of it belongs to nobody, and is swept up later.
            log.warning("files of a removed job stay for now: %s", error)

    def again(self, owner: str, id: str) -> Job:
        """Queue a job once more: with its corrections, or because it failed.

        Raises
        ------
        Conflict
            If it waits or runs already, or its film is no longer kept.
        TooManyWaiting
        """
        job = self.jobs.find(id, owner)
        if not job.film.place or not self.storage.exists(job.film.place):
            raise Conflict("The film is no longer kept here. Hand it in again.")
        self._check_queue(owner)
        job = self.jobs.again(id, owner)
        self._tell_queue(job)
        return job

    def lines(self, owner: str, id: str) -> Document:
        """The lines, speakers and voices of a finished job, with all corrections made so far.

        Raises
        ------
        Conflict
            If it has not been dubbed yet.
        """
        job = self.jobs.find(id, owner)
        return replace(shown(self._lines_of(job), job.edits), revision=job.revision)

    def change_lines(self, owner: str, id: str, changes: LineChanges, expected: int) -> Document:
        """Correct lines and speakers; they are dubbed by :meth:`again`.

        Parameters
        ----------
        owner, id : str
        changes : LineChanges
        expected : int
            The revision that the changes were made to.

        Raises
        ------
        BadInput
            If there is no such line or it cannot be so.
        Conflict
            If the job has changed since, or is at work.
        """
        job = self.jobs.find(id, owner)
        document = self._lines_of(job)
        job = self.jobs.edit(id, owner, changed(document, job.edits, changes), expected)
        return replace(shown(document, job.edits), revision=job.revision)

    def files(self, owner: str, id: str) -> Sequence[Link]:
        """Links to all that a job made, the editor's own data left out."""
        job = self.jobs.find(id, owner)
        return [self.link(job, output) for output in job.outputs if output.kind != "lines"]

    def archive(self, owner: str, id: str) -> Link:
        """A link to a ZIP of all that a job made; it is put together when it is first asked for.

        Raises
        ------
        Conflict
            If nothing has been made yet.
        """
        job = self.jobs.find(id, owner)
        if not job.outputs:
            raise Conflict("There is nothing to download yet: the film is not dubbed. Wait until it is.")
        return self.link(job, archive.archive(job, self.storage, self.config.home))

    def preview(
        self, owner: str, id: str, start: Seconds, duration: Seconds, changes: LineChanges | None = None
    ) -> Link | Job:
        """A stretch of the dub with the corrections made so far: a link, or the preview job that is making it.

        Parameters
        ----------
        owner, id : str
        start, duration : float
            In seconds of the film, of a part in seconds of that. Where corrections are not dubbed yet, whole lines are heard.
        changes : LineChanges, optional
            Made for this preview alone, such as another voice to be heard.

        Raises
        ------
        BadInput
            If there is no such stretch, or the changes cannot be made.
        Conflict
            If the preview failed, with its reason.
        TooManyWaiting
        """
        job = self.jobs.find(id, owner)
        start, duration = previews.stretch(job, start, duration)
        edits = changed(self._lines_of(job), job.edits, changes) if changes else job.edits
        is_dubbed = job.status == "completed" and not job.is_edited and edits == job.edits
        job = replace(job, edits=edits)
        if is_dubbed:
            document = self._lines_of(job)
            times = TimeMap.of(document.knots, document.duration)
            heard = times.dub(start), times.dub(start + duration)
            with self._cutting:
                clip = previews.of_dub(job, (start, duration), heard, self.storage, self.config.home)
            return replace(self.link(job, clip), shown=(start, start + duration))
        made = self.jobs.previews(job.id)
        earlier = previews.earlier(made, job, start, duration)
        if earlier is None:
            # Whoever asks for another stretch no longer waits for the one before.
            for waiting in (one for one in made if one.status == "queued"):
                self.jobs.cancel(waiting.id, owner)
            self._check_queue(owner)
            earlier, _ = self._added(previews.wanted(job, start, duration))
        if earlier.status != "completed":
            return earlier
        made_clip = previews.clip(earlier)
        assert made_clip is not None
        return replace(self.link(earlier, made_clip), shown=earlier.shown)

    def link(self, job: Job, output: Output) -> Link:
        """A link to one of a job's files."""
        return self.links.link(job, output)

    def _check_queue(self, owner: str) -> None:
        if self.jobs.n_waiting(owner) >= self.config.max_waiting:
            raise TooManyWaiting(
                f"{self.config.max_waiting} of your jobs wait already. Wait until one is done, or cancel some."
            )

    def _added(self, new: NewJob) -> tuple[Job, bool]:
        try:
            job, is_new = self.jobs.add(new)
        except BaseException:
            self._drop_film(new)
            raise
        if is_new:
            self._tell_queue(job)
        else:
            self._drop_film(new)
        return job, is_new

    def _drop_film(self, new: NewJob) -> None:
        # A preview's film is its parent's.
        if new.parent is None:
            self.storage.delete_all(str(Path(new.film.place).parent))

    def _tell_queue(self, job: Job) -> None:
        # A message that is lost is sent again by the supervisor: the table is the truth.
        with contextlib.suppress(BadInput, OSError):
            if self.queue is not None:
                self.queue.send(job.id)

    def _lines_of(self, job: Job) -> Document:
        place = next((output.place for output in job.outputs if output.kind == "lines"), None)
        if place is None:
            raise Conflict("There are no lines yet: the film is not dubbed. Wait until it is.")
        return self._document(place)

    def _read_document(self, place: str) -> Document:
        with self.storage.local(place) as path:
            return Document.from_json(path.read_text(encoding="utf-8"))

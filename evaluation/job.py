"""One item of a suite: through the pipeline, past the judges, to samples and lines."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dubkit import execution
from dubkit.artefacts import Transcript
from dubkit.errors import DubkitError
from dubkit.progress import Event
from dubkit.run import PIPELINE, Run
from dubkit.settings import Settings
from dubkit.stage import Stage
from dubkit.store import Stored
from evaluation import oracle
from evaluation.judging.evidence import Evidence
from evaluation.judging.screening import appraise, lined_up, read_back, screen
from evaluation.results import Outcome
from evaluation.scoring import lines_of, samples_of
from evaluation.suites import Item
from evaluation.times.overlaps import greatest_overlap, spans_of

STAGES = (*(s.name for s in PIPELINE), screen.name, read_back.name, appraise.name)
"""All that happens to an item, in order."""


@dataclass(frozen=True)
class Job:
    """What is to be done.

    Parameters
    ----------
    item : Item
        A film and what is known about it.
    settings : Settings
        Of the run.
    given : tuple of str
        Stages that the truth replaces.
    until : str
        The last stage.
    judge : str
        Spec of the recogniser that reads the dub back.
    store : Path
        Where results are kept.
    """

    item: Item
    settings: Settings
    given: tuple[str, ...]
    until: str
    judge: str
    store: Path


def perform(job: Job, tell: Callable[[Event], None]) -> Outcome:
    """Do it; a failure becomes an outcome with its reason."""
    began = time.monotonic()
    try:
        evidence = evidence_of(job, tell)
        found = samples_of(evidence), lines_of(evidence, job.store.absolute())
    except DubkitError as error:
        return Outcome(job.item.id, error=str(error), seconds=time.monotonic() - began)
    except Exception as error:
        told = "".join(traceback.format_exception(error)[-3:])
        return Outcome(job.item.id, error=f"{type(error).__name__}: {error}\n{told}", seconds=time.monotonic() - began)
    return Outcome(job.item.id, tuple(found[0]), tuple(found[1]), seconds=time.monotonic() - began)


def evidence_of(job: Job, tell: Callable[[Event], None] = lambda event: None) -> Evidence:
    """All that is known about an item after its run."""
    run = Run.open(job.item.video, job.item.target, settings=job.settings, store=job.store, observers=(tell,))
    oracle.supply(run, job.item, job.given)
    run.until(job.until)
    reached = PIPELINE[: [s.name for s in PIPELINE].index(job.until) + 1]
    made = {s.result: run.result(s.result) for s in reached}
    records = {s.name: made[s.result].record for s in reached if made[s.result].record}
    artefacts = {name: stored.artefact for name, stored in made.items()}
    judged = _judged(job, run, made, tell) if "dub" in made else {}
    film = run.dub.video.path if "dub" in made else None
    return Evidence(
        item=job.item, settings=job.settings, given=job.given, records=records, film=film, **artefacts, **judged
    )


def _judged(job: Job, run: Run, made: dict[str, Stored], tell: Callable[[Event], None]) -> dict[str, Any]:
    """What the judges say; their recogniser is the suite's, whatever the run's own is."""
    settings = job.settings.but({"backends.transcriber": job.judge, "backends.gender_classifier": "voice-gender"})
    known = dict(made)

    def ask(step: Stage) -> Any:
        stored, _ = execution.result(step, settings, known, run.store, (tell,))
        known[step.result] = stored
        return stored.artefact

    screening = ask(screen)
    reading = ask(read_back)
    lines = lined_up(run.soundtrack, run.translation, units(run.transcript, job.item))
    known["dubbedlines"] = Stored(lines, lines.digest(), "", {})
    return {"screening": screening, "reading": reading, "dubbedlines": lines, "appraisal": ask(appraise)}


def units(transcript: Transcript, item: Item) -> dict[str, str]:
    """The reference's sentence that each utterance mostly lies in; nothing where there is no truth."""
    if item.truth is None:
        return {}
    spoken = [(u.start, u.end, u.id) for u in item.truth.utterances]
    return {u.id: greatest_overlap(spans_of([u]), spoken) or u.id for u in transcript.utterances}

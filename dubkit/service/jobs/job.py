"""A job: one film to be dubbed into one language for one owner, how far it is, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from dubkit.edits import Edits
from dubkit.errors import BadInput
from dubkit.record import Seconds

Status = Literal["queued", "running", "completed", "failed", "cancelled"]
StageStatus = Literal["waiting", "running", "done", "reused", "failed"]
Kind = Literal["dub", "preview"]
OVER: frozenset[Status] = frozenset({"completed", "failed", "cancelled"})
LOCAL = "local"
"""The owner of everything where no key is asked for."""

PACES: dict[str, float] = {
    "validate": 0.002,
    "separate": 0.04,
    "diarize": 0.13,
    "segment": 0.0001,
    "transcribe": 0.06,
    "detect_gender": 0.03,
    "translate": 0.01,
    "assign_voices": 0.0001,
    "synthesize": 0.16,
    "assemble": 0.05,
    "combine": 0.02,
}
"""Seconds that a stage takes per second of film, until the service knows its own (`benchmarks/dub.py`, two cores)."""


class NoSuchJob(BadInput):
    """There is no such job, or it is another's: nobody is told which."""


class Conflict(BadInput):
    """What is asked for does not go with the state that the job is in."""


class TooManyWaiting(BadInput):
    """Somebody has as many jobs in the queue as one may have."""


@dataclass(frozen=True)
class Film:
    """A film that was handed in.

    Parameters
    ----------
    name : str
        As its owner calls it: shown, and never part of a path.
    place : str
        Its name in the storage.
    n_bytes : int
    duration : float
        In seconds.
    """

    name: str
    place: str
    n_bytes: int
    duration: Seconds


@dataclass(frozen=True)
class Output:
    """A file that a job made.

    Parameters
    ----------
    kind : str
        ``video``, ``audio``, ``subtitles``, ``transcript``, ``timing``, ``lines`` or ``poster``.
    name : str
        What it is called when it is downloaded.
    place : str
        Its name in the storage.
    n_bytes : int
    media_type : str
    language : str
        Of subtitles: a code, or two joined by ``+``.
    """

    kind: str
    name: str
    place: str
    n_bytes: int
    media_type: str
    language: str = ""


@dataclass(frozen=True)
class NewJob:
    """What is asked for; the parameters are those of :class:`Job`.

    ``idempotency_key`` makes a second request of the same owner give the first one's job; ``request`` is a digest of what was
    asked, so that the same key with another request is told apart.
    """

    owner: str
    film: Film
    target: str
    source: str | None = None
    profile: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    kind: Kind = "dub"
    parent: str | None = None
    start: Seconds | None = None
    duration: Seconds | None = None
    edits: Mapping[str, Edits] = field(default_factory=dict)
    correlation: str = ""
    idempotency_key: str | None = None
    request: str = ""


@dataclass(frozen=True)
class Job:
    """A job as it is now. Times are seconds since 1970, by the database's clock; None where they have not come.

    Parameters
    ----------
    id : str
        Not to be guessed.
    owner : str
    kind : str
        ``dub``, or ``preview`` of a stretch of a film.
    parent : str or None
        The job that a preview is of.
    status : str
    film : Film
    source, target : str
        Languages; the source is None until it is known.
    asked : str or None
        The source language that its owner gave: None where it is to be found out, also after it was.
    profile, settings : str or None, dict
        What the run starts from, and settings by dotted name.
    start, duration : float or None
        The stretch of the film, in seconds; None for all of it.
    edits : dict
        Corrections by stage, as :class:`dubkit.runlog.RunLog` keeps them.
    revision : int
        How often corrections were changed. ``dubbed`` is the revision that the outputs are of; None before there are any.
    stage : str
        At work, or the last one that was.
    error, error_type : str
        Why it failed; empty where it did not.
    attempts : int
    cancelling : bool
        Whether it is to stop.
    outputs : tuple of Output
    facts : dict
        Of the finished dub: ``lines``, ``speakers``, ``seconds``, ``spoken``, ``warnings``, ...; of a preview also ``begin`` and
        ``end`` of what it shows.
    correlation : str
        Of the request that it came with: the same in every log line.
    sequence : int
        The number of its last event.
    """

    id: str
    owner: str
    kind: Kind
    parent: str | None
    status: Status
    film: Film
    source: str | None
    target: str
    profile: str | None
    settings: dict[str, Any]
    start: Seconds | None
    duration: Seconds | None
    edits: dict[str, Edits]
    revision: int
    dubbed: int | None
    stage: str
    error: str
    error_type: str
    attempts: int
    cancelling: bool
    outputs: tuple[Output, ...]
    facts: dict[str, Any]
    correlation: str
    sequence: int
    created: float
    started: float | None
    finished: float | None
    changed: float
    asked: str | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing will happen to it by itself any more."""
        return self.status in OVER

    @property
    def is_edited(self) -> bool:
        """Whether corrections were made that no dub has yet."""
        return self.dubbed is not None and self.dubbed != self.revision

    @property
    def length(self) -> Seconds:
        """Seconds of film that are dubbed."""
        return self.film.duration if self.duration is None else self.duration

    @property
    def shown(self) -> tuple[Seconds, Seconds]:
        """Begin and end of what a preview shows, in seconds of the film: whole lines, so it may be more than was asked."""
        start = self.start or 0.0
        return self.facts.get("begin", start), self.facts.get("end", start + self.length)


@dataclass(frozen=True)
class StageRow:
    """How far a stage of a job is: `done` of `total` items, `seconds` so far or in all."""

    number: int
    stage: str
    status: StageStatus = "waiting"
    done: int = 0
    total: int = 0
    note: str = ""
    seconds: Seconds = 0.0
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class JobEvent:
    """Something happened to a job.

    Parameters
    ----------
    sequence : int
        From 1, without gaps, in each job.
    at : float
        Seconds since 1970.
    kind : str
        ``stage``: `data` is a :class:`dubkit.progress.Event`'s fields; ``status``: `data` holds ``status``, and ``error`` and
        ``error_type`` where it failed; ``edited``: `data` holds ``revision``.
    data : dict
    """

    sequence: int
    at: float
    kind: Literal["stage", "status", "edited"]
    data: dict[str, Any]


@dataclass(frozen=True)
class Claim:
    """The right of a worker to do a job, until its lease runs out; ``fence`` tells it from all others ever made."""

    job: Job
    worker: str
    attempt: int
    fence: int


def share_done(rows: Sequence[StageRow], paces: Mapping[str, float] = PACES) -> float:
    """How much of a job's work is done, in [0, 1], each stage counting by what it usually takes."""
    whole = sum(paces.get(row.stage, 0.0) for row in rows)
    return sum(paces.get(row.stage, 0.0) * _part(row) for row in rows) / whole if whole else 0.0


def seconds_left(rows: Sequence[StageRow], length: Seconds, paces: Mapping[str, float] = PACES) -> Seconds:
    """How long the rest of a job's work takes, when stages take what they usually do per second of film."""
    return sum(paces.get(row.stage, 0.0) * length * (1.0 - _part(row)) for row in rows)


def _part(row: StageRow) -> float:
    if row.status in ("done", "reused"):
        return 1.0
    return min(row.done / row.total, 1.0) if row.status == "running" and row.total else 0.0

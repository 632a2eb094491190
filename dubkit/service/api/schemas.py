"""The API's documents: what is sent, and what is answered. Names here are a promise; those in the code may change."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from dubkit.service.jobs.job import Kind, StageStatus, Status

JOB_ID = "j4Tq0Vb7mXc2Kd9s"
LONGEST = 1e6
"""Seconds."""


class Wishes(BaseModel):
    """What is wanted of a film."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    target_language: str = Field(
        min_length=2, max_length=40, description="A code or an English name.", examples=["pt", "Portuguese"]
    )
    source_language: str | None = Field(
        default=None, max_length=40, description="The same; it is detected where it is not given.", examples=["en"]
    )
    profile: str | None = Field(
        default=None, max_length=40, description="Settings to start from.", examples=["embedded"]
    )
    options: dict[str, Any] = Field(
        default_factory=dict,
        max_length=20,
        description="`n_speakers`, `keep_original`, `glossary`, `bilingual`, `audio_track`, `slow_picture`, `vocal_sounds`.",
        examples=[{"n_speakers": 2, "glossary": {"cutting board": "tábua de corte"}}],
    )
    start_time: float | None = Field(
        default=None, allow_inf_nan=False, ge=0, le=LONGEST, description="Of a stretch, in seconds of the film."
    )
    duration: float | None = Field(
        default=None, allow_inf_nan=False, ge=1, le=LONGEST, description="Of a stretch, in seconds."
    )


class NewJobFromUpload(Wishes):
    """A job of a film that a resumable upload has brought."""

    model_config = ConfigDict(
        extra="forbid",
        str_strip_whitespace=True,
        json_schema_extra={"examples": [{"upload": "u8Kq2m", "target_language": "pt", "source_language": "en"}]},
    )

    upload: str = Field(
        min_length=1,
        max_length=2000,
        description="The last part of the upload's address, or what `direct` gave for it.",
    )


class DirectFilm(BaseModel):
    """A film that is to be sent to the storage past this server."""

    model_config = ConfigDict(extra="forbid")

    file_name: str = Field(min_length=1, max_length=1000, examples=["talk.mp4"])
    bytes: int = Field(ge=0, le=1 << 50, examples=[1048576])


class DirectAnswer(BaseModel):
    """The request to send it with, whose body is the film. `upload` is for the job to be made of it then."""

    upload: str
    method: str = Field(examples=["PUT"])
    url: str
    headers: dict[str, str] = Field(description="They must be sent as they are.")
    expires: datetime


class FilmAnswer(BaseModel):
    """A film as it was handed in."""

    name: str
    bytes: int
    duration: float = Field(description="In seconds.")


class ErrorAnswer(BaseModel):
    """Why a job failed."""

    type: str
    detail: str


class JobAnswer(BaseModel):
    """A job. `revision` counts corrections; `dubbed_revision` is the one that the files are of."""

    id: str
    kind: Kind
    parent: str | None = Field(description="The job that a preview is of.")
    status: Status
    cancelling: bool
    film: FilmAnswer
    source_language: str | None = Field(description="Null until it is known.")
    target_language: str
    profile: str | None
    start_time: float | None
    duration: float | None
    revision: int
    dubbed_revision: int | None
    stage: str
    error: ErrorAnswer | None
    attempts: int
    facts: dict[str, Any] = Field(description="Of the finished dub: lines, speakers, seconds, warnings, ...")
    sequence: int = Field(description="The number of its last event.")
    created: datetime
    started: datetime | None
    finished: datetime | None
    changed: datetime
    links: dict[str, str]


class JobsAnswer(BaseModel):
    """A page of jobs, newest first; `next` leads to the following one."""

    jobs: list[JobAnswer]
    next: str | None


class StageAnswer(BaseModel):
    """How far a stage is: `done` of `total` items."""

    number: int
    stage: str
    status: StageStatus
    done: int
    total: int
    note: str
    seconds: float
    warnings: list[str]


class StatusAnswer(BaseModel):
    """How far a job is."""

    id: str
    status: Status
    cancelling: bool
    percentage: float = Field(ge=0, le=100)
    stage: str = Field(description="At work, or the last one that was.")
    stages: list[StageAnswer]
    place: int | None = Field(description="In the queue: 1 is next. Null where it does not wait.")
    seconds_left: float | None
    estimated_completion: datetime | None
    error: ErrorAnswer | None
    revision: int
    dubbed_revision: int | None
    sequence: int
    created: datetime
    started: datetime | None
    finished: datetime | None


class FileAnswer(BaseModel):
    """A file that a job made. Its link works without a key, until it expires."""

    kind: Literal["video", "audio", "subtitles", "transcript", "timing", "poster", "zip"]
    name: str
    bytes: int
    media_type: str
    language: str = Field(description="Of subtitles: a code, or two joined by `+`.")
    url: str
    expires: datetime


class FilesAnswer(BaseModel):
    """All files of a job."""

    files: list[FileAnswer]


class LanguageAnswer(BaseModel):
    """Languages that a film can be dubbed between."""

    source: str
    source_name: str
    target: str
    target_name: str
    translation: str = Field(description="How good it is.")
    route: str
    voices: int | str


class LanguagesAnswer(BaseModel):
    """All pairs of languages that fit."""

    languages: list[LanguageAnswer]


class ProblemAnswer(BaseModel):
    """Why a request was not done (RFC 9457)."""

    model_config = ConfigDict(extra="allow")

    type: Annotated[str, Field(examples=["urn:dubkit:problem:no-such-job"])]
    title: str
    status: int
    detail: str
    instance: str
    request_id: str


class PartAnswer(BaseModel):
    """A part of the service: whether it works, and how many seconds it took to say so."""

    ok: bool
    detail: str
    seconds: float


class HealthAnswer(BaseModel):
    """Whether the service can work."""

    ok: bool
    parts: dict[str, PartAnswer] | None = None

"""The service's tables, and how a database comes to have them.

A job's row is the one truth of its state; everything else hangs on it. All times are seconds since 1970 by the
database's clock.
"""

from __future__ import annotations

import threading
from typing import Any, cast

from sqlalchemy import (
    JSON,
    BigInteger,
    Connection,
    Double,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    inspect,
    text,
)
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from dubkit.database import Database
from dubkit.errors import BadInput, listed

UPGRADE_LOCK = 0x64756269
"""PostgreSQL's name for the turn of who changes the tables."""

_in_turn = threading.Lock()


class Base(DeclarativeBase):
    """What the models have in common: how Python's types are stored."""

    type_annotation_map = {str: Text, float: Double, dict[str, Any]: JSON, list[Any]: JSON}  # noqa: RUF012


class JobRecord(Base):
    """A film to be dubbed; see :class:`dubkit.service.jobs.job.Job`.

    ``number`` is the order of arrival. Of waiting jobs the one with the lowest ``priority`` is next, then the one ``queued``
    first; none before it is ``due``. While a job runs, ``due`` is when its worker's lease ends, and ``fence`` tells that
    worker's claim from all others.
    """

    __tablename__ = "jobs"

    number: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    owner: Mapped[str]
    kind: Mapped[str]
    parent: Mapped[str | None]
    status: Mapped[str]
    cancelling: Mapped[bool] = mapped_column(default=False)
    priority: Mapped[int]
    queued: Mapped[float]
    due: Mapped[float]
    worker: Mapped[str] = mapped_column(default="")
    attempts: Mapped[int] = mapped_column(default=0)
    fence: Mapped[int] = mapped_column(default=0)
    film_name: Mapped[str]
    film_place: Mapped[str]
    film_bytes: Mapped[int] = mapped_column(BigInteger)
    film_duration: Mapped[float]
    asked: Mapped[str | None]
    source: Mapped[str | None]
    target: Mapped[str]
    profile: Mapped[str | None]
    settings: Mapped[dict[str, Any]]
    start: Mapped[float | None]
    duration: Mapped[float | None]
    edits: Mapped[dict[str, Any]]
    revision: Mapped[int] = mapped_column(default=0)
    dubbed: Mapped[int | None]
    stage: Mapped[str] = mapped_column(default="")
    error: Mapped[str] = mapped_column(default="")
    error_type: Mapped[str] = mapped_column(default="")
    outputs: Mapped[list[Any]]
    facts: Mapped[dict[str, Any]]
    correlation: Mapped[str] = mapped_column(default="")
    sequence: Mapped[int] = mapped_column(default=0)
    idempotency_key: Mapped[str | None]
    request: Mapped[str] = mapped_column(default="")
    created: Mapped[float]
    started: Mapped[float | None]
    finished: Mapped[float | None]
    changed: Mapped[float]

    __table_args__ = (
        UniqueConstraint("owner", "idempotency_key", name="jobs_idempotency_key"),
        Index("jobs_queue", "status", "priority", "queued", "number"),
        Index("jobs_of_owner", "owner", "kind", "number"),
        Index("jobs_of_parent", "parent"),
        Index("jobs_film", "film_place"),
        {"sqlite_autoincrement": True},
    )


class StageRecord(Base):
    """How far a stage of a job is; ``ended`` is when it was done by work and not found done."""

    __tablename__ = "processing_stages"

    job: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    stage: Mapped[str]
    status: Mapped[str]
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    note: Mapped[str] = mapped_column(default="")
    seconds: Mapped[float] = mapped_column(default=0.0)
    warnings: Mapped[list[Any]]
    ended: Mapped[float | None]

    __table_args__ = (Index("processing_stages_ended", "stage", "ended"),)


class EventRecord(Base):
    """Something that happened to a job, for those who watch it."""

    __tablename__ = "job_events"

    job: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[float]
    kind: Mapped[str]
    data: Mapped[dict[str, Any]]


class PairRecord(Base):
    """A pair of languages that the back ends of a profile can dub."""

    __tablename__ = "supported_languages"

    source: Mapped[str] = mapped_column(primary_key=True)
    target: Mapped[str] = mapped_column(primary_key=True)
    source_name: Mapped[str]
    target_name: Mapped[str]
    translation: Mapped[str]
    route: Mapped[str]
    voices: Mapped[str]
    profile: Mapped[str] = mapped_column(default="")


class KeyRecord(Base):
    """An owner's key: its digest alone, so that nobody who reads the table can use it."""

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(primary_key=True)
    owner: Mapped[str]
    note: Mapped[str] = mapped_column(default="")
    digest: Mapped[str]
    created: Mapped[float]
    used: Mapped[float | None]
    revoked: Mapped[float | None]


class WorkerRecord(Base):
    """A process that does jobs: when it was last heard of, and what it said of itself."""

    __tablename__ = "workers"

    id: Mapped[str] = mapped_column(primary_key=True)
    started: Mapped[float]
    seen: Mapped[float]
    report: Mapped[dict[str, Any]]


class TallyRecord(Base):
    """A count that only grows, also when the jobs that it counts are gone: ``errors`` by type, ``stage_seconds`` by bound."""

    __tablename__ = "tallies"

    kind: Mapped[str] = mapped_column(primary_key=True)
    stage: Mapped[str] = mapped_column(primary_key=True)
    label: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)
    total: Mapped[float]


def _table(record: type[Base]) -> Table:
    return cast(Table, record.__table__)


jobs, stages, events = _table(JobRecord), _table(StageRecord), _table(EventRecord)
languages, keys, workers, tallies = _table(PairRecord), _table(KeyRecord), _table(WorkerRecord), _table(TallyRecord)


def upgrade(database: Database) -> None:
    """Give a database the tables of this version; of many processes that start at once, one does it.

    Raises
    ------
    DatabaseAway
        If the database does not answer.
    OutOfSpace
        If its file cannot be opened or written.
    BadInput
        If it is no database, one of a newer dubkit or of another program, or one in which no tables may be made.
    """
    from alembic.util import CommandError

    remedy = "Name another with DUBKIT_DATABASE"
    try:
        foreign = database.read(_foreign)
        if not foreign:
            database.write(_migrate)
            return
    except CommandError as error:
        raise BadInput(
            f"The job database {database} is of a newer dubkit or another program ({error}). {remedy}, or install that dubkit."
        ) from error
    except ProgrammingError as error:
        said = str(error.orig).strip().partition("\n")[0]
        raise BadInput(
            f"The job database {database} does not take dubkit's tables ({said}). {remedy}, or let this user make tables there."
        ) from error
    raise BadInput(
        f"The job database {database} holds tables of another program by the names of dubkit's: {listed(foreign)}. {remedy}."
    )


def _foreign(connection: Connection) -> list[str]:
    """Tables that are called as dubkit's are, and were made by something else."""
    there = set(inspect(connection).get_table_names())
    return [] if "alembic_version" in there else sorted(there & set(Base.metadata.tables))


def _migrate(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:turn)"), {"turn": UPGRADE_LOCK})
    config = Config()
    config.set_main_option("script_location", "dubkit.service.jobs:migrations")
    config.attributes["connection"] = connection
    # Alembic's context is one for the whole process.
    with _in_turn:
        command.upgrade(config, "head")

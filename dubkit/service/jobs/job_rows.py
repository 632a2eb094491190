"""Jobs as they lie in their table: how rows become jobs, and how a change of state is told with it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql import ColumnElement

from dubkit.database import Database
from dubkit.service.jobs.job import PACES, Film, Job, JobEvent, NewJob, Output, StageRow
from dubkit.service.jobs.tables import events, jobs, stages, tallies

STAGES = tuple(PACES)
"""Names of the stages, in order."""

FIRST, LATER = 0, 1
"""Priorities: somebody waits for a preview or a corrected dub; a new film may take its time."""

BOUNDS = (0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, math.inf)
"""Upper bounds of the classes that the stages' seconds are counted in."""

FILM = {"film_name": "name", "film_place": "place", "film_bytes": "n_bytes", "film_duration": "duration"}

_plain_fields = tuple(f.name for f in dataclasses.fields(Job) if f.name not in ("film", "outputs"))
JOB = (*(jobs.c[name] for name in _plain_fields), jobs.c.outputs, *(jobs.c[name] for name in FILM))
"""The columns that :func:`job` needs, in its order."""

STAGE = tuple(stages.c[f.name] for f in dataclasses.fields(StageRow))
EVENT = (events.c.sequence, events.c.at, events.c.kind, events.c.data)


def job(row: Sequence[Any]) -> Job:
    """The job of a row of the columns ``JOB``; further columns may follow."""
    n = len(_plain_fields)
    plain = dict(zip(_plain_fields, row[:n], strict=True))
    outputs = tuple(Output(**output) for output in row[n])
    return Job(film=Film(*row[n + 1 : n + 1 + len(FILM)]), outputs=outputs, **plain)


def stage_row(row: Sequence[Any]) -> StageRow:
    """The stage of a row of the columns ``STAGE``."""
    number, stage, status, done, total, note, seconds, warnings = row
    return StageRow(number, stage, status, done, total, note, seconds, tuple(warnings))


def event(row: Sequence[Any]) -> JobEvent:
    """The event of a row of the columns ``EVENT``."""
    return JobEvent(*row)


def storable(value: Any) -> Any:
    """A text or JSON-able value as every database can hold it.

    PostgreSQL's texts have no NUL, UTF-8 has no lone surrogates, and JSON has no numbers that are not finite.
    """
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "replace").decode()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {storable(str(key)): storable(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [storable(one) for one in value]
    return value


def new_row(new: NewJob, id: str, now: Any) -> dict[str, Any]:
    """The columns of a new job."""
    film = new.film
    given = {
        name: storable(getattr(new, name))
        for name in ("owner", "kind", "parent", "source", "target", "profile", "settings", "start", "duration", "edits")
    }
    return {
        **given,
        "id": id,
        "status": "queued",
        "priority": FIRST if new.kind == "preview" else LATER,
        "film_name": storable(film.name),
        "film_place": film.place,
        "film_bytes": film.n_bytes,
        "film_duration": float(film.duration),
        "asked": storable(new.source),
        "outputs": [],
        "facts": {},
        "correlation": storable(new.correlation),
        "sequence": 1,
        "idempotency_key": storable(new.idempotency_key),
        "request": new.request,
        **dict.fromkeys(("queued", "due", "created", "changed"), now),
    }


def change(connection: Connection, chosen: Sequence[ColumnElement[bool]], now: Any, **values: Any) -> list[Row[Any]]:
    """Change jobs; what they are now, as rows of the columns ``JOB`` and then fence and worker."""
    asked = update(jobs).where(*chosen).values(changed=now, **values).returning(*JOB, jobs.c.fence, jobs.c.worker)
    return [*connection.execute(asked)]


def change_and_tell(
    connection: Connection, chosen: Sequence[ColumnElement[bool]], now: Any, kind: str, **values: Any
) -> list[Row[Any]]:
    """Change jobs as :func:`change` does, and add the event that tells of it to each."""
    rows = change(connection, chosen, now, sequence=jobs.c.sequence + 1, **values)
    if rows:
        added = [
            {"job": row.id, "sequence": row.sequence, "at": row.changed, "kind": kind, "data": _facts(kind, row)}
            for row in rows
        ]
        connection.execute(insert(events), added)
    return rows


def _facts(kind: str, row: Row[Any]) -> dict[str, Any]:
    if kind == "edited":
        return {"revision": row.revision}
    error = {"error": row.error, "error_type": row.error_type} if row.error else {}
    return {"status": row.status, **({"cancelling": True} if row.cancelling else {}), **error}


def put_back(
    connection: Connection, ids: Collection[str], status: str = "waiting", of: Sequence[str] = ("running",)
) -> None:
    """Give the stages of jobs that are in one of the states `of` another."""
    anew: dict[str, Any] = {"status": status}
    if status == "waiting":
        anew |= {"done": 0, "total": 0, "note": "", "seconds": 0.0, "warnings": [], "ended": None}
    connection.execute(update(stages).where(stages.c.job.in_(ids), stages.c.status.in_(of)).values(**anew))


def count(connection: Connection, database: Database, counted: Sequence[tuple[str, str, str, float]]) -> None:
    """Add one to tallies, each a kind, a stage, a label and what is added to its total."""
    dialect = sqlite if database.is_sqlite else postgresql
    new = dialect.insert(tallies)
    asked = new.on_conflict_do_update(
        index_elements=[tallies.c.kind, tallies.c.stage, tallies.c.label],
        set_={"count": tallies.c.count + 1, "total": tallies.c.total + new.excluded.total},
    )
    # In order: of two that wait for each other's rows PostgreSQL would end one.
    for kind, stage, label, total in sorted(counted):
        connection.execute(asked, {"kind": kind, "stage": stage, "label": label, "count": 1, "total": total})


def bound(seconds: float) -> str:
    """The label of the class that a stage's seconds fall in."""
    return f"{next(bound for bound in BOUNDS if seconds <= bound):g}"


def stages_of(connection: Connection, id: str) -> list[StageRow]:
    """A job's stages in order."""
    return [
        stage_row(row) for row in connection.execute(select(*STAGE).where(stages.c.job == id).order_by(stages.c.number))
    ]

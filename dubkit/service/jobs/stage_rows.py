"""The rows of a job's stages, as the events of its run change them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection, bindparam, update

from dubkit.progress import Event
from dubkit.service.jobs.job import StageRow
from dubkit.service.jobs.job_rows import bound, stages_of, storable
from dubkit.service.jobs.tables import stages


def told_of(connection: Connection, id: str, events: Sequence[Event], now: float) -> list[tuple[str, str, str, float]]:
    """Change a job's stages as events say.

    Parameters
    ----------
    connection : Connection
    id : str
        Of the job.
    events : sequence of Event
        In the order in which they came; those of things that are no stages change nothing.
    now : float
        When, in seconds since 1970.

    Returns
    -------
    list of tuple
        What is to be counted of stages that were done; see :func:`dubkit.service.jobs.job_rows.count`.
    """
    before = {row.stage: row for row in stages_of(connection, id)}
    after = dict(before)
    ended, counted = {}, []
    for event in events:
        if event.stage not in after:
            continue
        after[event.stage] = changed(after[event.stage], event)
        if event.status == "done":
            ended[event.stage] = now
            counted.append(("stage_seconds", event.stage, bound(event.seconds), event.seconds))
    _write(connection, id, [row for row in after.values() if row != before[row.stage]])
    for stage, at in ended.items():
        connection.execute(update(stages).where(stages.c.job == id, stages.c.stage == stage).values(ended=at))
    return counted


def changed(row: StageRow, event: Event) -> StageRow:
    """A stage after an event."""
    note = storable(event.note)
    if event.status == "started":
        return StageRow(row.number, row.stage, "running")
    if event.status == "progress":
        return replace(row, status="running", done=event.done, total=event.total, note=note, seconds=event.seconds)
    if event.status == "warning":
        return row if note in row.warnings else replace(row, warnings=(*row.warnings, note))
    if event.status == "reused" and row.status == "done":
        # An earlier attempt of this same job has done it: the time that it took is worth more.
        return row
    total = row.total if event.status != "reused" else 0
    done = total if event.status == "done" else row.done
    return replace(row, status=event.status, done=done, note=note, seconds=event.seconds)


def _write(connection: Connection, id: str, rows: list[StageRow]) -> None:
    if not rows:
        return
    names = ("status", "done", "total", "note", "seconds", "warnings")
    asked = update(stages).where(stages.c.job == bindparam("of"), stages.c.number == bindparam("n"))
    asked = asked.values({name: bindparam(f"new_{name}") for name in names})
    given = [{f"new_{name}": getattr(row, name) for name in names} | {"of": id, "n": row.number} for row in rows]
    connection.execute(asked, [{**one, "new_warnings": [*one["new_warnings"]]} for one in given])

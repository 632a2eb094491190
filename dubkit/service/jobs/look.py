"""The statement that pages and programs ask again and again: a job, its stages and its place in the queue, at once."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, Select, bindparam, case, func, literal, select, tuple_
from sqlalchemy.sql import ColumnElement

from dubkit.database import Database
from dubkit.service.jobs.job_rows import JOB, STAGE
from dubkit.service.jobs.tables import jobs, stages


def look_statement(database: Database) -> Select[Any]:
    """For the job of the parameter ``id``: the columns ``JOB``, ``stages`` as a list of lists, and ``place``."""
    columns: list[ColumnElement[Any]] = [*STAGE]
    if database.is_sqlite:
        columns[-1] = func.json(stages.c.warnings)
        together = func.json_group_array(func.json_array(*columns), type_=JSON)
    else:
        together = func.json_agg(func.json_build_array(*columns), type_=JSON)
    rows = select(together).where(stages.c.job == jobs.c.id).correlate(jobs).scalar_subquery()
    other = jobs.alias()
    first, mine = (tuple_(of.c.priority, of.c.queued, of.c.number) for of in (other, jobs))
    ahead = select(func.count()).select_from(other).where(other.c.status == "queued", first <= mine)
    place = case((jobs.c.status == "queued", ahead.correlate(jobs).scalar_subquery()), else_=literal(0))

    return select(*JOB, rows.label("stages"), place.label("place")).where(jobs.c.id == bindparam("id"))

"""Which films and dubs have been kept long enough, and which files in the storage belong to anything."""

from __future__ import annotations

from sqlalchemy import select

from dubkit.database import Database
from dubkit.record import Seconds
from dubkit.service.job import OVER, Job
from dubkit.service.job_rows import JOB, job
from dubkit.service.tables import jobs


def expired_films(database: Database, age: Seconds) -> list[Job]:
    """Jobs that are over and have a film that no job has used for `age` seconds."""
    other = jobs.alias()
    busy = other.c.status.not_in(OVER) | (other.c.changed > database.now - age)
    in_use = select(other.c.id).where(other.c.film_place == jobs.c.film_place, busy).exists()
    return _jobs(database, jobs.c.film_place != "", jobs.c.status.in_(OVER), ~in_use)


def expired_dubs(database: Database, age: Seconds) -> list[Job]:
    """Jobs that are over, and whose outputs nothing has happened to for `age` seconds."""
    return _jobs(database, jobs.c.dubbed.is_not(None), jobs.c.status.in_(OVER), jobs.c.changed <= database.now - age)


def places(database: Database) -> set[str]:
    """Every name in the storage that a job refers to: its film's and its outputs'."""
    rows = database.read(lambda connection: connection.execute(select(jobs.c.film_place, jobs.c.outputs)).all())
    return {place for film, outputs in rows for place in (film, *(output["place"] for output in outputs)) if place}


def _jobs(database: Database, *chosen: object) -> list[Job]:
    asked = select(*JOB).where(*chosen).order_by(jobs.c.number)  # type: ignore[arg-type]
    return database.read(lambda connection: [job(row) for row in connection.execute(asked)])

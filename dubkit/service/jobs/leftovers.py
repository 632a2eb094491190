"""Which films and dubs have been kept long enough, and which files in the storage belong to anything."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.sql import ColumnElement

from dubkit.database import Database
from dubkit.record import Seconds
from dubkit.service.jobs.job import OVER, Job
from dubkit.service.jobs.job_rows import JOB, change, job
from dubkit.service.jobs.tables import jobs


class Leftovers:
    """The part of :class:`dubkit.service.jobs.jobs.Jobs` that those who tidy up need."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def expired_films(self, age: Seconds) -> list[Job]:
        """Jobs that are over and have a film that no job has used for `age` seconds."""
        other = jobs.alias()
        busy = other.c.status.not_in(OVER) | (other.c.changed > self._database.now - age)
        in_use = select(other.c.id).where(other.c.film_place == jobs.c.film_place, busy).exists()
        return self._over(jobs.c.film_place != "", ~in_use)

    def expired_dubs(self, age: Seconds) -> list[Job]:
        """Jobs that are over, with outputs, and to which nothing has happened for `age` seconds."""
        return self._over(jobs.c.dubbed.is_not(None), jobs.c.changed <= self._database.now - age)

    def expired_previews(self, age: Seconds) -> list[Job]:
        """Previews that are over, and to which nothing has happened for `age` seconds."""
        return self._over(jobs.c.kind == "preview", jobs.c.changed <= self._database.now - age)

    def forget_film(self, id: str) -> bool:
        """Note that a job's film is gone; False where the job is at work or gone."""
        return self._forget(id, film_place="")

    def forget_outputs(self, id: str) -> bool:
        """Note that a job's outputs are gone; False where the job is at work or gone."""
        return self._forget(id, outputs=[], dubbed=None)

    def places(self) -> set[str]:
        """Every name in the storage that a job refers to: its film's and its outputs'."""
        asked = select(jobs.c.film_place, jobs.c.outputs)
        rows = self._database.read(lambda connection: connection.execute(asked).all())
        return {place for film, outputs in rows for place in (film, *(output["place"] for output in outputs)) if place}

    def _over(self, *chosen: ColumnElement[bool]) -> list[Job]:
        asked = select(*JOB).where(jobs.c.status.in_(OVER), *chosen).order_by(jobs.c.number)
        return self._database.read(lambda connection: [job(row) for row in connection.execute(asked)])

    def _forget(self, id: str, **values: Any) -> bool:
        chosen = [jobs.c.id == id, jobs.c.status.in_(OVER)]
        # That nobody used it for long is no news of it.
        return bool(self._database.write(lambda connection: change(connection, chosen, jobs.c.changed, **values)))

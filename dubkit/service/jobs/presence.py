"""Which workers there are: a row for each, which it touches now and then."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from dubkit.database import Database
from dubkit.record import Seconds
from dubkit.service.jobs.job_rows import storable
from dubkit.service.jobs.tables import workers

SEEN: Seconds = 5.0
"""How often a worker lets itself be heard of."""

LIVE: Seconds = 30.0
"""A worker that was not heard of for so long is not counted on."""

FORGOTTEN: Seconds = 24 * 3600.0
"""After how long a silent worker's row is removed."""


@dataclass(frozen=True)
class Worker:
    """A process that does jobs.

    Parameters
    ----------
    id : str
    started, seen : float
        When it was first and last heard of, in seconds since 1970.
    report : dict
        What it said of itself last.
    """

    id: str
    started: float
    seen: float
    report: dict[str, Any]


class Presence:
    """The workers in a database that has the service's tables."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._heard: dict[str, float] = {}

    def hear(self, worker: str) -> None:
        """Write down that a worker is there, unless that was done just now."""
        if time.monotonic() - self._heard.get(worker, -SEEN) >= SEEN:
            self._heard[worker] = time.monotonic()
            self._touch(worker)

    def report(self, worker: str, report: Mapping[str, Any]) -> None:
        """Write down what a worker says of itself."""
        self._touch(worker, report=storable(report))

    def leave(self, worker: str) -> None:
        """Write down that a worker has ended."""
        self._database.write(lambda connection: connection.execute(delete(workers).where(workers.c.id == worker)))

    def all(self) -> list[Worker]:
        """Those that were heard of lately, the oldest first."""
        c = workers.c
        asked = select(c.id, c.started, c.seen, c.report).where(c.seen > self._database.now - LIVE)
        asked = asked.order_by(c.started, c.id)
        return self._database.read(lambda connection: [Worker(*row) for row in connection.execute(asked)])

    def _touch(self, worker: str, **values: Any) -> None:
        now = self._database.now
        dialect = sqlite if self._database.is_sqlite else postgresql
        row = {"id": worker, "started": now, "seen": now, "report": {}, **values}
        asked = dialect.insert(workers).values(**row)
        asked = asked.on_conflict_do_update(index_elements=[workers.c.id], set_={"seen": now, **values})
        stale = delete(workers).where(workers.c.seen < now - FORGOTTEN)

        def work(connection: Connection) -> None:
            connection.execute(asked)
            connection.execute(stale)

        self._database.write(work)


def live(connection: Connection, database: Database) -> int:
    """How many workers were heard of lately."""
    asked = select(func.count()).select_from(workers).where(workers.c.seen > database.now - LIVE)
    return connection.scalar(asked) or 0

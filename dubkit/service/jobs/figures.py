"""What the jobs of a service add up to: how fast stages are, how long the queue is, how much was done and what failed."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from dubkit.database import Database
from dubkit.record import Seconds
from dubkit.service.jobs.job import PACES, StageRow, seconds_left
from dubkit.service.jobs.job_rows import BOUNDS, FIRST, LATER, STAGE, stage_row
from dubkit.service.jobs.presence import live
from dubkit.service.jobs.tables import jobs, stages, tallies

RECENT = 50
"""Films that the pace of a stage is taken from."""

PACES_SECONDS = 60.0
"""How long paces are taken for known."""

WAITS_SECONDS = 1.0
"""How long the queue is taken for known: many ask at once."""

TALLY = (tallies.c.kind, tallies.c.stage, tallies.c.label, tallies.c.count, tallies.c.total)

REDONE = ("synthesize", "assemble", "combine")
"""What a corrected dub and a preview have to do, of a few lines only; the rest is found done."""


@dataclass(frozen=True)
class StageTimes:
    """How long a stage took: `counts` by the bounds in ``BOUNDS``, each without those below it, and `total` seconds."""

    counts: dict[float, int]
    total: Seconds


@dataclass(frozen=True)
class Counts:
    """What a service has done and has to do.

    Parameters
    ----------
    jobs : dict
        How many by (status, source, target), the source empty where it is not known.
    errors : dict
        How many failures by (stage, type), those of removed jobs and of attempts that were repeated included.
    stages : dict of str to StageTimes
        Of work that was done and not found done, since the beginning.
    active, waiting, workers : int
        Jobs at work, jobs in the queue, workers that were heard of lately.
    """

    jobs: dict[tuple[str, str, str], int]
    errors: dict[tuple[str, str], int]
    stages: dict[str, StageTimes]
    active: int
    waiting: int
    workers: int


class Paces:
    """Seconds that stages take per second of film, taken anew from the last films once a minute."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known = dict(PACES)
        self._until = 0.0

    def now(self) -> dict[str, float]:
        """By stage; :data:`dubkit.service.jobs.job.PACES` where there was no film yet."""
        if time.monotonic() >= self._until:
            self._known = {**PACES, **self._database.read(_measured)}
            self._until = time.monotonic() + PACES_SECONDS
        return self._known


def _measured(connection: Connection) -> dict[str, float]:
    found = {}
    # A film that was corrected found most of its lines spoken: that says nothing of a new one.
    first = [jobs.c.id == stages.c.job, jobs.c.kind == "dub", jobs.c.revision == 0, stages.c.ended.is_not(None)]
    for stage in PACES:
        length = func.coalesce(jobs.c.duration, jobs.c.film_duration).label("length")
        last = select(stages.c.seconds, length).where(stages.c.stage == stage, *first)
        recent = last.order_by(stages.c.ended.desc()).limit(RECENT).subquery()
        asked = select(func.sum(recent.c.seconds), func.sum(recent.c.length))
        seconds, whole = connection.execute(asked).one()
        if whole:
            found[stage] = seconds / whole
    return found


class Waits:
    """How long waiting jobs have to wait for their turn: the work ahead of them, shared by the workers that are there."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, Seconds] = {}
        self._until = 0.0

    def seconds(self, id: str, paces: dict[str, float]) -> Seconds:
        """Of a job, when stages take so many seconds per second of film; 0 where it does not wait."""
        if time.monotonic() >= self._until or id not in self._known:
            self._known = self._database.read(lambda connection: self._measured(connection, paces))
            self._until = time.monotonic() + WAITS_SECONDS
        return self._known.get(id, 0.0)

    def _measured(self, connection: Connection, paces: dict[str, float]) -> dict[str, Seconds]:
        length = func.coalesce(jobs.c.duration, jobs.c.film_duration)
        running = select(*STAGE, jobs.c.id, length).where(jobs.c.status == "running", jobs.c.id == stages.c.job)
        rows: defaultdict[tuple[str, float], list[StageRow]] = defaultdict(list)
        for row in connection.execute(running):
            rows[row[-2], row[-1]].append(stage_row(row[:-2]))
        ahead = sum(seconds_left(of, film, paces) for (_, film), of in rows.items())
        each = {FIRST: sum(paces[stage] for stage in REDONE), LATER: sum(paces.values())}
        queue = select(jobs.c.id, jobs.c.priority, length).where(jobs.c.status == "queued")
        n_workers = max(1, live(connection, self._database))
        found = {}
        for id, priority, film in connection.execute(queue.order_by(jobs.c.priority, jobs.c.queued, jobs.c.number)):
            found[id] = ahead / n_workers
            ahead += each[priority] * film
        return found


def counts(database: Database) -> Counts:
    """All of it at once."""

    def work(connection: Connection) -> Counts:
        by = [jobs.c.status, func.coalesce(jobs.c.source, ""), jobs.c.target]
        found = {
            (row[0], row[1], row[2]): row[3] for row in connection.execute(select(*by, func.count()).group_by(*by))
        }
        errors, times = {}, {stage: StageTimes(dict.fromkeys(BOUNDS, 0), 0.0) for stage in PACES}
        for kind, stage, label, count, total in connection.execute(select(*TALLY)):
            if kind == "errors":
                errors[stage, label] = count
            elif stage in times:
                of = times[stage]
                times[stage] = StageTimes({**of.counts, float(label): count}, of.total + total)
        active, waiting = (sum(n for key, n in found.items() if key[0] == status) for status in ("running", "queued"))
        return Counts(found, errors, times, active, waiting, live(connection, database))

    return database.read(work)

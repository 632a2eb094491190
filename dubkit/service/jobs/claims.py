"""What workers do with jobs: claim one, keep it, tell how far it is, and end it.

A worker claims a job for so many seconds and beats to keep it. A job whose worker died is another's once its lease has
run out; a worker that was merely slow finds its claim void, and changes nothing. So whatever hands jobs to workers may
lose them, or hand them over twice.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from sqlalchemy import Connection, Select, String, and_, case, cast, func, insert, literal, or_, select, update
from sqlalchemy.sql import ColumnElement

from dubkit.database import Database
from dubkit.progress import Event
from dubkit.record import Seconds
from dubkit.service.jobs.job import Claim, Job, Output
from dubkit.service.jobs.job_rows import change_and_tell, count, job, put_back, storable
from dubkit.service.jobs.presence import Presence, Worker
from dubkit.service.jobs.stage_rows import told_of
from dubkit.service.jobs.tables import events as event_table
from dubkit.service.jobs.tables import jobs

DIED = "WorkerDied"
"""The type of the error where a worker was lost again and again."""


class Claims:
    """The jobs in a database that has the service's tables, as workers see them; many threads may use it at once.

    Parameters
    ----------
    database : Database
    attempts : int
        How often a job is tried: one whose worker was lost that often is not claimed any more.
    """

    def __init__(self, database: Database, attempts: int = 3) -> None:
        self._database = database
        self._now = database.now
        self._attempts = attempts
        self._presence = Presence(database)

    @property
    def database(self) -> Database:
        """Where they are."""
        return self._database

    def next(self, worker: str, seconds: Seconds) -> Claim | None:
        """Take the job whose turn it is, for so many seconds; None where there is none.

        A job whose worker was lost comes first; then previews and corrected dubs before new films, and of those the
        oldest. Of many who ask at once, each gets another.
        """
        self._presence.hear(worker)
        for free in (self._lost, self._waiting):
            first = select(jobs.c.number).where(free).order_by(jobs.c.priority, jobs.c.queued, jobs.c.number).limit(1)
            if claim := self._first(first, free, worker, seconds):
                return claim
        return None

    def take(self, id: str, worker: str, seconds: Seconds) -> Claim | None:
        """Take that job for so many seconds, if it waits and is due, or its lease ran out; else None."""
        self._presence.hear(worker)
        return self._claim([jobs.c.id == storable(id), or_(self._waiting, self._lost)], worker, seconds)

    def beat(self, claim: Claim, seconds: Seconds) -> Literal["held", "cancel", "lost"]:
        """Keep a job for so many seconds from now.

        Returns
        -------
        str
            ``cancel`` where its owner wants it stopped, ``lost`` where it is no longer this claim's.
        """
        self._presence.hear(claim.worker)
        asked = update(jobs).where(*_held(claim)).values(due=self._now + seconds).returning(jobs.c.cancelling)
        row = self._database.write(lambda connection: connection.execute(asked).one_or_none())
        return "lost" if row is None else "cancel" if row.cancelling else "held"

    def tell(self, claim: Claim, events: Sequence[Event]) -> bool:
        """Write down what happened in a job's stages; False where the claim is void, and then nothing is."""
        if not events:
            return True
        stage = storable(events[-1].stage)

        def work(connection: Connection) -> bool:
            new = {"sequence": jobs.c.sequence + len(events), "stage": stage, "changed": self._now}
            asked = update(jobs).where(*_held(claim)).values(**new).returning(jobs.c.sequence, jobs.c.changed)
            row = connection.execute(asked).one_or_none()
            if row is None:
                return False
            added = [
                {
                    "job": claim.job.id,
                    "sequence": row.sequence - len(events) + n,
                    "at": row.changed,
                    "kind": "stage",
                    "data": storable(dataclasses.asdict(event)),
                }
                for n, event in enumerate(events, 1)
            ]
            connection.execute(insert(event_table), added)
            count(connection, self._database, told_of(connection, claim.job.id, events, row.changed))
            return True

        return self._database.write(work)

    def finish(self, claim: Claim, outputs: Sequence[Output], facts: Mapping[str, Any], source: str | None) -> bool:
        """Note that a job is done; False where the claim is void, and then nothing is changed.

        Parameters
        ----------
        claim : Claim
        outputs : sequence of Output
        facts : mapping
            See :class:`~dubkit.service.jobs.job.Job`.
        source : str or None
            The film's language, where it was found out.
        """
        done = {
            "status": "completed",
            "outputs": [storable(dataclasses.asdict(output)) for output in outputs],
            "facts": storable(facts),
            "dubbed": claim.job.revision,
            "source": func.coalesce(storable(source), jobs.c.source),
            "error": "",
            "error_type": "",
            "finished": self._now,
        }
        # Where the answer to this same change was lost, it is done: nobody else can have done it in this claim.
        mine = [jobs.c.id == claim.job.id, jobs.c.fence == claim.fence, jobs.c.status == "completed"]
        asked = select(jobs.c.number).where(*mine)
        return self._end(claim, done) or bool(self._database.read(lambda connection: connection.execute(asked).all()))

    def fail(self, claim: Claim, error_type: str, error: str, again_in: Seconds | None) -> bool:
        """Give a job up: for so many seconds, or for good where `again_in` is None.

        One that is to stop is cancelled. False where the claim is void, and then nothing is changed.
        """
        given_up = "failed" if again_in is None else "queued"
        ended = {
            "status": case((jobs.c.cancelling, "cancelled"), else_=given_up),
            "due": self._now + (again_in or 0.0),
            "error": case((jobs.c.cancelling, ""), else_=storable(error)),
            "error_type": case((jobs.c.cancelling, ""), else_=storable(error_type)),
            "finished": case((jobs.c.cancelling, self._now), else_=self._now if again_in is None else None),
        }
        return self._end(claim, ended)

    def cancelled(self, claim: Claim) -> bool:
        """Note that a job was stopped because its owner wanted it; False where the claim is void."""
        return self._end(claim, {"status": "cancelled", "finished": self._now})

    def release(self, claim: Claim) -> bool:
        """Let a job wait whose worker has to end: the attempt does not count; False where the claim is void."""
        freed = {
            "status": case((jobs.c.cancelling, "cancelled"), else_="queued"),
            "attempts": jobs.c.attempts - 1,
            "due": self._now,
            "finished": case((jobs.c.cancelling, self._now), else_=None),
        }
        return self._end(claim, freed)

    def overdue(self, most: int | None = None) -> list[Job]:
        """Take jobs from workers whose lease ran out.

        They wait again; those with `most` attempts fail for good, and those that were to stop are cancelled.

        Parameters
        ----------
        most : int, optional
            By default the number of attempts that these claims have.

        Returns
        -------
        list of Job
            Those jobs, as they are now.
        """
        late = [jobs.c.status == "running", jobs.c.due <= self._now]
        often = literal("Its worker died ") + cast(jobs.c.attempts, String) + literal(" times.")
        reason = case((jobs.c.attempts == 1, "Its worker died."), else_=often)
        died = {"error": reason, "error_type": DIED}
        tried = jobs.c.attempts >= (self._attempts if most is None else most)

        def work(connection: Connection) -> list[Any]:
            return [
                *self._ended(connection, [*late, jobs.c.cancelling], status="cancelled", finished=self._now),
                *self._ended(
                    connection, [*late, ~jobs.c.cancelling, tried], status="failed", finished=self._now, **died
                ),
                # A lease may run out between these statements: one of the others' is not taken here.
                *self._ended(connection, [*late, ~jobs.c.cancelling, ~tried], status="queued", **died),
            ]

        # Nobody has to wait for a turn where there is nothing to do.
        if not self._database.read(lambda connection: connection.execute(select(jobs.c.number).where(*late)).all()):
            return []
        return [job(row) for row in self._database.write(work)]

    def due(self) -> list[str]:
        """Ids of the jobs that wait and are due, the next one first."""
        asked = select(jobs.c.id).where(jobs.c.status == "queued", jobs.c.due <= self._now)
        asked = asked.order_by(jobs.c.priority, jobs.c.queued, jobs.c.number)
        return self._database.read(lambda connection: [*connection.scalars(asked)])

    def report(self, worker: str, report: Mapping[str, Any]) -> None:
        """Write down what a worker says of itself, such as the models that it has."""
        self._presence.report(worker, report)

    def leave(self, worker: str) -> None:
        """Write down that a worker has ended."""
        self._presence.leave(worker)

    def workers(self) -> list[Worker]:
        """The workers that were heard of lately."""
        return self._presence.all()

    @property
    def _waiting(self) -> ColumnElement[bool]:
        return and_(jobs.c.status == "queued", jobs.c.due <= self._now)

    @property
    def _lost(self) -> ColumnElement[bool]:
        """Jobs whose worker was lost, and that may be tried again."""
        again = [~jobs.c.cancelling, jobs.c.attempts < self._attempts]
        return and_(jobs.c.status == "running", jobs.c.due <= self._now, *again)

    def _first(
        self, first: Select[tuple[int]], free: ColumnElement[bool], worker: str, seconds: Seconds
    ) -> Claim | None:
        # Who only looks stands in nobody's way.
        if self._database.read(lambda connection: connection.scalar(first)) is None:
            return None
        mine = jobs.c.number == first.with_for_update(skip_locked=True).scalar_subquery()
        return self._claim([mine, free], worker, seconds)

    def _claim(self, chosen: list[ColumnElement[bool]], worker: str, seconds: Seconds) -> Claim | None:
        taken = {
            "status": "running",
            "worker": worker,
            "attempts": jobs.c.attempts + 1,
            "fence": jobs.c.fence + 1,
            "due": self._now + seconds,
            "started": func.coalesce(jobs.c.started, self._now),
            "stage": "",
            "error": "",
            "error_type": "",
        }

        def work(connection: Connection) -> list[Any]:
            rows = change_and_tell(connection, chosen, self._now, "status", **taken)
            put_back(connection, [row.id for row in rows], of=("running", "failed"))
            return rows

        rows = self._database.write(work)
        return Claim(job(rows[0]), worker, rows[0].attempts, rows[0].fence) if rows else None

    def _end(self, claim: Claim, values: Mapping[str, Any]) -> bool:
        return bool(self._database.write(lambda connection: self._ended(connection, _held(claim), **values)))

    def _ended(self, connection: Connection, chosen: list[ColumnElement[bool]], **values: Any) -> list[Any]:
        """Take jobs from their workers."""
        rows = change_and_tell(connection, chosen, self._now, "status", cancelling=False, **values)
        failed = [row for row in rows if row.error]
        for status in ("waiting", "failed"):
            ids = [row.id for row in rows if (row.status == "failed") == (status == "failed")]
            if ids:
                put_back(connection, ids, status)
        count(connection, self._database, [("errors", row.stage, row.error_type, 0.0) for row in failed])
        return rows


def _held(claim: Claim) -> list[ColumnElement[bool]]:
    """The job of a claim, as long as it is this claim's."""
    return [jobs.c.id == claim.job.id, jobs.c.status == "running", jobs.c.fence == claim.fence]

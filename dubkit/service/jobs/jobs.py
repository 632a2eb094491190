"""The jobs of a service, as their owners and the pages ask for them. What workers do is in :mod:`dubkit.service.jobs.claims`."""

from __future__ import annotations

import builtins
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Select, and_, case, delete, false, func, insert, or_, select, true
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql import ColumnElement

from dubkit.database import Database
from dubkit.edits import Edits
from dubkit.record import Seconds
from dubkit.service.jobs import figures
from dubkit.service.jobs.figures import Counts
from dubkit.service.jobs.job import OVER, Conflict, Job, JobEvent, Kind, NewJob, NoSuchJob, StageRow, Status
from dubkit.service.jobs.job_rows import (
    EVENT,
    FIRST,
    JOB,
    STAGES,
    change_and_tell,
    event,
    job,
    new_row,
    put_back,
    stage_row,
    stages_of,
    storable,
)
from dubkit.service.jobs.leftovers import Leftovers
from dubkit.service.jobs.look import look_statement
from dubkit.service.jobs.tables import events, jobs, stages

WATCHED = 200
"""Jobs whose news one statement asks for."""

NEWS = 5000
"""The most events that one answer holds; who asks again gets the next."""


class Jobs(Leftovers):
    """All jobs in a database that has the service's tables; many threads may use it at once."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._now = database.now
        self._paces, self._waits = figures.Paces(database), figures.Waits(database)
        self._look = look_statement(database)

    def add(self, new: NewJob) -> tuple[Job, bool]:
        """Queue a job.

        Returns
        -------
        tuple of (Job, bool)
            The job, and whether it is new: False for what the same owner's earlier request with that key has made.

        Raises
        ------
        Conflict
            If that request was another.
        """
        # Not made in the transaction: where its answer was lost, the second finds the job of the first.
        id = secrets.token_hex(12)

        def work(connection: Connection) -> tuple[Job, bool]:
            dialect = sqlite if self._database.is_sqlite else postgresql
            asked = dialect.insert(jobs).values(**new_row(new, id, self._now)).on_conflict_do_nothing().returning(*JOB)
            row = connection.execute(asked).one_or_none()
            if row is None:
                mine = or_(jobs.c.id == id, _keyed(new.owner, new.idempotency_key or ""))
                earlier = job(connection.execute(select(*JOB).where(mine)).one())
                return earlier, earlier.id == id
            rows = [
                {"job": id, "number": n, "stage": name, "status": "waiting", "warnings": []}
                for n, name in enumerate(STAGES)
            ]
            connection.execute(insert(stages), rows)
            first = {"job": id, "sequence": 1, "at": row.created, "kind": "status", "data": {"status": "queued"}}
            connection.execute(insert(events), first)
            return job(row), True

        made, is_new = self._database.write(work)
        if not is_new and new.idempotency_key is not None:
            self.submitted(new.owner, new.idempotency_key, new.request)
        return made, is_new

    def submitted(self, owner: str, idempotency_key: str, request: str) -> Job | None:
        """The job that an owner's earlier request with that key has made.

        Parameters
        ----------
        owner, idempotency_key : str
        request : str
            What :class:`NewJob` has of it, or the beginning of that where not all is known.

        Raises
        ------
        Conflict
            If that request was another.
        """
        found = self._rows(select(*JOB, jobs.c.request).where(_keyed(owner, idempotency_key)))
        if found and not found[0].request.startswith(request):
            raise Conflict(
                "This idempotency key came with another request before. Give each request a key of its own, and the same one "
                "only when it is sent again."
            )
        return job(found[0]) if found else None

    def find(self, id: str, owner: str | None = None) -> Job:
        """A job; with an owner, only if it is theirs.

        Raises
        ------
        NoSuchJob
            If there is none.
        """
        found = self._rows(select(*JOB).where(*_of(id, owner)))
        if not found:
            raise _no_such(id)
        return job(found[0])

    def list(
        self,
        owner: str | None,
        status: Sequence[Status] = (),
        kind: Kind | None = "dub",
        limit: int = 50,
        before: str | None = None,
    ) -> list[Job]:
        """Jobs, newest first.

        Parameters
        ----------
        owner : str or None
            Whose; None is everybody's.
        status : sequence of str
            Only jobs that are in one of these; empty for all.
        kind : str or None
            Only this kind; None for both.
        limit : int
        before : str, optional
            Only jobs older than the one of this id: the last one of the page before.

        Raises
        ------
        NoSuchJob
            If there is no job `before`.
        """
        asked = select(*JOB).order_by(jobs.c.number.desc()).limit(limit)
        if owner is not None:
            asked = asked.where(jobs.c.owner == owner)
        if status:
            asked = asked.where(jobs.c.status.in_(status))
        if kind is not None:
            asked = asked.where(jobs.c.kind == kind)
        if before is not None:
            found = self._rows(select(jobs.c.number).where(*_of(before, owner)))
            if not found:
                raise _no_such(before)
            asked = asked.where(jobs.c.number < found[0].number)
        return [job(row) for row in self._rows(asked)]

    def stages(self, id: str) -> builtins.list[StageRow]:
        """A job's stages in order; empty where there is no such job."""
        return self._database.read(lambda connection: stages_of(connection, id))

    def look(self, id: str, owner: str | None) -> tuple[Job, builtins.list[StageRow], int]:
        """A job, its stages, and its place in the queue: 1 is next, 0 does not wait.

        Raises
        ------
        NoSuchJob
            If there is none, or it is not this owner's.
        """
        what = {"id": storable(id)}
        row = self._database.read(lambda connection: connection.execute(self._look, what).one_or_none())
        if row is None or (owner is not None and row.owner != owner):
            raise _no_such(id)
        return job(row), sorted((stage_row(one) for one in row.stages), key=lambda one: one.number), row.place

    def waiting_seconds(self, job: Job) -> Seconds:
        """How long a waiting job has to wait for its turn, as far as can be told; 0 for others."""
        return self._waits.seconds(job.id, self.paces())

    def paces(self) -> dict[str, float]:
        """Seconds that each stage takes per second of film, as it was with the last films."""
        return self._paces.now()

    def counts(self) -> Counts:
        """How many jobs there are of what kind, what failed, and how long stages took."""
        return figures.counts(self._database)

    def events(self, id: str, after: int = 0, limit: int = 500) -> builtins.list[JobEvent]:
        """What happened to a job after the event of that number, the oldest first."""
        chosen = [events.c.job == storable(id), events.c.sequence > after]
        return [
            event(row) for row in self._rows(select(*EVENT).where(*chosen).order_by(events.c.sequence).limit(limit))
        ]

    def news(self, after: Mapping[str, int]) -> dict[str, builtins.list[JobEvent]]:
        """What happened to many jobs since: by id, where anything did.

        Parameters
        ----------
        after : mapping of str to int
            By id of the job: the number of the last event that is known.
        """

        def work(connection: Connection) -> dict[str, builtins.list[JobEvent]]:
            found: dict[str, builtins.list[JobEvent]] = {}
            known = connection.execute(select(jobs.c.id, jobs.c.sequence).where(jobs.c.id.in_(after)))
            # Of many that are watched, few have news.
            fresh = [id for id, sequence in known if sequence > after[id]]
            for start in range(0, len(fresh), WATCHED):
                each = [
                    and_(events.c.job == id, events.c.sequence > after[id]) for id in fresh[start : start + WATCHED]
                ]
                asked = select(*EVENT, events.c.job).where(or_(*each)).order_by(events.c.job, events.c.sequence)
                for row in connection.execute(asked.limit(NEWS)):
                    found.setdefault(row.job, []).append(event(row[:-1]))
            return found

        return self._database.read(work)

    def edit(self, id: str, owner: str | None, edits: Mapping[str, Edits], expected: int) -> Job:
        """Replace a job's corrections.

        Parameters
        ----------
        id, owner : str
        edits : mapping
            By stage: all of them, those of before that stay included.
        expected : int
            The revision that they were made to.

        Raises
        ------
        NoSuchJob
            If there is none, or it is not this owner's.
        Conflict
            If it has another revision by now, waits or runs.
        """
        chosen = [*_of(id, owner), jobs.c.status.in_(OVER), jobs.c.revision == expected]

        def work(connection: Connection) -> builtins.list[Any]:
            return change_and_tell(
                connection, chosen, self._now, "edited", edits=storable(edits), revision=jobs.c.revision + 1
            )

        if rows := self._database.write(work):
            return job(rows[0])
        now = self.find(id, owner)
        if not now.is_over:
            raise _busy(now, "corrected")
        raise Conflict(
            f"These corrections were made to revision {expected}, and it is {now.revision} by now: somebody else was faster. "
            "Load the lines again, and correct those."
        )

    def again(self, id: str, owner: str | None) -> Job:
        """Queue a job once more, with its corrections; the outputs of its last dub stay until the next is there.

        Raises
        ------
        NoSuchJob
            If there is none, or it is not this owner's.
        Conflict
            If it waits or runs, or its film is no longer kept.
        """
        chosen = [*_of(id, owner), jobs.c.status.in_(OVER), jobs.c.film_place != ""]
        anew = {
            "status": "queued",
            "priority": case((jobs.c.dubbed.is_not(None), FIRST), else_=jobs.c.priority),
            "queued": self._now,
            "due": self._now,
            "attempts": 0,
            "cancelling": False,
            "stage": "",
            "error": "",
            "error_type": "",
            "started": None,
            "finished": None,
        }

        def work(connection: Connection) -> builtins.list[Any]:
            rows = change_and_tell(connection, chosen, self._now, "status", **anew)
            put_back(connection, [row.id for row in rows], of=("done", "reused", "failed", "running"))
            return rows

        if rows := self._database.write(work):
            return job(rows[0])
        now = self.find(id, owner)
        if not now.is_over:
            raise _busy(now, "started again")
        raise Conflict("The film is no longer kept here. Hand it in again.")

    def cancel(self, id: str, owner: str | None) -> Job:
        """Stop a job: at once where it waits, soon where it runs; one that is over stays as it is.

        Raises
        ------
        NoSuchJob
            If there is none, or it is not this owner's.
        """
        chosen = [*_of(id, owner), jobs.c.status.in_(("queued", "running")), ~jobs.c.cancelling]
        waits = jobs.c.status == "queued"
        # In one statement: a job may go from one state to the other at any moment.
        stopped = {
            "status": case((waits, "cancelled"), else_=jobs.c.status),
            "finished": case((waits, self._now), else_=jobs.c.finished),
            "cancelling": case((waits, false()), else_=true()),
        }
        rows = self._database.write(
            lambda connection: change_and_tell(connection, chosen, self._now, "status", **stopped)
        )
        return job(rows[0]) if rows else self.find(id, owner)

    def delete(self, id: str, owner: str | None) -> Job:
        """Forget a job and its previews; what it was, so that its files can be removed.

        Raises
        ------
        NoSuchJob
            If there is none, or it is not this owner's.
        Conflict
            If it runs.
        """
        chosen = [*_of(id, owner), jobs.c.status != "running"]

        def work(connection: Connection) -> Job | None:
            row = connection.execute(delete(jobs).where(*chosen).returning(*JOB)).one_or_none()
            if row is None:
                return None
            previews = connection.scalars(delete(jobs).where(jobs.c.parent == row.id).returning(jobs.c.id))
            gone = [row.id, *previews]
            for table in (stages, events):
                connection.execute(delete(table).where(table.c.job.in_(gone)))
            return job(row)

        if (deleted := self._database.write(work)) is not None:
            return deleted
        raise _busy(self.find(id, owner), "removed", "Cancel it first.")

    def n_waiting(self, owner: str) -> int:
        """How many of an owner's jobs wait, previews included."""
        asked = select(func.count()).where(jobs.c.status == "queued", jobs.c.owner == owner)
        return self._database.read(lambda connection: connection.scalar(asked)) or 0

    def previews(self, id: str) -> builtins.list[Job]:
        """The previews made of a job, newest first."""
        asked = select(*JOB).where(jobs.c.parent == storable(id)).order_by(jobs.c.number.desc())
        return [job(row) for row in self._rows(asked)]

    def _rows(self, asked: Select[Any]) -> Sequence[Any]:
        return self._database.read(lambda connection: connection.execute(asked).all())


def _of(id: str, owner: str | None) -> list[ColumnElement[bool]]:
    mine = [] if owner is None else [jobs.c.owner == owner]
    # An id may come from anybody.
    return [jobs.c.id == storable(id), *mine]


def _keyed(owner: str, key: str) -> ColumnElement[bool]:
    return and_(jobs.c.owner == storable(owner), jobs.c.idempotency_key == storable(key))


def _no_such(id: str) -> NoSuchJob:
    return NoSuchJob(f"There is no job {id[:40]!r} of yours. Is it spelled right, and was it not removed?")


def _busy(now: Job, what: str, remedy: str = "Wait until it is done, or cancel it.") -> Conflict:
    # It may have ended since it was found busy: then the same is allowed a moment later.
    doing = "waits for its turn" if now.status == "queued" else "is being worked on"
    return Conflict(f"This job {doing}: it cannot be {what} now. {remedy}")

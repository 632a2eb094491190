"""What has become of every row of a batch: a table in a database, with leases.

A worker claims a row for so many seconds and beats to keep it. A row whose worker died is free again when its lease has
run out; a worker that was merely slow finds its claim void and changes nothing. So whatever hands rows to workers may
lose them, or hand them over twice. All times are by the database's clock: workers' own may differ.

>>> ledger = Ledger("out/ledger.sqlite")                                # doctest: +SKIP
>>> ledger.enrol("talks", [("monday", {"video": "monday.mp4"})])        # doctest: +SKIP
>>> claim = ledger.claim("talks", "monday", worker="host-1", seconds=30)  # doctest: +SKIP
>>> ledger.finish(claim, {"lines": 12}, seconds=80.2)                   # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from dubkit.batch import ledger_table
from dubkit.database import Database

if TYPE_CHECKING:
    from sqlalchemy import Connection
    from sqlalchemy.sql import ColumnElement

State = Literal["waiting", "running", "done", "failed"]

FIRST_PATIENCE = 5.0
"""Seconds to wait for the database at first: who gave a wrong address should soon be told."""

CHUNK = 1000
"""Rows per statement, under every database's limit of parameters."""


@dataclass(frozen=True)
class Entry:
    """One row of a batch, as the ledger has it.

    Parameters
    ----------
    id : str
        The row's name within its batch.
    number : int
        Its place in the order of enrolment, from 0.
    state : str
        ``waiting``, ``running``, ``done`` or ``failed``.
    attempts : int
        How often it was claimed, the present claim included.
    worker, note : str
        Who has or had it last, and what that worker said last.
    reason : str
        Why the last attempt failed; empty where none did.
    due : float
        Seconds from now until it may be claimed (``waiting``), or until its lease runs out (``running``); 0 or less
        where that has come.
    seconds : float
        How long the last attempt took, or has been running so far.
    result : dict
        What :meth:`Ledger.finish` was given; empty before.
    payload : dict
        What the row was enrolled with.
    """

    id: str
    number: int
    state: State
    attempts: int
    worker: str
    note: str
    reason: str
    due: float
    seconds: float
    result: dict[str, Any]
    payload: dict[str, Any]


@dataclass(frozen=True)
class Claim:
    """The right to work on a row, until its lease runs out.

    Parameters
    ----------
    batch, row : str
        Which row.
    attempt : int
        From 1.
    payload : dict
        What the row was enrolled with.
    fence : int
        Tells this claim from all others ever made on the row.
    """

    batch: str
    row: str
    attempt: int
    payload: dict[str, Any]
    fence: int


class Ledger:
    """The rows of batches, in a database that every worker reaches.

    Parameters
    ----------
    url : str
        The path of an SQLite file, ``sqlite:///path`` or ``postgresql://user:password@host/database``. SQLite serves
        the processes of one machine, PostgreSQL many machines.

    Raises
    ------
    BadInput
        If the URL is of neither kind.
    MissingModel
        If the database's package is not installed.
    DatabaseAway
        If the database does not answer.
    OutOfSpace
        If the file cannot be opened or written.
    """

    def __init__(self, url: str) -> None:
        self._database = Database(url, "ledger", "the same command with --resume goes on")
        self._rows = ledger_table.table()
        self._now = self._database.now
        self._database.patiently(lambda: ledger_table.create(self._database.engine), FIRST_PATIENCE)

    def __str__(self) -> str:
        return str(self._database)

    def close(self) -> None:
        """Give back all connections."""
        self._database.engine.dispose()

    def enrol(self, batch: str, rows: Sequence[tuple[str, dict[str, Any]]]) -> None:
        """Add waiting rows, each an id and its payload; those that are there already stay as they are."""
        from sqlalchemy import func, select

        def add(connection: Connection) -> None:
            known = {*connection.scalars(select(self._rows.c.id).where(self._rows.c.batch == batch))}
            last = connection.scalar(select(func.max(self._rows.c.number)).where(self._rows.c.batch == batch))
            new = [row for row in rows if row[0] not in known]
            first = 0 if last is None else last + 1
            for start in range(0, len(new), CHUNK):
                values = [
                    {"batch": batch, "id": row, "number": first + start + n, "payload": payload}
                    for n, (row, payload) in enumerate(new[start : start + CHUNK])
                ]
                connection.execute(ledger_table.insert_new(self._database), values)

        self._database.write(add)

    def entries(self, batch: str, within: float | None = None) -> list[Entry]:
        """The rows of a batch in order of enrolment.

        Parameters
        ----------
        batch : str
            Which batch.
        within : float, optional
            Only rows that anything happened to in the last so many seconds: for those who ask again and again.
        """
        recent = [] if within is None else [self._rows.c.changed >= self._now - within]
        return self._entries(self._rows.c.batch == batch, *recent)

    def claim(self, batch: str, row: str, worker: str, seconds: float) -> Claim | None:
        """Take a row for so many seconds: one that waits and is due, or one whose lease has run out.

        Returns
        -------
        Claim or None
            None where the row is another's, not due, over, or unknown. Of many who ask at once, one gets it.
        """
        c = self._rows.c
        taken = self._change(
            [c.batch == batch, c.id == row, c.state.in_(("waiting", "running")), c.due <= self._now],
            state="running",
            attempts=c.attempts + 1,
            fence=c.fence + 1,
            worker=worker,
            note="",
            due=self._now + seconds,
            began=self._now,
        )
        return Claim(batch, row, taken[0].attempts, taken[0].payload, taken[0].fence) if taken else None

    def beat(self, claim: Claim, seconds: float, note: str = "") -> bool:
        """Prolong a claim to so many seconds from now, and say what is being done.

        Returns
        -------
        bool
            False where the row is no longer this claim's: its worker must stop.
        """
        noted = {"note": _plain(note)} if note else {}
        return bool(self._change(self._held(claim), due=self._now + seconds, **noted))

    def finish(self, claim: Claim, result: dict[str, Any], seconds: float) -> bool:
        """Mark a row done, with its result (JSON-able, finite numbers) and the seconds that it took; False where the
        claim is void, and then nothing is changed."""
        done = {"state": "done", "result": result, "seconds": seconds, "reason": "", "note": ""}
        return bool(self._change(self._held(claim), **done))

    def fail(self, claim: Claim, reason: str, again_in: float | None) -> bool:
        """Give a row up: for so many seconds, or for good where `again_in` is None; False where the claim is void."""
        state = "failed" if again_in is None else "waiting"
        return bool(
            self._change(
                self._held(claim),
                state=state,
                reason=_plain(reason),
                note="",
                seconds=self._now - self._rows.c.began,
                due=self._now + (again_in or 0.0),
            )
        )

    def overdue(self, batch: str, most: int) -> list[Entry]:
        """Take rows from workers whose lease ran out.

        They wait again; those with `most` attempts fail for good.

        Returns
        -------
        list of Entry
            Those rows, as they are now.
        """
        from sqlalchemy import String, case, cast, literal

        c = self._rows.c
        late = [c.batch == batch, c.state == "running", c.due <= self._now]
        often = literal("Its worker died ") + cast(c.attempts, String) + literal(" times.")
        times = case((c.attempts == 1, literal("Its worker died.")), else_=often)
        lost = self._change([*late, c.attempts >= most], state="failed", reason=times, seconds=self._now - c.began)
        freed = self._change(late, state="waiting", reason="Its worker died.", seconds=self._now - c.began)
        found = [row.id for row in (*lost, *freed)]
        return self._entries(c.batch == batch, c.id.in_(found)) if found else []

    def release(self, batch: str, entry: Entry) -> bool:
        """Let a row wait whose worker was stopped: that attempt does not count, and its claim is void.

        Returns
        -------
        bool
            False where the row is no longer as `entry` says, and then nothing is changed.
        """
        c = self._rows.c
        held = [c.batch == batch, c.id == entry.id, c.state == "running", c.worker == entry.worker]
        anew = {"state": "waiting", "note": "", "due": self._now}
        return bool(
            self._change([*held, c.attempts == entry.attempts], attempts=c.attempts - 1, fence=c.fence + 1, **anew)
        )

    def again(self, batch: str, rows: Collection[str]) -> None:
        """Let failed rows wait once more, with no attempts; others stay as they are."""
        c, names = self._rows.c, [*rows]
        for start in range(0, len(names), CHUNK):
            chosen = [c.batch == batch, c.state == "failed", c.id.in_(names[start : start + CHUNK])]
            self._change(chosen, state="waiting", attempts=0, due=self._now)

    def replace(self, batch: str, rows: Sequence[tuple[str, dict[str, Any]]]) -> None:
        """Give rows another payload, and let them wait with no attempts and no result; who has one loses it."""
        c = self._rows.c
        for row, payload in rows:
            anew = {"state": "waiting", "payload": payload, "result": {}, "reason": "", "note": "", "seconds": 0.0}
            self._change([c.batch == batch, c.id == row], attempts=0, fence=c.fence + 1, due=self._now, **anew)

    def _held(self, claim: Claim) -> list[ColumnElement[bool]]:
        """The row of a claim, as long as it is this claim's."""
        c = self._rows.c
        return [c.batch == claim.batch, c.id == claim.row, c.state == "running", c.fence == claim.fence]

    def _entries(self, *chosen: ColumnElement[bool]) -> list[Entry]:
        from sqlalchemy import case, select

        c = self._rows.c
        seconds = case((c.state == "running", self._now - c.began), else_=c.seconds).label("seconds")
        wanted = [c.id, c.number, c.state, c.attempts, c.worker, c.note, c.reason]
        query = select(*wanted, (c.due - self._now).label("due"), seconds, c.result, c.payload)
        query = query.where(*chosen).order_by(c.number, c.id)
        return self._database.read(lambda connection: [Entry(**row) for row in connection.execute(query).mappings()])

    def _change(self, chosen: list[ColumnElement[bool]], **values: Any) -> Sequence[Any]:
        """Change rows in one statement; what they are now."""
        from sqlalchemy import update

        c = self._rows.c
        change = update(self._rows).where(*chosen).values(changed=self._now, **values)
        change = change.returning(c.id, c.attempts, c.fence, c.payload)
        return self._database.write(lambda connection: connection.execute(change).all())


def _plain(text: str) -> str:
    """Without the one character that PostgreSQL's texts cannot hold."""
    return text.replace("\0", "")

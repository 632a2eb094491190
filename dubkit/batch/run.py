"""A batch from beginning to end: hands rows to an engine, and reads in the ledger what has become of them."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from dubkit.batch.engines import Engine
from dubkit.batch.ledger import Entry, Ledger
from dubkit.batch.rows import Row
from dubkit.batch.work import Task
from dubkit.errors import BadInput

POLL = 0.5
"""Seconds between two looks into the ledger."""
LOOK_BACK = 15.0
"""Seconds of which a look reads the changes: more than one look can take."""
OVER = ("done", "failed")

Watch = Callable[[Entry], None]
"""Is told of every row whose state, attempts or note have changed."""


@dataclass(frozen=True)
class Start:
    """What was found in the ledger when a batch was begun.

    ``done`` and ``again`` count the rows that earlier calls finished, and those that had failed and are tried again;
    ``changed`` are the rows whose film or parameters have changed since; ``gone`` those that the manifest names no more.
    """

    done: int = 0
    again: int = 0
    changed: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()


def enrol(ledger: Ledger, batch: str, rows: Sequence[Row], *, resume: bool, most: int) -> Start:
    """Write the rows down, those of an earlier call as they are now.

    Parameters
    ----------
    ledger : Ledger
    batch : str
        The batch's name.
    rows : sequence of Row
        All of them.
    resume : bool
        Whether the ledger may hold the batch already.
    most : int
        The most attempts of a row whose workers die.

    Raises
    ------
    BadInput
        If it does and may not.
    """
    ledger.overdue(batch, most)
    earlier = {entry.id: entry for entry in ledger.entries(batch)}
    if earlier and not resume:
        done = sum(entry.state == "done" for entry in earlier.values())
        raise BadInput(
            f"There is a batch already, with {done} of {len(earlier)} rows done. Give the command with --resume to do what "
            "is missing, or choose another --out."
        )
    payloads = {row.id: row.payload for row in rows}
    known = {name: entry for name, entry in earlier.items() if name in payloads}
    changed = tuple(name for name, entry in known.items() if entry.payload != payloads[name])
    failed = [name for name, entry in known.items() if entry.state == "failed"]
    ledger.enrol(batch, list(payloads.items()))
    ledger.again(batch, failed)
    ledger.replace(batch, [(name, payloads[name]) for name in changed])
    done = sum(entry.state == "done" and name not in changed for name, entry in known.items())
    return Start(done, len(failed), changed, tuple(name for name in earlier if name not in payloads))


def run(ledger: Ledger, task: Task, rows: Iterable[str], engine: Engine, watch: Watch) -> list[Entry]:
    """Do all rows that are not done; whoever else works on the same batch is let be.

    Parameters
    ----------
    ledger : Ledger
        Has the rows; see :func:`enrol`.
    task : Task
        What is handed over, but for the row.
    rows : iterable of str
        Their ids.
    engine : Engine
        Is closed in the end, also where this is interrupted.
    watch : callable
        Is told of changes.

    Returns
    -------
    list of Entry
        All rows as they are in the end, in order.
    """
    loop = _Loop(ledger, task, set(rows), engine, watch)
    try:
        loop.look(None)
        while not loop.over:
            loop.hand_over()
            time.sleep(POLL)
            ledger.overdue(task.batch, task.retries + 1)
            loop.look(LOOK_BACK)
    finally:
        engine.close()
    return [entry for entry in ledger.entries(task.batch) if entry.id in loop.entries]


class _Loop:
    def __init__(self, ledger: Ledger, task: Task, rows: set[str], engine: Engine, watch: Watch) -> None:
        self._ledger, self._task, self._rows, self._engine, self._watch = ledger, task, rows, engine, watch
        self.entries: dict[str, Entry] = {}
        self._due: dict[str, float] = {}
        # The attempts that a row had when it was handed over, and when that was.
        self._handed: dict[str, tuple[int, float]] = {}

    @property
    def over(self) -> bool:
        return all(entry.state in OVER for entry in self.entries.values())

    def look(self, within: float | None) -> None:
        """Read what has changed in the last so many seconds; None reads all."""
        now = time.monotonic()
        for entry in self._ledger.entries(self._task.batch, within):
            if entry.id not in self._rows:
                continue
            before = self.entries.get(entry.id)
            self.entries[entry.id] = entry
            self._due[entry.id] = now + entry.due
            if before is None or _told(before) != _told(entry):
                self._watch(entry)
        for name in [name for name, handed in self._handed.items() if self._given_back(name, *handed)]:
            del self._handed[name]

    def hand_over(self) -> None:
        """Fill the engine's slots with rows that wait and are due."""
        now = time.monotonic()
        free = self._engine.slots - len(self._handed)
        for name, entry in self.entries.items():
            if free <= 0:
                return
            if entry.state == "waiting" and name not in self._handed and self._due[name] <= now:
                self._engine.submit(dataclasses.replace(self._task, row=name))
                self._handed[name] = (entry.attempts, now)
                free -= 1

    def _given_back(self, name: str, attempts: int, since: float) -> bool:
        """Whether the engine has done with a row, or has lost it before anybody claimed it."""
        entry = self.entries[name]
        lost = entry.state == "waiting" and time.monotonic() - since > 2 * self._task.lease
        return entry.state in OVER or lost or (entry.state == "waiting" and entry.attempts > attempts)


def _told(entry: Entry) -> tuple[str, int, str]:
    return entry.state, entry.attempts, entry.note

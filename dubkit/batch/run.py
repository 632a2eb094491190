"""A batch from beginning to end: hands rows to an engine, and reads in the ledger what has become of them."""

from __future__ import annotations

import dataclasses
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dubkit.batch.engines import Engine
from dubkit.batch.ledger import Entry, Ledger
from dubkit.batch.rows import Row
from dubkit.batch.work import Task, is_gone
from dubkit.database import DatabaseAway
from dubkit.errors import BadInput
from dubkit.transfer import is_remote

POLL = 0.5
"""Seconds between two looks into the ledger."""
LOOK_BACK = 15.0
"""Seconds before the last look of which a look reads the changes, too: more than one look can take."""
WHOLE = 60.0
"""Seconds after which a look reads all rows: the clock here stands still while the machine sleeps."""
LONGEST_QUEUE = 3600.0
"""The most seconds until a row that was handed over and that nobody claims is handed over again."""
OVER = ("done", "failed")

Watch = Callable[[Entry], None]
"""Is told of every row whose state, attempts or note have changed."""


@dataclass(frozen=True)
class Start:
    """What the ledger holds of a batch before it is begun, by the rows' ids.

    ``done`` were finished by earlier calls, and stay so; ``again`` had failed and are tried again; ``changed`` have
    another film or other parameters than then; of ``absent`` the output is there no more; ``gone`` are those that the
    manifest names no more.
    """

    done: tuple[str, ...] = ()
    again: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()


def compare(ledger: Ledger, batch: str, rows: Sequence[Row], out: str, *, resume: bool, most: int) -> Start:
    """See what earlier calls have left to do.

    Parameters
    ----------
    ledger : Ledger
    batch : str
        The batch's name.
    rows : sequence of Row
        All of them.
    out : str
        The batch's folder, or ``s3://bucket/prefix``.
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
    changed = tuple(name for name, entry in known.items() if _differs(entry, payloads[name]))
    finished = [name for name, entry in known.items() if entry.state == "done" and name not in changed]
    absent = () if is_remote(out) else tuple(n for n in finished if not Path(out, n, f"{n}.ipynb").exists())
    return Start(
        done=tuple(name for name in finished if name not in absent),
        again=tuple(name for name, entry in known.items() if entry.state == "failed"),
        changed=changed,
        absent=absent,
        gone=tuple(name for name in earlier if name not in payloads),
    )


def _differs(entry: Entry, payload: Mapping[str, Any]) -> bool:
    """Whether a row is another now; a film that is not there, as on a disk that was taken out, makes no done row another."""
    unseen = entry.state == "done" and payload.get("film") is None
    return entry.payload != ({**payload, "film": entry.payload.get("film")} if unseen else payload)


def enrol(ledger: Ledger, batch: str, rows: Sequence[Row], start: Start) -> None:
    """Write the rows down, those of earlier calls as they are now.

    Parameters
    ----------
    ledger : Ledger
    batch : str
        The batch's name.
    rows : sequence of Row
        All of them.
    start : Start
        What :func:`compare` found.
    """
    payloads = {row.id: row.payload for row in rows}
    ledger.enrol(batch, list(payloads.items()))
    ledger.again(batch, start.again)
    ledger.replace(batch, [(name, payloads[name]) for name in (*start.changed, *start.absent)])


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
        Is closed in the end, also where this is interrupted; then the rows of workers that ended with it wait again.
    watch : callable
        Is told of changes.

    Returns
    -------
    list of Entry
        All rows as they are in the end, in order.
    """
    loop = _Loop(ledger, task, set(rows), engine, watch)
    try:
        loop.look()
        while not loop.over:
            loop.hand_over()
            time.sleep(POLL)
            ledger.overdue(task.batch, task.retries + 1)
            loop.look()
    except BaseException as error:
        engine.close()
        # Nothing can be released where the ledger is away, and to find that out takes a while.
        if not isinstance(error, DatabaseAway):
            loop.release()
        raise
    engine.close()
    return [entry for entry in ledger.entries(task.batch) if entry.id in loop.entries]


class _Loop:
    def __init__(self, ledger: Ledger, task: Task, rows: set[str], engine: Engine, watch: Watch) -> None:
        self._ledger, self._task, self._rows, self._engine, self._watch = ledger, task, rows, engine, watch
        self.entries: dict[str, Entry] = {}
        self._due: dict[str, float] = {}
        # The attempts that a row had when it was handed over, and when that was.
        self._handed: dict[str, tuple[int, float]] = {}
        # How often it was handed over and nobody claimed it.
        self._lost = Counter[str]()
        # When the last look began, and the last one that read all rows.
        self._looked = self._read = float("-inf")

    @property
    def over(self) -> bool:
        return all(entry.state in OVER for entry in self.entries.values())

    def look(self) -> None:
        """Read what has changed since the last look, and now and then everything."""
        now = time.monotonic()
        whole = now - self._read >= WHOLE
        within = None if whole else now - self._looked + LOOK_BACK
        for entry in self._ledger.entries(self._task.batch, within):
            if entry.id not in self._rows:
                continue
            before = self.entries.get(entry.id)
            self.entries[entry.id] = entry
            self._due[entry.id] = now + entry.due
            if before is None or _told(before) != _told(entry):
                self._watch(entry)
        self._looked, self._read = now, now if whole else self._read
        for name in [name for name, handed in self._handed.items() if self._given_back(name, *handed)]:
            del self._handed[name]

    def release(self) -> None:
        """Let the rows wait whose workers were of this machine and are no more: none of them died of its row."""
        for entry in self._ledger.entries(self._task.batch) if self._handed else ():
            if entry.id in self._handed and entry.state == "running" and is_gone(entry.worker):
                self._ledger.release(self._task.batch, entry)

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
        if entry.state in OVER or (entry.state == "waiting" and entry.attempts > attempts):
            self._lost.pop(name, None)
            return True
        # Longer each time: it may stand in a queue where more are handed over than there are workers.
        patience = min(2 * self._task.lease * 2 ** self._lost[name], LONGEST_QUEUE)
        lost = entry.state == "waiting" and time.monotonic() - since > patience
        if lost:
            self._lost[name] += 1
        return lost


def _told(entry: Entry) -> tuple[str, int, str]:
    return entry.state, entry.attempts, entry.note

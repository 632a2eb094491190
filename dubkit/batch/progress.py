"""A batch seen while it runs: a live table on a terminal, lines elsewhere, or JSON lines."""

from __future__ import annotations

import dataclasses
import json
import time
from collections import Counter
from types import TracebackType
from typing import IO, Protocol, Self

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from dubkit.batch.ledger import Entry
from dubkit.clock import clock
from dubkit.display import MARKS

ROWS = 12
"""The most rows at work that the table shows."""


class Watcher(Protocol):
    """Is told of every change of a row."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def __call__(self, entry: Entry) -> None:
        """A row is now as `entry` says."""
        ...


class _Quiet:
    """A watcher that needs no opening and closing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to clean up."""


class JsonLines(_Quiet):
    """Every change as a line of JSON."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def __call__(self, entry: Entry) -> None:
        """Write it down."""
        told = {name: value for name, value in dataclasses.asdict(entry).items() if name not in ("payload", "result")}
        print(json.dumps(told, ensure_ascii=False), file=self._stream, flush=True)


class Lines(_Quiet):
    """A row as a line when it ends, or is tried again."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._seen: set[str] = set()

    def __call__(self, entry: Entry) -> None:
        """Print what became of a row; what was so from the start is not repeated."""
        known = entry.id in self._seen
        self._seen.add(entry.id)
        if known and (line := _line(entry)):
            self._console.print(line, highlight=False, soft_wrap=True)


def _line(entry: Entry) -> Text | None:
    if entry.state == "done":
        return Text(f"{MARKS['done']} {entry.id:<24} {entry.seconds:7.1f} s")
    if entry.state == "failed":
        return Text(f"{MARKS['failed']} {entry.id}: {entry.reason}")
    if entry.state == "waiting" and entry.reason and entry.attempts:
        return Text(f"↻ {entry.id}: {entry.reason} It is tried again.")
    return None


class Board:
    """A live table: how many rows are done, which are at work and on what; failures stay above it."""

    def __init__(self, console: Console, n_rows: int) -> None:
        self._n_rows = n_rows
        self._entries: dict[str, Entry] = {}
        self._read: dict[str, float] = {}
        self._began = time.monotonic()
        self._ended = 0
        self._live = Live(get_renderable=self.picture, console=console, refresh_per_second=2)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def __call__(self, entry: Entry) -> None:
        """Take in how a row is now."""
        known = entry.id in self._entries
        self._entries[entry.id], self._read[entry.id] = entry, time.monotonic()
        if known and entry.state in ("done", "failed"):
            self._ended += 1
        if known and entry.state != "done" and (line := _line(entry)):
            self._live.console.print(line, highlight=False)

    def picture(self) -> Group:
        """The table as it stands."""
        states = Counter(entry.state for entry in self._entries.values())
        over, elapsed = states["done"] + states["failed"], time.monotonic() - self._began
        left = clock(int(elapsed / self._ended * (self._n_rows - over)), 0) if self._ended else "?"
        head = Table(box=None, padding=(0, 1), show_header=False)
        counts = f"{states['done']} done, {states['failed']} failed, {self._n_rows - over} to do"
        bar = ProgressBar(total=max(1, self._n_rows), completed=over, width=24)
        head.add_row(bar, f"{over}/{self._n_rows}", counts, f"{clock(int(elapsed), 0)} so far, about {left} left")
        body = Table(box=None, padding=(0, 1), header_style="dim")
        for title in ("row", "at", "for", "try", "worker"):
            body.add_column(title, justify="right" if title in ("for", "try") else "left", no_wrap=True)
        running = [entry for entry in self._entries.values() if entry.state == "running"]
        for entry in running[:ROWS]:
            spent = entry.seconds + time.monotonic() - self._read[entry.id]
            cells = (
                escape(entry.id),
                escape(entry.note),
                clock(int(spent), 0),
                str(entry.attempts),
                escape(entry.worker),
            )
            body.add_row(*cells)
        if len(running) > ROWS:
            body.add_row(f"… and {len(running) - ROWS} more")
        return Group(head, body)


def watcher(stream: IO[str], n_rows: int, *, as_json: bool) -> Watcher:
    """What fits the stream."""
    if as_json:
        return JsonLines(stream)
    console = Console(file=stream)
    return Board(console, n_rows) if console.is_terminal else Lines(console)

"""A run seen on a terminal: a live table of the eleven stages, or plain lines where there is no terminal."""

from __future__ import annotations

import time
from types import TracebackType
from typing import IO, Self

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table

from dubkit.clock import clock
from dubkit.progress import Event

MARKS = {"started": "▶", "progress": "▶", "done": "✓", "reused": "=", "failed": "✗"}


class Lines:
    """Each stage as a line when it ends, warnings as they come."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to clean up."""

    def __call__(self, event: Event) -> None:
        """Print what an event says."""
        if event.status == "warning":
            self.console.print(f"! {event.stage}: {event.note}", markup=False, highlight=False, soft_wrap=True)
        elif event.status in ("done", "reused"):
            said = f"{MARKS[event.status]} {event.stage:<14} {event.seconds:7.1f} s"
            self.console.print(said + ("  (reused)" if event.status == "reused" else ""), markup=False, highlight=False)


class Board:
    """A live table: state, items done, elapsed and remaining time of every stage."""

    def __init__(self, console: Console, stages: tuple[str, ...]) -> None:
        self.events = {name: Event(name, "progress") for name in stages}
        self.begun: dict[str, float] = {}
        self.warnings: list[str] = []
        self.live = Live(get_renderable=self.table, console=console, refresh_per_second=4)

    def __enter__(self) -> Self:
        self.live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.live.__exit__(kind, error, trace)
        for text in self.warnings:
            self.live.console.print(f"! {text}", markup=False, highlight=False)

    def __call__(self, event: Event) -> None:
        """Take in what an event says."""
        if event.status == "warning":
            self.warnings.append(f"{event.stage}: {event.note}")
            return
        self.begun.setdefault(event.stage, time.monotonic())
        before = self.events[event.stage]
        if event.status in ("done", "reused", "failed"):
            event = Event(event.stage, event.status, before.done, before.total, before.note, event.seconds)
        self.events[event.stage] = event

    def table(self) -> Table:
        """The table as it stands."""
        table = Table(box=None, padding=(0, 1), show_header=True, header_style="dim")
        for title in ("", "stage", "", "items", "elapsed", "left"):
            table.add_column(title, justify="right" if title in ("items", "elapsed", "left") else "left")
        for name, event in self.events.items():
            table.add_row(*self._row(name, event))
        return table

    def _row(self, name: str, event: Event) -> tuple[str | ProgressBar, ...]:
        if name not in self.begun:
            return ("·", f"[dim]{name}[/dim]", "", "", "", "")
        ended = event.status in ("done", "reused", "failed")
        elapsed = event.seconds if ended else time.monotonic() - self.begun[name]
        share = event.done / event.total if event.total else 0.0
        left = elapsed * (1 - share) / share if share and not ended else None
        total, done = max(event.total, 1), event.total if ended else event.done
        bar = ProgressBar(
            total=total, completed=max(1, done) if ended else done, width=24, pulse=not event.total and not ended
        )
        items = f"{event.done}/{event.total} {escape(event.note)}" if event.total else ""
        spent = "reused" if event.status == "reused" else clock(int(elapsed), 0)
        return (MARKS[event.status], name, bar, items, spent, "" if left is None else clock(int(left), 0))


def watcher(stages: tuple[str, ...], stream: IO[str]) -> Board | Lines:
    """What fits the stream: a live table on a terminal, lines elsewhere."""
    console = Console(file=stream)
    return Board(console, stages) if console.is_terminal else Lines(console)

"""A suite's run seen on a terminal: what every item is at, or a line per item where there is no terminal."""

from __future__ import annotations

import time
from types import TracebackType
from typing import IO, Self

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from dubkit.clock import clock
from dubkit.display import MARKS
from dubkit.progress import Event
from evaluation.job import STAGES


class Watcher:
    """Called with every item's events; use it in a ``with`` block."""

    def __init__(self, stream: IO[str]) -> None:
        self.console = Console(file=stream)
        self.latest: dict[str, Event] = {}
        self.begun: dict[str, float] = {}
        self.ended: dict[str, float] = {}
        self.live = Live(get_renderable=self.table, console=self.console, refresh_per_second=4)

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self.live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.console.is_terminal:
            self.live.__exit__(kind, error, trace)

    def __call__(self, item: str, event: Event) -> None:
        """Take in what an event says."""
        if event.status == "warning":
            return
        self.begun.setdefault(item, time.monotonic())
        self.latest[item] = event
        if event.stage == "item" and event.status in ("done", "failed"):
            self.ended[item] = event.seconds
            if not self.console.is_terminal or event.status == "failed":
                said = f"{MARKS[event.status]} {item:<28} {event.seconds:7.1f} s  {event.note}"
                self.console.print(said.rstrip(), markup=False, highlight=False, soft_wrap=True)

    def table(self) -> Table:
        """The table as it stands."""
        table = Table(box=None, padding=(0, 1), show_header=True, header_style="dim")
        for title in ("", "item", "stage", "of", "items", "elapsed"):
            table.add_column(title, justify="right" if title in ("of", "items", "elapsed") else "left")
        for item, event in self.latest.items():
            table.add_row(*self._row(item, event))
        return table

    def _row(self, item: str, event: Event) -> tuple[str, ...]:
        if item in self.ended:
            return (MARKS[event.status], escape(item), "", "", "", clock(int(self.ended[item]), 0))
        at = f"{STAGES.index(event.stage) + 1}/{len(STAGES)}" if event.stage in STAGES else ""
        parts = f"{event.done}/{event.total}" if event.total else ""
        return (
            MARKS["started"],
            escape(item),
            event.stage,
            at,
            parts,
            clock(int(time.monotonic() - self.begun[item]), 0),
        )

"""What a run tells while it works: one stream of events for the terminal, notebooks, pages and tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

Status = Literal["started", "progress", "warning", "done", "reused", "failed"]


@dataclass(frozen=True)
class Event:
    """Something happened in a stage: `done` of `total` items, `seconds` since the stage started."""

    stage: str
    status: Status
    done: int = 0
    total: int = 0
    note: str = ""
    seconds: float = 0.0


Observer = Callable[[Event], None]


@dataclass
class Report:
    """What a stage calls to say how far it is: ``report(done, total, note)`` and ``report.warn(text)``.

    ``provisional`` is set where something was out of order and the result is but the best that could be had: this run goes
    on with it, the next one makes it anew.
    """

    stage: str
    observers: tuple[Observer, ...] = ()
    warnings: list[str] = field(default_factory=list)
    provisional: bool = False

    def __call__(self, done: int, total: int, note: str = "") -> None:
        """`done` of `total` items are finished."""
        self.tell("progress", done, total, note)

    def warn(self, text: str) -> None:
        """Something that the user should know, told once; kept beside the result, so that a reused result says it again."""
        if text not in self.warnings:
            self.warnings.append(text)
            self.tell("warning", note=text)

    def tell(self, status: Status, done: int = 0, total: int = 0, note: str = "", seconds: float = 0.0) -> None:
        """Send an event to every observer."""
        for observe in self.observers:
            observe(Event(self.stage, status, done, total, note, seconds))

"""Runs of a small talking film on back ends that load no model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stand_ins import StandIn, all_tasks

from dubkit.backends.protocols import Compute
from dubkit.progress import Event
from dubkit.run import PIPELINE, Run
from dubkit.settings import Settings

NAMES = [s.name for s in PIPELINE]


class OwnBackends:
    """The back ends of a test, instead of those in the registry."""

    def __init__(self) -> None:
        self.tasks: dict[str, Any] = all_tasks()
        self.specs: list[tuple[str, str, Compute]] = []

    def get(self, task: str, spec: str, compute: Compute = Compute()) -> Any:
        """What :func:`dubkit.backends.registry.get` gives."""
        self.specs.append((task, spec, compute))
        return self.tasks[task]

    def renew(self, **changed: StandIn) -> None:
        """Fresh back ends that have been asked for nothing yet."""
        self.tasks = {**all_tasks(), **changed}

    @property
    def asked(self) -> dict[str, int]:
        """How many things each back end was asked for; those that were not asked are left out."""
        return {task: len(b.asked) for task, b in self.tasks.items() if b.asked}


def opened(video: Path, store: Path, target: str = "pt", **options: Any) -> Run:
    """The film's run with the settings that nobody changed."""
    return Run.open(video, target, settings=Settings(), store=store, **options)


def statuses(run: Run, stage: str = "combine") -> dict[str, str]:
    """Do the run; how each stage ended."""
    events: list[Event] = []
    run.observers = (events.append,)
    run.until(stage)
    return {e.stage: e.status for e in events if e.status in ("done", "reused", "failed")}


def made_again(run: Run, stage: str = "combine") -> list[str]:
    """Do the run; the stages whose result was not in the store."""
    return [name for name, status in statuses(run, stage).items() if status == "done"]

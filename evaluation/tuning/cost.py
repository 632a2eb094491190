"""What settings cost: seconds of work of the stages that they belong to, by models that are loaded already.

Stages before them are the same whatever is tried, and stages after them mostly use again what was made for another value. The
seconds come from the records of when results were made (:mod:`evaluation.metrics.cost`). So that whoever is tried first does
not pay for loading models, the stages are run once for nothing before their first result with some back ends is made. Where
several processes work, each setting has new ones, and loading is in all.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dubkit.progress import Event
from dubkit.run import PIPELINE
from dubkit.stage import Stage
from dubkit.store import Store
from dubkit.workers import room
from evaluation import harness
from evaluation.harness import Watch
from evaluation.results import ResultSet
from evaluation.suites import Suite
from evaluation.system import System

AFRESH = ("transcribe.beam_size",)
"""Settings of stages that keep finished lines, under which no line of another value is used again."""

CLEAR = 0.2
"""Costs that differ by a smaller share are taken as equal: a machine is not always equally fast."""


def stages_of(names: Sequence[str]) -> list[Stage]:
    """The stages that settings belong to, in the pipeline's order."""
    return [stage for stage in PIPELINE if any(_belongs(name, stage) for name in names)]


def is_comparable(names: Sequence[str]) -> bool:
    """Whether all is made anew for each value: lines that are the same as under another value are not made again."""
    partly = [stage for stage in stages_of(names) if "items" in stage.wants]
    return all(
        name in AFRESH or name.startswith("backends.") or not any(_belongs(name, stage) for stage in partly)
        for name in names
    )


def seconds(result: ResultSet, names: Sequence[str]) -> float:
    """Seconds of work per second of film of the stages that settings belong to; nan where they cannot be compared."""
    stages = stages_of(names)
    if not stages or not is_comparable(names):
        return float("nan")
    return sum(result.value(f"cost.{stage.name}_rtf") for stage in stages)


def is_less(a: float, b: float) -> bool:
    """Whether `a` is clearly less than `b`; of nan nothing is."""
    return a < (1 - CLEAR) * b


def warming(
    watch: Watch, suite: Suite, system: System, store: Path, names: Sequence[str], workers: int, warm: set[str]
) -> Watch:
    """A `watch` that loads a system's models before the clock of the first stage that needs them runs.

    Parameters
    ----------
    watch : callable
        Is told of all events, too.
    suite, system, store
        What is run; a suite made of a corpus has so much to do that loading does not matter.
    names : sequence of str
        The settings that are tried.
    workers : int
        As :func:`evaluation.harness.run` takes them.
    warm : set of str
        The back ends that were loaded so; is added to.
    """
    stages, settings = stages_of(names), system.settings
    used = str([getattr(settings.backends, stage.task) for stage in stages if stage.task])

    def told(item: str, event: Event) -> None:
        if used not in warm and event.status == "started" and event.stage in [stage.name for stage in stages]:
            warm.add(used)
            _run_for_nothing(suite, item, system, store, stages)
        watch(item, event)

    alone = min(workers or room(settings), len(suite.items)) == 1
    return told if alone and is_comparable(names) else watch


def _run_for_nothing(suite: Suite, item: str, system: System, store: Path, stages: Sequence[Stage]) -> None:
    """Run stages on an item with what the store has of those before them; what they make is thrown away."""
    one = suite.but(items=tuple(i for i in suite.items if i.id == item), until=stages[-1].name)
    kept = Store(store)
    with kept.scratch() as folder:
        for stage in PIPELINE[: PIPELINE.index(stages[0])]:
            if (made := kept.root / stage.name).is_dir():
                (folder / stage.name).symlink_to(made, target_is_directory=True)
        harness.run(one, system, folder, workers=1)


def _belongs(name: str, stage: Stage) -> bool:
    group, _, rest = name.partition(".")
    return rest == stage.task if group == "backends" else group == stage.name

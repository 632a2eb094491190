"""Which measures a known fault of a perfect dub moves, and by how much.

A harness is worth believing where a fault moves the measures that are meant to see it, by the amount that it has, and leaves
all others alone. ``python -m evaluation damage`` makes the table in docs/evaluation.md; the tests hold each row to what is
expected.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.damage.faults import Damage
from evaluation.judging.evidence import Evidence
from evaluation.measures import Sample
from evaluation.scoring import MEASURES, TASKS, samples_of
from evaluation.statistics import pooled

MEASURE = {m.name: m for m in MEASURES}
# Smaller changes are rounding to the 16 bits of a sound file, by unit.
ROUNDING = {"dB": 1.0, "LU": 0.1, "LUFS": 0.1, "dBTP": 0.1}


@dataclass(frozen=True)
class Moved:
    """A measure that a fault moves."""

    measure: str
    before: float
    after: float


def effects(evidence: Evidence, damages: tuple[Damage, ...], folder: Path) -> dict[str, list[Moved]]:
    """What each fault moves.

    Parameters
    ----------
    evidence : Evidence
        Of a perfect dub; see :func:`evaluation.damage.perfect.perfect`.
    damages : tuple of Damage
        Of :data:`DAMAGES`.
    folder : Path
        Where damaged sounds may be written.
    """
    seen = _Seen()
    before = _pooled(seen.samples(evidence))
    found = {}
    for n, damage in enumerate(damages):
        home = folder / f"damage-{n}"
        home.mkdir(parents=True, exist_ok=True)
        after = _pooled(seen.samples(damage.make(evidence, home)))
        moved = [Moved(name, before.get(name, math.nan), after.get(name, math.nan)) for name in {**before, **after}]
        found[damage.name] = [m for m in moved if _differ(m)]
    return found


def values(evidence: Evidence) -> dict[str, float]:
    """Every measure's value over one film."""
    return _pooled(samples_of(evidence))


class _Seen:
    """What each task found in undamaged evidence, and the fields that it looked at.

    Where a fault leaves those alone, the task would find the same, so sound is not measured anew for a fault of the text.
    """

    def __init__(self) -> None:
        self.found: dict[Callable[[Evidence], list[Sample]], tuple[Evidence, set[str], list[Sample]]] = {}

    def samples(self, evidence: Evidence) -> list[Sample]:
        return [sample for task in TASKS for sample in self._of(task, evidence)]

    def _of(self, task: Callable[[Evidence], list[Sample]], evidence: Evidence) -> list[Sample]:
        if task not in self.found:
            looked_at: set[str] = set()
            self.found[task] = (evidence, looked_at, task(_watched(evidence, looked_at)))
        first, looked_at, samples = self.found[task]
        if all(getattr(first, name) is getattr(evidence, name) for name in looked_at):
            return samples
        return task(evidence)


def _watched(evidence: Evidence, looked_at: set[str]) -> Evidence:
    """The same evidence, which notes the names of the fields that are read."""
    names = {f.name for f in fields(Evidence)}

    class Watched(Evidence):
        def __getattribute__(self, name: str) -> Any:
            if name in names:
                looked_at.add(name)
            return super().__getattribute__(name)

    return Watched(**{name: getattr(evidence, name) for name in names})


def _pooled(samples: Sequence[Sample]) -> dict[str, float]:
    """Values without intervals, which take most of the time of a :class:`~evaluation.results.ResultSet`."""
    parts: dict[str, list[tuple[float, ...]]] = {}
    for sample in samples:
        parts.setdefault(sample.measure, []).append(sample.parts)
    return {name: float(pooled(np.asarray(own), MEASURE[name].pool)) for name, own in parts.items()}


def _differ(moved: Moved) -> bool:
    unit = MEASURE[moved.measure].unit
    gone = math.isnan(moved.before) != math.isnan(moved.after)
    return gone or abs(moved.before - moved.after) > ROUNDING.get(unit, 1e-3)

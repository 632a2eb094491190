"""What the samples of a metric come to."""

from __future__ import annotations

import numpy as np

from evaluation.measures import Sample
from evaluation.scoring import MEASURES
from evaluation.statistics import pooled

POOLS = {m.name: m.pool for m in MEASURES}


def values(samples: list[Sample]) -> dict[str, float]:
    """Every measure's value."""
    names = dict.fromkeys(s.measure for s in samples)
    parts = {name: [s.parts for s in samples if s.measure == name] for name in names}
    return {name: float(pooled(np.array(rows), POOLS[name])) for name, rows in parts.items()}


def units(samples: list[Sample], measure: str) -> list[str]:
    """The units that a measure has samples of, in order."""
    return [s.unit for s in samples if s.measure == measure]

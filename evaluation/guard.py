"""The regression guard: no score may fall below what a committed baseline leaves to chance.

A baseline holds each measure's value and 95 % interval on a small suite. A score has fallen where it is worse than the
worse end of that interval; a measure that is gone, or an item that fails, counts as fallen. Where the interval has no width
(all units the same, such as no cut words at all), a small slack of the measure's unit is allowed.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dubkit.errors import BadInput
from evaluation.measures import Measure
from evaluation.results import POOLED, ResultSet

BASELINES = Path(__file__).parent / "baselines"
# Two machines round differently, and a score of whole units steps: that is no regression.
SLACK = {
    "share": 0.02,
    "s": 0.02,
    "dB": 0.5,
    "LU": 0.3,
    "dBTP": 0.3,
    "points": 2.0,
    "MOS": 0.1,
    "ratio": 0.05,
    "count": 0.5,
}
# What depends on the machine, and what is told and not judged, is not guarded.
UNGUARDED = ("cost.",)


@dataclass(frozen=True)
class Kept:
    """A measure in a baseline: its value, and the worst that still passes."""

    measure: str
    value: float
    worst: float
    better: str


@dataclass(frozen=True)
class Fall:
    """A score that has fallen, or is gone (``value`` is nan)."""

    measure: str
    baseline: float
    worst: float
    value: float

    def __str__(self) -> str:
        """One line for a log."""
        if math.isnan(self.value):
            return f"{self.measure}: was {self.baseline:.3f}, is not measured any more"
        return (
            f"{self.measure}: was {self.baseline:.3f}, is {self.value:.3f}; the worst that passes is {self.worst:.3f}"
        )


def baseline_of(result: ResultSet, measures: tuple[Measure, ...]) -> list[Kept]:
    """What to hold later results against.

    Raises
    ------
    BadInput
        If an item failed: a baseline is made of whole results.
    """
    if failed := _failed(result):
        raise BadInput(f"{failed[0]['id']} failed, so this is no baseline: {failed[0]['error']}")
    kept = []
    for measure in measures:
        row = result.scores[(result.scores["measure"] == measure.name) & (result.scores["item"] == POOLED)]
        if measure.better == "neither" or measure.name.startswith(UNGUARDED) or not len(row):
            continue
        value, low, high = (float(row[c].iloc[0]) for c in ("value", "low", "high"))
        slack = SLACK.get(measure.unit, 0.0)
        end = high if measure.better == "lower" else low
        width = max(slack, 0.0 if math.isnan(end) else abs(end - value))
        worst = value + width if measure.better == "lower" else value - width
        kept.append(Kept(measure.name, value, worst, measure.better))
    return kept


def falls(kept: list[Kept], result: ResultSet) -> list[Fall]:
    """The scores of a result that have fallen."""
    found = []
    for one in kept:
        value = result.value(one.measure)
        worse = value > one.worst if one.better == "lower" else value < one.worst
        if math.isnan(value) or worse:
            found.append(Fall(one.measure, one.value, one.worst, value))
    return found


def problems(kept: list[Kept], result: ResultSet) -> list[str]:
    """All that should fail a build, a line each; empty where all is well."""
    return [f"{o['id']} failed: {o['error']}" for o in _failed(result)] + [str(f) for f in falls(kept, result)]


def write(kept: list[Kept], result: ResultSet, path: Path) -> None:
    """Save a baseline with the provenance that a reader needs."""
    told = ("suite", "system", "models", "versions", "commit", "machine", "judge", "seed")
    content: dict[str, Any] = {name: result.provenance[name] for name in told}
    content["measures"] = [{k: round(v, 5) if isinstance(v, float) else v for k, v in asdict(o).items()} for o in kept]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read(path: Path) -> list[Kept]:
    """A saved baseline.

    Raises
    ------
    BadInput
        If there is none, or it cannot be read.
    """
    try:
        return [Kept(**one) for one in json.loads(path.read_text(encoding="utf-8"))["measures"]]
    except FileNotFoundError as error:
        raise BadInput(
            f"There is no baseline {path.name!r}. Make it with: python -m evaluation guard --update"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"The baseline {path.name!r} cannot be read ({error}). Make it anew with --update.") from error


def _failed(result: ResultSet) -> list[dict[str, Any]]:
    return [one for one in result.provenance["items"] if one["error"]]

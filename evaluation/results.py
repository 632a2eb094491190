"""The results of a run of a suite: tidy tables and where they come from.

A folder holds

- ``samples.parquet``: what every unit contributes to every measure (item, measure, unit, parts);
- ``scores.parquet``: values with 95 % intervals (item, measure, value, low, high, n_units, unit, better); the item
  ``all`` pools the suite;
- ``lines.parquet``: what was said, translated, spoken and heard, line by line;
- ``result.json``: suite, system, settings, models, versions, machine, seed, and how each item ended.

A *system* is a profile with its settings, and the stages that the truth replaces.
"""

from __future__ import annotations

import html
import json
import uuid
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dubkit.errors import BadInput
from evaluation import statistics
from evaluation.formatting import as_html
from evaluation.measures import Measure, Sample

if TYPE_CHECKING:
    import pandas as pd

POOLED = "all"
"""The item of scores over the whole suite."""


@dataclass(frozen=True)
class Outcome:
    """How one item ended: its samples and lines, or the reason why there are none."""

    item: str
    samples: tuple[Sample, ...] = ()
    lines: tuple[dict[str, Any], ...] = ()
    error: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class ResultSet:
    """One system's results on one suite.

    Parameters
    ----------
    samples, scores, lines : pandas.DataFrame
        See the module's text.
    provenance : dict
        What ``result.json`` holds.
    """

    samples: pd.DataFrame
    scores: pd.DataFrame
    lines: pd.DataFrame
    provenance: dict[str, Any]

    @property
    def suite(self) -> str:
        """The suite's id."""
        return str(self.provenance["suite"])

    @property
    def system(self) -> str:
        """The system's name."""
        return str(self.provenance["system"])

    @classmethod
    def of(cls, outcomes: Sequence[Outcome], measures: Sequence[Measure], provenance: dict[str, Any]) -> ResultSet:
        """Score what items gave, each alone and all together."""
        import pandas as pd

        rows = [
            {"item": one.item, "measure": s.measure, "unit": s.unit, "parts": list(s.parts)}
            for one in outcomes
            for s in one.samples
        ]
        samples = pd.DataFrame(rows, columns=["item", "measure", "unit", "parts"])
        lines = pd.DataFrame([{"item": one.item, **line} for one in outcomes for line in one.lines])
        items = [{"id": o.item, "error": o.error, "seconds": round(o.seconds, 1)} for o in outcomes]
        return cls(samples, _scores(samples, measures, provenance["seed"]), lines, {**provenance, "items": items})

    def save(self, folder: Path) -> Path:
        """Write all of it into a folder, each file as a whole."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("samples", "scores", "lines"):
            part = folder / f".{uuid.uuid4().hex}.part"
            getattr(self, name).to_parquet(part, index=False)
            part.replace(folder / f"{name}.parquet")
        part = folder / f".{uuid.uuid4().hex}.part"
        part.write_text(json.dumps(self.provenance, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        part.replace(folder / "result.json")
        return folder

    @classmethod
    def open(cls, folder: str | Path) -> ResultSet:
        """Read it back.

        Raises
        ------
        BadInput
            If the folder holds no results.
        """
        import pandas as pd

        home = Path(folder)
        if not (home / "result.json").is_file():
            raise BadInput(f"{str(folder)!r} holds no results. Make them with: python -m evaluation run SUITE")
        tables = {name: pd.read_parquet(home / f"{name}.parquet") for name in ("samples", "scores", "lines")}
        return cls(**tables, provenance=json.loads((home / "result.json").read_text(encoding="utf-8")))

    def value(self, measure: str, item: str = POOLED) -> float:
        """A score; nan where it was not measured."""
        found = self.scores[(self.scores["measure"] == measure) & (self.scores["item"] == item)]
        return float(found["value"].iloc[0]) if len(found) else float("nan")

    def _repr_html_(self) -> str:
        """For notebooks: the suite's scores with their intervals."""
        pooled = self.scores[self.scores["item"] == POOLED].drop(columns="item")
        return f"<b>{html.escape(self.suite)}: {html.escape(self.system)}</b>{as_html(pooled)}"


def _scores(samples: pd.DataFrame, measures: Sequence[Measure], seed: int) -> pd.DataFrame:
    """Every measure's value and interval, by item and over all; measures without samples are left out."""
    import pandas as pd

    known = {m.name: m for m in measures}
    rows: list[dict[str, Any]] = []
    pooled = samples.assign(item=POOLED)
    for (item, name), group in pd.concat([pooled, samples]).groupby(["item", "measure"], sort=False):
        measure = known[name]
        found = statistics.estimate(group["parts"].tolist(), measure, seed)
        rows.append({"item": item, "measure": name, **asdict(found), "unit": measure.unit, "better": measure.better})
    columns = ["item", "measure", "value", "low", "high", "n_units", "unit", "better"]
    return pd.DataFrame(rows, columns=columns)

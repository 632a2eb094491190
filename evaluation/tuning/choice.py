"""Which of the settings that were tried to take, and how sure that is.

Every setting is held against the default on the same units (:mod:`evaluation.comparison`): the change with its 95 % interval,
and p. With many settings some differ by chance: ``q`` is p after the control of the false discovery rate (Benjamini and
Hochberg 1995) over all settings that were tried. One is *reliably* better or worse where its interval does not hold 0 and q
is at most 0.05.

The best of many on the same films looks better than it is. What is left of it elsewhere is seen on films held out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evaluation.comparison import compare
from evaluation.formatting import interval, number
from evaluation.measures import Measure
from evaluation.results import ResultSet
from evaluation.statistics import estimate

if TYPE_CHECKING:
    import pandas as pd

SURE = 0.05
"""The largest q of a reliable difference."""
COST, PEAK = "cost.rtf", "cost.peak_mb"


@dataclass(frozen=True)
class Trial:
    """One value for each setting, by dotted name, and what the suite scored with them."""

    settings: Mapping[str, Any]
    result: ResultSet

    @property
    def error(self) -> str:
        """Why an item failed; empty where all came through."""
        failed = [item for item in self.result.provenance["items"] if item["error"]]
        return f"{failed[0]['id']}: {failed[0]['error'].splitlines()[0]}" if failed else ""


@dataclass(frozen=True)
class Winner:
    """The settings to take, by dotted name, whether they are the default's, and why."""

    settings: Mapping[str, Any]
    is_default: bool
    why: str

    def __str__(self) -> str:
        return self.why

    def _repr_html_(self) -> str:
        """For notebooks."""
        import html

        return f"<p>{html.escape(self.why)}</p>"


def judged(
    default: Trial, trials: Sequence[Trial], names: Sequence[str], measure: Measure, also: Sequence[Measure] = ()
) -> pd.DataFrame:
    """Every setting against the default.

    Returns
    -------
    pandas.DataFrame
        The default first, then the others in their order: a column for each of `names`; ``value`` with its interval ``low``,
        ``high`` and ``n_units``; ``change`` from the default with ``change_low``, ``change_high``, ``p``, ``q`` and ``verdict``
        (``better``, ``worse``, ``same``; ``failed``; empty for the default and where there are too few units); ``rtf`` in seconds
        of work per second of film and ``peak_mb``, as they were when it was made; for each of `also` its value, under its
        name, and ``NAME verdict``, by the interval alone; ``error``.
    """
    import pandas as pd

    rows = [_row(trial, default, names, measure, also) for trial in (default, *trials)]
    table = pd.DataFrame(rows)
    for name in names:
        # As they were given: among numbers, pandas would make a nan of none.
        table[name] = pd.Series([row[name] for row in rows], dtype=object)
    table["q"] = _corrected(table["p"])
    unsure = table["verdict"].isin(("better", "worse")) & ~(table["q"] <= SURE)
    table.loc[unsure, "verdict"] = "same"
    return table


def chosen(
    table: pd.DataFrame,
    names: Sequence[str],
    measure: Measure,
    also: Sequence[Measure] = (),
    held_out: Sequence[Trial] = (),
) -> Winner:
    """The best of those that are reliably better than the default and worse in nothing else; or else the default.

    Parameters
    ----------
    table : pandas.DataFrame
        Of :func:`judged`.
    names, measure, also
        As they were given there.
    held_out : sequence of Trial
        The default and the winner, on other films.
    """
    default, others = table.iloc[0], table.iloc[1:]
    better = others[others["verdict"] == "better"]
    harmful = better[[any(row[f"{m.name} verdict"] == "worse" for m in also) for _, row in better.iterrows()]]
    best = _best(better.drop(harmful.index), measure)
    row = default if best is None else best
    settings = {name: row[name] for name in names}
    if best is None:
        told = _why_not(default, others, harmful, names, measure, also)
    else:
        told = _why(default, best, len(others), names, measure, also)
        told += f" {_elsewhere(held_out, measure)}"
    return Winner(settings, best is None, told)


def written(settings: Mapping[str, Any] | pd.Series[Any], names: Sequence[str]) -> str:
    """``diarize.threshold = 0.5``, several after commas."""
    return ", ".join(f"{name} = {settings[name]}" for name in names)


def _row(
    trial: Trial, default: Trial, names: Sequence[str], measure: Measure, also: Sequence[Measure]
) -> dict[str, Any]:
    row: dict[str, Any] = {name: trial.settings[name] for name in names}
    result = trial.result
    parts = result.samples.loc[result.samples["measure"] == measure.name, "parts"].tolist()
    own = estimate(parts, measure, result.provenance["seed"]) if parts and not trial.error else None
    row |= {"value": own.value, "low": own.low, "high": own.high, "n_units": own.n_units} if own else _NO_VALUE
    row |= _NO_CHANGE if trial is default or own is None else _change(default.result, result, measure)
    row |= {"rtf": result.value(COST), "peak_mb": result.value(PEAK)}
    for other in also:
        row[other.name] = result.value(other.name)
        against = {} if trial is default or trial.error else _change(default.result, result, other)
        row[f"{other.name} verdict"] = against.get("verdict", "")
    if trial.error:
        row["verdict"] = "failed"
    return row | {"error": trial.error}


_NO_VALUE = {"value": np.nan, "low": np.nan, "high": np.nan, "n_units": 0}
_NO_CHANGE = {"change": np.nan, "change_low": np.nan, "change_high": np.nan, "p": np.nan, "verdict": ""}


def _change(a: ResultSet, b: ResultSet, measure: Measure) -> dict[str, Any]:
    found = compare(a, b, [measure])
    if not len(found):
        return _NO_CHANGE
    one = found.iloc[0]
    return {
        "change": one["change"],
        "change_low": one["low"],
        "change_high": one["high"],
        "p": one["p"],
        "verdict": one["verdict"],
    }


def _corrected(p: pd.Series[Any]) -> np.ndarray:
    from scipy.stats import false_discovery_control

    q = np.full(len(p), np.nan)
    known = p.notna().to_numpy()
    if known.any():
        q[known] = false_discovery_control(p[known].to_numpy(float))
    return q


def _best(rows: pd.DataFrame, measure: Measure) -> Any:
    """The row of the best value, the cheaper of two; None where there are no rows."""
    if not len(rows):
        return None
    order = rows.sort_values(["value", "rtf"], ascending=[measure.better == "lower", True], kind="stable")
    return order.iloc[0]


def _why(default: Any, best: Any, n_tried: int, names: Sequence[str], measure: Measure, also: Sequence[Measure]) -> str:
    beside = "".join(f", {m.name} {number(best[m.name])} instead of {number(default[m.name])}" for m in also)
    caution = (
        f" It is the best of {n_tried} on the films that it was chosen on, which flatters it: look at films held out."
        if n_tried > 1
        else ""
    )
    return (
        f"Take {written(best, names)}: {measure.name} is {interval(best.value, best.low, best.high)} instead of "
        f"{number(default.value)} with {written(default, names)} ({_sure(best)}){beside}. {_cost(default, best)}{caution}"
    )


def _why_not(
    default: Any,
    others: pd.DataFrame,
    harmful: pd.DataFrame,
    names: Sequence[str],
    measure: Measure,
    also: Sequence[Measure],
) -> str:
    stays = f"The default stays ({written(default, names)})."
    if len(harmful):
        best = _best(harmful, measure)
        worse = [m.name for m in also if best[f"{m.name} verdict"] == "worse"]
        return (
            f"{stays} The best of those that are better in {measure.name}, {written(best, names)}, is worse in "
            f"{' and '.join(worse)}."
        )
    scored = others[others["value"].notna()]
    if not len(scored):
        return f"{stays} Nothing else came through."
    best = _best(scored, measure)
    return (
        f"{stays} No setting is reliably better in {measure.name}: the best of the others, {written(best, names)}, has "
        f"{number(best.value)} instead of {number(default.value)} ({_sure(best)})."
    )


def _sure(row: Any) -> str:
    """How much it changes, and how sure that is."""
    if math.isnan(row.change_low):
        return "too few units to say how sure that is"
    return f"change {row.change:+.3f}, 95 % interval {row.change_low:+.3f} to {row.change_high:+.3f}, q {row.q:.3f}"


def _cost(default: Any, best: Any) -> str:
    if math.isnan(best.rtf) or math.isnan(default.rtf):
        return ""
    return f"It takes {best.rtf:.2f} s of work per second of film instead of {default.rtf:.2f}."


def _elsewhere(held_out: Sequence[Trial], measure: Measure) -> str:
    """What is left of it on films that it was not chosen on."""
    if not held_out:
        return ""
    default, winner = held_out
    films = ", ".join(item["id"] for item in winner.result.provenance["items"])
    if default.error or winner.error:
        return f"On films held out it could not be seen: {default.error or winner.error}"
    found = _change(default.result, winner.result, measure)
    values = [number(trial.result.value(measure.name)) for trial in (winner, default)]
    how_sure = (
        "too few units to say how sure that is"
        if math.isnan(found["change_low"])
        else f"95 % interval of the change {found['change_low']:+.3f} to {found['change_high']:+.3f}"
    )
    return f"On films held out ({films}) it is {values[0]} instead of {values[1]} ({how_sure})."

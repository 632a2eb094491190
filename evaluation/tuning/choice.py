"""Which of the settings that were tried to take, and how sure that is.

Every setting is held against the default on the same films (:mod:`evaluation.comparison`): the change with its 95 % interval,
and p. Whole films are drawn and swapped, since what a setting does to one line of a film it mostly does to the others: a film
into two languages is one film, and fewer than six say nothing for sure. With many settings some differ by chance: ``q`` is p
after the control of the false discovery rate (Benjamini and Hochberg 1995) over all settings that were tried. One is
*reliably* better or worse where its interval does not hold 0 and q is at most 0.05.

A winner is reliably better in one measure. Others it may not make worse: neither reliably, nor by more than 1 % in their plain
values, which few films cannot excuse.

The best of many on the same films looks better than it is. What is left of it elsewhere is seen on films held out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evaluation.comparison import compare
from evaluation.measures import Measure
from evaluation.results import ResultSet
from evaluation.statistics import FEWEST_CLUSTERS, RESAMPLES, estimate
from evaluation.tuning import cost, reasons

if TYPE_CHECKING:
    import pandas as pd

SURE = 0.05
"""The largest q of a reliable difference."""
TOLERANCE = 0.01
"""How much worse a winner may be in another measure, as a share of the default's value."""


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
    """The settings to take, by dotted name, whether they are the default's, and why.

    Where films are too few to be sure, the default wins, and ``suggested`` are the settings that are best by value alone; None
    where that is the default, too.
    """

    settings: Mapping[str, Any]
    is_default: bool
    why: str
    suggested: Mapping[str, Any] | None = None

    def __str__(self) -> str:
        return self.why

    def _repr_html_(self) -> str:
        """For notebooks."""
        import html

        return f"<p>{html.escape(self.why)}</p>"


def film_of(item: str) -> str:
    """The film of an item, whatever language it is dubbed into."""
    return item.partition(">")[0]


def films_needed(n_tried: int) -> int:
    """So many films let a single one of the settings that were tried be sure.

    All films must agree for that: q is then n_tried * 2 / 2**n_films.
    """
    return max(FEWEST_CLUSTERS, math.ceil(math.log2(2 * max(n_tried, 1) / SURE)))


def judged(
    default: Trial, trials: Sequence[Trial], names: Sequence[str], measure: Measure, also: Sequence[Measure] = ()
) -> pd.DataFrame:
    """Every setting against the default, and against the best.

    Returns
    -------
    pandas.DataFrame
        The default first, then the others in their order: a column for each of `names`; ``value`` with its interval ``low``,
        ``high``, ``n_units`` and ``n_films``; ``change`` from the default with ``change_low``, ``change_high``, ``p``, ``q`` and
        ``verdict`` (``better``, ``worse``, ``same``; ``failed``; empty for the default and where there are too few films);
        ``behind``, the change from the best value, with ``behind_low``, ``behind_high`` and ``beside_best`` (``best``;
        ``worse`` where the interval does not hold 0 and p is at most 0.05; ``same``; empty as above); ``cost`` as of
        :func:`evaluation.tuning.cost.seconds`; for each of `also` its value, under its name, ``NAME change`` and
        ``NAME verdict``, by the interval alone; ``error``.
    """
    import pandas as pd

    tried = (default, *trials)
    # A single good one needs a p that is as many times smaller as there are settings: twenty times finer than just that.
    resamples = max(RESAMPLES, math.ceil(40 * len(trials) / SURE))
    rows = [_row(trial, default, names, measure, also, resamples) for trial in tried]
    table = pd.DataFrame(rows)
    for name in names:
        # As they were given: among numbers, pandas would make a nan of none.
        table[name] = pd.Series([row[name] for row in rows], dtype=object)
    table["q"] = _corrected(table["p"])
    unsure = table["verdict"].isin(("better", "worse")) & ~(table["q"] <= SURE)
    table.loc[unsure, "verdict"] = "same"
    best = best_of(table[table["value"].notna()], measure)
    behind = [_behind(trial, None if best is None else tried[best.name], measure, resamples) for trial in tried]
    return pd.concat([table, pd.DataFrame(behind)], axis=1)


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
        The default and the winner, or what is suggested, on other films.
    """
    default, others = table.iloc[0], table.iloc[1:]
    said = reasons.Reasons(default, others, tuple(names), measure, tuple(also), films_needed(len(others)))
    settings = {name: default[name] for name in names}
    elsewhere = _elsewhere(held_out, measure)
    harmless = table[[not worse_in(row, default, also) for _, row in table.iterrows()]]
    scored = harmless[harmless["value"].notna()]
    if default["n_films"] < FEWEST_CLUSTERS:
        best = best_of(scored, measure)
        suggested = None if best is None or best.name == default.name else {name: best[name] for name in names}
        return Winner(settings, True, " ".join(filter(None, [said.too_few(best), elsewhere])), suggested)
    best = best_of(scored[scored["verdict"] == "better"], measure)
    if best is not None:
        why = " ".join(filter(None, [said.better(best), elsewhere]))
        return Winner({name: best[name] for name in names}, False, why)
    harmful = best_of(others[others["verdict"] == "better"], measure)
    if harmful is not None:
        return Winner(settings, True, said.harmful(harmful, worse_in(harmful, default, also)))
    return Winner(settings, True, said.none_better(best_of(others[others["value"].notna()], measure)))


def worse_in(row: Any, default: Any, also: Sequence[Measure]) -> list[str]:
    """The measures in which a row of the table is worse than the default: reliably, or by more than a tolerance."""
    return [m.name for m in also if _harms(row, default, m)]


def best_of(rows: pd.DataFrame, measure: Measure) -> Any:
    """The row of the best value; of equals the first, or one that costs clearly less; None where there are no rows."""
    if not len(rows):
        return None
    top = rows["value"].max() if measure.better == "higher" else rows["value"].min()
    first, *equals = (row for _, row in rows[np.isclose(rows["value"], top)].iterrows())
    for row in equals:
        if cost.is_less(row["cost"], first["cost"]):
            first = row
    return first


def _row(
    trial: Trial, default: Trial, names: Sequence[str], measure: Measure, also: Sequence[Measure], resamples: int
) -> dict[str, Any]:
    row: dict[str, Any] = {name: trial.settings[name] for name in names}
    result = trial.result
    samples = result.samples[result.samples["measure"] == measure.name]
    row.update(_NO_VALUE)
    if len(samples) and not trial.error:
        films = [film_of(item) for item in samples["item"]]
        own = estimate(samples["parts"].tolist(), measure, result.provenance["seed"], films)
        row |= {
            "value": own.value,
            "low": own.low,
            "high": own.high,
            "n_units": own.n_units,
            "n_films": len(set(films)),
        }
    against = _NO_CHANGE if trial is default or trial.error else _change(default.result, result, measure, resamples)
    row.update(against, cost=cost.seconds(result, names))
    for other in also:
        against = _NO_CHANGE if trial is default or trial.error else _change(default.result, result, other, resamples)
        row[other.name] = result.value(other.name)
        row[f"{other.name} change"], row[f"{other.name} verdict"] = against["change"], against["verdict"]
    if trial.error:
        row["verdict"] = "failed"
    return row | {"error": trial.error}


_NO_VALUE = {"value": np.nan, "low": np.nan, "high": np.nan, "n_units": 0, "n_films": 0}
_NO_CHANGE: Mapping[str, Any] = {
    "change": np.nan,
    "change_low": np.nan,
    "change_high": np.nan,
    "p": np.nan,
    "verdict": "",
}


def _change(a: ResultSet, b: ResultSet, measure: Measure, resamples: int = RESAMPLES) -> Mapping[str, Any]:
    found = compare(a, b, [measure], cluster=film_of, resamples=resamples)
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


def _behind(trial: Trial, best: Trial | None, measure: Measure, resamples: int) -> dict[str, Any]:
    """A trial against the best."""
    found, told = _NO_CHANGE, ""
    if trial is best:
        told = "best"
    elif best is not None and not trial.error:
        found = _change(best.result, trial.result, measure, resamples)
        surely_worse = found["verdict"] == "worse" and found["p"] <= SURE
        told = "worse" if surely_worse else "same" if found["verdict"] else ""
    renamed = {column.replace("change", "behind"): found[column] for column in ("change", "change_low", "change_high")}
    return renamed | {"beside_best": told}


def _harms(row: Any, default: Any, measure: Measure) -> bool:
    """Whether a row is worse in a measure; one that the default has and it has not is."""
    if row.name == default.name or math.isnan(default[measure.name]):
        return False
    loss = row[f"{measure.name} change"] * (1 if measure.better == "lower" else -1)
    return row[f"{measure.name} verdict"] == "worse" or not loss <= TOLERANCE * abs(default[measure.name])


def _elsewhere(held_out: Sequence[Trial], measure: Measure) -> str:
    """What is left of it on films that it was not chosen on."""
    if not held_out:
        return ""
    default, winner = held_out
    if default.settings == winner.settings:
        return ""
    films = ", ".join(item["id"] for item in winner.result.provenance["items"])
    if default.error or winner.error:
        return f"On films held out it could not be seen: {default.error or winner.error}"
    found = _change(default.result, winner.result, measure)
    values = [trial.result.value(measure.name) for trial in (winner, default)]
    return reasons.elsewhere(films, values, found)

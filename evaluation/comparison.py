"""Two systems on the same units: how much they differ, how sure that is, and whether one is worse.

Samples are paired by item, measure and unit. Units that only one system has (a line that was never found) are left out of
medians and the like; in ratios of sums and in BLEU and chrF they count as nothing. With many measures some differ by
chance: ``q`` is p after the control of the false discovery rate (Benjamini and Hochberg 1995), over the measures that
are judged.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from dubkit.errors import BadInput, listed
from evaluation.measures import Measure
from evaluation.results import ResultSet
from evaluation.statistics import RESAMPLES, SEED, SUMMED, Difference, difference

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("measure", "a", "b", "change", "low", "high", "p", "q", "n_units", "unit", "verdict")


def compare(
    a: ResultSet,
    b: ResultSet,
    measures: Sequence[Measure],
    seed: int = SEED,
    *,
    cluster: Callable[[str], str] | None = None,
    resamples: int = RESAMPLES,
) -> pd.DataFrame:
    """Every measure that both have, over the items that both have.

    Parameters
    ----------
    a, b : ResultSet
    measures : sequence of Measure
    seed, resamples
        See :func:`evaluation.statistics.difference`.
    cluster : callable, optional
        An item's cluster; whole clusters are then drawn and swapped, not units.

    Returns
    -------
    pandas.DataFrame
        A row per measure: the values of both over all paired units, ``change`` (b - a) with its 95 % interval, ``p``,
        ``q``, and a verdict: ``better``, ``worse``, or ``same`` where the interval holds 0; empty where a measure is not
        judged or has too few units.

    Raises
    ------
    BadInput
        If they are of different suites, or share no items.
    """
    import pandas as pd

    if a.suite != b.suite:
        raise BadInput(f"{a.suite!r} and {b.suite!r} are different suites: compare two systems on the same one.")
    shared = set(a.samples["item"]) & set(b.samples["item"])
    if not shared:
        raise BadInput(
            f"{a.system!r} and {b.system!r} share no items that both finished. Items: {listed(frozenset(a.samples['item']))}; "
            f"{listed(frozenset(b.samples['item']))}."
        )
    rows = []
    for measure in measures:
        first, second = (_by_unit(one.samples, measure, shared) for one in (a, b))
        names = _paired(first, second, measure)
        if names:
            clusters = [cluster(item) for item, _ in names] if cluster else None
            found = difference(*_tables(first, second, names), measure, seed, clusters, resamples)
            rows.append(_row(measure, found))
    table = pd.DataFrame(rows, columns=[c for c in COLUMNS if c != "q"])
    table["q"] = _corrected(table)
    return table[list(COLUMNS)]


def _by_unit(samples: pd.DataFrame, measure: Measure, items: set[str]) -> dict[tuple[str, str], np.ndarray]:
    """Parts by (item, unit); several samples of a unit are added up where that has a meaning."""
    chosen = samples[(samples["measure"] == measure.name) & samples["item"].isin(items)]
    found: dict[tuple[str, str], np.ndarray] = {}
    for item, unit, parts in zip(chosen["item"], chosen["unit"], chosen["parts"], strict=True):
        key, new = (item, unit), np.asarray(parts, float)
        found[key] = found[key] + new if key in found and measure.pool in SUMMED else found.get(key, new)
    return found


def _paired(
    first: dict[tuple[str, str], np.ndarray], second: dict[tuple[str, str], np.ndarray], measure: Measure
) -> list[tuple[str, str]]:
    if not first or not second:
        return []
    return sorted(set(first) | set(second) if measure.pool in SUMMED else set(first) & set(second))


def _tables(
    first: dict[tuple[str, str], np.ndarray], second: dict[tuple[str, str], np.ndarray], names: list[tuple[str, str]]
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    nothing = np.zeros_like(next(iter(first.values())))
    return [first.get(n, nothing) for n in names], [second.get(n, nothing) for n in names]


def _row(measure: Measure, found: Difference) -> dict[str, object]:
    return {
        "measure": measure.name,
        "a": found.a,
        "b": found.b,
        "change": found.change,
        "low": found.low,
        "high": found.high,
        "p": found.p,
        "n_units": found.n_units,
        "unit": measure.unit,
        "verdict": _verdict(measure, found.low, found.high),
    }


def _verdict(measure: Measure, low: float, high: float) -> str:
    if measure.better == "neither" or np.isnan(low):
        return ""
    if low <= 0 <= high:
        return "same"
    return "better" if (low > 0) == (measure.better == "higher") else "worse"


def _corrected(table: pd.DataFrame) -> np.ndarray:
    from scipy.stats import false_discovery_control

    q = np.full(len(table), np.nan)
    judged = (table["verdict"] != "") & table["p"].notna()
    if judged.any():
        q[judged.to_numpy()] = false_discovery_control(table.loc[judged, "p"].to_numpy())
    return q

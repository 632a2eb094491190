"""From samples to values, confidence intervals and paired comparisons.

Intervals are percentile bootstrap intervals over units (Efron and Tibshirani 1993; for word error rate Bisani and Ney
2004, for BLEU Koehn 2004); differences of two systems are bootstrapped over the units that both have, and tested by
approximate randomisation (Noreen 1989), which swaps the two systems' samples unit by unit. Both are SciPy's. Units are
taken as independent; lines of one film are not quite, so real intervals are somewhat wider. Where that matters, whole
*clusters* of units, such as films, are drawn and swapped instead (Cameron, Gelbach and Miller 2008); where there are few of
them, every swap is tried and p is exact.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evaluation.measures import Measure, Pool

Parts = Sequence[Sequence[float]] | Sequence[np.ndarray]
"""The parts of units, as a metric's samples have them."""

LEVEL = 0.95
RESAMPLES = 1000
SEED = 20
# A smaller sample has no interval worth telling.
FEWEST_UNITS = 3
FEWEST_CLUSTERS = 6
"""Swaps of fewer can never be sure: the smallest two-sided p of five is 2 / 2**5 = .06, of six .03."""
SUMMED = ("ratio", "bleu", "chrf")
"""Pools in which parts add up, so that a unit may be made of several samples, or of none."""


@dataclass(frozen=True)
class Estimate:
    """A value with its confidence interval; ``low`` and ``high`` are nan where there are too few units for one."""

    value: float
    low: float
    high: float
    n_units: int


@dataclass(frozen=True)
class Difference:
    """How much `b` differs from `a`: ``b - a`` with its interval, and the probability of as much if neither were better."""

    a: float
    b: float
    low: float
    high: float
    p: float
    n_units: int

    @property
    def change(self) -> float:
        """``b - a``."""
        return self.b - self.a


def pooled(parts: np.ndarray, pool: Pool) -> np.ndarray:
    """The value of units together.

    Parameters
    ----------
    parts : np.ndarray, shape (..., n_units, n_parts)
    pool : str
        See :data:`evaluation.measures.Pool`.

    Returns
    -------
    np.ndarray, shape (...)
        nan where a ratio has nothing to divide by.
    """
    return _POOLS[pool](np.asarray(parts, float))


def estimate(parts: Parts, measure: Measure, seed: int = SEED, clusters: Sequence[str] | None = None) -> Estimate:
    """A measure's value over units and its 95 % bootstrap interval.

    Parameters
    ----------
    parts : sequence of n_units
    measure : Measure
    seed : int
        Of the bootstrap.
    clusters : sequence of str, optional
        The cluster of each unit, where whole clusters are to be drawn: its film.

    Raises
    ------
    ValueError
        If there are no units.
    """
    table = _table(parts, measure.name)
    value = float(pooled(table, measure.pool))
    drawn, value_of, fewest = _to_draw(table, clusters, measure.pool)
    if len(drawn) < fewest:
        return Estimate(value, np.nan, np.nan, len(table))

    def statistic(index: np.ndarray, axis: int) -> np.ndarray:
        return value_of(drawn[index])

    low, high = _bootstrap((np.arange(len(drawn)),), statistic, seed)
    return Estimate(value, low, high, len(table))


def difference(
    a: Parts,
    b: Parts,
    measure: Measure,
    seed: int = SEED,
    clusters: Sequence[str] | None = None,
    resamples: int = RESAMPLES,
) -> Difference:
    """How two systems differ on the same units, given in the same order.

    Parameters
    ----------
    a, b : sequence of n_units
    measure : Measure
    seed : int
        Of the bootstrap and the randomisation.
    clusters : sequence of str, optional
        The cluster of each unit, where whole clusters are to be drawn and swapped: its film.
    resamples : int
        How many swaps are tried for p; all there are, where those are no more.

    Raises
    ------
    ValueError
        If there are no units, or not as many of one as of the other.
    """
    first, second = _table(a, measure.name), _table(b, measure.name)
    if first.shape != second.shape:
        raise ValueError(
            f"{measure.name}: {len(first)} units against {len(second)}: a comparison is made on the same units"
        )
    values = float(pooled(first, measure.pool)), float(pooled(second, measure.pool))
    n_units = len(first)
    (before, value_of, fewest), (after, _, _) = (_to_draw(one, clusters, measure.pool) for one in (first, second))
    n = len(before)
    if n < fewest:
        return Difference(*values, np.nan, np.nan, np.nan, n_units)
    if np.array_equal(first, second):
        return Difference(*values, 0.0, 0.0, 1.0, n_units)
    both = np.concatenate([before, after])

    def gap(i: np.ndarray, j: np.ndarray, axis: int) -> np.ndarray:
        change: np.ndarray = value_of(both[j]) - value_of(both[i])
        return change

    def resampled(index: np.ndarray, axis: int) -> np.ndarray:
        return gap(index, index + n, axis)

    low, high = _bootstrap((np.arange(n),), resampled, seed)
    return Difference(*values, low, high, _randomised(gap, n, seed, resamples), n_units)


def _to_draw(
    table: np.ndarray, clusters: Sequence[str] | None, pool: Pool
) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray], int]:
    """What is drawn, units or whole clusters; the value of what was drawn together; and the fewest that tell something.

    Clusters have the shape (n_clusters, units of the largest, n_parts), filled up with nan; parts that add up are one unit.
    """
    if clusters is None:
        return table, functools.partial(pooled, pool=pool), FEWEST_UNITS
    members = [table[np.array(clusters) == name] for name in dict.fromkeys(clusters)]
    if pool in SUMMED:
        members = [units.sum(axis=0, keepdims=True) for units in members]
    drawn = np.full((len(members), max(map(len, members)), table.shape[1]), np.nan)
    for row, units in zip(drawn, members, strict=True):
        row[: len(units)] = units

    def together(some: np.ndarray) -> np.ndarray:
        return np.asarray(_GAPPY[pool](some.reshape(*some.shape[:-3], -1, some.shape[-1])))

    return drawn, together, FEWEST_CLUSTERS


def _table(parts: Parts, name: str) -> np.ndarray:
    if not len(parts):
        raise ValueError(f"{name}: there are no units to take a value of")
    return np.asarray(parts, float)


def _bootstrap(data: tuple[np.ndarray, ...], statistic: Callable[..., np.ndarray], seed: int) -> tuple[float, float]:
    from scipy.stats import bootstrap

    with warnings.catch_warnings():
        # Units that all say the same have an interval of no width, which SciPy warns of.
        warnings.simplefilter("ignore")
        found: Any = bootstrap(
            data,
            statistic,
            n_resamples=RESAMPLES,
            confidence_level=LEVEL,
            method="percentile",
            vectorized=True,
            batch=100,
            rng=np.random.default_rng(seed),
        )
    spread = found.bootstrap_distribution[np.isfinite(found.bootstrap_distribution)]
    # A resample may hold nothing to divide by; what is left tells the interval.
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(spread, [tail, 1 - tail]) if len(spread) else (np.nan, np.nan)
    return float(low), float(high)


def _randomised(gap: Callable[..., np.ndarray], n: int, seed: int, resamples: int) -> float:
    """Two-sided p of the gap between two systems whose samples are numbered 0..n-1 and n..2n-1."""
    from scipy.stats import permutation_test

    found: Any = permutation_test(
        (np.arange(n), np.arange(n) + n),
        gap,
        permutation_type="samples",
        vectorized=True,
        n_resamples=resamples,
        batch=100,
        rng=np.random.default_rng(seed),
    )
    return float(found.pvalue)


def _ratio(parts: np.ndarray) -> np.ndarray:
    sums = parts.sum(axis=-2)
    with np.errstate(divide="ignore", invalid="ignore"):
        value: np.ndarray = sums[..., 0] / sums[..., 1]
    return np.where(sums[..., 1] == 0, np.nan, value)


def _over(function: Callable[..., Any], parts: np.ndarray) -> np.ndarray:
    return np.asarray(function(parts[..., 0], axis=-1))


def _sacrebleu(name: str, parts: np.ndarray) -> np.ndarray:
    """sacrebleu's score of summed counts, as its own significance tests compute it."""
    metric = sacrebleu_metric(name)
    sums = parts.sum(axis=-2)
    flat = [metric._compute_score_from_stats([int(c) for c in row]).score for row in sums.reshape(-1, sums.shape[-1])]
    return np.array(flat).reshape(sums.shape[:-1])


@functools.cache
def sacrebleu_metric(name: str) -> Any:
    """sacrebleu's ``bleu``, or ``chrf`` with word bigrams (chrF++)."""
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    return BLEU() if name == "bleu" else CHRF(word_order=2)


_POOLS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "ratio": _ratio,
    "median": functools.partial(_over, np.median),
    "p95": functools.partial(_over, functools.partial(np.quantile, q=0.95)),
    "max": functools.partial(_over, np.max),
    "bleu": functools.partial(_sacrebleu, "bleu"),
    "chrf": functools.partial(_sacrebleu, "chrf"),
}
_GAPPY = _POOLS | {
    "median": functools.partial(_over, np.nanmedian),
    "p95": functools.partial(_over, functools.partial(np.nanquantile, q=0.95)),
    "max": functools.partial(_over, np.nanmax),
}
"""The same, of units of which some are not there: nan."""

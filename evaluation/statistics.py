"""From samples to values, confidence intervals and paired comparisons.

Intervals are percentile bootstrap intervals over units (Efron and Tibshirani 1993; for word error rate Bisani and Ney
2004, for BLEU Koehn 2004); differences of two systems are bootstrapped over the units that both have, and tested by
approximate randomisation (Noreen 1989), which swaps the two systems' samples unit by unit. Both are SciPy's. Units are
taken as independent; lines of one film are not quite, so real intervals are somewhat wider.
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


def estimate(parts: Parts, measure: Measure, seed: int = SEED) -> Estimate:
    """A measure's value over units and its 95 % bootstrap interval.

    Raises
    ------
    ValueError
        If there are no units.
    """
    table = _table(parts, measure.name)
    value, n = float(pooled(table, measure.pool)), len(table)
    if n < FEWEST_UNITS:
        return Estimate(value, np.nan, np.nan, n)

    def statistic(index: np.ndarray, axis: int) -> np.ndarray:
        return pooled(table[index], measure.pool)

    low, high = _bootstrap((np.arange(n),), statistic, seed)
    return Estimate(value, low, high, n)


def difference(a: Parts, b: Parts, measure: Measure, seed: int = SEED) -> Difference:
    """How two systems differ on the same units, given in the same order.

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
    n = len(first)
    if n < FEWEST_UNITS:
        return Difference(*values, np.nan, np.nan, np.nan, n)
    if np.array_equal(first, second):
        return Difference(*values, 0.0, 0.0, 1.0, n)
    both = np.concatenate([first, second])

    def gap(i: np.ndarray, j: np.ndarray, axis: int) -> np.ndarray:
        change: np.ndarray = pooled(both[j], measure.pool) - pooled(both[i], measure.pool)
        return change

    def resampled(index: np.ndarray, axis: int) -> np.ndarray:
        return gap(index, index + n, axis)

    low, high = _bootstrap((np.arange(n),), resampled, seed)
    return Difference(*values, low, high, _randomised(gap, n, seed), n)


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


def _randomised(gap: Callable[..., np.ndarray], n: int, seed: int) -> float:
    """Two-sided p of the gap between two systems whose samples are numbered 0..n-1 and n..2n-1."""
    from scipy.stats import permutation_test

    found: Any = permutation_test(
        (np.arange(n), np.arange(n) + n),
        gap,
        permutation_type="samples",
        vectorized=True,
        n_resamples=RESAMPLES,
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

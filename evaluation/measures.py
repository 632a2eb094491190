"""What is measured: named measures, and the samples that their values are pooled from.

A metric looks at one item and gives a sample per *unit*: a line, a window of ten seconds, a speaker, or the whole item.
A sample holds *parts*: numbers from which a measure's value over any set of units follows. Word error rate has (errors,
words) per line, pooled as a ratio of sums; BLEU its n-gram counts. So the same samples give the value of a film or of a
suite, its confidence interval (by resampling units), and a paired comparison of two systems. See
:mod:`evaluation.statistics`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

Pool = Literal["ratio", "median", "p95", "max", "bleu", "chrf"]
"""How parts become a value: ``ratio`` is the sum of the first parts over that of the second; ``median``, ``p95`` and
``max`` are taken over the first parts; ``bleu`` and ``chrf`` are sacrebleu's, from their counts."""


@dataclass(frozen=True)
class Measure:
    """A number that says how good something is.

    Parameters
    ----------
    name : str
        ``task.figure``, e.g. ``asr.wer``; the task is the module of :mod:`evaluation.metrics` that defines it.
    unit : str
        ``share`` (0 to 1), ``s``, ``dB``, ``LU``, ``LUFS``, ``points`` (0 to 100), ``count``, ``ratio``, ``MB``, ``MOS``.
    better : str
        Which way is better; ``neither`` is told, not judged.
    pool : str
        See :data:`Pool`.
    what : str
        One line that says what it is.
    """

    name: str
    unit: str
    better: Literal["lower", "higher", "neither"]
    pool: Pool
    what: str


@dataclass(frozen=True)
class Sample:
    """What one unit contributes to a measure."""

    measure: str
    unit: str
    parts: tuple[float, ...]


class Result(Protocol):
    """What every metric returns: rich in itself, and a source of samples."""

    def samples(self) -> list[Sample]:
        """What each unit contributes to each of the module's measures."""
        ...


def per_unit(measure: Measure, units: Iterable[str], parts: Iterable[Sequence[float]]) -> list[Sample]:
    """A sample for each unit, in order."""
    return [Sample(measure.name, u, tuple(map(float, p))) for u, p in zip(units, parts, strict=True)]

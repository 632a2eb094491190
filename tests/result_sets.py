"""Results made by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evaluation.measures import Measure, Sample
from evaluation.results import Outcome, ResultSet

WER = Measure("asr.wer", "share", "lower", "ratio", "errors over words")
CHRF = Measure("translation.chrf", "points", "higher", "ratio", "stands in for chrF")
ONSET = Measure("timing.onset", "s", "lower", "median", "median onset error")
LENGTH = Measure("translation.length_ratio", "ratio", "neither", "ratio", "letters over letters")
MEASURES = (WER, CHRF, ONSET, LENGTH)


def result(
    items: Mapping[str, Sequence[Sample]], *, suite: str = "tiny", system: str = "a", errors: Mapping[str, str] = {}
) -> ResultSet:
    """A result set of some items' samples; `errors` are items that failed."""
    outcomes = [Outcome(name, tuple(samples)) for name, samples in items.items()]
    outcomes += [Outcome(name, error=text) for name, text in errors.items()]
    facts: dict[str, Any] = {name: {} for name in ("models", "versions", "machine")}
    facts |= {"suite": suite, "system": system, "seed": 20, "commit": "", "judge": "whisper"}
    return ResultSet.of(outcomes, MEASURES, facts)


def words(errors: Sequence[float], n_words: float = 10.0, measure: Measure = WER) -> list[Sample]:
    """A line of ten words for each number of errors."""
    return [Sample(measure.name, f"u{n:03}", (e, n_words)) for n, e in enumerate(errors, 1)]

"""Sweeps made by hand: films with lines of ten words, of which some are heard wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from result_sets import WER, result, words

from evaluation.measures import Measure, Sample
from evaluation.scoring import MEASURES
from evaluation.suites import Suite, SuiteItem
from evaluation.tuning import Sweep, cost
from evaluation.tuning.choice import Trial

N_LINES = 12
GOOD, BAD = [1] * N_LINES, [3] * N_LINES


def tried(
    errors: Sequence[float],
    settings: dict[str, Any],
    *,
    films: int = N_LINES,
    seconds: float = 5.0,
    flagged: int = 0,
    error: str = "",
) -> Trial:
    """So many wrong words in each line, the lines dealt out to `films`.

    A film takes `seconds` for ten of its own in the stages of the settings; `flagged` lines do not fit; `error` is why the first
    film failed.
    """
    dealt: dict[str, list[Sample]] = {f"film{n + 1}>pt": [] for n in range(films)}
    for n, line in enumerate(words(errors)):
        dealt[f"film{n % films + 1}>pt"] += [line, Sample("timing.flagged", line.unit, (n < flagged, 1))]
    for found in dealt.values():
        found += [Sample(f"cost.{s.name}_rtf", "film", (seconds, 10)) for s in cost.stages_of(list(settings))]
    made = result(
        {} if error else dealt,
        errors={"film1>pt": error} if error else {},
        measures=MEASURES,
        suite="dialogues",
        system=str(settings),
    )
    return Trial(settings, made)


def swept(
    default: Trial, *others: Trial, measure: Measure = WER, also: Sequence[Measure] = (), held_out: Sequence[Trial] = ()
) -> Sweep:
    """Trials as a sweep."""
    films = (SuiteItem(sample="film1", target="pt"),)
    suite = Suite(id="dialogues", title="", what="", items=films)
    return Sweep(suite, "embedded", tuple(default.settings), measure, tuple(also), default, others, tuple(held_out))


def beams(*extra: Trial, films: int = N_LINES, flagged: int = 6, **more: Any) -> Sweep:
    """Beams of 5 (the default), 1 and 8; with 8 a third of the errors are left, and `flagged` lines do not fit."""
    return swept(
        tried(BAD, {"transcribe.beam_size": 5}, films=films),
        tried(BAD, {"transcribe.beam_size": 1}, films=films, seconds=2.0),
        tried(GOOD, {"transcribe.beam_size": 8}, films=films, seconds=9.0, flagged=flagged),
        *extra,
        **more,
    )

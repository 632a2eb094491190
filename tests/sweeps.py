"""Sweeps made by hand: lines of ten words, of which some are heard wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from result_sets import WER, result, words

from evaluation.measures import Measure, Sample
from evaluation.scoring import MEASURES
from evaluation.suites import Suite, SuiteItem
from evaluation.tuning import Sweep
from evaluation.tuning.choice import Trial

N_LINES = 12
GOOD, BAD = [1] * N_LINES, [3] * N_LINES


def tried(
    errors: Sequence[float], settings: dict[str, Any], *, seconds: float = 5.0, flagged: int = 0, error: str = ""
) -> Trial:
    """So many wrong words in each line, `seconds` for ten of film, `flagged` lines that do not fit; `error` is why it failed."""
    found = words(errors) + [Sample("timing.flagged", f"u{n}", (n < flagged, 1)) for n in range(N_LINES)]
    found += [Sample("cost.rtf", "film", (seconds, 10)), Sample("cost.peak_mb", "diarize", (900,))]
    made = result(
        {} if error else {"film>pt": found},
        errors={"film>pt": error} if error else {},
        measures=MEASURES,
        suite="dialogues",
        system=str(settings),
    )
    return Trial(settings, made)


def swept(
    default: Trial, *others: Trial, measure: Measure = WER, also: Sequence[Measure] = (), held_out: Sequence[Trial] = ()
) -> Sweep:
    """Trials as a sweep."""
    films = (SuiteItem(sample="film", target="pt"),)
    suite = Suite(id="dialogues", title="", what="", items=films)
    return Sweep(suite, "embedded", tuple(default.settings), measure, tuple(also), default, others, tuple(held_out))


def beams(*extra: Trial, **more: Any) -> Sweep:
    """Beams of 5 (the default), 1 and 8; with 8 a third of the errors are left."""
    return swept(
        tried(BAD, {"transcribe.beam_size": 5}),
        tried(BAD, {"transcribe.beam_size": 1}, seconds=2.0),
        tried(GOOD, {"transcribe.beam_size": 8}, seconds=9.0, flagged=6),
        *extra,
        **more,
    )

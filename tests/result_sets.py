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
    items: Mapping[str, Sequence[Sample]],
    *,
    suite: str = "tiny",
    system: str = "a",
    errors: Mapping[str, str] = {},
    lines: Mapping[str, Sequence[dict[str, Any]]] = {},
    measures: Sequence[Measure] = MEASURES,
    **more: Any,
) -> ResultSet:
    """A result set of some items' samples; `errors` are items that failed, `lines` those of :func:`line` by item."""
    outcomes = [Outcome(name, tuple(samples), tuple(lines.get(name, ()))) for name, samples in items.items()]
    outcomes += [Outcome(name, error=text) for name, text in errors.items()]
    facts: dict[str, Any] = {name: {} for name in ("models", "versions", "machine")}
    facts |= {"suite": suite, "system": system, "seed": 20, "commit": "", "judge": "whisper"}
    facts |= {"given": [], "resamples": 2000, "began": "2026-02-03T04:05:06Z"}
    facts |= {"machine": {"processor": "a processor", "cores": 2, "gpu": ""}}
    facts |= {"command": ["python", "-m", "evaluation", "run", suite]}
    return ResultSet.of(outcomes, measures, facts | more)


def line(name: str, **changed: Any) -> dict[str, Any]:
    """A line of a dub from 1 to 2 s, as :func:`evaluation.scoring.lines_of` has it."""
    texts = dict.fromkeys(("said", "source_text", "text", "reference", "heard"), "words")
    times = {"start": 1.0, "end": 2.0, "slot_start": 1.0, "slot_end": 2.0}
    scores = {"rate": 1.0, "drift": 0.0, "flag": "", "score": 50.0}
    sounds = {"sound": "dub.flac", "source_sound": "film.flac"}
    return {"id": name, "unit": name, "speaker": "S1", **texts, **times, **scores, **sounds, **changed}


def words(errors: Sequence[float], n_words: float = 10.0, measure: Measure = WER) -> list[Sample]:
    """A line of ten words for each number of errors."""
    return [Sample(measure.name, f"u{n:03}", (e, n_words)) for n, e in enumerate(errors, 1)]


def full(system: str, wrong: int = 1, **more: Any) -> ResultSet:
    """Ten lines of ten words in the measures that the report draws; in each line `wrong` words are heard wrong."""
    from evaluation.metrics import end_to_end
    from evaluation.scoring import MEASURES as ALL

    said = [" ".join(f"word{n}{k}" for k in range(10)) for n in range(10)]
    heard = [" ".join(f"{'x' * (k < wrong)}word{n}{k}" for k in range(10)) for n in range(10)]
    units = [f"u{n:03}" for n in range(1, 11)]
    samples = [Sample("asr.wer", u, (wrong, 10)) for u in units]
    samples += [Sample("timing.onset", u, (n / 10,)) for n, u in enumerate(units)]
    samples += [Sample("intelligibility.wer", u, (wrong, 10)) for u in units]
    samples += [Sample(f"cost.{name}", "film", (seconds, 10)) for name, seconds in (("rtf", 5), ("translate_rtf", 5))]
    samples += end_to_end.score(said, heard, "en", units).samples()
    return result({"film": samples}, system=system, measures=ALL, **more)

"""All three scorers on one dub."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from benchmarks.timing import contestants, locate, recognition, scorers
from benchmarks.timing.speaker import SAMPLE_RATE, Said, Speaker, voice
from benchmarks.timing.timelines import opened
from dubkit.audio import resample
from dubkit.backends.protocols import Request


@dataclass(frozen=True)
class Judged:
    """A dub's figures.

    Parameters
    ----------
    neutral : Score
    mazinger : dict
        The report of Mazinger's scorer.
    wer, wer_unfitted : float or None
        Word error rates of the dub, and of the same clips one after another at natural rate.
    lines : list of dict
        Where each line was found, and how fast it is spoken there.
    """

    neutral: scorers.Score
    mazinger: dict[str, Any]
    wer: float | None
    wer_unfitted: float | None
    lines: list[dict[str, Any]]


def judge(timeline: Path, folder: Path, work: Path, listen: bool = True) -> Judged:
    """Score what a contestant left in a folder.

    Parameters
    ----------
    timeline, folder : Path
    work : Path
        Where clips and transcripts are kept.
    listen : bool
        Whether to measure word error rates, which takes longer than all the rest.
    """
    film = opened(timeline)
    told = {one["id"]: one for one in json.loads((folder / "lines.json").read_text(encoding="utf-8"))}
    texts = [told.get(line["id"], {}).get("text") or line["candidates"][0] for line in film["lines"]]
    rates = [told.get(line["id"], {}).get("native", 1.0) for line in film["lines"]]
    speaker = Speaker(work / "spoken")
    natural, native = (clips(film, texts, chosen, speaker) for chosen in ([1.0] * len(texts), rates))
    samples, sample_rate = heard(folder / "dub.wav")
    dub = locate.features(samples, sample_rate)
    lines = [_found(*one, dub) for one in zip(film["lines"], natural, native, strict=True)]
    wer = unfitted = None
    if listen:
        kept, language = work / "transcripts", film["target"]
        wer = recognition.errors(texts, samples, sample_rate, language, kept)
        row = recognition.in_a_row([clip.samples for clip in natural])
        unfitted = recognition.errors(texts, row, SAMPLE_RATE, language, kept)
    return Judged(
        scorers.score(lines, samples, sample_rate, film["duration"]),
        contestants.mazinger_score(work, timeline, folder / "dub.wav"),
        wer,
        unfitted,
        [_line(line["id"], text, one) for line, text, one in zip(film["lines"], texts, lines, strict=True)],
    )


def clips(film: dict[str, Any], texts: Sequence[str], rates: Sequence[float], speaker: Speaker) -> list[Said]:
    """Each line's wording in its voice at a native rate."""
    voices = [voice(line["voice"], film["target"]) for line in film["lines"]]
    return speaker.said([Request(*one) for one in zip(texts, voices, rates, strict=True)])


def _found(line: dict[str, Any], natural: Said, native: Said, dub: locate.Features) -> scorers.Line:
    """A line of a dub, found by the clip that was spoken; how fast it is, is told by the one at natural rate."""
    features = locate.features(native.samples, SAMPLE_RATE)
    found = locate.locate(features, native.phrases, dub, (line["start"], line["end"]))
    faster = sum(b - a for a, b in natural.phrases) / sum(b - a for a, b in native.phrases)
    return scorers.Line(
        line["speaker"],
        tuple((a, b) for a, b in line["phrases"]),
        native.phrases,
        native.words,
        replace(found, rate=found.rate * faster),
    )


def heard(path: Path) -> tuple[np.ndarray, int]:
    """A dub, mono, at a rate that has whole frames of 10 ms."""
    samples, sample_rate = soundfile.read(path, dtype="float32")
    mono = samples if samples.ndim == 1 else samples.mean(axis=1)
    if sample_rate % 100:
        mono, sample_rate = resample(mono, sample_rate, SAMPLE_RATE), SAMPLE_RATE
    return mono, sample_rate


def _line(name: str, text: str, line: scorers.Line) -> dict[str, Any]:
    found = line.located
    return {
        "id": name,
        "text": text,
        "slot": [line.start, line.end],
        "start": round(found.start, 3),
        "end": round(found.end, 3),
        "fill": round(line.fill, 3),
        "rate": round(found.rate, 3),
        "cut": scorers.cut_words(line),
        "missing": found.missing,
    }

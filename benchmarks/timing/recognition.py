"""Whether a dub can be understood: its word error rate, as whisper-base hears it, against the wording that it speaks.

One way of hearing for everybody: the sound is cut into windows of at most 28 s at the longest silence of their last ten
seconds, each window is transcribed by itself (greedy, no text carried over), and the whole is compared with all lines
in the order of their starts. Numbers that the recogniser writes in digits are spelt out, case and punctuation removed.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dubkit.audio import resample, speech_level
from dubkit.backends import weights
from evaluation.times.spans import HOP, gate, runs

SAMPLE_RATE = 16_000
WINDOW, CHOICE = 28.0, 10.0
LEVEL = 0.07
PAUSE = 0.3
"""Silence between clips that nobody fitted, in seconds."""


def errors(texts: Sequence[str], samples: np.ndarray, sample_rate: int, language: str, cache: Path) -> float:
    """The word error rate of a sound.

    Parameters
    ----------
    texts : sequence of str
        What is said, in order.
    samples : np.ndarray, shape (n_samples,)
    sample_rate : int
    language : str
    cache : Path
        Folder where transcripts are kept by the sound's digest.
    """
    import jiwer

    heard = transcript(samples, sample_rate, language, cache)
    return float(jiwer.wer(normal(" ".join(texts), language), normal(heard, language)))


def in_a_row(clips: Sequence[np.ndarray], sample_rate: int = 24_000) -> np.ndarray:
    """Clips one after another with short pauses: the same clips, unfitted."""
    pause = np.zeros(round(PAUSE * sample_rate), np.float32)
    return np.concatenate([part for clip in clips for part in (clip, pause)])


def transcript(samples: np.ndarray, sample_rate: int, language: str, cache: Path) -> str:
    """What the recogniser hears."""
    level = speech_level(samples, sample_rate)
    sound = resample(np.asarray(samples, np.float32) * (LEVEL / level if level else 1.0), sample_rate, SAMPLE_RATE)
    digest = hashlib.sha256(sound.tobytes() + language.encode() + weights.fingerprint("whisper-base").encode())
    kept = cache / f"{digest.hexdigest()[:24]}.json"
    if kept.exists():
        return str(json.loads(kept.read_text(encoding="utf-8")))
    heard = []
    for window in windows(sound, SAMPLE_RATE):
        segments, _ = _recogniser().transcribe(
            window,
            language=language,
            beam_size=1,
            temperature=0.0,
            condition_on_previous_text=False,
            without_timestamps=True,
        )
        heard.append(" ".join(segment.text.strip() for segment in segments))
    cache.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(" ".join(heard), ensure_ascii=False), encoding="utf-8")
    return " ".join(heard)


def windows(samples: np.ndarray, sample_rate: int) -> Iterator[np.ndarray]:
    """The sound in pieces of at most WINDOW seconds, cut in silence where there is one."""
    quiet = ~gate(samples, sample_rate)
    at = 0
    while len(quiet) - at > WINDOW / HOP:
        low = at + round((WINDOW - CHOICE) / HOP)
        silences = runs(quiet[low : at + round(WINDOW / HOP)])
        start, end = max(silences, key=lambda span: span[1] - span[0], default=(CHOICE, CHOICE))
        cut = low + round((start + end) / 2 / HOP)
        yield samples[round(at * HOP * sample_rate) : round(cut * HOP * sample_rate)]
        at = cut
    yield samples[round(at * HOP * sample_rate) :]


def normal(text: str, language: str) -> str:
    """Lower case, numbers in words, no punctuation."""
    import num2words

    spelt = re.sub(r"\d+", lambda digits: f" {num2words.num2words(int(digits[0]), lang=language)} ", text)
    return " ".join(re.sub(r"[^\w\s]", " ", spelt.lower()).split())


@functools.cache
def _recogniser() -> Any:
    from faster_whisper import WhisperModel

    return WhisperModel(str(weights.folder("whisper-base")), device="cpu", compute_type="int8", cpu_threads=2)

"""Sentences spoken by Kokoro, so that their words are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dubkit.audio import resample
from dubkit.backends.kokoro import voices as kokoro_voices
from dubkit.backends.kokoro.synthesizer import Kokoro
from dubkit.backends.protocols import Compute, Request

RATE = 16_000


@dataclass(frozen=True)
class Spoken:
    """A sentence and its sound at 16 kHz, with no silence at either end."""

    text: str
    waveform: np.ndarray

    @property
    def words(self) -> list[str]:
        """The words, lower case, without punctuation."""
        return bare(self.text)


def bare(text: str) -> list[str]:
    """The words of a text, lower case, without punctuation."""
    return "".join(c for c in text.lower() if c.isalnum() or c == " ").split()


def say(text: str, style: str) -> Spoken:
    """A sentence in one of Kokoro's English voices."""
    kokoro_voices.fetch()
    kokoro = Kokoro.from_spec("", Compute(threads=1))
    (voice,) = (v for v in kokoro.voices("en") if v.id == f"kokoro:{style}")
    (clip,) = kokoro.synthesize([Request(text, voice)])
    return Spoken(text, resample(clip, kokoro.sample_rate, RATE))

"""Kokoro, which also tells when each word sounds: the model sets its symbols' durations itself, so they are known.

The sound runs ahead of the durations by some frames, and a symbol before a pause lasts into it. The first word is
therefore laid where the sound begins, and word edges are brought in to where something sounds; measured at the edges
of pauses, they are right to about 0.05 s.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from dubkit.artefacts import Word
from dubkit.backends.kokoro.graph import SAMPLES_PER_FRAME
from dubkit.backends.kokoro.synthesizer import Kokoro
from dubkit.backends.protocols import Request

FRAME = SAMPLES_PER_FRAME / Kokoro.sample_rate
QUIET = 40.0
"""dB under the loudest 5 ms of a sentence: what is below at the edge of a word is no part of it."""


@dataclass(frozen=True)
class Said:
    """A spoken sentence: mono sound, and its words with times relative to its start (none where they are not known)."""

    samples: np.ndarray
    words: tuple[Word, ...] = ()


class Narrator(Kokoro):
    """The synthesizer ``kokoro`` with word times. Its sound is the same to the bit."""

    def say(self, requests: Sequence[Request]) -> Iterator[Said]:
        """What each sentence sounds like, in order.

        Raises
        ------
        ValueError
            If espeak-ng joins two words of a sentence into one, so that they have no times of their own.
        """
        for request, samples in zip(requests, self.synthesize(requests), strict=True):
            (part,) = self._parts(request)
            spans = word_spans(part.written, part.frames)
            texts = request.text.split()
            if len(texts) != len(spans):
                raise ValueError(
                    f"{request.text!r} has {len(texts)} words but is spoken as {len(spans)}; write it another way"
                )
            begins, _ = sounding(samples, self.sample_rate, (0.0, len(samples) / self.sample_rate))
            later = begins - spans[0][0]
            edges = [sounding(samples, self.sample_rate, (start + later, end + later)) for start, end in spans]
            yield Said(samples, tuple(Word(text=t, start=e[0], end=e[1]) for t, e in zip(texts, edges, strict=True)))


def word_spans(written: str, frames: np.ndarray) -> list[tuple[float, float]]:
    """When each word sounds.

    Parameters
    ----------
    written : str
        The model's symbols; words are parted by spaces, punctuation is no part of them.
    frames : np.ndarray, shape (len(written) + 2,)
        Frames of each symbol and of the pad at each end.

    Returns
    -------
    list of (start, end)
        Seconds from the start of the untrimmed sound.
    """
    ends = np.cumsum(frames) * FRAME
    spans = []
    for match in re.finditer(r"\S*\w\S*", written):
        sounding = match[0].rstrip('.,;:!?…”)"')
        first = match.start() + len(match[0]) - len(match[0].lstrip('“("'))
        last = match.start() + len(sounding) - 1
        # The pad at the start is frame 0, so that symbol i begins where frame i ends.
        spans.append((float(ends[first]), float(ends[last + 1])))
    return spans


def sounding(
    samples: np.ndarray, sample_rate: int, span: tuple[float, float], quiet: float = QUIET
) -> tuple[float, float]:
    """A span of time without what is quiet at its ends; the span itself, within the sound, where all of it is quiet.

    What lies `quiet` dB under the loudest 5 ms of the whole sound is quiet.
    """
    step = sample_rate // 200
    power = np.mean(np.pad(samples, (0, -len(samples) % step)).reshape(-1, step).astype(np.float64) ** 2, axis=1)
    duration = len(samples) / sample_rate
    start, end = (min(max(time, 0.0), duration) for time in span)
    first, last = int(start * 200), int(np.ceil(end * 200))
    loud = first + np.flatnonzero(power[first:last] > power.max() * 10 ** (-quiet / 10))
    if not len(loud):
        return start, end
    return max(start, float(loud[0]) / 200), min(end, float(loud[-1] + 1) / 200)

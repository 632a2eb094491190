"""Spans of time, frames of 10 ms, and where sound is speech: one energy gate for sources, clips and dubs.

A frame sounds where its power is within 40 dB of the loud speech of the same sound (the 95th percentile of its frames
above -60 dBFS). Gaps shorter than 0.15 s are no pauses (stop consonants close the mouth for up to a tenth of a second)
and are bridged; what is left shorter than 0.03 s is a click. The runs that remain are *phrases*.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

HOP = 0.01
"""Length of a frame, in seconds."""
GATE = 40.0
SILENCE = -60.0
PAUSE = 0.15
CLICK = 0.03
TOGETHER = 0.05
"""Lines of one speaker that sound together for longer than this collide, in seconds."""
WINDOW = 10.0
"""Length of the windows that a film is scored in, in seconds."""

Span = tuple[float, float]


@dataclass(frozen=True)
class Window:
    """A stretch of a film that is scored by itself; ``name`` is its start in whole seconds."""

    name: str
    start: float
    end: float


def power(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """Mean square of each frame of 10 ms; the last one is filled up with silence.

    Parameters
    ----------
    samples : np.ndarray, shape (n_samples,)
    sample_rate : int
        A multiple of 100.
    """
    size = round(sample_rate * HOP)
    padded = np.pad(np.asarray(samples, np.float64), (0, -len(samples) % size))
    mean: np.ndarray = np.mean(padded.reshape(-1, size) ** 2, axis=1)
    return mean


def gate(samples: np.ndarray, sample_rate: int, under: float = GATE) -> np.ndarray:
    """Which frames sound: bool, shape (n_frames,); `under` is how far they may be under the loud speech, in dB."""
    found = power(samples, sample_rate)
    audible = found[found > 10 ** (SILENCE / 10)]
    if not len(audible):
        return np.zeros(len(found), bool)
    threshold = np.percentile(audible, 95) * 10 ** (-under / 10)
    sounding: np.ndarray = found > threshold
    return sounding


def phrases(samples: np.ndarray, sample_rate: int, under: float = GATE) -> list[Span]:
    """The stretches of speech between pauses, in seconds from the start of the sound."""
    length = len(samples) / sample_rate
    return [(start, min(end, length)) for start, end in tidied(runs(gate(samples, sample_rate, under)))]


def runs(mask: np.ndarray) -> list[Span]:
    """The runs of true frames, in seconds."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(round(a * HOP, 4), round(b * HOP, 4)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def tidied(spans: Iterable[Span], pause: float = PAUSE) -> list[Span]:
    """Spans in order of their starts with gaps under `pause` seconds bridged, and without what is left too short."""
    joined: list[Span] = []
    for start, end in spans:
        if joined and start - joined[-1][1] < pause - 1e-6:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return [s for s in joined if s[1] - s[0] >= CLICK - 1e-6]


def mask(spans: Iterable[Span], duration: float) -> np.ndarray:
    """Spans as frames: bool, shape (n_frames,) for `duration` seconds."""
    found = np.zeros(round(duration / HOP), bool)
    for start, end in spans:
        found[max(0, round(start / HOP)) : max(0, round(end / HOP))] = True
    return found


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union of two masks; 1 where both are empty."""
    n = max(len(a), len(b))
    a, b = np.pad(a, (0, n - len(a))), np.pad(b, (0, n - len(b)))
    union = int((a | b).sum())
    return float((a & b).sum()) / union if union else 1.0


def windows(duration: float, length: float = WINDOW) -> list[Window]:
    """A film in windows one after another; the last one is as long as what is left."""
    # A rest that is shorter than a frame is rounding, not film.
    count = max(1, math.ceil((duration - HOP) / length))
    edges = [*(n * length for n in range(count)), duration]
    return [Window(f"{start:.0f} s", start, end) for start, end in itertools.pairwise(edges)]


def complement(spans: Iterable[Span], duration: float) -> list[Span]:
    """The stretches of a film in which none of the spans is on."""
    found, at = [], 0.0
    for start, end in sorted(spans):
        if min(start, duration) > at:
            found.append((at, min(start, duration)))
        at = max(at, end)
    return [*found, (at, duration)] if at < duration else found


def pauses(phrases: Sequence[Span]) -> list[Span]:
    """What lies between the phrases of a line."""
    return [(a[1], b[0]) for a, b in itertools.pairwise(phrases)]


def kept(pause: Span, line: Span, sounding: np.ndarray) -> bool:
    """Whether a line speaks on both sides of a pause and is silent for half of it or more.

    Parameters
    ----------
    pause, line : (start, end)
        In seconds of the film; the pause is the source's, the line the dub's.
    sounding : np.ndarray of bool, shape (n_frames,)
        Where the dub sounds.
    """
    if not (line[0] < pause[0] and line[1] > pause[1]):
        return False
    inside = sounding[round(pause[0] / HOP) : round(pause[1] / HOP)]
    return float(inside.mean()) <= 0.5 if len(inside) else True


def collisions(lines: Sequence[Sequence[Span]], speakers: Sequence[str]) -> list[tuple[int, int]]:
    """The pairs of lines of one speaker that sound together for longer than :data:`TOGETHER`, by their numbers.

    Parameters
    ----------
    lines : sequence of sequence of (start, end)
        When each line sounds; nothing for one that is not there.
    speakers : sequence of str
        Who speaks each.
    """
    return [
        (i, j)
        for i, j in itertools.combinations(range(len(lines)), 2)
        if speakers[i] == speakers[j] and _together(lines[i], lines[j]) > TOGETHER
    ]


def _together(one: Sequence[Span], other: Sequence[Span]) -> float:
    return sum(max(0.0, min(b, d) - max(a, c)) for a, b in one for c, d in other)

"""Lines of a real recording: words as dubkit's embedded profile hears them, edges as the recording's energy shows them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from data.samples import built
from dubkit.audio import read, resample
from evaluation.times.spans import Span, phrases

ROOM = 25.0
"""How far under the loud speech the recording's own noise lies, less 5 dB: what is quieter is no speech, in dB."""
NOISE = 0.1
"""What is shorter is a click or a breath, in seconds; so is what falls in no word."""

Words = tuple[tuple[str, float, float], ...]


def samples(name: str, sample_rate: int) -> np.ndarray:
    """The sample's sound, mono, cut to whole frames of 10 ms."""
    from soundfile import info

    path = built(name).audio
    sound = read(path)
    mono = sound if sound.ndim == 1 else sound.mean(axis=1)
    found = resample(mono, info(path).samplerate, sample_rate)
    return found[: len(found) // (sample_rate // 100) * (sample_rate // 100)]


def lines(name: str, store: Path, sound: np.ndarray, sample_rate: int) -> list[tuple[str, tuple[Span, ...], Words]]:
    """Text, phrases and words of each line.

    The pipeline of the embedded profile finds lines and words. The phrases are those of the recording's energy, each
    given to the line whose words it holds; one that holds the end of a line and the start of the next, because the
    reader made no pause there, is split between the two words.
    """
    from dubkit.run import Run

    run = Run.open(built(name).video, source="en", target="pt", profile="embedded", store=store)
    utterances = run.transcript.utterances
    cuts = [(a.words[-1].end + b.words[0].start) / 2 for a, b in itertools.pairwise(utterances)]
    words = [w for u in utterances for w in u.words]
    heard = [
        (a, b)
        for a, b in phrases(sound, sample_rate, ROOM)
        if b - a >= NOISE and any(min(b, w.end) - max(a, w.start) > 0.05 for w in words)
    ]
    spans = shared_out(heard, cuts)
    return [
        (u.text, tuple(own), tuple((w.text, w.start, w.end) for w in u.words))
        for u, own in zip(utterances, spans, strict=True)
        if own
    ]


def shared_out(heard: Sequence[Span], cuts: Sequence[float], near: float = 0.25) -> list[list[Span]]:
    """Phrases by line.

    Parameters
    ----------
    heard : sequence of (start, end)
        All phrases, in order.
    cuts : sequence of float
        Times between one line and the next, a second or less wrong; a pause within `near` seconds is preferred.
    near : float
        Seconds.
    """
    pauses = [(a[1] + b[0]) / 2 for a, b in itertools.pairwise(heard)]
    edges = []
    for cut in cuts:
        closest = min(pauses, key=lambda pause: abs(pause - cut), default=None)
        edges.append(closest if closest is not None and abs(closest - cut) <= near else cut)
    bounds = [-np.inf, *edges, np.inf]
    shares: list[list[Span]] = []
    for low, high in itertools.pairwise(bounds):
        own = [(round(max(a, low), 2), round(min(b, high), 2)) for a, b in heard if b > low and a < high]
        shares.append([s for s in own if s[1] - s[0] > 0.02])
    return shares

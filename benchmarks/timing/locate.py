"""Where each line sounds in a dub, and what of it is missing: heard in the sound itself, whatever the dubber says.

A line's clip at natural rate is aligned with the dub around its slot (:mod:`benchmarks.timing.warping`, mel cepstra).
What is passed over, or matches badly for 0.08 s or longer, is suspected to be missing. It is acquitted where another
voice only covers it: where the dub holds, at the time at which the rest of the line leads one to expect it, at least the
energy that the clip has in its own strong bands. Ends are then moved to the nearest edge of sound, if there is one close
by, since cepstra blur edges over their window of 25 ms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.timing import warping
from dubkit.audio import resample, speech_level
from evaluation.times.spans import HOP, Span, gate, runs

SAMPLE_RATE = 16_000
LEVEL = 0.07
FLOOR = -50.0
"""Power of a mel band, in dB under the mean of speech, below which nothing is heard: digital silence is as good as any."""
N_CEPSTRA = 16
BEFORE, AFTER = 2.5, 4.0
"""How far around its slot a line is searched, in seconds."""
NEAR = 0.1
"""How far an end is moved to an edge of sound, in seconds."""
LEAST_GAP = 0.08
"""A missing stretch that is shorter is a fast sound, not a cut."""
STRAY = 0.25
"""What is heard for a shorter time between two missing stretches is something else that sounds alike, in seconds."""
DOUBTFUL = 0.45
"""Mean distance over 0.07 s above which a stretch is suspected."""
STRONG, LOSS, COVERED = 20.0, 6.0, 0.8
"""Bands within 20 dB of a frame's strongest must be there, less 6 dB, in four of five cases."""


@dataclass(frozen=True)
class Features:
    """A sound as the scorer hears it.

    Parameters
    ----------
    bands : np.ndarray, shape (n_frames, n_bands)
        Mel power in dB.
    cepstra : np.ndarray, shape (n_frames, N_CEPSTRA)
    sounding : np.ndarray of bool, shape (n_frames,)
    """

    bands: np.ndarray
    cepstra: np.ndarray
    sounding: np.ndarray


@dataclass(frozen=True)
class Located:
    """A line in the dub; times in seconds of the film.

    Parameters
    ----------
    start, end : float
        When it begins and ends to sound; NaN where none of it does.
    phrases : tuple of (start, end)
        Where each phrase of its clip sounds; one that is missing is left out.
    rate : float
        How much faster than naturally it is spoken, pauses not counted.
    missing : tuple of (start, end)
        The stretches of the clip that are not in the dub, in seconds of the clip.
    """

    start: float
    end: float
    phrases: tuple[Span, ...]
    rate: float
    missing: tuple[Span, ...]


def features(samples: np.ndarray, sample_rate: int) -> Features:
    """What is compared of a mono sound; its level does not matter."""
    import librosa
    import scipy.fft

    level = speech_level(samples, sample_rate)
    sound = resample(np.asarray(samples, np.float32) * (LEVEL / level if level else 1.0), sample_rate, SAMPLE_RATE)
    hop, width = round(HOP * SAMPLE_RATE), 512
    n_frames = -(-len(sound) // hop)
    # A window is centred on the middle of the 10 ms that the gate calls the same frame.
    padded = np.pad(sound, (width // 2 - hop // 2, n_frames * hop - len(sound) + width))
    mel = librosa.feature.melspectrogram(
        y=padded, sr=SAMPLE_RATE, n_fft=width, win_length=400, hop_length=hop, center=False, n_mels=40, fmax=7000
    )[:, :n_frames]
    bands = 10 * np.log10(mel + np.float32(10 ** (FLOOR / 10)) * _speech_power()).T
    cepstra = scipy.fft.dct(bands, axis=1, norm="ortho")[:, :N_CEPSTRA]
    return Features(bands, cepstra, gate(samples, sample_rate)[:n_frames])


def _speech_power() -> float:
    """Mean mel power of noise at LEVEL, to set the floor by."""
    return LEVEL**2 * 150.0


def locate(clip: Features, phrases: Sequence[Span], dub: Features, slot: Span) -> Located:
    """Find a line in a dub.

    Parameters
    ----------
    clip : Features
        The line at natural rate.
    phrases : sequence of (start, end)
        The clip's stretches of speech.
    dub : Features
        The whole dub.
    slot : (start, end)
        When the line is spoken in the source.
    """
    n = len(clip.cepstra)
    first = max(0, round((slot[0] - BEFORE) / HOP))
    last = min(len(dub.cepstra), round((slot[0] + max(slot[1] - slot[0], n * HOP) + AFTER) / HOP))
    distances = warping.distance(clip.cepstra, dub.cepstra[first:last])
    away = np.abs((first + np.arange(last - first)) * HOP - slot[0])
    steps = warping.path(distances, away)
    begins, ends, doubtful = _suspected(steps, distances, clip.sounding[:n])
    gone = _gone(clip, dub.bands[first:last], begins, ends, doubtful)
    return _measured(begins + first, ends + first, gone, phrases, _edges(dub.sounding, first, last))


def _suspected(
    steps: np.ndarray, distances: np.ndarray, sounding: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Per frame of the clip: its first and last frame in the window, and whether it may be missing."""
    n = len(sounding)
    clip_at, dub_at = steps.T
    begins, ends, cost = np.full(n, len(distances[0])), np.full(n, -1), np.full(n, np.inf)
    np.minimum.at(begins, clip_at, dub_at)
    np.maximum.at(ends, clip_at, dub_at)
    np.minimum.at(cost, clip_at, distances[clip_at, dub_at])
    passed_over = np.zeros(n, bool)
    passed_over[clip_at[1:][np.diff(dub_at) == 0]] = True
    smooth = np.convolve(np.pad(np.minimum(cost, 1.0), 3, "edge"), np.ones(7) / 7, "valid")
    over = _long(passed_over & (cost > DOUBTFUL) | _long(passed_over))
    return begins, ends, _long((over | (smooth > DOUBTFUL)) & sounding)


def _long(mask: np.ndarray) -> np.ndarray:
    """Without the runs that are shorter than LEAST_GAP."""
    kept = np.zeros(len(mask), bool)
    for start, end in runs(mask):
        if end - start >= LEAST_GAP - 1e-6:
            kept[round(start / HOP) : round(end / HOP)] = True
    return kept


def _gone(clip: Features, window: np.ndarray, begins: np.ndarray, ends: np.ndarray, doubtful: np.ndarray) -> np.ndarray:
    """Which frames of the clip are not in the dub; where others cover them, `begins` and `ends` are put right."""
    gone = np.zeros(len(doubtful), bool)
    sure = np.flatnonzero(~doubtful & clip.sounding[: len(doubtful)])
    if len(sure) < 10:
        return doubtful
    middle = (begins + ends) / 2
    slope = float(np.clip(np.median((middle[sure[5:]] - middle[sure[:-5]]) / (sure[5:] - sure[:-5])), 0.3, 2.0))
    strong = clip.bands >= clip.bands.max(axis=1, keepdims=True) - STRONG
    at = np.clip(middle[sure].astype(int), 0, len(window) - 1)
    gain = float(np.median((window[at] - clip.bands[sure])[strong[sure]]))
    for start, end in runs(doubtful):
        frames = np.arange(round(start / HOP), round(end / HOP))
        anchor = sure[np.abs(sure - frames[0]).argmin()] if frames[0] > sure[0] else sure[0]
        expected = middle[anchor] + (frames - anchor) * slope
        shifts = np.arange(-6, 7, 2)
        shares = [_there(clip.bands[frames] + gain, strong[frames], window, expected + shift) for shift in shifts]
        if max(shares) >= COVERED:
            found = np.round(expected + shifts[int(np.argmax(shares))]).astype(int)
            begins[frames], ends[frames] = found, found
        else:
            gone[frames] = True
    return _without_strays(gone)


def _without_strays(gone: np.ndarray) -> np.ndarray:
    """Missing stretches with what lies between two of them, or behind the last one, where that is short."""
    found = gone.copy()
    ends = [round(end / HOP) for _, end in runs(gone)]
    starts = [*[round(start / HOP) for start, _ in runs(gone)][1:], len(gone)]
    for end, start in zip(ends, starts, strict=False):
        if (start - end) * HOP < STRAY:
            found[end:start] = True
    return found


def _there(bands: np.ndarray, strong: np.ndarray, window: np.ndarray, expected: np.ndarray) -> float:
    """The share of a stretch's strong bands that a sound holds at the expected frames."""
    at = np.round(expected).astype(int)
    inside = (at >= 0) & (at < len(window))
    if not inside.any():
        return 0.0
    there = window[np.clip(at, 0, len(window) - 1)] >= bands - LOSS
    return float((there & inside[:, None])[strong].mean())


def _edges(sounding: np.ndarray, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
    """When something begins and ends to sound in the dub, in seconds."""
    found = runs(sounding[first:last])
    return np.array([a for a, _ in found]) + first * HOP, np.array([b for _, b in found]) + first * HOP


def _snapped(time: float, edges: np.ndarray) -> float:
    nearest = float(edges[np.abs(edges - time).argmin()]) if len(edges) else time
    return nearest if abs(nearest - time) <= NEAR else time


def _measured(
    begins: np.ndarray,
    ends: np.ndarray,
    gone: np.ndarray,
    phrases: Sequence[Span],
    edges: tuple[np.ndarray, np.ndarray],
) -> Located:
    found: list[Span] = []
    natural = sounded = 0.0
    for a, b in phrases:
        frames = np.arange(round(a / HOP), min(len(gone), round(b / HOP)))
        frames = frames[~gone[frames]]
        if len(frames) * HOP < LEAST_GAP:
            continue
        start = _snapped(float(begins[frames[0]]) * HOP, edges[0])
        whole = len(frames) == min(len(gone), round(b / HOP)) - round(a / HOP)
        # What follows a cut is often taken for the rest of the last sound before it.
        end = _snapped(float((ends if whole else begins)[frames[-1]] + 1) * HOP, edges[1])
        if end - start < LEAST_GAP:
            continue
        found.append((round(start, 4), round(end, 4)))
        natural += len(frames) * HOP
        sounded += end - start if whole else len(frames) * HOP * _slope(frames, (begins + ends)[frames] / 2)
    if not found:
        return Located(np.nan, np.nan, (), np.nan, tuple(phrases))
    return Located(found[0][0], found[-1][1], tuple(found), natural / sounded, tuple(runs(gone)))


def _slope(frames: np.ndarray, heard: np.ndarray) -> float:
    """Frames of the dub per frame of the clip, by least squares."""
    return float(np.clip(np.polyfit(frames, heard, 1)[0], 0.3, 3.0))

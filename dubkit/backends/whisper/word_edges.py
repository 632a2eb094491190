"""Word times moved onto the sound.

A recogniser's attention finds where words begin to within a few hundredths of a second, but lets a word before a pause
end too early, and sometimes lets a word swallow the pause before it. The sound's level says where speech stops and
starts, so edges at pauses are moved there. Measured on prompts joined by pauses: the median error of ends falls from
0.30 s to 0.04 s in clean speech, and from 0.30 s to 0.10 s with music 15 dB below it; starts stay within 0.04 s.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dubkit.artefacts import Word
from dubkit.record import Seconds

if TYPE_CHECKING:
    import numpy as np

FRAME: Seconds = 0.01
SHORTEST: Seconds = 0.02
CLOSURE = 12
"""Frames: a shorter silence is the closure of a plosive, not a pause."""
# A recogniser's starts are good, its ends are not: ends may move far, starts just a little back.
_LATER, _EARLIER = 50, 10
_SPEECH_SHARE = 0.3
# dB between loud and quiet frames: with less there is no pause to be found, in one breath as in loud noise.
_CONTRAST = 12.0
_DEEPEST = 40.0


def onto_sound(words: Sequence[Word], waveform: np.ndarray, sample_rate: int) -> tuple[Word, ...]:
    """Words in order, inside the waveform, each with a length, their edges at pauses where the sound has them.

    Parameters
    ----------
    words : sequence of Word
        With times in seconds from the start of the waveform.
    waveform : np.ndarray, shape (n_samples,)
        What they were heard in.
    sample_rate : int
        Samples per second.

    Returns
    -------
    tuple of Word
        As many; times in steps of 0.01 s, none before the one in front starts, none shorter than 0.02 s where the
        waveform has room for all.
    """
    sounding = activity(waveform, sample_rate)
    n_frames = len(sounding)
    edges = _ordered(words, n_frames)
    steady = bool(sounding.all())
    for k, (start, end) in enumerate(() if steady else edges):
        following = edges[k + 1][0] if k + 1 < len(edges) else n_frames
        edges[k] = (start, _end(sounding, start, end, min(following, end + _LATER, n_frames)))
    for k, (start, end) in enumerate(() if steady else edges):
        previous = edges[k - 1][1] if k else 0
        edges[k] = (_start(sounding, start, end, max(previous, start - _EARLIER, 0)), end)
    return tuple(
        word.but(start=round(start * FRAME, 2), end=round(end * FRAME, 2))
        for word, (start, end) in zip(words, edges, strict=True)
    )


def activity(waveform: np.ndarray, sample_rate: int) -> np.ndarray:
    """Where the sound is as loud as speech, closures of plosives included.

    Parameters
    ----------
    waveform : np.ndarray, shape (n_samples,)
        Mono sound.
    sample_rate : int
        Samples per second.

    Returns
    -------
    np.ndarray of bool, shape (n_frames,)
        Per 10 ms; the threshold lies between the waveform's own quiet and loud frames. All true where they hardly
        differ.
    """
    import numpy as np

    frame = round(sample_rate * FRAME)
    n_frames = len(waveform) // frame
    if not n_frames:
        return np.zeros(0, bool)
    power = np.mean(waveform[: n_frames * frame].astype(np.float64).reshape(n_frames, frame) ** 2, axis=1)
    level = 10 * np.log10(np.convolve(power, np.ones(3) / 3, mode="same") + 1e-10)
    quiet, loud = np.quantile(level, 0.05), np.quantile(level, 0.95)
    if loud - quiet < _CONTRAST:
        return np.ones(n_frames, bool)
    sounding: np.ndarray = level > max(quiet + _SPEECH_SHARE * (loud - quiet), loud - _DEEPEST)
    borders = np.flatnonzero(np.diff(sounding.astype(np.int8))) + 1
    for first, last in itertools.pairwise(borders):
        if not sounding[first] and last - first < CLOSURE:
            sounding[first:last] = True
    return sounding


def _ordered(words: Sequence[Word], n_frames: int) -> list[tuple[int, int]]:
    """First and one-past-last frame of each word: inside the sound, starts never falling, none empty if there is room."""
    least = round(SHORTEST / FRAME)
    edges, earliest = [], 0
    for k, word in enumerate(words):
        latest = n_frames - least * (len(words) - k)
        start = max(earliest, min(round(word.start / FRAME), latest), 0)
        end = min(max(round(word.end / FRAME), start + least), n_frames)
        edges.append((start, end))
        earliest = min(start + least, n_frames)
    for k in range(len(edges) - 1):
        start, end = edges[k]
        edges[k] = (start, min(end, edges[k + 1][0]))
    return edges


def _end(sounding: np.ndarray, start: int, end: int, latest: int) -> int:
    """On to where the sound stops, or back to where it stopped."""
    if end <= start:
        return end
    if sounding[end - 1]:
        while end < latest and sounding[end]:
            end += 1
        return end
    least = round(SHORTEST / FRAME)
    back = end
    while back > start + least and not sounding[back - 1]:
        back -= 1
    return back if sounding[back - 1] else end


def _start(sounding: np.ndarray, start: int, end: int, earliest: int) -> int:
    """Back to where the sound began, or on to where it begins."""
    if end <= start:
        return start
    if sounding[start]:
        while start > earliest and sounding[start - 1]:
            start -= 1
        return start
    least = round(SHORTEST / FRAME)
    on = start
    while on < end - least and not sounding[on]:
        on += 1
    return on if sounding[on] else start

"""The pauses of a synthesized clip, and the clip cut into phrases there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from dubkit.artefacts import Phrase
from dubkit.phrases import Match, Span
from dubkit.record import Seconds

if TYPE_CHECKING:
    import numpy as np

FRAME = 0.01
# Silence is this far below the clip's own level: releases and breath are still sound.
QUIET_DB = -32.0
AUDIBLE_DB = -36.0
# So far down a voice has let go, if not fallen silent; looked for this near to where the synthesizer has its mark.
DIP_DB, DIP_REACH = -18.0, 0.1


def cuts(samples: np.ndarray, sample_rate: int, expected: Sequence[Seconds], exact: bool) -> list[Span | None]:
    """The pauses of a clip nearest to where they are expected.

    Parameters
    ----------
    samples : np.ndarray, shape (n_samples,)
        The clip, mono.
    sample_rate : int
        In Hz.
    expected : sequence of float
        The middle of each pause, in seconds of the clip.
    exact : bool
        Whether these come from the synthesizer. Guesses are searched farther away, and for real silences only; else a dip
        between two words will do, which is an empty span.

    Returns
    -------
    list of (float, float) or None
        As many as expected; None where nothing can be cut.
    """
    import numpy as np

    levels, frame = _levels(samples, sample_rate)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], levels < QUIET_DB, [False]]).astype(int)))
    silences = [(float(a) * frame, float(b) * frame) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    duration, (begins, ceases) = len(samples) / sample_rate, audible(samples, sample_rate)
    reach, least = (0.2, 0.03) if exact else (0.15 + 0.08 * duration, 0.1)
    found: list[Span | None] = []
    after = begins
    for time in expected:
        near = [
            (a, b)
            for a, b in silences
            if b - a >= least and a > after and b < ceases and max(a - time, time - b, 0.0) <= reach
        ]
        # The longest silence, but rather a near one: a plosive's closure is short, a pause seldom is.
        chosen = max(near, key=lambda s: (s[1] - s[0]) - 0.5 * abs((s[0] + s[1]) / 2 - time), default=None)
        if chosen is None and exact:
            chosen = _dip(levels, frame, max(after, time - DIP_REACH), min(ceases, time + DIP_REACH))
        found.append(chosen)
        after = chosen[1] if chosen else after
    return found


def _dip(levels: np.ndarray, frame: Seconds, start: Seconds, end: Seconds) -> Span | None:
    """The softest moment between two times, if the voice lets go there."""
    first, last = int(start / frame) + 1, min(len(levels), int(end / frame)) - 1
    if first >= last:
        return None
    at = first + int(levels[first:last].argmin())
    time = (at + 0.5) * frame
    return (time, time) if levels[at] < DIP_DB else None


def cut(
    samples: np.ndarray, sample_rate: int, matches: Sequence[Match], marks: Sequence[Seconds], exact: bool
) -> tuple[Phrase, ...]:
    """The phrases of a clip; where it makes no pause between two of them they stay one.

    Parameters
    ----------
    samples : np.ndarray, shape (n_samples,)
        The clip, mono.
    sample_rate : int
        In Hz.
    matches : sequence of Match
        The phrases wanted.
    marks : sequence of float
        About where each clause but the last ends, in seconds of the clip.
    exact : bool
        Whether these come from the synthesizer.
    """
    pauses = cuts(samples, sample_rate, [marks[match.clauses[1] - 1] for match in matches[:-1]], exact)
    found: list[Phrase] = []
    start, end = audible(samples, sample_rate)
    slot_start = matches[0].slot[0]
    for match, pause in zip(matches, [*pauses, (end, end)], strict=True):
        if pause is None:
            continue
        found.append(
            Phrase(start=round(start, 4), end=round(pause[0], 4), slot_start=slot_start, slot_end=match.slot[1])
        )
        start = pause[1]
        slot_start = matches[min(len(matches) - 1, matches.index(match) + 1)].slot[0]
    return tuple(found)


def audible(samples: np.ndarray, sample_rate: int) -> Span:
    """When a clip begins and ceases to be heard; what lies before and after is breath and fading."""
    import numpy as np

    levels, frame = _levels(samples, sample_rate)
    heard = np.flatnonzero(levels > AUDIBLE_DB)
    duration = len(samples) / sample_rate
    return (float(heard[0]) * frame, min(duration, float(heard[-1] + 1) * frame)) if len(heard) else (0.0, duration)


def _levels(samples: np.ndarray, sample_rate: int) -> tuple[np.ndarray, Seconds]:
    """The level of each frame beside the clip's own, in dB, shape (n_frames,), and how long a frame is: whole samples."""
    import numpy as np

    from dubkit.audio import speech_level

    step = max(1, round(FRAME * sample_rate))
    frames = samples[: len(samples) // step * step].reshape(-1, step)
    power = np.mean(frames.astype(np.float64) ** 2, axis=1)
    levels: np.ndarray = 10 * np.log10(power + 1e-20) - 20 * np.log10(speech_level(samples, sample_rate) + 1e-10)
    return levels, step / sample_rate

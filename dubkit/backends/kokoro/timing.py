"""How long Kokoro's speech lasts: durations brought to a rate, and the clip's length foretold from them.

Durations are in frames of 25 ms, one number for each symbol and for the pad at each end.
"""

from __future__ import annotations

import functools
import json
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.backends.kokoro.graph import SAMPLES_PER_FRAME

if TYPE_CHECKING:
    import numpy as np

    from dubkit.record import Seconds

SLOWEST, FASTEST = 0.5, 2.0
"""Rates are kept within these."""

_MARKS = re.compile(r"[;:,.!?—…]+[”)]*(?: +|$)")
_FRAME = SAMPLES_PER_FRAME / 24000
_AFTER_SENTENCE, _AFTER_CLAUSE = 0.3, 0.15


def paced(frames: np.ndarray, rate: float) -> np.ndarray:
    """Durations at another speaking rate, still whole frames and at least one each.

    What rounding adds to one symbol is taken from the next ones, so that the sum keeps to the rate. (The whole model's
    own speed input rounds each by itself: at 1.5 times the speed, every symbol of two frames becomes one of one.)

    Parameters
    ----------
    frames : np.ndarray, shape (n,)
        Whole frames at natural rate.
    rate : float
        1 is natural, 1.2 is 20 % faster; between :data:`SLOWEST` and :data:`FASTEST`.
    """
    import numpy as np

    if rate == 1.0:
        return frames
    changed = np.empty_like(frames)
    wanted = given = 0.0
    for index, natural in enumerate(frames.tolist()):
        wanted += natural / rate
        changed[index] = max(1.0, math.floor(wanted - given + 0.5))
        given += float(changed[index])
    return changed


def symbol_rate(written: str, frames: np.ndarray, style: str, rate: float) -> float:
    """The rate of the symbols at which the clip as a whole is spoken `rate` times as fast.

    What a voice leaves silent at the ends does not change with the rate, so that short lines would come out faster than asked.

    Parameters
    ----------
    written : str
        The n symbols that are spoken.
    frames : np.ndarray, shape (n + 2,)
        Their durations at natural rate, between those of the pads.
    style : str
        The voice's style or mixture.
    rate : float
        1 is natural.
    """
    if rate == 1.0:
        return rate
    natural = predicted(written, frames, style)
    symbols = natural - offset(style)
    wanted = natural / rate - offset(style)
    return min(max(symbols / max(wanted, _FRAME), SLOWEST), FASTEST)


def predicted(written: str, frames: np.ndarray, style: str) -> Seconds:
    """Length of a trimmed clip: its symbols without the closing marks, and what the voice adds or leaves silent.

    On sentences that the offsets were not fitted on, the median error is 0.5 % at natural rate and 1 to 2 % at others
    (``docs/durations.md``).

    Parameters
    ----------
    written : str
        The n symbols that are spoken.
    frames : np.ndarray, shape (n + 2,)
        Their durations between those of the pads.
    style : str
        The voice's style or mixture.
    """
    n_sounding = len(written.rstrip(";:,.!?—…”) "))
    return max(_FRAME, float(frames[1 : n_sounding + 1].sum()) * _FRAME + offset(style))


def pauses(written: str, frames: np.ndarray) -> list[tuple[Seconds, Seconds]]:
    """When the marks inside a part begin and end, with the space after them, in seconds of its trimmed clip.

    Parameters
    ----------
    written : str
        The n symbols that are spoken.
    frames : np.ndarray, shape (n + 2,)
        Their durations between those of the pads.
    """
    ends = frames[1 : len(written) + 1].cumsum() * _FRAME
    inside = written.rstrip(";:,.!?—…”) ")
    return [
        (float(ends[mark.start() - 1]) if mark.start() else 0.0, float(ends[mark.end() - 1]))
        for mark in _MARKS.finditer(inside)
    ]


def pause_after(written: str) -> Seconds:
    """The silence between a part of a long text and the next one."""
    last = written.rstrip("”) ")[-1:]
    if last in {".", "!", "?", "…"}:
        return _AFTER_SENTENCE
    return _AFTER_CLAUSE if last in {",", ";", ":", "—"} else 0.0


def offset(style: str) -> Seconds:
    """Seconds by which a voice's sound is longer than its symbols' frames."""
    known = offsets()
    parts = style.split("+")
    return known[style] if style in known else sum(known.get(p, 0.0) for p in parts) / len(parts)


@functools.cache
def offsets() -> dict[str, Seconds]:
    """Measured by ``benchmarks/voices.py``, by style or mixture."""
    table: dict[str, Seconds] = json.loads((Path(__file__).parent / "offsets.json").read_text())
    return table

"""How the loudness of a sound goes over time: the short-term loudness of EBU Tech 3341."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dubkit.loudness import GATE, fields

WINDOW, STEP = 3.0, 0.1
"""What a value is measured over, and how far the next one is, in seconds."""
SILENCE = -120.0
"""LUFS that no sound is quieter than."""


@dataclass(frozen=True)
class Course:
    """How loud a sound is over time.

    Parameters
    ----------
    times : np.ndarray, shape (n_windows,)
        The middle of each window, in seconds; none in a sound that is shorter than one.
    short_term : np.ndarray, shape (n_windows,)
        Loudness over each window, in LUFS.
    integrated : float
        That of the whole, as :func:`dubkit.loudness.measured` gives it.
    """

    times: np.ndarray
    short_term: np.ndarray
    integrated: float


def course(path: Path) -> Course:
    """The short-term loudness of a FLAC or WAV file, or of the first sound track of a video, in one pass.

    Raises
    ------
    BadInput
        If the file is neither.
    StageFailed
        If ffmpeg cannot read it.
    """
    integrated, levels = GATE, []
    for name, value in fields(path):
        if name == "S":
            levels.append(value)
        elif name == "I":
            integrated = max(GATE, value)
    # A value stands at its window's end; the first ones are of windows that are not full yet.
    ends = np.arange(1, len(levels) + 1) * STEP
    full = ends > WINDOW - STEP / 2
    return Course(ends[full] - WINDOW / 2, np.maximum(np.array(levels)[full], SILENCE), integrated)

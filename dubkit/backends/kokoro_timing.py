"""How long Kokoro's speech lasts: durations brought to a rate, and the clip's length foretold from them.

Durations are in frames of 25 ms, one number for each symbol and for the pad at each end.
"""

from __future__ import annotations

import functools
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.backends.kokoro_graph import SAMPLES_PER_FRAME
from dubkit.backends.kokoro_phonemes import PAUSE_MARKS

if TYPE_CHECKING:
    import numpy as np

    from dubkit.artefacts import Seconds

FRAME = SAMPLES_PER_FRAME / 24000
_SLOWEST, _FASTEST = 0.5, 2.0


def paced(frames: np.ndarray, rate: float) -> np.ndarray:
    """Durations at another speaking rate, still whole frames and at least one each.

    What rounding adds to one symbol is taken from the next ones, so that the sum keeps to the rate. (The whole model's
    own speed input rounds each by itself: at 1.5 times the speed, every symbol of two frames becomes one of one.)

    Parameters
    ----------
    frames : np.ndarray, shape (n,)
        Whole frames at natural rate.
    rate : float
        1 is natural, 1.2 is 20 % faster; taken as 0.5 at least and 2 at most.
    """
    import numpy as np

    rate = min(max(rate, _SLOWEST), _FASTEST)
    if rate == 1.0:
        return frames
    set_to = np.empty_like(frames)
    wanted = given = 0.0
    for index, natural in enumerate(frames.tolist()):
        wanted += natural / rate
        set_to[index] = max(1.0, math.floor(wanted - given + 0.5))
        given += float(set_to[index])
    return set_to

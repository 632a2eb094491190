"""Cuts the silence off both ends of a synthetic clip, without touching the sound."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from dubkit.record import Seconds

BELOW_PEAK = 55.0
"""dB under the loudest 5 ms: quieter than a soft f or h begins, louder than what synthesizers leave in a pause."""


def trim(samples: np.ndarray, sample_rate: int, margin: Seconds = 0.01) -> np.ndarray:
    """The part of a clip that sounds.

    Parameters
    ----------
    samples : np.ndarray, shape (n_samples,)
        Mono sound without background noise.
    margin : float
        Seconds kept before the first and after the last frame that sounds.

    Returns
    -------
    np.ndarray, shape (m,)
        A view of `samples`; empty if nothing sounds.
    """
    import numpy as np

    frame = max(1, sample_rate // 200)
    padded = np.pad(samples, (0, -len(samples) % frame)).astype(np.float64)
    power = np.mean(padded.reshape(-1, frame) ** 2, axis=1)
    if not len(power) or power.max() <= 0.0:
        return samples[:0]
    sounding = np.flatnonzero(power > power.max() * 10.0 ** (-BELOW_PEAK / 10.0))
    extra = round(margin * sample_rate)
    start, end = sounding[0] * frame - extra, (sounding[-1] + 1) * frame + extra
    return samples[max(0, int(start)) : int(end)]


def nothing(sample_rate: int) -> np.ndarray:
    """A tenth of a second of silence: what stands for a text in which there is nothing to say."""
    import numpy as np

    return np.zeros(sample_rate // 10, np.float32)

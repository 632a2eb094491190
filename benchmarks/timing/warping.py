"""Dynamic time warping that can tell what is missing from what is fast (after Sakoe and Chiba 1978).

A clip is aligned with a longer sound that holds it somewhere: it may begin and end anywhere, and a stretch of it that is
nowhere to be found is passed over at a price per frame that lies between that of a match and that of a mismatch.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

SKIP = 0.6
"""Price of a frame that has no counterpart; a match costs about 0.15, a mismatch about 1."""
WARP = 0.05
"""Extra price of a frame that is repeated or passed over, so that equal things are aligned straight."""
AWAY = 3.0
"""Price of a second between where the clip is expected to begin and where it does, in frames of mismatch."""


def distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Between all frames of two sounds, about 1 for frames that have nothing in common.

    Parameters
    ----------
    a, b : np.ndarray, shapes (n_a, n_features) and (n_b, n_features)

    Returns
    -------
    np.ndarray, shape (n_a, n_b)
    """
    scale = np.concatenate([a, b]).std(axis=0) + 1e-6
    left, right = a / scale, b / scale
    squares = (left**2).sum(1)[:, None] + (right**2).sum(1)[None] - 2 * left @ right.T
    found: np.ndarray = np.sqrt(np.maximum(squares, 0) / (2 * a.shape[1]))
    return found


def path(distances: np.ndarray, away: np.ndarray) -> np.ndarray:
    """The cheapest alignment.

    Parameters
    ----------
    distances : np.ndarray, shape (n_clip, n_sound)
    away : np.ndarray, shape (n_sound,)
        How far each frame of the sound is from where the clip is expected to begin, in seconds.

    Returns
    -------
    np.ndarray of int, shape (n_steps, 2)
        Frames of the clip and of the sound, in order.
    """
    steps: np.ndarray = _path(distances.astype(np.float64), away.astype(np.float64) * AWAY, SKIP, WARP)
    return steps


@numba.njit(cache=True)
def _path(distances: Any, away: Any, skip: float, warp: float) -> Any:
    n, m = distances.shape
    total = np.empty((n, m))
    step = np.zeros((n, m), np.int8)
    straight, passed_over, repeated, first = 0, 1, 2, 3
    for j in range(m):
        total[0, j] = distances[0, j] + away[j]
        step[0, j] = first
        if j and total[0, j - 1] + min(distances[0, j], skip) + warp < total[0, j]:
            total[0, j] = total[0, j - 1] + min(distances[0, j], skip) + warp
            step[0, j] = repeated
    for i in range(1, n):
        for j in range(m):
            here = distances[i, j]
            best, how = total[i - 1, j] + min(here, skip) + warp, passed_over
            if j:
                if total[i - 1, j - 1] + here <= best:
                    best, how = total[i - 1, j - 1] + here, straight
                if total[i, j - 1] + min(here, skip) + warp < best:
                    best, how = total[i, j - 1] + min(here, skip) + warp, repeated
            total[i, j], step[i, j] = best, how
    i, j = n - 1, int(np.argmin(total[n - 1]))
    found = np.empty((n + m, 2), np.int64)
    k = n + m
    while True:
        k -= 1
        found[k, 0], found[k, 1] = i, j
        how = step[i, j]
        if how == first:
            break
        if how != repeated:
            i -= 1
        if how != passed_over:
            j -= 1
    return found[k:]

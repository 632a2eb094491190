"""When subtitles are shown: by the speech, long enough to be read, one after the other.

A linear programme over the whole film. For cue i with speech from s to e and the time n that it takes to read, its times
a and b minimise

    sum of  early(s - a) + late(a - s) + OVER (b - e)+ + CUT (e - b)+ + short(n - (b - a)) + UNSEEN (m - (b - a))+

where early, late and short are 0 below 0, cheap up to a limit and dear beyond it (so that hurry is spread), and m is the
least time on the screen, subject to b[i] + gap <= a[i+1], b - a <= 7 s and 0 <= a, b <= the film's length. So a cue that
is fast to read first stays longer in the silence after it, then comes a little early, and only then is read fast.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from dubkit.record import Seconds

# Netflix's timed text guide: 5/6 s to 7 s on the screen, two frames between subtitles, shorter gaps than half a second
# closed to those two frames (they flicker).
SHORTEST, LONGEST, GAP, FLICKER = 5 / 6, 7.0, 2 / 24, 0.5
EARLY, LATE = 0.3, 0.2
# The part of the reading time that may be missing before it becomes dear.
HURRY = 0.15
# Prices of a second, in the order of the variables below.
EARLY_COST, TOO_EARLY_COST, LATE_COST, TOO_LATE_COST = 2.0, 20.0, 3.0, 20.0
OVER, CUT, SHORT, TOO_SHORT, UNSEEN = 0.1, 3.0, 4.0, 8.0, 40.0


def times(
    starts: Sequence[Seconds], ends: Sequence[Seconds], reading: Sequence[Seconds], duration: Seconds
) -> list[tuple[Seconds, Seconds]]:
    """The times of all cues of a track.

    Parameters
    ----------
    starts, ends : sequence of float
        When the speech of each cue begins and ends, in seconds; starts do not fall.
    reading : sequence of float
        How long it takes to read each, in seconds.
    duration : float
        The film's length; no cue is shown beyond it.

    Returns
    -------
    list of (float, float)
        Start and end in whole milliseconds, in the same order, without overlap.
    """
    n = len(starts)
    if not n:
        return []
    # However many cues there are, all find a place: in a crowd they are shorter and closer.
    crowd = duration / (3 * n)
    gap, least = min(GAP, crowd), min(SHORTEST / 4, crowd)
    begin = np.clip(starts, 0, duration)
    finish = np.clip(np.maximum(ends, begin), 0, duration)
    read = np.clip(reading, SHORTEST, LONGEST)
    a, b = _solved(begin, finish, read, duration, gap, least)
    # Gaps that only flicker are closed.
    for i in range(n - 1):
        if a[i + 1] - b[i] < FLICKER:
            b[i] = max(b[i], min(a[i + 1] - gap, a[i] + LONGEST))
    return _whole(a, b, duration)


def _solved(
    s: np.ndarray, e: np.ndarray, read: np.ndarray, duration: Seconds, gap: Seconds, least: Seconds
) -> tuple[np.ndarray, np.ndarray]:
    """Starts and ends of the cues: the solution of the programme above."""
    from scipy.optimize import linprog
    from scipy.sparse import block_array, diags_array, eye_array

    n = len(s)
    one, none = eye_array(n), None
    before = diags_array([np.ones(n - 1)], offsets=[1], shape=(n, n)).tocsr()[: n - 1] if n > 1 else None
    same = eye_array(n).tocsr()[: n - 1] if n > 1 else None
    # Columns: a, b, early, too early, late, too late, over, cut, short, too short, unseen.
    rows = [
        [-one, none, -one, -one, none, none, none, none, none, none, none],  # s - a <= early + too early
        [one, none, none, none, -one, -one, none, none, none, none, none],  # a - s <= late + too late
        [none, one, none, none, none, none, -one, none, none, none, none],  # b - e <= over
        [none, -one, none, none, none, none, none, -one, none, none, none],  # e - b <= cut
        [one, -one, none, none, none, none, none, none, -one, -one, none],  # reading - (b - a) <= short + too short
        [one, -one, none, none, none, none, none, none, none, none, -one],  # the least - (b - a) <= unseen
        [-one, one, none, none, none, none, none, none, none, none, none],  # b - a <= longest
        [one, -one, none, none, none, none, none, none, none, none, none],  # b - a >= least
    ]
    bounds = [-s, s, e, -e, -read, np.full(n, -SHORTEST), np.full(n, LONGEST), np.full(n, -least)]
    if same is not None and before is not None:
        rows.append([-before, same, *[none] * 9])  # b[i] + gap <= a[i + 1]
        bounds.append(np.full(n - 1, -gap))
    prices = (0.0, 0.0, EARLY_COST, TOO_EARLY_COST, LATE_COST, TOO_LATE_COST, OVER, CUT, SHORT, TOO_SHORT, UNSEEN)
    most = np.full((len(prices), n), np.inf)
    most[:2], most[2], most[4], most[8] = duration, EARLY, LATE, HURRY * read
    found = linprog(
        np.repeat(prices, n),
        A_ub=block_array(rows, format="csr"),
        b_ub=np.concatenate(bounds),
        bounds=np.column_stack([np.zeros(most.size), most.ravel()]),
        method="highs",
    )
    if found.x is None:
        raise RuntimeError(f"the subtitles' times have no solution: {found.message}")
    return found.x[:n].copy(), found.x[n : 2 * n].copy()


def _whole(a: np.ndarray, b: np.ndarray, duration: Seconds) -> list[tuple[Seconds, Seconds]]:
    """Times in whole milliseconds that still follow each other and lie inside the film."""
    found, free, last = [], 0, int(duration * 1000)
    for n, (start, end) in enumerate(zip(np.rint(a * 1000).astype(int), np.rint(b * 1000).astype(int), strict=True)):
        # A millisecond is left for each cue that is still to come.
        latest = last - (len(a) - n)
        begin = max(free, min(int(start), latest))
        free = max(begin + 1, min(int(end), latest + 1))
        found.append((begin / 1000, free / 1000))
    return found

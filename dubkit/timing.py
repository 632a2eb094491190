"""When each dubbed line sounds, and how fast: pure numbers in, schedule out.

A first, simple fit in two steps. :func:`native_rates` decides line by line how fast the synthesizer should speak, from
nothing but the source's own times, so that an edited line changes no other line's clip. :func:`place` then solves one
linear programme over the film (HiGHS) for the starts, and stretches only what cannot be placed otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dubkit.record import Seconds

if TYPE_CHECKING:
    import numpy as np

VOWELS = re.compile(r"[aeiouyàáâãäåæèéêëìíîïòóôõöøùúûüýœ]+", re.IGNORECASE)
SYLLABLES_PER_SECOND = 5.5
# Late is worse than early (lips have opened and nothing is heard), an overlong tail is worse than a stretch.
LATE, EARLY, TAIL, STRETCH, SQUEEZE = 1.0, 1.5, 0.4, 2.0, 50.0
MAX_STRETCH = 1.1


@dataclass(frozen=True)
class Slot:
    """The source line that a dubbed line replaces."""

    speaker: str
    start: Seconds
    end: Seconds


def expected_duration(text: str) -> Seconds:
    """About how long a text takes to say in any language: syllables (vowel groups) at 5.5 a second, commas as pauses.

    Texts in scripts without Latin vowels count a syllable per two letters.
    """
    letters = sum(c.isalpha() for c in text)
    syllables = len(VOWELS.findall(text)) or letters / 2
    pauses = len(re.findall(r"[,;:—]\s", text)) * 0.15
    return round(syllables / SYLLABLES_PER_SECOND + pauses, 3)


def rooms(slots: Sequence[Slot], duration: Seconds, gap: Seconds, borrow: Seconds) -> list[Seconds]:
    """How long each line may last: its slot and up to `borrow` seconds of the silence that follows.

    Parameters
    ----------
    slots : sequence of Slot
        By start time.
    duration : float
        Length of the film, in seconds.
    gap : float
        Silence to leave before the next line, in seconds.
    borrow : float
        Most silence to use, in seconds.
    """
    found = []
    for n, slot in enumerate(slots):
        following = next((s.start for s in slots[n + 1 :] if s.start >= slot.end - 0.05), duration + gap)
        found.append(max(0.1, slot.end - slot.start + max(0.0, min(borrow, following - gap - slot.end))))
    return found


def native_rate(natural: Seconds, slot: Seconds, room: Seconds, slowest: float, fastest: float) -> float:
    """The speaking rate at which a line of `natural` length fits: faster only as far as the room demands.

    A line shorter than its slot is slowed down at most to `slowest`: dragging is worse than a pause.
    Rounded to 0.01, so that rates are stable keys.
    """
    if natural > room:
        return round(min(fastest, natural / room), 2)
    return round(min(1.0, max(slowest, natural / slot)), 2)


@dataclass(frozen=True)
class Schedule:
    """When each clip starts and how much it is shortened (stretch 1.1 = played in 1/1.1 of its length)."""

    starts: np.ndarray
    stretches: np.ndarray


def place(slots: Sequence[Slot], clips: Sequence[Seconds], duration: Seconds, gap: Seconds = 0.08) -> Schedule:
    """Starts and stretches of all lines at once.

    Minimises the weighted sum over lines of lateness, earliness, tail beyond the slot, and shortening, such that lines
    of one speaker keep their order and a gap, lines of different speakers overlap no more than they did, and all
    ends before the film does. Shortening beyond 10 % is possible at a high price only, so there is always a solution.

    Parameters
    ----------
    slots : sequence of Slot
        By start time.
    clips : sequence of float
        Length of each clip, in seconds.
    duration : float
        Length of the film, in seconds.
    gap : float
        Least silence between lines of one speaker, in seconds.

    Returns
    -------
    Schedule
        Arrays of shape (n_lines,).
    """
    import numpy as np

    n = len(slots)
    if n == 0:
        return Schedule(np.zeros(0), np.zeros(0))
    lengths = np.asarray(clips, float)
    solution = _solve(slots, lengths, duration, gap)
    if solution is None:
        # More sound than film even at the highest rate, with the gaps: shrink everything until it fits.
        tight = lengths * min(1.0, 0.9 * duration / max(1e-9, float(lengths.sum())))
        solution = _solve(slots, tight, duration, 0.0)
        assert solution is not None
    starts, shortened = solution
    return Schedule(starts=np.maximum(starts, 0.0), stretches=np.maximum(lengths / np.maximum(shortened, 1e-9), 1.0))


def _solve(
    slots: Sequence[Slot], lengths: np.ndarray, duration: Seconds, gap: Seconds
) -> tuple[np.ndarray, np.ndarray] | None:
    """Variables per line: start, late, early, tail, stretch (up to 10 %), squeeze (beyond)."""
    import numpy as np
    from scipy.optimize import linprog
    from scipy.sparse import coo_array

    n = len(slots)
    start, late, early, tail, stretch, squeeze = (np.arange(n) + k * n for k in range(6))
    cost = np.repeat([0.0, LATE, EARLY, TAIL, STRETCH, SQUEEZE], n)
    rows: list[tuple[dict[int, float], float]] = []  # coefficients <= bound
    for i, slot in enumerate(slots):
        end = {start[i]: 1.0, stretch[i]: -1.0, squeeze[i]: -1.0}
        rows.append(({**end, tail[i]: -1.0}, slot.end - lengths[i]))
        rows.append((end, duration - lengths[i]))
        for j, allowed in _followers(slots, i, gap):
            rows.append(({**end, start[j]: -1.0}, allowed - lengths[i]))
    entries = [(r, c, v) for r, (coefficients, _) in enumerate(rows) for c, v in coefficients.items()]
    row, column, value = zip(*entries, strict=True)
    upper = coo_array((value, (row, column)), shape=(len(rows), 6 * n))
    ones = np.ones(n)
    same = coo_array(
        (np.concatenate([ones, -ones, ones]), (np.tile(np.arange(n), 3), np.concatenate([start, late, early]))),
        shape=(n, 6 * n),
    )
    bounds = np.zeros((6 * n, 2))
    bounds[:, 1] = np.inf
    bounds[stretch, 1] = lengths * (1 - 1 / MAX_STRETCH)
    bounds[squeeze, 1] = lengths * 0.6
    found = linprog(
        cost,
        A_ub=upper.tocsr(),
        b_ub=[bound for _, bound in rows],
        A_eq=same.tocsr(),
        b_eq=[s.start for s in slots],
        bounds=bounds,
        method="highs-ds",
    )
    if found.x is None:
        return None
    return found.x[start], lengths - found.x[stretch] - found.x[squeeze]


def _followers(slots: Sequence[Slot], i: int, gap: Seconds) -> list[tuple[int, Seconds]]:
    """The lines that line `i` must end before, and how far it may reach into each (negative is a gap).

    Those are its own speaker's next line and, of every other speaker, the lines that it overlapped in the source and
    the first that it did not; the rest come after these.
    """
    found: list[tuple[int, Seconds]] = []
    speakers = len({s.speaker for s in slots})
    settled: set[str] = set()
    for j in range(i + 1, len(slots)):
        if slots[j].speaker in settled:
            continue
        own = slots[j].speaker == slots[i].speaker
        overlap = max(0.0, slots[i].end - slots[j].start)
        found.append((j, -gap if own else overlap))
        if own or not overlap:
            settled.add(slots[j].speaker)
            if len(settled) == speakers:
                break
    return found

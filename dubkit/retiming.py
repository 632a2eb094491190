"""Where the picture may run slower than it was shot, so that a long line need not be hurried: pure numbers in, a map out.

A line whose translation takes longer than the film leaves for it is spoken faster, or the film is given more time. Here
the second is planned: :func:`plan` finds how much slower the picture runs at every moment, and :class:`TimeMap` tells the
time in the dub of every time in the film.

How the picture's speed changes: in stairs of :data:`STAIR` seconds that differ by at most :data:`JUMP`. Viewers notice a
change of speed from about 5 % on (McKee, "A local mechanism for differential velocity detection", Vision Research 21,
1981), so the picture slides into a slower pace and out of it, and never jumps. With :math:`g_i` the slowness that line
:math:`i` needs over its window and :math:`d_i(t)` the number of stairs from moment :math:`t` to that window, the film's
slowness is the least function that gives every line its own and has no higher stair:

.. math::

    f(t) = \\max(1, \\max_i (g_i - J\\, d_i(t)))

Ramps lie outside of the windows and give time to neighbouring lines, and so do windows that overlap. Each :math:`g_i` is
therefore lowered until some line would go short: in the end no line's slowness can be lowered by itself, and film that no
line needs and no ramp reaches runs as it was shot.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, overload

from dubkit.record import Seconds

if TYPE_CHECKING:
    import numpy as np

STAIR = 0.2
"""Length of a stair of the picture's speed, in seconds of the film."""
JUMP = 0.05
"""Most by which two neighbouring stairs differ; 1 is the speed of the film."""
LEAST = 1.03
"""A line that needs less slowing than this is spoken a little faster instead."""
# Slownesses are whole thousandths, so that equal stairs are exactly equal and the same film gives the same map everywhere.
THOUSANDTH = 1000


class Span(Protocol):
    """A line of the source: times in seconds of the film."""

    @property
    def start(self) -> Seconds:
        """When it begins."""

    @property
    def end(self) -> Seconds:
        """When it is over."""


@dataclass(frozen=True)
class TimeMap:
    """Times of the film and times of the dub, piecewise linear; before the first knot and after the last, time runs as it did.

    Parameters
    ----------
    knots : tuple of (float, float)
        (film, dub) in seconds, from (0, 0) to (length of the film, length of the dub); both strictly increasing.

    Raises
    ------
    ValueError
        If there are fewer than two knots, the first is not (0, 0), or a time does not increase.
    """

    knots: tuple[tuple[Seconds, Seconds], ...]

    def __post_init__(self) -> None:
        pairs = list(zip(self.knots, self.knots[1:], strict=False))
        if not pairs or tuple(self.knots[0]) != (0.0, 0.0):
            raise ValueError(f"A map of times starts at (0, 0) and has two knots or more; these are {self.knots[:3]}.")
        for before, after in pairs:
            if not (after[0] > before[0] and after[1] > before[1]):
                raise ValueError(f"A map of times must increase, but {after} comes after {before}.")

    @classmethod
    def of(cls, knots: Sequence[tuple[Seconds, Seconds]], duration: Seconds) -> TimeMap:
        """The map that a soundtrack's knots stand for; without any, nothing changes in a film of that `duration`."""
        return cls(tuple((film, dub) for film, dub in knots) or ((0.0, 0.0), (duration, duration)))

    @property
    def duration(self) -> Seconds:
        """Length of the dub."""
        return self.knots[-1][1]

    @property
    def identity(self) -> bool:
        """Whether nothing is slowed."""
        return all(film == dub for film, dub in self.knots)

    @overload
    def dub(self, t: Seconds) -> Seconds: ...
    @overload
    def dub(self, t: np.ndarray) -> np.ndarray: ...
    def dub(self, t: Seconds | np.ndarray) -> Seconds | np.ndarray:
        """When in the dub that is heard and seen which is at `t` in the film."""
        return self._mapped(t, 0, 1)

    @overload
    def film(self, t: Seconds) -> Seconds: ...
    @overload
    def film(self, t: np.ndarray) -> np.ndarray: ...
    def film(self, t: Seconds | np.ndarray) -> Seconds | np.ndarray:
        """What time of the film is seen at `t` of the dub."""
        return self._mapped(t, 1, 0)

    def _mapped(self, t: Seconds | np.ndarray, source: int, target: int) -> Seconds | np.ndarray:
        import numpy as np

        times = np.asarray(t, float)
        knots = np.asarray(self.knots)
        inside = np.clip(times, 0.0, knots[-1, source])
        found = np.interp(inside, knots[:, source], knots[:, target]) + (times - inside)
        return found if times.ndim else float(found)


def plan(
    slots: Sequence[Span],
    naturals: Sequence[Seconds],
    duration: Seconds,
    *,
    most: float,
    comfortable: float = 1.1,
    gap: Seconds = 0.08,
    borrow: Seconds = 0.8,
) -> TimeMap:
    """How the film is slowed so that lines which are too long need not be spoken faster than is comfortable.

    A line's window is its slot and the silence after it that it may use. It is slowed by the least factor at which the line fits
    at the `comfortable` rate, `most` at the utmost; what is then still missing is left to the voice.

    Parameters
    ----------
    slots : sequence of Span
        When the lines are spoken in the film, in any order.
    naturals : sequence of float
        Length of each dubbed line at natural rate, in seconds.
    duration : float
        Length of the film, in seconds.
    most : float
        Greatest slowness: 1.2 shows a second of film in 1.2 seconds; with 1 nothing is slowed.
    comfortable : float
        Speaking rate up to which a voice is rather hurried than the picture slowed; 1 is natural.
    gap : float
        Silence that stays before the next line, in seconds.
    borrow : float
        Most silence after its slot that a line may use, in seconds.

    Returns
    -------
    TimeMap
        Slopes lie in [1, most]; the identity where all lines fit.

    Raises
    ------
    ValueError
        If `most` is less than 1 or `comfortable` is not positive.
    """
    import numpy as np

    if most < 1 or comfortable <= 0:
        raise ValueError(
            f"The picture is slowed by a factor of at least 1 (given: {most}) for a rate above 0 ({comfortable})."
        )
    spans = np.asarray(windows(slots, duration, gap, borrow), float).reshape(-1, 2)
    lengths = np.maximum(spans[:, 1] - spans[:, 0], 1e-9)
    factors = np.asarray(naturals, float) / (comfortable * lengths)
    limit = int(most * THOUSANDTH + 1e-6)
    levels = np.clip(np.ceil(factors * THOUSANDTH - 1e-6), THOUSANDTH, limit).astype(int)
    chosen = np.flatnonzero((factors >= LEAST) & (lengths > 1e-6) & (levels > THOUSANDTH))
    cells = _Stairs(spans[chosen], levels[chosen], duration)
    cells.lower(np.minimum(np.asarray(naturals, float) / comfortable, lengths * limit / THOUSANDTH)[chosen])
    return TimeMap(_knots(cells.slowness(), duration))


def windows(slots: Sequence[Span], duration: Seconds, gap: Seconds, borrow: Seconds) -> list[tuple[Seconds, Seconds]]:
    """The stretch of film that each line may fill: its slot, and silence after it up to `borrow` seconds or the next line."""
    starts = sorted(s.start for s in slots)
    found = []
    for slot in slots:
        # A line that starts within the slot overlaps it; from just before its end on it follows.
        after = bisect_left(starts, max(slot.end - 0.05, slot.start + 1e-9))
        following = starts[after] - gap if after < len(starts) else duration
        end = min(max(slot.end, min(slot.end + borrow, following)), duration)
        found.append((min(max(slot.start, 0.0), end), end))
    return found


class _Stairs:
    """The slowness of every stair of the film, in thousandths, as the envelope of what the lines need."""

    def __init__(self, spans: np.ndarray, levels: np.ndarray, duration: Seconds) -> None:
        import numpy as np

        self.spans, self.levels, self.duration = spans, levels.copy(), duration
        # The last stair is as long as the film leaves it, but never a sliver.
        self.n = max(1, int(np.ceil(duration / STAIR - 0.01)))
        self.edges = np.append(np.arange(self.n) * STAIR, duration)
        self.first = np.clip(np.floor(spans[:, 0] / STAIR + 1e-9).astype(int), 0, self.n - 1)
        self.last = np.clip(np.ceil(spans[:, 1] / STAIR - 1e-9).astype(int) - 1, self.first, self.n - 1)

    def slowness(self, among: np.ndarray | None = None, first: int = 0, last: int | None = None) -> np.ndarray:
        """The envelope over stairs `first` to `last`, of all lines or some; in thousandths, shape (n_stairs,)."""
        import numpy as np

        last = self.n - 1 if last is None else last
        found = np.full(last - first + 1, THOUSANDTH)
        step = round(JUMP * THOUSANDTH)
        for i in range(len(self.levels)) if among is None else among:
            reach = (self.levels[i] - THOUSANDTH) // step + 1
            a, b = max(first, self.first[i] - reach), min(last, self.last[i] + reach)
            if a <= b:
                stairs = np.arange(a, b + 1)
                away = np.maximum(np.maximum(self.first[i] - stairs, stairs - self.last[i]), 0)
                part = found[a - first : b - first + 1]
                np.maximum(part, self.levels[i] - step * away, out=part)
        return found

    def lower(self, needed: np.ndarray) -> None:
        """Lower each level, one line after the other, as far as every line still has the seconds that it needs."""
        import numpy as np

        if not len(needed):
            return
        reach = int((self.levels.max() - THOUSANDTH) / (JUMP * THOUSANDTH)) + 1
        for i in np.argsort(self.spans[:, 0], kind="stable"):
            touched = np.flatnonzero((self.first <= self.last[i] + reach) & (self.last >= self.first[i] - reach))
            first, last = self.first[touched].min(), self.last[touched].max()
            near = np.flatnonzero((self.first <= last + reach) & (self.last >= first - reach))
            others = self.slowness(near[near != i], first, last)
            enough, low = int(self.levels[i]), THOUSANDTH
            while low < enough:
                self.levels[i] = (low + enough) // 2
                together = np.maximum(others, self.slowness(np.array([i]), first, last))
                edges = self.edges[first : last + 2]
                passed = np.concatenate([[0.0], np.cumsum(np.diff(edges) * together / THOUSANDTH)])
                begun, ended = (np.interp(self.spans[touched, side], edges, passed) for side in (0, 1))
                if np.all(ended - begun >= needed[touched] - 1e-6):
                    enough = int(self.levels[i])
                else:
                    low = int(self.levels[i]) + 1
            self.levels[i] = enough


def _knots(slowness: np.ndarray, duration: Seconds) -> tuple[tuple[Seconds, Seconds], ...]:
    """Knots where the slowness changes; times of the film are multiples of a stair."""
    import numpy as np

    changes = np.flatnonzero(np.diff(slowness)) + 1
    film = np.concatenate([[0.0], changes * STAIR, [duration]])
    factors = slowness[np.concatenate([[0], changes])] / THOUSANDTH
    dub = np.concatenate([[0.0], np.cumsum(np.diff(film) * factors)])
    if not len(changes) and factors[0] == 1:
        dub = film
    inner = [(round(float(a), 6), round(float(b), 6)) for a, b in zip(film, dub, strict=True)][:-1]
    return (*inner, (duration, duration if dub is film else round(float(dub[-1]), 6)))

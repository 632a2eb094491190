"""When every phrase of the dub sounds, and how long it takes: one convex problem over the whole film.

The film's lines are cut into phrases at pauses; phrase :math:`i` has a slot :math:`[a_i, b_i]` in the film and a length
:math:`n_i` at natural rate. All starts :math:`s_i` and lengths :math:`d_i` are found at once, as the minimum of

.. math::

    \\sum_i \\max(L (s_i - a_i), E (a_i - s_i)) + \\max(O (e_i - b_i), U (b_i - e_i)) + R\\, n_i (d_i / n_i - 1)^2
    + \\sum_{(i,j)} J (d_i / n_i - d_j / n_j)^2 + \\sum_{(i,k)} P \\max(0, p_{ik} - (s_k - e_i))

with :math:`e_i = s_i + d_i`; :math:`(i, j)` are neighbouring phrases of one speaker, :math:`(i, k)` neighbouring ones of one
line with a pause :math:`p_{ik}` between them in the film. Constraints: rates :math:`n_i / d_i` within their limits; phrases
start in the film's order; a gap between lines of one speaker; speakers overlap no more than they did; all within the film.

Errors of onset and end cost in proportion, so that most are exactly zero and the rest is small; rates cost by the
square, so that what does not fit is spread over its neighbours instead of falling on one line. Early starts cost more than late
ones: sound ahead of the picture is noticed from 45 ms on, behind it from 125 ms (ITU-R BT.1359-1). The problem is a quadratic
programme, solved by Clarabel's interior-point method (Goulart and Chen, arXiv:2405.12762), in time that grows with the number of
phrases. That timing is fitted by global optimisation rather than line by line follows Federico et al., "From
Speech-to-Speech Translation to Automatic Dubbing" (IWSLT 2020), who place pauses by dynamic programming.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pydantic import Field
from pydantic.dataclasses import dataclass as checked

from dubkit.errors import StageFailed
from dubkit.programme import Programme
from dubkit.record import Seconds

if TYPE_CHECKING:
    import numpy as np

BREATH = 0.03
"""Silence that always stays between two phrases of a line, in seconds."""
NEAR = 3.0
"""Phrases farther apart than this, in seconds, are not heard as faster or slower than each other."""
# Dear enough that a rate beyond the limits is never bought with anything else, and dearer by the square, so that what must be
# is shared.
BEYOND = 1e3


@checked(frozen=True)
class TimingSettings:
    """What a schedule keeps to, and what it prefers; costs are per second, or per squared difference of rates.

    Parameters
    ----------
    slowest, fastest : float
        Limits of a line's rate, the synthesizer's own rate and stretch together; 1 is natural.
    gap : float
        Least silence between two lines of one speaker, in seconds.
    late, early : float
        Cost of starting after or before the original.
    over, under : float
        Cost of ending after or before the original.
    rate : float
        Cost of speaking faster or slower than natural.
    jump : float
        Cost of a rate that differs from the same speaker's neighbouring phrase, if that is near.
    pause : float
        Cost of a pause within a line that becomes shorter than the original's.
    """

    slowest: float = Field(default=0.9, ge=0.5, le=1)
    fastest: float = Field(default=1.25, ge=1, le=2)
    gap: Seconds = Field(default=0.08, ge=0, le=2)
    late: float = Field(default=1.0, gt=0)
    early: float = Field(default=2.5, gt=0)
    over: float = Field(default=0.5, gt=0)
    under: float = Field(default=0.5, gt=0)
    rate: float = Field(default=1.5, gt=0)
    jump: float = Field(default=0.15, ge=0)
    pause: float = Field(default=0.5, ge=0)


@dataclass(frozen=True)
class Slot:
    """A phrase to place: the stretch of film that it replaces, and how long it is.

    Parameters
    ----------
    line : int
        The line that it belongs to; phrases of one line are in a row.
    speaker : str
        Who says it.
    start, end : float
        When the original sounds, in seconds of the film.
    natural : float
        Length at natural rate, in seconds.
    length : float or None
        Where it is given, the phrase takes just this long.
    """

    line: int
    speaker: str
    start: Seconds
    end: Seconds
    natural: Seconds
    length: Seconds | None = None


@dataclass(frozen=True)
class Schedule:
    """Starts and lengths in seconds, arrays of shape (n_phrases,).

    ``cost`` is the least sum; ``squeezed`` the seconds by which phrases had to be shorter than the fastest rate allows, at a
    very high cost, and 0 wherever there is any schedule within the limits.
    """

    starts: np.ndarray
    lengths: np.ndarray
    cost: float
    squeezed: Seconds

    @property
    def ends(self) -> np.ndarray:
        """When each phrase is over, in seconds."""
        ends: np.ndarray = self.starts + self.lengths
        return ends


def solve(slots: Sequence[Slot], duration: Seconds, settings: TimingSettings | None = None) -> Schedule:
    """The best schedule of all phrases; there always is one.

    Parameters
    ----------
    slots : sequence of Slot
        By start; those of one line in a row would be so by themselves but for other speakers' between them.
    duration : float
        Length of the film, in seconds.
    settings : TimingSettings, optional
        Limits and costs.

    Returns
    -------
    Schedule
        In the order of `slots`.

    Raises
    ------
    ValueError
        If slots are not in order of their starts, or one is not finite, ends before it starts, or has no length.
    StageFailed
        If the solver gives up, which it was not seen to do on any film.
    """
    import numpy as np

    settings = settings or TimingSettings()
    _check(slots, duration)
    if not slots:
        return Schedule(np.zeros(0), np.zeros(0), 0.0, 0.0)
    found = _Problem(slots, duration, settings).solution()
    if found is None:
        found = _Problem(slots, duration, settings, squeeze=True).solution()
    if found is None:
        # Not even room for the silences between them; phrases of next to no length always fit.
        found = _Problem(slots, duration, replace(settings, gap=0.0), squeeze=True, breath=0.0).solution()
    if found is None:
        raise StageFailed(
            f"No schedule was found for {len(slots)} phrases in {duration:.1f} s. Is the transcript right?"
        )
    return found


def _check(slots: Sequence[Slot], duration: Seconds) -> None:
    import math

    for before, slot in zip([None, *slots], slots, strict=False):
        numbers = (slot.start, slot.end, slot.natural, slot.length or 1.0, duration)
        if not all(map(math.isfinite, numbers)) or not 0 <= slot.start <= slot.end or min(numbers[2:]) <= 0:
            raise ValueError(
                f"{slot} cannot be placed in {duration} s: times must be finite and in order, lengths positive."
            )
        if before and before.start > slot.start:
            raise ValueError(f"Slots must be in order of their starts: {before} comes before {slot}.")


class _Problem:
    """The quadratic programme; variables are starts, lengths, onset costs, end costs, pause costs, and squeezes."""

    def __init__(
        self,
        slots: Sequence[Slot],
        duration: Seconds,
        settings: TimingSettings,
        squeeze: bool = False,
        breath: Seconds = BREATH,
    ) -> None:
        import numpy as np

        self.slots, self.duration, self.settings, self.squeeze = slots, duration, settings, squeeze
        self.breath = breath
        self.n = n = len(slots)
        self.start, self.end, self.natural = (
            np.array([getattr(slot, name) for slot in slots], float) for name in ("start", "end", "natural")
        )
        given = np.array([slot.length or np.nan for slot in slots])
        self.shortest = np.where(np.isnan(given), self.natural / settings.fastest, given)
        self.longest = np.where(np.isnan(given), self.natural / settings.slowest, given)
        self.neighbours = np.array(list(_neighbours(slots)), int).reshape(-1, 2)
        self.pauses = np.array([(i, j) for i, j in self.neighbours if slots[i].line == slots[j].line], int).reshape(
            -1, 2
        )
        self.s, self.d, self.onset, self.ending = (np.arange(n) + k * n for k in range(4))
        self.pause = 4 * n + np.arange(len(self.pauses))
        self.beyond = 4 * n + len(self.pauses) + np.arange(n if squeeze else 0)
        self.programme = Programme(4 * n + len(self.pauses) + len(self.beyond))

    def solution(self) -> Schedule | None:
        """The schedule, or None where the limits leave none."""
        import numpy as np

        self._limits()
        self._order()
        self._costs()
        self._squares()
        if (found := self.programme.minimum()) is None:
            return None
        x, cost = found
        # What an interior point leaves over, a few nanoseconds, is put right.
        lengths = np.clip(x[self.d], 0 if self.squeeze else self.shortest, self.longest)
        starts = np.maximum.accumulate(np.clip(x[self.s], 0, np.maximum(0, self.duration - lengths)))
        squeezed = float(np.maximum(x[self.beyond], 0).sum())
        return Schedule(starts, lengths, cost + self.settings.rate * float(self.natural.sum()), squeezed)

    def _limits(self) -> None:
        """Rates within their limits, everything within the film."""
        import numpy as np

        add, one = self.programme.at_most, np.ones(self.n)
        add([(self.d, one)], self.longest)
        add([(self.d, -one), *([(self.beyond, -one)] if self.squeeze else [])], -self.shortest)
        if self.squeeze:
            add([(self.beyond, -one)], 0 * one)
            add([(self.d, -one)], 0 * one)
        add([(self.s, -one)], 0 * one)
        add([(self.s, one), (self.d, one)], np.full(self.n, self.duration))

    def _order(self) -> None:
        """Starts in the film's order; each phrase over before the ones that it must not reach."""
        import numpy as np

        one = np.ones(self.n - 1)
        self.programme.at_most([(self.s[:-1], one), (self.s[1:], -one)], 0 * one)
        pairs = list(_followers(self.slots, self.settings.gap, self.breath))
        first, second = (np.array([pair[k] for pair in pairs], int) for k in (0, 1))
        one = np.ones(len(pairs))
        reach = np.array([allowed for _, _, allowed in pairs], float)
        self.programme.at_most([(self.s[first], one), (self.d[first], one), (self.s[second], -one)], reach)

    def _costs(self) -> None:
        """The onset, end and pause costs as the least values above their straight lines."""
        import numpy as np

        add, w, one = self.programme.at_most, self.settings, np.ones(self.n)
        for slope in (w.late, -w.early):
            add([(self.s, slope * one), (self.onset, -one)], slope * self.start)
        for slope in (w.over, -w.under):
            add([(self.s, slope * one), (self.d, slope * one), (self.ending, -one)], slope * self.end)
        first, second = self.pauses.T
        one = np.ones(len(first))
        original = np.maximum(0.0, self.start[second] - self.end[first])
        add([(self.s[first], one), (self.d[first], one), (self.s[second], -one), (self.pause, -one)], -original)
        add([(self.pause, -one)], 0 * one)
        self.programme.linear[self.onset] = self.programme.linear[self.ending] = 1.0
        self.programme.linear[self.pause] = w.pause
        self.programme.linear[self.beyond] = BEYOND

    def _squares(self) -> None:
        """Rates, and their jumps; of n (d / n - 1)² the last term is a constant, left out here."""
        w = self.settings
        self.programme.linear[self.d] = -2 * w.rate
        self.programme.add_own_square(self.d, w.rate / self.natural)
        self.programme.add_own_square(self.beyond, BEYOND / self.natural[: len(self.beyond)])
        near = self.start[self.neighbours[:, 1]] - self.end[self.neighbours[:, 0]] < NEAR
        first, second = self.neighbours[near].T
        self.programme.add_square(
            self.d[first], 1 / self.natural[first], self.d[second], 1 / self.natural[second], w.jump
        )


def _neighbours(slots: Sequence[Slot]) -> Iterator[tuple[int, int]]:
    """Each phrase with its speaker's next one."""
    last: dict[str, int] = {}
    for j, slot in enumerate(slots):
        if slot.speaker in last:
            yield last[slot.speaker], j
        last[slot.speaker] = j


def _followers(slots: Sequence[Slot], gap: Seconds, breath: Seconds) -> Iterator[tuple[int, int, Seconds]]:
    """Phrase i, a phrase j that it must end before, and how far it may reach into it (negative is a gap).

    Those are its own speaker's next phrase, the ones of others that it overlapped in the film, and the first that it did not:
    as starts keep their order, the rest come after that one.
    """
    for i, j in _neighbours(slots):
        yield i, j, -(breath if slots[i].line == slots[j].line else gap)
    for i, slot in enumerate(slots):
        for j in range(i + 1, len(slots)):
            overlap = max(0.0, slot.end - slots[j].start)
            if slots[j].speaker != slot.speaker:
                yield i, j, overlap
            if not overlap:
                break

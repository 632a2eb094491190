"""Timing: how the lines of a dub lie on those of its source.

Per line, with the *slot* from the source's first sound to its last, pauses included:

- ``onset``, ``end``: absolute distance between the starts, and the ends, of slot and dub, in seconds; median, and for onsets
  the 95th percentile;
- ``duration_error``: absolute difference of their lengths, in seconds, median;
- ``overlap``: shorter length over longer, mean over lines. It compares lengths and not places, as the speech overlap by
  which isochrony is judged in the dubbing track of IWSLT (Chronopoulou et al. 2023, Agrawal et al. 2023);
- ``adherence``: share of lines whose length is within -10 % and +20 % of the slot's (:mod:`dubkit.certificate`);
- ``rate``: how much faster than naturally a line is spoken; 95th percentile and maximum;
- ``rate_jump``: how much the rate changes from a speaker's line to their next one, absolute, 95th percentile;
- ``collisions``: pairs of lines of one speaker that sound together for more than 0.05 s, per line;
- ``cut_words``: words at lines' ends that are not heard, over all words. It takes someone who listens: a timing
  certificate cannot tell, since dubkit plays every clip whole;
- ``pauses_broken``: share of the source's pauses inside lines during most of which the line speaks;
- ``flagged``: share of lines that the dubber itself says do not fit.

Over the film, ``iou`` is intersection over union of where source and dub speak, in frames of 10 ms; its units are windows
of 10 s.

A line that is not in the dub has no onset, end, length error or rate; it has an overlap of 0, adheres to nothing, breaks
its pauses, and all its words are cut. What is not known of a dub (rates, flags, what is heard) is left out.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from dubkit.errors import BadInput, listed
from evaluation.measures import Measure, Sample, per_unit
from evaluation.statistics import pooled
from evaluation.times import spans
from evaluation.times.spans import Span
from evaluation.times.timed_lines import ROUNDED, Line

ONSET = Measure("timing.onset", "s", "lower", "median", "distance between the starts of slot and line")
ONSET_P95 = Measure("timing.onset_p95", "s", "lower", "p95", "distance between the starts of slot and line")
END = Measure("timing.end", "s", "lower", "median", "distance between the ends of slot and line")
DURATION_ERROR = Measure("timing.duration_error", "s", "lower", "median", "difference between lengths of slot and line")
OVERLAP = Measure("timing.overlap", "share", "higher", "ratio", "shorter of slot and line over the longer, mean")
ADHERENCE = Measure(
    "timing.adherence", "share", "higher", "ratio", "lines within -10 % and +20 % of their slot's length"
)
IOU = Measure("timing.iou", "share", "higher", "ratio", "time in which both speak over time in which either does")
RATE_P95 = Measure("timing.rate_p95", "ratio", "lower", "p95", "speed of lines over their natural speed")
RATE_MAX = Measure("timing.rate_max", "ratio", "lower", "max", "speed of the fastest line over its natural speed")
RATE_JUMP = Measure("timing.rate_jump", "ratio", "lower", "p95", "change of rate between a speaker's lines")
COLLISIONS = Measure("timing.collisions", "ratio", "lower", "ratio", "pairs of a speaker's lines at once, per line")
CUT_WORDS = Measure("timing.cut_words", "share", "lower", "ratio", "words cut off at lines' ends")
PAUSES_BROKEN = Measure(
    "timing.pauses_broken", "share", "lower", "ratio", "pauses of the source that are spoken through"
)
FLAGGED = Measure("timing.flagged", "share", "lower", "ratio", "lines that the dubber says do not fit")
MEASURES: tuple[Measure, ...] = (
    ONSET, ONSET_P95, END, DURATION_ERROR, OVERLAP, ADHERENCE, IOU, RATE_P95, RATE_MAX, RATE_JUMP, COLLISIONS, CUT_WORDS,
    PAUSES_BROKEN, FLAGGED,
)  # fmt: skip


@dataclass(frozen=True)
class Shared:
    """A window's time in which source and dub both speak, and in which either does, in frames."""

    window: str
    both: int
    either: int


@dataclass(frozen=True)
class Timing:
    """How a film's lines lie.

    Parameters
    ----------
    lines : tuple of Line
        In order of their slots.
    shared : tuple of Shared
        By window of the film.
    jumps : dict
        Change of rate by line, for every line whose speaker had one before it.
    colliding : tuple of (str, str)
        Lines of one speaker that sound together.
    pauses : dict
        (broken, all) pauses inside each line's slot.
    """

    lines: tuple[Line, ...]
    shared: tuple[Shared, ...]
    jumps: dict[str, float]
    colliding: tuple[tuple[str, str], ...]
    pauses: dict[str, tuple[int, int]]

    def value(self, measure: Measure) -> float:
        """A measure over the whole film; nan where nothing is known of it."""
        parts = [s.parts for s in self.samples() if s.measure == measure.name]
        return float(pooled(np.array(parts), measure.pool)) if parts else math.nan

    def samples(self) -> list[Sample]:
        """What each line, or window, says of each measure."""
        there = [line for line in self.lines if line.sounds]
        rated = [line for line in there if line.rate is not None]
        listened = [line for line in self.lines if line.cut is not None]
        told = [line for line in self.lines if line.flagged is not None]
        later = [second for _, second in self.colliding]
        return [
            *_by_line(ONSET, there, [(x.onset_error,) for x in there]),
            *_by_line(ONSET_P95, there, [(x.onset_error,) for x in there]),
            *_by_line(END, there, [(x.end_error,) for x in there]),
            *_by_line(DURATION_ERROR, there, [(abs(x.length - x.slot_length),) for x in there]),
            *_by_line(OVERLAP, self.lines, [(x.overlap, 1) for x in self.lines]),
            *_by_line(ADHERENCE, self.lines, [(x.adheres, 1) for x in self.lines]),
            *per_unit(IOU, [w.window for w in self.shared], [(w.both, w.either) for w in self.shared]),
            *_by_line(RATE_P95, rated, [(x.rate,) for x in rated if x.rate is not None]),
            *_by_line(RATE_MAX, rated, [(x.rate,) for x in rated if x.rate is not None]),
            *per_unit(RATE_JUMP, self.jumps, [(jump,) for jump in self.jumps.values()]),
            *_by_line(COLLISIONS, self.lines, [(later.count(x.id), 1) for x in self.lines]),
            *_by_line(CUT_WORDS, listened, [(x.cut, x.words) for x in listened if x.cut is not None]),
            *per_unit(PAUSES_BROKEN, self.pauses, self.pauses.values()),
            *_by_line(FLAGGED, told, [(bool(x.flagged), 1) for x in told]),
        ]


def _by_line(measure: Measure, lines: Sequence[Line], parts: Iterable[Sequence[float]]) -> list[Sample]:
    return per_unit(measure, [line.id for line in lines], parts)


def validate(lines: Sequence[Line], duration: float) -> None:
    """Refuse what cannot be scored.

    Raises
    ------
    BadInput
        If there are no lines, two have one id, times are missing, out of order or outside of the film, or a rate or a
        number of words is impossible.
    """
    if not (math.isfinite(duration) and duration > 0):
        raise BadInput(f"The film lasts {duration} s: give its length in seconds, more than 0.")
    if not lines:
        raise BadInput("There are no lines: timing is scored on films in which somebody speaks.")
    ids = [line.id for line in lines]
    if twice := {name for name in ids if ids.count(name) > 1}:
        raise BadInput(f"Lines that occur twice: {listed(frozenset(twice))}. Every line of the source is given once.")
    for line in lines:
        if not line.slot:
            raise BadInput(f"Line {line.id!r} has no slot: give when the source speaks.")
        for name, times in (("slot", line.slot), ("dub", line.sounds)):
            _check_times(f"The {name} of line {line.id!r}, {list(times)},", times)
        if line.slot[-1][1] > duration + spans.PAUSE:
            raise BadInput(f"The slot of line {line.id!r} ends at {line.slot[-1][1]} s, after the film ({duration} s).")
        if line.rate is not None and not (math.isfinite(line.rate) and line.rate > 0):
            raise BadInput(f"Line {line.id!r} has the rate {line.rate}: 1 is natural, 2 twice as fast, None not known.")
        if line.cut is not None and not 0 <= line.cut <= line.words:
            raise BadInput(f"Line {line.id!r} has {line.cut} of {line.words} words cut: give 0 to as many as it has.")


def _check_times(what: str, times: Sequence[Span]) -> None:
    edges = [edge for span in times for edge in span]
    if not all(math.isfinite(edge) for edge in edges):
        raise BadInput(f"{what} has a time that is no number: leave a line that is not there without phrases.")
    if edges and edges[0] < 0:
        raise BadInput(f"{what} starts before the film: times are seconds from its start.")
    if any(end <= start for start, end in times):
        raise BadInput(f"{what} has a phrase that ends before it starts: phrases are (start, end) in seconds.")
    if any(b < a - ROUNDED for a, b in itertools.pairwise(edges)):
        raise BadInput(f"{what} is out of order: give a line's phrases one after another.")


def score(lines: Sequence[Line], duration: float) -> Timing:
    """Hold when a dub speaks against when its source does.

    Parameters
    ----------
    lines : sequence of Line
        In any order.
    duration : float
        Length of the film, in seconds.

    Raises
    ------
    BadInput
        See :func:`validate`.
    """
    validate(lines, duration)
    ordered = tuple(sorted(lines, key=lambda line: (line.slot[0][0], line.id)))
    # What sounds after the film is over counts in its last window.
    longest = max([duration, *(end for line in ordered for _, end in (*line.slot, *line.sounds))])
    source = spans.mask([span for line in ordered for span in line.slot], longest)
    dub = spans.mask([span for line in ordered for span in line.sounds], longest)
    colliding = spans.collisions([line.sounds for line in ordered], [line.speaker for line in ordered])
    return Timing(
        lines=ordered,
        shared=tuple(_shared(window, source, dub, window.end == duration) for window in spans.windows(duration)),
        jumps=_jumps(ordered),
        colliding=tuple((ordered[i].id, ordered[j].id) for i, j in colliding),
        pauses={line.id: _broken(line) for line in ordered},
    )


def _shared(window: spans.Window, source: np.ndarray, dub: np.ndarray, is_last: bool) -> Shared:
    first, last = round(window.start / spans.HOP), len(dub) if is_last else round(window.end / spans.HOP)
    one, other = source[first:last], dub[first:last]
    return Shared(window.name, int((one & other).sum()), int((one | other).sum()))


def _jumps(lines: Sequence[Line]) -> dict[str, float]:
    """By how much each line's rate differs from that of its speaker's line before it."""
    before: dict[str, float] = {}
    jumps = {}
    for line in lines:
        if line.rate is None or not line.sounds:
            continue
        if line.speaker in before:
            jumps[line.id] = abs(line.rate - before[line.speaker])
        before[line.speaker] = line.rate
    return jumps


def _broken(line: Line) -> tuple[int, int]:
    """How many of a line's pauses it speaks through, and how many there are."""
    found = spans.pauses(line.slot)
    if not line.sounds:
        return len(found), len(found)
    extent = (line.sounds[0][0], line.sounds[-1][1])
    sounding = spans.mask(line.sounds, extent[1])
    return sum(not spans.kept(pause, extent, sounding) for pause in found), len(found)

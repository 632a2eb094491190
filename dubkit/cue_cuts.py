"""What is said, cut into subtitles: as much as two lines hold and reads well together, begun when it sounds.

The cuts of each speaker's stretch of speech are those with the least burden, found by dynamic programming over its words:
a cue costs 1; so do cuts inside a sentence (see line_breaks), pauses and ends of lines inside a cue, and above all what
is too fast to read or too short to see. So lines keep cues of their own unless joining them helps the reader.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dubkit.cue_times import GAP, LATE, LONGEST, SHORTEST
from dubkit.line_breaks import ORPHAN, Measured, Norm, costs, norm
from dubkit.record import Seconds
from dubkit.spacing import needs_space
from dubkit.subtitles import DASH

# A longer silence of a speaker always ends a cue.
LONGEST_PAUSE = 1.0
# Burdens: of an inner pause per second beyond the first fifth, of two lines in one cue, of each second too few to read
# and of their part of the time there is, squared, of a full cue, and of a cut after a name.
PAUSE, NOTICED, TWO_LINES, TOO_FAST, RUSHED, FULL, NEVER = 5.0, 0.2, 1.5, 2.0, 1.5, 0.3, 1e6


@dataclass(frozen=True)
class Timed:
    """A unit of text (see line_breaks) and when it sounds, in seconds."""

    text: str
    start: Seconds
    end: Seconds


@dataclass(frozen=True)
class Spoken:
    """A line of the film: who says it and its units, at least one."""

    id: str
    speaker: str
    units: tuple[Timed, ...]

    @property
    def start(self) -> Seconds:
        """When its first word begins."""
        return self.units[0].start

    @property
    def end(self) -> Seconds:
        """When its last word ends."""
        return self.units[-1].end


@dataclass(frozen=True)
class Piece:
    """What one speaker says in one cue: units, the cost of a line break after each, and when it sounds."""

    speaker: str
    units: tuple[str, ...]
    weights: tuple[float, ...]
    start: Seconds
    end: Seconds


def in_order(spoken: Sequence[Spoken]) -> list[Spoken]:
    """Lines by start, in which no speaker's word begins before one that they said before it."""
    begun: dict[str, Seconds] = {}
    found = []
    for line in sorted(spoken, key=lambda line: line.start):
        words = []
        for unit in line.units:
            begun[line.speaker] = start = max(unit.start, begun.get(line.speaker, 0.0))
            words.append(Timed(unit.text, start, max(unit.end, start)))
        found.append(Spoken(line.id, line.speaker, tuple(words)))
    return sorted(found, key=lambda line: line.start)


def pieces(spoken: Sequence[Spoken], language: str, duration: Seconds, labels: dict[str, str]) -> list[Piece]:
    """All lines cut into pieces that fit a cue each, by start.

    Parameters
    ----------
    spoken : sequence of Spoken
        The lines, by start.
    language : str
        Of the text; its limits and conjunctions are kept to.
    duration : float
        The film's length in seconds.
    labels : dict
        By speaker, the name that is shown where they begin to speak; it takes room. Missing where none is shown.
    """
    runs = [list(run) for run in _runs(spoken)]
    found: list[Piece] = []
    for n, run in enumerate(runs):
        changed = n == 0 or runs[n - 1][0].speaker != run[0].speaker
        label = labels.get(run[0].speaker, "") if changed else ""
        until = runs[n + 1][0].start if n + 1 < len(runs) else duration
        found += _cut(run, label, until, _rivals(runs, n), language)
    return sorted(found, key=lambda piece: piece.start)


def _runs(spoken: Sequence[Spoken]) -> Iterator[list[Spoken]]:
    """Lines that one speaker says with no long silence and nobody else's line between."""
    run: list[Spoken] = []
    for line in spoken:
        if run and (line.speaker != run[-1].speaker or line.start - run[-1].end > LONGEST_PAUSE):
            yield run
            run = []
        run.append(line)
    if run:
        yield run


def _rivals(runs: Sequence[Sequence[Spoken]], n: int) -> list[Spoken]:
    """The lines of others that sound while a run does. Runs begin in order, but an early one may last long."""
    start, end = runs[n][0].start, max(line.end for line in runs[n])
    near = runs[max(0, n - 20) : n + 20]
    return [
        line for run in near for line in run
        if line.speaker != runs[n][0].speaker and line.start < end and line.end > start
    ]  # fmt: skip


def at_once(start: Seconds, end: Seconds, other_start: Seconds, other_end: Seconds) -> bool:
    """Whether two stretches overlap by so much that one after the other would not do."""
    overlap = min(end, other_end) - max(start, other_start)
    return overlap > min(0.5, 0.4 * min(end - start, other_end - other_start))


def _cut(run: Sequence[Spoken], label: str, until: Seconds, rivals: Sequence[Spoken], language: str) -> list[Piece]:
    """The least burdensome cuts of one run; see the module."""
    words, weights, last_of_line = _joined(run, label, language)
    limits = norm(language)
    text = Measured([word.text for word in words], limits)
    between = [0.0] + [
        (TWO_LINES if ends else 0.0) + PAUSE * max(0.0, after.start - before.end - NOTICED)
        for (before, after), ends in zip(itertools.pairwise(words), last_of_line, strict=False)
    ]
    inner = list(itertools.accumulate(between))
    # In a dialogue the name gives way where there is no room for it.
    dashed, first = limits.width - limits.length(DASH), 1 if label else 0

    def holds(start: int, end: int) -> bool:
        begin, finish = words[start].start, words[end - 1].end
        if finish - begin > LONGEST:
            return False
        if any(at_once(begin, finish, line.start, line.end) for line in rivals):
            return text.fits(max(start, first), end, rows=1, width=dashed)
        return text.fits(start, end)

    def burden(start: int, end: int) -> float:
        whole = end == len(words)
        begin = words[start].start
        free = max(until - GAP, words[-1].end) if whole else words[end].start - GAP
        length = text.length(start, end)
        time = max(min(LONGEST, free - begin), 0.1)
        missing = max(0.0, max(SHORTEST, length / limits.speed) - time)
        hurry = TOO_FAST * missing + RUSHED * min(missing / time, 3.0) ** 2
        ends_well = last_of_line[end - 1] or weights[end - 1] == 0
        lone = ORPHAN if end - start == 1 and not (ends_well and (start == 0 or last_of_line[start - 1])) else 0.0
        full = FULL * (length / (2 * limits.width)) ** 2
        return 1 + weights[end - 1] + inner[end - 1] - inner[start] + hurry + lone + full

    best, cuts = [0.0] + [float("inf")] * len(words), [0] * (len(words) + 1)
    for start in range(len(words)):
        for end in range(start + 1, len(words) + 1):
            if end > max(start, first) + 1 and not holds(start, end):
                break
            if (total := best[start] + burden(start, end)) < best[end]:
                best[end], cuts[end] = total, start
    bounds = [len(words)]
    while bounds[-1]:
        bounds.append(cuts[bounds[-1]])
    return [
        Piece(
            speaker=run[0].speaker,
            units=tuple(word.text for word in words[start:end]),
            weights=tuple(weights[start:end]),
            start=words[start].start,
            end=max(word.end for word in words[start:end]),
        )
        for start, end in ((max(a, first), b) for a, b in itertools.pairwise(reversed(bounds)))
    ]


def _joined(run: Sequence[Spoken], label: str, language: str) -> tuple[list[Timed], list[float], list[bool]]:
    """The words of a run with the label before them, the cost of a break after each, and whether a line ends there."""
    words, weights, ends = [], [], []
    if label:
        words, weights, ends = [Timed(label, run[0].start, run[0].start)], [NEVER], [False]
    for line, following in zip(run, [*run[1:], None], strict=True):
        texts = [unit.text for unit in line.units]
        weights += costs(texts, language)
        ends += [False] * (len(texts) - 1) + [True]
        words += line.units
        if following and needs_space(texts[-1], following.units[0].text) and not texts[-1].endswith(" "):
            words[-1] = Timed(f"{texts[-1]} ", line.units[-1].start, line.units[-1].end)
    return words, weights, ends


def together(found: Sequence[Piece], limits: Norm) -> list[tuple[Piece, ...]]:
    """Pieces by cue: two speakers at once make a dialogue where each fits a line and neither could be shown alone."""
    cues: list[tuple[Piece, ...]] = []
    n = 0
    while n < len(found):
        pair = found[n : n + 2]
        if _dialogue(pair, limits) and not (
            _dialogue(found[n + 1 : n + 3], limits) and _overlap(found[n + 1 : n + 3]) > _overlap(pair)
        ):
            cues.append(tuple(pair))
            n += 2
        else:
            cues.append((found[n],))
            n += 1
    return cues


def _overlap(pair: Sequence[Piece]) -> Seconds:
    return min(pair[0].end, pair[1].end) - pair[1].start


def _dialogue(pair: Sequence[Piece], limits: Norm) -> bool:
    if len(pair) < 2 or pair[0].speaker == pair[1].speaker:
        return False
    first, second = pair
    texts = [f"{DASH}{''.join(piece.units).rstrip()}" for piece in pair]
    if max(map(limits.length, texts)) > limits.width or max(first.end, second.end) - first.start > LONGEST:
        return False
    # The first may be read before the second begins, give or take what a cue may be late.
    alone = first.start + max(SHORTEST, limits.length(texts[0]) / limits.speed) + GAP <= second.start + LATE
    return at_once(first.start, first.end, second.start, second.end) and not alone

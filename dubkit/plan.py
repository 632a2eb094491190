"""How each line is going to be said: its wording, its phrases, and the rate that fits the film."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from dubkit import pauses, phrases, retiming, wording
from dubkit.artefacts import Line, Phrase, Utterance
from dubkit.durations import natural_duration
from dubkit.phrases import Span
from dubkit.record import AudioFile, Seconds
from dubkit.retiming import TimeMap
from dubkit.timing import Slot, TimingSettings, solve

TO_BE_SLOWED = 1.1
"""Rate from which on the picture is rather slowed, where that is allowed."""
SHORTEST = 0.02
"""Seconds that a line with nothing to say is taken to last."""


@dataclass(frozen=True)
class Foretold:
    """What a synthesizer says of a text before it speaks: its length at natural rate, and where it pauses (may be empty)."""

    length: Seconds
    marks: Sequence[Span] = ()


@dataclass(frozen=True)
class Plan:
    """A line as it is going to be said: the candidate chosen, and its phrases with their slots and natural lengths.

    ``spoken`` is the wording as the synthesizer gets it: with a comma wherever the original pauses and the text has no mark.
    """

    line: Line
    candidate: int
    spoken: str
    matches: tuple[phrases.Match, ...]

    @property
    def text(self) -> str:
        """The wording."""
        return self.line.candidates[self.candidate].text if self.line.candidates else self.line.text

    @property
    def how(self) -> str:
        """What was done to the translator's own wording; nothing for that itself."""
        return self.line.candidates[self.candidate].how if self.line.candidates else ""

    @property
    def slot(self) -> Span:
        """The original's first onset and last end, in seconds of the film."""
        return self.matches[0].slot[0], self.matches[-1].slot[1]

    @property
    def natural(self) -> Seconds:
        """Length at natural rate without the pauses between phrases."""
        return sum(match.natural for match in self.matches)

    @property
    def paused(self) -> Seconds:
        """The original's pauses between the phrases."""
        return sum(b.slot[0] - a.slot[1] for a, b in itertools.pairwise(self.matches))


def planned(
    line: Line,
    utterance: Utterance,
    following: Seconds,
    foretell: Callable[[str], Foretold],
    language: str,
    settings: TimingSettings,
    length_weight: float,
) -> Plan:
    """Choose a line's wording, and match its clauses to the original's phrases.

    Parameters
    ----------
    line : Line
        The translation, with its candidates.
    utterance : Utterance
        The original.
    following : float
        When somebody speaks next, or the film ends, in seconds.
    foretell : callable
        Asks the synthesizer; only of the translator's first candidate and the chosen one, as lengths of the others follow
        well enough from their texts.
    language : str
        BCP-47, of the dub.
    settings : TimingSettings
        Limits of the rate.
    length_weight : float
        See :func:`dubkit.wording.choose`; 0 takes the first candidate.
    """
    spans = phrases.spans(utterance)

    def plan(candidate: int) -> Plan:
        text = line.candidates[candidate].text if line.candidates else line.text
        foretold = foretell(text)
        clauses = phrases.clauses(text)
        lengths = phrases.lengths(clauses, foretold.length, foretold.marks)
        if len(spans) > 1 and (spoken := _breathing(text, clauses, lengths[0], spans, language, settings)) != text:
            foretold = foretell(spoken)
            clauses = phrases.clauses(spoken)
            lengths = phrases.lengths(clauses, foretold.length, foretold.marks)
            text = spoken
        return Plan(line, candidate, text, phrases.matched(spans, *lengths, settings))

    first = plan(0)
    if not length_weight or len(line.candidates) < 2:
        return first
    slot = first.slot[1] - first.slot[0] - first.paused
    chosen = wording.choose(
        line.candidates,
        _lengths(line, first.natural, foretell),
        slot,
        slowest=settings.slowest,
        fastest=settings.fastest,
        room=max(slot, following - settings.gap - first.slot[0] - first.paused),
        weight=length_weight,
    )
    return plan(chosen) if chosen else first


def _lengths(line: Line, first: Seconds, foretell: Callable[[str], Foretold]) -> list[Seconds]:
    """The candidates' lengths, from that of the first and what their texts make of it."""
    expected = [candidate.duration for candidate in line.candidates]
    if min(expected) <= 0:
        # A text of nothing but marks, or candidates that somebody wrote without lengths.
        return [first, *(foretell(candidate.text).length for candidate in line.candidates[1:])]
    return [first * length / expected[0] for length in expected]


def _breathing(
    text: str,
    clauses: Sequence[str],
    said: Sequence[Seconds],
    spans: Sequence[Span],
    language: str,
    settings: TimingSettings,
) -> str:
    """The text with commas where the original pauses, a speaker of the dub could, and the rest fits better for it."""
    pieces, optional = phrases.breaths(clauses, language)
    if not any(optional):
        return text
    weights = [natural_duration(piece, language) for piece in pieces]
    lengths, start = [], 0
    # The pieces of a clause share its length, which the synthesizer foretold.
    for clause_length in said:
        end = next((n for n in range(start, len(optional)) if not optional[n]), len(pieces) - 1) + 1
        total = sum(weights[start:end])
        lengths += [clause_length * w / max(total, 1e-3) for w in weights[start:end]]
        start = end
    silent = [0.0 if soft else phrases.MARK_PAUSE for soft in optional]
    matches = phrases.matched(spans, lengths, silent, settings, optional)
    paused = {match.clauses[1] for match in matches[:-1]}
    return " ".join(f"{piece}," if n in paused and optional[n - 1] else piece for n, piece in enumerate(pieces, 1))


def within(times: TimeMap, time: Seconds) -> Seconds:
    """When in the dub that is heard which is at a time of the film; recognisers may hear words behind its end."""
    return min(max(0.0, times.dub(time)), times.duration)


def rates(plans: Sequence[Plan], times: TimeMap, native: tuple[float, float], settings: TimingSettings) -> list[float]:
    """The rate at which the synthesizer has to speak each line in the best schedule of the whole film.

    Parameters
    ----------
    plans : sequence of Plan
        All lines.
    times : TimeMap
        From times of the film to those of the dub.
    native : (float, float)
        The slowest and fastest rate that the synthesizer has.
    settings : TimingSettings
        Limits and costs.
    """
    moved = functools.partial(within, times)
    slots = sorted(
        (
            Slot(n, plan.line.speaker, moved(match.slot[0]), moved(match.slot[1]), max(SHORTEST, match.natural))
            for n, plan in enumerate(plans)
            for match in plan.matches
        ),
        key=lambda slot: (slot.start, slot.end, slot.line),
    )
    schedule = solve(slots, times.duration, settings)
    lengths = [0.0] * len(plans)
    for slot, length in zip(slots, schedule.lengths, strict=True):
        lengths[slot.line] += float(length)
    slowest, fastest = max(settings.slowest, native[0]), min(settings.fastest, native[1])
    # Rounded, so that rates are stable keys.
    return [
        round(min(max(plan.natural / max(length, 1e-3), slowest), max(slowest, fastest)), 2)
        for plan, length in zip(plans, lengths, strict=True)
    ]


def slowed(plans: Sequence[Plan], duration: Seconds, most: float, settings: TimingSettings) -> TimeMap:
    """How the picture is slowed, by `most` at the utmost, so that no line has to be hurried."""
    spans = [Slot(n, plan.line.speaker, *plan.slot, 1.0) for n, plan in enumerate(plans)]
    # A line takes its phrases and, between them, the original's pauses.
    lengths = [plan.natural + plan.paused for plan in plans]
    comfortable = min(TO_BE_SLOWED, settings.fastest)
    return retiming.plan(spans, lengths, duration, most=most, comfortable=comfortable, gap=settings.gap)


def cut(plan: Plan, clip: AudioFile, marks: Sequence[Span]) -> tuple[Phrase, ...]:
    """The phrases of a line's clip; `marks` is where the synthesizer says that it pauses, or empty."""
    clauses = phrases.clauses(plan.spoken)
    said, silent = phrases.lengths(clauses, clip.duration, marks)
    ends = [sum(said[: n + 1]) + sum(silent[:n]) + silent[n] / 2 for n in range(len(silent))]
    return pauses.cut(clip.load(), clip.sample_rate, plan.matches, ends, exact=len(marks) == len(clauses) - 1)


def as_spoken(plan: Plan, spoken: Sequence[Phrase], rate: float) -> Plan:
    """The plan with the phrases and lengths that a clip at a native rate turned out to have."""
    matches = tuple(phrases.Match((0, 0), (p.slot_start, p.slot_end), (p.end - p.start) * rate) for p in spoken)
    return replace(plan, matches=matches)

"""Lines cut into phrases at the pauses that the original and the dub share.

A line is translated and spoken whole. Where its original pauses, the dub should pause as well: the original's phrases come
from its words' times, the dub's from the punctuation of its text, and an order-keeping alignment decides which of them
fill each other. Where its clip pauses, :mod:`dubkit.pauses` finds.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dubkit.durations import expected_duration
from dubkit.openings import OPENING
from dubkit.record import Seconds
from dubkit.utterances import ABBREVIATION

if TYPE_CHECKING:
    from dubkit.artefacts import Utterance
    from dubkit.timing import TimingSettings

Span = tuple[Seconds, Seconds]

LEAST_PAUSE = 0.15
"""A shorter silence between two words is no pause, in seconds."""
SHORTEST = 0.25
"""A shorter stretch between two pauses is no phrase: it stays with its neighbour, in seconds."""
# Clause marks: with what closes a quotation after them and a space before the next word, or of scripts without spaces.
_CLOSING = "\"'”’»)\\]」』）】"
MARK = re.compile(
    rf"(?<=[,;:.!?…—–،؛؟۔।॥։።፣])[{_CLOSING}]*\s+|(?<=[、，；：。！？])[{_CLOSING}]*(?=[^\s{_CLOSING}、，；：。！？])"
)
# A plain reader's silence at a mark.
MARK_PAUSE = 0.15
UNMARKED = 0.12
"""What a pause without a mark costs, in seconds of misfit."""
# A clause takes some time, whatever a synthesizer foretells.
BRIEFEST = 0.01


def spans(utterance: Utterance, least_pause: Seconds = LEAST_PAUSE) -> tuple[Span, ...]:
    """When an utterance sounds: its words' times, joined where there is no pause between them.

    An utterance without words is one span.
    """
    found: list[Span] = []
    for word in sorted(utterance.words, key=lambda w: w.start):
        start, end = max(word.start, utterance.start), min(word.end, utterance.end)
        if found and start - found[-1][1] < least_pause:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        elif end > start:
            found.append((start, end))
    if not found:
        return ((utterance.start, max(utterance.start, utterance.end)),)
    # What is too short for a phrase joins the nearer neighbour.
    while len(found) > 1 and (short := [n for n, (a, b) in enumerate(found) if b - a < SHORTEST]):
        n = short[0]
        before = found[n][0] - found[n - 1][1] if n else float("inf")
        after = found[n + 1][0] - found[n][1] if n + 1 < len(found) else float("inf")
        first = n - 1 if before <= after else n
        found[first : first + 2] = [(found[first][0], found[first + 1][1])]
    return tuple(found)


def clauses(text: str) -> tuple[str, ...]:
    """A text cut after its clause marks; one word with a full stop, such as "Dr.", is not the end of a clause."""
    found, start = [], 0
    for mark in MARK.finditer(text):
        part = text[start : mark.end()].strip()
        if part and not ABBREVIATION.match(part.split()[-1]) and any(c.isalnum() for c in part):
            found.append(part)
            start = mark.end()
    rest = text[start:].strip()
    if found and not any(c.isalnum() for c in rest):
        found[-1] = f"{found[-1]} {rest}".strip()
        rest = ""
    return tuple([*found, rest] if rest or not found else found)


def breaths(parts: Sequence[str], language: str) -> tuple[tuple[str, ...], tuple[bool, ...]]:
    """Clauses cut further before words with which a phrase may begin: places where a speaker could pause, but need not.

    Parameters
    ----------
    parts : sequence of str
        The clauses.
    language : str
        BCP-47; languages that this module has no words of are left as they are.

    Returns
    -------
    tuple of (tuple of str, tuple of bool)
        The pieces, and for each but the last whether it ends at such a place and not at a mark.
    """
    opening = OPENING.get(language.partition("-")[0], frozenset())
    pieces: list[str] = []
    optional: list[bool] = []
    for part in parts:
        words, start = part.split(), 0
        for at, word in enumerate(words):
            before = words[at - 1] if at else ""
            opens = word.lower() in opening and before.lower() not in opening and before[-1:].isalnum()
            # Neither side is a single word, and nobody pauses after "and".
            if opens and at - start >= 2 and len(words) - at >= 2:
                pieces.append(" ".join(words[start:at]))
                optional.append(True)
                start = at
        pieces.append(" ".join(words[start:]))
        optional.append(False)
    return tuple(pieces), tuple(optional[:-1])


@dataclass(frozen=True)
class Match:
    """A phrase of the dub in the slot that it fills: which clauses (first, last + 1), the slot, the natural length."""

    clauses: tuple[int, int]
    slot: Span
    natural: Seconds


def lengths(parts: Sequence[str], total: Seconds, marks: Sequence[Span] = ()) -> tuple[list[Seconds], list[Seconds]]:
    """How long each clause of a text is, and the pause after each but the last, at natural rate.

    Parameters
    ----------
    parts : sequence of str
        The clauses.
    total : float
        Predicted length of the whole, in seconds.
    marks : sequence of (float, float)
        Where the synthesizer says that its pauses are, one between each two clauses; else they are guessed.
    """
    if len(marks) == len(parts) - 1:
        edges = [0.0, *(t for mark in marks for t in mark), max(total, marks[-1][1] if marks else 0.0)]
        return [max(BRIEFEST, b - a) for a, b in zip(edges[::2], edges[1::2], strict=True)], [b - a for a, b in marks]
    weights = [max(0.1, expected_duration(part)) for part in parts]
    pause = min(MARK_PAUSE, 0.3 * total / len(parts))
    spoken = total - pause * (len(parts) - 1)
    return [spoken * w / sum(weights) for w in weights], [pause] * (len(parts) - 1)


def matched(
    slots: Sequence[Span],
    said: Sequence[Seconds],
    pauses: Sequence[Seconds],
    settings: TimingSettings,
    optional: Sequence[bool] = (),
) -> tuple[Match, ...]:
    """Which clauses of the dub fill which spans of the original: both in order, nothing left out.

    Consecutive spans and clauses are grouped so that the sum over groups is least, of the seconds by which the clauses
    cannot fill their spans at any allowed rate, an eighth of the change of length that filling takes, the seconds of the
    original's pauses that are spoken over, and :data:`UNMARKED` for each pause that is made without a mark. Found by dynamic
    programming over (spans, clauses).

    Parameters
    ----------
    slots : sequence of (float, float)
        Spans of the original, in seconds of the film.
    said, pauses : sequence of float
        Lengths of the clauses, and of the silences between them.
    settings : TimingSettings
        Its rates' limits.
    optional : sequence of bool
        Whether the place after each clause but the last is one of :func:`breaths`.
    """
    n, m = len(slots), len(said)
    price = [UNMARKED if end else 0.0 for end in optional] + [0.0] * (m - len(optional))
    best: dict[tuple[int, int], tuple[float, tuple[int, int]]] = {(0, 0): (0.0, (0, 0))}
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            ways = [
                (best[k, h][0] + price[j - 1] + _misfit(slots[k:i], said[h:j], pauses[h : j - 1], settings), (k, h))
                for k in range(i)
                for h in range(j)
                if (k, h) in best
            ]
            if ways:
                best[i, j] = min(ways)
    groups, at = [], (n, m)
    while at != (0, 0):
        before = best[at][1]
        natural = sum(said[before[1] : at[1]]) + sum(pauses[before[1] : at[1] - 1])
        groups.append(Match((before[1], at[1]), (slots[before[0]][0], slots[at[0] - 1][1]), natural))
        at = before
    return tuple(reversed(groups))


def _misfit(
    slots: Sequence[Span], said: Sequence[Seconds], pauses: Sequence[Seconds], settings: TimingSettings
) -> float:
    length = slots[-1][1] - slots[0][0]
    natural = sum(said) + sum(pauses)
    reachable = min(max(length, natural / settings.fastest), natural / settings.slowest)
    spoken_over = sum(b[0] - a[1] for a, b in itertools.pairwise(slots))
    return abs(length - reachable) + abs(reachable - natural) / 8 + spoken_over

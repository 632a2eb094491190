"""Lines cut into phrases at the pauses that the original and the dub share.

A line is translated and spoken whole. Where its original pauses, the dub should pause as well: the original's phrases come
from its words' times, the dub's from the punctuation of its text, and an order-keeping alignment decides which of them
fill each other. In the synthesized clip the pauses are found by their silence.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dubkit.artefacts import Phrase
from dubkit.durations import expected_duration
from dubkit.record import Seconds
from dubkit.utterances import ABBREVIATION

if TYPE_CHECKING:
    import numpy as np

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
# Words before which a sentence may pause without a mark: conjunctions and weightier prepositions.
OPENING = {
    language: frozenset(words.split())
    for language, words in {
        "de": "und oder aber denn weil dass wenn als ob obwohl damit während sondern bevor nachdem vor nach mit ohne gegen",
        "en": "and or but because that when while if although since which who where until unless before after with "
        "without into from between through",
        "es": "y e o u pero porque que cuando si aunque mientras como donde sino pues quien para antes después sobre con "
        "sin hasta desde durante entre",
        "fr": "et ou mais car parce que qui quand si lorsque puisque donc comme où dont pour avant après avec sans depuis "
        "pendant entre vers",
        "it": "e o ma perché che quando se mentre anche però quindi come dove per prima dopo con senza fino tra fra durante",
        "pt": "e ou mas porque que quando se embora enquanto como onde pois porém quem para antes depois sobre com sem até "
        "desde durante entre",
    }.items()
}
BREATH = 0.12
"""What a pause without a mark costs, in seconds of misfit."""
FRAME = 0.01
# Silence is this far below the clip's own level: releases and breath are still sound.
QUIET_DB = -32.0
AUDIBLE_DB = -36.0
# So far down a voice has let go, if not fallen silent; looked for this near to where the synthesizer has its mark.
DIP_DB, DIP_REACH = -18.0, 0.1


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
        return [max(FRAME, b - a) for a, b in zip(edges[::2], edges[1::2], strict=True)], [b - a for a, b in marks]
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
    original's pauses that are spoken over, and :data:`BREATH` for each pause that is made without a mark. Found by dynamic
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
    price = [BREATH if end else 0.0 for end in optional] + [0.0] * (m - len(optional))
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


def cuts(samples: np.ndarray, sample_rate: int, expected: Sequence[Seconds], exact: bool) -> list[Span | None]:
    """The pauses of a clip nearest to where they are expected.

    Parameters
    ----------
    samples : np.ndarray, shape (n_samples,)
        The clip, mono.
    sample_rate : int
        In Hz.
    expected : sequence of float
        The middle of each pause, in seconds of the clip.
    exact : bool
        Whether these come from the synthesizer. Guesses are searched farther away, and for real silences only; else a dip
        between two words will do, which is an empty span.

    Returns
    -------
    list of (float, float) or None
        As many as expected; None where nothing can be cut.
    """
    import numpy as np

    levels, frame = _levels(samples, sample_rate)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], levels < QUIET_DB, [False]]).astype(int)))
    silences = [(float(a) * frame, float(b) * frame) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    duration, (begins, ceases) = len(samples) / sample_rate, audible(samples, sample_rate)
    reach, least = (0.2, 0.03) if exact else (0.15 + 0.08 * duration, 0.1)
    found: list[Span | None] = []
    after = begins
    for time in expected:
        near = [
            (a, b)
            for a, b in silences
            if b - a >= least and a > after and b < ceases and max(a - time, time - b, 0.0) <= reach
        ]
        # The longest silence, but rather a near one: a plosive's closure is short, a pause seldom is.
        chosen = max(near, key=lambda s: (s[1] - s[0]) - 0.5 * abs((s[0] + s[1]) / 2 - time), default=None)
        if chosen is None and exact:
            chosen = _dip(levels, frame, max(after, time - DIP_REACH), min(ceases, time + DIP_REACH))
        found.append(chosen)
        after = chosen[1] if chosen else after
    return found


def _dip(levels: np.ndarray, frame: Seconds, start: Seconds, end: Seconds) -> Span | None:
    """The softest moment between two times, if the voice lets go there."""
    first, last = int(start / frame) + 1, min(len(levels), int(end / frame)) - 1
    if first >= last:
        return None
    at = first + int(levels[first:last].argmin())
    time = (at + 0.5) * frame
    return (time, time) if levels[at] < DIP_DB else None


def cut(
    samples: np.ndarray, sample_rate: int, matches: Sequence[Match], marks: Sequence[Seconds], exact: bool
) -> tuple[Phrase, ...]:
    """The phrases of a clip; where it makes no pause between two of them they stay one.

    Parameters
    ----------
    samples : np.ndarray, shape (n_samples,)
        The clip, mono.
    sample_rate : int
        In Hz.
    matches : sequence of Match
        The phrases wanted.
    marks : sequence of float
        About where each clause but the last ends, in seconds of the clip.
    exact : bool
        Whether these come from the synthesizer.
    """
    pauses = cuts(samples, sample_rate, [marks[match.clauses[1] - 1] for match in matches[:-1]], exact)
    found: list[Phrase] = []
    start, end = audible(samples, sample_rate)
    slot_start = matches[0].slot[0]
    for match, pause in zip(matches, [*pauses, (end, end)], strict=True):
        if pause is None:
            continue
        found.append(
            Phrase(start=round(start, 4), end=round(pause[0], 4), slot_start=slot_start, slot_end=match.slot[1])
        )
        start = pause[1]
        slot_start = matches[min(len(matches) - 1, matches.index(match) + 1)].slot[0]
    return tuple(found)


def audible(samples: np.ndarray, sample_rate: int) -> Span:
    """When a clip begins and ceases to be heard; what lies before and after is breath and fading."""
    import numpy as np

    levels, frame = _levels(samples, sample_rate)
    heard = np.flatnonzero(levels > AUDIBLE_DB)
    duration = len(samples) / sample_rate
    return (float(heard[0]) * frame, min(duration, float(heard[-1] + 1) * frame)) if len(heard) else (0.0, duration)


def _levels(samples: np.ndarray, sample_rate: int) -> tuple[np.ndarray, Seconds]:
    """The level of each frame beside the clip's own, in dB, shape (n_frames,), and how long a frame is: whole samples."""
    import numpy as np

    from dubkit.audio import speech_level

    step = max(1, round(FRAME * sample_rate))
    frames = samples[: len(samples) // step * step].reshape(-1, step)
    power = np.mean(frames.astype(np.float64) ** 2, axis=1)
    levels: np.ndarray = 10 * np.log10(power + 1e-20) - 20 * np.log10(speech_level(samples, sample_rate) + 1e-10)
    return levels, step / sample_rate

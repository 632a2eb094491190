"""Where the source really speaks: sentence by sentence, by speaker, and line by line of a run.

A sentence sounds where its words do. Where their times are not known, it sounds from its start to its end but for pauses, in
which the film's sound is more than 26 dB under its speech: right for clean recordings; in noisy ones it has none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from dubkit.artefacts import Utterance
from dubkit.record import AudioFile, Seconds
from evaluation.times.overlaps import greatest_overlap
from evaluation.times.spans import Span, pauses, phrases, tidied

if TYPE_CHECKING:
    from data.truth import SpokenLine, Truth

# A word this far from every line was not transcribed.
FAR: Seconds = 0.5
# A recording's room is seldom quieter; soft consonants beside a pause are lost, up to 0.05 s.
PAUSE_UNDER = 26.0
# NIST's Rich Transcription evaluations: a speaker's pauses that are shorter are part of the turn.
PART_OF_A_TURN: Seconds = 0.3

Pieces = Mapping[str, Sequence[Span]]
"""By sentence, the spans of its words, or of its phrases."""


def pieces(truth: Truth, sound: AudioFile | None) -> dict[str, tuple[Span, ...]]:
    """When each sentence of a truth sounds, in seconds of the film.

    Parameters
    ----------
    truth : Truth
    sound : AudioFile or None
        The film's; without it, sentences without words sound from start to end.
    """
    return {one.id: _sounding(one, sound) for one in truth.utterances}


def _sounding(sentence: SpokenLine, sound: AudioFile | None) -> tuple[Span, ...]:
    if sentence.words:
        return tuple((w.start, w.end) for w in sentence.words)
    whole = ((sentence.start, sentence.end),)
    if sound is None:
        return whole
    samples = sound.load(sentence.start, sentence.end)
    mono = samples if samples.ndim == 1 else samples.mean(axis=1)
    # Where a sentence begins and ends is known; only its pauses are looked for.
    inner = pauses(phrases(mono, sound.sample_rate, PAUSE_UNDER))
    edges = [sentence.start, *(sentence.start + t for gap in inner for t in gap), sentence.end]
    return tuple(zip(edges[::2], edges[1::2], strict=True))


def turns(truth: Truth, said: Pieces) -> list[tuple[Seconds, Seconds, str]]:
    """Who really speaks when, for diarization: (start, end, speaker).

    Turns that were annotated apart from the sentences are taken as they are. Others follow from what sounds; a speaker's
    pauses under 0.3 s are bridged.
    """
    from data.truth import turns_of

    if truth.turns != turns_of(truth.utterances):
        return [(t.start, t.end, t.speaker) for t in truth.turns]
    own: dict[str, list[Span]] = defaultdict(list)
    for sentence in truth.utterances:
        own[sentence.speaker] += said[sentence.id]
    found = [(a, b, who) for who, spans in own.items() for a, b in tidied(sorted(spans), PART_OF_A_TURN)]
    return sorted(found)


def slots(
    truth: Truth, said: Pieces, lines: Sequence[Utterance]
) -> tuple[dict[str, tuple[Span, ...]], tuple[SpokenLine, ...]]:
    """The true phrases of each line, and the sentences that no line stands for.

    Each word (or phrase) that is really said belongs to the line that it shares most time with, so that a line may be part of
    a sentence or several.

    Parameters
    ----------
    truth : Truth
    said : mapping
        See :func:`pieces`.
    lines : sequence of Utterance
        The run's transcript.

    Returns
    -------
    tuple of (dict, tuple)
        By line id its phrases in seconds of the film, missing for lines that nobody really says; and the sentences of which
        most is in no line.
    """
    near = [(u.start, u.end, u.id) for u in lines]
    found: dict[str, list[Span]] = defaultdict(list)
    left_out = []
    for sentence in truth.utterances:
        homes = [(piece, greatest_overlap([piece], near)) for piece in said[sentence.id]]
        away = [piece for piece, line in homes if line is None or _distance(piece, near) > FAR]
        is_lost = len(away) > len(homes) / 2
        if is_lost:
            left_out.append(sentence)
        for piece, line in homes:
            # What is near a line only is part of it, unless its sentence was not transcribed at all.
            if line and piece not in away and (not is_lost or _distance(piece, near) == 0):
                found[line].append(piece)
    return {line: tuple(tidied(sorted(spans))) for line, spans in found.items()}, tuple(left_out)


def _distance(span: Span, others: Sequence[tuple[Seconds, Seconds, str]]) -> Seconds:
    return min((max(0.0, start - span[1], span[0] - end) for start, end, _ in others), default=float("inf"))

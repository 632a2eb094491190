"""Where the source really speaks, line by line of a run: the truth that timing is held against."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from dubkit.artefacts import Utterance
from dubkit.record import Seconds
from evaluation.overlaps import greatest_overlap
from evaluation.spans import Span, tidied

if TYPE_CHECKING:
    from data.truth import SpokenLine, Truth

# A word this far from every line was not transcribed.
FAR: Seconds = 0.5


def slots(truth: Truth, lines: Sequence[Utterance]) -> tuple[dict[str, tuple[Span, ...]], tuple[SpokenLine, ...]]:
    """The true phrases of each line, and the sentences that no line stands for.

    Each word that is really said belongs to the line that it shares most time with, so that a line may be part of a sentence
    or several. Where word times are not known, whole sentences are given to lines in the same way.

    Parameters
    ----------
    truth : Truth
    lines : sequence of Utterance
        The run's transcript.

    Returns
    -------
    tuple of (dict, tuple)
        By line id its phrases in seconds of the film, missing for lines that nobody really says; and the sentences of which
        most is in no line.
    """
    near = [(u.start, u.end, u.id) for u in lines]
    said: dict[str, list[Span]] = defaultdict(list)
    left_out = []
    for sentence in truth.utterances:
        pieces = sentence.words or (sentence,)
        lost = 0
        for piece in pieces:
            line = greatest_overlap([piece], near)
            if line is None or _distance((piece.start, piece.end), near) > FAR:
                lost += 1
            else:
                said[line].append((piece.start, piece.end))
        if lost > len(pieces) / 2:
            left_out.append(sentence)
    return {line: tuple(tidied(sorted(spans))) for line, spans in said.items()}, tuple(left_out)


def _distance(span: Span, others: Sequence[tuple[Seconds, Seconds, str]]) -> Seconds:
    return min((max(0.0, start - span[1], span[0] - end) for start, end, _ in others), default=float("inf"))

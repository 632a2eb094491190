"""Who said what: concatenated minimum-permutation word error rate (cpWER).

Each speaker's lines are put in order of their starts and joined to one text; reference speakers are assigned to
hypothesis speakers so that the word errors are fewest; their sum over the words of the reference is the rate. A reference
speaker without a partner is deleted, a hypothesis speaker without one is inserted. Speakers' names do not matter. A word
given to the wrong speaker counts twice, lost there and put in here. Watanabe et al. 2020 (CHiME-6); agrees with meeteval
(von Neumann et al. 2023). Texts are normalised first, line by line, see :mod:`evaluation.texts.normalisation`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dubkit.errors import BadInput
from dubkit.record import Seconds
from evaluation.measures import Measure, Sample, per_unit
from evaluation.texts.normalisation import normalised

CPWER = Measure("cpwer.cpwer", "ratio", "lower", "ratio", "word errors per word, words of the wrong speaker included")
MEASURES = (CPWER,)

Lines = Sequence[tuple[Seconds, str]]


@dataclass(frozen=True)
class SpeakerErrors:
    """A reference speaker's errors against the hypothesis speaker assigned, None where none is left."""

    id: str
    hypothesis: str | None
    substitutions: int
    deletions: int
    insertions: int
    n_words: int

    @property
    def errors(self) -> int:
        """Word errors of every kind."""
        return self.substitutions + self.deletions + self.insertions


@dataclass(frozen=True)
class SpeakersErrors:
    """Each reference speaker's errors, and the words of each hypothesis speaker whom nobody was left for."""

    speakers: tuple[SpeakerErrors, ...]
    extra: tuple[tuple[str, int], ...]

    @property
    def assignment(self) -> dict[str, str | None]:
        """Reference speaker to hypothesis speaker."""
        return {speaker.id: speaker.hypothesis for speaker in self.speakers}

    @property
    def errors(self) -> int:
        """All word errors."""
        return sum(speaker.errors for speaker in self.speakers) + sum(n for _, n in self.extra)

    @property
    def n_words(self) -> int:
        """Words of the reference."""
        return sum(speaker.n_words for speaker in self.speakers)

    @property
    def cpwer(self) -> float:
        """The rate."""
        return self.errors / self.n_words

    def samples(self) -> list[Sample]:
        """Errors and words of each reference speaker; a hypothesis speaker too many is the unit ``extra/<id>``."""
        units = [speaker.id for speaker in self.speakers] + [f"extra/{name}" for name, _ in self.extra]
        parts = [(speaker.errors, speaker.n_words) for speaker in self.speakers] + [(n, 0) for _, n in self.extra]
        return per_unit(CPWER, units, parts)


def validate(references: Mapping[str, Lines], hypotheses: Mapping[str, Lines]) -> None:
    """Refuse what is not lines with their starts, speaker by speaker.

    Raises
    ------
    BadInput
        If there are no reference lines, or one is not a start in seconds followed by a text.
    """
    if not any(references.values()):
        raise BadInput("no reference speaker says anything: there is nothing to compare with. Give at least one line")
    for name, speakers in (("reference", references), ("hypothesis", hypotheses)):
        for speaker, lines in speakers.items():
            for line in lines:
                if not _is_line(line):
                    raise BadInput(
                        f"{name} speaker {speaker!r} has {line!r} for a line: give the start in seconds, then the text"
                    )


def score(references: Mapping[str, Lines], hypotheses: Mapping[str, Lines], language: str = "") -> SpeakersErrors:
    """cpWER of one film.

    Parameters
    ----------
    references, hypotheses : mapping of str to sequence of (float, str)
        Each speaker's lines: start in seconds and text, in any order.
    language : str
        BCP-47 code of both, for normalisation; empty where it is not known.

    Raises
    ------
    BadInput
        See :func:`validate`; also if the reference lines hold no words.
    """
    validate(references, hypotheses)
    from scipy.optimize import linear_sum_assignment

    ours: list[tuple[str | None, str]] = [(one, _joined(lines, language)) for one, lines in references.items()]
    theirs: list[tuple[str | None, str]] = [(one, _joined(lines, language)) for one, lines in hypotheses.items()]
    if not any(text for _, text in ours):
        raise BadInput("the reference lines hold no words, only signs: there is nothing to compare with")
    # Partners that say nothing make the table square.
    n = max(len(ours), len(theirs))
    ours += [(None, "")] * (n - len(ours))
    theirs += [(None, "")] * (n - len(theirs))
    table = [[_compared(*one, *other) for other in theirs] for one in ours]
    rows, columns = linear_sum_assignment(np.array([[cell.errors for cell in row] for row in table]))
    chosen = [(ours[i][0], theirs[j][0], table[i][j]) for i, j in zip(rows, columns, strict=True)]
    return SpeakersErrors(
        speakers=tuple(cell for one, _, cell in chosen if one is not None),
        extra=tuple((other, cell.insertions) for one, other, cell in chosen if one is None and other is not None),
    )


def _is_line(line: Any) -> bool:
    if isinstance(line, str) or len(line) != 2:
        return False
    start, text = line
    return isinstance(text, str) and isinstance(start, (int, float)) and math.isfinite(start)


def _joined(lines: Lines, language: str) -> str:
    in_order = sorted(lines, key=lambda line: line[0])
    return " ".join(filter(None, (normalised(text, language) for _, text in in_order)))


def _compared(one: str | None, reference: str, other: str | None, hypothesis: str) -> SpeakerErrors:
    import jiwer

    counts: Any = jiwer.process_words(reference, hypothesis)
    return SpeakerErrors(
        id=one or "",
        hypothesis=other,
        substitutions=counts.substitutions,
        deletions=counts.deletions,
        insertions=counts.insertions,
        n_words=len(reference.split()),
    )

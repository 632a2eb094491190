"""Recognition: how many words differ between what was said and what a recogniser read.

Word error rate (WER) = (substitutions + deletions + insertions) / words of the reference; character error rate (CER) the
same over characters, single spaces between words included (none in scripts that have none). Both texts are normalised
first, see :mod:`evaluation.texts.normalisation`; there too, what counts as a word in scripts without spaces. Counts come from
jiwer (Levenshtein alignment; Morris et al. 2004). Several lines are scored as one: counts are added, not rates averaged.
Words read where nothing was to be said are insertions, so a rate may pass 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dubkit.errors import BadInput
from dubkit.spacing import spaced
from evaluation.measures import Measure, Sample, per_unit
from evaluation.texts import lines
from evaluation.texts.normalisation import normalised

WER = Measure("asr.wer", "ratio", "lower", "ratio", "word errors per word of the reference")
CER = Measure("asr.cer", "ratio", "lower", "ratio", "character errors per character of the reference")
MEASURES = (WER, CER)


@dataclass(frozen=True)
class LineErrors:
    """A line's errors. ``reference`` and ``hypothesis`` are the normalised texts that were compared."""

    id: str
    reference: str
    hypothesis: str
    substitutions: int
    deletions: int
    insertions: int
    n_words: int
    character_errors: int
    n_characters: int

    @property
    def errors(self) -> int:
        """Word errors of every kind."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def wer(self) -> float:
        """This line's own rate; nan where the reference has no words."""
        return self.errors / self.n_words if self.n_words else float("nan")


@dataclass(frozen=True)
class Recognition:
    """The lines' errors, and the rates and counts of all lines together."""

    lines: tuple[LineErrors, ...]

    @property
    def substitutions(self) -> int:
        """Words read as others."""
        return sum(line.substitutions for line in self.lines)

    @property
    def deletions(self) -> int:
        """Words not read."""
        return sum(line.deletions for line in self.lines)

    @property
    def insertions(self) -> int:
        """Words read that were not said."""
        return sum(line.insertions for line in self.lines)

    @property
    def n_words(self) -> int:
        """Words of the reference."""
        return sum(line.n_words for line in self.lines)

    @property
    def wer(self) -> float:
        """Word error rate."""
        return sum(line.errors for line in self.lines) / self.n_words

    @property
    def cer(self) -> float:
        """Character error rate."""
        return sum(line.character_errors for line in self.lines) / sum(line.n_characters for line in self.lines)

    def samples(self) -> list[Sample]:
        """Errors and words (characters) of each line."""
        ids = [line.id for line in self.lines]
        words = [(line.errors, line.n_words) for line in self.lines]
        characters = [(line.character_errors, line.n_characters) for line in self.lines]
        return per_unit(WER, ids, words) + per_unit(CER, ids, characters)


def validate(references: Sequence[str], hypotheses: Sequence[str], ids: Sequence[str] | None = None) -> None:
    """Refuse what cannot be compared line by line.

    Raises
    ------
    BadInput
        If there are no lines, not as many of one as of the other, or not an id of its own for each.
    """
    lines.validate(ids, references=references, hypotheses=hypotheses)


def score(
    references: Sequence[str], hypotheses: Sequence[str], language: str = "", ids: Sequence[str] | None = None
) -> Recognition:
    """WER and CER of hypotheses against references, line by line.

    Parameters
    ----------
    references, hypotheses : sequence of str
        What was said and what was read, one text a line, as they are written.
    language : str
        BCP-47 code of both; empty where it is not known, which leaves numbers and English contractions as they are.
    ids : sequence of str, optional
        The lines' ids; ``u001``, ``u002``, ... without.

    Raises
    ------
    BadInput
        See :func:`validate`; also if the references hold no words, or the language is none.
    """
    validate(references, hypotheses, ids)
    said = [normalised(text, language) for text in references]
    read = [normalised(text, language) for text in hypotheses]
    if not any(said):
        raise BadInput(
            "the references hold no words: there is nothing to compare with. Give at least one line with words"
        )
    named = lines.identified(ids, len(said))
    return Recognition(tuple(_compared(*line) for line in zip(named, said, read, strict=True)))


def _compared(name: str, reference: str, hypothesis: str) -> LineErrors:
    import jiwer

    words: Any = jiwer.process_words(reference, hypothesis)
    as_written = spaced(reference.split()), spaced(hypothesis.split())
    characters: Any = jiwer.process_characters(*as_written)
    return LineErrors(
        id=name,
        reference=reference,
        hypothesis=hypothesis,
        substitutions=words.substitutions,
        deletions=words.deletions,
        insertions=words.insertions,
        n_words=len(reference.split()),
        character_errors=characters.substitutions + characters.deletions + characters.insertions,
        n_characters=len(as_written[0]),
    )

"""Language identification: how often the language that was recognised is the one spoken.

Accuracy = items whose language is right / items. Only the language counts, not its region or script: ``pt-BR``, ``por`` and
``pt`` are one (primary subtags after canonical form, RFC 5646; :mod:`dubkit.languages`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dubkit import languages
from dubkit.errors import BadInput
from evaluation.measures import Measure, Sample, per_unit
from evaluation.texts import lines

ACCURACY = Measure("language.accuracy", "share", "higher", "ratio", "items whose language was recognised")
MEASURES = (ACCURACY,)


@dataclass(frozen=True)
class Identified:
    """An item's language and the one recognised, as primary subtags; the latter empty where it is no language."""

    id: str
    reference: str
    hypothesis: str

    @property
    def right(self) -> bool:
        """Whether they are the same."""
        return self.reference == self.hypothesis


@dataclass(frozen=True)
class Identification:
    """Each item, and how often the language was right."""

    items: tuple[Identified, ...]

    @property
    def accuracy(self) -> float:
        """Share of items whose language is right."""
        return sum(item.right for item in self.items) / len(self.items)

    def samples(self) -> list[Sample]:
        """Right or wrong, for each item."""
        return per_unit(ACCURACY, [item.id for item in self.items], [(item.right, 1) for item in self.items])


def validate(references: Sequence[str], hypotheses: Sequence[str], ids: Sequence[str] | None = None) -> None:
    """Refuse what cannot be compared item by item.

    Raises
    ------
    BadInput
        If there are no items, not as many of one as of the other, not an id of its own for each, or a reference is no
        language.
    """
    lines.validate(ids, references=references, hypotheses=hypotheses)
    for language in references:
        languages.parse(language)


def score(references: Sequence[str], hypotheses: Sequence[str], ids: Sequence[str] | None = None) -> Identification:
    """Compare languages item by item.

    Parameters
    ----------
    references, hypotheses : sequence of str
        BCP-47 codes. An answer that is no language, an empty one too, is wrong.
    ids : sequence of str, optional
        The items' ids; ``u001``, ``u002``, ... without.

    Raises
    ------
    BadInput
        See :func:`validate`.
    """
    validate(references, hypotheses, ids)
    named = lines.identified(ids, len(references))
    return Identification(
        tuple(
            Identified(name, _primary(spoken), _answer(found))
            for name, spoken, found in zip(named, references, hypotheses, strict=True)
        )
    )


def _primary(language: str) -> str:
    return languages.parse(language).split("-")[0]


def _answer(language: str) -> str:
    try:
        return _primary(language)
    except BadInput:
        return ""

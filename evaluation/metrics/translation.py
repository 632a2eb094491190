"""Translation: how near a text is to a reference, how long beside it, and whether the terms asked for stand in it.

BLEU (Papineni et al. 2002) and chrF++ (Popović 2017) are sacrebleu's (Post 2018), on the whole corpus, with its signatures,
which name every convention. BLEU's words are those of sacrebleu's tokeniser ``13a``; of ``zh`` for Chinese; single
characters for Japanese, Thai, Lao, Khmer, Burmese and Tibetan (``char``), whose words no tokeniser without a dictionary
finds: their figures cannot be set beside those of other languages. A line's counts are those that sacrebleu's own
significance tests add up. Nothing is normalised: case and punctuation count.

Length is in characters of the hypothesis per character of the reference, white space around lines left out. Glossary
terms are found as whole words in any case, as they are given: an inflected form does not count (:mod:`dubkit.glossary`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dubkit import languages
from dubkit.errors import BadInput
from dubkit.glossary import missing
from evaluation.measures import Measure, Sample, per_unit
from evaluation.statistics import pooled
from evaluation.texts import lines

BLEU = Measure("translation.bleu", "points", "higher", "bleu", "BLEU against one reference")
CHRF = Measure("translation.chrf", "points", "higher", "chrf", "chrF++ against one reference")
LENGTH_RATIO = Measure(
    "translation.length_ratio", "ratio", "neither", "ratio", "characters per character of the reference"
)
GLOSSARY = Measure("translation.glossary", "share", "higher", "ratio", "glossary terms that stand in their lines")
MEASURES = (BLEU, CHRF, LENGTH_RATIO, GLOSSARY)

_TOKENISERS = {"zh": "zh"} | dict.fromkeys(("bo", "ja", "km", "lo", "my", "th"), "char")


@dataclass(frozen=True)
class LineNearness:
    """A line's texts, sacrebleu's counts for it, and its glossary terms that stand in it and that do not."""

    id: str
    reference: str
    hypothesis: str
    bleu_counts: tuple[int, ...]
    chrf_counts: tuple[int, ...]
    kept: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()

    @property
    def chrf(self) -> float:
        """The line's own chrF++ in 0-100, to find the worst lines by; sentence BLEU is too rough for that."""
        return float(pooled(np.array([self.chrf_counts]), "chrf"))


@dataclass(frozen=True)
class Nearness:
    """Each line, the scores of all together, and the signatures of BLEU and chrF++ to quote beside them."""

    lines: tuple[LineNearness, ...]
    signatures: tuple[str, str]

    @property
    def bleu(self) -> float:
        """Corpus BLEU in 0-100."""
        return float(pooled(np.array([line.bleu_counts for line in self.lines]), "bleu"))

    @property
    def chrf(self) -> float:
        """Corpus chrF++ in 0-100."""
        return float(pooled(np.array([line.chrf_counts for line in self.lines]), "chrf"))

    @property
    def length_ratio(self) -> float:
        """Characters per character of the reference; nan where the reference has none."""
        return float(pooled(np.array(self._lengths()), "ratio"))

    @property
    def glossary(self) -> float:
        """Share of glossary terms that stand in their lines; nan where there are none."""
        return float(pooled(np.array([parts for _, parts in self._terms()] or [(0, 0)]), "ratio"))

    def samples(self) -> list[Sample]:
        """Each line's counts; a line without glossary terms has no sample of these."""
        ids = [line.id for line in self.lines]
        terms = self._terms()
        return [
            *per_unit(BLEU, ids, [line.bleu_counts for line in self.lines]),
            *per_unit(CHRF, ids, [line.chrf_counts for line in self.lines]),
            *per_unit(LENGTH_RATIO, ids, self._lengths()),
            *per_unit(GLOSSARY, [name for name, _ in terms], [parts for _, parts in terms]),
        ]

    def _lengths(self) -> list[tuple[int, int]]:
        return [(len(line.hypothesis.strip()), len(line.reference.strip())) for line in self.lines]

    def _terms(self) -> list[tuple[str, tuple[int, int]]]:
        counted = [(line.id, (len(line.kept), len(line.kept) + len(line.lost))) for line in self.lines]
        return [(name, parts) for name, parts in counted if parts[1]]


def validate(
    references: Sequence[str],
    hypotheses: Sequence[str],
    glossary: Sequence[Sequence[str]] | None = None,
    ids: Sequence[str] | None = None,
) -> None:
    """Refuse what cannot be compared line by line.

    Raises
    ------
    BadInput
        If there are no lines, not as many of one as of the other, not an id of its own for each, or not a list of terms
        for each.
    """
    lines.validate(ids, references=references, hypotheses=hypotheses)
    if glossary is None:
        return
    if len(glossary) != len(references):
        raise BadInput(
            f"{len(glossary)} lists of glossary terms for {len(references)} lines: give one for each, empty without terms"
        )
    for terms in glossary:
        if isinstance(terms, str) or not all(isinstance(term, str) and term.strip() for term in terms):
            raise BadInput(f"{terms!r} is no list of glossary terms: give the terms' texts, such as ['São Paulo']")


def score(
    references: Sequence[str],
    hypotheses: Sequence[str],
    language: str = "",
    glossary: Sequence[Sequence[str]] | None = None,
    ids: Sequence[str] | None = None,
) -> Nearness:
    """Hold hypotheses against one reference each.

    Parameters
    ----------
    references, hypotheses : sequence of str
        One text a line.
    language : str
        BCP-47 code of both, which chooses BLEU's words; empty where it is not known.
    glossary : sequence of sequence of str, optional
        For each line the terms of the target language that have to stand in it.
    ids : sequence of str, optional
        The lines' ids; ``u001``, ``u002``, ... without.

    Raises
    ------
    BadInput
        See :func:`validate`; also if the language is none.
    """
    validate(references, hypotheses, glossary, ids)
    from sacrebleu.metrics.bleu import BLEU as Bleu  # noqa: N811
    from sacrebleu.metrics.chrf import CHRF as Chrf  # noqa: N811

    bleu, chrf = Bleu(tokenize=tokeniser(language)), Chrf(word_order=2)
    terms = glossary or [()] * len(references)
    named = lines.identified(ids, len(references))
    counted = zip(_counts(bleu, references, hypotheses), _counts(chrf, references, hypotheses), strict=True)
    found = tuple(
        LineNearness(named[i], references[i], hypotheses[i], *counts, *_kept(hypotheses[i], terms[i]))
        for i, counts in enumerate(counted)
    )
    return Nearness(found, (str(bleu.get_signature()), str(chrf.get_signature())))


def tokeniser(language: str) -> str:
    """The name of sacrebleu's tokeniser for a language, ``13a`` where none is named.

    Raises
    ------
    BadInput
        If it is no language.
    """
    return _TOKENISERS.get(languages.parse(language).split("-")[0], "13a") if language else "13a"


def _counts(metric: Any, references: Sequence[str], hypotheses: Sequence[str]) -> list[tuple[int, ...]]:
    """A row of sufficient statistics for each line, as sacrebleu's bootstrap resamples them."""
    rows = metric._extract_corpus_statistics(list(hypotheses), [list(references)])
    return [tuple(int(count) for count in row) for row in rows]


def _kept(text: str, terms: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    # In lower case a term is no name to dubkit.glossary, and is found in any case.
    lost = tuple(term for term in terms if missing(text, [term.lower()]))
    return tuple(term for term in terms if term not in lost), lost

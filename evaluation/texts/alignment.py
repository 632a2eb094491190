"""Which word of one text answers to which of another, and a text cut where another has its segments.

Words are aligned with the fewest edits (Levenshtein 1966), by jiwer. A hypothesis without segments of its own, or with
others, is cut at the reference's so that the sum of the segments' word errors is the least possible, after Matusov et al.
2005 (mwerSegmenter): here along the path of a minimal alignment of the whole, which reaches that least sum, because
the path's errors are those of its pieces. Words are compared as they are: normalise both texts first.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from dubkit.errors import BadInput


def validate(**words: Sequence[str]) -> None:
    """Refuse what is not a list of single words: ``validate(reference=[...], hypothesis=[...])``.

    Raises
    ------
    BadInput
        If a text is given in place of a list, or a word is empty or holds white space.
    """
    for name, given in words.items():
        if isinstance(given, str):
            raise BadInput(f"{name} is one text ({given[:40]!r}): give a list of its words")
        wrong = [word for word in given if word.split() != [word]]
        if wrong:
            raise BadInput(f"{name} has {wrong[0]!r} for a word: give words that are not empty and hold no white space")


def pairs(reference: Sequence[str], hypothesis: Sequence[str]) -> list[tuple[int | None, int | None]]:
    """A minimal edit alignment of two texts.

    Parameters
    ----------
    reference, hypothesis : sequence of str
        Words.

    Returns
    -------
    list of (int or None, int or None)
        Index of the reference's word and of the hypothesis's, in order; None where a word was put in or lost.

    Raises
    ------
    BadInput
        See :func:`validate`.
    """
    validate(reference=reference, hypothesis=hypothesis)
    import jiwer

    aligned: Any = jiwer.process_words(" ".join(reference), " ".join(hypothesis))
    found: list[tuple[int | None, int | None]] = []
    for chunk in aligned.alignments[0]:
        ours = range(chunk.ref_start_idx, chunk.ref_end_idx)
        theirs = range(chunk.hyp_start_idx, chunk.hyp_end_idx)
        found += itertools.zip_longest(ours, theirs)
    return found


def matches(reference: Sequence[str], hypothesis: Sequence[str]) -> list[tuple[int, int]]:
    """Those pairs of a minimal alignment whose words are the same.

    Raises
    ------
    BadInput
        See :func:`validate`.
    """
    aligned = pairs(reference, hypothesis)
    return [(i, j) for i, j in aligned if i is not None and j is not None and reference[i] == hypothesis[j]]


def resegmented(references: Sequence[Sequence[str]], words: Sequence[str]) -> list[list[int]]:
    """A hypothesis's words, cut at the reference's segment boundaries with the fewest word errors.

    Words put in between two segments fall to the earlier one, before the first to the first; a segment without words
    gets none, unless no segment has any: then the first gets all.

    Parameters
    ----------
    references : sequence of sequence of str
        Words of each segment, in order.
    words : sequence of str
        The hypothesis's words, in order.

    Returns
    -------
    list of list of int
        For each segment the indexes of its words: a partition of all of them, in order.

    Raises
    ------
    BadInput
        If there are no segments; see also :func:`validate`.
    """
    if not references:
        raise BadInput("there are no reference segments to cut the words at: give at least one")
    validate(words=words, **{f"segment {n}": segment for n, segment in enumerate(references, 1)})
    segments = [n for n, segment in enumerate(references) for _ in segment]
    cut: list[list[int]] = [[] for _ in references]
    current = segments[0] if segments else 0
    for i, j in pairs([word for segment in references for word in segment], words):
        current = current if i is None else segments[i]
        if j is not None:
            cut[current].append(j)
    return cut

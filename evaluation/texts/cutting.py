"""A text that has other segments than its reference, or none, cut where the reference has its lines."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from dubkit.spacing import spaced
from evaluation.texts.alignment import resegmented
from evaluation.texts.normalisation import normalised, parted


def cut_like(references: Sequence[str], words: Sequence[str], language: str = "") -> list[list[int]]:
    """Which words fall to which line of the reference, with the fewest word errors.

    Parameters
    ----------
    references : sequence of str
        The reference's lines, in order.
    words : sequence of str
        The words of the text as they are written, in order.
    language : str
        BCP-47 code of both.

    Returns
    -------
    list of list of int
        For each line the indexes of its words. A word of which nothing is compared (a dash) goes with the one before it.

    Raises
    ------
    BadInput
        If there are no lines.
    """
    lines = [normalised(line, language).split() for line in references]
    keys = [(n, key) for n, word in enumerate(words) for key in _keys(word, language)]
    cut = resegmented(lines, [key for _, key in keys])
    home: dict[int, int] = {}
    for line, found in enumerate(cut):
        for k in found:
            home.setdefault(keys[k][0], line)
    own: list[list[int]] = [[] for _ in references]
    line = 0
    for n in range(len(words)):
        line = home.get(n, line)
        own[line].append(n)
    return own


def texts_like(references: Sequence[str], text: str, language: str = "") -> list[str]:
    """The text in as many pieces as the reference has lines; see :func:`cut_like`."""
    words = parted(text).split()
    return [spaced(words[n] for n in found) for found in cut_like(references, words, language)]


@functools.lru_cache(maxsize=50_000)
def _keys(word: str, language: str) -> tuple[str, ...]:
    return tuple(normalised(word, language).split())

"""A text taken apart: into sentences, and those that are too long at their clauses."""

from __future__ import annotations

import re

from dubkit.utterances import ends_sentence

_CLAUSE_END = re.compile(r"(?<=[,;:—])\s+")


def sentences(text: str) -> list[str]:
    """The sentences of a text, white space between words made single; joined by spaces they are the text again.

    A sentence ends where its last word's punctuation says so and the next word does not begin in lower case. ``No.``
    is an answer, but a number's abbreviation before a digit.
    """
    words = text.split()
    found: list[list[str]] = [[]]
    for word, following in zip(words, [*words[1:], ""], strict=False):
        found[-1].append(word)
        answer = word.lower() == "no."
        ends = not following[:1].isdigit() if answer else ends_sentence(word)
        if following and ends and _starts(following):
            found.append([])
    return [" ".join(s) for s in found if s]


def _starts(word: str) -> bool:
    """Whether a word can be the first of a sentence."""
    first = next((c for c in word if c.isalnum()), "")
    return not first.islower()


def clauses(sentence: str, longest: int) -> list[str]:
    """A sentence in parts of at most `longest` characters where it can be: cut at clause ends, else between words.

    Joined by spaces the parts are the sentence again; a single longer word stays whole.
    """
    if len(sentence) <= longest:
        return [sentence] if sentence else []
    middle = len(sentence) / 2
    for ends in (_CLAUSE_END, re.compile(r"\s+")):
        cuts = [m for m in ends.finditer(sentence) if len(sentence) / 5 < m.start() < len(sentence) * 4 / 5]
        if cuts:
            cut = min(cuts, key=lambda m: abs(m.start() - middle))
            return clauses(sentence[: cut.start()], longest) + clauses(sentence[cut.end() :], longest)
    return [sentence]

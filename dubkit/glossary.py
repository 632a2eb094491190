"""Names and terms that have to come out of translation in a certain form.

A glossary maps terms of the source language to those of the target language; for a name that is kept both are the same.
Terms are found as whole words, longest first. One with a capital letter is a name and is found as it is written; others
are found in any case. In scripts without spaces, and beside them, there are no word boundaries to keep to.

Writing the target's term into the source sentence (code-switching) is the most robust way to get it through a neural
translator: models copy words that they take for foreign, and inflect and order the rest around them.
Dinu et al., 2019, Training Neural Machine Translation to Apply Terminology Constraints. Where a term made of ordinary
words is translated all the same, a made-up name can stand for it on the way: nothing can be done with that but copy it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

# Thai, Lao, Tibetan, Burmese, Khmer, kana, ideographs; and Hangul, whose particles are written onto the word.
_NO_BOUNDARY = re.compile(
    "[\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
    "\uf900-\ufaff\U00020000-\U0003ffff]"
)


STAND_INS = ("Zeltron", "Wolvarth", "Kandrix", "Morbane", "Tessvik", "Baldrun", "Yarvost", "Prindale")
"""Names that mean nothing: each came whole through the packaged models from English to Portuguese and Spanish."""


@dataclass(frozen=True)
class Occurrence:
    """A source term at ``text[start:end]`` of a text in Unicode's composed form (NFC)."""

    start: int
    end: int
    term: str


def composed(text: str) -> str:
    """A text as terms are looked for in it: letters and their accents as one sign (NFC)."""
    return unicodedata.normalize("NFC", text)


def occurrences(text: str, terms: Iterable[str]) -> list[Occurrence]:
    """Where terms stand in a text, in order of place; none overlaps another, and a longer one goes first.

    Parameters
    ----------
    text : str
        What to look in; places count in its :func:`composed` form.
    terms : iterable of str
        What to look for; white space in them stands for any white space.
    """
    text = composed(text)
    found: list[Occurrence] = []
    for term in sorted(set(terms), key=lambda t: (-len(t), t)):
        for match in _pattern(term).finditer(text):
            start, end = match.span()
            if _apart(text, start, end) and all(end <= f.start or start >= f.end for f in found):
                found.append(Occurrence(start, end, term))
    return sorted(found, key=lambda f: f.start)


def written(text: str, glossary: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    """A text with the glossary's target terms in place of the source terms, and those target terms.

    Returns
    -------
    (str, tuple of str)
        The text, unchanged where no term occurs in it, and each target term once, in order of place. A term that takes
        the place of a capitalised word is capitalised too, in the text.
    """
    said = _replaced(text, glossary)
    return said, tuple(dict.fromkeys(composed(glossary[o.term]) for o in occurrences(text, glossary)))


def veiled(text: str, glossary: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """A text with made-up names in place of the source terms, and the target term that each name stands for.

    There are eight names; further terms are :func:`written` in.
    """
    terms = dict.fromkeys(composed(glossary[o.term]) for o in occurrences(text, glossary))
    names = {target: name for target, name in zip(terms, STAND_INS, strict=False) if not occurrences(text, [name])}
    hidden = {term: names.get(composed(target), target) for term, target in glossary.items()}
    return _replaced(text, hidden), {name: target for target, name in names.items()}


def unveiled(text: str, names: Mapping[str, str]) -> str:
    """A translation with the terms in place of the names that stood for them."""
    return _replaced(text, names)


def _replaced(text: str, glossary: Mapping[str, str]) -> str:
    found = occurrences(text, glossary)
    if not found:
        return text
    text = composed(text)
    made, at = "", 0
    for occurrence in found:
        said = text[occurrence.start : occurrence.end]
        target = _cased(composed(glossary[occurrence.term]), said, occurrence.term)
        made = _beside(_beside(made, text[at : occurrence.start]), target)
        at = occurrence.end
    return _beside(made, text[at:])


def _beside(left: str, right: str) -> str:
    """Two pieces in a row; a space keeps apart words that a script without spaces kept apart before."""
    return f"{left} {right}" if _joins(left[-1:], right[:1]) else left + right


def missing(text: str, terms: Iterable[str]) -> tuple[str, ...]:
    """Those of the terms that do not stand in a text as whole words."""
    return tuple(term for term in terms if not occurrences(text, [term]))


def keeps(text: str, terms: Iterable[str]) -> bool:
    """Whether every term stands in a text."""
    return not missing(text, terms)


def _pattern(term: str) -> re.Pattern[str]:
    words = [re.escape(word) for word in composed(term).split()]
    # A term without words would be found everywhere; this is found nowhere.
    return re.compile(r"\s+".join(words) or r"(?!)", re.NOFLAG if _is_name(term) else re.IGNORECASE)


def _is_name(term: str) -> bool:
    return any(c.isupper() for c in term)


def _apart(text: str, start: int, end: int) -> bool:
    """Whether no word goes on beyond either end."""
    return not (_joins(text[start - 1 : start], text[start]) or _joins(text[end - 1], text[end : end + 1]))


def _joins(left: str, right: str) -> bool:
    """Whether two neighbouring signs are of one word."""
    return _in_word(left) and (_in_word(right) or unicodedata.category(right or " ").startswith("M"))


def _in_word(sign: str) -> bool:
    within = sign.isalnum() or sign == "_" or (sign != "" and unicodedata.category(sign).startswith("M"))
    return within and not _NO_BOUNDARY.match(sign)


def _cased(target: str, said: str, term: str) -> str:
    """The target's term as it stands where `said` stood: with a capital where only the place gave `said` one."""
    raised = said[:1].isupper() and not composed(term)[:1].isupper() and not _is_name(target)
    return target[:1].upper() + target[1:] if raised else target

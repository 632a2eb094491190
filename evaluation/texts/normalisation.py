"""Texts as they are compared: without case, punctuation and ways of writing that nobody hears.

English goes through Whisper's English normaliser (Radford et al. 2022, appendix C): contractions are spelt out, British
spelling becomes American, numbers become figures, fillers (uh, hmm) and accents are left out. Every other language, and an
unknown one, goes through Whisper's basic normaliser, which drops punctuation and what stands in brackets, but *keeps*
letters' marks: ``avó`` and ``avô`` are different words, and vowel signs of Indic scripts and Thai are part of theirs. Both are
those of the package whisper-normalizer, so that figures can be set beside published ones. Outside English, numbers in
figures are spelt out as num2words says them, for the languages that it knows (not Chinese, Greek or Hindi, whose figures
stay), since recognisers write figures where scripts have words. Genders and inflections of numerals are not made equal.

Where a script has no spaces (Chinese, Japanese, Thai, Lao, Burmese, Khmer, Tibetan) each sign with its marks counts as a word, in
whatever language it stands; Latin words between them stay whole, as in the mixed error rate of code-switching research.

References and hypotheses must go through the same.
"""

from __future__ import annotations

import functools
import itertools
import re
import unicodedata
from collections.abc import Callable

from dubkit import languages
from dubkit.backends.mms.spoken_form import can_say_numbers, spoken
from dubkit.spacing import needs_space

_APOSTROPHES = str.maketrans("’‘ʼ＇", "''''")
# Whisper's English normaliser takes all but the first of them for a word.
_DOTS = re.compile(r"…|\.{2,}")


def normalised(text: str, language: str = "") -> str:
    """A text as it is compared: words with single spaces between them.

    Parameters
    ----------
    text : str
        A line, or one word of it.
    language : str
        Its BCP-47 code (``pt`` and ``pt-BR`` do the same); empty where it is not known.

    Raises
    ------
    BadInput
        If that is no language.
    """
    code = languages.parse(language) if language else ""
    plain = _DOTS.sub(" ", text.translate(_APOSTROPHES))
    plain = _english()(plain) if code == "en" else _basic()(_in_words(plain, code))
    return " ".join(word for word in parted(plain).split() if any(c.isalnum() for c in word))


def parted(text: str) -> str:
    """A text with spaces around each sign, its marks with it, of a script that has none."""
    if text.isascii():
        return text
    parted = text[:1]
    for before, sign in itertools.pairwise(text):
        joined = needs_space(before, sign) or unicodedata.category(sign)[0] == "M"
        parted += sign if joined else f" {sign}"
    return parted


def _in_words(text: str, code: str) -> str:
    if not any(c.isdecimal() for c in text):
        return text
    if can_say_numbers(code):
        return spoken(text, code)
    # Without the rules that the voices have for a language: money, fractions and ordinals are plain numbers here.
    if (say := _speller(code)) is None:
        return text
    return re.sub(r"\d+", lambda found: f" {say(int(found.group()))} ", _group_signs(code).sub("", text))


@functools.cache
def _speller(code: str) -> Callable[[int], str] | None:
    """num2words in a language; None where it knows none by that code."""
    from num2words import CONVERTER_CLASSES, num2words

    if code not in CONVERTER_CLASSES:
        return None

    def say(number: int) -> str:
        try:
            return str(num2words(number, lang=code))
        except (OverflowError, NotImplementedError, KeyError, IndexError):
            return str(number)

    return say


@functools.cache
def _group_signs(code: str) -> re.Pattern[str]:
    """The sign between thousands, where it stands between three figures and a figure."""
    from babel.numbers import get_group_symbol

    sign = get_group_symbol(code, numbering_system="latn")
    signs = "[ \u00a0\u202f]" if sign.isspace() else re.escape(sign)
    return re.compile(rf"(?<=\d){signs}(?=\d{{3}}(?!\d))")


@functools.cache
def _english() -> Callable[[str], str]:
    from whisper_normalizer.english import EnglishTextNormalizer

    made: Callable[[str], str] = EnglishTextNormalizer()
    return made


@functools.cache
def _basic() -> Callable[[str], str]:
    from whisper_normalizer.basic import BasicTextNormalizer

    made: Callable[[str], str] = BasicTextNormalizer(preserve_marks=True)
    return made

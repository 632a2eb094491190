"""How long a text takes to say, told from its letters: for any language, or as a synthesizer was measured to say it.

:func:`natural_duration` is a linear model over what a reader counts: syllables, letters, words, and pauses at marks. Its
coefficients in ``durations.json`` were fitted by ``benchmarks/durations.py`` on what Kokoro speaks, one set per language
with the other languages' set as prior, and a factor per voice; ``docs/durations.md`` has the error on sentences that
were left out. In an early trial phonemes from espeak-ng did little better than letters (median error 4.7 % against 5.8 %,
90th percentile 10.9 % both); they take much longer, and the result would depend on what is installed.
"""

from __future__ import annotations

import functools
import json
import re
import unicodedata
from pathlib import Path
from typing import Any

from dubkit.record import Seconds

VOWELS = re.compile(r"[aeiouyàáâãäåæèéêëìíîïòóôõöøùúûüýœı]+", re.IGNORECASE)
SYLLABLES_PER_SECOND = 5.5
LETTERS_PER_SYLLABLE = 2
"""Of words that show no vowels: those in other scripts than Latin, and such as "Mr"."""
FEATURES = ("syllables", "letters", "words", "clauses", "sentences", "line")
"""What is counted; ``clauses`` and ``sentences`` are ends of them inside the text, ``line`` is always 1."""
OTHER = ""
"""The name of the set of coefficients for languages that none was fitted for."""

_CONSONANT = "[bcdfghjklmnpqrstvwxz]"
_SILENT = {
    # make, leaves, talked; but places, wanted and table have one more.
    "en": re.compile(rf"\b\w*[aeiouy]\w*{_CONSONANT}(?:(?<![bcdfgkptz]l)e|(?<![cgsxz])es|(?<![dt])ed)\b"),
    # une, pommes, attendent; but vraiment has one more.
    "fr": re.compile(rf"\b\w*[aeiouyàâéèêëîïôöùûüœ]\w*{_CONSONANT}(?:e|es|(?<!m)ent)\b"),
}
"""Words whose last written vowel is usually not spoken."""
_DIGIT = (2, 5)
"""Syllables and letters of a digit when it is read: about those of 10 to 99 and of years. Not fitted."""
# Latin letters, with those of phonetics, full width and ligatures, and the letters like apostrophes and ordinals' signs.
_LATIN = re.compile(
    "[\u0000-\u02ff\u1d00-\u1dbf\u1e00-\u1eff\u2071\u207f\u2090-\u209c\u212a\u212b\u2c60-\u2c7f\ua720-\ua7ff"
    "\uab30-\uab6f\ufb00-\ufb06\uff21-\uff3a\uff41-\uff5a]"
)
_CLAUSE = re.compile(r"[,;:—](?=\s)|\s[–-](?=\s)")
_SENTENCE = re.compile(r"[.!?…]+[\"”»)]*\s+(?=\S)")


def expected_duration(text: str) -> Seconds:
    """About how long a text takes to say in any language: syllables at 5.5 a second, commas as pauses.

    A word's syllables are its vowel groups in Latin script, a digit's are two; without vowels, and in other scripts, two
    letters make one.
    """
    syllables = sum(map(_syllables, text.split()))
    pauses = len(re.findall(r"[,;:—]\s", text)) * 0.15
    return round(syllables / SYLLABLES_PER_SECOND + pauses, 3)


def _syllables(word: str) -> float:
    letters, other = sum(c.isalpha() for c in word), _n_other(word)
    latin = len(VOWELS.findall(_plain(word))) or (letters - other) / LETTERS_PER_SYLLABLE
    return latin + other / LETTERS_PER_SYLLABLE + _DIGIT[0] * sum(c.isdecimal() for c in word)


def _plain(text: str) -> str:
    """Small letters without their marks."""
    return "".join(c for c in unicodedata.normalize("NFD", text.lower()) if not unicodedata.combining(c))


def _n_other(text: str) -> int:
    """Letters in other scripts than Latin."""
    return sum(c.isalpha() and not _LATIN.match(c) for c in text)


def natural_duration(text: str, language: str, voice: str = "") -> Seconds:
    """How long a text takes to say at natural rate.

    Languages in Latin script that nothing was fitted for take the mean of those that something was. The model was fitted
    on Latin script alone, and in other scripts finds less than there is to say: a text with letters of one takes no less
    than :func:`expected_duration`, nor do the words that show no vowels. So nothing that is added to a text shortens it.

    Parameters
    ----------
    text : str
        A line.
    language : str
        BCP-47.
    voice : str
        A voice's id (``kokoro:af_heart``); without one, or for one that was not measured, the language's usual pace.
    """
    counts = counted(text, language)
    unseen = text if _n_other(text) else " ".join(word for word in text.split() if not _seen(word))
    least = expected_duration(unseen)
    if counts is None:
        return least
    fitted = _fitted()
    sets: dict[str, list[float]] = fitted["coefficients"]
    coefficients = sets.get(language) or sets.get(language.partition("-")[0]) or sets[OTHER]
    seconds = sum(c * n for c, n in zip(coefficients, counts, strict=True))
    return max(least, round(seconds * float(fitted["voices"].get(voice, 1.0)), 3))


def _seen(word: str) -> bool:
    return bool(VOWELS.search(_plain(word))) or any(c.isdecimal() for c in word)


def counted(text: str, language: str) -> tuple[int, ...] | None:
    """The :data:`FEATURES` of a text; None where it has no vowels in Latin script and no digits."""
    spelt = unicodedata.normalize("NFC", text.lower())
    plain = _plain(text)
    digits = sum(c.isdecimal() for c in plain)
    syllables = len(VOWELS.findall(plain)) + _DIGIT[0] * digits
    if not syllables:
        return None
    if silent := _SILENT.get(language.partition("-")[0]):
        syllables -= len(silent.findall(spelt))
    letters = sum(c.isalpha() for c in spelt) + _DIGIT[1] * digits
    words = sum(any(c.isalnum() for c in word) for word in plain.split())
    return syllables, letters, words, len(_CLAUSE.findall(plain)), len(_SENTENCE.findall(plain)), 1


@functools.cache
def _fitted() -> dict[str, Any]:
    """``coefficients`` by language, in seconds, and ``voices``' factors by id."""
    found: dict[str, Any] = json.loads((Path(__file__).parent / "durations.json").read_text(encoding="utf-8"))
    return found

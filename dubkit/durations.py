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

VOWELS = re.compile(r"[aeiouyàáâãäåæèéêëìíîïòóôõöøùúûüýœ]+", re.IGNORECASE)
SYLLABLES_PER_SECOND = 5.5
FEATURES = ("syllables", "letters", "words", "clauses", "sentences", "line")
"""What is counted; ``clauses`` and ``sentences`` are ends of them inside the text, ``line`` is always 1."""
OTHER = ""
"""The name of the set of coefficients for languages that none was fitted for."""

_PLAIN_VOWELS = re.compile(r"[aeiouyæœøı]+")
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
_CLAUSE = re.compile(r"[,;:—](?=\s)|\s[–-](?=\s)")
_SENTENCE = re.compile(r"[.!?…]+[\"”»)]*\s+(?=\S)")


def expected_duration(text: str) -> Seconds:
    """About how long a text takes to say in any language: syllables (vowel groups) at 5.5 a second, commas as pauses.

    Texts in scripts without Latin vowels count a syllable per two letters.
    """
    letters = sum(c.isalpha() for c in text)
    syllables = len(VOWELS.findall(text)) or letters / 2
    pauses = len(re.findall(r"[,;:—]\s", text)) * 0.15
    return round(syllables / SYLLABLES_PER_SECOND + pauses, 3)


def natural_duration(text: str, language: str, voice: str = "") -> Seconds:
    """How long a text takes to say at natural rate.

    Languages in Latin script that nothing was fitted for take the mean of those that something was; others
    :func:`expected_duration`.

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
    if counts is None:
        return expected_duration(text)
    fitted = _fitted()
    sets: dict[str, list[float]] = fitted["coefficients"]
    coefficients = sets.get(language) or sets.get(language.partition("-")[0]) or sets[OTHER]
    seconds = sum(c * n for c, n in zip(coefficients, counts, strict=True))
    return round(max(0.0, seconds * float(fitted["voices"].get(voice, 1.0))), 3)


def counted(text: str, language: str) -> tuple[int, ...] | None:
    """The :data:`FEATURES` of a text; None where it has no vowels in Latin script and no digits."""
    spelt = unicodedata.normalize("NFC", text.lower())
    plain = "".join(c for c in unicodedata.normalize("NFD", spelt) if not unicodedata.combining(c))
    digits = sum(c.isdecimal() for c in plain)
    syllables = len(_PLAIN_VOWELS.findall(plain)) + _DIGIT[0] * digits
    if not syllables:
        return None
    if silent := _SILENT.get(language.partition("-")[0]):
        syllables -= len(silent.findall(spelt))
    letters = sum(c.isalpha() for c in plain) + _DIGIT[1] * digits
    words = sum(any(c.isalnum() for c in word) for word in plain.split())
    return syllables, letters, words, len(_CLAUSE.findall(plain)), len(_SENTENCE.findall(plain)), 1


@functools.cache
def _fitted() -> dict[str, Any]:
    """``coefficients`` by language, in seconds, and ``voices``' factors by id."""
    found: dict[str, Any] = json.loads((Path(__file__).parent / "durations.json").read_text(encoding="utf-8"))
    return found

"""Tells when a translation is not one of its text: caught in a loop, grown far too long, or a sentence short.

Multilingual models make these mistakes with full confidence, so that their scores do not tell. The limits are loose on
purpose: a false alarm costs a second search, and that is believed only where it says clearly more.
"""

from __future__ import annotations

import re

from dubkit.backends.sentences import sentences
from dubkit.durations import VOWELS

FAR_LONGER = 3.0
"""Syllables of a translation per syllable of its text beyond which it was made up; pairs of languages stay below 2."""
SHORT = 0.75
"""Share of its text's syllables below which a translation with fewer sentences is suspected to lack one."""
MORE = 1.25
"""How much more another translation has to say before it is believed that the first one lacked something."""
_LEEWAY = 8
_PER_DIGIT = 2
_LONGEST_UNIT = 12
# Scripts that are written without spaces between words; Hangul has spaces, but every sign of it is a syllable.
_SYLLABIC = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
_UNSPACED = _SYLLABIC + "\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff"
_UNIT = re.compile(f"[{_UNSPACED}]|[^\\W{_UNSPACED}]+")
_FULL_STOP = re.compile("(?<=[。！？｡])(?=[^\\s。！？｡」』”’）])")


def parts(text: str) -> list[str]:
    """The sentences of a text, also where no space follows a full stop (Chinese, Japanese)."""
    return [part for sentence in sentences(text) for part in _FULL_STOP.split(sentence)]


def syllables(text: str) -> float:
    """About how many syllables a text has when it is said.

    Vowel groups of Latin letters, one per sign of East Asia, two per digit (``123`` is *cento e vinte e três*), else 0.45
    a letter.
    """
    syllabic = len(re.findall(f"[{_SYLLABIC}]", text))
    others = sum(c.isalpha() and ord(c) > 0x24F for c in text) - syllabic
    digits = sum(map(str.isdecimal, text))
    return len(VOWELS.findall(text)) + syllabic + _PER_DIGIT * digits + 0.45 * max(0, others)


def repetitions(text: str) -> int:
    """How many times one word, or one group of up to 12 words, stands there in a row, at most; 0 where there is none."""
    words = _UNIT.findall(text.lower())
    longest = 0
    for n in range(1, min(_LONGEST_UNIT, len(words)) + 1):
        run = 0
        for at in range(n, len(words)):
            run = run + 1 if words[at] == words[at - n] else 0
            longest = max(longest, run // n)
    return longest + 1 if words else 0


def strays(source: str, said: str) -> bool:
    """Whether a translation goes round in circles where its text does not, or is far longer than it."""
    looping = repetitions(said) > max(3, repetitions(source) + 1)
    return looping or syllables(said) > FAR_LONGER * syllables(source) + _LEEWAY


def lacks_a_sentence(source: str, said: str) -> bool:
    """Whether a translation of several sentences has fewer, and is shorter than joining them explains."""
    n_sentences = len(parts(source))
    return n_sentences > max(1, len(parts(said))) and syllables(said) < SHORT * syllables(source)


def says_more(said: str, than: str) -> bool:
    """Whether one translation says clearly more than another."""
    return syllables(said) > MORE * syllables(than)

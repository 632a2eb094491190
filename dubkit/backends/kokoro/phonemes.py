"""Text to the phoneme alphabet that Kokoro-82M was trained on.

Its Spanish, French, Italian and Portuguese training text was made by espeak-ng, with some phonemes of two letters
written as one symbol; its English by a lexicon in a close notation, to which espeak-ng's is brought here. Both
mappings are those of misaki (https://github.com/hexgrad/misaki, ``espeak.py``, Apache-2.0), the model's own
preprocessor.
"""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path

from dubkit.backends.espeak import library as espeak_library
from dubkit.backends.speakable import speakable

MAX_TOKENS = 510
"""Symbols that the model takes at once."""

LONGEST_PART = 300
"""Symbols given to it at once, about 17 s of speech: memory grows by 25 MB with each second."""

ESPEAK_CODES = {"en-us": "en-us", "en-gb": "en-gb", "es": "es", "fr": "fr-fr", "it": "it", "pt": "pt-br"}
"""espeak-ng's code for each of Kokoro's accents."""

PAUSE_MARKS = frozenset(";:,.!?—…")

_DIPHTHONGS = {"a^ɪ": "I", "a^ʊ": "W", "e^ɪ": "A", "ɔ^ɪ": "Y"}
_AFFRICATES = {"d^ʒ": "ʤ", "t^ʃ": "ʧ"}
_OTHER_THAN_ENGLISH = {
    **_DIPHTHONGS,
    **_AFFRICATES,
    **{"d^z": "ʣ", "o^ʊ": "O", "ə^ʊ": "Q", "s^s": "S", "t^s": "ʦ"},
    **{"^": "", "-": ""},
}
_ENGLISH = {
    **_DIPHTHONGS,
    **_AFFRICATES,
    **{"e": "A", "ə^l": "ᵊl", "ʲo": "jo", "ʲə": "jə", "ʲ": "", "ɚ": "əɹ"},
    **{"r": "ɹ", "x": "k", "ç": "k", "ɐ": "ə", "ɬ": "l", "\u0303": ""},
}
_AMERICAN = {**_ENGLISH, "o^ʊ": "O", "ɜːɹ": "ɜɹ", "ɜː": "ɜɹ", "ɪə": "iə", "ː": "", "ɾ": "T", "ʔ": "t", "^": ""}
_BRITISH = {**_ENGLISH, "e^ə": "ɛː", "iə": "ɪə", "ə^ʊ": "Q", "ɾ": "T", "ʔ": "t", "^": ""}
_NOTATION = {"en-us": _AMERICAN, "en-gb": _BRITISH}

_SYLLABIC = re.compile("(\\S)\u0329")
_SWITCH = re.compile(r"\([a-z]{2,3}(?:-[a-z0-9-]+)*\)")
_LETTER = re.compile(r"\w")

# A mark ends a clause only where a space or the end follows it, so that 3.5, 10,000 and 12:30 stay whole.
_CLAUSES = re.compile(r"\s*([”)]*[.!?…,;:]+[”)]*(?=\s|$)|(?:(?<=\s)|^)[“(]+|[”)]+(?=\s|$)|—|(?<=\s)-+(?=\s))\s*")


@functools.cache
def vocabulary() -> dict[str, int]:
    """The model's number for each symbol; number 0 pads both ends of a text."""
    table: dict[str, int] = json.loads((Path(__file__).parent / "symbols.json").read_text(encoding="utf-8"))
    return table


@functools.lru_cache(maxsize=4096)
def symbols(text: str, accent: str) -> str:
    """The model's symbols for a text; empty where there is nothing to say.

    Parameters
    ----------
    text : str
        Anything.
    accent : str
        A key of :data:`ESPEAK_CODES`.
    """
    pieces = _CLAUSES.split(speakable(text))
    written = ""
    for words, mark in zip(pieces[::2], [*pieces[1::2], ""], strict=True):
        written += _pronounced(words, accent) + _mark(mark)
    known = "".join(s for s in written if s in vocabulary())
    known = re.sub(r"\s+", " ", known).strip()
    return known if _LETTER.search(known) else ""


def _pronounced(words: str, accent: str) -> str:
    """The symbols for a clause without punctuation."""
    if not _LETTER.search(words):
        return ""
    phonemes = _SWITCH.sub("", espeak_library.phonemes(words, ESPEAK_CODES[accent]))
    english = accent in _NOTATION
    notation = _NOTATION.get(accent, _OTHER_THAN_ENGLISH)
    if english:
        phonemes = _SYLLABIC.sub(r"ᵊ\1", phonemes)
    for old in sorted(notation, key=len, reverse=True):
        phonemes = phonemes.replace(old, notation[old])
    return phonemes.strip()


def _mark(mark: str) -> str:
    """A punctuation mark as the model knows it, with the space that belongs to it."""
    if not mark:
        return ""
    if mark[0] in "“(":
        return " " + mark[0]
    if mark[0] in "—-":
        return " — "
    ending = mark.replace("...", "…")
    return "".join(dict.fromkeys(ending)) + " "


def chunks(written: str, limit: int = LONGEST_PART) -> list[str]:
    """Symbols cut into parts of at most `limit`, about equal, at sentence ends where there are some."""
    if len(written) <= limit:
        return [written] if written else []
    n_parts = -(-len(written) // limit)
    goal = len(written) * (n_parts // 2) // n_parts
    for ends in (r"(?<=[.!?…])[”)]* ", r"(?<=[;:,—])[”)]* ", r" "):
        places = [m.end() for m in re.finditer(ends, written)]
        best = min(places, key=lambda p: abs(p - goal), default=0)
        if abs(best - goal) < len(written) // (2 * n_parts):
            break
    else:
        best = goal
    return chunks(written[:best].strip(), limit) + chunks(written[best:].strip(), limit)


def tokens(written: str) -> list[int]:
    """The model's numbers for symbols, without the padding at the ends."""
    return [vocabulary()[s] for s in written]

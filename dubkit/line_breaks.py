"""Where a text may be broken, what a break there costs the reader, and how much fits.

Limits per language are those of Netflix's timed text style guides
(https://partnerhelp.netflixstudios.com, general requirements and the guide of each language), which agree with the BBC's
subtitle guidelines on where to break: after punctuation, before conjunctions, never between an article and its noun,
lines of like length or the lower one longer.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dubkit.openings import CONJUNCTIONS
from dubkit.utterances import COMMAS, ends_sentence

# What a break costs the reader; a cue of its own costs 1 (see cue_cuts).
AFTER_SENTENCE, AFTER_CLAUSE, BEFORE_CONJUNCTION, BETWEEN_WORDS, INSIDE_GROUP, AFTER_LABEL = (
    0.0,
    0.3,
    0.5,
    0.9,
    1.3,
    3.0,
)
ORPHAN, EMPTY = 0.5, 2.0
# Words of up to three letters are mostly articles, prepositions, pronouns and numbers: they belong to what follows.
SHORT_WORD = 3

_APOSTROPHES = str.maketrans("", "", "'’")
_LEADING_VOWELS = re.compile("[\u0e40-\u0e44\u0ec0-\u0ec4]")
_KATAKANA = re.compile("[\u30a0-\u30ff\u31f0-\u31ff\uff66-\uff9f]")
_HIRAGANA = re.compile("[\u3040-\u309f]")
_IDEOGRAPHIC = re.compile(
    "[\u2e80-\u2fdf\u3000-\u30ff\u3100-\u312f\u31a0-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef"
    "\U0001b000-\U0001b16f\U00020000-\U0003ffff]"
)
# Small kana and signs that lengthen or repeat the one before them never begin a line (JIS X 4051).
_NEVER_FIRST = frozenset("ぁぃぅぇぉっゃゅょゎゕゖァィゥェォッャュョヮヵヶーゝゞヽヾ々〻・～")
# A break may follow these inside a run of letters: zero-width space, Tibetan tsheg, Khmer and Burmese full stops, dash.
_BREAK_AFTER = frozenset("\u200b\u0f0b\u17d4\u17d5\u104a\u104b—")


@dataclass(frozen=True)
class Norm:
    """What can be read with ease: characters per line and per second.

    With `half_widths` a full-width sign counts as one character and any other as half of one, as in the guides for
    Chinese, Japanese and Korean. Marks above or below a letter never count.
    """

    width: int = 42
    speed: float = 17.0
    half_widths: bool = False

    def length(self, text: str) -> float:
        """How long a text is, in characters."""
        if text.isascii():
            return len(text) * (0.5 if self.half_widths else 1.0)
        return sum(map(self._one, text))

    def _one(self, sign: str) -> float:
        if unicodedata.category(sign) in ("Mn", "Me", "Cf"):
            return 0.0
        narrow = self.half_widths and unicodedata.east_asian_width(sign) not in ("W", "F")
        return 0.5 if narrow else 1.0


_USUAL = Norm()
_NORMS = {
    "zh": Norm(16, 9.0, half_widths=True),
    "yue": Norm(16, 9.0, half_widths=True),
    # The limits for subtitles that keep every word (SDH); translations cut down to 13 signs at 4 a second are no dub's.
    "ja": Norm(16, 7.0, half_widths=True),
    "ko": Norm(16, 12.0, half_widths=True),
    "th": Norm(35, 17.0),
}


def norm(language: str) -> Norm:
    """The limits of a language, by its canonical code."""
    return _NORMS.get(language.split("-")[0], _USUAL)


def units(text: str) -> list[str]:
    """The parts of a text that are never broken, each with the space that follows it; joined they are the text.

    Words where there are spaces; signs of Chinese and Japanese, save what may not begin or end a line. Thai and Lao are
    cut at spaces and before the vowels that can only begin a syllable.
    """
    found: list[str] = []
    for chunk in re.findall(r"\S+ *", text):
        start = 0
        for at in range(1, len(chunk)):
            if _divides(chunk[at - 1], chunk[at]):
                found.append(chunk[start:at])
                start = at
        found.append(chunk[start:])
    return found


def _divides(before: str, after: str) -> bool:
    kind, last = unicodedata.category(after), unicodedata.category(before)
    if after == " " or kind in ("Mn", "Mc", "Me", "Cf", "Pe", "Pf", "Po", "Pd", "Nd") or last in ("Ps", "Pi", "Nd"):
        return False
    if before in _BREAK_AFTER:
        return True
    if _LEADING_VOWELS.match(after):
        return not _LEADING_VOWELS.match(before)
    if after in _NEVER_FIRST or (_KATAKANA.match(before) and _KATAKANA.match(after)):
        return False
    return bool(_IDEOGRAPHIC.match(before) or _IDEOGRAPHIC.match(after))


def costs(parts: Sequence[str], language: str) -> list[float]:
    """What a break after each of the units costs; the last one ends the text and costs nothing."""
    conjunctions = CONJUNCTIONS.get(language.split("-")[0], frozenset())
    return [_cost(part, after, conjunctions) for part, after in itertools.zip_longest(parts, parts[1:], fillvalue="")]


def _cost(before: str, after: str, conjunctions: frozenset[str]) -> float:
    word = before.strip()
    if not after or ends_sentence(word):
        return AFTER_SENTENCE
    if word.rstrip("\"'”’»)」』")[-1:] in COMMAS:
        return AFTER_CLAUSE
    if not before.endswith(" "):
        phrase_begins = _HIRAGANA.match(before[-1]) and not _HIRAGANA.match(after[0])
        return BETWEEN_WORDS if phrase_begins else INSIDE_GROUP
    if after.strip().lower() in conjunctions:
        return BEFORE_CONJUNCTION
    return INSIDE_GROUP if len(word) <= SHORT_WORD and word.translate(_APOSTROPHES).isalnum() else BETWEEN_WORDS


class Measured:
    """The units of a text with their lengths, for many questions about what fits."""

    def __init__(self, parts: Sequence[str], limits: Norm):
        self.width = limits.width
        self._space = limits.length(" ")
        self._trails = [part.endswith(" ") for part in parts]
        self._reached = list(itertools.accumulate((limits.length(part) for part in parts), initial=0.0))

    def length(self, start: int, end: int) -> float:
        """How long the units from `start` to before `end` are, in characters."""
        trail = self._space if end > start and self._trails[end - 1] else 0.0
        return self._reached[end] - self._reached[start] - trail

    def fits(self, start: int, end: int, *, rows: int = 2, width: float | None = None) -> bool:
        """Whether these units fit so many lines; a single unit may be longer than its line."""
        width = self.width if width is None else width
        for _ in range(rows):
            start = self._filled(start, end, width)
            if start >= end:
                return True
        return False

    def rows(self, first: float | None = None) -> int:
        """How many lines all units fill, the first of which may have a width of its own."""
        end, at, n = len(self._trails), 0, 0
        while at < end:
            at = self._filled(at, end, self.width if n or first is None else first)
            n += 1
        return n

    def _filled(self, start: int, end: int, width: float) -> int:
        """The end of the line that begins at `start`; it has one unit at least."""
        stop = start + 1
        while stop < end and self.length(start, stop + 1) <= width:
            stop += 1
        return stop


def lines(parts: Sequence[str], weights: Sequence[float], limits: Norm) -> list[str]:
    """A cue's text as one line where it fits, else as the two that read best: a good break, like lengths, no lone word.

    Parameters
    ----------
    parts : sequence of str
        Units (see :func:`units`) of a text that fits two lines; a longer single unit makes a longer line.
    weights : sequence of float
        The cost of a break after each.
    limits : Norm
        Of the language.
    """
    whole = "".join(parts).rstrip()
    if limits.length(whole) <= limits.width or len(parts) < 2:
        return [whole]

    # A speaker's name and one word make a lone word too.
    first = 2 if weights[0] == AFTER_LABEL else 1

    def burden(at: int) -> tuple[float, float]:
        upper, lower = ("".join(p).rstrip() for p in (parts[:at], parts[at:]))
        above, below = limits.length(upper), limits.length(lower)
        # A single unit has to stay whole: what it is longer than a line cannot be helped.
        beyond = max(0.0, above - limits.width) * (at > 1) + max(0.0, below - limits.width) * (at < len(parts) - 1)
        lone = ORPHAN if len(parts) > 3 and at in (first, len(parts) - 1) else 0.0
        top_heavy = 0.1 if above > below else 0.0
        return beyond, weights[at - 1] + ((above - below) / limits.width) ** 2 + lone + top_heavy

    at = min(range(1, len(parts)), key=burden)
    return ["".join(p).rstrip() for p in (parts[:at], parts[at:])]


def shared(
    parts: Sequence[str],
    weights: Sequence[float],
    shares: Sequence[float],
    limits: Norm,
    widths: Sequence[float] | None = None,
) -> list[int]:
    """Cut a text into as many stretches as there are shares, near the shares and at good breaks.

    Parameters
    ----------
    parts, weights : sequence
        Units and the costs of breaks after them.
    shares : sequence of float
        How much of the text each stretch should get; any scale.
    limits : Norm
        How lengths are counted.
    widths : sequence of float, optional
        The most characters for each stretch; a single unit may be longer than its stretch.

    Returns
    -------
    list of int
        For each stretch the number of units up to its end; the last is all of them. Where there are fewer units than
        stretches some stay empty.

    Raises
    ------
    ValueError
        If the widths do not hold the text.
    """
    text = Measured(parts, limits)
    whole, total = text.length(0, len(parts)) or 1.0, sum(shares) or 1.0
    ideal = [whole * done / total for done in itertools.accumulate(shares)]

    def starts(n: int, end: int) -> Iterator[int]:
        """Where stretch `n` may begin to end at `end`, the shortest first."""
        for start in range(end, -1, -1):
            if widths and end - start > 1 and text.length(start, end) > widths[n]:
                return
            yield start

    # best[b] is (burden, cuts) of putting the first b units into the stretches so far.
    best: dict[int, tuple[float, tuple[int, ...]]] = {0: (0.0, ())}
    for n in range(len(shares)):
        ends = [len(parts)] if n == len(shares) - 1 else range(len(parts) + 1)
        following: dict[int, tuple[float, tuple[int, ...]]] = {}
        for end in ends:
            # Ten characters off the mark weigh as much as a break between any two words.
            off = 0.09 * abs(text.length(0, end) - ideal[n]) + (weights[end - 1] if end else 0.0)
            ways = [(*best[start], start) for start in starts(n, end) if start in best]
            if ways:
                following[end] = min(
                    (burden + off + (EMPTY if start == end else 0.0), (*cuts, end)) for burden, cuts, start in ways
                )
        best = following
    if not best:
        raise ValueError(f"A text of {whole:g} characters does not fit stretches of {widths}.")
    return list(best[len(parts)][1])

"""Words into utterances: whole sentences of one speaker, the unit of translation and dubbing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from pydantic import Field
from pydantic.dataclasses import dataclass

from dubkit.artefacts import Utterance, Word
from dubkit.record import Seconds
from dubkit.spacing import spaced

# Besides the Latin and Chinese marks those of Arabic, Urdu, Hindi, Burmese, Khmer, Amharic and Armenian.
SENTENCE_END = re.compile(r"[.!?…。！？．｡؟۔।॥။។።፧։]+[\"'”’»)\]」』）】]*$")
# A full stop after these, or after a single letter, does not end a sentence.
ABBREVIATION = re.compile(
    r"^(?:mr|mrs|ms|dr|prof|st|sr|sra|jr|vs|etc|mt|gen|col|capt|lt|rev|hon|e\.g|i\.e|p\.ex|d|dña|exmo|ilmo|[a-z])\.$",
    re.IGNORECASE,
)
COMMAS = frozenset(",;:—，、；：،؛")

SHORTEST = 0.01


@dataclass(frozen=True)
class UtteranceSettings:
    """When words become one utterance, in seconds.

    Parameters
    ----------
    max_pause : float
        A longer silence ends an utterance even inside a sentence.
    max_length : float
        Longer sentences are cut at their longest pause, best at a comma.
    min_length : float
        A shorter sentence joins its neighbour where the gap is below `join_gap`.
    join_gap : float
        See `min_length`.
    """

    max_pause: Seconds = Field(default=2.0, gt=0)
    max_length: Seconds = Field(default=14.0, gt=1)
    min_length: Seconds = Field(default=0.8, ge=0)
    join_gap: Seconds = Field(default=0.5, ge=0)


def ends_sentence(word: str) -> bool:
    """Whether a word closes a sentence by its punctuation."""
    return bool(SENTENCE_END.search(word)) and not ABBREVIATION.match(word)


def utterances(words: Mapping[str, Sequence[Word]], settings: UtteranceSettings) -> tuple[Utterance, ...]:
    """Group the words of all speakers into utterances.

    Parameters
    ----------
    words : mapping
        Per speaker, the words in time order; times in seconds of the film.
    settings : UtteranceSettings
        See there.

    Returns
    -------
    tuple of Utterance
        By start time, named u0001, u0002, ...
    """
    found = [
        (speaker, part)
        for speaker, said in words.items()
        for sentence in _joined(_sentences(said, settings.max_pause), settings)
        for part in _cut(sentence, settings.max_length)
    ]
    found.sort(key=lambda item: (item[1][0].start, item[1][-1].end, item[0]))
    return tuple(_utterance(f"u{n:04}", speaker, part) for n, (speaker, part) in enumerate(found, 1))


def _utterance(name: str, speaker: str, words: Sequence[Word]) -> Utterance:
    return Utterance(
        id=name,
        speaker=speaker,
        start=words[0].start,
        end=max(w.end for w in words),
        text=spaced(w.text for w in words),
        words=tuple(words),
        confidence=round(sum(w.confidence for w in words) / len(words), 4),
    )


def _sentences(words: Sequence[Word], max_pause: Seconds) -> Iterator[list[Word]]:
    sentence: list[Word] = []
    for word in words:
        if sentence and (ends_sentence(sentence[-1].text) or word.start - sentence[-1].end > max_pause):
            yield sentence
            sentence = []
        sentence.append(word)
    if sentence:
        yield sentence


def _joined(sentences: Iterable[list[Word]], settings: UtteranceSettings) -> list[list[Word]]:
    """Very short sentences joined to the neighbour that follows or goes before."""
    joined: list[list[Word]] = []
    for sentence in sentences:
        short = joined and min(_length(joined[-1]), _length(sentence)) < settings.min_length
        near = joined and sentence[0].start - joined[-1][-1].end < settings.join_gap
        if short and near and _length([*joined[-1], *sentence]) <= settings.max_length:
            joined[-1] = [*joined[-1], *sentence]
        else:
            joined.append(sentence)
    return joined


def _length(words: Sequence[Word]) -> Seconds:
    return words[-1].end - words[0].start


def _cut(words: list[Word], max_length: Seconds) -> Iterator[list[Word]]:
    """Cut at the longest pause, where a comma counts for 0.3 s, until every part is short enough."""
    if _length(words) <= max_length or len(words) < 4:
        yield words
        return

    def merit(at: int) -> float:
        before, after = words[at - 1], words[at]
        comma = 0.3 if before.text[-1:] in COMMAS else 0.0
        # Away from the ends, so that no scrap of a word or two is left.
        middle = min(_length(words[:at]), _length(words[at:])) / _length(words)
        return (after.start - before.end + comma + 0.05) * min(1.0, 4 * middle)

    at = max(range(1, len(words)), key=merit)
    yield from _cut(words[:at], max_length)
    yield from _cut(words[at:], max_length)


def in_order(words: Sequence[Word]) -> list[Word]:
    """Words in time order with none starting before the one before it ended.

    Recognisers hit starts better than ends: a word that runs into the next one ends where that begins. None is dropped
    and none gets shorter than 10 ms; where several start at once the later ones are moved.
    """
    mended: list[Word] = []
    for word in sorted(words, key=lambda w: (w.start, w.end)):
        if mended and mended[-1].end > word.start:
            cut = round(max(mended[-1].start + SHORTEST, word.start), 3)
            mended[-1] = mended[-1].but(end=cut)
            word = word.but(start=max(cut, word.start))
        if word.end < word.start + SHORTEST:
            word = word.but(end=round(word.start + SHORTEST, 3))
        mended.append(word)
    return mended

"""Word times: how near a transcript's words lie to where they are really spoken.

Reference words and hypothesis words of one film, each in order of their starts, are aligned by their normalised texts alone
(:mod:`evaluation.texts.alignment`); only words that match count, so that recognition errors do not pass for errors of time.
Errors are distances of starts and of ends in seconds, given as medians, and as the share of matched words whose start is within
100 or 200 ms, bounds included (the widest tolerance of McAuliffe et al. 2017, and that of Bain et al. 2023 for recognisers).
What has no letter or figure, and in English a mere filler, is no word.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from dubkit.artefacts import Word
from dubkit.errors import BadInput
from dubkit.record import Seconds
from evaluation.measures import Measure, Sample, per_unit
from evaluation.texts.alignment import matches
from evaluation.texts.normalisation import normalised

START_ERROR = Measure("words.start_error", "s", "lower", "median", "distance of matched words' starts")
WITHIN_100 = Measure("words.within_100ms", "share", "higher", "ratio", "matched words that start within 100 ms")
WITHIN_200 = Measure("words.within_200ms", "share", "higher", "ratio", "matched words that start within 200 ms")
END_ERROR = Measure("words.end_error", "s", "lower", "median", "distance of matched words' ends")
MATCHED = Measure("words.matched", "share", "higher", "ratio", "reference words that were recognised")
MEASURES = (START_ERROR, WITHIN_100, WITHIN_200, END_ERROR, MATCHED)

# Far below what times are known to, far above what subtracting them costs.
_ROUNDING = 1e-6


@dataclass(frozen=True)
class TimedWord:
    """A reference word and the times at which it was found, None where it was not recognised.

    ``id`` is its utterance's and its number there, from 1: ``u001/3``.
    """

    id: str
    utterance: str
    text: str
    start: Seconds
    end: Seconds
    found_start: Seconds | None = None
    found_end: Seconds | None = None

    @property
    def start_error(self) -> float:
        """How late the word was found to start, in seconds; nan where it was not recognised."""
        return math.nan if self.found_start is None else self.found_start - self.start

    @property
    def end_error(self) -> float:
        """How late the word was found to end, in seconds; nan where it was not recognised."""
        return math.nan if self.found_end is None else self.found_end - self.end

    @property
    def matched(self) -> bool:
        """Whether it was recognised."""
        return self.found_start is not None


@dataclass(frozen=True)
class WordTimes:
    """Every reference word, utterance by utterance, and what holds for all together; nan where no word matched."""

    utterances: tuple[str, ...]
    words: tuple[TimedWord, ...]

    @property
    def start_error(self) -> float:
        """Median distance of starts, in seconds."""
        return _median(abs(word.start_error) for word in self._found)

    @property
    def end_error(self) -> float:
        """Median distance of ends, in seconds."""
        return _median(abs(word.end_error) for word in self._found)

    @property
    def matched(self) -> float:
        """Share of the reference's words that were recognised."""
        return len(self._found) / len(self.words)

    def within(self, seconds: Seconds) -> float:
        """Share of matched words whose start is no farther off."""
        return _near(self._found, seconds) / len(self._found) if self._found else math.nan

    def samples(self) -> list[Sample]:
        """Errors of each matched word; shares of each utterance."""
        ids = [word.id for word in self._found]
        parts: dict[Measure, list[tuple[float, float]]] = {WITHIN_100: [], WITHIN_200: [], MATCHED: []}
        for words in self._by_utterance():
            found = [word for word in words if word.matched]
            parts[WITHIN_100].append((_near(found, 0.1), len(found)))
            parts[WITHIN_200].append((_near(found, 0.2), len(found)))
            parts[MATCHED].append((len(found), len(words)))
        samples = per_unit(START_ERROR, ids, [(abs(word.start_error),) for word in self._found])
        samples += per_unit(END_ERROR, ids, [(abs(word.end_error),) for word in self._found])
        for measure, shares in parts.items():
            samples += per_unit(measure, self.utterances, shares)
        return samples

    @property
    def _found(self) -> list[TimedWord]:
        return [word for word in self.words if word.matched]

    def _by_utterance(self) -> list[list[TimedWord]]:
        grouped: dict[str, list[TimedWord]] = {utterance: [] for utterance in self.utterances}
        for word in self.words:
            grouped[word.utterance].append(word)
        return list(grouped.values())


def validate(references: Mapping[str, Sequence[Word]], hypotheses: Sequence[Word]) -> None:
    """Refuse words whose times cannot be.

    Raises
    ------
    BadInput
        If no reference utterance has words, a word ends before it starts or has a time that is no number, or the words
        of an utterance, or the hypothesis's, are not in order of their starts.
    """
    if not any(references.values()):
        raise BadInput(
            "the references hold no words: there is nothing to compare with. Give at least one with its times"
        )
    for name, words in [*((f"utterance {one}", of) for one, of in references.items()), ("the hypothesis", hypotheses)]:
        last = -math.inf
        for word in words:
            if not (math.isfinite(word.start) and math.isfinite(word.end)) or word.end < word.start:
                raise BadInput(
                    f"{name} has {word.text!r} from {word.start} to {word.end} s: give finite times, the start first"
                )
            if word.start < last:
                raise BadInput(
                    f"{name} has {word.text!r} at {word.start} s after a word at {last} s: sort words by their starts"
                )
            last = word.start


def score(references: Mapping[str, Sequence[Word]], hypotheses: Sequence[Word], language: str = "") -> WordTimes:
    """Errors of the times of one film's words.

    Parameters
    ----------
    references : mapping of str to sequence of Word
        What is really spoken: the words of each utterance by its id. Utterances may overlap.
    hypotheses : sequence of Word
        All words of the transcript.
    language : str
        BCP-47 code of both, for normalisation; empty where it is not known.

    Raises
    ------
    BadInput
        See :func:`validate`.
    """
    validate(references, hypotheses)
    known: dict[str, str] = {}

    def key(word: Word) -> str:
        if word.text not in known:
            known[word.text] = normalised(word.text, language).replace(" ", "")
        return known[word.text]

    said = [
        TimedWord(f"{utterance}/{n}", utterance, key(word), word.start, word.end)
        for utterance, words in references.items()
        for n, word in enumerate(words, 1)
        if key(word)
    ]
    read = [word for word in hypotheses if key(word)]
    if not said:
        raise BadInput("the references hold no words, only signs: there is nothing to compare with")
    in_time = sorted(range(len(said)), key=lambda n: said[n].start)
    matched = matches([said[n].text for n in in_time], [key(word) for word in read])
    found = {in_time[i]: read[j] for i, j in matched}
    return WordTimes(tuple(references), tuple(_timed(word, found.get(n)) for n, word in enumerate(said)))


def _timed(word: TimedWord, found: Word | None) -> TimedWord:
    if found is None:
        return word
    return TimedWord(word.id, word.utterance, word.text, word.start, word.end, found.start, found.end)


def _near(words: Sequence[TimedWord], seconds: Seconds) -> int:
    return sum(abs(word.start_error) <= seconds + _ROUNDING for word in words)


def _median(values: Iterable[float]) -> float:
    found = list(values)
    return statistics.median(found) if found else math.nan

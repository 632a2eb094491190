"""A line of a film and of its dub: when each is heard, and what is known about how it is spoken."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dubkit.certificate import LONG, SHORT
from evaluation.texts.alignment import pairs
from evaluation.times.spans import Span, tidied

if TYPE_CHECKING:
    from dubkit.artefacts import Placement

# Times are rounded to a tenth of a millisecond: differences of less than this mean nothing, in seconds.
ROUNDED = 1e-3


@dataclass(frozen=True)
class Line:
    """A line; times in seconds of the film, or of the dub if its picture was slowed down.

    Parameters
    ----------
    id : str
        The source line's.
    speaker : str
    slot : tuple of (start, end)
        The source's phrases, in order.
    sounds : tuple of (start, end)
        The dub's phrases, in order; empty for a line that is not in the dub.
    rate : float or None
        How much faster than naturally it is spoken; None where that is not known.
    words : int
        Number of words that were to be said.
    cut : int or None
        How many of them are cut off at the end, see :func:`words_cut`; None where nobody listened.
    flagged : bool or None
        Whether the dubber says that it does not fit; None if it says nothing.
    """

    id: str
    speaker: str
    slot: tuple[Span, ...]
    sounds: tuple[Span, ...]
    rate: float | None = None
    words: int = 0
    cut: int | None = None
    flagged: bool | None = None

    @classmethod
    def placed(cls, placement: Placement, slot: Sequence[Span] = (), words: int = 0, cut: int | None = None) -> Line:
        """A line by its timing certificate.

        Parameters
        ----------
        placement : Placement
        slot : sequence of (start, end)
            When the source really speaks, where that is known; else the certificate's own slots stand for it.
        words, cut
            As in the class.
        """
        phrases = placement.phrases
        own = [(p.slot_start, p.slot_end) for p in phrases] or [(placement.slot_start, placement.slot_end)]
        sounds = [(p.start, p.end) for p in phrases] or [(placement.start, placement.end)]
        return cls(
            id=placement.id,
            speaker=placement.speaker,
            slot=tuple(slot) or _with_length(own),
            sounds=_with_length(sounds),
            rate=placement.rate,
            words=words,
            cut=cut,
            flagged=bool(placement.flag),
        )

    @classmethod
    def heard(
        cls, id: str, speaker: str, slot: Sequence[Span], heard: Iterable[Span], words: int = 0, cut: int | None = None
    ) -> Line:
        """A line of anybody's dub, by the times of the words that are heard of it: none if it is not there.

        Words closer than a pause make a phrase (:func:`evaluation.times.spans.tidied`).
        """
        return cls(id, speaker, tuple(slot), tuple(tidied(sorted(heard))), words=words, cut=cut)

    @property
    def slot_length(self) -> float:
        """From the slot's start to its end."""
        return self.slot[-1][1] - self.slot[0][0]

    @property
    def length(self) -> float:
        """From the dub's start to its end; 0 where there is none."""
        return self.sounds[-1][1] - self.sounds[0][0] if self.sounds else 0.0

    @property
    def onset_error(self) -> float:
        """Seconds between the starts, absolute; nan where the line is not there."""
        return abs(self.sounds[0][0] - self.slot[0][0]) if self.sounds else math.nan

    @property
    def end_error(self) -> float:
        """Seconds between the ends, absolute; nan where the line is not there."""
        return abs(self.sounds[-1][1] - self.slot[-1][1]) if self.sounds else math.nan

    @property
    def overlap(self) -> float:
        """Shorter length over longer."""
        return min(self.length, self.slot_length) / max(self.length, self.slot_length)

    @property
    def adheres(self) -> bool:
        """Whether its length is within -10 % and +20 % of its slot's."""
        off, slack = self.length / self.slot_length - 1, ROUNDED / self.slot_length
        return SHORT - slack <= off <= LONG + slack


def words_cut(said: Sequence[str], heard: Sequence[str]) -> int:
    """How many words at the end of a line are not heard.

    The texts are aligned by edit distance. After the last word that is heard right, as many words are cut as fewer are
    heard than were to be said: words that are merely heard wrong are not cut. Words that are missing earlier in the line
    are errors of recognition, and do not count here.

    Parameters
    ----------
    said, heard : sequence of str
        Normalised words (:func:`evaluation.texts.normalisation.normalised`).

    Raises
    ------
    BadInput
        If something else than single words is given.
    """
    right = [(i, j) for i, j in pairs(said, heard) if i is not None and j is not None and said[i] == heard[j]]
    last_said, last_heard = right[-1] if right else (-1, -1)
    return max(0, (len(said) - last_said) - (len(heard) - last_heard))


def _with_length(phrases: Iterable[Span]) -> tuple[Span, ...]:
    """Without what has no length, which a line that says nothing may have."""
    return tuple((start, end) for start, end in phrases if end > start)

"""The neutral scorer: how a dub's sound lies on the exact times of its source, at 10 ms.

Two masks of frames are compared over the film: the source's exact phrases, and the dub's, found by the gate of
:mod:`evaluation.times.spans`, which is the same for everybody. Lines are found in the dub by what they sound like
(:mod:`benchmarks.timing.locate`). Nothing that a dubber says about itself is believed but which clip it speaks: the
wording, and the rate that it asked the synthesizer for (speech at another native rate differs from the natural clip in
more than its pace).

``iou``
    Intersection over union of the two masks.
``line_iou``
    The mean over lines of the same, each within its own located span and slot.
``in_slot``
    Share of lines whose length is within -10 % .. +20 % of their slot's.
``onset``
    Median, 90th percentile and maximum of the absolute distance between the starts of slot and line, in seconds.
``rate``
    95th percentile and maximum over lines of the speech of the natural clip over its speech in the dub, pauses not counted;
    lines with less than 0.5 s of speech are measured too coarsely for that, and left out.
``cut_words``
    Words of which more than half of the sound is missing.
``collisions``
    Pairs of lines of one speaker that sound together for more than 0.05 s.
``pauses_broken``
    Share of the source's inner pauses, of 0.15 s or more, during most of which the dub speaks, or that lie beyond the
    line's ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from benchmarks.timing.locate import Located
from dubkit.certificate import LONG, SHORT
from evaluation.times import spans
from evaluation.times.spans import Span, mask, overlap, phrases

LEAST_SPEECH = 0.5


@dataclass(frozen=True)
class Line:
    """A line of the source, the clip of what the dub says for it, and where that was found.

    Parameters
    ----------
    speaker : str
    slot : tuple of (start, end)
        The exact phrases of the source, in seconds.
    clip : tuple of (start, end)
        The phrases of the clip as it was spoken, in seconds of the clip.
    words : tuple of (text, start, end)
        Those of the clip.
    located : Located
    """

    speaker: str
    slot: tuple[Span, ...]
    clip: tuple[Span, ...]
    words: tuple[tuple[str, float, float], ...]
    located: Located

    @property
    def start(self) -> float:
        """When the slot begins."""
        return self.slot[0][0]

    @property
    def end(self) -> float:
        """When the slot ends."""
        return self.slot[-1][1]

    @property
    def found(self) -> bool:
        """Whether anything of it is in the dub."""
        return bool(self.located.phrases)

    @property
    def fill(self) -> float:
        """Length in the dub over that of the slot; 0 where it is not there."""
        return (self.located.end - self.located.start) / (self.end - self.start) if self.found else 0.0


@dataclass(frozen=True)
class Score:
    """See the module's text; ``found`` is the number of lines of which anything is in the dub."""

    lines: int
    found: int
    iou: float
    line_iou: float
    in_slot: float
    onset_median: float
    onset_p90: float
    onset_max: float
    rate_p95: float
    rate_max: float
    cut_words: int
    cut_seconds: float
    collisions: int
    pauses: int
    pauses_broken: int

    def row(self) -> dict[str, float]:
        """As plain numbers."""
        return asdict(self)


def score(lines: Sequence[Line], dub: np.ndarray, sample_rate: int, duration: float) -> Score:
    """All figures of a dub.

    Parameters
    ----------
    lines : sequence of Line
    dub : np.ndarray, shape (n_samples,)
        The voices alone.
    sample_rate : int
    duration : float
        Length of the film, in seconds.
    """
    longest = max(duration, len(dub) / sample_rate)
    sounding = mask(phrases(dub, sample_rate), longest)
    source = mask([span for line in lines for span in line.slot], longest)
    onsets = np.array([abs(line.located.start - line.start) for line in lines if line.found] or [np.nan])
    rates = np.array([line.located.rate for line in lines if line.found and _speech(line) >= LEAST_SPEECH] or [np.nan])
    kept = [_kept(line, gap, sounding) for line in lines for gap in spans.pauses(line.slot)]
    return Score(
        lines=len(lines),
        found=sum(line.found for line in lines),
        iou=overlap(source, sounding),
        line_iou=float(np.mean([_line_overlap(line, sounding, longest) for line in lines])),
        in_slot=float(np.mean([1 + SHORT <= line.fill <= 1 + LONG for line in lines])),
        onset_median=float(np.median(onsets)),
        onset_p90=float(np.percentile(onsets, 90)),
        onset_max=float(onsets.max()),
        rate_p95=float(np.percentile(rates, 95)),
        rate_max=float(rates.max()),
        cut_words=sum(len(cut_words(line)) for line in lines),
        cut_seconds=float(sum(b - a for line in lines for a, b in line.located.missing)),
        collisions=len(collisions(lines)),
        pauses=len(kept),
        pauses_broken=sum(not one for one in kept),
    )


def cut_words(line: Line) -> list[str]:
    """The words of a line of which more than half is missing."""
    return [
        text
        for text, start, end in line.words
        if sum(max(0.0, min(end, b) - max(start, a)) for a, b in line.located.missing) > (end - start) / 2
    ]


def collisions(lines: Sequence[Line]) -> list[tuple[int, int]]:
    """The pairs of lines of one speaker that sound together, by their numbers."""
    sounding = [[(line.located.start, line.located.end)] if line.found else [] for line in lines]
    return spans.collisions(sounding, [line.speaker for line in lines])


def _kept(line: Line, gap: Span, sounding: np.ndarray) -> bool:
    """Whether a line speaks on both sides of a pause and is silent for half of it or more."""
    return line.found and spans.kept(gap, (line.located.start, line.located.end), sounding)


def _line_overlap(line: Line, sounding: np.ndarray, duration: float) -> float:
    if not line.found:
        return 0.0
    own = mask([(line.located.start, line.located.end)], duration) & sounding
    return overlap(mask(line.slot, duration), own)


def _speech(line: Line) -> float:
    return sum(b - a for a, b in line.clip)

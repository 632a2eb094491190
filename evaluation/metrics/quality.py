"""Quality: how good each line sounds, as DNSMOS foretells a listener's opinion (ITU-T P.835).

``signal`` is for the voice, ``background`` for how little the rest disturbs, ``overall`` for both; mean opinion scores from
1 (bad) to 5 (excellent), averaged over lines. Music under a line counts as disturbance: a dub is best compared with
another of the same film, or with the film itself. :mod:`evaluation.judging.quality_model` gives the scores.

Reference: Reddy, Gopal and Cutler (2022), DNSMOS P.835.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from dubkit.errors import BadInput, listed
from evaluation.measures import Measure, Sample, per_unit

LOWEST, HIGHEST = 1.0, 5.0
# The polynomials of DNSMOS pass the ends of the scale by a little.
SLACK = 0.25

OVERALL = Measure("quality.overall", "MOS", "higher", "ratio", "DNSMOS of voice and background together")
SIGNAL = Measure("quality.signal", "MOS", "higher", "ratio", "DNSMOS of the voice")
BACKGROUND = Measure("quality.background", "MOS", "higher", "ratio", "DNSMOS of how little the background disturbs")
MEASURES: tuple[Measure, ...] = (OVERALL, SIGNAL, BACKGROUND)


@dataclass(frozen=True)
class Rating:
    """Mean opinion scores from 1 to 5: of the voice, of how little the background disturbs, and of all together."""

    signal: float
    background: float
    overall: float


@dataclass(frozen=True)
class Quality:
    """The ratings of lines."""

    ids: tuple[str, ...]
    ratings: tuple[Rating, ...]

    @property
    def overall(self) -> float:
        """Mean over lines."""
        return fmean(r.overall for r in self.ratings)

    @property
    def signal(self) -> float:
        """Mean over lines."""
        return fmean(r.signal for r in self.ratings)

    @property
    def background(self) -> float:
        """Mean over lines."""
        return fmean(r.background for r in self.ratings)

    def samples(self) -> list[Sample]:
        """Three for each line."""
        scores = {
            OVERALL: [r.overall for r in self.ratings],
            SIGNAL: [r.signal for r in self.ratings],
            BACKGROUND: [r.background for r in self.ratings],
        }
        return [s for measure, of in scores.items() for s in per_unit(measure, self.ids, [(x, 1) for x in of])]


def validate(ids: Sequence[str], ratings: Sequence[Rating]) -> None:
    """Refuse what cannot be scored.

    Raises
    ------
    BadInput
        If there are no lines, not as many ratings as lines, two lines of one id, or a score outside of the scale.
    """
    if not ids:
        raise BadInput("There are no lines to rate: quality is scored on dubs in which somebody speaks.")
    if len(ids) != len(ratings):
        raise BadInput(f"There are {len(ids)} lines but {len(ratings)} ratings: give one rating for each line.")
    if len(set(ids)) != len(ids):
        twice = sorted({i for i in ids if list(ids).count(i) > 1})
        raise BadInput(f"Each line needs an id of its own, but these are there more than once: {listed(twice)}.")
    for name, rating in zip(ids, ratings, strict=True):
        for score in (rating.signal, rating.background, rating.overall):
            if not LOWEST - SLACK <= score <= HIGHEST + SLACK:
                raise BadInput(f"Line {name!r} has a score of {score}: opinion scores lie between 1 and 5.")


def score(ids: Sequence[str], ratings: Sequence[Rating]) -> Quality:
    """Take the mean of what lines are rated.

    Parameters
    ----------
    ids : sequence of str
        The lines.
    ratings : sequence of Rating
        One for each, from :func:`evaluation.judging.quality_model.rated`.

    Raises
    ------
    BadInput
        See :func:`validate`.
    """
    validate(ids, ratings)
    return Quality(tuple(ids), tuple(ratings))

"""Gender: whether a voice is taken for the right one, where it is taken for one at all.

A verdict is female, male or unknown, by the rule that dubkit's own stage follows (:mod:`dubkit.stages.detect_gender`): below
a probability of 0.7 either way it stays open, which is an *abstention* and no error. ``accuracy`` is the share of right verdicts
among those that were given, ``abstained`` the share that stayed open; the two together tell (as risk and coverage do; Geifman
and El-Yaniv 2017) what a system does when it is unsure. What is judged is how a voice is heard, not who a person is.

The same figures are taken twice: ``accuracy`` and ``abstained`` of what the stage says of the film's speakers, ``dub_accuracy``
and ``dub_abstained`` of how the dub's lines sound, against the speakers whom they stand for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from dubkit.artefacts import Gender
from dubkit.errors import BadInput, listed
from dubkit.stages.detect_gender import DetectGenderSettings, gender
from evaluation.measures import Measure, Sample, per_unit

ACCURACY = Measure("gender.accuracy", "share", "higher", "ratio", "right verdicts on speakers, of those given")
ABSTAINED = Measure("gender.abstained", "share", "lower", "ratio", "speakers without a verdict")
DUB_ACCURACY = Measure(
    "gender.dub_accuracy", "share", "higher", "ratio", "lines of the dub that sound right, of those sure"
)
DUB_ABSTAINED = Measure("gender.dub_abstained", "share", "lower", "ratio", "lines of the dub that might be either")
MEASURES: tuple[Measure, ...] = (ACCURACY, ABSTAINED, DUB_ACCURACY, DUB_ABSTAINED)


@dataclass(frozen=True)
class Verdicts:
    """What voices were taken for.

    Parameters
    ----------
    ids : tuple of str
        Speakers, or lines of the dub.
    expected, heard : tuple of Gender
        What each is, and what it was taken for.
    dub : bool
        Whether these are lines of the dub.
    """

    ids: tuple[str, ...]
    expected: tuple[Gender, ...]
    heard: tuple[Gender, ...]
    dub: bool = False

    @property
    def given(self) -> tuple[bool, ...]:
        """Right or wrong, of those that have a verdict."""
        return tuple(e == h for e, h in zip(self.expected, self.heard, strict=True) if h != "unknown")

    @property
    def accuracy(self) -> float:
        """Share of right verdicts among those given; nan where all stayed open."""
        return sum(self.given) / len(self.given) if self.given else math.nan

    @property
    def coverage(self) -> float:
        """Share of voices with a verdict."""
        return len(self.given) / len(self.ids)

    @property
    def abstained(self) -> float:
        """Share of voices without a verdict."""
        return 1 - self.coverage

    def samples(self) -> list[Sample]:
        """Two for each voice. One without a verdict adds nothing to the accuracy."""
        accuracy, abstained = (DUB_ACCURACY, DUB_ABSTAINED) if self.dub else (ACCURACY, ABSTAINED)
        pairs = list(zip(self.expected, self.heard, strict=True))
        return [
            *per_unit(accuracy, self.ids, [(e == h, h != "unknown") for e, h in pairs]),
            *per_unit(abstained, self.ids, [(h == "unknown", 1) for _, h in pairs]),
        ]


def verdict(female_probability: float, certainty: float | None = None) -> Gender:
    """What a voice is taken for.

    Parameters
    ----------
    female_probability : float
        That it is a woman's, from 0 to 1.
    certainty : float, optional
        The probability from which there is a verdict; by default the stage's own.

    Raises
    ------
    BadInput
        If the first is no probability, or the second is not above 0.5 and up to 1.
    """
    if not 0 <= female_probability <= 1:
        raise BadInput(f"{female_probability} is no probability: give a number from 0 to 1.")
    if certainty is not None and not 0.5 < certainty <= 1:
        raise BadInput(f"A certainty of {certainty} decides nothing: give a probability above 0.5 and up to 1.")
    return gender(female_probability, DetectGenderSettings().certainty if certainty is None else certainty)


def validate(expected: Sequence[Gender], heard: Sequence[Gender], ids: Sequence[str]) -> None:
    """Refuse what cannot be scored.

    Raises
    ------
    BadInput
        If there are no voices, not as many of one as of the others, ids that occur twice, other words than the three, or an
        expected gender that is not known.
    """
    if not ids:
        raise BadInput("There are no voices: give those whose gender is known.")
    if not len(expected) == len(heard) == len(ids):
        raise BadInput(
            f"There are {len(expected)} expected genders, {len(heard)} heard and {len(ids)} ids: give one for each voice."
        )
    if len(set(ids)) != len(ids):
        raise BadInput("Two voices have the same id: give each one of its own.")
    known = get_args(Gender)
    for name, one, other in zip(ids, expected, heard, strict=True):
        if one not in known or other not in known:
            raise BadInput(f"Voice {name!r} has the genders {one!r} and {other!r}: these are known: {listed(known)}.")
        if one == "unknown":
            raise BadInput(f"It is not known what voice {name!r} is expected to be: leave it out.")


def score(expected: Sequence[Gender], heard: Sequence[Gender], ids: Sequence[str], *, dub: bool = False) -> Verdicts:
    """Hold verdicts against what is known.

    Parameters
    ----------
    expected : sequence of {"female", "male"}
        What each voice is.
    heard : sequence of {"female", "male", "unknown"}
        What it was taken for; see :func:`verdict`.
    ids : sequence of str
        The speakers, or the lines of the dub.
    dub : bool
        Whether these are lines of the dub: their measures are others.

    Raises
    ------
    BadInput
        See :func:`validate`.
    """
    validate(expected, heard, ids)
    return Verdicts(tuple(ids), tuple(expected), tuple(heard), dub)

"""Diarization: for how much of the speech the wrong person, or nobody, is said to speak.

Diarization error rate (DER; NIST Rich Transcription, as md-eval computes it) = (missed + false alarm + confusion) / speech
of the reference, all in speaker seconds: where two people speak at once, each second counts twice.

- *missed* is speech of the reference that has nobody in the hypothesis, *false alarm* the reverse, *confusion* speech given
  to someone else.
- Hypothesis speakers are mapped to those of the reference one to one, so that they share as much time as possible, once
  over the whole film.
- Overlapping speech is scored.
- ``collar`` is what md-eval's ``-c`` is: so many seconds on *either* side of every start and end of a reference turn are
  not scored (pyannote.metrics' own ``collar`` is the sum of both sides). It is 0 unless asked for; challenges used 0.25.
- Touching and overlapping turns of one speaker are one turn.

Jaccard error rate (JER; Ryant et al. 2019, the second DIHARD challenge): for each reference speaker, 1 - intersection /
union of their speech and that of the speaker mapped to them, 1 where nobody is; its mean gives everyone the same weight,
however little they say.

Both stand on pyannote.metrics (Bredin 2017). Units are windows of 10 s for DER and its parts, which add up to the whole
film's, the reference's speakers for JER, and the film for its number of speakers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dubkit.errors import BadInput
from evaluation.measures import Measure, Sample, per_unit
from evaluation.times.spans import windows

if TYPE_CHECKING:
    from pyannote.core import Annotation

Turn = tuple[float, float, str]
"""Start and end in seconds of the film, and who speaks."""

SLACK = 0.1
"""Turns may pass the film's end by the length of a diarizer's frame or two, in seconds; what does is not scored."""

DER = Measure("diarization.der", "ratio", "lower", "ratio", "missed, invented and confused speech over all speech")
MISSED = Measure("diarization.missed", "ratio", "lower", "ratio", "speech that has no speaker, over all speech")
FALSE_ALARM = Measure(
    "diarization.false_alarm", "ratio", "lower", "ratio", "speech where there is none, over all speech"
)
CONFUSION = Measure("diarization.confusion", "ratio", "lower", "ratio", "speech given to someone else, over all speech")
JER = Measure("diarization.jer", "share", "lower", "ratio", "Jaccard error rate: mean over speakers")
SPEAKERS = Measure("diarization.speakers", "share", "higher", "ratio", "films with the right number of speakers")
COUNT_ERROR = Measure("diarization.count_error", "count", "lower", "ratio", "speakers too many or too few, per film")
MEASURES: tuple[Measure, ...] = (DER, MISSED, FALSE_ALARM, CONFUSION, JER, SPEAKERS, COUNT_ERROR)


@dataclass(frozen=True)
class Errors:
    """What is wrong in a window; ``total`` is the reference's speech there, all in speaker seconds."""

    window: str
    missed: float
    false_alarm: float
    confusion: float
    total: float


@dataclass(frozen=True)
class Diarization:
    """A film's diarization against the truth.

    Parameters
    ----------
    errors : tuple of Errors
        By window.
    jaccard : dict
        Jaccard error of each reference speaker who is scored.
    mapping : dict
        The reference speaker whom each mapped hypothesis speaker is taken for.
    n_reference, n_hypothesis : int
        Number of speakers.
    collar : float
        Seconds left out on either side of the reference's starts and ends.
    """

    errors: tuple[Errors, ...]
    jaccard: dict[str, float]
    mapping: dict[str, str]
    n_reference: int
    n_hypothesis: int
    collar: float

    @property
    def total(self) -> float:
        """Speech of the reference that is scored, in speaker seconds."""
        return sum(e.total for e in self.errors)

    @property
    def missed(self) -> float:
        """Missed speech over all speech."""
        return self._over_total(sum(e.missed for e in self.errors))

    @property
    def false_alarm(self) -> float:
        """Invented speech over all speech."""
        return self._over_total(sum(e.false_alarm for e in self.errors))

    @property
    def confusion(self) -> float:
        """Speech of the wrong speaker over all speech."""
        return self._over_total(sum(e.confusion for e in self.errors))

    @property
    def der(self) -> float:
        """Diarization error rate."""
        return self.missed + self.false_alarm + self.confusion

    @property
    def jer(self) -> float:
        """Jaccard error rate; nan where the collar leaves no speaker."""
        return sum(self.jaccard.values()) / len(self.jaccard) if self.jaccard else math.nan

    @property
    def count_error(self) -> int:
        """How many speakers there are too many or too few."""
        return abs(self.n_hypothesis - self.n_reference)

    def samples(self) -> list[Sample]:
        """Seconds by window, Jaccard errors by speaker, speaker counts by film."""
        by_window = {
            DER: [e.missed + e.false_alarm + e.confusion for e in self.errors],
            MISSED: [e.missed for e in self.errors],
            FALSE_ALARM: [e.false_alarm for e in self.errors],
            CONFUSION: [e.confusion for e in self.errors],
        }
        units, totals = [e.window for e in self.errors], [e.total for e in self.errors]
        found = [s for m, wrong in by_window.items() for s in per_unit(m, units, zip(wrong, totals, strict=True))]
        found += per_unit(JER, self.jaccard, [(error, 1) for error in self.jaccard.values()])
        found += per_unit(SPEAKERS, ["film"], [(self.count_error == 0, 1)])
        return found + per_unit(COUNT_ERROR, ["film"], [(self.count_error, 1)])

    def _over_total(self, seconds: float) -> float:
        return seconds / self.total if self.total else math.nan


def validate(reference: Sequence[Turn], hypothesis: Sequence[Turn], duration: float, collar: float = 0.0) -> None:
    """Refuse what cannot be scored.

    Raises
    ------
    BadInput
        If the reference is empty, a turn is not within the film or ends before it starts, or the collar is negative.
    """
    if not (math.isfinite(duration) and duration > 0):
        raise BadInput(f"The film lasts {duration} s: give its length in seconds, more than 0.")
    if not (math.isfinite(collar) and collar >= 0):
        raise BadInput(f"The collar is {collar} s: give seconds on either side of a boundary, 0 or more.")
    if not reference:
        raise BadInput("The reference has no turns: diarization is scored on films in which somebody speaks.")
    for name, turns in (("reference", reference), ("hypothesis", hypothesis)):
        for n, (start, end, speaker) in enumerate(turns):
            where = f"Turn {n} of the {name} ({speaker!r}, {start} to {end} s)"
            if not (math.isfinite(start) and math.isfinite(end)):
                raise BadInput(f"{where} has no times: every turn needs its start and end in seconds.")
            if end <= start:
                raise BadInput(f"{where} ends before it starts: turns are (start, end, speaker).")
            if start < 0 or end > duration + SLACK:
                raise BadInput(f"{where} lies outside of the film, which lasts {duration} s: are the two of one film?")


def score(reference: Sequence[Turn], hypothesis: Sequence[Turn], duration: float, collar: float = 0.0) -> Diarization:
    """Hold who is said to speak when against who does.

    Parameters
    ----------
    reference, hypothesis : sequence of (start, end, speaker)
        Turns in any order; those of different speakers may overlap. Speakers' names need not agree.
    duration : float
        Length of the film, in seconds: all of it is scored.
    collar : float
        Seconds that are not scored on either side of each start and end of a reference turn.

    Raises
    ------
    BadInput
        See :func:`validate`.
    """
    validate(reference, hypothesis, duration, collar)
    from pyannote.core import Segment, Timeline
    from pyannote.metrics.diarization import DiarizationErrorRate
    from pyannote.metrics.identification import IdentificationErrorRate

    truth, found = _annotation(reference), _annotation(hypothesis)
    n_reference, n_hypothesis = len(truth.labels()), len(found.labels())
    names = dict(enumerate(found.labels()))
    # Numbers, so that nobody of the hypothesis bears the name of someone in the reference.
    found = found.rename_labels({name: number for number, name in names.items()})
    metric = DiarizationErrorRate()
    film = Timeline([Segment(0, duration)])
    uemified: Any = metric.uemify(truth, found, uem=film, collar=2 * collar, returns_uem=True)
    truth, found, scored = uemified
    mapping = metric.optimal_mapping(truth, found)
    mapped = found.rename_labels(mapping)
    rate, errors = IdentificationErrorRate(), []
    for window in windows(duration):
        here = scored.crop(Segment(window.start, window.end))
        parts = rate.compute_components(truth, mapped, uem=here)
        wrong = (float(parts[kind]) for kind in ("missed detection", "false alarm", "confusion", "total"))
        errors.append(Errors(window.name, *wrong))
    return Diarization(
        errors=tuple(errors),
        jaccard=_jaccard(truth, found, metric.optimal_mapping(found, truth)),
        mapping={names[number]: str(speaker) for number, speaker in mapping.items()},
        n_reference=n_reference,
        n_hypothesis=n_hypothesis,
        collar=collar,
    )


def _annotation(turns: Sequence[Turn]) -> Annotation:
    from pyannote.core import Annotation, Segment

    made = Annotation()
    for n, (start, end, speaker) in enumerate(turns):
        made[Segment(start, end), n] = speaker
    return made.support()


def _jaccard(truth: Annotation, found: Annotation, mapping: dict[str, int]) -> dict[str, float]:
    """Each reference speaker's error, with the speaker of the hypothesis that is mapped to them."""
    errors = {}
    for speaker in truth.labels():
        one = truth.label_timeline(speaker)
        other = found.label_timeline(mapping[speaker]) if speaker in mapping else None
        if other is None:
            errors[str(speaker)] = 1.0
            continue
        union = one.union(other).support().duration()
        # What both have is in their sum twice, in their union once; rounding must not make an error of less than nothing.
        errors[str(speaker)] = max(0.0, 2 - (one.duration() + other.duration()) / union)
    return errors

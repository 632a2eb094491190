"""Cost: how long the stages work on a film, and how much memory they take.

The real-time factor (RTF) is seconds of work per second of film, on the machine that did it: 0.5 is twice as fast as playing
the film. ``model_rtf`` counts the seconds inside models alone, the rest is dubkit's own. Films add up: the value of a suite
is all its seconds of work over all its seconds of film. Peak memory is the highest resident memory of the process up to
the end of a stage (:func:`dubkit.provenance.peak_megabytes`), in 10^6 bytes, so a later stage's is never the smaller one
within a process; memory of a GPU is not in it.

Numbers come from the records in the store, which are written when a result is made: a result that is used again keeps
the seconds and the memory of that first time, whatever machine that was on. A stage whose result was supplied has no record
and no cost.

Units are the film for times and the stage for memory.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dubkit.errors import BadInput
from dubkit.run import PIPELINE
from evaluation.measures import Measure, Sample, per_unit

STAGES = tuple(stage.name for stage in PIPELINE)
RTF = Measure("cost.rtf", "ratio", "lower", "ratio", "seconds of work per second of film")
MODEL_RTF = Measure("cost.model_rtf", "ratio", "lower", "ratio", "seconds inside models per second of film")
STAGE_RTF = {
    name: Measure(f"cost.{name}_rtf", "ratio", "lower", "ratio", f"seconds of {name} per second of film")
    for name in STAGES
}
PEAK = Measure("cost.peak_mb", "MB", "lower", "max", "highest resident memory of the process, in 10^6 bytes")
MEASURES: tuple[Measure, ...] = (RTF, MODEL_RTF, *STAGE_RTF.values(), PEAK)
FILM = "film"
_FIELDS = ("seconds", "model_seconds", "peak_megabytes")


@dataclass(frozen=True)
class StageCost:
    """What a stage took: seconds, those of them inside models, and the process's peak in megabytes at its end."""

    stage: str
    seconds: float
    model_seconds: float
    peak_megabytes: float


@dataclass(frozen=True)
class Cost:
    """What a film took, stage by stage in the pipeline's order; ``duration`` is the film's, in seconds."""

    stages: tuple[StageCost, ...]
    duration: float

    @property
    def rtf(self) -> float:
        """Seconds of work per second of film."""
        return sum(s.seconds for s in self.stages) / self.duration

    @property
    def model_rtf(self) -> float:
        """Seconds inside models per second of film."""
        return sum(s.model_seconds for s in self.stages) / self.duration

    @property
    def peak_megabytes(self) -> float:
        """Highest of all stages."""
        return max(s.peak_megabytes for s in self.stages)

    def samples(self) -> list[Sample]:
        """Seconds of the film, as a whole and for each stage, and memory by stage."""
        whole = (sum(s.seconds for s in self.stages), self.duration)
        inside = (sum(s.model_seconds for s in self.stages), self.duration)
        by_stage = [
            sample for s in self.stages for sample in per_unit(STAGE_RTF[s.stage], [FILM], [(s.seconds, self.duration)])
        ]
        peaks = per_unit(PEAK, [s.stage for s in self.stages], [(s.peak_megabytes,) for s in self.stages])
        return [*per_unit(RTF, [FILM], [whole]), *per_unit(MODEL_RTF, [FILM], [inside]), *by_stage, *peaks]


def validate(records: Mapping[str, Mapping[str, Any]], duration: float) -> None:
    """Refuse what is no cost.

    Raises
    ------
    BadInput
        If there are no records, one is of no stage or lacks a number, or the film has no length.
    """
    if not (math.isfinite(duration) and duration > 0):
        raise BadInput(f"The film lasts {duration} s: give its length in seconds, more than 0.")
    if not records:
        raise BadInput("There are no records: give those that the store keeps beside each stage's result.")
    for stage, record in records.items():
        if stage not in STAGES:
            raise BadInput(f"There is no stage {stage!r}. Stages: {', '.join(STAGES)}.")
        for name in _FIELDS:
            value = record.get(name)
            if not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
                raise BadInput(
                    f"The record of {stage} has {value!r} for {name}: a number of 0 or more is needed. Leave out stages whose "
                    "result was supplied; they cost nothing."
                )


def score(records: Mapping[str, Mapping[str, Any]], duration: float) -> Cost:
    """What the stages of a film took.

    Parameters
    ----------
    records : mapping of stage to record
        Each with ``seconds``, ``model_seconds`` and ``peak_megabytes``; further fields are passed over.
    duration : float
        Length of the film, in seconds.

    Raises
    ------
    BadInput
        See :func:`validate`.
    """
    validate(records, duration)
    return Cost(
        tuple(StageCost(name, *(float(records[name][f]) for f in _FIELDS)) for name in STAGES if name in records),
        float(duration),
    )

"""Intelligibility: a recogniser reads the finished dub, and what it read is held against what was to be said.

The recogniser is the run's own; it hears the film's sound as a viewer does, background included, line by line over the
times at which each line lies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dubkit.artefacts import Placement
from dubkit.backends import registry
from dubkit.record import Seconds
from dubkit.run import Run
from dubkit.spacing import spaced
from evaluation.metrics import asr

MARGIN = 0.25


@dataclass(frozen=True)
class RoundTrip:
    """The score, and what was read of each line (by line id)."""

    recognition: asr.Recognition
    read: dict[str, str]


def score(run: Run) -> RoundTrip:
    """Read back a finished run's soundtrack.

    Raises
    ------
    BadInput
        If the run has no lines, or none with words.
    """
    from dubkit.audio import resample
    from dubkit.media import SAMPLE_RATE
    from dubkit.stages.separate import ANALYSIS_RATE

    backend = registry.get("transcriber", run.settings.backends.transcriber, run.settings.compute)
    lines = run.soundtrack.placements
    waveforms = []
    for start, end in _windows(lines):
        sound = run.soundtrack.audio.load(start, end)
        waveforms.append(resample(sound.mean(axis=1), SAMPLE_RATE, ANALYSIS_RATE))
    heard = backend.transcribe(waveforms, run.translation.target)
    read = {x.id: spaced(w.text for w in h.words) for x, h in zip(lines, heard, strict=True)}
    said = [x.text for x in lines]
    return RoundTrip(asr.score(said, list(read.values()), run.translation.target, list(read)), read)


def _windows(lines: Sequence[Placement]) -> list[tuple[Seconds, Seconds]]:
    """Each line with some of the sound around it, but nothing of its neighbours."""
    found = []
    for line in lines:
        before = max((p.end for p in lines if p.end <= line.start), default=0.0)
        after = min((p.start for p in lines if p.start >= line.end), default=line.end + 2 * MARGIN)
        found.append(
            (line.start - min(MARGIN, (line.start - before) / 2), line.end + min(MARGIN, (after - line.end) / 2))
        )
    return found

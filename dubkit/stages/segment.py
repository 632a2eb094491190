"""Stage 4: the stretches of speech to transcribe: one speaker each, cut at pauses, at most half a minute."""

from __future__ import annotations

from pydantic import Field
from pydantic.dataclasses import dataclass

from dubkit.artefacts import Segment, Segments, Tracks, Turn, Turns
from dubkit.progress import Report
from dubkit.record import Seconds
from dubkit.stage import stage

FRAME = 0.05


@dataclass(frozen=True)
class SegmentSettings:
    """How turns become segments, in seconds.

    Parameters
    ----------
    max_length : float
        Longest segment, before padding; recognisers take up to 30 s.
    join_gap : float
        Turns of one speaker closer than this, with nobody else between, are one segment.
    min_length : float
        Shorter bits are dropped: they are breaths and clicks.
    padding : float
        Room kept around speech, so that no soft sound is cut off.
    """

    max_length: Seconds = Field(default=28.0, gt=1, le=29)
    join_gap: Seconds = Field(default=1.0, ge=0)
    min_length: Seconds = Field(default=0.25, ge=0)
    padding: Seconds = Field(default=0.2, ge=0, le=0.5)


@stage(version=1)
def segment(tracks: Tracks, turns: Turns, *, settings: SegmentSettings, report: Report) -> Segments:
    """Join and cut the turns; segments of one speaker never overlap."""
    spans: list[tuple[Seconds, Seconds, str]] = []
    for span in _joined(turns, settings):
        if span[1] - span[0] >= settings.min_length:
            spans += _cut(tracks, span, settings)
    padded = _padded(sorted(spans), settings.padding, tracks.speech.duration)
    report(len(padded), len(padded), "segments")
    return Segments(
        segments=tuple(
            Segment(id=f"g{n:04}", speaker=s, start=round(a, 3), end=round(b, 3))
            for n, (a, b, s) in enumerate(padded, 1)
        )
    )


def _joined(turns: Turns, settings: SegmentSettings) -> list[tuple[Seconds, Seconds, str]]:
    spans: list[tuple[Seconds, Seconds, str]] = []
    last: dict[str, int] = {}
    for turn in turns.turns:
        at = last.get(turn.speaker)
        if at is not None and _joins(spans[at], turn, turns, settings):
            spans[at] = (spans[at][0], max(spans[at][1], turn.end), turn.speaker)
        else:
            last[turn.speaker] = len(spans)
            spans.append((turn.start, turn.end, turn.speaker))
    return spans


def _joins(span: tuple[Seconds, Seconds, str], turn: Turn, turns: Turns, settings: SegmentSettings) -> bool:
    """Whether a turn goes on where the same speaker's span ended: a short gap in which nobody else speaks, or none."""
    if turn.start <= span[1]:
        return True
    if turn.start - span[1] > settings.join_gap:
        return False
    return not any(t.speaker != turn.speaker and t.start < turn.start and t.end > span[1] for t in turns.turns)


def _cut(
    tracks: Tracks, span: tuple[Seconds, Seconds, str], settings: SegmentSettings
) -> list[tuple[Seconds, Seconds, str]]:
    """A span cut at its quietest moments until every part is short enough."""
    import numpy as np

    start, end, speaker = span
    parts = []
    while end - start > settings.max_length:
        low, high = start + settings.max_length / 2, start + settings.max_length
        samples = tracks.speech.load(low, high)
        n = int(FRAME * tracks.speech.sample_rate)
        power = np.mean(samples[: len(samples) // n * n].reshape(-1, n) ** 2, axis=1)
        # Three frames together: the middle of a pause, not the closure of a plosive.
        smooth = np.convolve(power, np.ones(3), mode="valid")
        middle = low + (int(np.argmin(smooth)) + 1.5) * FRAME
        parts.append((start, middle, speaker))
        start = middle
    return [*parts, (start, end, speaker)]


def _padded(
    spans: list[tuple[Seconds, Seconds, str]], padding: Seconds, duration: Seconds
) -> list[tuple[Seconds, Seconds, str]]:
    """Spans widened by the padding, or to the middle of the gap to a neighbour where that is nearer."""
    padded = []
    for n, (start, end, speaker) in enumerate(spans):
        before = [b for a, b, _ in spans[:n] if b <= start]
        after = next((a for a, _, _ in spans[n + 1 :] if a >= end), duration)
        room_before = (start - max(before)) / 2 if before else start
        padded.append(
            (
                start - min(padding, room_before),
                end + min(padding, (after - end) / (2 if after < duration else 1)),
                speaker,
            )
        )
    return padded

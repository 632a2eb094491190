"""Stage 10: the lines placed on the film's time line and mixed with the background."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field
from pydantic.dataclasses import dataclass

from dubkit.artefacts import Placement, Soundtrack, Speech, Tracks, Transcript
from dubkit.media import BLOCK_SECONDS, SAMPLE_RATE
from dubkit.progress import Report
from dubkit.record import Seconds
from dubkit.stage import stage
from dubkit.timing import MAX_STRETCH, Slot, place

if TYPE_CHECKING:
    import numpy as np

LATE = 0.3
# Below this a stretch is inaudible work.
LEAST_STRETCH = 1.005


@dataclass(frozen=True)
class AssembleSettings:
    """The schedule and the mix.

    Parameters
    ----------
    gap : float
        Least silence between lines of one speaker, in seconds.
    duck : float
        How much the background gives way under speech, in dB.
    ramp : float
        How long that takes, in seconds.
    """

    gap: Seconds = Field(default=0.08, ge=0)
    duck: float = Field(default=6.0, ge=0, le=60)
    ramp: Seconds = Field(default=0.25, gt=0)


@stage(version=1)
def assemble(
    speech: Speech, transcript: Transcript, tracks: Tracks, *, settings: AssembleSettings, folder: Path, report: Report
) -> Soundtrack:
    """Place all lines at once, bring each speaker to the original's level, mix in blocks.

    A film in which nobody speaks keeps its own sound.
    """
    from dubkit import audio

    placements = schedule(speech, transcript, tracks.full.duration, settings.gap)
    for flag in ("late", "squeezed"):
        if flagged := [p.id for p in placements if p.flag == flag]:
            report.warn(
                f"{len(flagged)} of {len(placements)} lines do not fit and are {flag}: {', '.join(flagged[:5])}."
            )
    clips = _clips(speech, placements, _gains(speech, transcript, tracks))
    starts = [round(p.start * SAMPLE_RATE) for p in placements]
    total = tracks.full.n_samples

    def blocks() -> Iterator[np.ndarray]:
        sounding: dict[int, np.ndarray] = {}
        bed = tracks.background if placements else tracks.full
        for first in range(0, total, int(BLOCK_SECONDS * SAMPLE_RATE)):
            last = min(total, first + int(BLOCK_SECONDS * SAMPLE_RATE))
            mix = _stereo(bed.load(first / SAMPLE_RATE, last / SAMPLE_RATE))
            mix *= _ducking(placements, first, len(mix), settings)[:, None]
            for n, start in enumerate(starts):
                if start < last and n not in sounding and start >= first:
                    sounding[n] = clips(n)
            for n in list(sounding):
                _add(mix, sounding[n], starts[n] - first)
                if starts[n] + len(sounding[n]) <= last:
                    del sounding[n]
            yield audio.limited(mix)
            report(round(last / SAMPLE_RATE), round(total / SAMPLE_RATE), "seconds")

    return Soundtrack(
        audio=audio.write(folder / "soundtrack.flac", blocks(), SAMPLE_RATE), placements=tuple(placements)
    )


def schedule(speech: Speech, transcript: Transcript, duration: Seconds, gap: Seconds) -> list[Placement]:
    """The timing certificate of every line."""
    said = {u.id: u for u in transcript.utterances}
    slots = [Slot(c.speaker, said[c.id].start, said[c.id].end) for c in speech.clips]
    plan = place(slots, [c.audio.duration for c in speech.clips], duration, gap)
    placements = []
    for clip, slot, start, stretch in zip(speech.clips, slots, plan.starts, plan.stretches, strict=True):
        stretch = float(stretch) if stretch >= LEAST_STRETCH else 1.0
        end = float(start) + clip.audio.duration / stretch
        drift = float(start) - slot.start
        flag = "squeezed" if stretch > MAX_STRETCH + 0.005 else "late" if drift > LATE else ""
        placements.append(
            Placement(
                id=clip.id,
                speaker=clip.speaker,
                slot_start=slot.start,
                slot_end=slot.end,
                start=round(float(start), 4),
                end=round(end, 4),
                rate=round(clip.rate * stretch, 3),
                stretch=round(stretch, 4),
                borrowed=round(max(0.0, slot.start - float(start)) + max(0.0, end - slot.end), 3),
                drift=round(drift, 3),
                flag=flag,
            )
        )
    return placements


def _gains(speech: Speech, transcript: Transcript, tracks: Tracks) -> dict[str, float]:
    """Per speaker, the factor that brings the clips to the level of the original voice (median over lines)."""
    import numpy as np

    from dubkit.audio import speech_level

    before: dict[str, list[float]] = {}
    after: dict[str, list[float]] = {}
    for line in transcript.utterances:
        voice = tracks.full.load(line.start, line.end) - tracks.background.load(line.start, line.end)
        before.setdefault(line.speaker, []).append(speech_level(_stereo(voice).mean(axis=1), SAMPLE_RATE))
    for clip in speech.clips:
        after.setdefault(clip.speaker, []).append(speech_level(clip.audio.load(), clip.audio.sample_rate))
    # A whisper or a shout of the original is met within limits that stay intelligible: -34 to -12 dBFS.
    wanted = {s: float(np.clip(np.median(levels), 0.02, 0.25)) for s, levels in before.items()}
    # A line may have been given by hand to somebody who says nothing else: they speak as loud as the others do.
    usual = float(np.median(list(wanted.values()))) if wanted else 0.0
    return {s: wanted.get(s, usual) / max(1e-4, float(np.median(levels))) for s, levels in after.items()}


def _clips(speech: Speech, placements: list[Placement], gains: dict[str, float]) -> Callable[[int], np.ndarray]:
    """Clip `n` as it goes into the mix: stretched, at 48 kHz, at its level, with faded edges."""
    from dubkit import audio, media

    def clip(n: int) -> np.ndarray:
        source = speech.clips[n].audio
        samples = source.load()
        if placements[n].stretch > 1:
            samples = media.stretched(samples, source.sample_rate, placements[n].stretch)
        samples = audio.resample(samples, source.sample_rate, SAMPLE_RATE)
        return audio.faded(samples, SAMPLE_RATE) * gains[speech.clips[n].speaker]

    return clip


def _stereo(samples: np.ndarray) -> np.ndarray:
    import numpy as np

    return np.repeat(samples[:, None], 2, axis=1) if samples.ndim == 1 else samples.copy()


def _add(mix: np.ndarray, clip: np.ndarray, at: int) -> None:
    """Add the part of a mono clip that lies inside the block; `at` is the clip's start in the block."""
    first, last = max(0, at), min(len(mix), at + len(clip))
    if last > first:
        mix[first:last] += clip[first - at : last - at, None]


def _ducking(placements: list[Placement], first: int, n_samples: int, settings: AssembleSettings) -> np.ndarray:
    """The background's gain over a block: down under speech, with ramps before and after it."""
    import numpy as np

    # 100 control points a second are smooth enough for ramps of a quarter second.
    times = first / SAMPLE_RATE + np.arange(0, n_samples + 480, 480) / SAMPLE_RATE
    depth = np.zeros(len(times))
    for p in placements:
        if p.end + settings.ramp > times[0] and p.start - settings.ramp < times[-1]:
            inside = np.minimum(times - p.start, p.end - times)
            depth = np.maximum(depth, np.clip(1 + inside / settings.ramp, 0, 1))
    gain = 10 ** (-settings.duck * depth / 20)
    return np.interp(np.arange(n_samples), np.arange(len(times)) * 480, gain).astype(np.float32)

"""Stage 10: the lines placed on the film's time line and mixed with the background."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field
from pydantic.dataclasses import dataclass

from dubkit import mix, slowed_sound
from dubkit.artefacts import Clip, PlacedPhrase, Placement, Soundtrack, Speech, Tracks, Transcript
from dubkit.certificate import ROUNDED, placements
from dubkit.errors import listed
from dubkit.loudness import mastered, speech_loudness
from dubkit.media import BLOCK_SECONDS, SAMPLE_RATE
from dubkit.mix import MixSettings, Sound
from dubkit.plan import SHORTEST
from dubkit.progress import Report
from dubkit.record import AudioFile, Seconds
from dubkit.retiming import TimeMap
from dubkit.room import Room, estimate, in_room, windows
from dubkit.stage import stage
from dubkit.vocal_sounds import Span, VocalSoundSettings, kept, passages

if TYPE_CHECKING:
    import numpy as np

MARGIN = 0.015
# A laugh or a breath is shorter; what goes on for longer may be speech that was missed.
LONG_PASSAGE = 1.5
WARNED = {"late": "start late", "early": "start early", "squeezed": "are spoken faster than is allowed"}


@dataclass(frozen=True)
class AssembleSettings:
    """The soundtrack; when lines sound follows from ``synthesize.timing``.

    Parameters
    ----------
    mix : MixSettings
        Levels.
    room : float
        How much of the original's reverberation the voices get, from 0 to 1.
    vocal_sounds : VocalSoundSettings
        Laughs, breaths and singing that are kept from the original.
    """

    mix: MixSettings = MixSettings()
    room: float = Field(default=0.5, ge=0, le=1)
    vocal_sounds: VocalSoundSettings = VocalSoundSettings()


@stage(version=2)
def assemble(
    speech: Speech, transcript: Transcript, tracks: Tracks, *, settings: AssembleSettings, folder: Path, report: Report
) -> Soundtrack:
    """Place all phrases at once, bring each line to where and how the original was heard, mix in blocks.

    A film in which nobody speaks keeps its own sound.
    """
    times = TimeMap.of(speech.knots, tracks.full.duration)
    lines = placements(speech, times)
    for flag, what in WARNED.items():
        if flagged := [p.id for p in lines if p.flag == flag]:
            report.warn(f"{len(flagged)} of {len(lines)} lines do not fit and {what}: {listed(flagged)}.")
    spans = [(phrase.start, phrase.end) for line in lines for phrase in line.phrases]
    bed = slowed_sound.slowed(_blocks(tracks.background if lines else tracks.full), times)
    sounds = [
        *_voices(speech, transcript, tracks, lines, settings),
        *_kept(transcript, tracks, times, spans, settings, report),
    ]
    finished = mix.mixed(bed, sounds, spans, settings.mix)
    loudness, true_peak = (settings.mix.loudness, settings.mix.true_peak) if lines else (None, 0.0)
    written = mastered(_told(finished, times, report), folder / "soundtrack.flac", loudness, true_peak)
    return Soundtrack(audio=written, placements=tuple(lines), knots=speech.knots)


def _blocks(sound: AudioFile) -> Iterator[np.ndarray]:
    for first in range(0, sound.n_samples, int(BLOCK_SECONDS * SAMPLE_RATE)):
        yield sound.load(first / SAMPLE_RATE, first / SAMPLE_RATE + BLOCK_SECONDS)


def _told(blocks: Iterator[np.ndarray], times: TimeMap, report: Report) -> Iterator[np.ndarray]:
    """The blocks, while the progress is told."""
    done = 0
    for block in blocks:
        yield block
        done += len(block)
        report(round(done / SAMPLE_RATE), round(times.duration), "seconds")


def _voices(
    speech: Speech, transcript: Transcript, tracks: Tracks, lines: list[Placement], settings: AssembleSettings
) -> Iterator[Sound]:
    """Every phrase as it goes into the mix: stretched, as loud, where, and in such a room as the original line was."""
    if not lines:
        return
    said = {u.id: u for u in transcript.utterances}
    speakers = [clip.speaker for clip in speech.clips]
    originals = [mix.original(tracks, said[c.id].start, said[c.id].end) for c in speech.clips]
    clips = [speech_loudness(c.audio.load(), c.audio.sample_rate) for c in speech.clips]
    gains = mix.line_gains(speakers, [o.level for o in originals], clips, settings.mix.departure)
    places = mix.positions(speakers, originals) if settings.mix.follow_position else [0.0] * len(lines)
    around = _room(transcript, tracks) if settings.room else None
    for clip, line, gain, place in zip(speech.clips, lines, gains, places, strict=True):
        for phrase in with_margins(line.phrases, clip.audio.duration):
            yield Sound(
                round(phrase.start * SAMPLE_RATE),
                functools.partial(_voice, clip, phrase, float(gain), float(place), around, settings.room),
            )


def with_margins(phrases: Sequence[PlacedPhrase], duration: Seconds) -> Iterator[PlacedPhrase]:
    """A line's phrases with what is soft before and after them, and a little of the silence between them.

    No soft end or beginning is cut off, and `duration` is the whole clip's, in seconds.
    """
    silences = [two.clip_start - one.clip_end for one, two in itertools.pairwise(phrases)]
    margins = [
        min(phrases[0].clip_start, phrases[0].start),
        *(min(MARGIN, silence / 2) for silence in silences),
        max(0.0, duration - phrases[-1].clip_end),
    ]
    for phrase, before, after in zip(phrases, margins, margins[1:], strict=False):
        yield phrase.but(
            start=phrase.start - before,
            end=phrase.end + after,
            clip_start=phrase.clip_start - before,
            clip_end=phrase.clip_end + after,
        )


def _voice(
    clip: Clip, phrase: PlacedPhrase, gain: float, place: float, around: Room | None, amount: float
) -> np.ndarray:
    """A phrase at its level and place, with the tail of the room behind it."""
    import numpy as np

    samples = sounding(clip, phrase) * np.float32(gain)
    placed = mix.panned(samples, place)
    if not around or not around.heard:
        return placed
    wet = in_room(samples, SAMPLE_RATE, around, amount, n_channels=2)
    wet[: len(samples)] += placed - samples[:, None]
    return wet


def sounding(clip: Clip, phrase: PlacedPhrase) -> np.ndarray:
    """A phrase as long as it was placed, at 48 kHz, with faded edges; shape (n_samples,)."""
    from dubkit import audio, media

    rate = clip.audio.sample_rate
    samples = clip.audio.load(phrase.clip_start, phrase.clip_end)
    length, wanted = phrase.clip_end - phrase.clip_start, max(SHORTEST, phrase.end - phrase.start)
    if abs(length / wanted - 1) > ROUNDED and length >= SHORTEST:
        samples = media.stretched(samples, rate, length / wanted)
    return audio.faded(audio.resample(samples, rate, SAMPLE_RATE), SAMPLE_RATE)


def _room(transcript: Transcript, tracks: Tracks) -> Room:
    return estimate(windows(tracks, [(u.start, u.end) for u in transcript.utterances]), tracks.full.sample_rate)


def _kept(
    transcript: Transcript,
    tracks: Tracks,
    times: TimeMap,
    spans: list[Span],
    settings: AssembleSettings,
    report: Report,
) -> Iterator[Sound]:
    """The laughs, breaths and songs of the original, where the dub does not speak."""
    busy = [(times.film(start), times.film(end)) for start, end in spans]
    found = passages(tracks, transcript, settings.vocal_sounds, busy) if spans else ()
    if long := [f"{p.start:.1f} to {p.end:.1f} s" for p in found if p.end - p.start > LONG_PASSAGE]:
        report.warn(
            f"Voices without words that were recognised are kept as they are: {listed(long, 5)}. If they speak, add what they "
            "say to the transcript; --set assemble.vocal_sounds.keep=false leaves them out."
        )
    block = round(BLOCK_SECONDS * SAMPLE_RATE)
    for passage in found:
        begin, over = round(passage.start * SAMPLE_RATE), round(passage.end * SAMPLE_RATE)
        moved = round(times.dub(passage.start) * SAMPLE_RATE) - begin
        # A song may last as long as a film: piece by piece.
        for first in range(begin, over, block):
            yield Sound(first + moved, functools.partial(kept, tracks, (passage,), first, min(over, first + block)))

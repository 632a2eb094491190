"""The mix: the bed that gives way under speech, and each line as loud, and where, the original voice was.

Arrays and streams only. Times are seconds of the film, levels LUFS of one channel as
:func:`dubkit.loudness.speech_loudness` gives them, positions run from -1 (left) over 0 (centre) to 1 (right). The mix is
float32 and may pass full scale: :func:`dubkit.loudness.mastered` brings it to its level.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass as plain_dataclass
from operator import itemgetter
from typing import TYPE_CHECKING

from pydantic import Field
from pydantic.dataclasses import dataclass

from dubkit.media import SAMPLE_RATE
from dubkit.record import Seconds

if TYPE_CHECKING:
    import numpy as np

    from dubkit.artefacts import Tracks

# A whisper or a shout of the original is met within limits that stay intelligible.
QUIETEST, LOUDEST = -34.0, -12.0
# The level of a film in which nobody can be heard well enough to measure: that of speech in broadcasts.
USUAL = -23.0
# So far under the speaker's other lines nobody speaks: the separation has left the voice in the bed.
LOST = 20.0
# A line or clip this quiet holds no voice to measure.
SILENT = -60.0
# Voices nearer to the centre stand in it, those twice as far out where they are; a ramp between, so that none jumps.
CENTRE = 0.15
# Nobody speaks from one loudspeaker alone, however hard the original is panned: that is tiring in headphones.
OUTERMOST = 0.7
# How much of the sound's power must lie in its main direction; below that are bleed and reverberation.
DIRECTED = 0.6


@dataclass(frozen=True)
class MixSettings:
    """The mix.

    Parameters
    ----------
    duck : float
        How much the background gives way under speech, in dB.
    attack : float
        How long before a line it begins to, in seconds; it is down when the line starts.
    release : float
        How long after a line it takes to come back, in seconds.
    hold : float
        In pauses shorter than this it stays down, so that it does not pump; in seconds.
    departure : float
        How far a line's level may lie from its speaker's usual one, in dB.
    follow_position : bool
        Whether voices stand where they stood in a stereo film.
    loudness : float or None
        Programme loudness in LUFS; None leaves the film's.
    true_peak : float
        Ceiling of the peaks in dBTP.
    """

    duck: float = Field(default=6.0, ge=0, le=60)
    attack: Seconds = Field(default=0.25, gt=0, le=5)
    release: Seconds = Field(default=0.6, gt=0, le=10)
    hold: Seconds = Field(default=1.2, ge=0, le=60)
    departure: float = Field(default=6.0, ge=0, le=30)
    follow_position: bool = True
    loudness: float | None = Field(default=-16.0, ge=-40, le=-8)
    true_peak: float = Field(default=-1.0, ge=-12, le=0)


def ducking(
    spans: Sequence[tuple[Seconds, Seconds]],
    first: int,
    n_samples: int,
    settings: MixSettings,
    sample_rate: int = SAMPLE_RATE,
) -> np.ndarray:
    """The bed's gain over a block of the film, whatever blocks the film is cut in.

    It falls before a span and rises after it by raised cosines in dB, which the ear follows evenly.

    Parameters
    ----------
    spans : sequence of (start, end)
        When somebody speaks, in seconds, in any order.
    first : int
        The block's first sample, counted from the start of the film.

    Returns
    -------
    np.ndarray, shape (n_samples,)
    """
    import numpy as np

    depth = np.zeros(n_samples)
    for start, end in held(spans, settings.hold):
        begin, over = start - settings.attack, end + settings.release
        a = min(max(0, int(np.floor(begin * sample_rate)) - first), n_samples)
        b = max(0, min(n_samples, int(np.ceil(over * sample_rate)) + 1 - first))
        if a < b:
            times = np.arange(first + a, first + b) / sample_rate
            ramp = np.minimum((times - begin) / settings.attack, (over - times) / settings.release)
            depth[a:b] = np.maximum(depth[a:b], 0.5 - 0.5 * np.cos(np.pi * np.clip(ramp, 0, 1)))
    gain: np.ndarray = (10 ** (-settings.duck * depth / 20)).astype(np.float32)
    return gain


def held(spans: Sequence[tuple[Seconds, Seconds]], hold: Seconds) -> list[tuple[Seconds, Seconds]]:
    """The spans in order, joined where they overlap or less than `hold` seconds lie between them."""
    joined: list[tuple[Seconds, Seconds]] = []
    for start, end in sorted(spans):
        if joined and start - joined[-1][1] < hold:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


@plain_dataclass(frozen=True)
class Heard:
    """How loud a line's original voice was (-inf for silence), and where."""

    level: float
    position: float


def original(tracks: Tracks, start: Seconds, end: Seconds) -> Heard:
    """The original voice of a line: the whole sound less the bed."""
    return heard(tracks.full.load(start, end) - tracks.background.load(start, end))


def heard(voice: np.ndarray) -> Heard:
    """Level and position of a voice at 48 kHz, from its main direction between the loudspeakers.

    The direction is the first principal axis of the K-weighted channels over the frames that sound; the level is that along
    it, which leaves out most reverberation and bleed. Without such an axis, or out of phase, the voice counts as central.

    Parameters
    ----------
    voice : np.ndarray, shape (n_samples,) or (n_samples, 2)

    Returns
    -------
    Heard
        `level` is that of a mono clip which sounds as loud once :func:`panned` has placed it at `position`.
    """
    import numpy as np

    from dubkit.loudness import k_weighted, speech_loudness

    if voice.ndim == 1:
        return Heard(speech_loudness(voice, SAMPLE_RATE), 0.0)
    frame = SAMPLE_RATE // 50
    frames = k_weighted(voice)[: len(voice) // frame * frame].reshape(-1, frame, 2)
    power = (frames**2).mean(axis=(1, 2))
    if not power.any():
        return Heard(-np.inf, 0.0)
    sounding = frames[power > power.max() * 1e-3].reshape(-1, 2)
    (low, high), axes = np.linalg.eigh(sounding.T @ sounding)
    axis = axes[:, 1] * np.sign(axes[:, 1].sum() or 1.0)
    # Slightly out of phase is what noise does to a voice at the very side.
    if high - low < DIRECTED * (high + low) or axis.min() < -0.2:
        axis = np.sqrt([0.5, 0.5])
    left, right = np.clip(axis, 0.0, 1.0)
    level = speech_loudness(voice @ (axis / np.sqrt(2)).astype(voice.dtype), SAMPLE_RATE)
    return Heard(level, float(np.arctan2(right, left) * 4 / np.pi - 1))


def line_gains(
    speakers: Sequence[str], originals: Sequence[float], clips: Sequence[float], departure: float = 6.0
) -> np.ndarray:
    """The factor for each line's clip that makes it as loud as the original line.

    A line departs from its speaker's median by at most `departure` dB. Lines whose original cannot be heard (:data:`LOST`)
    take that median; speakers without any take that of all. What comes out is within :data:`QUIETEST` and :data:`LOUDEST`.

    Parameters
    ----------
    originals, clips : sequence of float
        Level of each line's original voice and of its clip.

    Returns
    -------
    np.ndarray, shape (n_lines,)
        1 for clips in which nothing is heard.
    """
    import numpy as np

    before, after = np.array(originals, float), np.array(clips, float)
    if not len(before):
        return np.ones(0)
    known = before >= SILENT
    usual = float(np.median(before[known])) if known.any() else USUAL
    wanted = np.empty(len(before))
    for speaker in dict.fromkeys(speakers):
        theirs = np.array([s == speaker for s in speakers])
        sure = theirs & known
        if sure.any():
            sure &= before >= np.median(before[sure]) - LOST
        median = float(np.median(before[sure])) if sure.any() else usual
        wanted[theirs] = median
        wanted[sure] = np.clip(before[sure], median - departure, median + departure)
    wanted = np.clip(wanted, QUIETEST, LOUDEST)
    gains: np.ndarray = np.where(after >= SILENT, 10 ** ((wanted - np.maximum(after, SILENT)) / 20), 1.0)
    return gains


def positions(speakers: Sequence[str], originals: Sequence[Heard]) -> np.ndarray:
    """Where each line's clip is to stand, at most :data:`OUTERMOST` from the centre: in it unless the original was not.

    A line takes the median of itself and the speaker's lines before and after it, so one mistaken line moves nobody.
    """
    import numpy as np

    places = np.zeros(len(speakers))
    for speaker in dict.fromkeys(speakers):
        theirs = [n for n, s in enumerate(speakers) if s == speaker]
        clear = [n for n in theirs if originals[n].level >= SILENT]
        measured = np.array([originals[n].position for n in clear])
        if len(clear) >= 3:
            padded = np.concatenate([measured[:1], measured, measured[-1:]])
            measured = np.median(np.stack([padded[:-2], padded[1:-1], padded[2:]]), axis=0)
        outside = np.clip((np.abs(measured) - CENTRE) / CENTRE, 0, 1)
        places[clear] = np.clip(measured * outside, -OUTERMOST, OUTERMOST)
        if lost := [n for n in theirs if n not in clear and clear]:
            places[lost] = np.median(places[clear])
    return places


def panned(clip: np.ndarray, position: float) -> np.ndarray:
    """A mono clip as stereo at a position, equally loud everywhere (constant power); at 0 both channels are the clip."""
    import numpy as np

    angle = (position + 1) * np.pi / 4
    gains = np.sqrt(2) * np.array([np.cos(angle), np.sin(angle)])
    placed: np.ndarray = clip[:, None] * gains.astype(np.float32)
    return placed


@plain_dataclass(frozen=True)
class Sound:
    """Something from sample `first` of the film on, or from before it; `load` gives it at 48 kHz, mono or stereo."""

    first: int
    load: Callable[[], np.ndarray]


def mixed(
    bed: Iterable[np.ndarray],
    sounds: Iterable[Sound],
    spans: Sequence[tuple[Seconds, Seconds]] = (),
    settings: MixSettings = MixSettings(),
) -> Iterator[np.ndarray]:
    """The 48 kHz bed in blocks of any length, ducked under the spans, with the sounds added.

    A sound is loaded when its start is reached and let go when it is over; what lies beyond the bed is not heard.

    Yields
    ------
    np.ndarray, shape (n_samples, 2)
        float32; may pass full scale.
    """
    waiting = sorted(sounds, key=lambda sound: sound.first)[::-1]
    sounding: list[tuple[int, np.ndarray]] = []
    # In order and apart: a block looks only at those around it, and a tenth of a second farther for rounding.
    joined = held(spans, settings.hold)
    first = 0
    for block in bed:
        mix = _stereo(block)
        last = first + len(mix)
        earliest = bisect_left(joined, first / SAMPLE_RATE - settings.release - 0.1, key=itemgetter(1))
        latest = bisect_right(joined, last / SAMPLE_RATE + settings.attack + 0.1, key=itemgetter(0))
        mix *= ducking(joined[earliest:latest], first, len(mix), settings)[:, None]
        while waiting and waiting[-1].first < last:
            sound = waiting.pop()
            sounding.append((sound.first, _stereo(sound.load())))
        for start, samples in sounding:
            a, b = max(start, first), min(start + len(samples), last)
            if a < b:
                mix[a - first : b - first] += samples[a - start : b - start]
        sounding = [(start, samples) for start, samples in sounding if start + len(samples) > last]
        yield mix
        first = last


def _stereo(samples: np.ndarray) -> np.ndarray:
    """A float32 copy with two channels."""
    import numpy as np

    if samples.ndim == 2 and samples.shape[1] == 2:
        return samples.astype(np.float32)
    return np.repeat(samples.reshape(-1, 1), 2, axis=1).astype(np.float32)

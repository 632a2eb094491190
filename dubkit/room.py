"""The original's room: estimated from how its voices die away, and given lightly to the dry voices of the dub.

A room is taken as a diffuse one (Polack 1988): behind the direct sound comes noise that falls exponentially, by 60 dB in
the reverberation time. Where somebody stops speaking that fall is heard alone, and no sound can fall faster than its
room does (Ratnam et al., "Blind estimation of reverberation time", JASA 114, 2003; Löllmann et al., "An improved
algorithm for blind reverberation time estimation", IWAENC 2010). So :func:`estimate` looks for free decays in octave
bands, takes the slope of each, and keeps to the fast ones, since in the slow ones a voice trails off. The same rule
gives the level of the tail: the power of the sound so far foretells at each moment how much of it is still in the room,
and what is heard is never less than that.

Estimates are made from the whole sound, not from the separated voice: separators that clean speech take its
reverberation away and leave it in the background (DeepFilterNet3 leaves 0.33 s of 0.6 s and of 1 s alike).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from dubkit.record import Seconds

if TYPE_CHECKING:
    import numpy as np

    from dubkit.artefacts import Tracks

RATE = 16_000
HOP = 160
"""10 ms at the analysis rate; a frame is two of them."""
BANDS = ((500.0, 1000.0), (1000.0, 2000.0), (2000.0, 4000.0))
"""Hz. Below, the pitch of the voice beats; above, there is too little of it."""
LEAST_DECAYS = 12
LEAST_FRAMES = 12
"""Of a decay: the slope of a shorter one says nothing."""
LEAST_FALL = 12.0
"""dB that a decay falls by, after its first 6 dB, which are the voice's own."""
OVER_FLOOR = 8.0
"""dB over the quietest frames at which a decay is left: below, the background bends it."""
DEEPEST = 55.0
"""dB under the loud frames to which a decay is followed."""
LARGEST_ERROR = 3.5
"""dB off a straight line, RMS. Noise in an octave band, in frames of 20 ms, spreads by 1 to 3 dB."""
FAST = 20
"""Percentile of the decay times that is taken for the room's."""
LOWEST = 5
"""Percentile of the sound over the foretold tail that is taken for the room's."""
SHORTEST_RT60 = 0.22
"""Seconds; voices themselves die away as fast as that."""
LONGEST_RT60 = 2.5
DRY = 14.5
"""dB of direct sound over tail from which on nothing of the voice's own decay can be told from a room."""
HEARD = 120.0
"""Seconds of speech that are worth listening to."""
LEAD, TAIL = 0.2, 0.8
"""Seconds of a film heard before and after a line."""
CLEAR = 3.0
"""dB of voice over background that a line needs to be listened to."""

WETTEST = 8.0
"""dB: the tail that is added lies at least this far under the direct sound, so that words stay clear."""
LONGEST_TAIL = 0.4
SEED = 7
TAIL_BAND = (150.0, 5000.0)
"""Hz. Walls and air swallow what is higher, and what is lower only rumbles."""
GAP = 0.004
"""Seconds between the direct sound and the first reflection: closer ones would colour it."""


@dataclass(frozen=True)
class Room:
    """How a room sounds.

    Parameters
    ----------
    rt60 : float
        Reverberation time in seconds; 0 unless a room is heard.
    drr : float
        Energy of the direct sound over that of the tail, in dB; meaningless unless a room is heard.
    verdict : {"room", "dry", "unclear"}
        "dry" where the voices die away by themselves, "unclear" where too few of them are heard to die away.
    n_decays : int
        How many free decays that rests on.
    """

    rt60: Seconds
    drr: float
    verdict: Literal["room", "dry", "unclear"]
    n_decays: int = 0

    @property
    def heard(self) -> bool:
        """Whether there is a room to put a voice into."""
        return self.verdict == "room"


def windows(tracks: Tracks, spans: Sequence[tuple[Seconds, Seconds]]) -> Iterator[np.ndarray]:
    """The whole sound around lines whose voice stands clearly over the background, one window in memory at a time.

    At most :data:`HEARD` seconds, spread over the film.

    Parameters
    ----------
    tracks : Tracks
        The film's sound.
    spans : sequence of (start, end)
        Lines, in seconds of the film.

    Yields
    ------
    np.ndarray, shape (n_samples,)
        At the rate of ``tracks.full``.
    """
    import numpy as np

    spans = [(start, min(end, start + HEARD - LEAD - TAIL)) for start, end in spans]
    lengths = [end - start + LEAD + TAIL for start, end in spans]
    step = max(1, math.ceil(sum(lengths) / HEARD))
    while sum(lengths[::step]) > HEARD + 1e-6:  # these lines are longer than the others
        step += 1
    for start, end in spans[::step]:
        full, bed = (_mono(sound.load(start, end)) for sound in (tracks.full, tracks.background))
        voice = full - bed
        if np.sum(voice.astype(np.float64) ** 2) > 10 ** (CLEAR / 10) * np.sum(bed.astype(np.float64) ** 2):
            yield _mono(tracks.full.load(max(0.0, start - LEAD), end + TAIL))


def estimate(windows: Iterable[np.ndarray], sample_rate: int) -> Room:
    """The room that a voice is heard in, from the sound alone.

    Parameters
    ----------
    windows : iterable of np.ndarray, shape (n_samples,)
        Stretches of speech, each with some of the pauses in or behind it; they are looked at apart.
    sample_rate : int
        Hz.

    Returns
    -------
    Room
        Not heard where there are too few free decays, or where the tail cannot be told from a voice's own.
    """
    import numpy as np

    powers = [power for w in windows if (power := _powers(w, sample_rate)).shape[1] > LEAST_FRAMES]
    times = [seconds for power in powers for band in power for seconds in _decay_times(band)]
    if len(times) < LEAST_DECAYS:
        return Room(0.0, 0.0, "unclear", len(times))
    rt60 = float(np.percentile(times, FAST))
    drr = float(np.median([_drr([power[band] for power in powers], rt60) for band in range(len(BANDS))]))
    if rt60 > LONGEST_RT60:
        return Room(0.0, 0.0, "unclear", len(times))
    if rt60 < SHORTEST_RT60 or drr > DRY:
        return Room(0.0, 0.0, "dry", len(times))
    return Room(round(rt60, 3), round(drr, 1), "room", len(times))


def in_room(clip: np.ndarray, sample_rate: int, room: Room, amount: float, n_channels: int = 1) -> np.ndarray:
    """A dry voice with a light tail of the room behind it; the voice itself keeps its place and level.

    The tail is seeded noise that falls as the room does, another per channel, at most 0.4 s long and 8 dB under the voice.

    Parameters
    ----------
    clip : np.ndarray, shape (n_samples,)
        float32.
    sample_rate : int
        Hz.
    room : Room
        If none is heard the clip comes back as it is.
    amount : float
        Factor on the tail's amplitude, from 0 to 1.
    n_channels : int
        1 or 2; the tail of two is decorrelated, so that it surrounds the voice.

    Returns
    -------
    np.ndarray, shape (n_samples + n_tail,) or, with two channels, (n_samples + n_tail, 2)
    """
    import numpy as np
    from scipy.signal import oaconvolve

    if not room.heard or amount <= 0 or not len(clip):
        return clip if n_channels == 1 else np.repeat(clip[:, None], n_channels, axis=1)
    level = min(amount, 1.0) * 10 ** (-max(room.drr, WETTEST) / 20)
    tails = [_tail(sample_rate, room.rt60, SEED + channel) for channel in range(n_channels)]
    wet = np.stack([level * oaconvolve(clip, tail) for tail in tails], axis=1).astype(np.float32)
    wet[: len(clip)] += clip[:, None]
    return wet[:, 0] if n_channels == 1 else wet


def _tail(sample_rate: int, rt60: Seconds, seed: int) -> np.ndarray:
    """Noise that falls by 60 dB in the reverberation time, with an energy of 1."""
    import numpy as np
    from scipy.signal import butter, sosfilt

    n = round(min(rt60, LONGEST_TAIL) * sample_rate)
    seconds = np.arange(n) / sample_rate
    band = (TAIL_BAND[0], min(TAIL_BAND[1], 0.45 * sample_rate))
    noise = np.random.default_rng(seed).standard_normal(n)
    coloured = sosfilt(butter(1, band, "bandpass", fs=sample_rate, output="sos"), noise)
    last = n // 4
    fade = np.concatenate([np.ones(n - last), 0.5 + 0.5 * np.cos(np.pi * np.arange(last) / last)])
    tail: np.ndarray = coloured * 10 ** (-3 * seconds / rt60) * fade * (seconds >= GAP)
    tail /= np.sqrt(np.sum(tail**2))
    return tail


def _powers(window: np.ndarray, sample_rate: int) -> np.ndarray:
    """Power per band and frame, shape (n_bands, n_frames)."""
    import numpy as np

    from dubkit.audio import resample

    samples = resample(np.ascontiguousarray(_mono(window), np.float32), sample_rate, RATE)
    if len(samples) < 2 * HOP:
        return np.zeros((len(BANDS), 0))
    frames = np.lib.stride_tricks.sliding_window_view(samples, 2 * HOP)[::HOP] * np.hanning(2 * HOP)
    spectrum = np.abs(np.fft.rfft(frames, axis=1)) ** 2
    hz = np.fft.rfftfreq(2 * HOP, 1 / RATE)
    return np.stack([spectrum[:, (hz >= low) & (hz < high)].sum(axis=1) for low, high in BANDS]) + 1e-12


def _decay_times(power: np.ndarray) -> Iterator[Seconds]:
    """The reverberation time that each free decay of one band would give."""
    import numpy as np

    exact = 10 * np.log10(power)
    level = 10 * np.log10(_smooth(power))
    loud = np.percentile(level, 90)
    # Where a gate has silenced the pauses, the fall into silence is not the room's.
    floor = max(np.percentile(level, 5), loud - DEEPEST)
    frame = 0
    while frame < len(level) - LEAST_FRAMES:
        if level[frame] < loud - 25 or level[frame] < level[frame : frame + 3].max():
            frame += 1
            continue
        lowest = _lowest(level, frame)
        # 30 ms more than the first 6 dB: what falls first is the voice.
        falling = frame + int(np.argmax(level[frame : lowest + 1] < level[frame] - 6)) + 3
        under = np.flatnonzero(level[falling : lowest + 1] < floor + OVER_FLOOR)
        end = falling + int(under[0]) if len(under) else lowest
        if end - falling >= LEAST_FRAMES and level[falling] - level[end] >= LEAST_FALL:
            seconds = np.arange(falling, end) * HOP / RATE
            slope, start = np.polyfit(seconds, exact[falling:end], 1)
            if slope < 0 and np.std(exact[falling:end] - start - slope * seconds) < LARGEST_ERROR:
                yield float(-60 / slope)
        frame = max(lowest, frame + 1)


def _lowest(level: np.ndarray, frame: int) -> int:
    """The lowest frame before the sound rises again by 4 dB."""
    lowest = frame
    for n in range(frame + 1, len(level)):
        if level[n] >= level[lowest] + 4:
            break
        if level[n] < level[lowest]:
            lowest = n
    return lowest


def _drr(bands: Sequence[np.ndarray], rt60: Seconds) -> float:
    """Direct over reverberant energy in dB, from what is left of the sound wherever it is quieter than foretold.

    The direct part x of a power y in frames obeys ``y = x + g t``, with the tail ``t`` a sum over earlier x that falls with
    the room and sums to 1; g, the tail's share, is the least of y / t over the film, and is found by repetition.
    """
    import numpy as np
    from scipy.signal import lfilter

    left = 10 ** (-6 * HOP / RATE / rt60)
    share = 0.3
    for _ in range(6):
        ratios = []
        for power in bands:
            direct = np.maximum(lfilter([1, -left, 0], [1, -left, share * (1 - left)], power), 0)
            # Two frames later, since neighbours overlap.
            tail = lfilter([0, 0, 1 - left], [1, -left], direct)
            heard = _smooth(power)
            # Elsewhere the background would hide even a faint tail, or somebody speaks.
            floor = max(np.percentile(heard, 5), np.percentile(heard, 90) * 10 ** (-DEEPEST / 10))
            told = (tail * 10**-1.2 > floor) & (heard < 2 * tail)
            ratios.append(heard[told] / tail[told])
        found = np.concatenate(ratios)
        share = min(4.0, float(np.percentile(found, LOWEST))) if len(found) else 1e-9
    return float(-10 * np.log10(max(share, 1e-9)))


def _smooth(power: np.ndarray) -> np.ndarray:
    import numpy as np

    return np.convolve(np.pad(power, 1, mode="edge"), np.full(3, 1 / 3), "valid")


def _mono(samples: np.ndarray) -> np.ndarray:
    mono: np.ndarray = samples if samples.ndim == 1 else samples.mean(axis=1)
    return mono

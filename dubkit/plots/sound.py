"""Sounds over time: how loud they are, and at which frequencies."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dubkit.artefacts import Tracks
from dubkit.errors import BadInput
from dubkit.plots.axes import new_axes
from dubkit.record import AudioFile, Seconds

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes

    Read = Callable[[int, int], np.ndarray]

POINTS = 2000
"""How many an envelope has at most: no screen shows more."""
COLUMNS = 1200
N_MELS = 80
RANGE = 70.0
"""dB between the loudest and what is black in a spectrogram."""
SILENT = -60.0
"""dB under which nothing is drawn as loud, lest the noise of silence shine."""
FLOOR = -60.0
"""dB over full scale under which a stem is drawn as silent."""
PALE, DARK = "#999999", "#4D4D4D"
TICKS = {100: "100", 500: "500", 1000: "1k", 2000: "2k", 4000: "4k", 8000: "8k"}
# Samples that are read at once: bounds memory, however long a film is.
_BLOCK = 1 << 18
# Per column of a spectrogram: in films of an hour they are far apart, which shows as little and takes a tenth of the time.
_WINDOWS = 16
_SILENCE = 1e-10


@dataclass(frozen=True)
class Envelope:
    """A sound in steps of equal length.

    Parameters
    ----------
    times : np.ndarray, shape (n_points,)
        Middle of each step, in seconds.
    peaks, rms : np.ndarray, shape (n_points,)
        Amplitude in [0, 1]: the largest of all channels, and the root of the mean square.
    """

    times: np.ndarray
    peaks: np.ndarray
    rms: np.ndarray

    @property
    def level(self) -> float:
        """Of the whole sound, in dB over full scale (RMS); -inf for silence."""
        power = float((self.rms**2).mean()) if len(self.rms) else 0.0
        return 10 * math.log10(power) if power > _SILENCE else -math.inf


def envelope(sound: AudioFile, start: Seconds = 0.0, end: Seconds | None = None) -> Envelope:
    """How loud a stretch of a sound is over time, in up to :data:`POINTS` steps; it is read in pieces."""
    return _envelope(sound.load, sound, start, end)


def waveform(sound: AudioFile, ax: Axes | None = None) -> Axes:
    """A sound over time in seconds: its peaks pale, its mean level (RMS) dark."""
    ax = new_axes(ax, (10, 2))
    _draw(ax, envelope(sound))
    ax.set(xlim=(0, sound.duration), ylim=(-1, 1), xlabel="time (s)", ylabel="amplitude")
    return ax


def stems(tracks: Tracks, ax: Axes | None = None) -> Axes:
    """The whole sound, the speech that was taken out of it, and the background that is left, on one scale in dB.

    The speech is the difference of the other two, whatever ``separate.analysis`` gave the listening stages. A lane is as high
    as its sound is above :data:`FLOOR`, so that a soft background, or speech that is left in it, can be seen; its mean level is
    beside it.
    """
    full, rest = tracks.full, tracks.background

    def taken_out(start: Seconds, end: Seconds) -> np.ndarray:
        difference: np.ndarray = full.load(start, end) - rest.load(start, end)
        return difference

    lanes = {"whole sound": envelope(full), "speech": _envelope(taken_out, full), "background": envelope(rest)}
    ax = new_axes(ax, (10, 3.4))
    for row, lane in enumerate(lanes.values()):
        _draw(ax, replace(lane, peaks=_above_floor(lane.peaks), rms=_above_floor(lane.rms)), row, 0.46)
    ax.set_yticks(range(len(lanes)), [f"{name}\n{_told(lane.level)}" for name, lane in lanes.items()])
    ax.tick_params(axis="y", length=0)
    ax.set(xlim=(0, full.duration), ylim=(len(lanes) - 0.5, -0.5), xlabel="time (s)")
    ax.set_title(
        f"peaks (pale) and mean level (dark): {_told(FLOOR)} in a lane's middle, {_told(0)} at its edges", fontsize=10
    )
    return ax


def spectrogram(sound: AudioFile, start: Seconds = 0.0, end: Seconds | None = None, ax: Axes | None = None) -> Axes:
    """How loud a sound is at which frequency, in mel bands up to 8 kHz.

    The vertical axis is in Hz on the mel scale of O'Shaughnessy (1987): what is to be drawn over it, such as a pitch, is given
    in Hz. Levels are in dB, 0 for a sine at full scale; long stretches are averaged over up to :data:`COLUMNS` columns and read
    in pieces.

    Parameters
    ----------
    sound : AudioFile
    start, end : float
        The stretch to show, in seconds; by default all.
    ax : Axes, optional

    Raises
    ------
    BadInput
        If there is no sound in the stretch.
    """
    start, end = max(0.0, start), min(sound.duration, math.inf if end is None else end)
    if end <= start:
        raise BadInput(f"{sound.path.name} lasts {sound.duration:.2f} s: it has no sound from {start:g} to {end:g} s.")

    def read(first: int, last: int) -> np.ndarray:
        return sound.load(first / sound.sample_rate, last / sound.sample_rate)

    return _spectrogram(read, sound.sample_rate, start, end, ax)


def spectrogram_of(samples: np.ndarray, sample_rate: int, ax: Axes | None = None) -> Axes:
    """The same of samples that are in memory.

    Parameters
    ----------
    samples : np.ndarray, shape (n_samples,) or (n_samples, n_channels)
    sample_rate : int
        In Hz.
    ax : Axes, optional

    Raises
    ------
    BadInput
        If there are none.
    """
    if not len(samples):
        raise BadInput("There is no sound to draw: give one sample at least.")
    return _spectrogram(lambda first, last: samples[first:last], sample_rate, 0.0, len(samples) / sample_rate, ax)


def _spectrogram(read: Read, rate: int, start: Seconds, end: Seconds, ax: Axes | None) -> Axes:
    """The spectrogram of what `read` gives between two samples by number, of which some may be beyond the end."""
    from matplotlib.ticker import NullLocator

    levels, step = _levels(read, rate, round(start * rate), round(end * rate))
    edges = _band_edges(_top(rate))
    ax = new_axes(ax, (10, 3))
    ax.set_yscale("function", functions=(_mel, _hertz))
    image = ax.pcolormesh(
        [start + n * step for n in range(levels.shape[1] + 1)], edges, levels, cmap="magma", rasterized=True
    )
    loudest = max(float(levels.max()), SILENT)
    image.set_clim(max(loudest - RANGE, 10 * math.log10(_SILENCE)), loudest)
    ticks = {hertz: name for hertz, name in TICKS.items() if hertz <= edges[-1]}
    ax.set_yticks(list(ticks), list(ticks.values()))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.set(xlim=(start, end), ylim=(edges[0], edges[-1]), xlabel="time (s)", ylabel="frequency (Hz)")
    # An inset keeps the axes as wide as those of figures above and below.
    scale = ax.inset_axes((1.01, 0, 0.012, 1))
    ax.figure.colorbar(image, cax=scale, label="level (dB)")
    return ax


def _envelope(
    read: Callable[[Seconds, Seconds], np.ndarray], like: AudioFile, start: Seconds = 0.0, end: Seconds | None = None
) -> Envelope:
    """The envelope of what `read` gives between two times, which is as long as `like`."""
    import numpy as np

    rate = like.sample_rate
    begin = max(0, round(start * rate))
    last = like.n_samples if end is None else min(like.n_samples, round(end * rate))
    step = max(1, math.ceil((last - begin) / POINTS))
    block = max(1, _BLOCK // step) * step
    peaks, power = [np.zeros(0)], [np.zeros(0)]
    for first in range(begin, last, block):
        samples = read(first / rate, min(first + block, last) / rate)
        channels = samples.reshape(len(samples), -1)
        starts = np.arange(0, len(channels), step)
        lengths = np.diff(starts, append=len(channels))
        peaks.append(np.maximum.reduceat(np.abs(channels).max(axis=1), starts))
        power.append(np.add.reduceat((channels**2).mean(axis=1), starts) / lengths)
    found = np.concatenate(peaks)
    times = (begin + (np.arange(len(found)) + 0.5) * step) / rate
    return Envelope(times, found, np.sqrt(np.concatenate(power)))


def _draw(ax: Axes, sound: Envelope, middle: float = 0.0, scale: float = 1.0) -> None:
    for heights, colour in ((sound.peaks, PALE), (sound.rms, DARK)):
        ax.fill_between(sound.times, middle - scale * heights, middle + scale * heights, color=colour, linewidth=0)


def _above_floor(amplitude: np.ndarray) -> np.ndarray:
    """0 at :data:`FLOOR` and below, 1 at full scale, linear in dB."""
    import numpy as np

    height: np.ndarray = np.clip(1 - 20 * np.log10(np.maximum(amplitude, _SILENCE)) / FLOOR, 0, 1)
    return height


def _told(level: float) -> str:
    return "silent" if math.isinf(level) else f"{level:.0f} dBFS".replace("-", "\N{MINUS SIGN}")


def _levels(read: Read, rate: int, first: int, last: int) -> tuple[np.ndarray, Seconds]:
    """Levels in dB, shape (N_MELS, n_columns), and how long a column is, in seconds."""
    import librosa
    import numpy as np

    # Windows of 43 to 64 ms tell the harmonics of a voice apart.
    size = 2 ** round(math.log2(0.05 * rate))
    wanted = max(rate / 100, (last - first) / COLUMNS)
    per_column = min(_WINDOWS, math.ceil(wanted / (size // 2)))
    hop = math.ceil(wanted / per_column)
    column = per_column * hop
    n_columns = max(1, math.ceil((last - first) / column))
    at_once = max(1, _BLOCK // column)
    # What a sine at full scale has.
    full_scale = (size / 4) ** 2
    bands = []
    for n in range(0, n_columns, at_once):
        count = min(at_once, n_columns - n)
        begin = first + n * column - size // 2
        samples = _mono(read, begin, begin + count * column - hop + size)
        power = librosa.feature.melspectrogram(
            y=samples, sr=rate, n_fft=size, hop_length=hop, center=False, n_mels=N_MELS, fmax=_top(rate), htk=True, norm=None
        )  # fmt: skip
        bands.append(power.reshape(N_MELS, count, per_column).mean(axis=2) / full_scale)
    return 10 * np.log10(np.maximum(np.concatenate(bands, axis=1), _SILENCE)), column / rate


def _mono(read: Read, first: int, last: int) -> np.ndarray:
    """Samples from number `first` up to `last`, with silence where there is no sound."""
    import numpy as np

    samples = read(max(0, first), last)
    mono = samples if samples.ndim == 1 else samples.mean(axis=1)
    before = max(0, -first)
    return np.pad(mono, (before, max(0, last - first - before - len(mono))))


def _top(rate: int) -> float:
    """The highest frequency shown, in Hz: little of speech is above 8 kHz."""
    return min(8000.0, rate / 2)


def _band_edges(top: float) -> np.ndarray:
    """Where the mel bands meet, in Hz, shape (N_MELS + 1,)."""
    import numpy as np

    width = _mel(np.array(top)) / (N_MELS + 1)
    edges = _hertz(width * np.arange(0.5, N_MELS + 1))
    # The outer bands reach as far as there is anything.
    edges[[0, -1]] = 0.0, top
    return edges


def _mel(hertz: np.ndarray) -> np.ndarray:
    import numpy as np

    mel: np.ndarray = 2595.0 * np.log10(1.0 + np.asarray(hertz) / 700.0)
    return mel


def _hertz(mel: np.ndarray) -> np.ndarray:
    import numpy as np

    hertz: np.ndarray = 700.0 * (10.0 ** (np.asarray(mel) / 2595.0) - 1.0)
    return hertz

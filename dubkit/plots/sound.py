"""Sounds over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dubkit.plots.axes import new_axes
from dubkit.record import AudioFile

if TYPE_CHECKING:
    from matplotlib.axes import Axes

POINTS = 2000


def waveform(sound: AudioFile, ax: Axes | None = None) -> Axes:
    """The envelope of a sound over time, in seconds; long sounds are read in pieces."""
    import numpy as np

    ax = new_axes(ax, (10, 2))
    step = max(1, sound.n_samples // POINTS)
    peaks = []
    for start in range(0, sound.n_samples, step * 200):
        samples = sound.load(start / sound.sample_rate, (start + step * 200) / sound.sample_rate)
        mono = np.abs(samples if samples.ndim == 1 else samples.mean(axis=1))
        usable = mono[: len(mono) // step * step].reshape(-1, step)
        peaks.append(usable.max(axis=1) if len(usable) else np.zeros(0, np.float32))
    envelope = np.concatenate(peaks) if peaks else np.zeros(0)
    times = np.arange(len(envelope)) * step / sound.sample_rate
    ax.fill_between(times, -envelope, envelope, color="#999999", linewidth=0)
    ax.set(xlim=(0, sound.duration), ylim=(-1, 1), xlabel="time (s)", ylabel="amplitude")
    return ax

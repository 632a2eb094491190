"""The spectrogram of a line, with its words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dubkit.artefacts import Word
from dubkit.errors import BadInput
from dubkit.plots import new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def spectrogram(
    samples: np.ndarray, sample_rate: int, words: Sequence[Word] = (), ax: Axes | None = None, top: float = 8000.0
) -> Axes:
    """A short sound's spectrogram up to `top` Hz, 70 dB deep, with its words above it.

    Parameters
    ----------
    samples : np.ndarray, shape (n_samples,)
    sample_rate : int
    words : sequence of Word
        In seconds of the sound.
    ax : Axes, optional
    top : float
        Highest frequency shown, in Hz.

    Raises
    ------
    BadInput
        If there is no sound, or more channels than one.
    """
    from scipy.signal import ShortTimeFFT
    from scipy.signal.windows import hann

    if samples.ndim != 1 or not len(samples):
        raise BadInput(f"The sound has the shape {samples.shape}: give samples of one channel.")
    ax = new_axes(ax, (8.0, 2.6))
    size = max(16, round(0.025 * sample_rate))
    transform = ShortTimeFFT(hann(size), max(1, round(0.005 * sample_rate)), sample_rate, mfft=2 * size)
    # Shorter sounds than a window are filled up with silence.
    padded = np.pad(samples, (0, max(0, size - len(samples))))
    power = np.abs(transform.stft(padded)) ** 2
    level = 10 * np.log10(np.maximum(power, 1e-12) / max(float(power.max()), 1e-12))
    duration = len(samples) / sample_rate
    ax.imshow(
        level,
        origin="lower",
        aspect="auto",
        cmap="magma",
        vmin=-70,
        vmax=0,
        interpolation="bilinear",
        extent=(*transform.extent(len(padded))[:2], 0, sample_rate / 2000),
    )
    ax.set(xlim=(0, duration), ylim=(0, min(top, sample_rate / 2) / 1000), xlabel="time (s)", ylabel="frequency (kHz)")
    _write_words(ax, words, duration)
    return ax


def _write_words(ax: Axes, words: Sequence[Word], duration: float) -> None:
    """Words above a time axis, on two levels where neighbours would touch, with a thin line at each start."""
    # About what a letter is wide at this size, in seconds of the axis.
    letter = 0.06 * duration / (ax.bbox.width / ax.figure.dpi)
    ends = [-np.inf, -np.inf]
    for word in words:
        middle, half = (word.start + word.end) / 2, (len(word.text) + 1) * letter / 2
        level = 0 if middle - half >= ends[0] else 1
        ends[level] = middle + half
        ax.axvline(word.start, color="white", linewidth=0.5, alpha=0.6)
        ax.text(
            middle, 1.03 + 0.09 * level, word.text, transform=ax.get_xaxis_transform(), ha="center", fontsize=8,
        )  # fmt: skip

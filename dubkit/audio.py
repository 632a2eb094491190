"""Sound as arrays: reading and writing files in blocks, levels, fades. float32 in [-1, 1], (n_samples, n_channels)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import soundfile

from dubkit.artefacts import AudioFile, Seconds

FULL_SCALE = 0.98
KNEE = 0.7


def read(path: Path, start: Seconds = 0.0, end: Seconds | None = None) -> np.ndarray:
    """Samples of a file between two times; times beyond its ends are cut off.

    Returns
    -------
    np.ndarray, shape (n_samples,) for mono or (n_samples, n_channels)
    """
    with soundfile.SoundFile(path) as sound:
        first = min(max(0, round(start * sound.samplerate)), sound.frames)
        last = sound.frames if end is None else min(max(first, round(end * sound.samplerate)), sound.frames)
        sound.seek(first)
        samples: np.ndarray = sound.read(last - first, dtype="float32")
        return samples


def write(path: Path, blocks: Iterable[np.ndarray], sample_rate: int, subtype: str = "PCM_16") -> AudioFile:
    """Write blocks to a FLAC file as they come; memory holds one block.

    Where there is nothing to write it is one silent sample: libsndfile writes no header before the first.
    """
    n_samples, n_channels, sound = 0, 1, None
    try:
        for block in blocks:
            if sound is None:
                n_channels = 1 if block.ndim == 1 else block.shape[1]
                sound = soundfile.SoundFile(path, "w", sample_rate, n_channels, subtype, format="FLAC")
            sound.write(block)
            n_samples += len(block)
        if n_samples == 0:
            sound = sound or soundfile.SoundFile(path, "w", sample_rate, n_channels, subtype, format="FLAC")
            sound.write(np.zeros((1, n_channels), np.float32))
            n_samples = 1
    finally:
        if sound is not None:
            sound.close()
    return AudioFile.of(path, sample_rate=sample_rate, n_channels=n_channels, n_samples=n_samples)


def open_audio(path: Path) -> AudioFile:
    """The handle of an existing sound file."""
    facts = soundfile.info(path)
    return AudioFile.of(path, sample_rate=facts.samplerate, n_channels=facts.channels, n_samples=facts.frames)


def resample(samples: np.ndarray, source_rate: int, target_rate: int) -> np.ndarray:
    """The same sound at another sample rate (SoX resampler, high quality)."""
    if source_rate == target_rate or not len(samples):
        return samples
    import soxr

    resampled: np.ndarray = soxr.resample(samples, source_rate, target_rate)
    return resampled


def speech_level(samples: np.ndarray, sample_rate: int) -> float:
    """RMS of the parts that sound, as amplitude: 20 ms frames within 30 dB of the loudest; 0 for silence.

    Gating by the loudest frames keeps pauses from making a slow speaker seem quiet (as the relative gate of
    ITU-R BS.1770 does, on a scale that suits single lines).
    """
    frame = max(1, sample_rate // 50)
    usable = samples[: len(samples) // frame * frame].reshape(-1, frame)
    if not len(usable):
        return 0.0
    power = np.mean(usable.astype(np.float64) ** 2, axis=1)
    sounding = power[power > power.max() * 1e-3]
    return float(np.sqrt(sounding.mean())) if len(sounding) else 0.0


def faded(samples: np.ndarray, sample_rate: int, seconds: Seconds = 0.005) -> np.ndarray:
    """The clip with short raised-cosine fades at both ends, so that no edge clicks."""
    n = min(int(seconds * sample_rate), len(samples) // 2)
    if n == 0:
        return samples
    ramp = (0.5 - 0.5 * np.cos(np.pi * np.arange(n) / n)).astype(np.float32)
    out = samples.copy()
    out[:n] *= ramp
    out[-n:] *= ramp[::-1]
    return out


def limited(samples: np.ndarray) -> np.ndarray:
    """Peaks above a knee of 0.7 bent smoothly below 0.98: a sample-wise soft clip, so there is nothing to pump."""
    over = np.abs(samples) - KNEE
    room = FULL_SCALE - KNEE
    bent = KNEE + room * np.tanh(np.maximum(over, 0) / room)
    return np.where(over > 0, np.sign(samples) * bent, samples).astype(np.float32)

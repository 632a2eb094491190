"""Sound as arrays: reading and writing files in blocks, levels, fades. float32 in [-1, 1], (n_samples, n_channels)."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Self

import numpy as np
import soundfile

from dubkit.errors import OutOfSpace
from dubkit.record import AudioFile, Seconds


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


class Writer:
    """A FLAC file written block by block.

    Raises
    ------
    OutOfSpace
        If the disk takes no more; noticed at the latest when the file is closed.
    """

    def __init__(self, path: Path, sample_rate: int, n_channels: int, subtype: str = "PCM_16") -> None:
        self.path, self.sample_rate, self.n_channels, self.n_samples = path, sample_rate, n_channels, 0
        with self._told():
            self._sound = soundfile.SoundFile(path, "w", sample_rate, n_channels, subtype, format="FLAC")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        self._sound.close()

    def write(self, block: np.ndarray) -> None:
        """Append samples."""
        with self._told():
            self._sound.write(block)
        self.n_samples += len(block)

    def close(self) -> AudioFile:
        """Finish the file and give its handle; an empty one gets a silent sample, without which it has no header."""
        if self.n_samples == 0:
            self.write(np.zeros((1, self.n_channels), np.float32))
        with self._told():
            self._sound.close()
            # libsndfile does not tell that the last blocks found no room: read the end back.
            with soundfile.SoundFile(self.path) as sound:
                last = min(self.n_samples, self.sample_rate)
                sound.seek(self.n_samples - last)
                if len(sound.read(last)) != last:
                    raise soundfile.SoundFileError("the end is missing")
        facts = {"sample_rate": self.sample_rate, "n_channels": self.n_channels, "n_samples": self.n_samples}
        return AudioFile.of(self.path, **facts)

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (soundfile.SoundFileError, AssertionError) as error:
            raise OutOfSpace(
                f"{self.path.name} could not be written whole ({error or 'some samples were not taken'}): is the disk full? "
                "Make room and give the same command again; what was finished is kept."
            ) from error


def write(path: Path, blocks: Iterable[np.ndarray], sample_rate: int, subtype: str = "PCM_16") -> AudioFile:
    """Write blocks to a FLAC file as they come; memory holds one block.

    Raises
    ------
    OutOfSpace
        If the disk takes no more.
    """
    waiting = iter(blocks)
    first = next(waiting, np.zeros(0, np.float32))
    with Writer(path, sample_rate, 1 if first.ndim == 1 else first.shape[1], subtype) as writer:
        for block in itertools.chain([first], waiting):
            writer.write(block)
        return writer.close()


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


def resampled(blocks: Iterable[np.ndarray], source_rate: int, target_rate: int) -> Iterator[np.ndarray]:
    """A mono stream at another sample rate, aligned with what comes in; its length is right to a sample."""
    if source_rate == target_rate:
        yield from blocks
        return
    import soxr

    stream = soxr.ResampleStream(source_rate, target_rate, 1, dtype="float32")
    for block in blocks:
        yield stream.resample_chunk(np.ascontiguousarray(block, np.float32))
    yield stream.resample_chunk(np.zeros(0, np.float32), last=True)


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

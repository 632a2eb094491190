"""Loudness: how loud a finished sound is, how far that is from what was asked for, and whether it is distorted by its level.

- ``integrated``: programme loudness in LUFS (ITU-R BS.1770-4 with the gates of EBU R 128); -70 where nothing is loud
  enough to count. Mono counts as what it sounds like on two loudspeakers.
- ``off_target``: absolute distance of that to the target, in LU.
- ``true_peak``: highest peak between samples, in dBTP (BS.1770-4, Annex 2), never told as less than -120.
- ``clipped``: share of samples that stand in a run of three or more at full scale, of any channel. Full scale is an
  absolute value of at least 0.999 with the same sign: a wave that touches full scale does so for one or two samples, one
  that was cut off stays there. Lossy coding after the cut moves samples away from full scale, so in an MP4 it is a lower bound.

Loudness and peak are measured by ffmpeg (:func:`dubkit.loudness.measured`). References: ITU-R BS.1770-4 (2015), EBU R 128
(2020), EBU Tech 3341 (2016).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dubkit.errors import BadInput, StageFailed
from dubkit.loudness import GATE, measured
from dubkit.media import BLOCK_SECONDS, address
from evaluation.measures import Measure, Sample, per_unit

FULL_SCALE = 0.999
SHORTEST_RUN = 3
QUIETEST_PEAK = -120.0
TARGET = -16.0

INTEGRATED = Measure("loudness.integrated", "LUFS", "neither", "ratio", "programme loudness")
OFF_TARGET = Measure("loudness.off_target", "LU", "lower", "ratio", "distance of programme loudness to the target")
TRUE_PEAK = Measure("loudness.true_peak", "dBTP", "lower", "max", "highest peak between samples")
CLIPPED = Measure("loudness.clipped", "share", "lower", "ratio", "samples in runs of three or more at full scale")
MEASURES: tuple[Measure, ...] = (INTEGRATED, OFF_TARGET, TRUE_PEAK, CLIPPED)


@dataclass(frozen=True)
class Level:
    """The level of one sound.

    Parameters
    ----------
    unit : str
        What it is called.
    integrated, target : float
        In LUFS.
    true_peak : float
        In dBTP.
    n_clipped, n_samples : int
        Samples of all channels.
    """

    unit: str
    integrated: float
    target: float
    true_peak: float
    n_clipped: int
    n_samples: int

    @property
    def off_target(self) -> float:
        """Distance to the target, in LU."""
        return abs(self.integrated - self.target)

    @property
    def clipped(self) -> float:
        """Share of samples that are clipped."""
        return self.n_clipped / self.n_samples

    def samples(self) -> list[Sample]:
        """One for each measure."""
        parts = (
            (INTEGRATED, (self.integrated, 1)),
            (OFF_TARGET, (self.off_target, 1)),
            (TRUE_PEAK, (self.true_peak, 1)),
            (CLIPPED, (self.n_clipped, self.n_samples)),
        )
        return [s for measure, part in parts for s in per_unit(measure, [self.unit], [part])]


def validate(path: Path, target: float) -> None:
    """Refuse what cannot be measured.

    Raises
    ------
    BadInput
        If there is no such file, or the target is no loudness.
    """
    if not path.is_file():
        raise BadInput(f"There is no file {path.name!r}: give a FLAC or WAV file, or a video with sound.")
    if not GATE < target <= 0:
        raise BadInput(
            f"The target is {target} LUFS: give a programme loudness above {GATE:g} and up to 0, such as -16."
        )


def score(path: Path, target: float = TARGET, unit: str = "film") -> Level:
    """Measure a FLAC or WAV file, or the first sound track of a video.

    Parameters
    ----------
    path : Path
        The sound.
    target : float
        Loudness that was asked for, in LUFS.
    unit : str
        What the sound is called.

    Raises
    ------
    BadInput
        See :func:`validate`; also if the file is neither, or holds no sound.
    StageFailed
        If it cannot be decoded.
    """
    validate(path, target)
    found = measured(path)
    n_clipped, n_samples = count_clipped(_blocks(path))
    if not n_samples:
        raise BadInput(f"{path.name!r} holds no sound: its level cannot be measured.")
    return Level(unit, found.integrated, target, max(QUIETEST_PEAK, found.true_peak), n_clipped, n_samples)


def count_clipped(blocks: Iterable[np.ndarray]) -> tuple[int, int]:
    """Samples in runs of :data:`SHORTEST_RUN` or more at full scale, and all samples.

    Parameters
    ----------
    blocks : iterable of np.ndarray, shape (n_samples, n_channels)
        A sound in pieces; runs go on from one to the next.
    """
    n_clipped = n_samples = 0
    rest: np.ndarray | None = None
    for block in blocks:
        n_samples += block.size
        whole = block if rest is None else np.concatenate([rest, block])
        n_clipped += _in_runs(whole)
        # The run that a block ends in is counted with what comes after it.
        rest = whole[len(whole) - _longest_end(whole) :]
        n_clipped -= _in_runs(rest)
    return n_clipped + (0 if rest is None else _in_runs(rest)), n_samples


def _sides(samples: np.ndarray) -> np.ndarray:
    """1 at positive, -1 at negative full scale, else 0."""
    sides: np.ndarray = np.sign(samples) * (np.abs(samples) >= FULL_SCALE)
    return sides.astype(np.int8)


def _in_runs(samples: np.ndarray) -> int:
    total = 0
    for side in _sides(samples).T:
        edges = np.flatnonzero(np.diff(side, prepend=np.int8(2), append=np.int8(2)))
        lengths = np.diff(edges)
        total += int(lengths[(lengths >= SHORTEST_RUN) & (side[edges[:-1]] != 0)].sum())
    return total


def _longest_end(samples: np.ndarray) -> int:
    """How many samples before the end the longest run that lasts to the end begins, over the channels."""
    longest = 0
    for side in _sides(samples).T:
        if len(side) and side[-1]:
            other = np.flatnonzero(side != side[-1])
            longest = max(longest, len(side) - (int(other[-1]) + 1 if len(other) else 0))
    return longest


def _blocks(path: Path) -> Iterator[np.ndarray]:
    """The first sound track in blocks of shape (n_samples, n_channels), at its own rate."""
    import av

    try:
        with av.open(address(path)) as container:
            resampler = av.AudioResampler(format="fltp")
            waiting: list[np.ndarray] = []
            for frame in container.decode(audio=0):
                waiting += [f.to_ndarray().T for f in resampler.resample(frame)]
                if sum(map(len, waiting)) >= BLOCK_SECONDS * frame.sample_rate:
                    yield np.concatenate(waiting)
                    waiting = []
            if waiting:
                yield np.concatenate(waiting)
    except av.error.FFmpegError as error:
        raise StageFailed(f"{path.name!r} could not be decoded for measuring its level: {error}") from error

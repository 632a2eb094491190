"""Synchrony: by how much sound and picture of a finished dub lie further apart than those of its film.

Where nobody speaks, film and dub have the same sound. The *sound's shift* is the lag at which their normalised
cross-correlation is greatest, within +-1 s, for the longest quiet stretch of every window of 10 s. A stretch has no answer where
the film is silent (under -60 dBFS), where the correlation stays below 0.5, and where another lag, more than 5 ms away,
fits as well (within 0.01): steady tones repeat themselves. The *picture's shift* is the difference of the times of the first
pictures. Both are counted from the start of their files; coders' priming samples are cut off, as players do.

- ``av_offset``: absolute difference of the two shifts, median over stretches, in seconds; right to 1 ms. The sign is told by the
  result: positive is sound that comes late. Listeners accept about -0.1 to +0.2 s (ITU-R BT.1359-1).
- ``measured``: share of stretches that gave an answer.

Reference for the correlation: Lewis (1995), fast normalized cross-correlation.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

from dubkit import audio, media
from dubkit.errors import BadInput
from dubkit.record import AudioFile
from evaluation.measures import Measure, Sample, per_unit
from evaluation.times.spans import Span, windows

LARGEST = 1.0
"""The largest shift that is looked for, in seconds."""
ALIKE = 0.5
SILENCE = -60.0
# Another lag as good as the best, and from how far away it counts.
TIE, TIE_DISTANCE = 0.01, 0.005
SHORTEST, LONGEST = 0.5, 5.0
STEP = 0.001
"""Picture times that differ by less are equal, in seconds: containers round them."""

AV_OFFSET = Measure("sync.av_offset", "s", "lower", "median", "distance of sound and picture beyond the film's own")
MEASURED = Measure("sync.measured", "share", "neither", "ratio", "quiet stretches that tell the distance")
MEASURES: tuple[Measure, ...] = (AV_OFFSET, MEASURED)


@dataclass(frozen=True)
class Stretch:
    """A quiet stretch: by how much its sound is late, in seconds, or None; and the correlation at that lag."""

    window: str
    start: float
    end: float
    shift: float | None
    correlation: float


@dataclass(frozen=True)
class Synchrony:
    """Sound and picture of a dub against its film.

    Parameters
    ----------
    stretches : tuple of Stretch
        What was listened to.
    picture_shift : float
        By how much later the dub's first picture is shown, in seconds.
    same_pictures : bool
        Whether both show as many pictures, each at the same time after the first.
    """

    stretches: tuple[Stretch, ...]
    picture_shift: float
    same_pictures: bool

    @property
    def offsets(self) -> dict[str, float]:
        """By how much sound is late against the picture, in seconds, by window."""
        return {s.window: s.shift - self.picture_shift for s in self.stretches if s.shift is not None}

    @property
    def av_offset(self) -> float:
        """Median absolute offset; nan where no stretch gave an answer."""
        return median(map(abs, self.offsets.values())) if self.offsets else math.nan

    @property
    def measured(self) -> float:
        """Share of stretches that gave an answer."""
        return len(self.offsets) / len(self.stretches)

    def samples(self) -> list[Sample]:
        """One or two for each window that has a stretch."""
        known = self.offsets
        return [
            *per_unit(AV_OFFSET, known, [(abs(x),) for x in known.values()]),
            *per_unit(MEASURED, [s.window for s in self.stretches], [(s.shift is not None, 1) for s in self.stretches]),
        ]


def validate(dub: Path, film: Path, quiet: Sequence[Span]) -> None:
    """Refuse what cannot be compared.

    Raises
    ------
    BadInput
        If a file is not there; if there are no stretches, or one ends before it starts; or if none is as long as
        :data:`SHORTEST`.
    """
    for path in (dub, film):
        if not path.is_file():
            raise BadInput(f"There is no file {path.name!r}: give the finished dub and the film that it was made from.")
    if not quiet:
        raise BadInput("There are no quiet stretches: synchrony is measured where nobody speaks.")
    for start, end in quiet:
        if not 0 <= start < end < math.inf:
            raise BadInput(f"The quiet stretch {start} to {end} s is none: give (start, end) in seconds of the film.")
    if all(end - start < SHORTEST for start, end in quiet):
        raise BadInput(f"No quiet stretch lasts {SHORTEST} s, which is needed to recognise a sound.")


def score(dub: Path, film: Path, quiet: Sequence[Span]) -> Synchrony:
    """Listen to where nobody speaks, and look when pictures are shown.

    Parameters
    ----------
    dub, film : Path
        Videos. Of each the default sound track is heard.
    quiet : sequence of (start, end)
        Stretches without speech in either, in seconds of the film.

    Raises
    ------
    BadInput
        See :func:`validate`; also if a file is no video.
    """
    validate(dub, film, quiet)
    with tempfile.TemporaryDirectory(prefix="dubkit-sync-") as folder:
        heard, original = (
            audio.write(Path(folder) / name, media.sound(path, media.probe(path)), media.SAMPLE_RATE)
            for name, path in (("dub.flac", dub), ("film.flac", film))
        )
        stretches = []
        for name, start, end in _longest(quiet, min(heard.duration, original.duration)):
            shift, correlation = _shift(heard, original, start, end)
            stretches.append(Stretch(name, start, end, shift, correlation))
    if not stretches:
        raise BadInput("The quiet stretches lie beyond the end of the dub or the film: are the two of one film?")
    shown, expected = _shown(dub), _shown(film)
    later = float(shown[0] - expected[0])
    same = len(shown) == len(expected) and bool(np.all(np.abs(shown - expected - later) < STEP))
    return Synchrony(tuple(stretches), later, same)


def _longest(quiet: Sequence[Span], duration: float) -> list[tuple[str, float, float]]:
    """In each window of the film the longest stretch, its middle if it is very long."""
    found = []
    for window in windows(duration):
        inside = [(max(a, window.start), min(b, window.end)) for a, b in quiet]
        start, end = max(inside, key=lambda s: s[1] - s[0])
        if end - start >= SHORTEST:
            spare = max(0.0, (end - start - LONGEST) / 2)
            found.append((window.name, start + spare, end - spare))
    return found


def _shift(dub: AudioFile, film: AudioFile, start: float, end: float) -> tuple[float | None, float]:
    """By how much later a stretch of the film sounds in the dub, and how alike the two are there."""
    rate = film.sample_rate
    first = max(0.0, start - LARGEST)
    known, wide = _mono(film.load(start, end)), _mono(dub.load(first, end + LARGEST))
    if len(wide) <= len(known) or 10 * math.log10(float(np.mean(known**2)) + 1e-12) < SILENCE:
        return None, 0.0
    likeness = correlation(wide, known)
    best = int(np.argmax(likeness))
    others = likeness.copy()
    reach = round(TIE_DISTANCE * rate)
    others[max(0, best - reach) : best + reach + 1] = -1
    peak = float(likeness[best])
    if peak < ALIKE or float(others.max()) > peak - TIE:
        return None, peak
    return round(best / rate - (start - first), 5), peak


def correlation(wide: np.ndarray, known: np.ndarray) -> np.ndarray:
    """How alike a known sound is to each place of a longer one.

    Parameters
    ----------
    wide, known : np.ndarray, shape (n,) and (m,)
        With n >= m.

    Returns
    -------
    np.ndarray, shape (n - m + 1,)
        From -1 to 1; 0 where the longer sound is silent, more than 60 dB below the known one.
    """
    from scipy.signal import correlate

    product: np.ndarray = correlate(wide, known, mode="valid", method="fft")
    sums = np.concatenate([[0.0], np.cumsum(wide**2)])
    energy = sums[len(known) :] - sums[: -len(known)]
    own = float(np.sum(known**2))
    audible = energy > own * 1e-6
    return np.where(audible, product / np.sqrt(np.where(audible, energy, 1.0) * max(own, 1e-30)), 0.0)


def _mono(samples: np.ndarray) -> np.ndarray:
    return np.asarray(samples if samples.ndim == 1 else samples.mean(axis=1), np.float64)


def _shown(path: Path) -> np.ndarray:
    """When each picture is shown, in seconds from the start of the file, in order."""
    import av

    with av.open(media.address(path), format=media.sniff(path)) as container:
        picture = next(s for s in container.streams.video if not s.disposition & s.disposition.attached_pic)
        origin = (container.start_time or 0) / 1e6
        times = [float(p.pts * p.time_base) - origin for p in container.demux(picture) if p.size and p.pts is not None]
    return np.sort(np.array(times))

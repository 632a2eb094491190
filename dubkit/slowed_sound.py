"""Sound that lasts longer along a map of times, at the same pitch: the bed, or the original, of a film whose picture is slowed.

Where the film runs as it was shot, samples are passed on as they are. Where it is slowed, the sound is not resynthesized
piece by piece (each piece would start with phases of its own, and a stair of the picture's speed lasts a fifth of a
second): it keeps being copied, and every now and then a few hundredths of a second of it are played twice, joined by a
cross-fade where the two takes are most alike. That is time-scale modification by synchronized overlap-add (Roucos and
Wilgus, ICASSP 1985) with joins only where they are due, so there are few of them, and none where the speed changes. It
follows any map and keeps both channels together.

The moment and the length of a repetition are chosen together, as the pair with the least energy of the difference between
the two takes over the cross-fade, which finds silences and steady tones, and of the attacks that would be heard twice. The
cross-fade is matched to how alike the takes are, so that neither music swells nor noise sags in it (Fink, Holters and
Zölzer, "Signal-matched power-complementary cross-fading and dry-wet mixing", DAFx 2016).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dubkit.media import BLOCK_SECONDS, SAMPLE_RATE
from dubkit.record import Seconds
from dubkit.retiming import TimeMap

if TYPE_CHECKING:
    import numpy as np

# Between the shortest and the longest repetition lies a whole period of any tone from 50 Hz on, for joins in phase.
SHORTEST, LONGEST = 0.010, 0.030
FADE = 0.020
# A join is made while the sound is so many seconds ahead of the picture; freedom of choice makes it better. So sound comes
# at most 26 ms before its picture and, after the longest repetition, 24 ms behind it; 45 ms and 125 ms are noticed (ITU-R
# BT.1359-1).
DUE = (0.006, 0.026)
STEEPEST = 2.0
# An attack is a frame of so many seconds with so many times the energy of the four before it.
ATTACK, LOUDER = 0.005, 3.0
MOMENTS = 16


def slowed(blocks: Iterable[np.ndarray], times: TimeMap, sample_rate: int = SAMPLE_RATE) -> Iterator[np.ndarray]:
    """A stream played along a map of times, pitch and stereo kept; memory holds a block or two.

    Parameters
    ----------
    blocks : iterable of np.ndarray, shape (n_samples,) or (n_samples, n_channels)
        The sound of the film, as long as the film.
    times : TimeMap
        With slopes from 1 to :data:`STEEPEST`.
    sample_rate : int
        Hz.

    Yields
    ------
    np.ndarray
        float32 blocks in the form that came in, ``round(times.duration * sample_rate)`` samples in all. Samples of a stretch that
        is not slowed are those of the film, and begin within a sample of where the map says.

    Raises
    ------
    ValueError
        If the map has a slope below 1 or above :data:`STEEPEST`.
    """
    import numpy as np

    film, dub = np.asarray(times.knots).T * sample_rate
    slopes = np.diff(dub) / np.diff(film)
    # Knots are rounded to microseconds.
    if np.any(np.diff(dub) < np.diff(film) - 1) or np.any(slopes > STEEPEST + 0.01):
        raise ValueError(
            f"A sound is slowed by factors from 1 to {STEEPEST:g}, not by {slopes.min():.3f} to {slopes.max():.3f}."
        )
    source, total, written = _Stream(blocks, kept=round(0.1 * sample_rate)), round(float(dub[-1])), 0
    for first, last, slow in _stretches(film, dub):
        extra = np.round(np.interp([first, last], film, dub - film)).astype(int)
        if slow:
            pieces = _Slowing(source, film, dub, sample_rate).pieces(first, last, int(extra[1] - extra[0]))
        else:
            pieces = source.pieces(first, last, int(BLOCK_SECONDS * sample_rate))
        for piece in pieces:
            kept = piece[: total - written]
            written += len(kept)
            yield kept
        source.forget(last)
    if written < total:
        # Rounding of the length leaves a sample at most.
        yield source.take(source.end, source.end + total - written)


def _stretches(film: np.ndarray, dub: np.ndarray) -> list[tuple[int, int, bool]]:
    """First and last sample of the runs of film that are slowed (True) or not, in turn."""
    found: list[tuple[int, int, bool]] = []
    for a, b, longer in zip(film, film[1:], (dub[1:] - dub[:-1]) - (film[1:] - film[:-1]), strict=False):
        first, last, slow = round(float(a)), round(float(b)), bool(longer > 0.5)
        if found and found[-1][2] == slow:
            found[-1] = (found[-1][0], last, slow)
        else:
            found.append((first, last, slow))
    return found


class _Stream:
    """Samples of a stream by number; silence before and after it. Of those given out the last `kept` can be asked for again."""

    def __init__(self, blocks: Iterable[np.ndarray], kept: int) -> None:
        import numpy as np

        self._blocks, self._kept, self._first, self._ended = iter(blocks), kept, 0, False
        self._held = np.zeros(0, np.float32)

    @property
    def end(self) -> int:
        """Number of the sample after the last that was read."""
        return self._first + len(self._held)

    def take(self, first: int, last: int) -> np.ndarray:
        """Samples `first` to `last` (exclusive)."""
        import numpy as np

        while self.end < last and not self._ended:
            block = next(self._blocks, None)
            if block is None:
                self._ended = True
            elif len(block):
                self._held = np.concatenate([self._held, block]) if len(self._held) else block
        found = self._held[max(0, first - self._first) : max(0, last - self._first)]
        if len(found) < last - first:
            before = min(max(0, -first), last - first)
            silence = np.zeros((last - first - len(found), *self._held.shape[1:]), np.float32)
            found = np.concatenate([silence[:before], found, silence[before:]])
        return found

    def forget(self, before: int) -> None:
        """Samples before this one were given out."""
        gone = min(max(0, before - self._kept - self._first), len(self._held))
        self._first, self._held = self._first + gone, self._held[gone:]

    def pieces(self, first: int, last: int, size: int) -> Iterator[np.ndarray]:
        """The samples as they are, in pieces."""
        for start in range(first, last, size):
            yield self.take(start, min(last, start + size))
            self.forget(min(last, start + size))


@dataclass(frozen=True)
class _Slowing:
    """A slowed stretch of the film; `film` and `dub` are the map's knots in samples."""

    source: _Stream
    film: np.ndarray
    dub: np.ndarray
    sample_rate: int

    def pieces(self, first: int, last: int, extra: int) -> Iterator[np.ndarray]:
        """Samples `first` to `last` and `extra` more, a few at a time."""
        at, given = first, 0
        while given < extra:
            half = max(1, min(self._samples(FADE) // 2, (last - at) // 4))
            lag, join = self._join(at, first, last, given, extra, half)
            yield self.source.take(at, join - half)
            yield self._faded(join, lag, half)
            at, given = join - lag + half, given + lag
            self.source.forget(at)
        yield self.source.take(at, max(at, last))

    def _join(self, at: int, first: int, last: int, given: int, extra: int, half: int) -> tuple[int, int]:
        """How much to repeat, and the sample of the film at which to go back.

        Every lag leaves either nothing or enough for another.
        """
        import numpy as np

        left = extra - given
        shortest, longest = self._samples(SHORTEST), self._samples(LONGEST)
        begun = float(np.interp(first, self.film, self.dub - self.film))
        lags = np.arange(1, longest + 1)
        lags = lags[((lags >= shortest) & (left - lags >= shortest)) | (lags == left)]
        due = (
            self._when(begun + given + min(self._samples(d), left * f)) for d, f in zip(DUE, (0.5, 0.9), strict=True)
        )
        # After the last join, before the stretch ends, and with sound to go back to where the film begins.
        floor, ceiling = max(at + half, min(int(lags[-1]) + half, last - half)), last - half
        low, high = (max(floor, min(ceiling, round(moment))) for moment in due)
        moments = np.unique(np.linspace(low, max(low, high), MOMENTS).astype(int))
        cost = self._unlike(moments, int(lags[-1]), half)
        # A lag that leaves just one more also chooses that one: the two must be good together.
        rest = np.where(left - lags <= lags[-1], left - lags, 0)
        together = cost[:, lags] + cost[:, rest]
        row, column = np.unravel_index(int(np.argmin(together)), together.shape)
        return int(lags[column]), int(moments[row])

    def _when(self, extra: float) -> float:
        """The sample of the film at which the map has given so many samples more."""
        import numpy as np

        return float(np.interp(extra, self.dub - self.film, self.film))

    def _unlike(self, moments: np.ndarray, longest: int, half: int) -> np.ndarray:
        """What going back costs, by moment and lag from 0 to `longest`: energy of the difference, and of attacks heard twice."""
        import numpy as np
        from scipy.fft import irfft, next_fast_len, rfft

        before = int(moments[0]) - longest - half
        heard = self.source.take(before, int(moments[-1]) + half).reshape(int(moments[-1]) + half - before, -1)
        starts = moments - moments[0]
        struck = self._attacks(heard)
        size = next_fast_len(longest + 4 * half, real=True)
        # Rows: moments. A row of `past` ends with the take itself, lag 0; `take` is correlated with all of it at once.
        past = np.stack([heard[s : s + longest + 2 * half] for s in starts]).astype(np.float64)
        take = past[:, longest:]
        alike = rfft(past, size, axis=1) * np.conj(rfft(take, size, axis=1))
        product = irfft(alike, size, axis=1).sum(axis=2)
        energy = np.concatenate([np.zeros((len(starts), 1)), np.cumsum((past**2).sum(axis=2), axis=1)], axis=1)
        energies = energy[:, 2 * half :] - energy[:, : -2 * half]
        lags = np.arange(longest + 1)
        different = energies[:, longest - lags] + energies[:, [longest]] - 2 * product[:, longest - lags]
        last = starts[:, None] + longest + 2 * half
        twice = np.where(lags > 0, struck[last] - struck[last - lags - 2 * half], 0.0)
        cost: np.ndarray = np.maximum(different, 0.0) + twice
        return cost

    def _attacks(self, heard: np.ndarray) -> np.ndarray:
        """Energy of all attacks before each sample: of what is much louder than the hundredths of a second before it."""
        import numpy as np

        frame = max(1, self._samples(ATTACK))
        energy = np.concatenate([[0.0], np.cumsum((heard.astype(np.float64) ** 2).sum(axis=1))])
        edges = np.minimum(np.arange(0, len(heard) + frame, frame), len(heard))
        frames = np.diff(energy[edges])
        before = np.convolve(frames, np.r_[0, np.full(4, 0.25)])[: len(frames)]
        # Of the first frames it is not known what was before.
        before[:4] = np.maximum(before[:4], frames[:4].mean())
        attacks = np.concatenate([[0.0], np.cumsum(np.maximum(frames - LOUDER * before, 0.0))])
        found: np.ndarray = np.interp(np.arange(len(heard) + 1), edges, attacks)
        return found

    def _faded(self, join: int, lag: int, half: int) -> np.ndarray:
        """From the film around `join` to the film `lag` samples before, by gains that keep the power."""
        import numpy as np

        out = self.source.take(join - half, join + half)
        back = self.source.take(join - lag - half, join - lag + half)
        power = float(np.sqrt(np.sum(out.astype(float) ** 2) * np.sum(back.astype(float) ** 2)))
        alike = float(np.clip(np.sum(out.astype(float) * back) / power, 0, 1)) if power > 0 else 1.0
        rising = 0.5 - 0.5 * np.cos(np.pi * (np.arange(2 * half) + 0.5) / (2 * half))
        falling = 1 - rising
        even = np.sqrt(rising**2 + falling**2 + 2 * alike * rising * falling)
        gains = (np.stack([falling, rising]) / even).reshape(2, -1, *[1] * (out.ndim - 1))
        faded: np.ndarray = (gains[0] * out + gains[1] * back).astype(np.float32)
        return faded

    def _samples(self, seconds: Seconds) -> int:
        return round(seconds * self.sample_rate)

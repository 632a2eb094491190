"""The recording that shows how a speaker sounds, chosen from the film: pure numbers in, spans out.

Speech that another copies should be clean above all, since what is around it is copied, too: no one else's voice, little
behind it, nothing clipped, few pauses. :func:`measure` describes stretches in which a speaker talks alone in frames of
50 ms; :func:`choose` takes the best single window of 6 to 12 s or, where nobody talks that long alone, joins the best
shorter ones. Windows begin and end in pauses, so that no word is cut.

Score of a window
-----------------
``snr / 30 + voiced / 2 + length / 12 - pauses - 4 clipped``, with ``snr`` the speech level over the background's in dB
(power means over the frames that sound, at most 30: beyond that nobody hears a difference), ``voiced`` the voiced share
of those frames, ``length`` in seconds, ``pauses`` the share of all frames that do not sound, and ``clipped`` that of
frames with samples at full scale. The weights are set by hand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dubkit.record import Seconds

if TYPE_CHECKING:
    import numpy as np

FRAME = 0.05
SHORTEST, LONGEST = 6.0, 12.0
"""Seconds of a single window."""
LEAST = 2.0
"""Seconds of clean speech below which there is no recording at all."""
LEAST_PIECE = 0.8
LEAST_SNR = 5.0
"""dB over the background below which speech does not count as clean."""
MOST_SNR = 30.0
PAUSE = 30.0
"""dB under the loudest frame of a stretch at which speech counts as a pause."""
CLIPPING = 0.99
HEARD = 180.0
"""Seconds per speaker that are worth looking through, the longest stretches first."""
FADE = 0.02
LEAST_PAUSE = 3
"""Frames that make a pause between words; shorter ones are stops within a word."""
PERIODIC = 0.45
"""Normalised autocorrelation from which a frame counts as voiced: Praat's default for the method of Boersma (1993)."""
PITCHES = (60.0, 400.0)
VOICING_RATE = 16_000

Span = tuple[Seconds, Seconds]


@dataclass(frozen=True)
class Stretch:
    """What a stretch of a film sounds like, in frames of 50 ms.

    Parameters
    ----------
    start : float
        When it begins in the film, in seconds.
    speech, background : np.ndarray, shape (n_frames,)
        Mean power.
    voiced, clipped : np.ndarray of bool, shape (n_frames,)
    """

    start: Seconds
    speech: np.ndarray
    background: np.ndarray
    voiced: np.ndarray
    clipped: np.ndarray

    @property
    def sounding(self) -> np.ndarray:
        """The frames that are no pause."""
        loudest = float(self.speech.max(initial=0.0))
        found: np.ndarray = self.speech > max(loudest * 10.0 ** (-PAUSE / 10), 1e-12)
        return found


def measure(start: Seconds, full: np.ndarray, background: np.ndarray, sample_rate: int) -> Stretch:
    """Describe a stretch in which one speaker talks alone.

    Parameters
    ----------
    start : float
        When it begins in the film, in seconds.
    full, background : np.ndarray, shape (n_samples,) or (n_samples, n_channels)
        The whole sound, and that without the speech.
    sample_rate : int
        Of both, in Hz.
    """
    import numpy as np

    from dubkit.audio import resample

    frame = round(FRAME * sample_rate)
    n_frames = min(len(full), len(background)) // frame
    bed = _mono(background)[: n_frames * frame]
    speech = _mono(full)[: n_frames * frame] - bed
    per_frame = frame * (1 if full.ndim == 1 else full.shape[1])
    peaks = np.abs(full[: n_frames * frame]).reshape(n_frames, per_frame).max(axis=1, initial=0.0)
    slow = resample(speech, sample_rate, VOICING_RATE)[: n_frames * round(FRAME * VOICING_RATE)]
    return Stretch(
        start=start,
        speech=_power(speech.reshape(n_frames, frame)),
        background=_power(bed.reshape(n_frames, frame)),
        voiced=_voiced(slow.reshape(n_frames, round(FRAME * VOICING_RATE))),
        clipped=peaks >= CLIPPING,
    )


def choose(stretches: Sequence[Stretch]) -> tuple[Span, ...]:
    """The spans of the film to use, in film order; empty where there are less than two seconds of clean speech.

    Parameters
    ----------
    stretches : sequence of Stretch
        Where the speaker talks alone.
    """
    single = [w for s in stretches for w in _windows(s, SHORTEST, LONGEST)]
    if single:
        return (max(single)[1],)
    pieces = sorted((max(found) for s in stretches if (found := _windows(s, LEAST_PIECE, SHORTEST))), reverse=True)
    taken: list[Span] = []
    left = LONGEST
    for _, (start, end) in pieces:
        if LONGEST - left < SHORTEST and end - start <= left:
            taken.append((start, end))
            left -= end - start
    return tuple(sorted(taken)) if LONGEST - left >= LEAST else ()


def join(pieces: Sequence[np.ndarray], source_rate: int, target_rate: int) -> np.ndarray:
    """One recording from several, at another sample rate, with a short fade at each edge.

    Returns
    -------
    np.ndarray, shape (n_samples,)
        Within [-1, 1].
    """
    import numpy as np

    from dubkit.audio import faded, resample

    parts = [faded(resample(piece, source_rate, target_rate), target_rate, FADE) for piece in pieces]
    joined: np.ndarray = np.clip(np.concatenate(parts), -1.0, 1.0).astype(np.float32)
    return joined


def speech_of(full: np.ndarray, background: np.ndarray) -> np.ndarray:
    """The separated speech, mono: what the whole sound has and the background has not."""
    n = min(len(full), len(background))
    speech: np.ndarray = _mono(full)[:n] - _mono(background)[:n]
    return speech


def _windows(stretch: Stretch, shortest: Seconds, longest: Seconds) -> list[tuple[float, Span]]:
    """Score and span of each clean window between two edges: pauses, and the stretch's own ends."""
    import numpy as np

    sounding = stretch.sounding
    sums = {
        name: np.concatenate([[0.0], np.cumsum(values)])
        for name, values in (
            ("speech", stretch.speech * sounding),
            ("background", stretch.background * sounding),
            ("voiced", stretch.voiced & sounding),
            ("clipped", stretch.clipped),
            ("sounding", sounding),
        )
    }
    for starts, ends in _edges(sounding):
        found = []
        for first in starts:
            for last in ends[(ends >= first + shortest / FRAME) & (ends <= first + longest / FRAME)]:
                within = {name: float(s[last] - s[first]) for name, s in sums.items()}
                score = _score(int(last - first), **within)
                if score is not None:
                    found.append((score, (stretch.start + float(first) * FRAME, stretch.start + float(last) * FRAME)))
        if found:
            return found
    return []


def _edges(sounding: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Frames at which windows may begin and end: at pauses between words; failing those, at any; failing those, anywhere.

    The stretch's own ends are always among them. A frame of the pause stays at each side.
    """
    import numpy as np

    n = len(sounding)
    for shortest_pause in (LEAST_PAUSE, 1):
        changes = np.flatnonzero(np.diff(np.concatenate([[1], sounding.astype(int), [1]])))
        pauses = changes.reshape(-1, 2)
        pauses = pauses[pauses[:, 1] - pauses[:, 0] >= shortest_pause]
        starts = np.unique(np.concatenate([[0], pauses[:, 1] - 1]))
        yield starts, np.unique(np.concatenate([pauses[:, 0] + 1, [n]]))
    everywhere = np.arange(0, n + 1, 5)
    yield everywhere, everywhere


def _score(
    n_frames: int, speech: float, background: float, voiced: float, clipped: float, sounding: float
) -> float | None:
    """See the module's text; None where the speech is not clean or there is hardly any."""
    import numpy as np

    if sounding < n_frames / 2:
        return None
    snr = min(MOST_SNR, 10.0 * float(np.log10(speech / max(background, speech * 1e-6))))
    if snr < LEAST_SNR:
        return None
    pauses = 1.0 - sounding / n_frames
    return snr / 30.0 + voiced / sounding / 2.0 + n_frames * FRAME / 12.0 - pauses - 4.0 * clipped / n_frames


def _voiced(frames: np.ndarray) -> np.ndarray:
    """Which frames are periodic at the pitch of a voice: peak of the autocorrelation, divided by that of the window."""
    import numpy as np

    n_frames, n = frames.shape
    if not n_frames:
        return np.zeros(0, bool)
    window = np.hanning(n)
    centred = (frames - frames.mean(axis=1, keepdims=True)) * window

    def correlation(signal: np.ndarray) -> np.ndarray:
        spectrum = np.abs(np.fft.rfft(signal, 2 * n, axis=-1)) ** 2
        products = np.fft.irfft(spectrum, axis=-1)[..., :n]
        normalised: np.ndarray = products / np.maximum(products[..., :1], 1e-12)
        return normalised

    low, high = round(VOICING_RATE / PITCHES[1]), round(VOICING_RATE / PITCHES[0])
    peaks: np.ndarray = correlation(centred)[:, low:high] / correlation(window)[low:high]
    found: np.ndarray = peaks.max(axis=1) >= PERIODIC
    return found


def _power(frames: np.ndarray) -> np.ndarray:
    import numpy as np

    power: np.ndarray = np.mean(frames.astype(np.float64) ** 2, axis=1)
    return power


def _mono(samples: np.ndarray) -> np.ndarray:
    mono: np.ndarray = samples if samples.ndim == 1 else samples.mean(axis=1)
    return mono

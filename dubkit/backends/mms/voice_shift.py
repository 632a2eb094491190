"""One voice made into several: its pitch and its formants moved, each by a factor of its own.

The larynx sets the pitch and the vocal tract the formants, and between women and men they differ by different factors:
about 1.75 and 1.17 (Hillenbrand et al. 1995). So the sound is resampled by Rubber Band first, which moves both by the
formants' factor, and then moved on in pitch with its formants kept. Short windows and smooth transients leave it readable
to a recogniser where the defaults do not (``benchmarks/voice_shift.py``).
"""

from __future__ import annotations

import functools
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dubkit.artefacts import Gender
from dubkit.errors import StageFailed
from dubkit.media import ffmpeg_program, tell_of_ffmpeg
from dubkit.record import Seconds

if TYPE_CHECKING:
    import numpy as np

MIDDLE_PITCH = 160.0
"""Hz between the usual pitch of men and of women."""
USUAL_PITCH: dict[Gender, float] = {"female": 205.0, "male": 120.0}
"""Hz to which a voice of the other gender is moved; at 115 a recogniser already made mistakes."""
PITCH = (0.6, 1.95)
"""Factors between which a recogniser still reads a voice that was moved in pitch."""
FORMANT = (0.86, 1.16)
TOGETHER = (0.85, 1.2)
"""Factors for both together, where ffmpeg was built without Rubber Band."""
TIED = 0.27
"""Exponent that makes the formants' factor of the pitch's: log 1.17 / log 1.75, rounded."""
_PITCH_RANGE = (60.0, 400.0)
_FRAME, _HOP = 0.04, 0.01
_VOICED = 0.5
_OCTAVE_COST = 0.02
_MARGIN: Seconds = 0.25
_MOST_DELAY: Seconds = 0.08
NO_RUBBERBAND = (
    "ffmpeg was built without Rubber Band: synthetic voices that are made of others sound less unlike. "
    "The ffmpeg of the package imageio-ffmpeg has it."
)
_RUBBERBAND = "rubberband=pitch={:.6f}:formant={}:window=short:transients=smooth"


@dataclass(frozen=True)
class Variant:
    """A voice to be made of another.

    Parameters
    ----------
    gender : str
        How it is to be heard.
    apart : float
        Semitones away from the first variant of this gender.
    """

    gender: Gender
    apart: float = 0.0


VARIANTS = {
    "female": Variant("female"),
    "male": Variant("male"),
    "female2": Variant("female", 2.0),
    "male2": Variant("male", 2.0),
}


@dataclass(frozen=True)
class Shift:
    """Factors by which pitch and formants move; 1 leaves them."""

    pitch: float = 1.0
    formant: float = 1.0


def shift(variant: Variant, pitch: float | None) -> Shift:
    """What makes a variant of a voice with a median pitch in Hz; nothing where that is not known.

    A voice that is of the variant's gender is left alone, or moved a little towards what is usual for that gender.
    """
    if pitch is None:
        return Shift()
    step = 2.0 ** (variant.apart / 12.0)
    usual = USUAL_PITCH[variant.gender]
    if (pitch < MIDDLE_PITCH) == (variant.gender == "male"):
        factor = step if pitch < usual else 1.0 / step
    else:
        factor = _within(usual / pitch, PITCH) * (step if variant.gender == "male" else 1.0 / step)
    return Shift(factor, _within(factor**TIED, FORMANT))


def shifted(samples: np.ndarray, sample_rate: int, by: Shift) -> np.ndarray:
    """A mono clip in another voice: as long to the sample, as loud, and in step with what was given.

    Raises
    ------
    StageFailed
        If ffmpeg fails.
    """
    import numpy as np

    if by == Shift() or not samples.any():
        return samples
    margin = round(_MARGIN * sample_rate)
    padded = np.pad(samples, margin)
    moved = _filtered(padded, sample_rate, _filters(by, sample_rate))
    delay = _delay(padded, moved, sample_rate)
    start = margin + delay
    cut = moved[start : start + len(samples)]
    cut = np.pad(cut, (0, len(samples) - len(cut)))
    level = np.sqrt(np.mean(samples**2, dtype=np.float64) / max(np.mean(cut**2, dtype=np.float64), 1e-12))
    peak = float(np.abs(cut).max()) * level
    louder: np.ndarray = (cut * (level / max(peak, 1.0))).astype(np.float32)
    return louder


def median_pitch(waveforms: Sequence[np.ndarray], sample_rate: int) -> float | None:
    """Median F0 in Hz over the voiced frames of a speaker's clips; None where nothing is voiced.

    The autocorrelation of each windowed frame is divided by the window's own, and of its peaks one at twice the pitch is
    preferred to an equal one below (Boersma 1993).
    """
    import numpy as np

    found = [_frame_pitches(w, sample_rate) for w in waveforms if len(w) >= _FRAME * sample_rate]
    pitches = np.concatenate(found) if found else np.zeros(0)
    return float(np.median(pitches)) if len(pitches) else None


def _frame_pitches(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    import numpy as np

    size, hop = round(_FRAME * sample_rate), round(_HOP * sample_rate)
    window = np.hanning(size + 2)[1:-1]
    n_fft = 1 << (2 * size - 1).bit_length()
    frames = np.lib.stride_tricks.sliding_window_view(samples.astype(np.float64), size)[::hop]
    frames = (frames - frames.mean(axis=1, keepdims=True)) * window
    power = np.abs(np.fft.rfft(np.vstack([frames, window[None]]), n_fft)) ** 2
    likeness = np.fft.irfft(power)[:, :size]
    energy, likeness = likeness[:-1, 0], likeness / np.maximum(likeness[:, :1], 1e-12)
    low, high = _PITCH_RANGE
    lags = np.arange(int(sample_rate / high), int(sample_rate / low) + 1)
    peaks = likeness[:-1, lags] / likeness[-1, lags]
    best = (peaks - _OCTAVE_COST * np.log2(lags / lags[0])).argmax(axis=1)
    voiced = (peaks[np.arange(len(best)), best] > _VOICED) & (energy > energy.max() * 1e-3) & (energy > 1e-9)
    pitches: np.ndarray = sample_rate / lags[best[voiced]]
    return pitches


@functools.cache
def has_rubberband() -> bool:
    """Whether this machine's ffmpeg was built with Rubber Band."""
    command = [ffmpeg_program(), "-hide_banner", "-filters"]
    return b" rubberband " in subprocess.run(command, capture_output=True).stdout  # noqa: S603


def shifter() -> str:
    """Name of the filter that moves voices on this machine: they sound otherwise with the other one."""
    return "rubberband" if has_rubberband() else "atempo"


def _filters(by: Shift, sample_rate: int) -> str:
    if has_rubberband():
        steps = [("shifted", by.formant), ("preserved", by.pitch / by.formant)]
        return ",".join(_RUBBERBAND.format(factor, formant) for formant, factor in steps)
    # Between the two factors: played faster and slowed down again, a voice moves in both by one.
    both = _within((by.pitch * by.formant) ** 0.5, TOGETHER)
    played = round(sample_rate * both)
    return f"asetrate={played},aresample={sample_rate},atempo={sample_rate / played:.6f}"


def _filtered(samples: np.ndarray, sample_rate: int, filters: str) -> np.ndarray:
    import numpy as np

    command = [ffmpeg_program(), "-v", "error", "-f", "f32le", "-ar", str(sample_rate), "-ac", "1", "-i", "pipe:0"]
    command += ["-filter:a", filters, "-ar", str(sample_rate), "-f", "f32le", "pipe:1"]
    begun = time.perf_counter()
    done = subprocess.run(command, input=samples.astype("<f4").tobytes(), capture_output=True)  # noqa: S603
    tell_of_ffmpeg("moving a voice", begun, done.returncode)
    if done.returncode:
        raise StageFailed(f"ffmpeg failed while moving a voice: {done.stderr.decode(errors='replace')}")
    return np.frombuffer(done.stdout, np.float32)


def _delay(given: np.ndarray, moved: np.ndarray, sample_rate: int) -> int:
    """Samples by which `moved` lags behind, from the correlation of the two envelopes; ffmpeg's releases differ in it."""
    import numpy as np

    envelopes = [_envelope(samples, sample_rate) for samples in (given, moved)]
    n = 2 * max(len(e) for e in envelopes)
    first, second = (np.fft.rfft(e - e.mean(), n) for e in envelopes)
    match = np.fft.irfft(second * np.conj(first), n)
    most = round(_MOST_DELAY * sample_rate)
    lags = np.arange(-most, most + 1)
    return int(lags[match[lags].argmax()])


def _envelope(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """Mean magnitude over 10 ms around each sample."""
    import numpy as np

    width = sample_rate // 100
    total = np.cumsum(np.pad(np.abs(samples).astype(np.float64), width))
    smooth: np.ndarray = (total[width:] - total[:-width]) / width
    return smooth


def _within(value: float, limits: tuple[float, float]) -> float:
    return min(max(value, limits[0]), limits[1])

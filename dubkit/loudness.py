"""How loud a sound is, and bringing a mix to a programme loudness under a true-peak ceiling.

Loudness is that of ITU-R BS.1770-4 and EBU R 128 (LUFS, differences in LU); the whole of a file is measured by ffmpeg's
``ebur128`` filter. One gain for the whole programme, then a look-ahead limiter
that moves around peaks only: the balance of a mix stays as it was made, and nothing pumps.
"""

from __future__ import annotations

import functools
import re
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from dubkit import audio
from dubkit.errors import StageFailed
from dubkit.media import BLOCK_SECONDS, SAMPLE_RATE, address, ffmpeg_program, sniff, tell_of_ffmpeg
from dubkit.record import AudioFile

# BS.1770's absolute gate: what is quieter than this has no loudness.
GATE = -70.0
# A mix as float32 may pass full scale, a file may not: it waits this many dB lower, in 24 bit, where rounding lies
# 30 dB below that of the 16 bit that it ends in.
HEADROOM = 18.0
# What is too quiet by more than this is mostly noise of the recording, and is better left quiet than blown up.
GREATEST_GAIN = 20.0
# EBU R 128 allows 0.5 LU for programmes that are not measured before they are finished.
TOLERANCE = 0.2
# Between two ways of finding the peaks between samples; also covers the rounding to 16 bit and of the printed peak.
PEAK_MARGIN = 0.1
CORRECTIONS = 2

# In samples: 12 ms and 40 ms.
RAMP, HOLD = 576, 1920
OVERSAMPLING = 4
# Peaks between samples pass the samples by less than this factor in anything but made-up signals.
BETWEEN_SAMPLES = 2.0

_FIELD = re.compile(r"lavfi\.r128\.([\w.]+)=(\S+)")


@dataclass(frozen=True)
class Loudness:
    """The loudness of a file.

    Parameters
    ----------
    integrated : float
        Programme loudness in LUFS; -70 where nothing passes the gate.
    true_peak : float
        Highest peak between samples, in dBTP, read to a thousandth of full scale; -inf below that.
    """

    integrated: float
    true_peak: float


def measured(path: Path, *, gain: float = 0.0) -> Loudness:
    """Measure a FLAC or WAV file, or the first sound track of a video, as if played `gain` dB louder.

    Mono counts as what it sounds like on two loudspeakers, 3 LU louder than one channel.

    Raises
    ------
    BadInput
        If the file is neither.
    StageFailed
        If ffmpeg cannot read it.
    """
    last = dict(fields(path, f"volume={gain}dB:precision=float," if gain else "", peaks=True))
    return Loudness(integrated=max(GATE, last.get("I", GATE)), true_peak=_db(last.get("true_peak", 0.0)))


def fields(path: Path, before: str = "", *, peaks: bool = False) -> Iterator[tuple[str, float]]:
    """What ffmpeg's ``ebur128`` tells of a sound as it hears it, ten times a second: names and values.

    Parameters
    ----------
    path : Path
        See :func:`measured`, also for what is raised.
    before : str
        Filters that the sound goes through first, each with a comma after it.
    peaks : bool
        Look for the peaks between samples too, which takes several times as long.
    """
    graph = f"{before}ebur128=peak={'true' if peaks else 'none'}:metadata=1:framelog=verbose:dualmono=true"
    graph += ",ametadata=mode=print:file=-"
    command = [ffmpeg_program(), "-v", "error", "-nostdin", "-f", _container(path), "-i", address(path)]
    command += ["-map", "0:a:0", "-af", graph, "-f", "null", "-"]
    begun = time.perf_counter()
    with tempfile.TemporaryFile() as complaints:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=complaints, text=True) as process:  # noqa: S603
            assert process.stdout is not None
            for line in process.stdout:
                if field := _FIELD.match(line):
                    yield field[1], float(field[2])
        complaints.seek(0)
        said = complaints.read().decode(errors="replace").strip()
    tell_of_ffmpeg("measuring the loudness", begun, process.returncode)
    if process.returncode:
        raise StageFailed(f"ffmpeg failed while measuring the loudness of {path.name!r}: {said[-500:]}")


def mastered(blocks: Iterable[np.ndarray], target: Path, loudness: float | None, true_peak: float) -> AudioFile:
    """A stream of 48 kHz float blocks as the finished file; see :func:`normalised`.

    Until its loudness is known the stream waits in a file beside `target`, :data:`HEADROOM` lower, so that no peak is cut.

    Raises
    ------
    OutOfSpace
        If the disk takes no more.
    """
    waiting = target.with_name(f"{target.stem}.mix.flac")
    factor = np.float32(_factor(-HEADROOM))
    try:
        audio.write(waiting, (block * factor for block in blocks), SAMPLE_RATE, "PCM_24")
        return normalised(waiting, target, loudness, true_peak, headroom=HEADROOM)
    finally:
        waiting.unlink(missing_ok=True)


def normalised(
    source: Path, target: Path, loudness: float | None, true_peak: float, *, headroom: float = 0.0
) -> AudioFile:
    """Bring a 48 kHz file to a programme loudness under a ceiling for its peaks, sample for sample in place.

    What is written is measured; a gain that the limiter has eaten up is given again, and a peak that passes the ceiling
    lowers it, at most :data:`CORRECTIONS` times. Silence and what lies below the gate of -70 LUFS keep their level. The
    16 bits are rounded, not dithered: silence stays digital, and the error, 80 dB below the programme, is inaudible.

    Parameters
    ----------
    source : Path
        FLAC or WAV, mono or stereo.
    target : Path
        The FLAC file to write, stereo 16 bit.
    loudness : float or None
        LUFS; None leaves the level. No more than +20 dB are given: see :data:`GREATEST_GAIN`.
    true_peak : float
        Ceiling in dBTP.
    headroom : float
        How many dB lower than it is meant to be the source lies.

    Raises
    ------
    ValueError
        If the source is not at 48 kHz.
    OutOfSpace
        If the disk takes no more.
    """
    rate = soundfile.info(source).samplerate
    if rate != SAMPLE_RATE:
        raise ValueError(f"{source.name!r} is at {rate} Hz; the mix is normalised at {SAMPLE_RATE} Hz")
    gain, aim = headroom, None
    if loudness is not None and (level := measured(source, gain=headroom).integrated) > GATE:
        aim = min(loudness, level + GREATEST_GAIN)
        gain += aim - level
    ceiling = true_peak - PEAK_MARGIN
    for attempt in range(CORRECTIONS + 1):
        file = audio.write(target, _limited(_stereo(source), _factor(gain), _factor(ceiling)), SAMPLE_RATE)
        result = measured(target)
        over = result.true_peak - true_peak
        short = 0.0 if aim is None else aim - result.integrated
        if attempt == CORRECTIONS or (over <= 0 and short <= TOLERANCE):
            break
        gain += short if short > TOLERANCE else 0.0
        ceiling -= max(0.0, over)
    return file


def speech_loudness(samples: np.ndarray, sample_rate: int) -> float:
    """Loudness of one line in one channel: its sounding parts, weighted by BS.1770's K filter.

    As :func:`dubkit.audio.speech_level`, frames of 20 ms within 30 dB of the loudest count. The 0.4 s blocks of the
    standard do not: a line may be shorter than one.

    Parameters
    ----------
    samples : np.ndarray, shape (n_samples,)

    Returns
    -------
    float
        LUFS of a single channel; -inf for silence.
    """
    weighted = k_weighted(audio.resample(samples, sample_rate, SAMPLE_RATE))
    return -0.691 + _db(audio.speech_level(weighted, SAMPLE_RATE))


def k_weighted(samples: np.ndarray) -> np.ndarray:
    """48 kHz samples as the ear weighs them: the two biquads of ITU-R BS.1770-4, Annex 1, tables 1 and 2.

    Parameters
    ----------
    samples : np.ndarray, shape (n_samples,) or (n_samples, n_channels)
    """
    from scipy.signal import sosfilt

    if not len(samples):
        return samples.astype(np.float64)
    head = [1.53512485958697, -2.69169618940638, 1.19839281085285, 1.0, -1.69065929318241, 0.73248077421585]
    low_cut = [1.0, -2.0, 1.0, 1.0, -1.99004745483398, 0.99007225036621]
    weighted: np.ndarray = sosfilt(np.array([head, low_cut]), samples.astype(np.float64), axis=0)
    return weighted


def _stereo(path: Path) -> Iterator[np.ndarray]:
    with soundfile.SoundFile(path) as sound:
        for block in sound.blocks(int(BLOCK_SECONDS * SAMPLE_RATE), dtype="float32", always_2d=True):
            yield np.repeat(block, 2, axis=1) if block.shape[1] == 1 else block


def _limited(blocks: Iterable[np.ndarray], gain: float, ceiling: float) -> Iterator[np.ndarray]:
    """The stream at a gain, with its true peaks held under a ceiling (both factors); the same samples come out.

    A look-ahead limiter: the gain falls over the `RAMP` before a peak, stays for `HOLD` and rises over another `RAMP`,
    and is 1 elsewhere. `HOLD` spans several periods of the lowest voice: a gain that follows single waves distorts them.
    """
    # Samples to either side of a block that the gain inside it depends on.
    reach = 2 * RAMP + HOLD + 64
    tail = np.zeros((reach, 2), np.float32)
    waiting: np.ndarray | None = None
    for block in blocks:
        block = block * np.float32(gain)
        if waiting is not None:
            yield _held_down(tail, waiting, block[:reach], ceiling)
            tail = np.concatenate([tail, waiting])[-reach:]
        waiting = block
    if waiting is not None:
        yield _held_down(tail, waiting, np.zeros((0, 2), np.float32), ceiling)


def _held_down(before: np.ndarray, block: np.ndarray, after: np.ndarray, ceiling: float) -> np.ndarray:
    """A block limited in the light of what comes before and after it."""
    from scipy.ndimage import minimum_filter1d, uniform_filter1d

    whole = np.concatenate([before, block, after])
    if np.abs(whole).max(initial=0.0) * BETWEEN_SAMPLES <= ceiling:
        return block
    wanted = np.minimum(1.0, ceiling / np.maximum(_peaks(whole), 1e-9))
    half = RAMP // 2
    # The least gain wanted from `half` samples later to `half + HOLD` samples earlier; then two boxes, `half` wide
    # together to either side, make the ramps.
    held = minimum_filter1d(wanted, 2 * half + HOLD + 1, origin=HOLD // 2, mode="nearest")
    for _ in range(2):
        held = uniform_filter1d(held, half // 2 * 2 + 1, mode="nearest")
    limited: np.ndarray = whole * held[:, None].astype(np.float32)
    return limited[len(before) : len(before) + len(block)]


def _peaks(samples: np.ndarray) -> np.ndarray:
    """The highest absolute value between each sample and the next, over the channels (BS.1770-4, Annex 2)."""
    from scipy.signal import upfirdn

    fir = _interpolator()
    peaks: np.ndarray = np.abs(samples).max(axis=1)
    for channel in samples.T:
        dense = upfirdn(fir, np.ascontiguousarray(channel), up=OVERSAMPLING)[len(fir) // 2 :]
        for phase in range(1, OVERSAMPLING):
            np.maximum(peaks, np.abs(dense[phase::OVERSAMPLING][: len(peaks)]), out=peaks)
    return peaks


@functools.cache
def _interpolator() -> np.ndarray:
    """A low pass for 4 times the rate, 24 taps a phase."""
    from scipy.signal import firwin

    fir: np.ndarray = firwin(24 * OVERSAMPLING + 1, 1 / OVERSAMPLING, window=("kaiser", 6.0)) * OVERSAMPLING
    return fir.astype(np.float32)


def _container(path: Path) -> str:
    with path.open("rb") as stream:
        head = stream.read(12)
    if head.startswith(b"fLaC"):
        return "flac"
    return "wav" if head[:4] in (b"RIFF", b"RF64") and head[8:] == b"WAVE" else sniff(path)


def _db(amplitude: float) -> float:
    return float(20 * np.log10(amplitude)) if amplitude > 0 else -np.inf


def _factor(db: float) -> float:
    return float(10 ** (db / 20))

"""Background: how well it was taken apart from the speech, and what is left of it in the dub.

Scale-invariant signal-to-distortion ratio (SI-SDR; Le Roux, Wisdom, Erdogan and Hershey 2019) of an estimate e against a
truth s: with a = <e, s> / <s, s>, it is 10 log10(|a s|^2 / |e - a s|^2), in dB. Means are not taken off; all channels are one
long signal. Values are kept within +-:data:`LIMIT` dB: a perfect estimate has 40, a silent one -40.

*Separation* (``si_sdr`` of the bed, ``speech_si_sdr`` of the speech, which is the film's sound minus the bed) is scored in
windows of 10 s and averaged over those in which the truth is not silent (above -60 dBFS).

*Kept* is about stretches in which neither the film nor its dub speaks, so that all that sounds is the bed:

- ``level_error``: absolute difference of levels, dub against film, in dB, apart from the gain that the whole programme was
  given: a dub that is 6 dB softer altogether has an error in loudness, not here. That gain is the difference of the
  programme loudnesses, which speech makes up in both; so a dub whose voices are louder against the bed has an error too.
  A bed that is missing has an error of :data:`LIMIT`, as has anything worse.
- ``kept_si_sdr``: SI-SDR of the dub's sound against the film's. It knows of no gain.

All quiet stretches within a window of 10 s are one; windows with less than 0.5 s of them, or in which the film is silent,
have no score.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np

from dubkit.artefacts import Tracks
from dubkit.audio import open_audio, resample
from dubkit.errors import BadInput
from dubkit.loudness import measured
from dubkit.record import AudioFile
from evaluation.measures import Measure, Sample, per_unit
from evaluation.times.spans import Span, Window, windows

LIMIT = 40.0
SILENCE = -60.0
SHORTEST = 0.5
"""Seconds of quiet in a window from which it is scored."""
# Read around what is resampled, so that its ends are right.
MARGIN = 0.1
# Stems may be longer or shorter than the film by as much, in seconds: coders fill up their frames.
SLACK = 0.5

SI_SDR = Measure("background.si_sdr", "dB", "higher", "ratio", "separated background against the true one, SI-SDR")
SPEECH = Measure("background.speech_si_sdr", "dB", "higher", "ratio", "separated speech against the true one, SI-SDR")
LEVEL = Measure("background.level_error", "dB", "lower", "ratio", "background's level in the dub's quiet stretches")
KEPT = Measure("background.kept_si_sdr", "dB", "higher", "ratio", "sound of the dub's quiet stretches, SI-SDR")
MEASURES: tuple[Measure, ...] = (SI_SDR, SPEECH, LEVEL, KEPT)


@dataclass(frozen=True)
class Separation:
    """SI-SDR in dB by window, of the bed and of the speech."""

    bed: dict[str, float]
    speech: dict[str, float]

    @property
    def si_sdr(self) -> float:
        """Mean over windows of the bed; nan where the true bed is silent throughout."""
        return _mean(self.bed)

    @property
    def speech_si_sdr(self) -> float:
        """Mean over windows of the speech; nan where nobody speaks."""
        return _mean(self.speech)

    def samples(self) -> list[Sample]:
        """One for each window and stem that is scored."""
        return [*_samples(SI_SDR, self.bed), *_samples(SPEECH, self.speech)]


@dataclass(frozen=True)
class Kept:
    """What became of the bed, by window: signed difference of levels and SI-SDR, both in dB.

    ``gain`` is what the whole programme was given, in dB; it is taken off the levels.
    """

    levels: dict[str, float]
    si_sdr: dict[str, float]
    gain: float

    @property
    def level_error(self) -> float:
        """Mean absolute difference of levels; nan where no window is scored."""
        return _mean({name: abs(level) for name, level in self.levels.items()})

    @property
    def kept_si_sdr(self) -> float:
        """Mean SI-SDR; nan where no window is scored."""
        return _mean(self.si_sdr)

    def samples(self) -> list[Sample]:
        """Two for each window that is scored."""
        return [*_samples(LEVEL, {name: abs(x) for name, x in self.levels.items()}), *_samples(KEPT, self.si_sdr)]


def si_sdr(estimate: np.ndarray, truth: np.ndarray) -> float:
    """Scale-invariant signal-to-distortion ratio in dB, within +-:data:`LIMIT`.

    Parameters
    ----------
    estimate, truth : np.ndarray
        Of the same shape. A silent truth gives nan.

    Raises
    ------
    BadInput
        If the shapes differ.
    """
    if np.shape(estimate) != np.shape(truth):
        raise BadInput(
            f"The estimate has the shape {np.shape(estimate)}, the truth {np.shape(truth)}: give equal ones."
        )
    e, s = (np.asarray(x, np.float64).ravel() for x in (estimate, truth))
    power = float(s @ s)
    if not power:
        return math.nan
    image = float(e @ s) / power * s
    target, rest = float(image @ image), float(np.sum((e - image) ** 2))
    if not target:
        return -LIMIT
    return float(np.clip(10 * math.log10(target / rest), -LIMIT, LIMIT)) if rest else LIMIT


def validate(*sounds: tuple[str, AudioFile], spans: Sequence[Span] | None = None) -> None:
    """Refuse what cannot be compared.

    Parameters
    ----------
    *sounds : (name, AudioFile)
        They have to last equally long.
    spans : sequence of (start, end), optional
        Quiet stretches.

    Raises
    ------
    BadInput
        If lengths differ by more than :data:`SLACK`, or stretches are none, out of order, overlapping or outside.
    """
    name, first = sounds[0]
    for other, sound in sounds[1:]:
        if abs(sound.duration - first.duration) > SLACK:
            raise BadInput(
                f"The {name} lasts {first.duration:.2f} s, the {other} {sound.duration:.2f} s: are they of one film?"
            )
    if spans is None:
        return
    if not spans:
        raise BadInput("There are no quiet stretches: the bed is looked at where nobody speaks.")
    at = 0.0
    for start, end in spans:
        if not at <= start < end <= first.duration + SLACK:
            raise BadInput(
                f"The quiet stretch {start} to {end} s does not fit: give (start, end) in order of time, without "
                f"overlaps, within the {name}'s {first.duration:.2f} s."
            )
        at = end


def separation(tracks: Tracks, *, speech: Path, bed: Path) -> Separation:
    """Hold a separated film against the stems that it was mixed from; memory holds one window.

    Parameters
    ----------
    tracks : Tracks
        What the separator made of it.
    speech, bed : Path
        The true stems; the sample rate and the number of channels may be others than the tracks'.

    Raises
    ------
    BadInput
        See :func:`validate`.
    """
    true_bed, true_speech = open_audio(bed), open_audio(speech)
    full, found = tracks.full, tracks.background
    validate(("film's sound", full), ("separated bed", found), ("true bed", true_bed), ("true speech", true_speech))
    rate = found.sample_rate
    beds, voices = {}, {}
    for window in windows(min(s.duration for s in (full, found, true_bed, true_speech))):
        heard, said, music, words = (_read(s, window, rate) for s in (found, full, true_bed, true_speech))
        n = min(map(len, (heard, said, music, words)))
        if _level(music[:n]) > SILENCE:
            beds[window.name] = si_sdr(*_alike(heard[:n], music[:n]))
        if _level(words[:n]) > SILENCE:
            rest = _mono(said[:n]) - _mono(heard[:n])
            voices[window.name] = si_sdr(rest, _mono(words[:n]))
    return Separation(beds, voices)


def kept(dub: AudioFile, film: AudioFile, quiet: Sequence[Span], gain: float | None = None) -> Kept:
    """Hold the dub's sound against the film's where nobody speaks in either.

    Parameters
    ----------
    dub, film : AudioFile
        The dub's sound, and the film's own or its true bed.
    quiet : sequence of (start, end)
        In seconds, in order of time.
    gain : float, optional
        What the whole programme was given, in dB; by default the difference of the programme loudnesses. Give it where
        `film` is a bed without the speech.

    Raises
    ------
    BadInput
        See :func:`validate`.
    """
    validate(("dub", dub), ("film", film), spans=quiet)
    if gain is None:
        gain = measured(dub.path).integrated - measured(film.path).integrated
    levels, likeness = {}, {}
    for window in windows(min(dub.duration, film.duration)):
        inside = [Window("", max(a, window.start), min(b, window.end)) for a, b in quiet]
        inside = [w for w in inside if w.end > w.start]
        if sum(w.end - w.start for w in inside) < SHORTEST:
            continue
        pairs = [_alike(_read(dub, w, dub.sample_rate), _read(film, w, dub.sample_rate)) for w in inside]
        lengths = [min(len(a), len(b)) for a, b in pairs]
        heard, true = (np.concatenate([p[side][:n] for p, n in zip(pairs, lengths, strict=True)]) for side in (0, 1))
        if _level(true) > SILENCE:
            change = _level(heard) - _level(true) - gain
            levels[window.name] = float(np.clip(change, -LIMIT, LIMIT))
            likeness[window.name] = si_sdr(heard, true)
    return Kept(levels, likeness, gain)


def _read(sound: AudioFile, window: Window, sample_rate: int) -> np.ndarray:
    """A window of a sound at a rate, shape (n_samples, n_channels)."""
    if sound.sample_rate == sample_rate:
        samples = sound.load(window.start, window.end)
        return samples.reshape(len(samples), -1)
    start = max(0.0, window.start - MARGIN)
    wide = resample(sound.load(start, window.end + MARGIN), sound.sample_rate, sample_rate)
    first = round((window.start - start) * sample_rate)
    wide = wide[first : first + round((window.end - window.start) * sample_rate)]
    return wide.reshape(len(wide), -1)


def _alike(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both as they are where they have as many channels, else both mono."""
    return (a, b) if a.shape[1] == b.shape[1] else (_mono(a)[:, None], _mono(b)[:, None])


def _mono(samples: np.ndarray) -> np.ndarray:
    mean: np.ndarray = samples.mean(axis=1)
    return mean


def _level(samples: np.ndarray) -> float:
    """RMS in dBFS, of all channels together; -120 at the least."""
    power = float(np.mean(np.asarray(samples, np.float64) ** 2)) if samples.size else 0.0
    return 10 * math.log10(max(power, 1e-12))


def _mean(by_window: dict[str, float]) -> float:
    return fmean(by_window.values()) if by_window else math.nan


def _samples(measure: Measure, by_window: dict[str, float]) -> list[Sample]:
    return per_unit(measure, by_window, [(x, 1) for x in by_window.values()])

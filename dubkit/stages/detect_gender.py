"""Stage 6: what each speaker's voice is like: heard gender (which may stay open), pitch, speaking rate.

A few seconds of each speaker's clean speech are cut out besides, for synthesizers that copy a voice.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field
from pydantic.dataclasses import dataclass

from dubkit import reference
from dubkit.artefacts import Gender, Speaker, Speakers, Tracks, Turn, Turns
from dubkit.backends.protocols import GenderClassifier
from dubkit.progress import Report
from dubkit.record import AudioFile, Seconds
from dubkit.stage import stage

if TYPE_CHECKING:
    import numpy as np

PITCH_RANGE = (60.0, 400.0)
PITCH_SECONDS = 10.0
SAMPLE_RATE = 24_000
MARGIN = 0.15
"""Seconds to keep from others' turns where a voice is cut out: a diarizer's edges are off by a tenth or so."""


@dataclass(frozen=True)
class DetectGenderSettings:
    """How sure is sure.

    Parameters
    ----------
    certainty : float
        Probability from which a voice is called female or male; below it the answer is "unknown".
    excerpt_seconds : float
        How much of each speaker is listened to.
    """

    certainty: float = Field(default=0.7, gt=0.5, lt=1)
    excerpt_seconds: Seconds = Field(default=20.0, gt=1)


@stage(version=2, task="gender_classifier")
def detect_gender(
    tracks: Tracks,
    turns: Turns,
    *,
    settings: DetectGenderSettings,
    backend: GenderClassifier,
    folder: Path,
    report: Report,
) -> Speakers:
    """Listen to the longest stretches in which each speaker talks alone."""
    speakers = []
    for number, name in enumerate(turns.speakers, 1):
        heard = excerpts(tracks, turns, name, settings.excerpt_seconds)
        odds = backend.female_probability(heard)
        seconds = [len(e) for e in heard]
        female = sum(p * n for p, n in zip(odds, seconds, strict=True)) / sum(seconds) if any(seconds) else 0.5
        speakers.append(
            Speaker(
                id=name,
                name=f"Speaker {number}",
                gender=gender(female, settings.certainty),
                confidence=round(max(female, 1 - female), 4),
                pitch=_median(voiced_pitch(heard, tracks.speech.sample_rate)),
                speaking_rate=_speaking_rate(heard, tracks.speech.sample_rate),
                speech_seconds=round(sum(t.end - t.start for t in turns.turns if t.speaker == name), 3),
                sample=_sample(tracks, _alone(turns, name, MARGIN), folder / f"sample-{number}.flac"),
            )
        )
        report(number, len(turns.speakers), "speakers")
    return Speakers(speakers=tuple(speakers))


def gender(female_probability: float, certainty: float) -> Gender:
    """The verdict at a level of certainty; "unknown" between the two."""
    if female_probability >= certainty:
        return "female"
    return "male" if 1 - female_probability >= certainty else "unknown"


def excerpts(tracks: Tracks, turns: Turns, speaker: str, seconds: Seconds) -> list[np.ndarray]:
    """What a speaker is judged by: the longest stretches in which nobody else talks, else the longest of all.

    Parameters
    ----------
    tracks : Tracks
    turns : Turns
    speaker : str
        Their id.
    seconds : float
        How much there may be altogether.

    Returns
    -------
    list of np.ndarray, each of shape (n_samples,)
        At the rate of the speech track.
    """
    spans = _alone(turns, speaker) or _longest_first([(t.start, t.end) for t in turns.turns if t.speaker == speaker])
    found: list[np.ndarray] = []
    left = seconds
    for start, end in spans:
        if left <= 0.3:
            break
        found.append(tracks.speech.load(start, min(end, start + left)))
        left -= min(end - start, left)
    return found


def voiced_pitch(excerpts: list[np.ndarray], sample_rate: int) -> np.ndarray:
    """F0 of the voiced frames in the first ten seconds (pYIN, Mauch & Dixon 2014).

    Parameters
    ----------
    excerpts : list of np.ndarray, each of shape (n_samples,)
    sample_rate : int
        Hz.

    Returns
    -------
    np.ndarray, shape (n_frames,)
        Hz; empty where nothing is voiced.
    """
    import librosa
    import numpy as np

    sound = np.concatenate(excerpts)[: int(PITCH_SECONDS * sample_rate)] if excerpts else np.zeros(0, np.float32)
    if len(sound) < 2048:
        return np.zeros(0)
    low, high = PITCH_RANGE
    f0, voiced, _ = librosa.pyin(sound, fmin=low, fmax=high, sr=sample_rate, frame_length=1024, resolution=0.25)
    found: np.ndarray = f0[voiced]
    return found


def _alone(turns: Turns, speaker: str, margin: Seconds = 0.0) -> list[tuple[Seconds, Seconds]]:
    """The stretches in which just this speaker talks, at least `margin` from others' turns, longest first."""
    others = [t.but(start=t.start - margin, end=t.end + margin) for t in turns.turns if t.speaker != speaker]
    own = [(t.start, t.end) for t in turns.turns if t.speaker == speaker]
    clear = [rest for span in own for rest in _minus(span, others) if rest[1] - rest[0] > 0.3]
    return _longest_first(clear)


def _longest_first(spans: list[tuple[Seconds, Seconds]]) -> list[tuple[Seconds, Seconds]]:
    return sorted(spans, key=lambda s: s[0] - s[1])


def _minus(span: tuple[Seconds, Seconds], others: list[Turn]) -> list[tuple[Seconds, Seconds]]:
    rest = [span]
    for turn in others:
        rest = (
            [part for a, b in rest for part in ((a, min(b, turn.start)), (max(a, turn.end), b)) if part[1] > part[0]]
            if any(turn.start < b and turn.end > a for a, b in rest)
            else rest
        )
    return rest


def _sample(tracks: Tracks, alone: list[tuple[Seconds, Seconds]], path: Path) -> AudioFile | None:
    """How the speaker sounds, cut out of the separated speech; None where there is too little clean speech."""
    from dubkit import audio

    stretches, heard = [], 0.0
    for start, end in alone:
        if heard >= reference.HEARD:
            break
        end = min(end, start + reference.HEARD - heard)
        full, bed = tracks.full.load(start, end), tracks.background.load(start, end)
        stretches.append(reference.measure(start, full, bed, tracks.full.sample_rate))
        heard += end - start
    spans = reference.choose(stretches)
    if not spans:
        return None
    pieces = [reference.speech_of(tracks.full.load(a, b), tracks.background.load(a, b)) for a, b in spans]
    return audio.write(path, [reference.join(pieces, tracks.full.sample_rate, SAMPLE_RATE)], SAMPLE_RATE)


def _median(pitch: np.ndarray) -> float | None:
    import numpy as np

    return round(float(np.median(pitch)), 1) if len(pitch) else None


def _speaking_rate(excerpts: list[np.ndarray], sample_rate: int) -> float:
    """Syllable onsets per second: peaks of the spectral flux, which follow vowel onsets (no transcript needed)."""
    import librosa
    import numpy as np

    sound = np.concatenate(excerpts) if excerpts else np.zeros(0, np.float32)
    if len(sound) < sample_rate // 2:
        return 0.0
    onsets = librosa.onset.onset_detect(y=sound, sr=sample_rate, hop_length=160, units="time")
    return round(len(onsets) / (len(sound) / sample_rate), 2)

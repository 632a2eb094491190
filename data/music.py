"""A quiet piece of background music, computed: four chords, a soft pad, a plucked arpeggio and a bass."""

from __future__ import annotations

import numpy as np

TEMPO = 76.0
BEATS_PER_CHORD = 4
# Semitones above A2 (110 Hz): A minor 9, F major 9, C major 9, G 6/9, each as bass, pad and arpeggio notes.
CHORDS = (
    (0, (12, 19, 24, 27), (24, 27, 31, 35, 31, 27, 36, 31)),
    (-4, (8, 15, 20, 27), (20, 24, 27, 31, 27, 24, 32, 27)),
    (3, (15, 22, 26, 31), (27, 31, 34, 38, 34, 31, 39, 34)),
    (-2, (10, 17, 26, 31), (22, 26, 29, 33, 29, 26, 34, 29)),
)


def compose(duration: float, sample_rate: int) -> np.ndarray:
    """Music of any length.

    Parameters
    ----------
    duration : float
        Seconds.
    sample_rate : int
        Hz.

    Returns
    -------
    np.ndarray, shape (n_samples, 2)
        float32, peak 0.5, faded in over 1 s and out over 2.5 s; the same for the same arguments.
    """
    n_samples = round(duration * sample_rate)
    beat = 60 / TEMPO
    sound = np.zeros((n_samples, 2))
    for bar in range(int(np.ceil(duration / (beat * BEATS_PER_CHORD)))):
        bass, pad, arpeggio = CHORDS[bar % len(CHORDS)]
        start, length = bar * beat * BEATS_PER_CHORD, beat * BEATS_PER_CHORD
        _add(sound, sample_rate, start, 0.5 * _pluck(bass, length, sample_rate, brightness=3), pan=0.0)
        for k, note in enumerate(pad):
            _add(sound, sample_rate, start, 0.16 * _swell(note, length * 1.15, sample_rate), pan=(k - 1.5) / 3)
        for k, note in enumerate(arpeggio):
            tone = _pluck(note, 1.6, sample_rate, brightness=5)
            _add(sound, sample_rate, start + k * beat / 2, 0.2 * tone, pan=0.5 if k % 2 else -0.5)
    times = np.arange(n_samples) / sample_rate
    sound *= (np.clip(times, 0, 1) * np.clip((duration - times) / 2.5, 0, 1))[:, None]
    sound *= 0.5 / max(float(np.abs(sound).max()), 1e-9)
    return sound.astype(np.float32)


def _frequency(semitones: int) -> float:
    return 110.0 * 2 ** (semitones / 12)


def _pluck(note: int, length: float, sample_rate: int, brightness: int) -> np.ndarray:
    """A string: overtones that die away the faster the higher they are."""
    times = np.arange(round(length * sample_rate)) / sample_rate
    tone = sum(
        np.sin(2 * np.pi * _frequency(note) * h * times) / h**1.4 * np.exp(-times * (1.6 + 1.5 * h))
        for h in range(1, brightness + 1)
    )
    return np.asarray(tone) * np.clip(times / 0.004, 0, 1) * np.clip((length - times) / 0.05, 0, 1)


def _swell(note: int, length: float, sample_rate: int) -> np.ndarray:
    """A held tone of two slightly detuned voices that comes and goes."""
    times = np.arange(round(length * sample_rate)) / sample_rate
    frequency = _frequency(note)
    tone = np.sin(2 * np.pi * frequency * times) + np.sin(2 * np.pi * frequency * 1.003 * times)
    overtone = 0.3 * np.sin(2 * np.pi * frequency * 2 * times)
    return np.asarray((tone + overtone) * np.sin(np.pi * np.clip(times / length, 0, 1)))


def _add(sound: np.ndarray, sample_rate: int, start: float, tone: np.ndarray, pan: float) -> None:
    """Mix a mono tone in, with constant power between left (-1) and right (1)."""
    first = round(start * sample_rate)
    tone = tone[: max(0, len(sound) - first)]
    angle = (pan + 1) * np.pi / 4
    sound[first : first + len(tone)] += tone[:, None] * (np.cos(angle), np.sin(angle))

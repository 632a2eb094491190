"""What a voice is like, turn by turn, as vectors that can be compared: CAM++ (Wang et al. 2023), which dubkit diarizes with."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dubkit.artefacts import Turns
from dubkit.audio import resample
from dubkit.backends import weights
from dubkit.errors import BadInput
from dubkit.record import AudioFile

if TYPE_CHECKING:
    from dubkit.backends.pyannote.campplus import VoiceEmbedding

SAMPLE_RATE = 16_000
SHORTEST = 1.0
"""Seconds of sound that a print takes."""
SILENT = 1e-4


def prints(sounds: Sequence[np.ndarray], sample_rate: int) -> np.ndarray:
    """The voice in each sound.

    Parameters
    ----------
    sounds : sequence of np.ndarray, shape (n_samples,)
        Mono, each of :data:`SHORTEST` seconds or more. Of longer ones the middle 4 s are listened to.
    sample_rate : int
        In Hz; what is not at 16 kHz is brought to it.

    Returns
    -------
    np.ndarray, shape (n_sounds, n_dimensions)
        Unit vectors; zeros where a sound is silent.

    Raises
    ------
    BadInput
        If a sound is not mono or too short.
    MissingModel
        If the package that carries the network is not installed.
    """
    validate(sounds, sample_rate)
    network = _network()
    found = np.zeros((len(sounds), network.dimension))
    for n, sound in enumerate(sounds):
        samples = resample(np.asarray(sound, np.float32), sample_rate, SAMPLE_RATE)
        if float(np.sqrt(np.mean(samples**2))) >= SILENT:
            found[n] = _print(network, samples)
    return found


def of_turns(turns: Turns, sound: AudioFile) -> dict[str, np.ndarray]:
    """The voice in each turn of a film, by the turn's id.

    Turns shorter than :data:`SHORTEST` and silent ones are left out. Where others talk as well, a print is of all of them.

    Parameters
    ----------
    turns : Turns
    sound : AudioFile
        The film's, such as ``tracks.speech``.

    Raises
    ------
    MissingModel
        If the package that carries the network is not installed.
    """
    found = {}
    for turn in turns.turns:
        samples = sound.load(turn.start, turn.end)
        if len(samples) >= SHORTEST * sound.sample_rate:
            (vector,) = prints([samples if samples.ndim == 1 else samples.mean(axis=1)], sound.sample_rate)
            if vector.any():
                found[turn.id] = vector
    return found


def validate(sounds: Sequence[np.ndarray], sample_rate: int) -> None:
    """Refuse what has no print.

    Raises
    ------
    BadInput
        See :func:`prints`.
    """
    if sample_rate <= 0:
        raise BadInput(f"The sample rate is {sample_rate} Hz: give the sounds' rate, such as 16000.")
    for n, sound in enumerate(sounds):
        if np.ndim(sound) != 1:
            raise BadInput(f"Sound {n} has the shape {np.shape(sound)}: give one channel, of shape (n_samples,).")
        if len(sound) < SHORTEST * sample_rate:
            raise BadInput(
                f"Sound {n} lasts {len(sound) / sample_rate:.2f} s, which says too little of a voice: leave out what is "
                f"shorter than {SHORTEST:g} s."
            )


def fingerprint() -> str:
    """Which network it is."""
    return weights.fingerprint("campplus")


def _print(network: VoiceEmbedding, samples: np.ndarray) -> np.ndarray:
    import torch

    # Kaldi's filter bank is made for 16-bit integers: its floor would cut off the soft parts of smaller numbers, and a print
    # would tell how loud a line is.
    spectrum = network.spectrum(torch.from_numpy(samples * np.float32(2**15))[None])
    (vector,) = network.embed(spectrum, {(0, 0): np.arange(len(spectrum))}, batch_size=1).values()
    unit: np.ndarray = vector / np.linalg.norm(vector)
    return unit


@functools.cache
def _network() -> VoiceEmbedding:
    # pyannote.audio, which this imports, takes seconds.
    from dubkit.backends.pyannote.campplus import voice_embedding

    return voice_embedding()

"""Whether a voice sounds female or male: Resemblyzer's voice encoder and a logistic regression on its embedding.

The encoder is the one of Wan et al. 2018 (GE2E), its weights out of the package Resemblyzer; the package itself is not
imported, for it wants webrtcvad. The regression's numbers (``voice_gender.json``) are made by
``data/train_voice_gender.py`` from synthetic voices of labelled gender.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from dubkit.artefacts import Seconds
from dubkit.backends import weights
from dubkit.backends.protocols import Compute, ModelCard
from dubkit.backends.word_edges import activity
from dubkit.errors import BadInput

if TYPE_CHECKING:
    import numpy as np

REGRESSION = Path(__file__).with_suffix(".json")
SAMPLE_RATE = 16_000
SHORTEST: Seconds = 0.3
"""Of sound, pauses not counted: less says nothing of a voice."""
_MODEL = "resemblyzer"
_LEVEL = 10 ** (-30 / 20)
_SILENT = 1e-4
# The encoder's own terms: 40 mel bands, windows of 1.6 s, of which the next begins 0.77 s later.
_HOP, _N_FFT, _N_MELS = 160, 400, 40
_WINDOW, _STEP = 160, 77
_SIZE, _LAYERS = 256, 3
# Raised whenever the embedding below changes.
_METHOD = 1


@dataclass(frozen=True)
class Regression:
    """Turns an embedding into the probability of a female voice."""

    coefficients: tuple[float, ...]
    intercept: float

    def __call__(self, embedding: np.ndarray) -> float:
        """The probability in [0, 1]."""
        import numpy as np

        odds = float(np.dot(embedding, self.coefficients)) + self.intercept
        return float(1 / (1 + np.exp(-odds)))

    @classmethod
    def read(cls, path: Path = REGRESSION) -> Regression:
        """The one that is stored."""
        stored = json.loads(path.read_text(encoding="utf-8"))
        return cls(tuple(stored["coefficients"]), stored["intercept"])


class VoiceGender:
    """GenderClassifier ``voice-gender``."""

    def __init__(self, compute: Compute) -> None:
        self.compute = compute

    @classmethod
    def from_spec(cls, argument: str, compute: Compute) -> Self:
        """Make it; it takes no argument.

        Raises
        ------
        BadInput
            If there is an argument.
        """
        if argument:
            raise BadInput(
                f"The classifier voice-gender takes no argument, {argument!r} was given. Write: voice-gender"
            )
        return cls(compute)

    @property
    def fingerprint(self) -> str:
        """Encoder, regression, and revision of the method."""
        digest = hashlib.sha256(REGRESSION.read_bytes()).hexdigest()
        return f"voice-gender:{weights.fingerprint(_MODEL)}+{digest[:12]}+{_METHOD}"

    def models(self) -> list[ModelCard]:
        """The encoder; the regression is part of dubkit."""
        return [weights.card(_MODEL)]

    def female_probability(self, waveforms: Sequence[np.ndarray]) -> list[float]:
        """Per 16 kHz waveform of one speaker, the probability that the voice is female.

        Calibrated on voices that the regression did not see: between 0.3 and 0.7 it is right hardly more often than a
        coin. A waveform with less than 0.3 s of sound gets 0.5.

        Raises
        ------
        MissingModel
            If the encoder's package is not installed.
        """
        regression = Regression.read()
        embeddings = [self.embedding(waveform) for waveform in waveforms]
        return [0.5 if e is None else round(regression(e), 4) for e in embeddings]

    def embedding(self, waveform: np.ndarray) -> np.ndarray | None:
        """What the voice is like.

        Parameters
        ----------
        waveform : np.ndarray, shape (n_samples,)
            One speaker at 16 kHz.

        Returns
        -------
        np.ndarray, shape (256,), or None
            Of norm 1; None where there is too little to hear.
        """
        import numpy as np
        import torch

        voiced = _without_pauses(waveform)
        if voiced is None:
            return None
        spectrum = _spectrum(voiced)
        windows = np.stack([spectrum[start : start + _WINDOW] for start in _starts(len(spectrum))])
        torch.set_num_threads(self.compute.n_threads)
        lstm, linear = self._encoder
        with torch.inference_mode():
            _, (hidden, _) = lstm(torch.from_numpy(windows))
            partial = torch.nn.functional.normalize(torch.relu(linear(hidden[-1])), dim=1)
            whole: np.ndarray = torch.nn.functional.normalize(partial.mean(0), dim=0).numpy()
        return whole

    @functools.cached_property
    def _encoder(self) -> tuple[Any, Any]:
        """The LSTM and the layer behind it."""
        import torch

        path = weights.folder(_MODEL) / "resemblyzer.pt"
        stored = torch.load(path, map_location="cpu", weights_only=True)["model_state"]
        lstm = torch.nn.LSTM(_N_MELS, _SIZE, _LAYERS, batch_first=True)
        linear = torch.nn.Linear(_SIZE, _SIZE)
        for module, name in ((lstm, "lstm."), (linear, "linear.")):
            module.load_state_dict({k.removeprefix(name): v for k, v in stored.items() if k.startswith(name)})
        return lstm.eval(), linear.eval()


def _without_pauses(waveform: np.ndarray) -> np.ndarray | None:
    """The parts that sound, joined and brought to the level that the encoder was trained at; None if there is too little."""
    import numpy as np

    if len(waveform) < SHORTEST * SAMPLE_RATE or float(abs(waveform).max()) < _SILENT:
        return None
    sounding = np.repeat(activity(waveform, SAMPLE_RATE), SAMPLE_RATE // 100)
    voiced = waveform[: len(sounding)][sounding].astype(np.float32)
    if len(voiced) < SHORTEST * SAMPLE_RATE:
        return None
    evened: np.ndarray = voiced * np.float32(_LEVEL / np.sqrt(np.mean(voiced.astype(np.float64) ** 2)))
    return evened


def _spectrum(voiced: np.ndarray) -> np.ndarray:
    """Mel energies (not their logarithm), shape (n_frames, 40), at least one window long."""
    import librosa
    import numpy as np

    mel = librosa.feature.melspectrogram(y=voiced, sr=SAMPLE_RATE, n_fft=_N_FFT, hop_length=_HOP, n_mels=_N_MELS)
    frames = mel.astype(np.float32).T
    short = max(0, _WINDOW - len(frames))
    return np.pad(frames, ((0, short), (0, 0)))


def _starts(n_frames: int) -> list[int]:
    """Where windows begin: one in every 0.77 s, the last flush with the end."""
    last = n_frames - _WINDOW
    return sorted({*range(0, last + 1, _STEP), last})

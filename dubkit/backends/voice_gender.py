"""Whether a voice sounds female or male: Resemblyzer's voice embedding and a logistic regression on it.

The encoder is GE2E (Wan et al. 2018), three LSTM layers over 40 mel bands, from the weights that the package Resemblyzer
carries. The regression (``voice_gender.json``) was fitted with the method of ``data/train_voice_gender.py`` on clips of 38
of Kokoro's labelled voices; running that script fits it anew on all that dubkit offers.
What is judged is how a voice is heard, not who a person is.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from dubkit.backends import weights
from dubkit.backends.protocols import Compute, ModelCard
from dubkit.backends.torch_threads import side_by_side

if TYPE_CHECKING:
    import numpy as np

NAME = "resemblyzer"
SAMPLE_RATE = 16_000
SIZE = 256
# Raised whenever the method changes what comes out.
_METHOD = 1
_N_MELS, _WINDOW, _HOP = 40, 400, 160
# The encoder was trained on windows of 1.6 s; half of each is shared with the next.
_FRAMES, _STEP = 160, 80
_LEVEL_DBFS = -30.0
_SHORTEST = 0.3
_SILENT = 1e-4


class VoiceGender:
    """GenderClassifier ``voice-gender``."""

    def __init__(self, compute: Compute) -> None:
        self.compute = compute

    @classmethod
    def from_spec(cls, argument: str, compute: Compute) -> Self:
        """Make it; it takes no argument."""
        return cls(compute)

    @property
    def fingerprint(self) -> str:
        """Encoder, regression and method."""
        return f"voice-gender:{weights.fingerprint(NAME)}+{_regression()['trained']}+{_METHOD}"

    def models(self, source: str | None = None, target: str | None = None) -> list[ModelCard]:
        """The encoder."""
        return [weights.card(NAME)]

    def female_probability(self, waveforms: Sequence[np.ndarray]) -> list[float]:
        """Probability per 16 kHz waveform that its voice sounds female; 0.5 where there is nothing to hear."""
        return [0.5 if vector is None else _judged(vector) for vector in self.embed(waveforms)]

    def embed(self, waveforms: Sequence[np.ndarray]) -> Iterator[np.ndarray | None]:
        """The voice in each 16 kHz waveform as a unit vector, shape (256,); None where it is too short or silent."""
        import torch

        torch.set_num_threads(self.compute.n_threads)
        encoder = self._encoder
        return side_by_side(lambda waveform: _embedding(encoder, waveform), waveforms)

    @functools.cached_property
    def _encoder(self) -> Any:
        import torch
        from torch import nn

        class Encoder(nn.Module):
            """Windows of mel frames, shape (n, 160, 40), into unit vectors, shape (n, 256)."""

            def __init__(self) -> None:
                super().__init__()
                self.lstm = nn.LSTM(_N_MELS, SIZE, 3, batch_first=True)
                self.linear = nn.Linear(SIZE, SIZE)

            def forward(self, mels: torch.Tensor) -> torch.Tensor:
                hidden = self.lstm(mels)[1][0][-1]
                return nn.functional.normalize(torch.relu(self.linear(hidden)), dim=1)

        path = weights.folder(NAME) / "resemblyzer.pt"
        state = torch.load(path, map_location="cpu", weights_only=True)["model_state"]
        encoder = Encoder().eval()
        # The checkpoint also holds two scalars of its training loss.
        encoder.load_state_dict({k: v for k, v in state.items() if k.startswith(("lstm.", "linear."))})
        return encoder


@functools.cache
def _regression() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(__file__).with_suffix(".json").read_text())
    return found


def _judged(embedding: np.ndarray) -> float:
    import numpy as np

    regression = _regression()
    return float(1 / (1 + np.exp(-np.dot(regression["weights"], embedding) - regression["bias"])))


def _embedding(encoder: Any, waveform: np.ndarray) -> np.ndarray | None:
    import numpy as np
    import torch

    level = float(np.sqrt(np.mean(waveform.astype(np.float64) ** 2))) if len(waveform) else 0.0
    if level < _SILENT or len(waveform) < _SHORTEST * SAMPLE_RATE:
        return None
    mels = _mels(waveform * np.float32(10 ** (_LEVEL_DBFS / 20) / level))
    starts = range(0, max(1, len(mels) - _FRAMES + 1), _STEP)
    windows = np.stack([_padded(mels[s : s + _FRAMES]) for s in starts])
    with torch.inference_mode():
        found: np.ndarray = encoder(torch.from_numpy(windows)).numpy()
    mean = found.mean(axis=0)
    unit: np.ndarray = mean / float(np.linalg.norm(mean))
    return unit


def _mels(waveform: np.ndarray) -> np.ndarray:
    """Mel power frames as the encoder knows them, shape (n_frames, 40)."""
    import librosa

    found: np.ndarray = librosa.feature.melspectrogram(
        y=waveform, sr=SAMPLE_RATE, n_fft=_WINDOW, hop_length=_HOP, n_mels=_N_MELS
    )
    return found.astype("float32").T


def _padded(mels: np.ndarray) -> np.ndarray:
    """A window of full length: a short sound is repeated, so that silence does not look like a voice."""
    import numpy as np

    repeats = -(-_FRAMES // len(mels))
    return np.tile(mels, (repeats, 1))[:_FRAMES]

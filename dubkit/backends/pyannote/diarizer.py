"""Who speaks when, by pyannote.audio's SpeakerDiarization: on packaged models, or on any pipeline of the hub.

The packaged models are segmentation 3.0 and the CAM++ voice embedding, with agglomerative clustering
(:mod:`dubkit.backends.pyannote.packaged`).
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Self

from dubkit.backends import devices, weights
from dubkit.backends.protocols import Compute, Diarization, ModelCard
from dubkit.backends.pyannote.files import PipelineSource
from dubkit.errors import BadInput, MissingModel

if TYPE_CHECKING:
    import numpy as np
    import torch

log = logging.getLogger(__name__)

PACKAGED = "packaged"
SAMPLE_RATE = 16_000
SHORTEST = 1.0
_MODELS = ("pyannote-segmentation", "campplus")
# Raised whenever the method below, or in pyannote_packaged, changes what comes out.
_METHOD = 3
_SILENT = 1e-4
_LEVEL = 0.1
_SIZES = ("segmentation_batch_size", "embedding_batch_size")


class Pyannote:
    """Diarizer ``pyannote:packaged``, ``pyannote:HUB_ID`` or ``pyannote:FOLDER``."""

    def __init__(self, source: str, compute: Compute) -> None:
        self.source = source
        self.compute = compute

    @classmethod
    def from_spec(cls, argument: str, compute: Compute) -> Self:
        """Make it for the packaged models (no argument), a hub id or a folder with a ``config.yaml``.

        Raises
        ------
        BadInput
            If the argument is none of these.
        """
        from dubkit.backends.hub.checkpoint import HUB_ID

        source = argument or PACKAGED
        if source != PACKAGED and not Path(source).expanduser().is_dir() and not HUB_ID.fullmatch(source):
            raise BadInput(
                f"{source!r} is no diarization pipeline: give {PACKAGED!r}, an id on the Hugging Face hub such as "
                "pyannote/speaker-diarization-community-1, or a folder that holds config.yaml."
            )
        return cls(source, compute)

    @property
    def fingerprint(self) -> str:
        """Models and revisions, and the revision of the method."""
        if self.source == PACKAGED:
            return f"pyannote:{'+'.join(map(weights.fingerprint, _MODELS))}+{_METHOD}"
        return f"pyannote:{PipelineSource(self.source).identity}+{_METHOD}"

    def models(self, source: str | None = None, target: str | None = None) -> list[ModelCard]:
        """The packaged models, or the one pipeline."""
        if self.source == PACKAGED:
            return [weights.card(name) for name in _MODELS]
        return [PipelineSource(self.source).card()]

    def fetch(self, source: str | None = None, target: str | None = None) -> None:
        """Download the pipeline and the models that it names, where they are not here."""
        if self.source == PACKAGED:
            for name in _MODELS:
                weights.folder(name)
        else:
            PipelineSource(self.source).fetched()

    def diarize(
        self,
        waveform: np.ndarray,
        *,
        n_speakers: int | None = None,
        min_speakers: int = 1,
        max_speakers: int | None = None,
        threshold: float | None = None,
    ) -> Diarization:
        """Turns in a 16 kHz waveform, overlaps kept, and unit-norm voice embeddings per label.

        Parameters
        ----------
        waveform : np.ndarray, shape (n_samples,)
            Less than a second of it, or silence, has no turns.
        n_speakers : int or None
            How many speakers there are, where that is known.
        min_speakers, max_speakers : int or None
            Limits; ignored where `n_speakers` is given.
        threshold : float or None
            The pipeline's ``clustering.threshold``; None leaves it as it is. Of the packaged models it is the Euclidean distance
            of unit vectors, from 0 to 2.

        Raises
        ------
        BadInput
            If the pipeline's clustering has no threshold.
        MissingModel
            If a model is not here and cannot be had; the message says what to do.
        OutOfMemory
            If the memory is too small for the models, or for a single chunk of sound.
        """
        import torch

        if len(waveform) < SHORTEST * SAMPLE_RATE or float(abs(waveform).max()) < _SILENT:
            return Diarization(())
        torch.set_num_threads(self.compute.n_threads)
        sound = torch.from_numpy(levelled(waveform))[None]
        limits = {"num_speakers": n_speakers, "min_speakers": min_speakers, "max_speakers": max_speakers}
        with self._joining(threshold):
            while (made := self._tried(sound, limits)) is None:
                # Not where the error is caught: its traceback holds on to all that the batch had filled.
                devices.free()
        # Older pipelines give the annotation alone.
        annotation = getattr(made, "speaker_diarization", made)
        embeddings = getattr(made, "speaker_embeddings", None)
        duration = len(waveform) / SAMPLE_RATE
        turns = sorted(
            (round(max(span.start, 0.0), 3), round(min(span.end, duration), 3), str(label))
            for span, _, label in annotation.itertracks(yield_label=True)
            if span.start < duration
        )
        labels = [str(label) for label in annotation.labels()]
        return Diarization(tuple(t for t in turns if t[1] > t[0]), _centroids(labels, embeddings))

    @contextlib.contextmanager
    def _joining(self, threshold: float | None) -> Iterator[None]:
        """The pipeline with another threshold, and afterwards with its own again."""
        if threshold is None:
            yield
            return
        pipeline = self._pipeline
        own = pipeline.parameters(instantiated=True)
        if "threshold" not in own.get("clustering", {}):
            raise BadInput(
                f"The clustering of {self._name} has no threshold: leave diarize.threshold out, or tell the number of speakers "
                "with diarize.n_speakers."
            )
        pipeline.instantiate({**own, "clustering": {**own["clustering"], "threshold": threshold}})
        try:
            yield
        finally:
            pipeline.instantiate(own)

    def _tried(self, sound: torch.Tensor, limits: dict[str, int | None]) -> Any:
        """What the pipeline makes of a sound; None where its batches did not fit, and the next ones will be half as large.

        pyannote.audio calls a full memory by different names: its own MemoryError in the segmentation, PyTorch's error in
        the embedding.
        """
        pipeline = self._pipeline
        try:
            return pipeline({"waveform": sound, "sample_rate": SAMPLE_RATE, "uri": "sound"}, **limits)
        except Exception as error:
            if not devices.out_of_memory(error):
                raise
            sizes = {name: int(getattr(pipeline, name, 1)) for name in _SIZES}
            if max(sizes.values()) == 1:
                raise devices.no_memory(self._name, devices.device(self.compute)) from error
        for name, size in sizes.items():
            if size > 1:
                setattr(pipeline, name, size // 2)
        size = max(sizes.values())
        log.warning(
            "The memory is too small for %d pieces of sound at once in %s: going on with %d",
            size,
            self._name,
            size // 2,
        )
        return None

    @property
    def _name(self) -> str:
        return f"pyannote:{self.source}"

    @functools.cached_property
    def _pipeline(self) -> Any:
        # pyannote reports the length of every file to its makers unless told not to; whatever imported it before may
        # have set this already, so it is set and not just defaulted.
        os.environ["PYANNOTE_METRICS_ENABLED"] = "false"
        import torch

        place = devices.device(self.compute)
        if self.source == PACKAGED:
            from dubkit.backends.pyannote.packaged import pipeline

            made = pipeline(self.compute.batch_size, place)
        else:
            made = self._from_elsewhere()
            if place != "cpu":
                self._widen(made)
        # A pipeline takes a device, not its name.
        return devices.placed(SimpleNamespace(to=lambda name: made.to(torch.device(name))), place, self._name)

    def _widen(self, pipeline: Any) -> None:
        """Batches for a GPU: as large as asked for, but no smaller than the pipeline's makers chose (32 as a rule).

        The batch asked for suits models that are a hundred times as large; these small ones would leave a GPU idle with it.
        Where even so much does not fit, batches are halved.
        """
        for name in _SIZES:
            if hasattr(pipeline, name):
                setattr(pipeline, name, max(self.compute.batch_size, int(getattr(pipeline, name))))

    def _from_elsewhere(self) -> Any:
        from pyannote.audio import Pipeline

        folder = PipelineSource(self.source).fetched()
        try:
            found = Pipeline.from_pretrained(folder)
            if found is None:
                raise ValueError("it names a model that cannot be read")
        except Exception as error:
            # A damaged file, a model of another kind, a package that it needs: each has a type of its own.
            raise MissingModel(
                f"The diarization pipeline {self.source} cannot be loaded ({type(error).__name__}: {str(error)[:200]}). "
                f"Bring it again, or use pyannote:{PACKAGED}."
            ) from error
        return found


def levelled(waveform: np.ndarray) -> np.ndarray:
    """The sound brought to an even level as a whole.

    Far or quiet speech falls under the models' numerical floors: pyannote's own sample has a diarization error of .052,
    40 dB down .117, 60 dB down .489, and brought back from there .052 again. (Levels that follow the sound were tried:
    a gain that moves inside a chunk costs more than it wins.)

    Parameters
    ----------
    waveform : np.ndarray, shape (n_samples,)
        At least 50 ms at 16 kHz, not silent.

    Returns
    -------
    np.ndarray, shape (n_samples,)
        float32; its loud frames have an RMS of 0.1.
    """
    import numpy as np

    frame = SAMPLE_RATE // 20
    n_frames = len(waveform) // frame
    power = np.mean(waveform[: n_frames * frame].astype(np.float64).reshape(n_frames, frame) ** 2, axis=1)
    loud = max(float(np.sqrt(np.quantile(power, 0.95))), _SILENT / 10)
    evened: np.ndarray = (waveform * (_LEVEL / loud)).astype(np.float32)
    return evened


def _centroids(labels: list[str], embeddings: np.ndarray | None) -> dict[str, np.ndarray]:
    """Unit-norm voices by label; one that the pipeline has none of gets a voice unlike any other."""
    import numpy as np

    dimension = embeddings.shape[1] if embeddings is not None and embeddings.ndim == 2 else max(len(labels), 1)
    centroids = {}
    for n, label in enumerate(labels):
        vector = embeddings[n] if embeddings is not None and n < len(embeddings) else np.zeros(dimension)
        norm = float(np.linalg.norm(vector))
        own = np.eye(dimension)[n % dimension] if not norm > 0 else vector / norm
        centroids[label] = own.astype(np.float32)
    return centroids

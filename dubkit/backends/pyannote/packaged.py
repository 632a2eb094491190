"""pyannote.audio's SpeakerDiarization on models out of packages: segmentation 3.0 and the CAM++ voice embedding.

Importing this module imports pyannote.audio, which takes seconds: import it where the pipeline is needed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from pyannote.audio.core.io import Audio
from pyannote.audio.core.plda import PLDA
from pyannote.audio.core.task import Problem, Resolution, Specifications
from pyannote.audio.models.segmentation import PyanNet
from pyannote.audio.pipelines import SpeakerDiarization
from pyannote.audio.pipelines.clustering import AgglomerativeClustering
from pyannote.core import SlidingWindow, SlidingWindowFeature
from torch.torch_version import TorchVersion

from dubkit.backends import weights
from dubkit.backends.pyannote.campplus import FEWEST_FRAMES, SAMPLE_RATE, VoiceEmbedding, voice_embedding
from dubkit.backends.torch_threads import side_by_side

STEP = 0.1
# On a processor; a constant, so that no setting of speed changes a bit of the result.
_CHUNKS_AT_ONCE = 8
# .6 to .9 make no difference on pyannote's sample; on the three sample dialogues .6 keeps apart two voices that .75 takes
# for one (DER .32 and .53), and .5 splits one voice in two.
# Tried and left: complete linkage at .55 tells two similar women apart that this takes for one (suite dialogues: DER .26 to .20,
# speakers .14 to .11), but is no better on 21 conversations drawn afterwards (.110 to .103 for real voices, .132 to .129 for
# those of one synthesizer), and splits voices where they talk longer: 4 to 5 speakers found of 2 or 3 in conversations of 200 to
# 300 s (.12 to .15), as any two far points part a cluster. Centroid at .65 was better in 5 films and worse in none, not reliably.
# Samples at the 16-bit scale of Kaldi's filter bank change the error by .001 at thresholds over .55.
_PARAMETERS = {
    "segmentation": {"min_duration_off": 0.0},
    "clustering": {"method": "centroid", "min_cluster_size": 12, "threshold": 0.6},
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
        Chunks that go through the segmentation, and on a GPU excerpts through the embedding, at once.
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
        self.clustering = _Clustering(metric="cosine")
        self._embedding = embedding
        self._audio = Audio(sample_rate=SAMPLE_RATE, mono="downmix")
        self._expects_num_speakers = False
        self.instantiate(_PARAMETERS)

    def get_segmentations(self, file: dict[str, Any], hook: Any = None) -> SlidingWindowFeature:
        """Who of a chunk's own speakers talks when: as the parent's, batches side by side on the cores.

        Returns
        -------
        SlidingWindowFeature, shape (n_chunks, n_frames, n_speakers)
            0 or 1.
        """
        inference = self._segmentation
        size, step = round(inference.duration * SAMPLE_RATE), round(inference.step * SAMPLE_RATE)
        sound = file["waveform"][0]
        n_chunks = 1 + max(0, -(-(len(sound) - size) // step))
        padded = torch.nn.functional.pad(sound, (0, (n_chunks - 1) * step + size - len(sound)))
        chunks = padded.unfold(0, size, step)[:, None]
        batches = [chunks[n : n + inference.batch_size] for n in range(0, n_chunks, inference.batch_size)]
        with self._one_batch_at_once():
            active = np.vstack(list(side_by_side(inference.infer, batches)))
        return SlidingWindowFeature(active, SlidingWindow(start=0.0, duration=inference.duration, step=inference.step))

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
        fewest = int(np.ceil(FEWEST_FRAMES / per_frame))
        spectrum = self._embedding.spectrum(file["waveform"])
        excerpts: dict[tuple[int, int], np.ndarray] = {}
        for chunk in range(n_chunks):
            start = round(window[chunk].start * 100)
            within = np.arange(start, min(start + round(window.duration * 100), len(spectrum)))
            at = np.minimum(((within - start) / per_frame).astype(int), n_frames - 1)
            for speaker in range(n_speakers):
                used = alone[chunk, :, speaker]
                if used.sum() <= fewest:
                    used = active[chunk, :, speaker]
                if (chosen := used[at]).any():
                    excerpts[chunk, speaker] = within[chosen]
        embeddings = np.full((n_chunks, n_speakers, self._embedding.dimension), np.nan, np.float32)
        with self._one_batch_at_once():
            vectors = self._embedding.embed(spectrum, excerpts, self.embedding_batch_size)
        for (chunk, speaker), vector in vectors.items():
            embeddings[chunk, speaker] = vector
        return embeddings

    @contextlib.contextmanager
    def _one_batch_at_once(self) -> Iterator[None]:
        """On a GPU, work is not spread over threads: each would hold a batch there, and no smaller one would help."""
        n_threads = torch.get_num_threads()
        if self._embedding.device.type != "cpu":
            torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(n_threads)


class _Clustering(AgglomerativeClustering):
    """Agglomerative clustering that also works where nobody speaks alone for two seconds of ten."""

    def filter_embeddings(
        self, embeddings: np.ndarray, segmentations: Any = None, min_active_ratio: float = 0.2
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The embeddings to cluster: of those who speak long enough, or of all if nobody does."""
        found: tuple[np.ndarray, np.ndarray, np.ndarray] = super().filter_embeddings(
            embeddings, segmentations, min_active_ratio
        )
        return found if len(found[0]) else super().filter_embeddings(embeddings, segmentations, 0.0)


class _NoPlda(PLDA):
    """Stands where the parent wants a PLDA; agglomerative clustering never asks it."""

    def __init__(self) -> None:
        pass


def pipeline(batch_size: int, device: str) -> PackagedDiarization:
    """The whole pipeline for a device, its weights loaded, still in the machine's own memory.

    Raises
    ------
    MissingModel
        If the package that carries the models is not installed.
    """
    at_once = _CHUNKS_AT_ONCE if device == "cpu" else batch_size
    return PackagedDiarization(_segmentation(), voice_embedding(), at_once)


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

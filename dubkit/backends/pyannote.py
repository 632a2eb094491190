"""Who speaks when, by pyannote.audio's SpeakerDiarization: on packaged models, or on any pipeline of the hub.

The packaged models are segmentation 3.0 and the CAM++ voice embedding, with agglomerative clustering
(:mod:`dubkit.backends.pyannote_packaged`).
"""

from __future__ import annotations

import functools
import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from dubkit.backends import weights
from dubkit.backends.protocols import Compute, Diarization, ModelCard
from dubkit.errors import BadInput, MissingModel

if TYPE_CHECKING:
    import numpy as np

PACKAGED = "packaged"
SAMPLE_RATE = 16_000
SHORTEST = 1.0
_MODELS = ("pyannote-segmentation", "campplus")
# Raised whenever the method below, or in pyannote_packaged, changes what comes out.
_METHOD = 3
_SILENT = 1e-4
_LEVEL = 0.1
_TOKEN = "HF_TOKEN"  # noqa: S105 - the name of a variable, not a secret


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
        from dubkit.backends.hub import HUB_ID

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
        folder = Path(self.source).expanduser()
        if folder.is_dir():
            return f"pyannote:{folder.resolve().name}@{_digest(folder)[:12]}+{_METHOD}"
        local = self._cached
        return f"pyannote:{self.source}{f'@{local.parent.name[:12]}' if local else ''}+{_METHOD}"

    def models(self, source: str | None = None, target: str | None = None) -> list[ModelCard]:
        """The packaged models, or the one pipeline."""
        if self.source == PACKAGED:
            return [weights.card(name) for name in _MODELS]
        folder = Path(self.source).expanduser()
        if folder.is_dir():
            present = (folder / "config.yaml").is_file()
            return [ModelCard(self.source, "as its owner says", 0, present, f"mend the folder {self.source}")]
        return [
            ModelCard(
                self.source,
                "see its page on the hub",
                0,
                self._cached is not None,
                f"hf download {self.source}",
                f"its terms must be accepted on the hub, and {_TOKEN} set",
            )
        ]

    def diarize(
        self,
        waveform: np.ndarray,
        *,
        n_speakers: int | None = None,
        min_speakers: int = 1,
        max_speakers: int | None = None,
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

        Raises
        ------
        MissingModel
            If a model is not here and cannot be had; the message says what to do.
        """
        import torch

        if len(waveform) < SHORTEST * SAMPLE_RATE or float(abs(waveform).max()) < _SILENT:
            return Diarization(())
        pipeline = self._pipeline
        torch.set_num_threads(self.compute.n_threads)
        sound = torch.from_numpy(levelled(waveform))[None]
        made = pipeline(
            {"waveform": sound, "sample_rate": SAMPLE_RATE, "uri": "sound"},
            num_speakers=n_speakers,
            min_speakers=min_speakers,
            max_speakers=max_speakers,
        )
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

    @functools.cached_property
    def _pipeline(self) -> Any:
        # pyannote reports the length of every file to its makers unless told not to; whatever imported it before may
        # have set this already, so it is set and not just defaulted.
        os.environ["PYANNOTE_METRICS_ENABLED"] = "false"
        import torch

        from dubkit.backends.devices import device

        place = torch.device(device(self.compute))
        if self.source == PACKAGED:
            from dubkit.backends.pyannote_packaged import pipeline

            return pipeline(self.compute.batch_size, place)
        return self._from_elsewhere().to(place)

    def _from_elsewhere(self) -> Any:
        from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError
        from pyannote.audio import Pipeline

        folder = Path(self.source).expanduser()
        known = folder if folder.is_dir() else self.source
        terms = (
            f"Accept its terms at https://hf.co/{self.source}, make a token at https://hf.co/settings/tokens and set "
            f"{_TOKEN} to it, or use pyannote:{PACKAGED}."
        )
        try:
            found = Pipeline.from_pretrained(known, token=os.environ.get(_TOKEN) or None)
        except (GatedRepoError, RepositoryNotFoundError) as error:
            held = f"{_TOKEN} is set, but may not read it" if os.environ.get(_TOKEN) else f"{_TOKEN} is not set"
            raise MissingModel(f"The diarization pipeline {self.source} cannot be read ({held}). {terms}") from error
        except HfHubHTTPError as error:
            raise MissingModel(f"The hub refused {self.source} ({str(error)[:200]}). {terms}") from error
        except Exception as error:
            # No network, offline mode, a damaged folder or a model of another kind: each has a type of its own.
            raise MissingModel(
                f"The diarization pipeline {self.source} cannot be loaded ({type(error).__name__}: {str(error)[:200]}). "
                f"It needs a network at first use, or a folder with config.yaml and its models. {terms}"
            ) from error
        if found is None:
            raise MissingModel(f"The diarization pipeline {self.source} cannot be read. {terms}")
        return found

    @property
    def _cached(self) -> Path | None:
        """Its ``config.yaml`` in the hub's local cache."""
        from huggingface_hub import try_to_load_from_cache

        found = try_to_load_from_cache(self.source, "config.yaml")
        return Path(found) if isinstance(found, str) else None


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


def _digest(folder: Path) -> str:
    """SHA-256 over names, sizes and small files of a pipeline's folder."""
    total = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        total.update(f"{path.relative_to(folder)}\0{path.stat().st_size}\0".encode())
        with path.open("rb") as stream:
            total.update(stream.read(1 << 20))
    return total.hexdigest()

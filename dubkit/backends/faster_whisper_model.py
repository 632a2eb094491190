"""Where a CTranslate2 Whisper model lies, what it is, and how it is loaded."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dubkit.backends import weights
from dubkit.backends.devices import no_memory, out_of_memory
from dubkit.backends.hub import digest
from dubkit.backends.hub_download import snapshot
from dubkit.backends.protocols import Compute, ModelCard
from dubkit.errors import BadInput, MissingModel, listed

PACKAGED = "packaged-base"
_FILES = ("config.json", "preprocessor_config.json", "model.bin", "tokenizer.json", "vocabulary.*")
_NEEDED = ("config.json", "model.bin", "tokenizer.json", "vocabulary.*")
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

    @functools.cached_property
    def repository(self) -> str:
        """Its hub id.

        Raises
        ------
        BadInput
            If the name is neither a size nor a hub id.
        """
        from faster_whisper.utils import _MODELS

        from dubkit.backends.hub import HUB_ID

        found = _MODELS.get(self.name) or (self.name if HUB_ID.fullmatch(self.name) else None)
        if found is None:
            raise BadInput(
                f"{self.name!r} names no faster-whisper model: it is no folder, no id on the Hugging Face hub, and not "
                f"one of {PACKAGED}, {listed(list(_MODELS))}."
            )
        return str(found)

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

    @functools.cached_property
    def identity(self) -> str:
        """Name and revision, or folder name and a digest of its files."""
        if self.packaged:
            return weights.fingerprint("whisper-base")
        if self.is_folder:
            folder = Path(self.name).expanduser().resolve()
            return f"{folder.name}@{digest(folder)[:12]}"
        return f"{self.repository}@{self.local.name[:12]}" if self.local else self.repository

    def card(self) -> ModelCard:
        """Licence, size, whether it is here, and the command that brings it."""
        if self.packaged:
            return weights.card("whisper-base")
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
            If it is not here and cannot be fetched, or its files are damaged; the message says what to do.
        OutOfMemory
            If the GPU has no room for it.
        """
        from faster_whisper import WhisperModel

        folder = self.fetched()
        try:
            return WhisperModel(
                str(folder),
                device=device,
                device_index=index,
                compute_type="int8" if device == "cpu" else "float16",
                cpu_threads=n_threads,
                num_workers=n_workers,
            )
        except (OSError, RuntimeError, ValueError) as error:
            if out_of_memory(error):
                raise no_memory(self.name, device) from error
            raise self._broken(str(error)[:200]) from error

    def fetched(self) -> Path:
        """The folder with its files, downloaded first where it must be.

        Raises
        ------
        MissingModel
            If it cannot be had; the message says why and what to do.
        """
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
        mend = weights.MEND if self.packaged else self.card().fetch
        return MissingModel(
            f"The Whisper model {self.name} cannot be loaded ({reason}). A CTranslate2 model needs config.json, "
            f"model.bin, tokenizer.json and a vocabulary. Bring it again with: {mend} ; or use the packaged model, "
            f"faster-whisper:{PACKAGED}."
        )


def placed(compute: Compute) -> tuple[str, int]:
    """The device to run on, ``cpu`` or ``cuda``, and its number.

    Raises
    ------
    BadInput
        If CUDA was asked for and is not there.
    """
    import ctranslate2

    n_devices = int(ctranslate2.get_cuda_device_count())
    if compute.device == "auto":
        return ("cuda" if n_devices else "cpu"), 0
    kind, _, number = compute.device.partition(":")
    if kind not in ("cpu", "cuda") or not (number or "0").isdecimal():
        raise BadInput(f"{compute.device!r} is not a device. Give auto, cpu, cuda or cuda:N.")
    if kind == "cuda" and int(number or 0) >= n_devices:
        raise BadInput(
            f"The device {compute.device!r} was asked for, but CTranslate2 finds {n_devices} CUDA devices here. "
            "Use --set device=cpu or auto."
        )
    return kind, int(number or 0)

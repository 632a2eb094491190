"""Where a CTranslate2 Whisper model lies, what it is, and how it is loaded."""

from __future__ import annotations

import functools
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dubkit.backends import weights
from dubkit.backends.protocols import Compute, ModelCard
from dubkit.errors import BadInput, MissingModel, listed

PACKAGED = "packaged-base"
_FILES = ("config.json", "preprocessor_config.json", "model.bin", "tokenizer.json", "vocabulary.*")
_SAMPLE, _STRIDE = 1 << 16, 1 << 24


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
        """The folder that holds it; None where it is not on this machine."""
        if self.packaged:
            return weights.folder("whisper-base") if weights.card("whisper-base").present else None
        if self.is_folder:
            folder = Path(self.name).expanduser()
            return folder if (folder / "model.bin").is_file() else None
        from huggingface_hub import try_to_load_from_cache

        found = try_to_load_from_cache(self.repository, "model.bin")
        return Path(found).parent if isinstance(found, str) else None

    @functools.cached_property
    def identity(self) -> str:
        """Name and revision, or folder name and a digest of its files."""
        if self.packaged:
            return weights.fingerprint("whisper-base")
        if self.is_folder:
            folder = Path(self.name).expanduser().resolve()
            return f"{folder.name}@{_digest(folder)[:12]}"
        return f"{self.repository}@{self.local.name[:12]}" if self.local else self.repository

    def card(self) -> ModelCard:
        """Licence, size, whether it is here, and the command that brings it."""
        if self.packaged:
            return weights.card("whisper-base")
        folder = self.local
        size = sum(p.stat().st_size for p in folder.iterdir() if p.is_file()) if folder else 0
        fetch = f"mend the folder {self.name}" if self.is_folder else f"hf download {self.repository}"
        return ModelCard(self.name, "MIT", size, folder is not None, fetch, "Whisper in CTranslate2 form")

    def load(self, device: str, index: int, n_workers: int, n_threads: int) -> Any:
        """The ``faster_whisper.WhisperModel``: 8-bit integers on ``cpu``, half precision on ``cuda``.

        Raises
        ------
        MissingModel
            If it is not here and cannot be fetched, or its files are damaged; the message says what to do.
        """
        from faster_whisper import WhisperModel

        folder = self._fetched()
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
            mend = weights.MEND if self.packaged else self.card().fetch
            raise MissingModel(
                f"The Whisper model {self.name} cannot be loaded ({str(error)[:200]}). A CTranslate2 model needs "
                f"config.json, model.bin, tokenizer.json and a vocabulary. Bring it again with: {mend}"
            ) from error

    def _fetched(self) -> Path:
        if self.packaged:
            return weights.folder("whisper-base")
        if self.is_folder:
            return Path(self.name).expanduser()
        if found := self.local:
            return found
        from huggingface_hub import snapshot_download

        try:
            return Path(snapshot_download(self.repository, allow_patterns=list(_FILES)))
        except Exception as error:
            # Offline mode, no route, time-outs, unknown and gated repositories all have types of their own.
            raise MissingModel(
                f"The model {self.repository} is not here and could not be fetched from the Hugging Face hub "
                f"({type(error).__name__}). Where there is a network, run: {self.card().fetch} ; or use the packaged "
                f"model, faster-whisper:{PACKAGED}, or a folder with a CTranslate2 model."
            ) from error


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


def _digest(folder: Path) -> str:
    """SHA-256 over a folder's files; of big ones over 64 KiB in every 16 MiB, so that it takes no minutes."""
    total = hashlib.sha256()
    for path in sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith(".")):
        size = path.stat().st_size
        total.update(f"{path.name}\0{size}\0".encode())
        with path.open("rb") as stream:
            for start in range(0, size, _SAMPLE if size <= _STRIDE else _STRIDE):
                stream.seek(start)
                total.update(stream.read(_SAMPLE))
    return total.hexdigest()

"""Checkpoints from the Hugging Face hub or a local folder: found, described, fetched and loaded in one way.

A checkpoint that is here is never looked up on the network again, so that results change only when a person fetches
another revision. Files load from the snapshot's folder: weights, configuration and tokenizer are of one revision.
"""

from __future__ import annotations

import contextlib
import fnmatch
import functools
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dubkit.backends.devices import device, placed
from dubkit.backends.hub.download import WEIGHTS, download
from dubkit.backends.protocols import Compute, ModelCard
from dubkit.errors import BadInput, MissingModel

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
NON_COMMERCIAL = "non-commercial use only"
# By hub id: licence, note, bytes to fetch (rounded), files of the weights (all where it holds them just once). The first
# pattern that fits counts.
_KNOWN = (
    ("openai/whisper-large-v3-turbo", "MIT", "", 1_620_000_000, "model.safetensors"),
    ("openai/whisper-large-v3", "Apache-2.0", "", 3_090_000_000, "model.safetensors"),
    ("openai/whisper-large*", "Apache-2.0", "", 6_170_000_000, "model.safetensors"),
    ("openai/whisper-medium*", "Apache-2.0", "", 3_060_000_000, "model.safetensors"),
    ("openai/whisper-small*", "Apache-2.0", "", 970_000_000, "model.safetensors"),
    ("openai/whisper-base*", "Apache-2.0", "", 290_000_000, "model.safetensors"),
    ("openai/whisper-tiny*", "Apache-2.0", "", 150_000_000, "model.safetensors"),
    ("facebook/nllb-200-3.3B", "CC-BY-NC-4.0", NON_COMMERCIAL, 17_600_000_000, "pytorch_model*"),
    ("facebook/nllb-200-*1.3B", "CC-BY-NC-4.0", NON_COMMERCIAL, 5_500_000_000, "pytorch_model*"),
    ("facebook/nllb-200-*600M", "CC-BY-NC-4.0", NON_COMMERCIAL, 2_460_000_000, "pytorch_model*"),
    ("facebook/mms-tts-*", "CC-BY-NC-4.0", NON_COMMERCIAL, 145_000_000, "model.safetensors"),
    ("alefiury/wav2vec2-large-xlsr-53-gender-*", "Apache-2.0", "", 1_270_000_000, ""),
)
_SAMPLE = 1 << 16


@dataclass(frozen=True)
class Checkpoint:
    """A pretrained model in the layout of transformers' ``save_pretrained``.

    Parameters
    ----------
    source : str
        A hub id (``owner/name``) or a folder.
    model_type : str or tuple of str
        What its ``config.json`` must say, for example ``whisper``; of several types any.
    """

    source: str
    model_type: str | tuple[str, ...]

    @classmethod
    def parse(cls, argument: str, model_type: str | tuple[str, ...]) -> Checkpoint:
        """The checkpoint that a spec's argument names.

        Raises
        ------
        BadInput
            If it is neither a hub id nor an existing folder.
        """
        if argument and Path(argument).expanduser().is_dir():
            return cls(str(Path(argument).expanduser()), model_type)
        if not HUB_ID.fullmatch(argument):
            raise BadInput(
                f"{argument!r} is neither a folder nor a model on the Hugging Face hub. "
                "Give an id such as openai/whisper-large-v3 or a folder that holds config.json and the weights."
            )
        return cls(argument, model_type)

    @property
    def is_folder(self) -> bool:
        """Whether it lies in a folder of the user's rather than on the hub."""
        return not HUB_ID.fullmatch(self.source) or Path(self.source).is_dir()

    @property
    def folder(self) -> Path | None:
        """Where its files lie, weights included; None where it is not here or not whole."""
        found = self._snapshot()
        return found if found and _weights(found) else None

    def file(self, name: str) -> Path | None:
        """One of its small files, if it is here."""
        found = self._snapshot()
        return found / name if found and (found / name).is_file() else None

    @property
    def fingerprint(self) -> str:
        """Hub id and revision (the id alone where it is not here), or folder name and a digest of the content."""
        if self.is_folder:
            return self._folder_identity
        folder = self.folder
        return f"{self.source}@{folder.name[:12]}" if folder else self.source

    @functools.cached_property
    def _folder_identity(self) -> str:
        path = Path(self.source).resolve()
        return f"{path.name}@{digest(path)[:12]}"

    def card(self) -> ModelCard:
        """Licence, size, whether it is here, and the command that fetches it."""
        folder = self.folder
        size = sum(p.stat().st_size for p in folder.iterdir() if p.is_file()) if folder else 0
        if self.is_folder:
            return ModelCard(
                self.source, "as its owner says", size, folder is not None, f"mend the folder {self.source}"
            )
        for pattern, licence, note, expected, weights in _KNOWN:
            if fnmatch.fnmatchcase(self.source, pattern):
                fetch = f"hf download {self.source}"
                if weights:
                    fetch += f" --include '*.json' --include '*.txt' --include '{weights}'"
                if weights.startswith("pytorch"):
                    fetch += " --include '*.model'"
                # The old files hold numbers of 32 bits, of which a GPU gets 16.
                memory = (size or expected) // 2 if weights.startswith("pytorch") else 0
                return ModelCard(self.source, licence, size or expected, folder is not None, fetch, note, memory=memory)
        return ModelCard(self.source, "see its page on the hub", size, folder is not None, f"hf download {self.source}")

    def fetched(self) -> Path:
        """The folder with its files, downloaded first where it must be.

        Raises
        ------
        MissingModel
            If it cannot be had; the message says why and what to do.
        """
        if found := self.folder:
            return found
        if self.is_folder:
            raise MissingModel(
                f"The folder {self.source} holds no whole checkpoint: config.json and {' or '.join(WEIGHTS)} (or all "
                "parts that its index names) must be there. Save a model there with save_pretrained."
            )
        return download(self.source, self.card().fetch)

    def load(self, cls: Any, compute: Compute, **options: Any) -> Any:
        """The model, ready for inference on the device.

        Parameters
        ----------
        cls : transformers model class
            What to make of it.
        compute : Compute
            Device and threads.
        **options
            Passed to ``from_pretrained``, for example ``dtype``.

        Raises
        ------
        MissingModel
            If it is not here and cannot be fetched, or its files are damaged.
        BadInput
            If it is a model of another type.
        """
        import torch

        folder = self.fetched()
        self._check_type(folder)
        place = device(compute)
        if place == "cpu":
            torch.set_num_threads(compute.n_threads)
        try:
            with quietly():
                model, found = cls.from_pretrained(folder, local_files_only=True, output_loading_info=True, **options)
        except Exception as error:
            raise self._damaged(f"{type(error).__name__}: {error}") from error
        # transformers would go on with random numbers in place of what it did not find.
        if lost := sorted(found["missing_keys"]) + sorted(str(key) for key in found["mismatched_keys"]):
            raise self._damaged(f"{len(lost)} weights are missing or of another shape, {lost[0]} first")
        return placed(model, place, self.source).eval()

    def load_processor(self, cls: Any) -> Any:
        """Its tokenizer or processor, of the given transformers class.

        Raises
        ------
        MissingModel
            If it is not here and cannot be fetched, or its files are damaged.
        """
        try:
            return cls.from_pretrained(self.fetched(), local_files_only=True)
        except MissingModel:
            raise
        except Exception as error:
            raise self._damaged(f"{type(error).__name__}: {error}") from error

    def _snapshot(self) -> Path | None:
        """The folder of its files, whole or not."""
        if self.is_folder:
            return Path(self.source)
        from huggingface_hub import try_to_load_from_cache

        config = try_to_load_from_cache(self.source, "config.json")
        return Path(config).parent if isinstance(config, str) else None

    def _check_type(self, folder: Path) -> None:
        try:
            found = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("model_type")
        except (OSError, ValueError, AttributeError) as error:
            raise self._damaged(f"config.json cannot be read: {error}") from error
        wanted = (self.model_type,) if isinstance(self.model_type, str) else self.model_type
        if found not in wanted:
            needed = " or ".join(map(repr, wanted))
            raise BadInput(f"{self.source} is a model of type {found!r}; {needed} is needed here.")

    def _damaged(self, reason: str) -> MissingModel:
        again = "Mend the folder." if self.is_folder else f"Fetch it again: {self.card().fetch} --force-download"
        return MissingModel(f"The files of {self.source} are damaged or not whole ({reason[:300]}). {again}")


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Keep transformers from drawing progress bars and advice to developers into dubkit's own display."""
    from transformers.utils import logging

    bars, verbosity = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


def _weights(folder: Path) -> list[Path]:
    """The files that hold a checkpoint's weights; empty where one of them is missing."""
    if not (folder / "config.json").is_file():
        return []
    for name in WEIGHTS:
        if (folder / name).is_file():
            return [folder / name]
        index = folder / f"{name}.index.json"
        if index.is_file():
            parts = [folder / part for part in sorted(set(json.loads(index.read_text())["weight_map"].values()))]
            return parts if all(part.is_file() for part in parts) else []
    return []


def digest(folder: Path) -> str:
    """SHA-256 over a folder's files; of big ones over 64 KiB in every 16 MiB, so that it takes no minutes."""
    total = hashlib.sha256()
    for path in sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith(".")):
        size = path.stat().st_size
        total.update(f"{path.name}\0{size}\0".encode())
        with path.open("rb") as stream:
            for start in range(0, size, _SAMPLE if size <= 1 << 24 else 1 << 24):
                stream.seek(start)
                total.update(stream.read(_SAMPLE))
    return total.hexdigest()

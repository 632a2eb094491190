"""Where a diarization pipeline of pyannote.audio lies, which models it is made of, and how they are fetched ahead.

A pipeline is a ``config.yaml``. The models that it names lie in folders beside it (``$model/segmentation``) or are on the
hub under names of their own; what it does not name, pyannote.audio takes from the community pipeline.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dubkit.backends.hub.checkpoint import HUB_ID, digest
from dubkit.backends.hub.download import snapshot
from dubkit.backends.protocols import ModelCard
from dubkit.errors import MissingModel

COMMUNITY = "pyannote/speaker-diarization-community-1"
_PIPELINE = "pyannote.audio.pipelines.SpeakerDiarization"
_CONFIG = "config.yaml"
_MODEL = ("pytorch_model.bin",)
_FILES = {"segmentation": _MODEL, "embedding": _MODEL, "plda": ("xvec_transform.npz", "plda.npz")}
# Licence, and bytes to fetch with all models, rounded.
_KNOWN = {COMMUNITY: ("CC-BY-4.0", 33_000_000), "pyannote/speaker-diarization-3.1": ("MIT", 33_000_000)}


@dataclass(frozen=True)
class _Part:
    """Files of one of a pipeline's models: in a folder, or in a repository of the hub."""

    place: str
    names: tuple[str, ...]

    @property
    def is_folder(self) -> bool:
        return Path(self.place).is_dir()

    @property
    def missing(self) -> list[str]:
        """Those of its files that are not here."""
        if self.is_folder:
            return [name for name in self.names if not (Path(self.place) / name).is_file()]
        if not HUB_ID.fullmatch(self.place):
            return list(self.names)
        from huggingface_hub import try_to_load_from_cache

        return [name for name in self.names if not isinstance(try_to_load_from_cache(self.place, name), str)]

    @property
    def identity(self) -> str:
        """Hub id and revision (the id alone where it is not here), or folder name and a digest of its files."""
        if self.is_folder:
            return _folder_identity(Path(self.place))
        if self.missing:
            return self.place
        from huggingface_hub import try_to_load_from_cache

        # The files lie in a folder named after the revision, some of them in folders of their own.
        found = Path(str(try_to_load_from_cache(self.place, self.names[0])))
        return f"{self.place}@{found.parents[len(Path(self.names[0]).parts) - 1].name[:12]}"


@dataclass(frozen=True)
class PipelineSource:
    """A pipeline named by a hub id or a folder."""

    name: str

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder of the user's."""
        return Path(self.name).expanduser().is_dir()

    @property
    def folder(self) -> Path | None:
        """Where its ``config.yaml`` lies, the models beside it or not; None where it is not here."""
        if self.is_folder:
            folder = Path(self.name).expanduser()
            return folder if (folder / _CONFIG).is_file() else None
        from huggingface_hub import try_to_load_from_cache

        found = try_to_load_from_cache(self.name, _CONFIG)
        return Path(found).parent if isinstance(found, str) else None

    @property
    def present(self) -> bool:
        """Whether it is here with all the models that it names."""
        try:
            return self.folder is not None and not self._missing
        except MissingModel:
            return False

    @property
    def identity(self) -> str:
        """Hub id and revision (the id alone where it is not here), or folder name and a digest of its files.

        So of the pipeline, then of each model that it takes from elsewhere.
        """
        folder = self.folder
        own = self.name
        if self.is_folder:
            own = _folder_identity(Path(self.name))
        elif folder:
            own = f"{self.name}@{folder.name[:12]}"
        try:
            elsewhere = [p for p in _parts(folder) if p.place not in (str(folder), self.name)] if folder else []
        except MissingModel:
            elsewhere = []
        return "+".join(dict.fromkeys([own, *sorted(part.identity for part in elsewhere)]))

    def card(self) -> ModelCard:
        """Licence, size, whether it is here, and the command that brings it."""
        licence, size = _KNOWN.get(self.name, ("see its page on the hub", 0))
        if self.folder and self.present:
            size = sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())
        if self.is_folder:
            return ModelCard(self.name, "as its owner says", size, self.present, self._command)
        note = "its terms must be accepted on the hub, then: hf auth login"
        return ModelCard(self.name, licence, size, self.present, self._command, note)

    def fetched(self) -> Path:
        """The folder of its ``config.yaml``, it and all the models that it names downloaded first where they must be.

        Raises
        ------
        MissingModel
            If it cannot be had: a gate, no token or a refused one, no network, half a folder.
        """
        if not self.is_folder and not self.present:
            snapshot(self.name, self._command, ["*.yaml", "*.bin", "*.npz", "*.safetensors"])
            for part in self._missing:
                if not part.is_folder and HUB_ID.fullmatch(part.place):
                    snapshot(part.place, f"hf download {part.place}", part.names)
        if self.folder and not self._missing:
            return self.folder
        lacking = [f"{name} of {p.place}" for p in self._missing for name in p.missing] if self.folder else [_CONFIG]
        raise MissingModel(
            f"The diarization pipeline {self.name} is not whole: {lacking[0]} is missing. It needs a folder with "
            f"{_CONFIG} and all the models that it names. To bring it: {self._command}"
        )

    @property
    def _command(self) -> str:
        if self.is_folder:
            return f"mend the folder {self.name}"
        try:
            named = [part.place for part in self._missing if not part.is_folder]
        except MissingModel:
            named = []
        return " && ".join(f"hf download {place}" for place in dict.fromkeys([self.name, *named]))

    @property
    def _missing(self) -> list[_Part]:
        """The models that are not here; none where there is no pipeline to name them."""
        return [part for part in _parts(self.folder) if part.missing] if self.folder else []


def _parts(folder: Path) -> Iterator[_Part]:
    """The models that a pipeline is made of.

    Raises
    ------
    MissingModel
        If its ``config.yaml`` cannot be read.
    """
    import yaml

    try:
        told = yaml.safe_load((folder / _CONFIG).read_text(encoding="utf-8"))["pipeline"]
        named: dict[str, Any] = {**told.get("params", {})}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, yaml.YAMLError) as error:
        raise MissingModel(f"{folder / _CONFIG} is no configuration of a pipeline ({str(error)[:200]}).") from error
    if told.get("name") in (_PIPELINE, "SpeakerDiarization"):
        for role in _FILES:
            named.setdefault(role, {"checkpoint": COMMUNITY, "subfolder": role})
    for role, value in named.items():
        if role in _FILES and (part := _part(folder, value, _FILES[role])):
            yield part


def _part(folder: Path, value: Any, names: tuple[str, ...]) -> _Part | None:
    """The model that a value of the configuration names; None where pyannote.audio alone knows what it is made of."""
    place, below = (value.get("checkpoint"), value.get("subfolder")) if isinstance(value, dict) else (value, None)
    if not isinstance(place, str) or Path(place).is_file():
        return None
    if place.startswith("$model/"):
        return _Part(str(folder), tuple(f"{place.removeprefix('$model/').split('@')[0]}/{name}" for name in names))
    # Those of other toolkits have other files.
    if not Path(place).is_dir() and any(kit in place for kit in ("speechbrain", "nvidia")):
        return None
    return _Part(place, tuple(f"{below}/{name}" if below else name for name in names))


def _folder_identity(folder: Path) -> str:
    """A folder's name and a digest of the files in it and in its folders."""
    folder = folder.expanduser().resolve()
    total = hashlib.sha256()
    below = (path.relative_to(folder) for path in folder.rglob("*") if path.is_dir())
    for place in (Path(), *sorted(p for p in below if not any(name.startswith(".") for name in p.parts))):
        total.update(f"{place}\0{digest(folder / place)}\0".encode())
    return f"{folder.name}@{total.hexdigest()[:12]}"

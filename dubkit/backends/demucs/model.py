"""Where a Demucs model lies, what it is, and how it is loaded.

A model is a bag: ``NAME.yaml`` lists its members, each ``SIGNATURE.safetensors``. The package's own loader would fall back
on older files, whose format can run code, and builds whatever class a file names: here just Demucs' own are built.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dubkit.backends.devices import device, no_memory, out_of_memory
from dubkit.backends.hub.checkpoint import HUB_ID, digest
from dubkit.backends.hub.download import snapshot
from dubkit.backends.protocols import Compute, ModelCard
from dubkit.errors import BadInput, MissingModel, listed

if TYPE_CHECKING:
    import torch

INSTALL = "pip install 'dubkit[separation]'"
OWNER = "adefossez"
# Bytes to fetch, rounded. The quantised models need a further package and are no better: they are not offered.
_SIZES = {
    "htdemucs": 84_000_000,
    "htdemucs_ft": 336_000_000,
    "htdemucs_6s": 55_000_000,
    "hdemucs_mmi": 167_000_000,
    "mdx": 691_000_000,
    "mdx_extra": 670_000_000,
}
_CLASSES = ("demucs.htdemucs.HTDemucs", "demucs.hdemucs.HDemucs", "demucs.demucs.Demucs")
_SPEECH = "vocals"


@dataclass(frozen=True)
class Voices:
    """Loaded models that tell speech apart.

    Parameters
    ----------
    members : tuple of (float, callable)
        Weight and network of each model of the bag; a network takes (n, channels, n_samples).
    channels : int
        That they take; each is given the same sound.
    column : int
        Where speech is among what they give, shape (n, sources, channels, n_samples).
    length : int
        Samples of the windows that they are used to.
    valid_length : callable
        Samples that they must be given for so many.
    """

    members: tuple[tuple[float, Any], ...]
    channels: int
    column: int
    length: int
    valid_length: Callable[[int], int]

    def __call__(self, sounds: torch.Tensor) -> torch.Tensor:
        """The speech in mono sounds, both of shape (n, n_samples)."""
        import torch

        wide = sounds[:, None].expand(-1, self.channels, -1)
        speech = torch.zeros_like(sounds)
        for weight, member in self.members:
            speech += weight * member(wide)[:, self.column].mean(dim=1)
        return speech / sum(weight for weight, _ in self.members)


@dataclass(frozen=True)
class DemucsSource:
    """A model named by ``NAME``, ``OWNER/NAME`` or a folder."""

    name: str

    @classmethod
    def parse(cls, argument: str) -> DemucsSource:
        """The model that a spec's argument names.

        Raises
        ------
        BadInput
            If it names none.
        """
        if Path(argument).expanduser().is_dir():
            return cls(str(Path(argument).expanduser()))
        if argument not in _SIZES and not HUB_ID.fullmatch(argument):
            raise BadInput(
                f"{argument!r} names no Demucs model. Give one of {listed(list(_SIZES))}, the OWNER/NAME of one on the "
                "Hugging Face hub, or a folder with NAME.yaml and the .safetensors files that it lists."
            )
        return cls(argument)

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder of the user's."""
        return Path(self.name).is_dir()

    @property
    def repository(self) -> str:
        """Its hub id; demucs names its repositories in this way."""
        owner, _, name = self.name.rpartition("/")
        kind, _, rest = name.partition("_")
        named = f"HTDemucs{f'-{rest}' if rest else ''}" if kind == "htdemucs" else f"Demucs-{name}"
        return f"{owner or OWNER}/{named}"

    @property
    def local(self) -> Path | None:
        """The ``.yaml`` file of the bag, where it is here with all that it lists; else None."""
        found: Path | None
        if self.is_folder:
            found = next(iter(sorted(Path(self.name).glob("*.yaml"))), None)
        else:
            from huggingface_hub import try_to_load_from_cache

            cached = try_to_load_from_cache(self.repository, f"{self.name.rpartition('/')[2]}.yaml")
            found = Path(cached) if isinstance(cached, str) else None
        try:
            return found if found and all(path.is_file() for path in _members(found)) else None
        except BadInput:
            return None

    @functools.cached_property
    def identity(self) -> str:
        """Name and revision (the name alone where it is not here), or folder name and a digest of its files."""
        if self.is_folder:
            folder = Path(self.name).resolve()
            return f"{folder.name}@{digest(folder)[:12]}"
        return f"{self.name}@{self.local.parent.name[:12]}" if self.local else self.name

    def card(self) -> ModelCard:
        """Licence, size, whether it is here, and the command that brings it."""
        here = self.local
        present = here is not None and find_spec("demucs") is not None
        size = sum(path.stat().st_size for path in _members(here)) if here else _SIZES.get(self.name, 0)
        licence = "MIT" if self.name in _SIZES else "as its owner says"
        return ModelCard(self.name, licence, size, present, self._command)

    @property
    def _command(self) -> str:
        if find_spec("demucs") is None:
            return INSTALL
        return f"mend the folder {self.name}" if self.is_folder else f"hf download {self.repository}"

    def fetched(self) -> Path:
        """The ``.yaml`` file of the bag, downloaded first where it must be.

        Raises
        ------
        MissingModel
            If the package demucs is not installed, or the model cannot be had; the message says what to do.
        """
        if find_spec("demucs") is None:
            raise MissingModel(f"The separator demucs needs the package demucs. Install it with: {INSTALL}")
        if here := self.local:
            return here
        if not self.is_folder:
            snapshot(self.repository, self._command, ["*.yaml", "*.safetensors"])
            if here := self.local:
                return here
        raise MissingModel(
            f"{self.name} is no whole Demucs model: there must be NAME.yaml, with the names of its models, and "
            f"NAME.safetensors for each of them. To bring it: {self._command}"
        )

    def load(self, compute: Compute, sample_rate: int) -> Voices:
        """The models, ready for inference on the device.

        Raises
        ------
        MissingModel
            If it is not here and cannot be had, or its files are damaged.
        BadInput
            If it is no model of Demucs' own kinds, does not tell speech apart, or is of another sample rate.
        OutOfMemory
            If the GPU has no room for it.
        """
        listed_in = self.fetched()
        told = _told(listed_in)
        try:
            from demucs.apply import BagOfModels

            bag = BagOfModels([_model(path) for path in _members(listed_in)], told.get("weights"), told.get("segment"))
        except BadInput:
            raise
        except Exception as error:
            raise MissingModel(
                f"The Demucs model {self.name} is damaged ({type(error).__name__}: {str(error)[:200]}). Bring it again: "
                f"{self._command}{'' if self.is_folder else ' --force-download'}"
            ) from error
        if bag.samplerate != sample_rate or _SPEECH not in bag.sources:
            raise BadInput(
                f"The Demucs model {self.name} works at {bag.samplerate} Hz and tells apart {listed(list(bag.sources))}. "
                f"Needed are {sample_rate} Hz and {_SPEECH!r} among them."
            )
        place = device(compute)
        voices = _voices(bag)
        try:
            for _, member in voices.members:
                member.to(place).eval()
        except RuntimeError as error:
            if out_of_memory(error):
                raise no_memory(self.name, place) from error
            raise
        return voices


def _voices(bag: Any) -> Voices:
    """What of a bag has a say in the voices: of four models that were each trained for one source, one."""
    column = bag.sources.index(_SPEECH)
    used = [(float(row[column]), model) for row, model in zip(bag.weights, bag.models, strict=True) if row[column]]
    # Some networks take sounds of any length, some of certain ones.
    sized = [model for _, model in used if hasattr(model, "valid_length")]

    def valid_length(n_samples: int) -> int:
        return max([n_samples, *(int(model.valid_length(n_samples)) for model in sized)])

    seconds = min(model.segment for _, model in used)
    return Voices(tuple(used), bag.audio_channels, column, int(bag.samplerate * seconds), valid_length)


def _told(bag: Path) -> dict[str, Any]:
    """What the ``.yaml`` file of a bag says.

    Raises
    ------
    BadInput
        If it does not list models.
    """
    import yaml

    try:
        told = yaml.safe_load(bag.read_text(encoding="utf-8"))
        # Signatures are names of files beside it, and nothing else.
        if told["models"] and all(Path(str(name)).name == str(name) for name in told["models"]):
            return dict(told)
    except (OSError, ValueError, TypeError, KeyError, yaml.YAMLError) as error:
        raise BadInput(f"{bag.name} does not say what models a Demucs bag has: {str(error)[:200]}") from error
    raise BadInput(f"{bag.name} does not say what models a Demucs bag has: 'models' must list their names.")


def _members(bag: Path) -> list[Path]:
    return [bag.parent / f"{name}.safetensors" for name in _told(bag)["models"]]


def _model(path: Path) -> Any:
    """One model of a bag.

    Raises
    ------
    BadInput
        If the file asks for a class that is not Demucs' own, or holds quantised weights.
    """
    from demucs.hf import load_safetensors_model
    from safetensors import safe_open

    with safe_open(str(path), framework="pt") as file:
        described: dict[str, str] = file.metadata() or {}
    if described.get("klass") not in _CLASSES or "structure" in described:
        raise BadInput(
            f"{path.name} is no Demucs model that can be used here: it must be one of {', '.join(_CLASSES)} with plain "
            f"weights, and says {json.dumps(described.get('klass'))}."
        )
    return load_safetensors_model(path)

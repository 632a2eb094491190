"""Where the files of Pocket TTS are: one model per language, on the hub or in a user's folder.

The library would download what is missing in the midst of its work and, where the gated weights are refused, go on with
others without a word. So every file is found or fetched here first, and the library is given a configuration that names
nothing but local files. Which revision of which file belongs together is what the installed library says.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dubkit.backends.hub.checkpoint import Checkpoint
from dubkit.backends.hub.download import explained
from dubkit.backends.pocket.library import PACKAGE, library
from dubkit.backends.protocols import ModelCard
from dubkit.backends.weights import package_folder
from dubkit.errors import MissingModel

OPEN = "kyutai/pocket-tts-without-voice-cloning"
GATED = "kyutai/pocket-tts"
LICENCE = "CC-BY-4.0"
SIZE = 220_000_000
"""Bytes of a language's weights: about 110 million numbers of 16 bits."""
_HUB_FILE = re.compile(r"hf://(?P<repository>[^/]+/[^/]+)/(?P<path>[^@]+)(?:@(?P<revision>\w+))?")

_VOICE_FILE = re.compile(r"hf://[^\s\"'{}]+/\{language\}/[^\s\"'{}]+/\{name\}\.safetensors@\w+")


@dataclass(frozen=True)
class HubFile:
    """One file of a hub repository, at one revision."""

    repository: str
    path: str
    revision: str | None

    @classmethod
    def parse(cls, address: str) -> HubFile:
        """The file that the library writes as ``hf://OWNER/NAME/PATH@REVISION``."""
        found = _HUB_FILE.fullmatch(address)
        if not found:
            raise MissingModel(
                f"The installed pocket-tts names a file that is not on the hub: {address!r}. Install the release that "
                "dubkit was made for: pip install 'dubkit[cloning]'"
            )
        return cls(**found.groupdict())

    @property
    def command(self) -> str:
        """What a person can run to fetch it."""
        revision = f" --revision {self.revision}" if self.revision else ""
        return f"hf download {self.repository} {self.path}{revision}"

    def local(self) -> Path | None:
        """Where it lies in the hub's cache; None where it is not there."""
        from huggingface_hub import try_to_load_from_cache

        found = try_to_load_from_cache(self.repository, self.path, revision=self.revision)
        return Path(found) if isinstance(found, str) else None

    def fetched(self) -> Path:
        """The file, downloaded first where it must be.

        Raises
        ------
        MissingModel
            If it cannot be had: a gate, a refused token, no such file, no network.
        """
        return self.local() or self._download()

    def _download(self) -> Path:
        from huggingface_hub import hf_hub_download

        with explained(f"{self.repository} ({self.path})", self.command):
            return Path(hf_hub_download(self.repository, self.path, revision=self.revision))


@dataclass(frozen=True)
class LanguageFiles:
    """The files of one language's model.

    Parameters
    ----------
    name : str
        The library's name of the model, for example ``french``.
    config : Path
        Its YAML file.
    folder : Path or None
        The user's folder with ``model.safetensors``, ``tokenizer.json`` and ``embeddings``; None for the hub's.
    """

    name: str
    config: Path
    folder: Path | None = None

    @property
    def fingerprint(self) -> str:
        """A digest of a folder's content; nothing for the hub's files, which the library's version determines."""
        if self.folder is None:
            return ""
        parts = [self.folder, *([self.folder / "embeddings"] if (self.folder / "embeddings").is_dir() else [])]
        return "+".join(Checkpoint(str(part), PACKAGE).fingerprint for part in parts)

    @property
    def voices(self) -> tuple[str, ...]:
        """The stock voices in a user's folder; none of the hub's."""
        return tuple(sorted(p.stem for p in self.folder.glob("embeddings/*.safetensors"))) if self.folder else ()

    def weights(self, cloning: bool) -> Path:
        """The weights; for the hub's, those that can copy voices or those that cannot."""
        return self._local("model.safetensors") or self._hub("weights", cloning).fetched()

    def voice(self, name: str) -> Path:
        """A stock voice: the state of the model after it has heard a recording."""
        if self.folder:
            return self.folder / "embeddings" / f"{name}.safetensors"
        return self.hub_voice(name).fetched()

    def hub_voice(self, name: str) -> HubFile:
        """Where the hub has a stock voice."""
        return HubFile.parse(_voice_address(self.name, name))

    @contextlib.contextmanager
    def local_config(self, cloning: bool) -> Iterator[Path]:
        """A configuration for the library in which every file is a local one; it is there as long as the context is."""
        settings = self._settings()
        settings["weights_path"] = str(self.weights(cloning))
        settings["weights_path_without_voice_cloning"] = None
        settings["mimi"]["weights_path"] = settings["flow_lm"]["weights_path"] = None
        tokenizer = self._local("tokenizer.json") or self._hub("tokenizer").fetched()
        settings["flow_lm"]["lookup_table"] |= {"tokenizer": "tokenizers", "tokenizer_path": str(tokenizer)}
        with tempfile.TemporaryDirectory(prefix="dubkit-") as folder:
            # JSON is YAML, too.
            path = Path(folder) / "config.yaml"
            path.write_text(json.dumps(settings), encoding="utf-8")
            yield path

    def cards(self, voices: Sequence[str] = ()) -> list[ModelCard]:
        """The model, and for the hub's the variant that copies voices, which is wanted only where voices are copied.

        Parameters
        ----------
        voices : sequence of str
            Stock voices that have to be there with the hub's model.
        """
        if self.folder:
            needed = [self.folder / "model.safetensors", self.folder / "tokenizer.json"]
            present = all(p.is_file() for p in needed)
            size = sum(p.stat().st_size for p in needed) if present else 0
            return [ModelCard(str(self.folder), "as its owner says", size, present, f"mend the folder {self.folder}")]
        cloning = self._hub("weights", True)
        note = "each stock voice has a licence of its own: see kyutai/tts-voices on the hub"
        gate = "copies voices, only with their owners' consent; gated: accept its terms on the hub, then hf auth login"
        files = self.needed(voices)
        here = all(file.local() for file in files)
        command = _command(files)
        return [
            ModelCard(f"{OPEN}/{self.name}", LICENCE, SIZE, here, command, note),
            ModelCard(f"{GATED}/{self.name}", LICENCE, SIZE, bool(cloning.local()), cloning.command, gate, True, True),
        ]

    def needed(self, voices: Sequence[str] = ()) -> list[HubFile]:
        """What these stock voices need of the hub, themselves included."""
        if self.folder:
            return []
        return [self._hub("weights"), self._hub("tokenizer"), *map(self.hub_voice, voices)]

    def cloning(self) -> HubFile | None:
        """The hub's weights that copy voices."""
        return None if self.folder else self._hub("weights", True)

    def _hub(self, what: str, cloning: bool = False) -> HubFile:
        settings = self._settings()
        if what == "tokenizer":
            return HubFile.parse(settings["flow_lm"]["lookup_table"]["tokenizer_path"])
        return HubFile.parse(settings["weights_path" if cloning else "weights_path_without_voice_cloning"])

    def _local(self, name: str) -> Path | None:
        if self.folder is None:
            return None
        if not (self.folder / name).is_file():
            raise MissingModel(
                f"The folder {self.folder} has no {name}. It must hold model.safetensors and tokenizer.json, as "
                f"languages/{self.name} of {OPEN} on the hub does."
            )
        return self.folder / name

    def _settings(self) -> dict[str, Any]:
        yaml = importlib.import_module("yaml")
        settings: dict[str, Any] = yaml.safe_load(self.config.read_text(encoding="utf-8"))
        return settings


def _command(files: Sequence[HubFile]) -> str:
    """What a person can run to fetch several files: one command for each revision of a repository."""
    groups: dict[tuple[str, str | None], list[str]] = {}
    for file in files:
        groups.setdefault((file.repository, file.revision), []).append(file.path)
    return " && ".join(HubFile(name, " ".join(paths), at).command for (name, at), paths in groups.items())


def _voice_address(model: str, name: str) -> str:
    """What the library gives as the address of a stock voice; read from its source, as importing it takes seconds."""
    home = package_folder(PACKAGE)
    source = home / "utils" / "utils.py" if home else None
    if source and source.is_file() and (found := _VOICE_FILE.search(source.read_text(encoding="utf-8"))):
        return found[0].replace("{language}", model).replace("{name}", name)
    return str(library("utils.utils").get_predefined_voice(model, name))


def library_config(name: str) -> Path | None:
    """The library's own configuration of a model; None where it has none.

    Raises
    ------
    MissingModel
        If the library is not installed.
    """
    home = package_folder(PACKAGE)
    if home is None:
        raise MissingModel(
            "The synthesizer 'pocket' needs the Python package 'pocket-tts', which is not installed. "
            "Install it with: pip install 'dubkit[cloning]'"
        )
    path = home / "config" / f"{name}.yaml"
    return path if path.is_file() else None

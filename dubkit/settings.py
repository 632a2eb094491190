"""Every setting of a run in one nested, frozen object; profiles and ``--set`` change it by name.

The settings of a stage live beside the stage; the names here are the stages' own. ``backends`` picks the models,
``compute`` says how to run them and changes no result.
"""

from __future__ import annotations

import math
import shutil
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from dubkit.backends.protocols import Compute
from dubkit.errors import BadInput, listed
from dubkit.stages.assemble import AssembleSettings
from dubkit.stages.assign_voices import AssignVoicesSettings
from dubkit.stages.combine import CombineSettings
from dubkit.stages.detect_gender import DetectGenderSettings
from dubkit.stages.diarize import DiarizeSettings
from dubkit.stages.segment import SegmentSettings
from dubkit.stages.separate import SeparateSettings
from dubkit.stages.synthesize import SynthesizeSettings
from dubkit.stages.transcribe import TranscribeSettings
from dubkit.stages.translate import TranslateSettings
from dubkit.stages.validate import ValidateSettings

STRICT = ConfigDict(extra="forbid", defer_build=True)


@dataclass(frozen=True, config=STRICT)
class Backends:
    """The model of each task, as a spec string (see :mod:`dubkit.backends.registry`)."""

    separator: str = "deepfilter"
    diarizer: str = "pyannote:packaged"
    transcriber: str = "faster-whisper:packaged-base"
    gender_classifier: str = "voice-gender"
    translator: str = "pivot"
    synthesizer: str = "first:kokoro,espeak"


@dataclass(frozen=True, config=STRICT)
class Settings:
    """Everything that can be set, one group per stage."""

    backends: Backends = Backends()
    compute: Compute = Compute()
    validate: ValidateSettings = ValidateSettings()
    separate: SeparateSettings = SeparateSettings()
    diarize: DiarizeSettings = DiarizeSettings()
    segment: SegmentSettings = SegmentSettings()
    transcribe: TranscribeSettings = TranscribeSettings()
    detect_gender: DetectGenderSettings = DetectGenderSettings()
    translate: TranslateSettings = TranslateSettings()
    assign_voices: AssignVoicesSettings = AssignVoicesSettings()
    synthesize: SynthesizeSettings = SynthesizeSettings()
    assemble: AssembleSettings = AssembleSettings()
    combine: CombineSettings = CombineSettings()

    def but(self, changes: Mapping[str, Any]) -> Settings:
        """The same settings with some changed, by dotted name; text is read as the setting's type.

        Raises
        ------
        BadInput
            If there is no such setting or the value does not fit; the message lists what is allowed.
        """
        tree = asdict(self)
        for name, value in changes.items():
            path = name.split(".")
            group = _inside(tree, path[:-1])
            if len(path) < 2 or group is None or path[-1] not in group:
                raise BadInput(f"There is no setting {name!r}. {_near(tree, path[:-1])}")
            group[path[-1]] = _read(value)
        return load(tree)


def load(tree: Mapping[str, Any]) -> Settings:
    """Settings from nested plain values.

    Raises
    ------
    BadInput
        If a name is unknown or a value does not fit.
    """
    try:
        found = TypeAdapter(Settings).validate_python(tree, extra="forbid")
    except ValidationError as error:
        raise BadInput(f"These settings do not fit: {'; '.join(map(_told, error.errors()))}.") from error
    if endless := list(_endless(asdict(found))):
        raise BadInput(f"These settings must be finite numbers: {', '.join(endless)}.")
    return found


def _told(error: Any) -> str:
    """What is wrong with a setting. The spec of a back end may hold a password, and is not repeated."""
    path = error["loc"]
    given = "" if path[:1] == ("backends",) else f" (given: {error['input']!r})"
    return f"{'.'.join(map(str, path))}: {error['msg']}{given}"


def profiles() -> dict[str, str]:
    """The profiles that ship with dubkit, as TOML text by name."""
    folder = files("dubkit") / "profiles"
    return {p.name.removesuffix(".toml"): p.read_text() for p in folder.iterdir() if p.name.endswith(".toml")}


def profile(name: str | None) -> tuple[Settings, str]:
    """The settings of a profile and one sentence that says why it was taken.

    Parameters
    ----------
    name : str or None
        A shipped profile, the path of a TOML file, or None: ``hub`` where an NVIDIA GPU is there, else ``embedded``.

    Raises
    ------
    BadInput
        If there is no such profile.
    """
    why = f"Profile {name!r}, as asked for."
    if name is None:
        has_gpu = shutil.which("nvidia-smi") is not None
        name = "hub" if has_gpu else "embedded"
        why = f"Profile {name!r}, because {'an NVIDIA GPU is' if has_gpu else 'no NVIDIA GPU is'} here."
    shipped = profiles()
    if name in shipped:
        return load(tomllib.loads(shipped[name])), why
    if Path(name).suffix == ".toml" and Path(name).is_file():
        return load(_parsed(Path(name))), why
    raise BadInput(f"There is no profile {name!r}: give one of {listed(list(shipped))}, or the path of a .toml file.")


def _parsed(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"The profile {path} is not valid TOML: {error}") from error


def _read(value: Any) -> Any:
    """A value given as text, as TOML would read it; text that is no TOML value stays text."""
    if not isinstance(value, str):
        return value
    try:
        read = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return None if value in ("none", "None") else value
    # TOML's nan is the code of a language (Min Nan) and never a setting.
    return value if isinstance(read, float) and not math.isfinite(read) else read


def _inside(tree: Mapping[str, Any], path: list[str]) -> Any:
    """The group at a path of names; None where there is none."""
    node: Any = tree
    for name in path:
        node = node.get(name) if isinstance(node, dict) else None
    return node if isinstance(node, dict) else None


def _near(tree: Mapping[str, Any], path: list[str]) -> str:
    """What there is to set in the last group on the path that exists."""
    while path and not _inside(tree, path):
        path = path[:-1]
    names = listed(list(_inside(tree, path)))
    return f"{'.'.join(path)} has: {names}." if path else f"The groups are: {names}."


def _endless(tree: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Names of the numbers that are infinite or none: such a setting has no JSON form, and so no key."""
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _endless(value, f"{prefix}{name}.")
        elif isinstance(value, float) and not math.isfinite(value):
            yield prefix + name

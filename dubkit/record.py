"""The base of every artefact: frozen records, handles of files, and how they are written, read and shown."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, SerializationInfo, ValidationInfo, field_serializer, field_validator

if TYPE_CHECKING:
    import numpy as np

Seconds = float


class Record(BaseModel):
    """A frozen value with named fields; unknown fields are refused."""

    # Built at first use: importing dubkit stays quick.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    def but(self, **changes: Any) -> Self:
        """The same record with some fields changed (and checked again)."""
        return type(self).model_validate({**dict(self), **changes})


class File(Record):
    """A file on disk and the digest of its content.

    Parameters
    ----------
    path : Path
        Where it lies; no part of an artefact's identity.
    sha256 : str
        Hex digest of the content.
    size : int
        Bytes.
    """

    path: Path
    sha256: str
    size: int

    @classmethod
    def of(cls, path: Path, **fields: Any) -> Self:
        """The handle of an existing file."""
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        return cls(path=path, sha256=digest, size=path.stat().st_size, **fields)

    @field_serializer("path")
    def _path_out(self, path: Path, info: SerializationInfo) -> str:
        context = info.context or {}
        if context.get("identity"):
            return ""
        if "from" in context and path.is_relative_to(context["from"]):
            path = context["to"] / path.relative_to(context["from"])
        folder = context.get("folder")
        return str(path.relative_to(folder)) if folder and path.is_relative_to(folder) else str(path)

    @field_validator("path", mode="after")
    @classmethod
    def _path_in(cls, path: Path, info: ValidationInfo) -> Path:
        folder = (info.context or {}).get("folder")
        return folder / path if folder and not path.is_absolute() else path


class AudioFile(File):
    """A sound file, read lazily: nothing is decoded until :meth:`load`."""

    sample_rate: int
    n_channels: int
    n_samples: int

    @property
    def duration(self) -> Seconds:
        """Length in seconds."""
        return self.n_samples / self.sample_rate

    def load(self, start: Seconds = 0.0, end: Seconds | None = None) -> np.ndarray:
        """Samples between two times.

        Returns
        -------
        np.ndarray, shape (n_samples,) for mono or (n_samples, n_channels)
            float32 in [-1, 1].
        """
        from dubkit.audio import read

        return read(self.path, start, end)


class Artefact(Record):
    """What one stage makes. ``ROWS`` names the field that holds its table, ``TEXT`` the column edited by default."""

    ROWS: ClassVar[str] = ""
    TEXT: ClassVar[str] = ""

    def digest(self) -> str:
        """SHA-256 over the content: equal for equal results wherever their files lie."""
        return hashlib.sha256(self.model_dump_json(context={"identity": True}).encode()).hexdigest()

    @property
    def rows(self) -> tuple[Any, ...]:
        """The table's rows, in time order where they have times."""
        return getattr(self, self.ROWS) if self.ROWS else ()

    def _repr_html_(self) -> str:
        """A compact table for notebooks, with players; every value is escaped."""
        from dubkit.showing import page

        return page(self)

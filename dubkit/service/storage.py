"""Where films come from and dubs go: a folder, or a bucket with S3's interface.

``storage(url)`` makes the storage that a URL names; a new kind is a class and a line in ``SCHEMES``. Files go to and
from disk in parts of a few MiB and are never whole in memory. A name says which file inside the storage is meant; it
may come from anybody and can reach nothing outside.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple, Protocol
from urllib.parse import unquote

from dubkit.errors import BadInput, DubkitError, OutOfSpace, listed

LONGEST_PART = 255
"""Bytes that file systems take as the name of a file or a folder."""


class NoSuchFile(BadInput):
    """A storage has no file under a name."""


class StorageAway(DubkitError):
    """A storage does not answer; what is asked of it can be asked again."""


class StorageRefused(StorageAway, BadInput):
    """A storage that is not to be had as it was named, or refuses: whoever set it up can mend that, and nobody else."""

    exit_code = BadInput.exit_code
    final = False


class Stored(NamedTuple):
    """A file in a storage: its name, its size, and when it was last written in seconds since 1970."""

    name: str
    n_bytes: int
    modified: float


@dataclass(frozen=True)
class UploadLink:
    """What somebody without credentials needs to put one file into a storage.

    Parameters
    ----------
    method, url : str
        The request to make; its body is the file.
    headers : dict
        It must carry these; they are part of what is signed.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)


class Storage(Protocol):
    """Keeps files under names such as ``films/holiday.mp4``."""

    def upload(self, path: Path, name: str) -> str:
        """Store a file under a name, whole or not at all, over what was there; returns its URL."""
        ...

    def keep(self, path: Path, name: str) -> str:
        """Like :meth:`upload`, without a copy where that is possible: the file at `path` is not to be written to any more.

        Raises
        ------
        NoSuchFile
            If there is no file at `path`.
        """
        ...

    def download(self, name: str, path: Path) -> Path:
        """Bring a file to a path, whole or not at all; returns the path.

        Raises
        ------
        NoSuchFile
            If there is none under that name.
        """
        ...

    def local(self, name: str) -> AbstractContextManager[Path]:
        """The file on this machine, to be read for the length of a with block; one that is kept elsewhere is copied.

        Raises
        ------
        NoSuchFile
            If there is none under that name.
        """
        ...

    def exists(self, name: str) -> bool:
        """Whether there is a file under that name."""
        ...

    def size(self, name: str) -> int | None:
        """Bytes of a file; None if there is none under that name."""
        ...

    def names(self, prefix: str = "") -> Iterator[Stored]:
        """All files whose names begin with the folders of `prefix` (``dubs/7``, not ``dubs/77``)."""
        ...

    def delete(self, name: str) -> None:
        """Remove a file, if it is there."""
        ...

    def delete_all(self, prefix: str) -> int:
        """Remove all that :meth:`names` lists for a prefix that is not empty; returns how many files that were."""
        ...

    def link(self, name: str, seconds: int = 3600, *, file_name: str = "", media_type: str = "") -> str:
        """A URL from which anybody who has it can read the file, for so many seconds where the storage can limit it.

        Where the storage can say so, it is saved as `file_name` and served as `media_type`.
        """
        ...

    def upload_link(self, name: str, n_bytes: int, seconds: int = 3600) -> UploadLink | None:
        """How somebody else may put a file of just that size under that name; None where this machine itself must."""
        ...

    def check(self) -> None:
        """See that it can be written and read.

        Raises
        ------
        DubkitError
            If not; the message says why.
        """
        ...

    def expire(self, days: Mapping[str, int]) -> None:
        """Let the storage itself remove files so many days after they came, by prefix; 0 keeps them.

        A storage that has no clock of its own does nothing.
        """
        ...


def storage(url: str, **options: Any) -> Storage:
    """The storage that a URL names.

    Parameters
    ----------
    url : str
        A folder, ``file:///folder`` or ``s3://bucket/prefix``, the last also with options behind it:
        ``?encryption=AES256``, ``?encryption=aws:kms&kms_key=...``.
    **options
        What the class takes, for example ``encryption`` for S3.

    Raises
    ------
    BadInput
        If the scheme is unknown or the URL is not whole.
    """
    scheme, separator, _ = url.partition("://")
    kind = SCHEMES.get(scheme.lower() if separator else "")
    if kind is None:
        schemes = listed([f"{s}://" for s in SCHEMES if s])
        raise BadInput(f"{url!r} is not a storage: its scheme must be one of {schemes}, or it is a folder's path.")
    return kind(url, **options)


def locate(url: str, **options: Any) -> tuple[Storage, str]:
    """The storage and the name of the one file that a URL or path means (``s3://bucket/films/holiday.mp4``).

    Raises
    ------
    BadInput
        If it ends in a slash or names no file.
    """
    home, slash, name = url.rpartition("/")
    if not name or name in (".", "..") or home.endswith(":/"):
        raise BadInput(f"{url!r} names no file: give all of it, for example s3://bucket/films/holiday.mp4.")
    if home == "file://":
        home = "file:///"
    if url.lower().startswith("file://"):
        name = unquote(name)
    return storage(home or slash or ".", **options), name


def _folder(url: str, **options: Any) -> Storage:
    from dubkit.service.folder import Folder

    return Folder.from_url(url, **options)


def _s3(url: str, **options: Any) -> Storage:
    from dubkit.service.s3 import S3

    return S3.from_url(url, **options)


SCHEMES: dict[str, Callable[..., Storage]] = {"": _folder, "file": _folder, "s3": _s3}


def checked_name(name: str) -> str:
    """A name that stays inside its storage.

    Raises
    ------
    BadInput
        If it is empty or absolute, goes up, or is longer than file systems take.
    """
    parts = name.split("/")
    longest = max(len(part.encode(errors="surrogatepass")) for part in parts)
    if not name or "\0" in name or any(part in ("", ".", "..") for part in parts) or longest > LONGEST_PART:
        raise BadInput(
            f"{name[:200]!r} is no name for a file in a storage: give one such as films/holiday.mp4, with no '..' in it."
        )
    return str(PurePosixPath(*parts))


@contextlib.contextmanager
def whole(target: Path) -> Iterator[Path]:
    """A path beside `target` to write to, which takes its place when all is written."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".part-") as folder:
        part = Path(folder) / "part"
        yield part
        part.replace(target)


@contextlib.contextmanager
def disk(target: Path) -> Iterator[None]:
    """Turn a full disk or a folder that cannot be written into an error that says so."""
    try:
        yield
    except OSError as error:
        raise OutOfSpace(
            f"{target} cannot be written: {error.strerror or error}. Free room or choose another folder."
        ) from error

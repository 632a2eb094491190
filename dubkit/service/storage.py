"""Where films come from and dubs go: a folder, or a bucket with S3's interface.

``storage(url)`` makes the storage that a URL names; a new kind is a class and a line in ``SCHEMES``. Files go to and
from disk in parts of a few MiB and are never whole in memory. A name says which file inside the storage is meant; it
may come from anybody and can reach nothing outside.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Protocol
from urllib.parse import unquote

from dubkit.errors import BadInput, OutOfSpace, listed


class Storage(Protocol):
    """Keeps files under names such as ``films/holiday.mp4``."""

    def upload(self, path: Path, name: str) -> str:
        """Store a file under a name, whole or not at all, over what was there; returns its URL."""
        ...

    def download(self, name: str, path: Path) -> Path:
        """Bring a file to a path, whole or not at all; returns the path.

        Raises
        ------
        BadInput
            If there is none under that name.
        """
        ...

    def exists(self, name: str) -> bool:
        """Whether there is a file under that name."""
        ...

    def link(self, name: str, seconds: int = 3600) -> str:
        """A URL from which anybody who has it can read the file, for so many seconds where the storage can limit it."""
        ...


def storage(url: str, **options: Any) -> Storage:
    """The storage that a URL names.

    Parameters
    ----------
    url : str
        A folder, ``file:///folder`` or ``s3://bucket/prefix``.
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


class Folder:
    """Storage in a folder of this machine."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def from_url(cls, url: str) -> Folder:
        """From a path or ``file://`` with an absolute path."""
        scheme, separator, rest = url.partition("://")
        path = unquote(rest) if separator and scheme.lower() == "file" else url
        if not path or (separator and not path.startswith("/")):
            raise BadInput(f"{url!r} names no folder: a file:// URL has three slashes, as in file:///data/films.")
        return cls(Path(path).expanduser())

    def upload(self, path: Path, name: str) -> str:
        """See :class:`Storage`."""
        target = self._place(name)
        with disk(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            _copy(path, target)
        return target.resolve().as_uri()

    def download(self, name: str, path: Path) -> Path:
        """See :class:`Storage`."""
        source = self._place(name)
        if not source.is_file():
            raise BadInput(f"There is no file {name!r} in {self.root}.")
        with disk(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            _copy(source, path)
        return path

    def exists(self, name: str) -> bool:
        """See :class:`Storage`."""
        return self._place(name).is_file()

    def link(self, name: str, seconds: int = 3600) -> str:
        """A ``file://`` URL; it has no end."""
        place = self._place(name)
        if not place.is_file():
            raise BadInput(f"There is no file {name!r} in {self.root}.")
        return place.resolve().as_uri()

    def _place(self, name: str) -> Path:
        place = self.root / checked_name(name)
        # A link inside the folder may point anywhere.
        if not place.resolve().is_relative_to(self.root.resolve()):
            raise BadInput(f"{name!r} lies outside {self.root}.")
        return place


def _s3(url: str, **options: Any) -> Storage:
    from dubkit.service.s3 import S3

    return S3.from_url(url, **options)


SCHEMES: dict[str, Callable[..., Storage]] = {"": Folder.from_url, "file": Folder.from_url, "s3": _s3}


def checked_name(name: str) -> str:
    """A name that stays inside its storage.

    Raises
    ------
    BadInput
        If it is empty or absolute, or goes up.
    """
    parts = name.split("/")
    if not name or "\0" in name or any(part in ("", ".", "..") for part in parts):
        raise BadInput(
            f"{name!r} is no name for a file in a storage: give one such as films/holiday.mp4, with no '..' in it."
        )
    return str(PurePosixPath(*parts))


def _copy(source: Path, target: Path) -> None:
    with whole(target) as part:
        shutil.copyfile(source, part)


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

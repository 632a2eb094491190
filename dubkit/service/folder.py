"""Storage in a folder of this machine."""

from __future__ import annotations

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote

from dubkit.errors import BadInput
from dubkit.service.storage import NoSuchFile, Stored, UploadLink, checked_name, disk, whole


class Folder:
    """Files under a folder, by their names.

    Parameters
    ----------
    root : Path
        Made when it is first written to.
    """

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
        """See :class:`dubkit.service.storage.Storage`."""
        target = self._place(name)
        with disk(target), whole(target) as part:
            shutil.copyfile(path, part)
        return target.resolve().as_uri()

    def keep(self, path: Path, name: str) -> str:
        """The same bytes under a second name where both lie on one disk, else a copy."""
        target = self._place(name)
        with disk(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                # Its age counts from here on, however long it took to come in.
                os.utime(path)
                os.link(path, target)
            except FileNotFoundError:
                raise NoSuchFile(f"There is no file {path.name!r} any more.") from None
            except OSError:
                # Another disk, or one that gives a file no second name.
                self.upload(path, name)
        return target.resolve().as_uri()

    def download(self, name: str, path: Path) -> Path:
        """See :class:`dubkit.service.storage.Storage`."""
        source = self._there(name)
        with disk(path), whole(path) as part:
            shutil.copyfile(source, part)
        return path

    @contextlib.contextmanager
    def local(self, name: str) -> Iterator[Path]:
        """The file itself: it is not to be changed."""
        yield self._there(name)

    def exists(self, name: str) -> bool:
        """See :class:`dubkit.service.storage.Storage`."""
        return self._place(name).is_file()

    def size(self, name: str) -> int | None:
        """See :class:`dubkit.service.storage.Storage`."""
        place = self._place(name)
        return place.stat().st_size if place.is_file() else None

    def names(self, prefix: str = "") -> Iterator[Stored]:
        """See :class:`dubkit.service.storage.Storage`; what a killed process left half written is listed, too."""
        for folder, _, files in os.walk(self._place(prefix.rstrip("/")) if prefix else self.root):
            for name in files:
                path = Path(folder, name)
                # Another process may be removing it.
                with contextlib.suppress(FileNotFoundError):
                    status = path.stat()
                    yield Stored(path.relative_to(self.root).as_posix(), status.st_size, status.st_mtime)

    def delete(self, name: str) -> None:
        """See :class:`dubkit.service.storage.Storage`; folders that become empty go with it."""
        place = self._place(name)
        with disk(place):
            place.unlink(missing_ok=True)
        # The outermost folder stays, for somebody may just be about to write into it.
        for folder in list(place.relative_to(self.root).parents)[:-2]:
            try:
                (self.root / folder).rmdir()
            except OSError:
                break

    def delete_all(self, prefix: str) -> int:
        """See :class:`dubkit.service.storage.Storage`."""
        names = [stored.name for stored in self.names(checked_name(prefix.rstrip("/")))]
        for name in names:
            self.delete(name)
        return len(names)

    def link(self, name: str, seconds: int = 3600, *, file_name: str = "", media_type: str = "") -> str:
        """A ``file://`` URL; it has no end, and the file's own name."""
        return self._there(name).resolve().as_uri()

    def upload_link(self, name: str, n_bytes: int, seconds: int = 3600) -> UploadLink | None:
        """None: only this machine writes into its folders."""
        return None

    def check(self) -> None:
        """See :class:`dubkit.service.storage.Storage`."""
        place = self.root / f".check-{uuid.uuid4().hex}"
        with disk(place):
            self.root.mkdir(parents=True, exist_ok=True)
            try:
                place.write_bytes(b"written")
                place.read_bytes()
            finally:
                place.unlink(missing_ok=True)

    def expire(self, days: Mapping[str, int]) -> None:
        """Nothing: a folder has no clock."""

    def _place(self, name: str) -> Path:
        place = self.root / checked_name(name)
        # A link inside the folder may point anywhere.
        if not place.resolve().is_relative_to(self.root.resolve()):
            raise BadInput(f"{name!r} lies outside {self.root}.")
        return place

    def _there(self, name: str) -> Path:
        place = self._place(name)
        if not place.is_file():
            raise NoSuchFile(f"There is no file {name!r} in {self.root}.")
        return place

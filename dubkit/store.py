"""Results on disk, addressed by content: what was made once is never made again.

A result lies at ``<root>/<stage>/<key>/`` as ``artefact.json``, ``record.json`` and its files. It is written in a
temporary folder and renamed into place, so it exists only when it is whole. Paths inside artefacts are relative to the
root: a store can be moved. ``<root>/items/<stage>/`` keeps finished parts of long stages.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import functools
import hashlib
import json
import math
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from dubkit.errors import OutOfSpace
from dubkit.record import Artefact, File, Record

USE_NOTED = 3600.0
"""Seconds for which a use of a file is not noted again."""


def default_root() -> Path:
    """``$DUBKIT_STORE``, else ``dubkit/store`` in the user's data folder."""
    if chosen := os.environ.get("DUBKIT_STORE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "dubkit" / "store"


def digest(value: object) -> str:
    """SHA-256 of a JSON-able value in canonical form.

    Raises
    ------
    TypeError, ValueError
        If something in it has no JSON form (an object, a number that is none): such a value has no stable identity.
    """
    return hashlib.sha256(
        json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
    ).hexdigest()


@dataclass(frozen=True)
class Stored:
    """A result in the store: the artefact, its digest, and the record of how it was made."""

    artefact: Any
    digest: str
    key: str
    record: Mapping[str, Any]


class Items:
    """Finished parts of one stage's results, each a file addressed by what identifies it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def find(self, identity: object, suffix: str) -> Path | None:
        """The file kept under an identity, or None."""
        path = self._path(identity, suffix)
        if not path.exists():
            return None
        _used((path,))
        return path

    def keep(self, identity: object, suffix: str, write: Callable[[Path], None]) -> Path:
        """Write a file under an identity; it appears when it is whole.

        Raises
        ------
        OutOfSpace
            If the disk is full or the folder cannot be written.
        """
        path = self._path(identity, suffix)
        partial = path.with_name(f".{uuid.uuid4().hex}{suffix}")
        with told(self.root):
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                write(partial)
                partial.replace(path)
            finally:
                partial.unlink(missing_ok=True)
        return path

    def complete(
        self,
        identities: Sequence[object],
        suffix: str,
        make: Callable[[list[int]], Iterable[Any]],
        write: Callable[[Path, Any], None],
    ) -> Iterator[tuple[int, Path]]:
        """Every wanted file: those that are kept at once, the others as they are made and kept.

        Parameters
        ----------
        identities : sequence
            What identifies each wanted item.
        suffix : str
            File name ending.
        make : callable
            Gets the positions that are missing (never none, each identity once) and gives their values in that order.
        write : callable
            Writes a value to a path.

        Yields
        ------
        (int, Path)
            Position and file.
        """
        wanted: dict[Path, list[int]] = {}
        for n, identity in enumerate(identities):
            wanted.setdefault(self._path(identity, suffix), []).append(n)
        missing = []
        for path, positions in wanted.items():
            if path.exists():
                _used((path,))
                yield from ((n, path) for n in positions)
            else:
                missing.append(positions)
        made = make([positions[0] for positions in missing]) if missing else ()
        for positions, value in zip(missing, made, strict=True):
            path = self.keep(identities[positions[0]], suffix, functools.partial(_swapped, write, value))
            yield from ((n, path) for n in positions)

    def _path(self, identity: object, suffix: str) -> Path:
        name = digest(identity)
        return self.root / name[:2] / f"{name}{suffix}"


class Store:
    """A folder of results.

    Raises
    ------
    OutOfSpace
        If the folder cannot be written.
    """

    def __init__(self, root: str | Path | None = None) -> None:
        self.root = Path(root or default_root()).absolute()
        with told(self.root):
            (self.root / "tmp").mkdir(parents=True, exist_ok=True)
            self._sweep()

    def items(self, stage: str) -> Items:
        """The finished parts of a stage."""
        return Items(self.root / "items" / stage)

    def find(self, stage: str, key: str, makes: type[Artefact]) -> Stored | None:
        """The result under a key; None where there is none or it is damaged."""
        home = self.root / stage / key
        try:
            record = json.loads((home / "record.json").read_text())
            artefact = makes.model_validate_json((home / "artefact.json").read_text(), context={"folder": self.root})
            found = Stored(artefact, record["output"], key, record)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (ValueError, ValidationError, KeyError, TypeError):
            return None
        held = [f.path for f in files(artefact)]
        if not all(f.path.exists() and f.path.stat().st_size == f.size for f in files(artefact)):
            return None
        _used((home / "record.json", *held))
        return found

    def expire(self, older_than: float) -> int:
        """Remove what nobody has used for so many seconds: results, finished parts, logs of runs; gives the bytes.

        A result in use stays, with all the files that it holds: finding it counts as use.

        Raises
        ------
        OutOfSpace
            If the folder cannot be written.
        """
        before = time.time() - older_than
        freed = 0
        with told(self.root), self.scratch() as bin:
            for record in self.root.glob("*/*/record.json"):
                if _last_used(record) < before:
                    # In one step, so that nobody finds half of it.
                    with contextlib.suppress(FileNotFoundError):
                        freed += sum(path.stat().st_size for path in record.parent.rglob("*") if path.is_file())
                        record.parent.rename(bin / uuid.uuid4().hex)
            for path in (*self.root.glob("items/*/*/*"), *self.root.glob("runs/*.json")):
                if _last_used(path) < before:
                    with contextlib.suppress(FileNotFoundError):
                        freed += path.stat().st_size
                        path.unlink()
        return freed

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Path]:
        """A temporary folder of this process, gone afterwards.

        A lock beside it tells other processes that it is in use; the system drops the lock if this process dies.
        """
        lock = self.root / "tmp" / f"{uuid.uuid4().hex}.lock"
        folder = lock.with_suffix("")
        with told(self.root), lock.open("w") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            folder.mkdir()
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)
                lock.unlink(missing_ok=True)

    def put(self, stage: str, key: str, artefact: Artefact, record: Mapping[str, Any], scratch: Path) -> Stored:
        """Move a finished result into place and read it back from there."""
        home = self.root / stage / key
        record = {**record, "stage": stage, "key": key, "output": artefact.digest()}
        moved = {"folder": self.root, "from": scratch, "to": home}
        with told(self.root):
            (scratch / "artefact.json").write_text(artefact.model_dump_json(indent=1, context=moved))
            (scratch / "record.json").write_text(json.dumps(record, indent=1))
            home.parent.mkdir(parents=True, exist_ok=True)
            self._place(scratch, home, stage, key, type(artefact))
        found = self.find(stage, key, type(artefact))
        if found is None:
            raise OutOfSpace(f"The result of {stage} could not be read back from {home}: is the disk full or failing?")
        return found

    def _place(self, scratch: Path, home: Path, stage: str, key: str, makes: type[Artefact]) -> None:
        """Rename into place; where another process was first, its result stays, unless it is damaged."""
        for _ in range(3):
            try:
                scratch.rename(home)
                return
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
                if self.find(stage, key, makes):
                    return
                shutil.rmtree(home, ignore_errors=True)

    def _sweep(self) -> None:
        """Remove what processes that no longer live left behind: nobody holds the lock of such a folder."""
        for lock in (self.root / "tmp").glob("*.lock"):
            with contextlib.suppress(OSError), lock.open("r+") as held:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
                lock.unlink(missing_ok=True)


def _last_used(path: Path) -> float:
    """When it was last used, in seconds since 1970; now where it is gone."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return math.inf


def _used(paths: Iterable[Path]) -> None:
    """Note that files were used: their time of change is when that was, to the hour."""
    recent = time.time() - USE_NOTED
    for path in paths:
        # A store that cannot be written can still be read.
        with contextlib.suppress(OSError):
            if path.stat().st_mtime < recent:
                os.utime(path)


def _swapped(write: Callable[[Path, Any], None], value: Any, path: Path) -> None:
    write(path, value)


def files(value: object) -> Iterator[File]:
    """Every file handle inside an artefact."""
    if isinstance(value, File):
        yield value
    elif isinstance(value, tuple):
        for item in value:
            yield from files(item)
    elif isinstance(value, Record):
        for name in type(value).model_fields:
            yield from files(getattr(value, name))


@contextlib.contextmanager
def told(where: Path) -> Iterator[None]:
    """Turn a full disk or a read-only folder into an error that says what to do.

    Raises
    ------
    OutOfSpace
        In place of the OSError; others pass through.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise OutOfSpace(
                f"The disk that holds {where} is full. Everything finished so far is kept: make room, or choose another "
                "folder with --store, and give the same command again."
            ) from error
        here = not isinstance(error.filename, str) or Path(error.filename).is_relative_to(where)
        if here and error.errno in (errno.EACCES, errno.EROFS, errno.EPERM, errno.ENOTDIR):
            raise OutOfSpace(
                f"Cannot write in {where} ({error.strerror}). Choose a folder you may write in."
            ) from error
        raise

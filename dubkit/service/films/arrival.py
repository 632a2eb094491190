"""A film that is coming in: written to disk as it comes, and looked at from its first bytes on."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import re
import secrets
import shutil
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

from dubkit.errors import BadInput, OutOfSpace
from dubkit.media import CONTAINERS, container_of
from dubkit.service.storage import disk
from dubkit.store import digest

if TYPE_CHECKING:
    from dubkit.service.config import Config

ENDINGS = (".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm")
"""Of the names of films that are taken."""
HEAD = 12
"""Bytes that tell what kind of file it is."""
FORM_BYTES = 64 * 1024
"""What a form may have besides the film, where only the length of the whole request is known beforehand."""
COPIED = 1 << 20
"""Bytes that are copied at a time."""
RESERVE = 256 * 1024 * 1024
"""Bytes of disk that films leave free, for without room nothing else goes on."""
LONGEST_NAME = 120
"""Characters of a film's name."""
LONGEST_BYTES = 200
"""Bytes of a film's name: file systems take 255, and dubs' names are longer than their films'."""
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\.|$)")


class TooLarge(BadInput):
    """A film has more bytes than this service takes."""


class NotAFilm(BadInput):
    """A file whose name or content is that of no film that dubkit can read."""


class Empty(BadInput):
    """A file without content."""


class NoRoom(OutOfSpace):
    """A film would fill the disk."""


@dataclass(frozen=True)
class Arrived:
    """A film that has come in whole and waits on this machine's disk.

    It is this process's as long as the object lives or until it is discarded; what a process left that died is swept up.

    Parameters
    ----------
    path : Path
    name : str
        As its owner calls it, cleaned.
    n_bytes : int
    sha256 : str
    """

    path: Path
    name: str
    n_bytes: int
    sha256: str
    held: IO[bytes] = field(repr=False, compare=False)

    def discard(self) -> None:
        """Remove it, if it is still there."""
        self.path.unlink(missing_ok=True)
        self.held.close()

    def release(self) -> None:
        """Leave it where it is, to whoever takes it up again."""
        self.held.close()

    @property
    def digest(self) -> str:
        """The same for films of the same name and content."""
        return digest([self.name, self.n_bytes, self.sha256])


class Arrival:
    """A film that is coming in.

    Parameters
    ----------
    config : Config
    file_name : str
        As it was given; may be anything.
    expected : int or None
        Bytes that were announced, of the film or of the form that it is in; None where nothing was.

    Raises
    ------
    NotAFilm
        If the name's ending is no film's.
    TooLarge
        If more is announced than is taken.
    NoRoom
        If the disk has no room for it.
    """

    def __init__(self, config: Config, file_name: str, expected: int | None = None) -> None:
        self.name = cleaned_name(file_name)
        self._check = Check(config, self.name, None if expected is None else max(expected - FORM_BYTES, 0))
        folder = config.home / "incoming"
        self.path = folder / secrets.token_hex(16)
        with disk(folder):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.path.touch(mode=0o600, exist_ok=False)
            self._stream = self.path.open("wb", buffering=0)
        hold(self._stream)
        self._digest = hashlib.sha256()

    @property
    def n_bytes(self) -> int:
        """Bytes that have come."""
        return self._check.n_bytes

    def write(self, chunk: bytes) -> None:
        """Take the next bytes; after an error nothing of the film is left.

        Raises
        ------
        TooLarge
            If it is more than is taken.
        NotAFilm
            If its first bytes are no film's.
        OutOfSpace
            If the disk is full.
        """
        with self._or_nothing():
            self._check.next(chunk)
            write_all(self._stream, chunk)
            self._digest.update(chunk)

    def close(self) -> Arrived:
        """The whole film; after an error nothing of it is left.

        Raises
        ------
        Empty
            If nothing came.
        NotAFilm
            If it is too short for a film.
        """
        with self._or_nothing():
            self._check.end()
        return Arrived(self.path, self.name, self.n_bytes, self._digest.hexdigest(), self._stream)

    def discard(self) -> None:
        """Leave nothing of it."""
        self.path.unlink(missing_ok=True)
        self._stream.close()

    @contextlib.contextmanager
    def _or_nothing(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.discard()
            raise


class Check:
    """What is looked at while a film comes: the name's ending, the size, the first bytes, the room on the disk.

    Parameters
    ----------
    config : Config
    name : str
        Cleaned.
    expected : int or None
        Bytes that were announced.
    n_bytes : int
        Bytes that came before, of an upload that goes on; `head` is the first of them, up to ``HEAD``.

    Raises
    ------
    NotAFilm
    TooLarge
    NoRoom
        As :class:`Arrival`.
    """

    def __init__(self, config: Config, name: str, expected: int | None, n_bytes: int = 0, head: bytes = b"") -> None:
        if Path(name).suffix.lower() not in ENDINGS:
            raise NotAFilm(f"{name!r} is not called like a film: its name must end in one of {', '.join(ENDINGS)}.")
        self.n_bytes = n_bytes
        self._name, self._most, self._disk, self._head = name, config.max_bytes, config.home, head
        if expected is not None:
            if expected > self._most:
                raise self._too_large()
            self._see_room(expected - n_bytes)

    def next(self, chunk: bytes) -> None:
        """See whether these bytes may be taken; the errors are those of :meth:`Arrival.write`."""
        if self.n_bytes + len(chunk) > self._most:
            raise self._too_large()
        if len(self._head) < HEAD:
            self._head += chunk[: HEAD - len(self._head)]
            if len(self._head) == HEAD and container_of(self._head) is None:
                raise self._not_a_film()
        self._see_room(len(chunk))
        self.n_bytes += len(chunk)

    def end(self) -> None:
        """See whether this can be all; the errors are those of :meth:`Arrival.close`."""
        if not self.n_bytes:
            raise Empty(f"{self._name!r} is empty (0 bytes). Copy or download it again.")
        if len(self._head) < HEAD:
            raise self._not_a_film()

    def _too_large(self) -> TooLarge:
        return TooLarge(
            f"{self._name!r} is too large: up to {self._most / 1e6:g} MB are taken. Shorten or compress it."
        )

    def _not_a_film(self) -> NotAFilm:
        return NotAFilm(
            f"{self._name!r} is not a film that dubkit can read: its content is none of {', '.join(CONTAINERS.values())}. "
            "Convert it to MP4 first."
        )

    def _see_room(self, n_bytes: int) -> None:
        there = next(folder for folder in (self._disk, *self._disk.parents) if folder.exists())
        if shutil.disk_usage(there).free < n_bytes + RESERVE:
            raise NoRoom("There is no room for this film on the server's disk at the moment. Try again later.")


def received(config: Config, path: Path, name: str) -> Arrived:
    """A film that lies on this machine's disk already, copied and looked at as one that comes in.

    Raises
    ------
    Empty, NotAFilm, TooLarge, OutOfSpace
        As :class:`Arrival`.
    """
    arrival = Arrival(config, name, path.stat().st_size)
    with path.open("rb") as stream:
        while chunk := stream.read(COPIED):
            arrival.write(chunk)
    return arrival.close()


def cleaned_name(name: str) -> str:
    """A film's name for people and downloads: one that is safe to show, and to save anywhere.

    It has no folders, no control or direction characters, none that Windows refuses, at most ``LONGEST_NAME`` characters,
    and keeps its ending. It is never empty.
    """
    text = "".join(" " if character.isspace() else character for character in name)
    text = unicodedata.normalize("NFC", "".join(filter(_is_plain, text)))
    text = re.sub(r'[<>:"|?*]', "_", " ".join(re.split(r"[/\\]", text)[-1].split()))
    stem, dot, ending = text.rpartition(".")
    # An ending is short; else it is a part of the name that happens to have a dot before it.
    if not dot or not 0 < len(ending) <= 5 or not ending.isalnum():
        stem, dot, ending = text, "", ""
    stem = stem.strip(" .")[: LONGEST_NAME - len(dot + ending) - 1]
    while len(stem.encode()) > LONGEST_BYTES:
        stem = stem[:-1]
    stem = stem.strip(" .") or "film"
    if _RESERVED.match(f"{stem}."):
        stem = f"_{stem}"
    return f"{stem}{dot}{ending}"


def _is_plain(character: str) -> bool:
    # The two joiners are letters' own business, in Persian and in emoji.
    return unicodedata.category(character)[0] != "C" or character in "\u200c\u200d"


def sweep(config: Config) -> int:
    """Remove what processes that died left of films that were coming in; returns how many."""
    swept = 0
    folder = config.home / "incoming"
    for path in folder.iterdir() if folder.is_dir() else ():
        with contextlib.suppress(FileNotFoundError), path.open("rb") as stream:
            if hold(stream):
                path.unlink(missing_ok=True)
                swept += 1
    return swept


def hold(stream: IO[bytes]) -> bool:
    """Make a file this process's as long as it is open; False if it is another's already."""
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def write_all(stream: IO[bytes], chunk: bytes) -> None:
    """Write all of the bytes.

    Raises
    ------
    OutOfSpace
        If the disk is full; no path is told, for it is none of the sender's business.
    """
    rest = memoryview(chunk)
    try:
        while rest:
            rest = rest[stream.write(rest) :]
    except OSError as error:
        raise OutOfSpace("The server's disk is full. Try again later.") from error

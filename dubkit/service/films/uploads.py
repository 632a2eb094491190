"""Films that come in pieces and go on where they stopped: the state behind the tus protocol, version 1.0.0.

An upload is a folder with what was said about it and the bytes that came. How far it is, is how many bytes are there, so
that no end of a process can make the two differ. https://tus.io/protocols/resumable-upload
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import secrets
import shutil
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from dubkit.errors import BadInput
from dubkit.service.films.arrival import HEAD, Arrived, Check, Empty, cleaned_name, hold
from dubkit.service.films.sending import Busy, Sender, read_checksum, sure_offset
from dubkit.service.storage import disk, whole

if TYPE_CHECKING:
    from dubkit.service.config import Config

KEEP = 24 * 3600.0
"""Seconds that an upload is kept after its last byte."""
SILENCE = 20.0
"""Seconds after which a sender from whom nothing came is taken for gone, so that another may go on."""
MOST_OPEN = 50
"""Uploads that an owner may have begun at a time."""
ID = re.compile(r"[0-9a-f]{32}")
LONGEST_METADATA = 4096
"""Characters of what is said about an upload."""


class NoSuchUpload(BadInput):
    """There is no such upload, or it is another's, or it ended: nobody is told which."""


class TooManyOpen(BadInput):
    """Somebody has begun as many uploads as one may have."""


class WrongOffset(BadInput):
    """Bytes were sent for another place than the one that the upload is at."""


class Unfinished(BadInput):
    """Not all bytes of an upload are there yet."""


@dataclass(frozen=True)
class Upload:
    """A film that comes in pieces.

    Parameters
    ----------
    id : str
        Not to be guessed.
    owner : str
    name : str
        As its owner calls it, cleaned.
    length : int
        Bytes in all.
    offset : int
        Bytes that are there.
    metadata : dict
        As it was given.
    expires : float
        When it is removed if nothing more comes, in seconds since 1970.
    """

    id: str
    owner: str
    name: str
    length: int
    offset: int
    metadata: dict[str, str]
    expires: float

    @property
    def is_whole(self) -> bool:
        """Whether all bytes are there."""
        return self.offset == self.length


class Uploads:
    """The uploads of one service; they outlast its process.

    Parameters
    ----------
    config : Config
    silence : float
        See ``SILENCE``.
    """

    def __init__(self, config: Config, silence: float = SILENCE) -> None:
        self._config, self._silence = config, silence
        self._folder = config.home / "uploads"
        self._senders: dict[str, Sender] = {}
        self._turn = threading.Lock()

    def create(self, owner: str, length: int, metadata: Mapping[str, str]) -> Upload:
        """Begin one; its name is ``filename`` or ``name`` in the metadata.

        Raises
        ------
        Empty
        TooLarge
        NotAFilm
            If the name's ending is no film's.
        NoRoom
        TooManyOpen
            If the owner has as many unfinished ones as one may have.
        BadInput
            If too much is said about it.
        """
        name = cleaned_name(metadata.get("filename") or metadata.get("name") or "")
        Check(self._config, name, length)
        if length < 1:
            raise Empty(f"{name!r} is empty ({length} bytes). Copy or download it again.")
        if self._n_open(owner) >= MOST_OPEN:
            raise TooManyOpen(
                f"{MOST_OPEN} of your uploads are unfinished. Go on with one of them, or remove some; they go by themselves "
                f"after {KEEP / 3600:.0f} hours."
            )
        said = json.dumps({"owner": owner, "name": name, "length": length, "metadata": dict(metadata)})
        if len(said) > LONGEST_METADATA:
            raise BadInput("Too much is said about this upload: send just the film's name.")
        id = secrets.token_hex(16)
        folder = self._folder / id
        try:
            with disk(self._folder):
                self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                folder.mkdir(mode=0o700)
                (folder / "bytes").touch(mode=0o600)
                # Last, for an upload is there as soon as this is.
                with whole(folder / "upload.json") as part:
                    part.write_text(said)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return self.find(id, owner)

    def find(self, id: str, owner: str) -> Upload:
        """An upload as it is now.

        Raises
        ------
        NoSuchUpload
        """
        said = self._said(id, owner)
        try:
            offset = sure_offset(self._place(id))
            expires = (self._place(id) / "bytes").stat().st_mtime + KEEP
        except FileNotFoundError:
            raise _none(id) from None
        if time.time() > expires:
            raise _none(id)
        return Upload(id=id, offset=offset, expires=expires, **said)

    def sender(self, id: str, owner: str, offset: int, checksum: str = "") -> Sender:
        """Begin to take bytes: write them to what this gives, say that it is their end, and close it.

        Parameters
        ----------
        offset : int
            Where the bytes belong; must be where the upload is.
        checksum : str
            ``sha1`` or ``sha256``, a space, and the digest of all bytes that will be written, in base64; empty for none.

        Raises
        ------
        NoSuchUpload
        WrongOffset
        Busy
        BadInput
            If the checksum cannot be read.
        """
        expected = read_checksum(checksum)
        self.find(id, owner)
        with self._turn:
            if (last := self._senders.get(id)) and last.silent_for > self._silence:
                last.close()
            stream = self._held(id)
            try:
                upload = self.find(id, owner)
                if offset != upload.offset:
                    raise WrongOffset(f"The upload is at byte {upload.offset}, not {offset}. Go on from there.")
                head = stream.read(min(HEAD, offset))
                check = Check(self._config, upload.name, upload.length, offset, head)
                sender = Sender(self._place(id), stream, check, upload.length, expected)
            except BaseException:
                stream.close()
                raise
            self._senders = {key: other for key, other in self._senders.items() if not other.is_over} | {id: sender}
            return sender

    def append(self, id: str, owner: str, offset: int, chunks: Iterable[bytes], checksum: str = "") -> Upload:
        """Take all of these bytes; parameters and errors are those of :meth:`sender` and of what it gives."""
        with contextlib.closing(self.sender(id, owner, offset, checksum)) as sender:
            for chunk in chunks:
                sender.write(chunk)
            sender.end()
        return self.find(id, owner)

    def finish(self, id: str, owner: str) -> Arrived:
        """The whole film, which nobody else gets until it is released or discarded; the upload is to be deleted then.

        Raises
        ------
        NoSuchUpload
        Unfinished
        Busy
        """
        self.find(id, owner)
        path, stream = self._place(id) / "bytes", self._held(id)
        try:
            upload = self.find(id, owner)
            if not upload.is_whole:
                raise Unfinished(f"Of {upload.length} bytes {upload.offset} have come. Send the rest first.")
            with path.open("rb") as film:
                digest = hashlib.file_digest(film, "sha256").hexdigest()
        except BaseException:
            stream.close()
            raise
        return Arrived(path, upload.name, upload.length, digest, stream)

    def delete(self, id: str, owner: str) -> None:
        """Remove one and all its bytes; who is just sending some is stopped.

        Raises
        ------
        NoSuchUpload
        """
        self._said(id, owner)
        self._remove(id)

    def expire(self) -> int:
        """Remove those for which nothing came in a long time; returns how many."""
        removed = 0
        for folder in self._folder.iterdir() if self._folder.is_dir() else ():
            place = folder / "bytes" if (folder / "bytes").exists() else folder
            with contextlib.suppress(FileNotFoundError):
                if time.time() > place.stat().st_mtime + KEEP:
                    self._remove(folder.name)
                    removed += 1
        return removed

    def _n_open(self, owner: str) -> int:
        """How many uploads an owner has begun that no job was made of."""
        found = 0
        for said in self._folder.glob("*/upload.json"):
            with contextlib.suppress(OSError, ValueError):
                found += json.loads(said.read_text())["owner"] == owner
        return found

    def _remove(self, id: str) -> None:
        with self._turn:
            if sender := self._senders.pop(id, None):
                sender.close()
        shutil.rmtree(self._place(id), ignore_errors=True)

    def _said(self, id: str, owner: str) -> dict[str, Any]:
        try:
            said: dict[str, Any] = json.loads((self._place(id) / "upload.json").read_text())
        except FileNotFoundError:
            raise _none(id) from None
        if said["owner"] != owner:
            raise _none(id)
        return said

    def _place(self, id: str) -> Path:
        # It comes from anybody, and becomes part of a path.
        if not ID.fullmatch(id):
            raise _none(id)
        return self._folder / id

    def _held(self, id: str) -> IO[bytes]:
        try:
            stream = (self._place(id) / "bytes").open("r+b", buffering=0)
        except FileNotFoundError:
            raise _none(id) from None
        if not hold(stream):
            stream.close()
            raise Busy(
                "Bytes of this upload are just coming in, or it is being made a job. Ask where it is a little later."
            )
        return stream


def _none(id: str) -> NoSuchUpload:
    return NoSuchUpload(f"There is no upload {id[:40]!r}. It may have ended: begin again.")

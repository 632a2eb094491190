"""Bytes of an upload as they come, and what the tus protocol says about them in its headers."""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import hmac
import shutil
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from dubkit.errors import BadInput
from dubkit.service.films.arrival import Check, NotAFilm, TooLarge, write_all
from dubkit.service.storage import whole

CHECKSUMS = ("sha1", "sha256")
"""What bytes may be compared by."""


class Busy(BadInput):
    """Somebody is just sending bytes of the same upload, or making a job of it."""


class BadChecksum(BadInput):
    """Bytes are not those that their checksum is of; nothing of them was kept."""


class Sender:
    """Somebody who sends the next bytes of an upload.

    What came without a checksum stays, however it ends; of what comes with one, all stays or nothing.

    Parameters
    ----------
    folder : Path
        The upload's.
    stream : IO[bytes]
        Its file ``bytes``, held and to be written to.
    check : Check
        What is looked at as they come.
    length : int
        Bytes that the upload has in all.
    checksum : (str, bytes) or None
        Algorithm and digest of all that will be sent.
    """

    def __init__(
        self, folder: Path, stream: IO[bytes], check: Check, length: int, checksum: tuple[str, bytes] | None
    ) -> None:
        self._folder, self._stream, self._check, self._length, self._checksum = folder, stream, check, length, checksum
        self._start = check.n_bytes
        self._digest = hashlib.new(checksum[0], usedforsecurity=False) if checksum else None
        self._turn, self._heard = threading.Lock(), time.monotonic()
        if checksum:
            # A process that is killed in the middle leaves bytes that nobody has compared.
            with whole(folder / "sure") as part:
                part.write_text(str(self._start))
        self._go_back()

    @property
    def silent_for(self) -> float:
        """Seconds since it last sent something."""
        return time.monotonic() - self._heard

    @property
    def is_over(self) -> bool:
        """Whether nothing more is taken of it."""
        return self._stream.closed

    def write(self, chunk: bytes) -> None:
        """Take the next bytes.

        Raises
        ------
        NotAFilm
            If its first bytes are no film's; nothing of the upload is left then.
        TooLarge
            If more comes than was announced.
        OutOfSpace
            If the disk is full; what could be written stays.
        Busy
            If another took over, or the upload was removed.
        """
        with self._turn:
            self._see_own()
            self._heard = time.monotonic()
            if self._check.n_bytes + len(chunk) > self._length:
                raise TooLarge(f"More bytes came than the {self._length} that were announced.")
            try:
                self._check.next(chunk)
            except NotAFilm:
                self._remove()
                raise
            write_all(self._stream, chunk)
            if self._digest:
                self._digest.update(chunk)

    def end(self) -> None:
        """All that was to be sent has come.

        Raises
        ------
        BadChecksum
        NotAFilm
            If the whole film is too short for one.
        Busy
        """
        with self._turn:
            self._see_own()
            if self._checksum and self._digest and not hmac.compare_digest(self._digest.digest(), self._checksum[1]):
                raise BadChecksum("The bytes are not those that the checksum is of. Send them once more.")
            if self._check.n_bytes == self._length:
                try:
                    self._check.end()
                except NotAFilm:
                    self._remove()
                    raise
            self._checksum = None
            (self._folder / "sure").unlink(missing_ok=True)

    def close(self) -> None:
        """Stop, wherever it is."""
        with self._turn:
            if not self.is_over:
                if self._checksum:
                    self._go_back()
                    (self._folder / "sure").unlink(missing_ok=True)
                self._stream.close()

    def _remove(self) -> None:
        self._stream.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _go_back(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._stream.truncate(self._start)
        self._stream.seek(self._start)

    def _see_own(self) -> None:
        if self.is_over:
            raise Busy(
                "This upload was taken over by another sender, or removed. Ask where it is, and go on from there."
            )


def sure_offset(folder: Path) -> int:
    """How many bytes of an upload are there, without those whose checksum is still to be compared.

    Raises
    ------
    FileNotFoundError
        If there is no such upload.
    """
    n_bytes = (folder / "bytes").stat().st_size
    with contextlib.suppress(FileNotFoundError):
        n_bytes = min(n_bytes, int((folder / "sure").read_text()))
    return n_bytes


def read_checksum(text: str) -> tuple[str, bytes] | None:
    """Algorithm and digest from the header ``Upload-Checksum``; None where it is empty.

    Raises
    ------
    BadInput
        If it is not of that form, or of another algorithm.
    """
    if not text:
        return None
    algorithm, _, encoded = text.partition(" ")
    digest = _decoded(encoded)
    if (
        algorithm not in CHECKSUMS
        or digest is None
        or len(digest) != hashlib.new(algorithm, usedforsecurity=False).digest_size
    ):
        raise BadInput(f"A checksum is one of {', '.join(CHECKSUMS)}, a space, and the digest in base64.")
    return algorithm, digest


def read_metadata(text: str) -> dict[str, str]:
    """Names and values from the header ``Upload-Metadata``.

    Raises
    ------
    BadInput
        If it is not of that form.
    """
    said: dict[str, str] = {}
    for pair in text.split(",") if text.strip() else ():
        key, _, encoded = pair.strip().partition(" ")
        value = _decoded(encoded)
        if not key or not key.isascii() or key in said or value is None:
            raise BadInput("The metadata of an upload are names, each once, with a space and their value in base64.")
        said[key] = value.decode(errors="replace")
    return said


def written_metadata(said: Mapping[str, str]) -> str:
    """The header ``Upload-Metadata`` of names and values."""
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}".rstrip() for key, value in said.items())


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None

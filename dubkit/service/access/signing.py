"""Signed texts that the service gives out and later believes: links to files, and who is at the page."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from itsdangerous import BadData, URLSafeSerializer

from dubkit.errors import BadInput
from dubkit.service.storage import disk

if TYPE_CHECKING:
    from dubkit.service.config import Config


SESSION = 14 * 24 * 3600.0
"""Seconds that somebody stays signed in at the page."""

_TOKEN = re.compile(r"[A-Za-z0-9._-]+")


class BadLink(BadInput):
    """A link or a session that is not to be believed; `reason` tells whether it ended or was never given out."""

    def __init__(self, message: str, reason: Literal["expired", "wrong"]) -> None:
        super().__init__(message, reason)
        self.message, self.reason = message, reason

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True)
class FileLink:
    """What a link to a file says: whose it is, where it lies, how it is called and served, and until when (since 1970)."""

    job: str
    place: str
    name: str
    media_type: str
    until: float


@dataclass(frozen=True)
class DirectUpload:
    """What the id of an upload past this server says: whose it is, where it comes to lie, how it is called, its bytes, and
    until when a job may be made of it (since 1970)."""

    owner: str
    place: str
    name: str
    n_bytes: int
    until: float


class Signer:
    """Signs with one secret, and so that a text signed for one purpose is worth nothing for another.

    Parameters
    ----------
    config : Config
        Its secret is used, else the one that is kept in the service's home.
    """

    def __init__(self, config: Config) -> None:
        secret = config.secret or kept_secret(config.home)
        # 48 bytes fill their text to the last bit, so that no second text means the same signature.
        how = {"digest_method": hashlib.sha384, "key_derivation": "hmac"}
        self._files = URLSafeSerializer(secret, salt="dubkit.file", signer_kwargs=how)
        self._uploads = URLSafeSerializer(secret, salt="dubkit.upload", signer_kwargs=how)
        self._sessions = URLSafeSerializer(secret, salt="dubkit.session", signer_kwargs=how)

    def sign_file(self, link: FileLink) -> str:
        """A token by which anybody who has it may read one file; the same for what is the same."""
        return str(self._files.dumps(asdict(link)))

    def open_file(self, token: str) -> FileLink:
        """The file that a token is for.

        Raises
        ------
        BadLink
            If it ended, or was not made here for a file.
        """
        return FileLink(**_checked(self._files, token, "This link", "Ask for a new one."))

    def sign_upload(self, upload: DirectUpload) -> str:
        """A token by which its owner may have a job made of a film that was sent past this server."""
        return str(self._uploads.dumps(asdict(upload)))

    def open_upload(self, token: str) -> DirectUpload:
        """The upload that a token is for.

        Raises
        ------
        BadLink
            If it ended, or was not made here for an upload.
        """
        return DirectUpload(**_checked(self._uploads, token, "This upload", "Begin again."))

    def sign_session(self, owner: str, seconds: float = SESSION) -> str:
        """A token that says who is at the page, for so many seconds."""
        return str(self._sessions.dumps({"owner": owner, "until": time.time() + seconds}))

    def open_session(self, token: str) -> str:
        """Whose session it is.

        Raises
        ------
        BadLink
            If it ended, or was not made here for a session.
        """
        return str(_checked(self._sessions, token, "This session", "Sign in again.")["owner"])


def kept_secret(home: Path) -> str:
    """The secret in a folder's file ``secret``, made where there is none; all processes get the same.

    Raises
    ------
    OutOfSpace
        If it cannot be written.
    """
    place = home / "secret"
    with disk(place):
        home.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            return _read(place)
        made = home / f".secret-{secrets.token_hex(8)}"
        try:
            made.touch(mode=0o600, exist_ok=False)
            made.write_text(secrets.token_urlsafe(48))
            # A link, unlike a rename, leaves one that another process made first.
            with contextlib.suppress(FileExistsError):
                os.link(made, place)
        finally:
            made.unlink(missing_ok=True)
        return _read(place)


def _read(place: Path) -> str:
    secret = place.read_text().strip()
    if len(secret) < 32:
        raise BadInput(f"{place} holds no secret of 32 characters or more: remove it, and a new one is made.")
    return secret


def _checked(serializer: URLSafeSerializer, token: str, what: str, remedy: str) -> dict[str, Any]:
    try:
        # What reads base64 skips all other characters; there is to be one text for each signature.
        if not _TOKEN.fullmatch(token):
            raise BadData("not a token")
        payload: dict[str, Any] = serializer.loads(token)
    except (BadData, UnicodeError):
        raise BadLink(f"{what} is not valid. {remedy}", "wrong") from None
    if payload["until"] <= time.time():
        raise BadLink(f"{what} has ended. {remedy}", "expired")
    return payload

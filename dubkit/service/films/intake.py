"""Films that have come in are looked into and put away; those that were sent past this server are fetched first."""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.errors import BadInput, DubkitError
from dubkit.record import Seconds
from dubkit.service.access.signing import BadLink, DirectUpload, Signer
from dubkit.service.films.arrival import Arrived, Check, Empty, NotAFilm, TooLarge, cleaned_name, received
from dubkit.service.films.inspection import Inspector, NotDubbed
from dubkit.service.films.uploads import ID, NoSuchUpload, Uploads
from dubkit.service.jobs.job import Film, NewJob
from dubkit.service.storage import Storage, UploadLink
from dubkit.service.wanted import Wanted

if TYPE_CHECKING:
    from dubkit.service.config import Config

LASTS: Seconds = 3600.0
"""How long a film may be sent past this server; a job may be made of it for as long once more."""
USELESS = (NotDubbed, NotAFilm, TooLarge, Empty)
"""What a film is that no later request can make a job of."""


class NotOffered(BadInput):
    """This service does not do what others may."""


@dataclass(frozen=True)
class Direct:
    """A film that may be sent to the storage past this server: the request to make, and the upload's id for the job after it.

    Parameters
    ----------
    id : str
        A job is made of it for its owner alone.
    link : UploadLink
    expires : float
        When the link ends, in seconds since 1970.
    """

    id: str
    link: UploadLink
    expires: float


class Intake:
    """Takes in the films of one service.

    Parameters
    ----------
    config : Config
    storage : Storage
    uploads : Uploads
    inspector : Inspector
    signer : Signer
    """

    def __init__(
        self, config: Config, storage: Storage, uploads: Uploads, inspector: Inspector, signer: Signer
    ) -> None:
        self._config, self._storage = config, storage
        self._uploads, self._inspector, self._signer = uploads, inspector, signer

    def direct(self, owner: str, file_name: str, n_bytes: int) -> Direct:
        """Let a film be sent to the storage past this server.

        Raises
        ------
        NotOffered
            If the storage is a folder.
        Empty, NotAFilm, TooLarge, NoRoom
            As for any film.
        """
        name = cleaned_name(file_name)
        Check(self._config, name, n_bytes)
        if n_bytes < 1:
            raise Empty(f"{name!r} is empty ({n_bytes} bytes). Copy or download it again.")
        place = f"arriving/{secrets.token_urlsafe(16)}/film{Path(name).suffix.lower()}"
        link = self._storage.upload_link(place, n_bytes, int(LASTS))
        if link is None:
            raise NotOffered("Films come through this server itself: send it with POST /api/v1/uploads.")
        now = time.time()
        id = self._signer.sign_upload(DirectUpload(owner, place, name, n_bytes, now + 2 * LASTS))
        return Direct(id, link, now + LASTS)

    @contextlib.contextmanager
    def taking(self, owner: str, upload: str) -> Iterator[Arrived]:
        """The film that an upload has brought, for the length of a with block.

        The upload is used up by a block that ends well, and by a film that is useless; after other errors it stays.

        Raises
        ------
        NoSuchUpload
        Unfinished
        Busy
        """
        if ID.fullmatch(upload):
            with self._used_up(lambda: self._uploads.delete(upload, owner)):
                arrived = self._uploads.finish(upload, owner)
                try:
                    yield arrived
                finally:
                    arrived.release()
            return
        sent = self._sent(owner, upload)
        with self._used_up(lambda: self._storage.delete(sent.place)):
            with self._storage.local(sent.place) as path:
                arrived = received(self._config, path, sent.name)
            try:
                yield arrived
            finally:
                arrived.discard()

    def new_job(
        self, owner: str, arrived: Arrived, wanted: Wanted, idempotency_key: str | None, correlation: str
    ) -> NewJob:
        """Look into a film and put it away; what is to be added for it.

        Raises
        ------
        NotDubbed
        BadInput
            If it ends before the stretch that is wanted.
        OutOfSpace
            If it cannot be kept.
        """
        media = self._inspector.inspect(arrived.path, arrived.name)
        start, duration = wanted.stretch(media.duration)
        place = f"films/{secrets.token_urlsafe(16)}/film{Path(arrived.name).suffix.lower()}"
        self._storage.keep(arrived.path, place)
        return NewJob(
            owner=owner,
            film=Film(arrived.name, place, arrived.n_bytes, media.duration),
            target=wanted.target,
            source=wanted.source,
            profile=wanted.profile,
            settings=wanted.settings,
            start=start,
            duration=duration,
            correlation=correlation,
            idempotency_key=idempotency_key,
            request=request_of(wanted, arrived),
        )

    def _sent(self, owner: str, upload: str) -> DirectUpload:
        try:
            sent = self._signer.open_upload(upload)
        except BadLink as error:
            raise NoSuchUpload(f"There is no such upload: {error}") from None
        size = self._storage.size(sent.place) if sent.owner == owner else None
        if size is None:
            raise NoSuchUpload(
                "This upload has not come yet, or it is a job already. Send the film to its address first."
            )
        if size != sent.n_bytes:
            self._storage.delete(sent.place)
            raise NoSuchUpload(f"{size} bytes came, and {sent.n_bytes} were announced. Begin again.")
        return sent

    @contextlib.contextmanager
    def _used_up(self, remove: Callable[[], None]) -> Iterator[None]:
        try:
            yield
        except USELESS:
            _try(remove)
            raise
        _try(remove)


def request_of(wanted: Wanted, arrived: Arrived | None = None) -> str:
    """What a request is told from others by: what is wanted, and then the film; the beginning alone where none is there yet."""
    return f"{wanted.digest}-{arrived.digest if arrived else ''}"


def _try(remove: Callable[[], None]) -> None:
    """What cannot be removed now is swept up later."""
    with contextlib.suppress(DubkitError):
        remove()

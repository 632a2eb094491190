"""A service's files, brought onto this machine's disk; where the line breaks, they go on from there."""

from __future__ import annotations

from pathlib import Path

from dubkit.record import Seconds
from dubkit.service.client.connection import Connection, ServiceAway, patiently
from dubkit.service.films.arrival import cleaned_name
from dubkit.service.storage import disk

BLOCK = 1024 * 1024


def download(connection: Connection, url: str, folder: Path, name: str, patience: Seconds) -> Path:
    """Bring a file, whole or not at all, over what was there.

    Parameters
    ----------
    connection : Connection
    url : str
        A link, or a path of the API.
    folder : Path
    name : str
        As the service calls it; no part of it leads out of the folder.
    patience : float
        Seconds without a byte after which it is given up.

    Raises
    ------
    OutOfSpace
        If there is no room for it, or it may not be written.
    """
    target = folder / cleaned_name(name)
    part = target.with_name(f".{target.name}.part")
    with disk(target):
        folder.mkdir(parents=True, exist_ok=True)
        part.write_bytes(b"")
        try:
            _bring(connection, url, part, patience)
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    return target


def _bring(connection: Connection, url: str, part: Path, patience: Seconds) -> None:
    tag: list[str] = []
    while True:
        before = part.stat().st_size
        try:
            patiently(lambda: _go_on(connection, url, part, tag), patience)
            return
        except ServiceAway:
            if part.stat().st_size == before:
                raise


def _go_on(connection: Connection, url: str, part: Path, tag: list[str]) -> None:
    """Ask for what is still missing of a file; `tag` keeps which file it was, so that no two are mixed."""
    n_bytes = part.stat().st_size
    rest = {"Range": f"bytes={n_bytes}-", "If-Range": tag[0]} if n_bytes and tag else {}
    # Sent as they are: ranges are of that.
    headers = {**rest, "Accept-Encoding": "identity"}
    with connection.stream("GET", url, headers=headers, follow_redirects=True) as answer:
        connection.check(answer)
        tag[:] = [answer.headers["ETag"]] if answer.headers.get("ETag", "").startswith('"') else []
        with part.open("ab" if answer.status_code == 206 else "wb") as stream:
            for block in answer.iter_bytes(BLOCK):
                stream.write(block)

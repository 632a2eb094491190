"""A service used from a program: hand in a film, watch its job, correct lines, fetch the files.

>>> with Client("https://dub.example", key) as client:     # doctest: +SKIP
...     job = client.submit(Path("talk.mp4"), "pt")
...     client.wait(job["id"], print)
...     client.fetch(job["id"], Path("out"))

What the service answers is given as it is, as dictionaries: see their schemas in ``/api/v1/openapi.json``.
"""

from __future__ import annotations

import base64
import hashlib
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self
from urllib.parse import quote, urlsplit

import httpx

from dubkit.errors import BadInput, DubkitError, UnsupportedPair, listed
from dubkit.languages import name, parse
from dubkit.progress import Observer
from dubkit.record import Seconds
from dubkit.service.client.connection import Connection, patiently
from dubkit.service.client.downloads import download
from dubkit.service.client.following import follow

Answer = dict[str, Any]

PATIENCE: Seconds = 60.0
"""How long a service may be away while a film is on its way or waited for."""

TAKING_IN: Seconds = 600.0
"""How long a service may look into a film and put it away before it answers."""

CHUNK = 8 * 1024 * 1024
"""Bytes of a film that are sent at a time: what a broken line costs, at most."""

TUS = {"Tus-Resumable": "1.0.0"}


class Client:
    """A service, in the name of a key's owner.

    Parameters
    ----------
    url : str
    key : str, optional
        Where the service asks for one.

    Raises
    ------
    BadInput
        If the URL is none. Every method raises it where the service refuses what is asked, with its own words, and
        :class:`dubkit.service.client.connection.ServiceAway` where nobody answers.
    """

    def __init__(self, url: str = "http://127.0.0.1:7860", key: str | None = None) -> None:
        self._connection = Connection(url, key)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give back connections."""
        self._connection.close()

    def submit(
        self,
        film: str | Path,
        target: str,
        source: str | None = None,
        *,
        profile: str | None = None,
        start: Seconds | None = None,
        duration: Seconds | None = None,
        progress: Callable[[int, int], None] = lambda done, total: None,
        **options: Any,
    ) -> Answer:
        """Hand in a film; a broken line does not begin it anew, and no film becomes two jobs.

        Parameters
        ----------
        film : str or Path
        target, source : str
            Languages, as codes or names; the source is detected where it is None.
        profile : str, optional
        start, duration : float, optional
            A stretch of the film, in seconds.
        progress : callable
            Told the bytes that have been sent, and how many there are.
        **options
            Such as ``n_speakers=2``, ``keep_original=True``, ``glossary={...}``.

        Returns
        -------
        dict
            The job.
        """
        into, spoken = parse(target), parse(source) if source else None
        self._check(spoken, into)
        wishes = {"target_language": into, "source_language": spoken, "profile": profile, "options": options}
        stretch = {"start_time": start, "duration": duration}
        upload = self._upload(Path(film), progress)
        given = {field: wish for field, wish in (wishes | stretch).items() if wish is not None}
        body = {"upload": upload, **given}
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        return self._asked("POST", "/jobs", json=body, headers=headers, patience=PATIENCE, timeout=TAKING_IN)

    def wait(self, job: str, observer: Observer = lambda event: None) -> Answer:
        """Wait until a job is over; its status then.

        Parameters
        ----------
        job : str
            Its id.
        observer : callable
            Told of its stages, as if the film were dubbed here.
        """
        return follow(self._connection, _job(job), observer, PATIENCE)

    def status(self, job: str) -> Answer:
        """How far a job is."""
        return self._asked("GET", f"{_job(job)}/status")

    def jobs(self, status: Sequence[str] = (), limit: int = 50) -> list[Answer]:
        """The newest jobs, at most `limit`; only those in one of the given states, where any is given."""
        found: list[Answer] = []
        while len(found) < limit:
            before = {"before": found[-1]["id"]} if found else {}
            query = {"limit": min(limit - len(found), 200), "status": list(status), **before}
            page = self._asked("GET", "/jobs", params=query)
            found += page["jobs"]
            if page["next"] is None:
                break
        return found

    def job(self, job: str) -> Answer:
        """All that is known of a job."""
        return self._asked("GET", _job(job))

    def cancel(self, job: str) -> Answer:
        """Stop a job."""
        return self._asked("POST", f"{_job(job)}/cancel")

    def delete(self, job: str) -> None:
        """Remove a job, its film and its files."""
        self._connection.ask("DELETE", _job(job))

    def redub(self, job: str) -> Answer:
        """Dub once more: with corrections, or because it failed."""
        return self._asked("POST", f"{_job(job)}/redub")

    def lines(self, job: str) -> Answer:
        """Lines, speakers and voices of a finished job."""
        return self._asked("GET", f"{_job(job)}/lines")

    def change_lines(self, job: str, changes: Mapping[str, Any], revision: int) -> Answer:
        """Correct lines and speakers, such as ``{"lines": {"u0003": {"text": "Muito bem."}}}``; :meth:`redub` makes them heard.

        Parameters
        ----------
        job : str
        changes : mapping
        revision : int
            Of the lines that they are made to.
        """
        headers = {"If-Match": f'"{revision}"'}
        return self._asked("PUT", f"{_job(job)}/lines", json=dict(changes), headers=headers)

    def languages(self, source: str | None = None, target: str | None = None) -> list[Answer]:
        """The pairs of languages that can be dubbed; those from or to a language."""
        query = {side: code for side, code in (("source", source), ("target", target)) if code is not None}
        pairs: list[Answer] = self._asked("GET", "/languages", params=query)["languages"]
        return pairs

    def files(self, job: str) -> list[Answer]:
        """The files that a job made, with links that work for a while."""
        found: list[Answer] = self._asked("GET", f"{_job(job)}/files")["files"]
        return found

    def fetch(self, job: str, folder: str | Path, kinds: Collection[str] = ()) -> list[Path]:
        """Bring a job's files into a folder; a broken line does not begin a file anew.

        Parameters
        ----------
        job : str
        folder : str or Path
        kinds : collection of str
            Such as ``video`` and ``subtitles``; all where it is empty.

        Raises
        ------
        BadInput
            If it has no such files.
        OutOfSpace
            If there is no room for them.
        """
        wanted = [file for file in self.files(job) if not kinds or file["kind"] in kinds]
        if not wanted:
            raise BadInput(f"There are no such files of job {job} (yet): see dubkit status {job}.")
        return [download(self._connection, file["url"], Path(folder), file["name"], PATIENCE) for file in wanted]

    def preview(self, job: str, start: Seconds, duration: Seconds, target: str | Path) -> Path:
        """A stretch of the dub as a film, made where it is not there yet.

        Parameters
        ----------
        job : str
        start, duration : float
            In seconds.
        target : str or Path
            The file to write.
        """
        path, query = f"{_job(job)}/preview", {"start_time": start, "duration": duration}
        with self._connection.stream("GET", path, params=query, follow_redirects=False) as answer:
            if not answer.is_redirect:
                self._connection.check(answer)
            making = _told(self._connection, answer)["id"] if answer.status_code == 202 else ""
        if making and (status := self.wait(making))["status"] != "completed":
            raise DubkitError((status["error"] or {}).get("detail") or f"The preview was {status['status']}.")
        where = f"{path}?start_time={start}&duration={duration}"
        target = Path(target)
        return download(self._connection, where, target.parent, target.name, PATIENCE)

    def _check(self, source: str | None, target: str) -> None:
        """What cannot be dubbed is better told before a long upload; a service that knows no pairs yet takes what comes."""
        if not self.languages(source, target) and (pairs := self.languages()):
            into = listed(sorted({pair["target"] for pair in pairs if source in (None, pair["source"])}))
            raise UnsupportedPair(
                f"{self._connection.url} cannot dub {f'{name(source)} ' if source else ''}into {name(target)}. It can into: "
                f"{into or 'nothing'}."
            )

    def _upload(self, film: Path, progress: Callable[[int, int], None]) -> str:
        """Send a film; the id of its upload."""
        if not film.is_file():
            raise BadInput(f"There is no film {str(film)!r}.")
        n_bytes = film.stat().st_size
        called = base64.b64encode(film.name.encode("utf-8", "replace")).decode()
        said = {**TUS, "Upload-Length": str(n_bytes), "Upload-Metadata": f"filename {called}"}
        made = self._connection.ask("POST", "/uploads", headers=said)
        id = urlsplit(made.headers["Location"]).path.rstrip("/").rpartition("/")[2]
        with film.open("rb") as stream:
            sent = 0
            while sent < n_bytes:
                progress(sent, n_bytes)
                sent = patiently(partial(self._send, id, stream), PATIENCE)
        progress(n_bytes, n_bytes)
        return id

    def _send(self, upload: str, stream: IO[bytes]) -> int:
        """Send the next bytes of an upload; how many are there then."""
        place = f"/uploads/{quote(upload, safe='')}"
        offset = int(self._connection.ask("HEAD", place, headers=TUS).headers["Upload-Offset"])
        stream.seek(offset)
        if not (chunk := stream.read(CHUNK)):
            return offset
        checksum = base64.b64encode(hashlib.sha256(chunk).digest()).decode()
        headers = {
            **TUS,
            "Upload-Offset": str(offset),
            "Upload-Checksum": f"sha256 {checksum}",
            "Content-Type": "application/offset+octet-stream",
        }
        answer = self._connection.ask("PATCH", place, headers=headers, content=chunk)
        return int(answer.headers["Upload-Offset"])

    def _asked(self, method: str, path: str, **request: Any) -> Answer:
        return _told(self._connection, self._connection.ask(method, path, **request))


def _told(connection: Connection, answer: httpx.Response) -> Answer:
    answer.read()
    try:
        told: Answer = answer.json()
    except ValueError:
        raise BadInput(f"{connection.url} is no service of dubkit: it does not answer with JSON.") from None
    return told


def _job(id: str) -> str:
    return f"/jobs/{quote(id, safe='')}"

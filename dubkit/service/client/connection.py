"""Requests to a running service, made again where it was away, and its problem documents as dubkit's errors."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx

from dubkit.backends.remote.served import loopback
from dubkit.errors import BadInput, DubkitError, OutOfSpace, UnsupportedPair
from dubkit.record import Seconds
from dubkit.service.films.arrival import Empty, NotAFilm, TooLarge
from dubkit.service.jobs.job import Conflict, NoSuchJob

T = TypeVar("T")

API = "/api/v1"
CONNECT_SECONDS, ANSWER_SECONDS = 10.0, 60.0
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 5.0
"""Seconds between two tries."""

ERRORS: dict[str, type[DubkitError]] = {
    "no-such-job": NoSuchJob,
    "conflict": Conflict,
    "stale": Conflict,
    "too-large": TooLarge,
    "not-a-film": NotAFilm,
    "empty": Empty,
    "unsupported-pair": UnsupportedPair,
    "no-room": OutOfSpace,
}
"""By the last part of a problem's type; others are BadInput where the request was wrong, else DubkitError."""

AGAIN = (408, 423, 429, 460, 502, 503, 504)
"""Statuses after which the same request may go well."""


class ServiceAway(DubkitError):
    """A service does not answer, or asks to come again after some seconds."""

    def __init__(self, text: str, after: Seconds = 0.0) -> None:
        super().__init__(text)
        self.after = after


class Connection:
    """A service as its clients reach it.

    Parameters
    ----------
    url : str
        Such as ``http://127.0.0.1:7860``.
    key : str or None
        Sent to this service alone.

    Raises
    ------
    BadInput
        If it is no address of a web server.
    """

    def __init__(self, url: str, key: str | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise BadInput(f"{url!r} is no address of a service. Give one such as http://127.0.0.1:7860.")
        self.url = url.rstrip("/")
        self.headers = {"Authorization": f"Bearer {key.strip()}"} if key else {}
        self.is_here = loopback(parts.hostname)
        # A proxy leads elsewhere: this machine's own services are not behind it.
        self._http = httpx.Client(
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS), trust_env=not self.is_here
        )

    def close(self) -> None:
        """Give back connections."""
        self._http.close()

    def ask(self, method: str, path: str, *, patience: Seconds = 0.0, **request: Any) -> httpx.Response:
        """Make a request of the API; the answer is one that went well.

        Parameters
        ----------
        method, path : str
            The path without ``/api/v1``.
        patience : float
            Seconds for which it is made again where the service is away or asks to wait.
        **request
            As for :meth:`httpx.Client.request`.

        Raises
        ------
        ServiceAway
            If nobody answers.
        DubkitError
            What the service says is wrong, as the class in ``ERRORS``.
        """

        def once() -> httpx.Response:
            with self.stream(method, path, **request) as answer:
                self.check(answer)
                answer.read()
                return answer

        return patiently(once, patience)

    @contextlib.contextmanager
    def stream(self, method: str, path: str, **request: Any) -> Iterator[httpx.Response]:
        """An answer whose body is read as it comes, whatever its status; a full URL is asked without the key.

        Raises
        ------
        ServiceAway
            If nobody answers, or the line breaks while it is read.
        """
        url = path if "://" in path else f"{self.url}{'' if path.startswith(API) else API}{path}"
        headers = {**({} if "://" in path else self.headers), **request.pop("headers", {})}
        try:
            with self._http.stream(method, url, headers=headers, **request) as answer:
                yield answer
        except httpx.TransportError as error:
            reason = str(error) or type(error).__name__
            raise ServiceAway(
                f"No service answers at {self.url} ({reason}). Check the address, and that it runs (dubkit serve)."
            ) from error

    def check(self, answer: httpx.Response) -> None:
        """See that an answer went well; only one that did not is read.

        Raises
        ------
        DubkitError
            As :meth:`ask`.
        """
        if answer.is_success:
            return
        answer.read()
        try:
            problem = answer.json()
            kind, detail = str(problem["type"]).rpartition(":")[2], str(problem["detail"])
        except (ValueError, KeyError, TypeError):
            kind, detail = "", f"{self.url} answered with status {answer.status_code}: it may be no service of dubkit."
        if answer.status_code in AGAIN:
            after = answer.headers.get("Retry-After", "")
            raise ServiceAway(detail, float(after) if after.isdecimal() else 0.0)
        other = BadInput if 400 <= answer.status_code < 500 else DubkitError
        raise ERRORS.get(kind, other)(detail)


def patiently(work: Callable[[], T], patience: Seconds) -> T:
    """Do it, and do it again where the service is away, until patience ends.

    Raises
    ------
    ServiceAway
        If it stays away.
    """
    until, pause = time.monotonic() + patience, FIRST_PAUSE
    while True:
        try:
            return work()
        except ServiceAway as error:
            wait = max(pause, error.after)
            if time.monotonic() + wait > until:
                raise
        time.sleep(wait)
        pause = min(2 * pause, LONGEST_PAUSE)

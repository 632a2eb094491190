"""The line to a server of a remote back end: HTTP with time-outs, patience, and a token.

What fails in passing (no connection, a server that restarts or is busy) is a ``LostError``, and worth another try;
what does not is one of dubkit's errors.
"""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from dubkit.backends.remote.methods import error_of
from dubkit.backends.remote.served import TOKEN, GoneError, LostError, RemoteError, Served, loopback, strange, token
from dubkit.backends.remote.wire import MEDIA_TYPE, TruncatedError, WireError, pack, parcels
from dubkit.errors import BadInput, DubkitError, MissingModel, Unreachable

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)

CONNECT, READ, GOODBYE = 10.0, 25.0, 1.0
"""Time-outs in seconds: a server that works sends a sign of life more often than the second; the third is for a request
whose answer does not matter."""
FIRST, LONGEST = 0.5, 16.0
"""Seconds before the first further try, and at most; each is twice the one before."""
SILENCE = 50.0
"""Seconds without a sign of life after which no further try is made. With the last try's time-out it is a minute at most."""
TRIES_TO_FIND, TRIES, TRIES_WHILE_BUSY = 4, 8, 120


class Line:
    """Requests to one server.

    Parameters
    ----------
    url, task : str
        Where it is, and which task it has to serve.
    sleep : callable
        Waits for so many seconds.
    """

    def __init__(self, url: str, task: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self.url = url
        self.task = task
        self.host = urlsplit(url).netloc
        self._used: tuple[dict[str, Any], dict[str, Any]] = {}, {}
        self.sleep = sleep
        self.clock = time.monotonic
        self.heard = self.clock()
        """When the server gave the last sign of life, or there was nothing to listen to."""
        self._served: Served | None = None

    @property
    def served(self) -> Served:
        """What is served there; asked for once.

        Raises
        ------
        Unreachable
            If nobody answers.
        BadInput
            If it is the back end of another task or none, or the token is wrong.
        """
        if self._served is None:
            patience = Patience(self, TRIES_TO_FIND)
            while True:
                try:
                    self._served = Served.of(self.json("GET", "/v1/backend"), self.url, self.task)
                    break
                except LostError as error:
                    patience.again(error)
        return self._served

    def forget(self) -> None:
        """Ask anew at the next use what is served."""
        self._served = None

    def json(self, method: str, path: str, content: Any = None, patient: bool = True) -> Any:
        """The JSON that a request is answered with, waited for not long unless patient; None where it is empty."""
        with self._answer(method, path, b"" if content is None else pack(content), patient) as answer:
            text = b"".join(answer.iter_raw())
        try:
            return json.loads(text) if text else None
        except ValueError as error:
            raise strange(self.url, self.task, "what is not JSON") from error

    @property
    def usage(self) -> dict[str, Any]:
        """What the requests since the last :meth:`count_anew` used, added up."""
        return _added(*self._used)

    def count_anew(self) -> None:
        """Begin to count usage at nothing."""
        self._used = {}, {}

    def frames(self, path: str, body: bytes) -> Iterator[Any]:
        """The results in a streamed answer as they come; warnings are passed on and usage is counted.

        Raises
        ------
        LostError
            If the stream breaks off.
        DubkitError
            What went wrong on the server.
        """
        self._used = self.usage, {}
        ended = False
        with self._answer("POST", path, body) as answer:
            for frame in self._checked(parcels(answer.iter_raw())):
                kind = frame.get("kind")
                if kind == "result":
                    yield frame.get("result")
                    # However long the caller took: the server is waited for from now on.
                    self.heard = self.clock()
                elif kind == "warning":
                    log.warning("%s", frame.get("message"))
                elif kind == "usage":
                    self._used = self._used[0], dict(frame.get("used", {}))
                elif kind == "error":
                    raise self._error(frame)
                # Read on to the very end, so that the connection serves for the next request, too.
                ended = kind == "end"
        if not ended:
            raise LostError("the answer broke off")

    def given_up(self, error: LostError, tries: int) -> DubkitError:
        """What to tell when the last try has failed."""
        port = urlsplit(self.url).port or 8001
        start = f"dubkit serve-backend {self.task} SPEC --host 0.0.0.0 --port {port}"
        if self._served is None:
            return Unreachable(
                f"The {self.task} at {self.url} cannot be reached ({error}). Start it on that machine: {start} "
                f"(with {TOKEN} set there and here)"
            )
        return Unreachable(
            f"The {self.task} at {self.url} is not to be reached any more ({error}; tried {tries} times). What is "
            f"finished is kept: see that it runs ({start}), then give the same command again."
        )

    def _checked(self, frames: Iterator[Any]) -> Iterator[dict[str, Any]]:
        """The frames, if they are some."""
        try:
            for frame in frames:
                self.heard = self.clock()
                if not isinstance(frame, dict):
                    raise WireError("no frame")
                yield frame
        except TruncatedError as error:
            raise LostError("the answer broke off") from error
        except WireError as error:
            raise strange(self.url, self.task, "what is not in its protocol") from error

    @contextlib.contextmanager
    def _answer(self, method: str, path: str, body: bytes, patient: bool = True) -> Iterator[httpx.Response]:
        """A request's answer, if it is one of success."""
        client = self._client
        import httpx

        headers = {"Content-Type": MEDIA_TYPE, "Accept-Encoding": "identity"}
        if secret := token():
            headers["Authorization"] = f"Bearer {secret}"
        try:
            timeout = client.timeout if patient else httpx.Timeout(GOODBYE)
            with client.stream(method, self.url + path, content=body, headers=headers, timeout=timeout) as answer:
                if not answer.is_success:
                    answer.read()
                    self._refuse(answer)
                yield answer
        except httpx.InvalidURL as error:
            raise BadInput(f"{self.url} is no URL that can be asked: {error}.") from error
        except httpx.HTTPError as error:
            raise LostError(f"{type(error).__name__}: {error}".removesuffix(": ")) from error

    def _refuse(self, answer: httpx.Response) -> None:
        """Raise what an answer other than success means."""
        status = answer.status_code
        if status in (408, 429, 502, 503, 504):
            raise LostError(f"it answered {status}", _seconds(answer.headers.get("Retry-After")))
        if status == 410:
            raise GoneError("it does not know the stream any more")
        if status == 401:
            raise BadInput(
                f"The server at {self.url} refuses the token. Set {TOKEN} here to the value that it has on the server."
            )
        if status == 409:
            self.forget()
            raise RemoteError(
                f"The server at {self.url} runs another model than when this began: its results would not belong together "
                "with those already made. Give the same command again: it goes on with the model that is there now."
            )
        try:
            described = answer.json()
        except ValueError:
            described = None
        told = isinstance(described, dict) and isinstance(described.get("error"), dict)
        if status == 403:
            # A token may be missing over there, or it is something else between here and there that refuses.
            words = described["error"].get("message") if told else "403, it is forbidden, without a reason"
            raise BadInput(f"The server at {self.url} refuses this: {words}")
        if told:
            raise self._error(described)
        raise strange(self.url, self.task, f"{status}")

    def _error(self, described: Mapping[str, Any]) -> DubkitError:
        sent = described.get("error", {})
        return error_of(sent) or RemoteError(
            f"The {self.task} at {self.url} failed: {sent.get('message', 'no reason given')}"
        )

    @functools.cached_property
    def _client(self) -> httpx.Client:
        try:
            import httpx
        except ImportError as error:
            raise MissingModel(
                "Remote back ends need the Python package 'httpx'. Install it with: pip install 'dubkit[service]'"
            ) from error
        # A proxy of the environment has no way to this machine's own ports.
        own = loopback(urlsplit(self.url).hostname or "")
        return httpx.Client(timeout=httpx.Timeout(READ, connect=CONNECT), trust_env=not own)


class Patience:
    """How often something is tried again, and after how long.

    Parameters
    ----------
    line : Line
        Whose requests they are.
    tries : int
        In a row, without anything being won between; a server that says that it is busy is given more.
    """

    def __init__(self, line: Line, tries: int = TRIES) -> None:
        self._line = line
        self._tries = tries
        self.progress()

    def progress(self) -> None:
        """Something was won: begin to count anew."""
        self._failed = self._busy = 0
        self._began = self._line.clock()

    def again(self, error: LostError) -> None:
        """Wait before another try.

        Raises
        ------
        Unreachable
            If they are used up, or the server has been silent for too long.
        """
        if error.after is not None:
            self._busy += 1
            # It lives.
            self._began = self._line.clock()
        else:
            self._failed += 1
        silent = self._line.clock() - max(self._began, self._line.heard)
        # One more try there always is: the first may have gone on for long before the server died.
        if self._failed >= self._tries or self._busy >= TRIES_WHILE_BUSY or (self._failed > 1 and silent >= SILENCE):
            raise self._line.given_up(error, self._failed + self._busy) from error
        wanted = FIRST * 2.0 ** (self._failed - 1) if error.after is None else max(error.after, FIRST)
        self._line.sleep(min(wanted, LONGEST, max(FIRST, SILENCE - silent)))


def _seconds(retry_after: str | None) -> float | None:
    """What a Retry-After says; a date is as good as nothing."""
    return float(retry_after) if retry_after and retry_after.isdecimal() else None


def _added(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Figures added up, those in groups, too; of what is no figure, the latter."""
    total = dict(one)
    for name, value in other.items():
        known = total.get(name)
        if isinstance(value, Mapping):
            total[name] = _added(known if isinstance(known, Mapping) else {}, value)
        elif isinstance(value, int | float) and isinstance(known, int | float):
            total[name] = known + value
        else:
            total[name] = value
    return total

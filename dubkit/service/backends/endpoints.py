"""The endpoints that serve one back end; the protocol is told in :mod:`dubkit.backends.remote.wire`."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
import tempfile
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from dubkit import __version__
from dubkit.backends.remote.methods import ATTRIBUTES, METHODS, Waveform, described_error, read
from dubkit.backends.remote.served import TOKEN, loopback
from dubkit.backends.remote.wire import MEDIA_TYPE, VERSION, WireError, parcels
from dubkit.errors import DubkitError
from dubkit.service.backends.speech import OutOfOrderError, Sessions, TooManySessionsError, UnknownSessionError
from dubkit.service.backends.work import (
    INTERNAL,
    Emit,
    ModelThread,
    NobodyListensError,
    call,
    checked,
    frames,
    own_thread,
    warnings_sent,
)

log = logging.getLogger(__name__)

Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True)
class Limits:
    """What one server takes.

    Parameters
    ----------
    max_bytes : int
        Of one request's body, where the model is to work; of all others, ``small_bytes``.
    max_items : int
        In one call.
    max_waiting : int
        Calls that wait for the model, besides the one that it works on.
    max_sessions : int
        Streams through a separator that are open at once.
    idle_seconds : float
        After so long without a block, a stream is closed; a body that does not go on for a tenth of it is given up.
    heartbeat : float
        Seconds between signs of life.
    retry_after : int
        Seconds after which those may come again who found no place.
    """

    max_bytes: int = 256 << 20
    small_bytes: int = 1 << 20
    max_items: int = 256
    max_waiting: int = 4
    max_sessions: int = 4
    idle_seconds: float = 600.0
    heartbeat: float = 10.0
    retry_after: int = 5


class RefusedError(Exception):
    """A request that is answered with an error's status."""

    def __init__(self, status: int, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class Server:
    """One back end and who may use it; see :func:`dubkit.service.backends.server.create_app`."""

    def __init__(
        self, task: str, backend: Any, name: str, token: str | None, limits: Limits, folder: Path | None = None
    ) -> None:
        self.task = task
        self.backend = backend
        self.name = name or type(backend).__name__
        self.token = token
        self.limits = limits
        self.folder = folder
        self.model = ModelThread()
        self.sessions = Sessions(backend, threading.Lock(), limits.max_sessions, limits.idle_seconds)
        self._places = 1 + limits.max_waiting

    @contextlib.asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        """Close idle streams while the server lives."""

        async def watch() -> None:
            while True:
                await asyncio.sleep(self.limits.idle_seconds / 10)
                await run_in_threadpool(self.sessions.expire)

        watching = asyncio.create_task(watch())
        try:
            yield
        finally:
            watching.cancel()

    def guarded(self, endpoint: Endpoint) -> Endpoint:
        """An endpoint behind the token, whose errors are answered without their innards."""

        async def answer(request: Request) -> Response:
            try:
                self._admit(request)
                return await endpoint(request)
            except RefusedError as error:
                return _failed(error.status, str(error), headers=error.headers)
            except DubkitError as error:
                return _failed(422, str(error), described_error(error)["class"])
            except WireError as error:
                return _failed(400, str(error))
            except TimeoutError:
                return _failed(408, "The body did not go on.")
            except ClientDisconnect:
                return _failed(400, "The request broke off.")
            except Exception:
                log.exception("A request failed.")
                return _failed(500, INTERNAL)

        return answer

    async def described(self, request: Request) -> Response:
        """What is served here."""

        def facts() -> dict[str, Any]:
            return {
                "protocol": VERSION,
                "version": __version__,
                "task": self.task,
                "name": self.name,
                "fingerprint": self.backend.fingerprint,
                "methods": [m for m in METHODS[self.task] if callable(getattr(self.backend, m, None))],
                "attributes": {a: _plain(getattr(self.backend, a)) for a in ATTRIBUTES if hasattr(self.backend, a)},
                "counts_usage": hasattr(self.backend, "usage"),
                "limits": {"max_bytes": self.limits.max_bytes, "max_items": self.limits.max_items},
            }

        return JSONResponse(await run_in_threadpool(facts))

    async def called(self, request: Request) -> Response:
        """Call a method of the back end."""
        name = request.path_params["method"]
        method = METHODS[self.task].get(name)
        if method is None or not callable(getattr(self.backend, name, None)):
            raise RefusedError(404, f"A {self.task} has no method {name!r} here.")
        folder = tempfile.TemporaryDirectory(prefix="dubkit-", dir=self.folder)
        leave = self._place() if method.loads else _nothing
        try:
            content = await self._content(request, Path(folder.name), big=method.loads)
            arguments = await run_in_threadpool(checked, method, content.get("arguments"), self.limits.max_items)
        except BaseException as error:
            leave()
            folder.cleanup()
            if isinstance(error, OverflowError):
                raise RefusedError(413, f"A call has {self.limits.max_items} items at most.") from error
            raise

        def work(emit: Emit) -> None:
            with folder, warnings_sent(emit) if method.loads else contextlib.nullcontext():
                call(self.backend, name, method, arguments, emit)

        return self._streamed(work, leave, self.model.do if method.loads else own_thread)

    async def opened(self, request: Request) -> Response:
        """Begin a stream."""
        await self._content(request)
        try:
            return JSONResponse({"session": self.sessions.open()})
        except TooManySessionsError as error:
            raise self._busy() from error

    async def pushed(self, request: Request) -> Response:
        """Give a stream its next block."""
        name = request.path_params["session"]
        leave = self._place()
        try:
            content = await self._content(request, big=True)
            number, block = read(int, content.get("number")), read(Waveform | None, content.get("block"))
            self.sessions.check(name, number)
        except BaseException as error:
            leave()
            if isinstance(error, UnknownSessionError):
                raise RefusedError(410, "There is no such stream, or not any more.") from error
            if isinstance(error, OutOfOrderError):
                raise WireError(str(error)) from error
            raise

        def work(emit: Emit) -> None:
            try:
                with warnings_sent(emit):
                    for n, part in enumerate(self.sessions.push(name, number, block)):
                        emit("result", item=n, result=part)
            except UnknownSessionError as error:
                # It was closed just now: without an end, the client asks again and is told so.
                raise NobodyListensError from error

        return self._streamed(work, leave)

    async def closed(self, request: Request) -> Response:
        """End a stream."""
        await run_in_threadpool(self.sessions.close, request.path_params["session"])
        return Response(status_code=204)

    def _streamed(
        self,
        work: Callable[[Emit], None],
        done: Callable[[], None],
        do: Callable[[Callable[[], None]], None] = own_thread,
    ) -> Response:
        return StreamingResponse(frames(work, done, self.limits.heartbeat, do), media_type=MEDIA_TYPE)

    def _admit(self, request: Request) -> None:
        """Refuse whoever may not ask."""
        if self.token is not None:
            given = request.headers.get("Authorization", "")
            if not hmac.compare_digest(given.encode(), f"Bearer {self.token}".encode()):
                raise RefusedError(401, "The token is missing or wrong.", WWW_Authenticate="Bearer")
        elif not _asked_as_own(request.headers.get("Host", "")):
            # A web page could lead a browser here under another name.
            raise RefusedError(
                403,
                "It has no token, and so answers its own machine alone, under the names localhost and 127.0.0.1. For "
                f"others, start it with {TOKEN} set, and set the same value where dubkit runs.",
            )
        if request.method == "POST" and request.headers.get("Content-Type") != MEDIA_TYPE:
            raise RefusedError(415, f"The body has to be of type {MEDIA_TYPE}.")

    def _place(self) -> Callable[[], None]:
        """Take one of the places before the model; what is given back lets it go."""
        if self._places < 1:
            raise self._busy()
        self._places -= 1

        def leave() -> None:
            self._places += 1

        return leave

    def _busy(self) -> RefusedError:
        return RefusedError(503, "Too many wait already.", Retry_After=str(self.limits.retry_after))

    async def _content(self, request: Request, folder: Path | None = None, big: bool = False) -> dict[str, Any]:
        """What a request's body holds, if it is for the model that is here."""
        most, body = self.limits.max_bytes if big else self.limits.small_bytes, bytearray()
        too_large = RefusedError(413, f"A body has {most} bytes at most here.")
        if int(request.headers.get("Content-Length", "0")) > most:
            raise too_large
        stream = request.stream()
        with contextlib.suppress(StopAsyncIteration):
            while True:
                body += await asyncio.wait_for(anext(stream), self.limits.idle_seconds / 10)
                if len(body) > most:
                    raise too_large
        found = await run_in_threadpool(lambda: list(parcels([bytes(body)], folder)))
        if len(found) != 1 or not isinstance(found[0], dict):
            raise WireError("A body is one parcel with an object in it.")
        if found[0].get("fingerprint") != await run_in_threadpool(lambda: self.backend.fingerprint):
            raise RefusedError(409, "Another model runs here than the one that was asked for.")
        return found[0]


def _failed(status: int, message: str, cls: str = "", headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"error": {"class": cls, "message": message}}, status_code=status, headers=headers)


def _asked_as_own(host: str) -> bool:
    """Whether a Host header names this machine itself."""
    try:
        return loopback(urlsplit(f"//{host}").hostname or "")
    except ValueError:
        return False


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, set | frozenset) else value


def _nothing() -> None:
    """Nothing was taken."""

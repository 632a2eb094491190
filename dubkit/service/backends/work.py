"""Work of a back end that is told as it goes on: results, warnings and usage as frames of a streamed answer.

The frames are told in :mod:`dubkit.backends.remote.wire`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Any

from dubkit.backends.protocols import takes
from dubkit.backends.remote.methods import Method, described_error, read
from dubkit.backends.remote.wire import WireError, pack
from dubkit.errors import BadInput, DubkitError

log = logging.getLogger(__name__)

Emit = Callable[..., None]
"""Sends a frame: its kind, and the rest by name."""
INTERNAL = "the server met an error that its log tells"


class NobodyListensError(Exception):
    """Whoever asked is gone: what is asked need not be gone on with."""


class ModelThread:
    """The one thread in which a model works, call after call.

    Native engines and OpenMP keep state per thread: Bergamot's crashes where a second thread uses it.
    """

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        threading.Thread(target=self._work, daemon=True).start()

    def do(self, job: Callable[[], None]) -> None:
        """Do a job after those that wait already; it has to catch its own errors."""
        self._jobs.put(job)

    def _work(self) -> None:
        while True:
            self._jobs.get()()


def own_thread(job: Callable[[], None]) -> None:
    """Do a job at once, in a thread of its own."""
    threading.Thread(target=job, daemon=True).start()


def frames(
    work: Callable[[Emit], None],
    done: Callable[[], None],
    heartbeat: float,
    do: Callable[[Callable[[], None]], None] = own_thread,
) -> AsyncIterator[bytes]:
    """The frames of some work, which goes on in a thread.

    Parameters
    ----------
    work : callable
        Is given the function to send frames with, which raises :class:`NobodyListensError` once nobody does.
    done : callable
        Called when it has ended, however it did.
    heartbeat : float
        Seconds after which a sign of life is sent where there is nothing else to send.
    do : callable
        Does a job in a thread.
    """
    loop, waiting, unheard = asyncio.get_running_loop(), asyncio.Queue[bytes | None](), threading.Event()

    def tell(frame: bytes | None) -> None:
        # The loop is closed where the server is stopped in the middle.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(waiting.put_nowait, frame)

    def emit(kind: str, **content: Any) -> None:
        if unheard.is_set():
            raise NobodyListensError
        tell(pack({"kind": kind, **content}))

    def run() -> None:
        try:
            if unheard.is_set():
                raise NobodyListensError
            work(emit)
            emit("end")
        except NobodyListensError:
            log.info("Nobody waits for the answer any more.")
        except DubkitError as error:
            tell(pack({"kind": "error", "error": described_error(error)}))
        except Exception:
            log.exception("A call failed.")
            tell(pack({"kind": "error", "error": {"class": "", "message": INTERNAL}}))
        finally:
            tell(None)
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(done)

    async def told() -> AsyncIterator[bytes]:
        try:
            while True:
                try:
                    frame = await asyncio.wait_for(waiting.get(), heartbeat)
                except TimeoutError:
                    frame = pack({"kind": "wait"})
                if frame is None:
                    return
                yield frame
        finally:
            unheard.set()

    # Begun here, so that it ends even if the first frame is never asked for.
    do(run)
    return told()


def call(backend: Any, name: str, method: Method, arguments: Mapping[str, Any], emit: Emit) -> None:
    """Call a back end's method and send its results.

    Parameters
    ----------
    arguments : mapping
        By name; see :func:`checked`.

    Raises
    ------
    BadInput
        If the back end lacks one of the keywords that its Protocol lets be left out.
    """
    asked = getattr(backend, name)
    given = [arguments[p] for p in method.takes if p not in method.keywords]
    named = {p: arguments[p] for p in method.keywords if p in arguments}
    if lacking := [p for p in named if not takes(asked, p)]:
        raise BadInput(f"The back end {backend.fingerprint} has no {lacking[0]} that could be set: leave it out.")
    result = asked(*given, **named)
    if not method.items:
        emit("result", item=0, result=result)
    else:
        used: dict[str, Any] = {}
        for n, one in enumerate(result):
            used = _told_usage(backend, used, emit)
            emit("result", item=n, result=one)
        _told_usage(backend, used, emit)


def checked(method: Method, arguments: Any, most: int) -> dict[str, Any]:
    """A call's arguments as the method takes them.

    Raises
    ------
    WireError
        If some lack, are of other types, or do not belong together.
    OverflowError
        If there are more than so many items.
    """
    if not isinstance(arguments, Mapping):
        raise WireError("No arguments are given: they are an object, each by its name.")
    if unknown := arguments.keys() - method.takes.keys():
        raise WireError(f"Unknown arguments: {sorted(map(str, unknown))}.")
    if lacking := method.takes.keys() - arguments.keys() - set(method.keywords):
        raise WireError(f"Arguments are missing: {sorted(lacking)}.")
    found = {name: read(method.takes[name], value) for name, value in arguments.items()}
    lengths = [len(value) for value in found.values() if isinstance(value, list)]
    if any(n > most for n in lengths):
        raise OverflowError
    if method.items and any(len(found[name]) not in (0, len(found[method.items[0]])) for name in method.items[1:]):
        raise WireError(f"There have to be equally many of: {', '.join(method.items)}.")
    return found


@contextlib.contextmanager
def warnings_sent(emit: Emit) -> Iterator[None]:
    """Send what back ends warn of."""
    logger, handler = logging.getLogger("dubkit.backends"), _Sent(emit)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


class _Sent(logging.Handler):
    def __init__(self, emit: Emit) -> None:
        super().__init__(logging.WARNING)
        self._emit = emit

    def emit(self, record: logging.LogRecord) -> None:
        # What a client in this same process repeats is not sent once more.
        if not record.name.startswith("dubkit.backends.remote.tasks"):
            with contextlib.suppress(NobodyListensError):
                self._emit("warning", message=record.getMessage())


def _told_usage(backend: Any, before: dict[str, Any], emit: Emit) -> dict[str, Any]:
    """What the call has used so far, sent where it has changed."""
    used = dict(getattr(backend, "usage", None) or {})
    if used and used != before:
        emit("usage", used=used)
    return used

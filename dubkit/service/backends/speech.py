"""Streams through a separator that arrive block by block: what is ready comes out, the rest stays for the next block."""

from __future__ import annotations

import contextlib
import queue
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from dubkit.backends.protocols import Separator

if TYPE_CHECKING:
    import numpy as np


class UnknownSessionError(LookupError):
    """A stream that there is not, or not any more."""


class OutOfOrderError(ValueError):
    """A block that is neither the next one nor the last one again."""


class TooManySessionsError(RuntimeError):
    """No room for a further stream."""


class _Closed(BaseException):
    """Ends the work on a stream that nobody wants any more; nothing in between is to catch it."""


class Sessions:
    """The streams that are open on a server.

    Parameters
    ----------
    separator : Separator
        Does the work.
    model : threading.Lock
        Held while the model works.
    most : int
        Streams at once.
    idle_seconds : float
        After so long without a block, a stream is closed.
    clock : callable
        Seconds that pass.
    """

    def __init__(
        self,
        separator: Separator,
        model: threading.Lock,
        most: int,
        idle_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._separator = separator
        self._model = model
        self._most = most
        self._idle_seconds = idle_seconds
        self._clock = clock
        self._open: dict[str, tuple[_Session, float]] = {}
        self._lock = threading.Lock()

    def open(self) -> str:
        """Begin a stream; its name, which nobody can guess.

        Raises
        ------
        TooManySessionsError
            If there are too many.
        """
        self.expire()
        with self._lock:
            if len(self._open) >= self._most:
                raise TooManySessionsError
            name = secrets.token_hex(16)
            self._open[name] = _Session(self._separator, self._model), self._clock()
            return name

    def check(self, name: str, number: int) -> None:
        """Raise what :meth:`push` would, before anything is done."""
        self._touched(name).check(number)

    def push(self, name: str, number: int, block: np.ndarray | None) -> Iterator[np.ndarray]:
        """Give a stream its next block, or None at its end; the speech that is ready.

        Raises
        ------
        UnknownSessionError
            If there is no such stream.
        OutOfOrderError
            If the number is neither the next nor the last one.
        """
        session = self._touched(name)
        try:
            yield from session.push(number, block)
        except OutOfOrderError:
            raise
        except Exception:
            self.close(name)
            raise
        with contextlib.suppress(UnknownSessionError):
            self._touched(name)

    def close(self, name: str) -> None:
        """End a stream, if it is there."""
        with self._lock:
            session, _ = self._open.pop(name, (None, 0.0))
        if session is not None:
            session.close()

    def expire(self) -> None:
        """Close the streams that have had no block for too long."""
        with self._lock:
            before = self._clock() - self._idle_seconds
            old = [name for name, (session, used) in self._open.items() if used < before and not session.works]
        for name in old:
            self.close(name)

    def _touched(self, name: str) -> _Session:
        with self._lock:
            if name not in self._open:
                raise UnknownSessionError
            session, _ = self._open[name]
            self._open[name] = session, self._clock()
            return session


_WANTS, _DONE = object(), object()


class _Session:
    """One stream: a thread in which the separator asks for blocks as if they were all there."""

    def __init__(self, separator: Separator, model: threading.Lock) -> None:
        self._separator = separator
        self._model = model
        self._blocks: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._ready: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._pushing = threading.Lock()
        self._number = -1
        self._last: list[np.ndarray] = []
        self._over = False
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    @property
    def works(self) -> bool:
        """Whether a block is under way."""
        return self._pushing.locked()

    def check(self, number: int) -> None:
        """See :meth:`Sessions.check`."""
        if number - self._number not in (0, 1) or number < 0:
            raise OutOfOrderError(f"Block {self._number + 1} was to come, not {number}.")

    def push(self, number: int, block: np.ndarray | None) -> Iterator[np.ndarray]:
        """See :meth:`Sessions.push`."""
        with self._pushing:
            if number == self._number:
                yield from self._last
                return
            self.check(number)
            self._last = []
            if not self._over:
                self._blocks.put(_DONE if block is None else block)
                # Kept whole before any of it goes out: the caller may be lost in the middle and ask again.
                self._last = list(self._answers())
            self._number = number
            yield from self._last

    def close(self) -> None:
        """Let the thread end, at the latest when it wants the next block."""
        self._blocks.put(_Closed())

    def _answers(self) -> Iterator[np.ndarray]:
        while True:
            answer = self._ready.get()
            if answer is _WANTS:
                return
            if answer is _DONE:
                self._over = True
                return
            if isinstance(answer, _Closed):
                raise UnknownSessionError
            if isinstance(answer, BaseException):
                raise answer
            yield answer

    def _work(self) -> None:
        try:
            with self._model:
                for part in self._separator.speech(self._fed()):
                    self._ready.put(part)
            self._ready.put(_DONE)
        except BaseException as error:
            self._ready.put(error)

    def _fed(self) -> Iterator[np.ndarray]:
        """The blocks as they arrive; the model is free for others in between."""
        first = True
        while True:
            if not first:
                self._ready.put(_WANTS)
            first = False
            self._model.release()
            try:
                block = self._blocks.get()
            finally:
                self._model.acquire()
            if isinstance(block, _Closed):
                raise block
            if block is _DONE:
                return
            yield block

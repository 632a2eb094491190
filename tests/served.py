"""Back ends served over real HTTP, in a thread of the test."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Any

import uvicorn

from dubkit.service.backends.server import create_app


class Served:
    """A server of one back end on a free port of this machine, or on a given one."""

    def __init__(self, task: str, backend: Any, port: int = 0, **options: Any) -> None:
        config = uvicorn.Config(create_app(task, backend, **options), port=port, log_level="critical")
        self.task, self.backend = task, backend
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive(), "the server did not start"
            time.sleep(0.01)
        self.port = int(self._server.servers[0].sockets[0].getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"

    def end(self) -> None:
        """Begin to end."""
        self._server.force_exit = self._server.should_exit = True

    def die(self) -> None:
        """End at once, in the middle of whatever is under way."""
        self.end()
        self._thread.join(10)
        assert not self._thread.is_alive()


@contextlib.contextmanager
def serving(task: str, backend: Any, **options: Any) -> Iterator[Served]:
    """A server for the length of a with block."""
    server = Served(task, backend, **options)
    try:
        yield server
    finally:
        server.die()

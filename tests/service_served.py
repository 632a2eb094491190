"""A service's API on a port of this machine, in a thread of the test, whose jobs the test does; and a line that can break."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import uvicorn

from dubkit.progress import Event
from dubkit.service.api import create_app
from dubkit.service.config import Config
from dubkit.service.jobs.job import Claim, Output
from dubkit.service.service import Service


class Served:
    """A service that answers, and whose one worker is told what to do."""

    def __init__(self, service: Service, port: int = 0) -> None:
        self.service = service
        settings = uvicorn.Config(create_app(service), port=port, log_config=None, timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(settings)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive(), "the server did not start"
            time.sleep(0.01)
        self.port = int(self._server.servers[0].sockets[0].getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"

    def end(self) -> None:
        """End at once."""
        self._server.force_exit = self._server.should_exit = True
        self._thread.join(10)

    def claim(self) -> Claim:
        """The next job."""
        found = self.service.claims.next("w1", 60)
        assert found is not None
        return found

    def work(self, claim: Claim, *events: Event) -> None:
        """Tell of a job's stages."""
        assert self.service.claims.tell(claim, events)

    def finish(self, claim: Claim, folder: Path, files: Mapping[str, bytes], **facts: Any) -> None:
        """End a job with files of these names, whose endings tell their kinds."""
        kinds = {
            ".mp4": ("video", "video/mp4"),
            ".srt": ("subtitles", "application/x-subrip"),
            ".json": ("lines", "application/json"),
        }
        outputs = []
        for name, content in files.items():
            kind, media_type = kinds[Path(name).suffix]
            place = f"dubs/{claim.job.id}/{claim.fence}/{kind}{Path(name).suffix}"
            (folder / "made").write_bytes(content)
            self.service.storage.upload(folder / "made", place)
            outputs.append(Output(kind, name, place, len(content), media_type, "pt" if kind == "subtitles" else ""))
        assert self.service.claims.finish(claim, tuple(outputs), {"spoken": True, **facts}, "en")


@contextlib.contextmanager
def served(home: Path, **changed: Any) -> Iterator[Served]:
    """A service for the length of a with block."""
    service = Service(Config.at(home, **changed))
    server = Served(service)
    try:
        yield server
    finally:
        server.end()
        service.close()


class Line:
    """Leads to a server, and breaks after so many bytes of each connection; ``breaks`` says how often it still will.

    Parameters
    ----------
    port : int
        The server's.
    up, down : int or None
        Bytes to the server, and from it, after which a connection is cut.
    """

    def __init__(self, port: int, up: int | None = None, down: int | None = None, breaks: int = 0) -> None:
        self.breaks, self.broken = breaks, 0
        self._to, self._most = port, {"up": up, "down": down}
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        self._listening.close()

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                far = socket.create_connection(("127.0.0.1", self._to))
                for way, source, target in (("up", near, far), ("down", far, near)):
                    threading.Thread(target=self._carry, args=(way, source, target), daemon=True).start()

    def _carry(self, way: str, source: socket.socket, target: socket.socket) -> None:
        most, n_bytes = self._most[way], 0
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                n_bytes += len(data)
                if most is not None and self.breaks and n_bytes > most:
                    target.sendall(data[: len(data) - (n_bytes - most)])
                    self.breaks, self.broken = self.breaks - 1, self.broken + 1
                    break
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
                end.close()

"""A job of a service, watched until it is over: its events as they happen, and what it is like now wherever they break off."""

from __future__ import annotations

import contextlib
import json
import math
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from dubkit.progress import Event, Observer
from dubkit.record import Seconds
from dubkit.service.client.connection import API, CONNECT_SECONDS, Connection
from dubkit.service.jobs.job import OVER

EVERY: Seconds = 1.0
"""Between two looks at a job whose events cannot be had."""

ENDED = {"done": "done", "reused": "reused", "failed": "failed"}


def follow(connection: Connection, job: str, observer: Observer, patience: Seconds) -> dict[str, Any]:
    """Wait until a job is over; its status then.

    Parameters
    ----------
    connection : Connection
    job : str
        Its path.
    observer : callable
        Told of its stages.
    patience : float
        Seconds that the service may be away.
    """
    tell, begun = _Once(observer), -math.inf
    while True:
        status: dict[str, Any] = connection.ask("GET", f"{job}/status", patience=patience).json()
        for row in status["stages"]:
            tell.row(row)
        if status["status"] in OVER:
            return status
        time.sleep(max(0.0, begun + EVERY - time.monotonic()))
        begun = time.monotonic()
        # Where a proxy lets no WebSocket through, looking again and again has to do.
        with contextlib.suppress(WebSocketException, OSError):
            for event in _events(connection, f"{job}/progress?after={status['sequence']}"):
                if event.get("kind") == "stage":
                    tell(Event(**event["data"]))


def _events(connection: Connection, path: str) -> Iterator[dict[str, Any]]:
    parts = urlsplit(connection.url)
    url = f"{'wss' if parts.scheme == 'https' else 'ws'}://{parts.netloc}{parts.path}{API}{path}"
    proxy: dict[str, Any] = {"proxy": None} if connection.is_here else {}
    with connect(url, additional_headers=connection.headers, open_timeout=CONNECT_SECONDS, **proxy) as socket:
        for message in socket:
            yield json.loads(message)


class _Once:
    """Passes events on to an observer, each once, however often it is heard of."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._last: dict[str, tuple[str, int]] = {}
        self._warned: set[tuple[str, str]] = set()

    def __call__(self, event: Event) -> None:
        if event.status == "warning":
            if (event.stage, event.note) in self._warned:
                return
            self._warned.add((event.stage, event.note))
        else:
            state = event.status, 0 if event.status in ENDED else event.done
            if self._last.get(event.stage) == state:
                return
            self._last[event.stage] = state
        self._observer(event)

    def row(self, row: dict[str, Any]) -> None:
        """Tell how far a stage is by now."""
        for text in row["warnings"]:
            self(Event(row["stage"], "warning", note=text))
        if row["status"] != "waiting":
            status = ENDED.get(row["status"], "progress")
            self(Event(row["stage"], status, row["done"], row["total"], row["note"], row["seconds"]))  # type: ignore[arg-type]

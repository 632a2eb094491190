"""A service with its API in this process, on SQLite and a folder, without workers: tests do their work with stand-ins."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from dubkit.service.api import create_app
from dubkit.service.config import Config
from dubkit.service.jobs.job import Job
from dubkit.service.service import Service
from dubkit.service.workers.execute import execute

UPLOAD = "/api/v1/upload"
HERE = "http://127.0.0.1:7860"


class Served(TestClient):
    """What asks the API of a service, and the service."""

    def __init__(self, service: Service, **options: Any) -> None:
        super().__init__(create_app(service), base_url=HERE, client=("127.0.0.1", 50000), **options)
        self.service = service
        self.job: dict[str, Any] = {}
        self.headers["host"] = "127.0.0.1:7860"

    def submit(self, film: Path, key: str = "", **fields: str) -> dict[str, Any]:
        """Hand in a film; the job."""
        with film.open("rb") as stream:
            form = {"target_language": "pt", **fields}
            answer = self.post("/api/v1/upload", data=form, files={"file": (film.name, stream)}, headers=shown(key))
        assert answer.status_code == 202, answer.text
        job: dict[str, Any] = answer.json()
        return job

    def work(self, id: str) -> Job:
        """Do a job, as a worker would."""
        claim = self.service.claims.take(id, "worker", 60.0)
        assert claim is not None
        execute(claim, self.service.claims, self.service.config, self.service.storage)
        return self.service.jobs.find(id)

    def left(self) -> list[Path]:
        """Files of films that lie in the service's home."""
        home = self.service.config.home
        return [
            path for name in ("incoming", "uploads", "files") for path in (home / name).rglob("*") if path.is_file()
        ]


def shown(key: str) -> dict[str, str]:
    """The header that shows a key, if there is one."""
    return {"Authorization": f"Bearer {key}"} if key else {}


@contextlib.contextmanager
def serving(config: Config, **options: Any) -> Iterator[Served]:
    """The API of a service for the length of a with block."""
    service = Service(config)
    try:
        with Served(service, **options) as client:
            yield client
    finally:
        service.close()


async def broken_off(
    served: Served,
    body: bytes,
    headers: dict[str, str],
    *,
    size: int,
    most: int,
    then_silent: bool = False,
    method: str = "POST",
    path: str = UPLOAD,
    then: Callable[[], None] = lambda: None,
) -> tuple[int, int]:
    """Send no more than so many bytes of a body; the status of the answer, and how many bytes were taken before it.

    `then` is called when they were taken.
    """
    taken, statuses = 0, [0]

    async def receive() -> dict[str, Any]:
        nonlocal taken
        if taken >= most:
            then()
            if then_silent:
                await asyncio.sleep(3600)
            return {"type": "http.disconnect"}
        chunk = body[taken : taken + min(size, most - taken)]
        taken += len(chunk)
        return {"type": "http.request", "body": chunk, "more_body": True}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    told = {"host": "127.0.0.1", **headers, "content-length": str(len(body))}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in told.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 7860),
    }
    await served.app(scope, receive, send)  # type: ignore[arg-type]
    return statuses[-1], taken

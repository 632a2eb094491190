"""A whole service as its operator starts it: a server in a process of its own, on one machine or on the parts of a fleet."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil
import servers

ROOT = Path(__file__).parents[1]
SECRETS = {"AWS_ACCESS_KEY_ID": "dubkit", "AWS_SECRET_ACCESS_KEY": "kept-secret-too", "AWS_DEFAULT_REGION": "us-east-1"}


@dataclass
class Started:
    """A server, and workers where they are processes of their own.

    Parameters
    ----------
    home : Path
    environment : dict
        All that configures it.
    fleet_workers : int
        Workers on the queue, besides those that the server starts.
    """

    home: Path
    environment: dict[str, str]
    fleet_workers: int = 0
    port: int = field(default_factory=servers.free_port)
    server: subprocess.Popen[bytes] | None = None
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    http: httpx.Client = field(default_factory=lambda: httpx.Client(verify=False, timeout=20, follow_redirects=True))
    """Asks it; one for all, for each new one first reads all the certificates of the world."""

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start what is not running, and wait until the server answers."""
        while len(self.workers) < self.fleet_workers:
            self.workers.append(self._process("-m", "dubkit.service.workers.dramatiq"))
        if self.server is None:
            self.server = self._process(str(ROOT / "app.py"))
        until = time.monotonic() + 60
        while time.monotonic() < until:
            with contextlib.suppress(httpx.HTTPError):
                self.http.get(f"{self.url}/health", timeout=5)
                return
            assert self.server.poll() is None, self.log()[-4000:]
            time.sleep(0.1)
        raise AssertionError(f"the server does not answer: {self.log()[-4000:]}")

    def kill_server(self) -> None:
        """Kill it as the kernel would, with no chance to say a word; its workers may outlive it for a moment."""
        assert self.server is not None
        self.server.kill()
        self.server.wait()
        self.server = None

    def kill_worker(self, number: int) -> bool:
        """Kill one of the processes that do jobs; False where there is none at the moment."""
        if self.fleet_workers:
            worker = self.workers.pop(number % len(self.workers))
            worker.kill()
            worker.wait()
            return True
        assert self.server is not None
        found = [
            child
            for child in psutil.Process(self.server.pid).children()
            if "dubkit.service.workers.worker" in " ".join(child.cmdline())
        ]
        with contextlib.suppress(psutil.NoSuchProcess):
            if found:
                found[number % len(found)].kill()
        return bool(found)

    def stop(self) -> None:
        """End all, at once if they do not go."""
        processes = [p for p in (self.server, *self.workers) if p is not None]
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.server, self.workers = None, []

    def log(self) -> str:
        """What all of them have said."""
        return (self.home / "log").read_text(errors="replace")

    def _process(self, *command: str) -> subprocess.Popen[bytes]:
        with (self.home / "log").open("ab") as log:
            return subprocess.Popen([sys.executable, *command], env=self.environment, stdout=log, stderr=log, cwd=ROOT)


@contextlib.contextmanager
def started(home: Path, environment: Mapping[str, str] = os.environ, **changed: str) -> Iterator[Started]:
    """A service on one machine: SQLite, a folder, workers of its own."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    service = Started(home, {**environment, "DUBKIT_HOME": str(home), **changed})
    service.environment["PORT"] = str(service.port)
    try:
        service.start()
        yield service
    finally:
        service.stop()


@dataclass
class Parts:
    """What a fleet stands on; each can be stopped and started again with what it holds."""

    postgres: servers.Postgres
    redis: servers.Redis
    s3: servers.S3


@contextlib.contextmanager
def fleet(
    home: Path, environment: Mapping[str, str] = os.environ, workers: int = 2, **changed: str
) -> Iterator[tuple[Started, Parts]]:
    """A service on PostgreSQL, Redis and an S3 server, its workers on the queue."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with servers.postgres() as postgres, servers.running_redis() as redis, servers.s3(home / "s3") as s3:
        places = {
            "DUBKIT_HOME": str(home),
            "DUBKIT_DATABASE": postgres.url,
            "DUBKIT_QUEUE": redis.url,
            "DUBKIT_STORAGE": f"s3://{s3.bucket}/dubkit",
            "DUBKIT_WORKERS": "0",
            "AWS_ENDPOINT_URL": s3.url,
            **SECRETS,
        }
        service = Started(home, {**environment, **places, **changed}, workers)
        service.environment["PORT"] = str(service.port)
        try:
            service.start()
            yield service, Parts(postgres, redis, s3)
        finally:
            service.stop()


@contextlib.contextmanager
def beside(service: Started, home: Path) -> Iterator[Started]:
    """Another server of a fleet, on the same database, queue and storage."""
    with started(home, service.environment) as other:
        yield other

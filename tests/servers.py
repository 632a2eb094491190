"""Real PostgreSQL and Redis servers for tests: on a free port of this machine, in a temporary folder, gone afterwards."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

PASSWORD = "kept-secret"


def program(name: str) -> str:
    """The path of a server's program; the test is skipped where there is none."""
    # Debian keeps PostgreSQL's programs out of the PATH.
    folders = [os.environ["PATH"], *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True))]
    found = shutil.which(name, path=os.pathsep.join(folders))
    if found is None:
        package = "redis-server" if "redis" in name else "postgresql"
        pytest.skip(f"{name} is not installed (Debian package {package})")
    return found


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Postgres:
    """A PostgreSQL server of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.url = f"postgresql://dubkit:{PASSWORD}@127.0.0.1:{self.port}/postgres"
        secret = folder / "password"
        secret.write_text(PASSWORD)
        if os.geteuid() == 0:
            for path in (folder, secret):
                shutil.chown(path, "postgres")
        access = ["--username=dubkit", f"--pwfile={secret}", "--auth=scram-sha-256"]
        self._call("initdb", "-D", str(folder / "data"), "--no-sync", "--encoding=UTF8", *access)

    def start(self) -> None:
        """Start, and wait until it answers."""
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        log = str(self.folder / "log")
        self._call("pg_ctl", "start", "-w", "-D", str(self.folder / "data"), "-l", log, "-o", options)

    def stop(self) -> None:
        """Stop at once; what was committed stays."""
        self._call("pg_ctl", "stop", "-w", "-m", "immediate", "-D", str(self.folder / "data"))

    def _call(self, name: str, *arguments: str) -> None:
        # PostgreSQL refuses to run as root.
        other = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        command = [*other, program(name), *arguments]
        # Not through a pipe: the server would keep it open.
        with (self.folder / "said").open("w+") as said:
            code = subprocess.run(command, stdout=said, stderr=said, cwd="/").returncode
            said.seek(0)
            assert code == 0, said.read()


@contextlib.contextmanager
def postgres() -> Iterator[Postgres]:
    """A running PostgreSQL server for the length of a with block."""
    program("initdb")
    # A test's own folder is closed to the user that the server runs as.
    with tempfile.TemporaryDirectory(prefix="dubkit-postgres-") as folder:
        server = Postgres(Path(folder))
        server.start()
        try:
            yield server
        finally:
            with contextlib.suppress(AssertionError):
                server.stop()


class Redis:
    """A Redis server of its own, which keeps what it holds on disk."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.url = f"redis://:{PASSWORD}@127.0.0.1:{self.port}/0"
        self._command = program("redis-server")

    def start(self) -> None:
        """Start, and wait until it answers."""
        where = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder)]
        options = [*where, "--save", "", "--appendonly", "yes", "--requirepass", PASSWORD]
        self._process = subprocess.Popen([self._command, *options], stdout=subprocess.DEVNULL)
        answers(self.port)

    def stop(self) -> None:
        """Stop at once."""
        self._process.kill()
        self._process.wait(20)


@contextlib.contextmanager
def running_redis() -> Iterator[Redis]:
    """A running Redis server for the length of a with block."""
    with tempfile.TemporaryDirectory(prefix="dubkit-redis-") as folder:
        server = Redis(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()


@contextlib.contextmanager
def redis() -> Iterator[str]:
    """The URL of a running Redis server for the length of a with block."""
    with running_redis() as server:
        yield server.url


class S3:
    """An S3 server of its own that checks signatures, and keeps its objects in a folder."""

    bucket = "films"

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start, and wait until it answers."""
        (self.folder / self.bucket).mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "nanio", "serve", "--host", "127.0.0.1", "--port", str(self.port)]
        keys = {"NANIO_ACCESS_KEY": "dubkit", "NANIO_SECRET_KEY": "kept-secret-too"}
        self._process = subprocess.Popen(
            [*command, "--data-dir", str(self.folder)],
            env={**os.environ, **keys},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        answers(self.port)

    def stop(self) -> None:
        """Stop at once; what was stored stays."""
        self._process.kill()
        self._process.wait(20)


@contextlib.contextmanager
def s3(folder: Path) -> Iterator[S3]:
    """A running S3 server for the length of a with block."""
    server = S3(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def answers(port: int) -> None:
    """Wait until somebody listens on a port of this machine."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise AssertionError(f"nobody listens on port {port}")

"""A server as its operator meets it: what it says when it starts, how it ends, and what others on the machine can read."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import servers

Start = Callable[..., subprocess.Popen[bytes]]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def command(home: Path, *arguments: object, **changed: str) -> tuple[list[str], dict[str, str]]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DUBKIT_")}
    environment = {**kept, "DUBKIT_HOME": str(home), "DUBKIT_WORKERS": "0", **changed}
    return [sys.executable, "-c", "from dubkit.cli import main; main()", *map(str, arguments)], environment


def ended(home: Path, *arguments: object, **changed: str) -> subprocess.CompletedProcess[str]:
    """A command that ends by itself."""
    line, environment = command(home, *arguments, **changed)
    return subprocess.run(line, env=environment, capture_output=True, text=True, timeout=60)


@contextlib.contextmanager
def serving(home: Path, stderr: int, *more: str, **changed: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    port = servers.free_port()
    line, environment = command(home, "serve", "--port", port, *more, **changed)
    process = subprocess.Popen(line, env=environment, stderr=stderr)
    try:
        until = time.monotonic() + 60
        while time.monotonic() < until and process.poll() is None:
            with contextlib.suppress(httpx.HTTPError):
                httpx.get(f"http://127.0.0.1:{port}/health", timeout=5)
                break
            time.sleep(0.1)
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 143)])
def test_a_signal_ends_it_in_order(number: signal.Signals, code: int, home: Path, tmp_path: Path):
    with (tmp_path / "log").open("wb") as log, serving(home, log.fileno(), DUBKIT_REQUIREKEY="1") as (process, url):
        process.send_signal(number)
        assert process.wait(30) == code
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert "Is DUBKIT_REQUIRE_KEY meant?" in lines[0]["event"]
    assert (lines[1]["event"], lines[1]["home"]) == (f"dubkit serves at {url}", str(home))
    assert lines[-1]["event"] == "dubkit has stopped; what was not done goes on when it is started again"
    assert {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in [home, *home.rglob("*")]} == {0}


def test_nohup_is_heard(home: Path, tmp_path: Path):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with (tmp_path / "log").open("wb") as log, serving(home, log.fileno()) as (process, url):
            process.send_signal(signal.SIGHUP)
            assert httpx.get(f"{url}/health").status_code == 200
            process.terminate()
            assert process.wait(30) == 143
    finally:
        signal.signal(signal.SIGHUP, before)


def test_on_a_terminal_lines_are_for_people(home: Path):
    here, there = pty.openpty()
    changed = {"DUBKIT_REQUIRE_KEY": "1"}
    with serving(home, there, "--host", "0.0.0.0", **changed) as (process, url):
        httpx.get(f"{url}/%1b[31mred")
        httpx.get(f"{url}/health")
        process.terminate()
        assert process.wait(30) == 143
    os.close(there)
    said = b""
    with contextlib.suppress(OSError):
        while data := os.read(here, 65536):
            said += data
    os.close(here)
    lines = [line[10:] for line in said.decode().splitlines()]
    assert lines[0].startswith("warning: DUBKIT_HOSTS names no host")
    assert lines[1].startswith(
        f"dubkit serves at http://0.0.0.0:{url.rpartition(':')[2]}  home={home}  jobs={home}/service.sqlite"
    )
    (refused,) = [line for line in lines if line.startswith("request")]
    assert r"path=/\x1b[31mred" in refused
    assert lines[-1].startswith("dubkit has stopped")


NOT_A_DATABASE = "is no SQLite database, or is damaged"


@pytest.mark.parametrize("arguments", [("serve",), ("keys", "list")])
@pytest.mark.parametrize(
    ("what", "told"), [("home", "it is a file"), ("database", NOT_A_DATABASE), ("secret", "token_urlsafe")]
)
def test_what_cannot_work_is_told_in_a_line(
    arguments: tuple[str, ...], what: str, told: str, home: Path, tmp_path: Path
):
    file = tmp_path / "file"
    file.write_text("This is a letter, and neither a folder nor a database of any kind.\n" * 100)
    places = {
        "home": {"DUBKIT_HOME": str(file)},
        "database": {"DUBKIT_DATABASE": str(file)},
        "secret": {"DUBKIT_SECRET": "x"},
    }
    done = ended(home, *arguments, **places[what])
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ") and len(done.stderr.splitlines()) == 1
    assert told in done.stderr


def test_a_worker_tells_it_too(tmp_path: Path, home: Path):
    (tmp_path / "file").touch()
    _, environment = command(tmp_path / "file")
    worker = [sys.executable, "-m", "dubkit.service.workers.worker", "--once"]
    done = subprocess.run(worker, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "it is a file" in json.loads(done.stderr)["error"]
    unfit = subprocess.run(
        worker, env={**environment, "DUBKIT_RATE": "0/minute"}, capture_output=True, text=True, timeout=60
    )
    assert (unfit.returncode, unfit.stderr[:17]) == (2, "error: DUBKIT_RAT")

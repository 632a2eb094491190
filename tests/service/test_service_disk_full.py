"""A whole service whose disk fills up while it works: it says so, loses nothing, and goes on when there is room."""

from __future__ import annotations

import contextlib
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import slow_stand_ins
from builders import silence, sine, sound
from films import make_film
from started_service import Started, started

PART = 1 << 20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 400 MB; the test is skipped where none can be had."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400m", "none", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"no disk of its own: {mounted.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(path: Path) -> None:
    """Write until there is no room left at all."""
    with path.open("wb", buffering=0) as stream, contextlib.suppress(OSError):
        for size in (PART, 1):
            with contextlib.suppress(OSError):
                while True:
                    stream.write(b"\1" * size)


def film_of(folder: Path, hz: float) -> Path:
    """A film of twelve seconds."""
    parts = [part for k in range(6) for part in (silence(0.5), sine(1.5, hz=hz + 300 * (k % 2)))]
    heard = sound(folder / f"{hz:g}.flac", np.concatenate(parts))
    return make_film(folder / f"film-{hz:g}.mp4", seconds=12, fps=5, size="64x48", sound=heard.path)


def hand_in(service: Started, film: Path) -> httpx.Response:
    with film.open("rb") as stream:
        form = {"file": (film.name, stream, "video/mp4")}
        return service.http.post(f"{service.url}/api/v1/upload", files=form, data={"target_language": "pt"}, timeout=60)


def status(service: Started, job: str) -> dict[str, Any]:
    answer = service.http.get(f"{service.url}/api/v1/jobs/{job}/status")
    assert answer.status_code in (200, 503, 507), answer.text
    return answer.json() if answer.status_code == 200 else {"status": "unknown"}


def until(service: Started, job: str, wanted: set[str], seconds: float) -> str:
    """Wait for one of these states."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if (found := status(service, job)["status"]) in wanted:
            return found
        time.sleep(0.3)
    raise AssertionError(f"not {wanted} after {seconds} s but {status(service, job)}")


def test_a_full_disk_is_told_and_lived_through(small_disk: Path, tmp_path: Path) -> None:
    environment = slow_stand_ins.installed(tmp_path / "plug-in", pause=0.3)
    film, other = film_of(tmp_path, 200), film_of(tmp_path, 240)
    with started(small_disk / "home", environment) as service:
        job = hand_in(service, film).json()["id"]
        until(service, job, {"running"}, 60)
        fill(small_disk / "filler")
        refused = hand_in(service, other)
        assert refused.status_code == 507, refused.text
        assert refused.headers["content-type"].startswith("application/problem+json")
        assert "room" in refused.json()["detail"] or "full" in refused.json()["detail"]
        assert str(small_disk) not in refused.text
        incoming = small_disk / "home" / "incoming"
        assert not incoming.is_dir() or [*incoming.iterdir()] == []
        # It is at work in the meantime, and can keep nothing.
        time.sleep(8)
        assert status(service, job)["status"] in ("running", "queued", "unknown")
        (small_disk / "filler").unlink()
        assert until(service, job, {"completed", "failed"}, 180) == "completed"
        again = hand_in(service, other)
        assert again.status_code == 202, again.text
        assert until(service, again.json()["id"], {"completed", "failed"}, 120) == "completed"

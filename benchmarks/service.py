"""How fast the service answers while it works: 200 people watch, 20 hand in a film at once, and a film is being dubbed.

    python benchmarks/service.py [--fleet] [--readers 200] [--uploads 20] [--seconds 30]

A server with its defaults is started on this machine, and `--fleet` starts it on PostgreSQL, Redis and an S3 server instead. Each
reader asks for the status of a job once a second over a connection of its own, as the client does; then all ask again as soon as
they are answered, for the most that there is. Everything, the readers too, shares the same cores. The plain baseline in the same
run is ``/api/v1/languages`` with nobody else about. Writes ``benchmarks/service.json``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np

ROOT = Path(__file__).resolve().parents[1]
KEPT = Path(__file__).with_suffix(".json")
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from started_service import Started, fleet, started  # noqa: E402

from data.samples import built  # noqa: E402

PAUSE = 1.0
"""Seconds between two questions of one reader."""


class Reader:
    """Asks for one address again and again over one connection; seconds that each answer took."""

    def __init__(self, port: int, path: str) -> None:
        self.port, self.path = port, path
        self.seconds: list[float] = []
        self.failed = 0

    async def read(self, until: float, pause: float, first: float = 0.0) -> None:
        """Ask until a time by the monotonic clock."""
        await asyncio.sleep(first)
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        request = f"GET {self.path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n\r\n".encode()
        while time.monotonic() < until:
            begun = time.monotonic()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(length)
            self.seconds.append(time.monotonic() - begun)
            self.failed += not head.startswith(b"HTTP/1.1 200")
            await asyncio.sleep(pause and max(0.0, pause - (time.monotonic() - begun)))
        writer.close()


async def read(port: int, path: str, readers: int, seconds: float, pause: float) -> dict[str, float]:
    """What many readers had to wait, in milliseconds."""
    until = time.monotonic() + seconds
    many = [Reader(port, path) for _ in range(readers)]
    await asyncio.gather(*(one.read(until, pause, pause * n / readers) for n, one in enumerate(many)))
    took = np.array([second for one in many for second in one.seconds]) * 1000
    p50, p95, p99 = np.percentile(took, [50, 95, 99])
    return {
        "answers": len(took),
        "failed": sum(one.failed for one in many),
        "per_second": round(len(took) / seconds, 1),
        "p50_ms": round(p50, 1),
        "p95_ms": round(p95, 1),
        "p99_ms": round(p99, 1),
        "max_ms": round(took.max(), 1),
    }


async def upload(url: str, film: Path, number: int) -> tuple[str, float]:
    """Hand in a film; the job and the seconds that it took."""
    begun = time.monotonic()
    async with httpx.AsyncClient(timeout=120) as client:
        with film.open("rb") as stream:
            answer = await client.post(
                f"{url}/api/v1/upload",
                files={"file": (f"film {number}.mp4", stream, "video/mp4")},
                data={"target_language": "pt"},
            )
    answer.raise_for_status()
    return answer.json()["id"], time.monotonic() - begun


async def busy(service: Started, readers: int, uploads: int, seconds: float) -> dict[str, Any]:
    """Readers and uploads while the service dubs."""
    alone = await read(service.port, "/api/v1/languages", 1, 5, 0.0)
    dubbed, _ = await upload(service.url, built("dialogue-en").video, 0)
    path = f"/api/v1/jobs/{dubbed}/status"
    async with httpx.AsyncClient(timeout=30) as client:
        while (await client.get(service.url + path)).json()["status"] == "queued":
            await asyncio.sleep(0.2)

    async def hand_in() -> list[tuple[str, float]]:
        # When the readers are all there.
        await asyncio.sleep(seconds / 3)
        film = built("talking-head").video
        return await asyncio.gather(*(upload(service.url, film, n) for n in range(1, uploads + 1)))

    watched, handed_in = await asyncio.gather(read(service.port, path, readers, seconds, PAUSE), hand_in())
    most = await read(service.port, path, readers, seconds / 3, 0.0)
    jobs = [dubbed, *(job for job, _ in handed_in)]
    async with httpx.AsyncClient(timeout=30) as client:
        while True:
            found = [(await client.get(f"{service.url}/api/v1/jobs/{job}/status")).json() for job in jobs]
            if all(one["status"] in ("completed", "failed", "cancelled") for one in found):
                break
            await asyncio.sleep(2)
    return {
        "alone": alone,
        "once a second": watched,
        "as fast as they can": most,
        "uploads": {
            "handed_in": len(set(jobs)) - 1,
            "completed": sum(one["status"] == "completed" for one in found[1:]),
            "slowest_s": round(max(took for _, took in handed_in), 2),
        },
        "dub_completed": found[0]["status"] == "completed",
    }


@contextmanager
def running(kind: str, home: Path) -> Iterator[Started]:
    """A service of that kind."""
    if kind == "fleet":
        with fleet(home, workers=1) as (service, _):
            yield service
    else:
        with started(home) as service:
            yield service


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fleet", action="store_true", help="on PostgreSQL, Redis and an S3 server")
    parser.add_argument("--readers", type=int, default=200)
    parser.add_argument("--uploads", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=30.0)
    given = parser.parse_args()
    kind = "fleet" if given.fleet else "one machine"
    with tempfile.TemporaryDirectory(prefix="dubkit-") as folder, running(kind, Path(folder)) as service:
        found = asyncio.run(busy(service, given.readers, given.uploads, given.seconds))
    measured = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    measured[kind] = found | {"readers": given.readers, "cores": os.cpu_count(), "machine": platform.machine()}
    KEPT.write_text(json.dumps(measured, indent=1) + "\n")
    print(json.dumps(measured[kind], indent=1))


if __name__ == "__main__":
    main()

"""How fast the service answers while it works: 200 people watch, 20 hand in a film at once, and a film is being dubbed.

    python benchmarks/service.py [--fleet] [--readers 200] [--uploads 20] [--pages 40] [--seconds 30]

A server with its defaults is started on this machine; `--fleet` starts it on PostgreSQL, Redis and an S3 server. While a film
of 82 s is dubbed for the first time, each reader asks for its status once a second over a connection of its own; then all
readers ask again as soon as they are answered, for the most that there is; then as many watch it over WebSockets; then pages
are open on it, which draw it anew every second. Films are handed in by a process of its own. All of it shares the same cores.
The baseline in the same run is ``/api/v1/languages`` with nobody else about. Writes ``benchmarks/service.json``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from websockets.asyncio.client import connect

ROOT = Path(__file__).resolve().parents[1]
KEPT = Path(__file__).with_suffix(".json")
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from started_service import Started, fleet, started  # noqa: E402

from data.samples import built  # noqa: E402

PAUSE = 1.0
"""Seconds between two questions of one reader, or of one page."""
FILM = built("dialogue-en").video


class Reader:
    """Sends the same request again and again over one connection.

    Parameters
    ----------
    port : int
    request : bytes
    """

    def __init__(self, port: int, request: bytes) -> None:
        self.port, self.request = port, request
        self.took: list[tuple[float, float]] = []
        self.failed = 0

    async def read(self, until: float, pause: float, first: float = 0.0) -> None:
        """Ask until a time by the monotonic clock; notes when each question was asked, and the seconds to its answer."""
        await asyncio.sleep(first)
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        while (begun := time.monotonic()) < until:
            writer.write(self.request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(length)
            self.took.append((begun, time.monotonic() - begun))
            self.failed += not head.startswith(b"HTTP/1.1 200")
            await asyncio.sleep(pause and max(0.0, pause - self.took[-1][1]))
        writer.close()


def get(port: int, path: str) -> bytes:
    """A request for a path."""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()


def drawing(service: Started, job: str) -> bytes:
    """What an open page asks every second: to be drawn anew."""
    config = httpx.get(f"{service.url}/config", timeout=30).json()
    tick = next(one for one in config["dependencies"] if any(event == "tick" for _, event in one["targets"]))
    body = json.dumps({"fn_index": tick["id"], "data": [f"?job={job}"], "session_hash": "benchmark"}).encode()
    head = (
        f"POST /gradio_api/run/predict HTTP/1.1\r\nHost: 127.0.0.1:{service.port}\r\nContent-Type: application/json\r\n"
    )
    return head.encode() + f"Content-Length: {len(body)}\r\n\r\n".encode() + body


def told(seconds: Sequence[float]) -> dict[str, float]:
    """Many durations in short, in milliseconds."""
    p50, p95, p99 = np.percentile(seconds, [50, 95, 99]) * 1000
    figures = {"p50_ms": p50, "p95_ms": p95, "p99_ms": p99, "max_ms": max(seconds) * 1000}
    return {"answers": len(seconds)} | {name: round(float(figure), 1) for name, figure in figures.items()}


async def read(port: int, request: bytes, readers: int, seconds: float, pause: float) -> tuple[dict[str, float], Any]:
    """What many readers had to wait, and each answer's beginning and duration."""
    until = time.monotonic() + seconds
    many = [Reader(port, request) for _ in range(readers)]
    await asyncio.gather(*(one.read(until, pause, pause * n / readers) for n, one in enumerate(many)))
    took = [answer for one in many for answer in one.took]
    figures = told([duration for _, duration in took])
    rate = round(len(took) / seconds, 1)
    return figures | {"failed": sum(one.failed for one in many), "per_second": rate}, took


async def watch(service: Started, job: str, watchers: int, seconds: float) -> dict[str, float]:
    """How long after it was written down an event came to each of many who watch."""
    late: list[float] = []

    async def one() -> None:
        url = f"ws://127.0.0.1:{service.port}/api/v1/jobs/{job}/progress?after=0"
        async with connect(url, proxy=None) as socket:
            begun = time.time()
            async for message in socket:
                at = datetime.fromisoformat(json.loads(message)["at"]).timestamp()
                # What happened before is no news.
                if at > begun:
                    late.append(time.time() - at)

    tasks = [asyncio.create_task(one()) for _ in range(watchers)]
    await asyncio.sleep(seconds)
    for task in tasks:
        task.cancel()
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    failed = sum(isinstance(end, Exception) for end in ends)
    return told(late or [0.0]) | {"failed": failed}


async def upload(client: httpx.AsyncClient, url: str, number: int) -> tuple[str, float, float]:
    """Hand in a film; the job, and when that began and ended."""
    begun = time.monotonic()
    with FILM.open("rb") as stream:
        form = {"files": {"file": (f"film {number}.mp4", stream, "video/mp4")}, "data": {"target_language": "pt"}}
        answer = await client.post(f"{url}/api/v1/upload", **form)  # type: ignore[arg-type]
    answer.raise_for_status()
    return answer.json()["id"], begun, time.monotonic()


def upload_all(url: str, numbers: Sequence[int], at: float) -> list[tuple[str, float, float]]:
    """Hand in films at once, at a time by the monotonic clock, which all processes share."""

    async def all_at_once() -> list[tuple[str, float, float]]:
        async with httpx.AsyncClient(timeout=120, limits=httpx.Limits(max_connections=len(numbers))) as client:
            await asyncio.sleep(max(0.0, at - time.monotonic()))
            return await asyncio.gather(*(upload(client, url, number) for number in numbers))

    return asyncio.run(all_at_once())


async def busy(service: Started, readers: int, uploads: int, pages: int, seconds: float) -> dict[str, Any]:
    """Readers, uploads, watchers and pages while the service dubs."""
    port, url = service.port, service.url
    alone, _ = await read(port, get(port, "/api/v1/languages"), 1, 5, 0.0)
    loop = asyncio.get_running_loop()
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as other:
        hand_in = partial(loop.run_in_executor, other, upload_all, url)
        [(dubbed, _, _)] = await hand_in([0], 0.0)
        path = f"/api/v1/jobs/{dubbed}/status"
        async with httpx.AsyncClient(timeout=30) as client:
            while (await client.get(url + path)).json()["status"] == "queued":
                await asyncio.sleep(0.2)
            coming = hand_in(range(1, uploads + 1), time.monotonic() + seconds / 3)
            watched, took = await read(port, get(port, path), readers, seconds, PAUSE)
            handed_in = await coming
            dubbing = {"once a second": (await client.get(url + path)).json()["status"] == "running"}
            most, _ = await read(port, get(port, path), readers, seconds / 3, 0.0)
            dubbing["as fast as they can"] = (await client.get(url + path)).json()["status"] == "running"
            over_sockets = await watch(service, dubbed, readers, seconds / 3)
            dubbing["over WebSockets"] = (await client.get(url + path)).json()["status"] == "running"
            open_pages, _ = await read(port, drawing(service, dubbed), pages, seconds / 3, PAUSE)
            dubbing["open pages"] = (await client.get(url + path)).json()["status"] == "running"
            jobs = [dubbed, *(job for job, _, _ in handed_in)]
            found = [await ended(client, url, job) for job in jobs]
    begun, end = min(one[1] for one in handed_in), max(one[2] for one in handed_in)
    return {
        "alone": alone,
        "once a second": watched,
        "once a second, while films come in": told(
            [lasted for at, lasted in took if begun <= at + lasted and at <= end]
        ),
        "over WebSockets": over_sockets,
        "open pages": open_pages | {"pages": pages},
        "as fast as they can": most,
        "uploads": {
            "handed_in": len(set(jobs)) - 1,
            "megabytes": round(uploads * FILM.stat().st_size / 1e6, 1),
            "completed": found[1:].count("completed"),
            "all_s": round(end - begun, 2),
        },
        "dub": found[0],
        "still_dubbing_after": dubbing,
    }


async def ended(client: httpx.AsyncClient, url: str, job: str) -> str:
    """What became of a job."""
    while True:
        status = str((await client.get(f"{url}/api/v1/jobs/{job}/status")).json()["status"])
        if status in ("completed", "failed", "cancelled"):
            return status
        await asyncio.sleep(1)


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
    parser.add_argument("--pages", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=30.0)
    given = parser.parse_args()
    kind = "fleet" if given.fleet else "one machine"
    with tempfile.TemporaryDirectory(prefix="dubkit-") as folder, running(kind, Path(folder)) as service:
        found = asyncio.run(busy(service, given.readers, given.uploads, given.pages, given.seconds))
    measured = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    measured[kind] = found | {"readers": given.readers, "cores": os.cpu_count(), "machine": platform.machine()}
    KEPT.write_text(json.dumps(measured, indent=1) + "\n")
    print(json.dumps(measured[kind], indent=1))


if __name__ == "__main__":
    main()

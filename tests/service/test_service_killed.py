"""A whole service whose parts are killed at random moments: every accepted job ends, once, with a dub or a reason.

The films are different ones, and the stand-ins take their time, so that there is always somebody at work. What they were asked
for is written down: nothing that was finished is done again.
"""

from __future__ import annotations

import collections
import contextlib
import random
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import pytest
import slow_stand_ins
from builders import silence, sine, sound
from films import make_film
from started_service import Parts, Started, fleet, started

from dubkit.database import Database
from dubkit.service.jobs.job import OVER
from dubkit.service.jobs.jobs import Jobs

KILLED = {
    "one machine": {"worker": 14, "server": 6},
    "fleet": {"worker": 9, "server": 4, "postgres": 3, "redis": 2, "s3": 2},
}
"""What is killed how often: twenty times in all."""
FILMS = 6
LEASE = 3
"""Seconds: short, so that the test is."""


def films(folder: Path) -> list[Path]:
    """Films of twelve seconds, no two alike."""
    made = []
    for n in range(FILMS):
        tones = [sine(1.5, hz=180 + 7 * n + 300 * (k % 2)) for k in range(6)]
        heard = sound(folder / f"{n}.flac", np.concatenate([part for tone in tones for part in (silence(0.5), tone)]))
        made.append(make_film(folder / f"film-{n}.mp4", seconds=12, fps=5, size="64x48", sound=heard.path))
    return made


def insist(service: Started, send: str, path: str, **what: Any) -> httpx.Response:
    """Ask until the server is there and answers; a film is sent under one key, so that it is taken once."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with contextlib.suppress(httpx.TransportError):
            answer = service.http.request(send, f"{service.url}/api/v1{path}", **what)
            if answer.status_code not in (500, 502, 503, 504):
                return answer
        time.sleep(0.2)
    raise AssertionError(f"{path} is not answered")


def submit(service: Started, film: Path) -> str:
    """Hand a film in; the job's id."""
    answer = insist(
        service,
        "POST",
        "/upload",
        files={"file": (film.name, film.read_bytes(), "video/mp4")},
        data={"target_language": "pt"},
        headers={"Idempotency-Key": film.stem},
    )
    assert answer.status_code in (200, 202), answer.text
    return str(answer.json()["id"])


def ended(service: Started, seconds: float) -> dict[str, dict[str, Any]]:
    """What became of all jobs, once they are over."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = {one["id"]: one for one in insist(service, "GET", "/jobs").json()["jobs"]}
        if all(one["status"] in OVER for one in found.values()):
            return found
        time.sleep(0.5)
    raise AssertionError(f"not over after {seconds} s: {[one['status'] for one in found.values()]}")


def work(plug_in: Path, seconds: float = 10.0) -> None:
    """Wait until somebody begins something, where anybody does: killing those who merely start shows little."""
    begun, until = len(slow_stand_ins.noted(plug_in)), time.monotonic() + seconds
    while len(slow_stand_ins.noted(plug_in)) == begun and time.monotonic() < until:
        time.sleep(0.05)


def disturb(
    service: Started, parts: Parts | None, kills: Mapping[str, int], luck: random.Random, plug_in: Path
) -> None:
    """Kill workers and servers, and stop what they stand on, at random moments, most of them while films are dubbed."""
    waiting = [what for what, times in kills.items() for _ in range(times)]
    luck.shuffle(waiting)
    while waiting:
        if luck.random() < 0.75:
            work(plug_in)
        time.sleep(luck.uniform(0.0, 1.0))
        what = waiting.pop()
        if what == "worker":
            # Where none is there just now, its turn comes later.
            if not service.kill_worker(luck.randrange(100)):
                waiting.insert(luck.randint(0, len(waiting)), what)
                continue
        elif what == "server":
            service.kill_server()
        else:
            part = getattr(parts, what)
            part.stop()
            time.sleep(luck.uniform(0.1, 1.5))
            part.start()
        service.start()


@contextlib.contextmanager
def service_of(kind: str, home: Path, environment: dict[str, str]) -> Iterator[tuple[Started, Parts | None]]:
    settings = {"DUBKIT_LEASE_SECONDS": str(LEASE), "DUBKIT_ATTEMPTS": "40"}
    if kind == "one machine":
        with started(home, environment, DUBKIT_WORKERS="2", **settings) as service:
            yield service, None
    else:
        with fleet(home, environment, **settings) as (service, parts):
            yield service, parts


@pytest.mark.parametrize("kind", KILLED)
def test_every_job_ends_once_whatever_is_killed(kind: str, tmp_path: Path) -> None:
    environment = slow_stand_ins.installed(tmp_path / "plug-in", pause=0.25)
    luck = random.Random(7)
    with service_of(kind, tmp_path / "home", environment) as (service, parts):
        jobs = [submit(service, film) for film in films(tmp_path)]
        # The answer may have been lost with the server: the same film again is the same job.
        assert submit(service, tmp_path / "film-0.mp4") == jobs[0]
        assert len(set(jobs)) == FILMS
        disturb(service, parts, KILLED[kind], luck, tmp_path / "plug-in")
        found = ended(service, 240)
        assert {one["status"] for one in found.values()} == {"completed"}, [one.get("error") for one in found.values()]
        assert found.keys() == set(jobs)
        for job in jobs:
            watch(service, job, tmp_path)
            assert endings(service, job) == ["completed"]
    asked = collections.Counter((task, item) for task, _, item in slow_stand_ins.noted(tmp_path / "plug-in"))
    again = sum(times - 1 for times in asked.values())
    # What was in a worker's hands when it was killed, and no more: a stage that is done in one piece counts its items.
    assert again <= 12 * sum(KILLED[kind].values()), asked.most_common(5)


def watch(service: Started, job: str, folder: Path) -> None:
    """The dub is there, and whole."""
    film = folder / "dub.mp4"
    answer = insist(service, "GET", f"/jobs/{job}/download?file=video")
    assert answer.status_code == 200, answer.text
    film.write_bytes(answer.content)
    with av.open(str(film)) as container:
        assert abs(container.duration / 1e6 - 12.0) < 0.2
        assert sum(1 for _ in container.decode(video=0)) == 60


def endings(service: Started, job: str) -> list[str]:
    """Every end that was ever told of a job."""
    place = service.environment.get("DUBKIT_DATABASE") or str(service.home / "service.sqlite")
    database = Database(place, "job database", "")
    told = [event.data.get("status") for event in Jobs(database).events(job) if event.kind == "status"]
    database.engine.dispose()
    return [status for status in told if status in OVER]

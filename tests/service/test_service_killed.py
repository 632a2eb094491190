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
    "one machine": {"worker": 12, "server": 8},
    "fleet": {"worker": 8, "server": 5, "postgres": 3, "redis": 2, "s3": 2},
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


def insist(url: str, send: str, **what: object) -> httpx.Response:
    """Ask until the server is there and answers; a film is sent under one key, so that it is taken once."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with contextlib.suppress(httpx.TransportError):
            answer = httpx.request(send, url, timeout=20, **what)  # type: ignore[arg-type]
            if answer.status_code not in (500, 502, 503, 504):
                return answer
        time.sleep(0.2)
    raise AssertionError(f"{url} does not answer")


def submit(service: Started, film: Path) -> str:
    """Hand a film in; the job's id."""
    answer = insist(
        f"{service.url}/api/v1/upload",
        "POST",
        files={"file": (film.name, film.read_bytes(), "video/mp4")},
        data={"target_language": "pt"},
        headers={"Idempotency-Key": film.stem},
    )
    assert answer.status_code in (200, 202), answer.text
    return str(answer.json()["id"])


def status(service: Started, job: str) -> dict:
    return insist(f"{service.url}/api/v1/jobs/{job}/status", "GET").json()


def ended(service: Started, jobs: list[str], seconds: float) -> dict[str, dict]:
    """What became of the jobs, once all are over."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = {job: status(service, job) for job in jobs}
        if all(one["status"] in ("completed", "failed", "cancelled") for one in found.values()):
            return found
        time.sleep(0.5)
    raise AssertionError(f"not over after {seconds} s: {[one['status'] for one in found.values()]}")


def disturb(service: Started, parts: Parts | None, kills: Mapping[str, int], luck: random.Random) -> None:
    """Kill workers and servers, and stop what they stand on, at random moments."""
    waiting = [what for what, times in kills.items() for _ in range(times)]
    luck.shuffle(waiting)
    while waiting:
        time.sleep(luck.uniform(0.3, 1.6))
        what = waiting[-1]
        if what == "worker":
            if not service.kill_worker(luck.randrange(100)):
                continue
        elif what == "server":
            service.kill_server()
        else:
            part = getattr(parts, what)
            part.stop()
            time.sleep(luck.uniform(0.1, 1.5))
            part.start()
        waiting.pop()
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
        disturb(service, parts, KILLED[kind], luck)
        found = ended(service, jobs, 240)
        assert {one["status"] for one in found.values()} == {"completed"}, [one.get("error") for one in found.values()]
        listed = insist(f"{service.url}/api/v1/jobs", "GET").json()
        assert {one["id"] for one in listed["jobs"]} == set(jobs)
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
    url = f"{service.url}/api/v1/jobs/{job}/download?file=video"
    answer = httpx.get(url, follow_redirects=True, timeout=30)
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

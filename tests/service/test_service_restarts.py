"""A fleet whose parts are started again while films come in and people watch, and one with two servers.

Clients that ask again where the service is away, as ours does, see no error; nor does an open page.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import numpy as np
import pytest
import slow_stand_ins
from builders import silence, sine, sound
from films import make_film
from started_service import Parts, Started, beside, fleet

from dubkit.database import Database
from dubkit.progress import Event
from dubkit.service.client.client import Client
from dubkit.service.jobs.job import OVER
from dubkit.service.jobs.jobs import Jobs
from dubkit.service.workers.dramatiq import Queue

FILMS = 4


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Started, Parts]]:
    folder = tmp_path_factory.mktemp("restarts")
    environment = slow_stand_ins.installed(folder / "plug-in", pause=0.2)
    with fleet(folder / "home", environment, workers=1, DUBKIT_LEASE_SECONDS="3") as found:
        yield found


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """No two alike."""
    folder, made = tmp_path_factory.mktemp("films"), []
    for n in range(FILMS):
        parts = [part for k in range(4) for part in (silence(0.5), sine(1.5, hz=200 + 9 * n + 300 * (k % 2)))]
        heard = sound(folder / f"{n}.flac", np.concatenate(parts))
        made.append(make_film(folder / f"film-{n}.mp4", seconds=8, fps=5, size="64x48", sound=heard.path))
    return made


class Page(threading.Thread):
    """An open page: asks to be drawn anew, and notes every answer's status."""

    def __init__(self, service: Started, job: str) -> None:
        super().__init__(daemon=True)
        config = httpx.get(f"{service.url}/config", timeout=30).json()
        tick = next(one["id"] for one in config["dependencies"] if any(event == "tick" for _, event in one["targets"]))
        self.asked = {"fn_index": tick, "data": [f"?job={job}"], "session_hash": "open"}
        self.url, self.statuses, self.over = service.url, list[int](), threading.Event()

    def run(self) -> None:
        with httpx.Client(timeout=30) as client:
            while not self.over.is_set():
                self.statuses.append(client.post(f"{self.url}/gradio_api/run/predict", json=self.asked).status_code)
                self.over.wait(0.3)


def dub(service: Started, film: Path) -> tuple[str, str, list[Event]]:
    """Hand a film in and wait for its dub, as a program does: the job, how it ended, and what was told of it."""
    events: list[Event] = []
    with Client(service.url) as client:
        job = client.submit(film, "pt")["id"]
        return job, client.wait(job, events.append)["status"], events


def ends(service: Started, job: str) -> list[str]:
    """Every end that was told of a job; its events' numbers have no gaps."""
    database = Database(service.environment["DUBKIT_DATABASE"], "job database", "")
    events = Jobs(database).events(job, limit=10_000)
    database.engine.dispose()
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    return [event.data["status"] for event in events if event.kind == "status" and event.data["status"] in OVER]


def test_nobody_sees_an_error_while_the_parts_start_again(
    running: tuple[Started, Parts], films: list[Path], tmp_path: Path
) -> None:
    service, parts = running
    with Client(service.url) as client:
        watched = client.submit(films[0], "es")["id"]
    page = Page(service, watched)
    page.start()
    with ThreadPoolExecutor(FILMS) as people:
        dubs = [people.submit(dub, service, film) for film in films]
        for part in (parts.redis, parts.postgres, parts.s3) * 2:
            time.sleep(0.5)
            part.stop()
            time.sleep(0.5)
            part.start()
        found = [one.result() for one in dubs]
    page.over.set()
    page.join()
    assert [status for _, status, _ in found] == ["completed"] * FILMS
    assert len({job for job, _, _ in found}) == FILMS
    assert len(page.statuses) > 5 and set(page.statuses) == {200}
    for job, _, events in found:
        assert ends(service, job) == ["completed"]
        told = [event.stage for event in events if event.status in ("done", "reused")]
        assert len(told) == len(set(told)) == 11
        with Client(service.url) as client:
            assert len(client.fetch(job, tmp_path / job)) > 5


def test_two_servers_on_one_database_are_one_service(
    running: tuple[Started, Parts], films: list[Path], tmp_path: Path
) -> None:
    service, parts = running
    with (
        beside(service, tmp_path / "other") as other,
        Client(service.url) as here,
        Client(other.url) as there,
        ThreadPoolExecutor(FILMS) as people,
    ):
        jobs = [client.submit(film, "es")["id"] for client, film in zip((here, there) * 2, films, strict=True)]
        queue = Queue(parts.redis.url)
        for job in jobs * 3:
            queue.send(job)
        queue.close()
        time.sleep(1.0)
        # Both servers look after jobs whose worker fell silent, and tell the queue of those that wait.
        service.kill_worker(0)
        service.start()
        done = people.map(lambda job: there.wait(job)["status"], jobs)
        assert [*done] == ["completed"] * FILMS
        assert {one["id"] for one in here.jobs()} == {one["id"] for one in there.jobs()} >= set(jobs)
        for job in jobs:
            assert ends(service, job) == ["completed"]
            assert here.fetch(job, tmp_path / "here", ["video"]) and there.fetch(job, tmp_path / "there", ["video"])

"""A service's parts without its server, for tests of what workers do: database, storage, jobs of small films."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from dubkit.database import Database
from dubkit.progress import Event
from dubkit.service.config import Config
from dubkit.service.jobs.claims import Claims
from dubkit.service.jobs.job import Film, Job, NewJob, Output
from dubkit.service.jobs.jobs import Jobs
from dubkit.service.jobs.tables import upgrade
from dubkit.service.storage import Storage, storage
from dubkit.service.workers.execute import execute

OWNER = "ana"


class Desk:
    """A service that is configured, with nobody at work."""

    def __init__(self, home: Path, **changed: Any) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.config = Config.at(home, **changed)
        self.database = Database(self.config.database, "job database", "the test goes on", 4)
        upgrade(self.database)
        self.jobs, self.claims = Jobs(self.database), Claims(self.database, self.config.attempts)
        self.storage: Storage = storage(self.config.storage)
        self._films = 0

    def add(self, film: Path, target: str = "pt", length: float = 6.0, name: str = "", **what: Any) -> Job:
        """A job for a film, which is put into the storage."""
        self._films += 1
        place = f"films/{self._films}/film{film.suffix}"
        self.storage.upload(film, place)
        handed_in = Film(name or film.name, place, film.stat().st_size, length)
        return self.jobs.add(NewJob(OWNER, handed_in, target, **what))[0]

    def preview(self, job: Job, start: float, duration: float) -> Job:
        """A preview job of a job's film, with its corrections."""
        what = {"kind": "preview", "parent": job.id, "start": start, "duration": duration, "edits": job.edits}
        return self.jobs.add(NewJob(OWNER, job.film, job.target, job.asked, **what))[0]

    def work(self, id: str = "", ending: threading.Event | None = None, place: Storage | None = None) -> Job:
        """Do a job that is due, in this process; the job as it is then."""
        claim = self.claims.take(id, "here", 20.0) if id else self.claims.next("here", 20.0)
        assert claim is not None
        execute(claim, self.claims, self.config, place or self.storage, ending)
        return self.jobs.find(claim.job.id)

    def service(self, **more: Any) -> Any:
        """What the supervisor of workers needs of a service."""
        uploads = SimpleNamespace(expire=lambda: 0)
        parts = {name: getattr(self, name) for name in ("config", "database", "jobs", "claims", "storage")}
        return SimpleNamespace(**{"queue": None, "uploads": uploads, **parts, **more})

    def read(self, output: Output) -> bytes:
        """A published file."""
        with self.storage.local(output.place) as path:
            return path.read_bytes()

    def stages(self, job: Job) -> dict[str, str]:
        """How far each stage is."""
        return {row.stage: row.status for row in self.jobs.stages(job.id)}

    def told(self, job: Job) -> list[Event]:
        """What the job's stages told, in order; the events' numbers have no gaps."""
        events = self.jobs.events(job.id, limit=10_000)
        assert [event.sequence for event in events] == list(range(1, len(events) + 1))
        return [Event(**event.data) for event in events if event.kind == "stage"]

    def until(self, job: Job, *statuses: str, seconds: float = 60.0) -> Job:
        """Wait until the job is in one of the states."""
        wait_for(lambda: self.jobs.find(job.id).status in statuses, seconds)
        return self.jobs.find(job.id)


def wait_for(true: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait until it is true."""
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it did not come"
        time.sleep(0.02)


def kinds(outputs: Iterable[Output]) -> list[tuple[str, str]]:
    """What there is: kind and name in the storage."""
    return sorted((output.kind, Path(output.place).name) for output in outputs)

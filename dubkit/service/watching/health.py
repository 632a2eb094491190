"""Whether a service can work: database, queue, storage, disk, and what its workers last told."""

from __future__ import annotations

import functools
import queue
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.errors import BadInput, DubkitError, MissingModel, OutOfSpace, listed
from dubkit.record import Seconds
from dubkit.service.folder import Folder

if TYPE_CHECKING:
    from dubkit.service.service import Service

PATIENCE: Seconds = 2.0
"""How long a part may take to answer."""

FRESH: Seconds = 1.0
"""For how long an answer is given again, so that asking often costs nothing."""

NEEDED = ("database", "storage", "disk")
"""Parts without which no film can be taken; the queue, workers and models may come later."""


@dataclass(frozen=True)
class Part:
    """One part: whether it works, what there is to say of it, and how long it took to answer, in seconds."""

    ok: bool
    detail: str
    seconds: Seconds


@dataclass(frozen=True)
class Health:
    """How a service is.

    Parameters
    ----------
    ok : bool
        Whether it can take films and answer.
    parts : dict of str to Part
        By name: ``database``, ``queue``, ``storage``, ``disk``, ``workers`` and ``models``.
    """

    ok: bool
    parts: Mapping[str, Part]


def check(service: Service) -> Health:
    """Look at every part at the same time; answers within about two seconds, whatever hangs."""
    return _checkup(service)()


@functools.lru_cache(maxsize=4)
def _checkup(service: Service) -> _Checkup:
    return _Checkup(service)


class _Checkup:
    """One look at a time, however many ask."""

    def __init__(self, service: Service) -> None:
        self._looks: dict[str, Callable[[], str]] = {
            "database": lambda: database(service),
            "queue": lambda: waiting(service),
            "storage": lambda: storage(service),
            "disk": lambda: disk(service),
            "workers": lambda: workers(service),
            "models": lambda: models(service),
        }
        self._turn = threading.Lock()
        self._latest: tuple[float, Health] | None = None

    def __call__(self) -> Health:
        with self._turn:
            if self._latest is None or time.monotonic() > self._latest[0] + FRESH:
                parts = _together(self._looks)
                self._latest = time.monotonic(), Health(all(parts[name].ok for name in NEEDED), parts)
            return self._latest[1]


def _together(looks: Mapping[str, Callable[[], str]]) -> dict[str, Part]:
    told: queue.SimpleQueue[tuple[str, Part]] = queue.SimpleQueue()

    def look(name: str) -> None:
        begun, ok = time.monotonic(), True
        try:
            detail = looks[name]()
        except DubkitError as error:
            ok, detail = False, str(error)
        # Whatever is wrong with a part is what was asked for; the text may hold an address with its password.
        except Exception as error:
            ok, detail = False, type(error).__name__
        told.put((name, Part(ok, detail, round(time.monotonic() - begun, 3))))

    # Not a pool's, which would be waited for when the server ends.
    for name in looks:
        threading.Thread(target=look, args=(name,), name=f"health-{name}", daemon=True).start()
    found: dict[str, Part] = {}
    until = time.monotonic() + PATIENCE
    while len(found) < len(looks) and (left := until - time.monotonic()) > 0:
        try:
            name, part = told.get(timeout=left)
        except queue.Empty:
            break
        found[name] = part
    silent = Part(False, f"It has not answered for {PATIENCE:.0f} seconds.", PATIENCE)
    return {name: found.get(name, silent) for name in looks}


def database(service: Service) -> str:
    """Whether the job database answers."""

    def ask() -> None:
        with service.database.engine.connect() as connection:
            connection.exec_driver_sql("SELECT 1")

    service.database.patiently(ask, patience=0.0)
    return str(service.database)


def waiting(service: Service) -> str:
    """Whether jobs get to workers: through Redis, or the database alone."""
    if service.config.queue:
        import redis

        with redis.from_url(service.config.queue, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE) as client:
            try:
                client.ping()
            except redis.RedisError as error:
                raise BadInput(f"Redis does not answer ({type(error).__name__}).") from error
    return f"{service.jobs.counts().waiting} waiting"


def storage(service: Service) -> str:
    """Whether files can be written and read."""
    service.storage.check()
    return "It can be written and read."


def disk(service: Service) -> str:
    """Whether the disks have room for one more film of the largest kind."""
    config = service.config
    folders = [config.home, config.store, *([service.storage.root] if isinstance(service.storage, Folder) else [])]
    free = min(_free(folder) for folder in folders)
    if free < config.max_bytes:
        raise OutOfSpace(f"{free / 1e6:.0f} MB are free, and a film may have {config.max_bytes / 1e6:.0f} MB.")
    return f"{free / 1e9:.1f} GB are free."


def _free(folder: Path) -> int:
    # Before the first job there may be no such folder yet.
    there = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.is_dir())
    return shutil.disk_usage(there).free


def workers(service: Service) -> str:
    """Whether anybody does jobs."""
    found = service.claims.workers()
    if not found:
        raise BadInput("No worker has been heard of lately: jobs wait.")
    return f"{len(found)} there, {service.jobs.counts().active} at work"


def models(service: Service) -> str:
    """Whether workers have the models that they need, as they said when they began."""
    told = [worker.report["models"] for worker in service.claims.workers() if "models" in worker.report]
    if not told:
        raise BadInput("No worker has told yet which models it has.")
    if missing := sorted({name for models in told for name, is_here in models.items() if not is_here}):
        raise MissingModel(f"Missing: {listed(missing)}. Bring them with: dubkit models --fetch")
    return f"{len({name for models in told for name in models})} there"

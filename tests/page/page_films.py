"""Films of a service in every state that the page can show, made as workers make them, but without models."""

from __future__ import annotations

import contextlib
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import uvicorn

from dubkit.page import mounted
from dubkit.page.samples import Sample
from dubkit.progress import Event
from dubkit.run import PIPELINE
from dubkit.service.api import create_app
from dubkit.service.config import Config
from dubkit.service.jobs.job import LOCAL, Claim, Film, Job, NewJob, Output
from dubkit.service.jobs.pairs import Pair
from dubkit.service.jobs.tables import languages as language_rows
from dubkit.service.service import Service

STAGES = [step.name for step in PIPELINE]
PAIRS = (
    Pair("en", "English", "pt", "Portuguese", "good", "en > pt", "5 female, 5 male"),
    Pair("en", "English", "es", "Spanish", "draft", "en > pt > es", "5 female, 5 male"),
    Pair("pt", "Portuguese", "en", "English", "good", "pt > en", "15 female, 13 male"),
    Pair("pt", "Portuguese", "es", "Spanish", "fair", "pt > es", "5 female, 5 male"),
    Pair("es", "Spanish", "pt", "Portuguese", "fair", "es > pt", "5 female, 5 male"),
    Pair("es", "Spanish", "en", "English", "fair", "es > pt > en", "15 female, 13 male"),
)


def opened(home: Path, pairs: tuple[Pair, ...] = PAIRS, **changed: object) -> Service:
    """A service of its own, that knows these pairs of languages and has no workers."""
    service = Service(Config.at(home, **changed))
    if pairs:
        rows = [{**asdict(pair), "profile": ""} for pair in pairs]
        service.database.write(lambda connection: connection.execute(language_rows.insert(), rows))
    return service


def handed_in(service: Service, name: str = "holiday.mp4", owner: str = LOCAL, **changed: object) -> Job:
    """A job that waits; its film is a few bytes."""
    place = f"films/{secrets.token_urlsafe(16)}/film"
    film = service.config.home / "film"
    film.write_bytes(b"no film")
    service.storage.upload(film, place)
    wanted = {"owner": owner, "film": Film(name, place, 7, 82.0), "target": "pt", "source": "en", **changed}
    return service.jobs.add(NewJob(**wanted))[0]  # type: ignore[arg-type]


def running(service: Service, until: str = "translate", done: int = 12, total: int = 23, **changed: object) -> Claim:
    """A job at work in a stage."""
    job = handed_in(service, **changed)  # type: ignore[arg-type]
    claim = service.claims.take(job.id, "worker", 3600.0)
    assert claim is not None
    number = STAGES.index(until)
    events = []
    for position, stage in enumerate(STAGES[:number]):
        how = "reused" if position == 1 else "done"
        events += [Event(stage, "started"), Event(stage, how, seconds=2.5 * position)]
    events += [Event(until, "started"), Event(until, "progress", done, total, seconds=7.0)]
    service.claims.tell(claim, events)
    return claim


def failed(service: Service, error: str, error_type: str = "BadInput", **changed: object) -> Job:
    """A job that ended with an error."""
    claim = running(service, "transcribe", 0, 0, **changed)
    service.claims.fail(claim, error_type, error, None)
    return service.jobs.find(claim.job.id)


def cancelled(service: Service, **changed: object) -> Job:
    """A job that was stopped."""
    claim = running(service, **changed)  # type: ignore[arg-type]
    service.jobs.cancel(claim.job.id, None)
    service.claims.cancelled(claim)
    return service.jobs.find(claim.job.id)


def completed(service: Service, poster: bytes = b"", **changed: object) -> Job:
    """A job that is done, with a poster where one is given, and no lines: there is nothing to edit."""
    claim = running(service, "combine", **changed)  # type: ignore[arg-type]
    outputs = []
    if poster:
        picture = service.config.home / "poster.jpg"
        picture.write_bytes(poster)
        service.storage.upload(picture, f"dubs/{claim.job.id}/0-1/poster.jpg")
        outputs.append(
            Output("poster", "holiday.jpg", f"dubs/{claim.job.id}/0-1/poster.jpg", len(poster), "image/jpeg")
        )
    service.claims.tell(claim, [Event("combine", "done", seconds=4.0)])
    service.claims.finish(claim, outputs, {"lines": 23}, "en")
    return service.jobs.find(claim.job.id)


@contextlib.contextmanager
def served(service: Service, samples: tuple[Sample, ...] = ()) -> Iterator[str]:
    """The page and the API at an address of this machine."""
    address = socket.socket()
    address.bind(("127.0.0.1", 0))
    app = mounted(create_app(service), service, samples)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [address]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{address.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)
        address.close()

"""A whole service used as a program uses it, on one machine's defaults and on PostgreSQL, Redis and an S3 server alike."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
import slow_stand_ins
from builders import silence, sine, sound
from films import make_film
from started_service import SECRETS, Started, fleet, started

from dubkit.errors import BadInput
from dubkit.progress import Event
from dubkit.service.client.client import Client
from dubkit.service.storage import storage


@pytest.fixture(scope="module", params=["one machine", "fleet"])
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    folder = tmp_path_factory.mktemp("whole")
    environment = slow_stand_ins.installed(folder / "plug-in", pause=0.1)
    if request.param == "one machine":
        with started(folder / "home", environment) as running:
            yield running
    else:
        with fleet(folder / "home", environment, workers=1) as (running, _):
            yield running


@pytest.fixture
def client(service: Started) -> Iterator[Client]:
    with Client(service.url) as made:
        yield made


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Nine seconds: a low voice and a high one in turn."""
    parts = [part for k in range(5) for part in (silence(0.3), sine(1.5, hz=200 + 300 * (k % 2)))]
    heard = sound(tmp_path / "heard.flac", np.concatenate(parts))
    return make_film(tmp_path / "um café.mp4", seconds=9, fps=5, size="64x48", sound=heard.path)


def kept(service: Started, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of all files in the service's storage."""
    for name, value in {**SECRETS, "AWS_ENDPOINT_URL": service.environment.get("AWS_ENDPOINT_URL", "")}.items():
        if value:
            monkeypatch.setenv(name, value)
    place = service.environment.get("DUBKIT_STORAGE") or str(service.home / "files")
    return [stored.name for stored in storage(place).names() if not stored.name.startswith(".")]


def test_a_film_from_hand_in_to_removal(
    service: Started, client: Client, film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[Event] = []
    job = client.submit(str(film), "pt")
    done = client.wait(job["id"], events.append)
    assert (done["status"], done["percentage"]) == ("completed", 100.0)
    ended = [event.stage for event in events if event.status in ("done", "reused")]
    assert ended == [row["stage"] for row in done["stages"]] and len(ended) == 11

    files = client.fetch(job["id"], str(tmp_path / "first"))
    names = {path.name for path in files}
    assert {"um café.pt.mp4", "um café.pt.srt", "um café.pt.en.vtt", "um café.pt.m4a"} <= names
    with av.open(str(tmp_path / "first" / "um café.pt.mp4")) as container:
        assert container.duration / 1e6 == pytest.approx(9.0, abs=0.2)

    lines = client.lines(job["id"])
    first = lines["lines"][0]["id"]
    changed = client.change_lines(job["id"], {"lines": {first: {"text": "uma frase nova"}}}, lines["revision"])
    assert changed["lines"][0]["text"] == "uma frase nova"
    with pytest.raises(BadInput):
        client.change_lines(job["id"], {"lines": {first: {"text": "too late"}}}, lines["revision"])

    preview = client.preview(job["id"], 0.0, 3.0, tmp_path / "preview.mp4")
    with av.open(str(preview)) as container:
        assert container.duration / 1e6 >= 3.0

    client.redub(job["id"])
    assert client.wait(job["id"])["status"] == "completed"
    client.fetch(job["id"], tmp_path / "second", ["subtitles"])
    assert "uma frase nova" in (tmp_path / "second" / "um café.pt.srt").read_text(encoding="utf-8")
    assert "uma frase nova" not in (tmp_path / "first" / "um café.pt.srt").read_text(encoding="utf-8")

    assert kept(service, monkeypatch)
    client.delete(job["id"])
    assert client.jobs() == []
    assert kept(service, monkeypatch) == []
    with pytest.raises(BadInput, match="There is no job"):
        client.status(job["id"])


def test_a_job_that_is_cancelled_stops_within_seconds(service: Started, client: Client, film: Path) -> None:
    job = client.submit(film, "es")["id"]
    until = time.monotonic() + 60
    while client.status(job)["status"] != "running":
        assert time.monotonic() < until
        time.sleep(0.05)
    client.cancel(job)
    asked = time.monotonic()
    while client.status(job)["status"] == "running":
        assert time.monotonic() < asked + 20
        time.sleep(0.05)
    assert client.status(job)["status"] == "cancelled"
    # The worker goes on with what comes next.
    client.redub(job)
    assert client.wait(job)["status"] == "completed"
    client.delete(job)

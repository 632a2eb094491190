"""All that can be asked of a job, in every state that a job can be in: an answer or a reason, and never a fault."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from dubbed_films import dub_again, dubbed
from page_films import cancelled, completed, failed, handed_in, opened, running
from starlette.testclient import TestClient

from dubkit.page.editor import editor
from dubkit.service.api import create_app
from dubkit.service.jobs.job import LOCAL, Job
from dubkit.service.lines.line_changes import LineChanges
from dubkit.service.service import Service

CORRECTED = {"lines": {"u0001": {"text": "Olá."}}}


def edited(service: Service) -> Job:
    job = dubbed(service)
    service.change_lines(LOCAL, job.id, LineChanges.model_validate(CORRECTED), job.revision)
    return service.jobs.find(job.id)


def without_film(service: Service) -> Job:
    job = dubbed(service)
    service.storage.delete_all(str(Path(job.film.place).parent))
    service.jobs.forget_film(job.id)
    return service.jobs.find(job.id)


def without_dub(service: Service) -> Job:
    job = dubbed(service)
    service.jobs.forget_outputs(job.id)
    return service.jobs.find(job.id)


def without_files(service: Service) -> Job:
    """Somebody has emptied the storage."""
    job = dubbed(service)
    service.storage.delete_all("dubs")
    service.storage.delete_all("films")
    return job


def dubbed_again(service: Service) -> Job:
    """A redub is at work."""
    job = edited(service)
    service.again(LOCAL, job.id)
    assert service.claims.next("worker", 3600.0) is not None
    return service.jobs.find(job.id)


def with_preview_swept(service: Service) -> Job:
    job = edited(service)
    service.preview(LOCAL, job.id, 0.0, 2.0)
    service.jobs.forget_outputs(dub_again(service).id)
    return job


STATES: dict[str, Callable[[Service], Job]] = {
    "queued": handed_in,
    "running": lambda service: running(service).job,
    "cancelled": cancelled,
    "failed": lambda service: failed(service, "There is no speech."),
    "completed without lines": completed,
    "dubbed": dubbed,
    "edited": edited,
    "dubbed again": dubbed_again,
    "film gone": without_film,
    "dub gone": without_dub,
    "files gone": without_files,
    "preview swept": with_preview_swept,
}


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    made = opened(tmp_path / "home")
    yield made
    made.close()


@pytest.mark.parametrize("state", STATES)
def test_the_api_has_an_answer(service: Service, state: str) -> None:
    job = STATES[state](service)
    at, answers = f"/api/v1/jobs/{job.id}", {}
    with TestClient(create_app(service), base_url="http://127.0.0.1", raise_server_exceptions=False) as client:
        kinds = ("video", "audio", "srt", "vtt", "transcript", "timing", "poster", "zip")
        asked = ["", "/status", "/files", "/lines", "/preview?start_time=0&duration=2"]
        asked += [f"/download?file={kind}" for kind in kinds]
        for path in asked:
            answer = client.get(f"{at}{path}", follow_redirects=False)
            answers[path] = answer.status_code
            if answer.status_code == 307:
                answers[f"{path} followed"] = client.get(answer.headers["location"]).status_code
        tag = {"If-Match": f'"{job.revision}"'}
        answers["put"] = client.put(f"{at}/lines", json=CORRECTED, headers=tag).status_code
        for path in ("/redub", "/cancel"):
            answers[path] = client.post(f"{at}{path}").status_code
        running_still = service.jobs.find(job.id).status == "running"
        if not running_still:
            answers["delete"] = client.delete(at).status_code
            assert answers["delete"] == 204
            assert client.get(at).status_code == 404
    assert {code for code in answers.values() if code >= 500} == set(), answers
    assert answers["/status"] == 200


@pytest.mark.parametrize("state", STATES)
def test_the_editor_has_an_answer(service: Service, state: str) -> None:
    job = STATES[state](service)
    with gr.Blocks():
        opened_editor = editor.build(service, lambda request: LOCAL)
    asks: list[dict[str, Any]] = [
        *({"what": what} for what in ("open", "status", "links", "archive")),
        {"what": "preview", "start": 0.0, "end": 2.0},
        {"what": "audition", "speaker": "S1", "voice": "stand-in:alex"},
        {"what": "save", "changes": CORRECTED, "revision": job.revision},
        *({"what": what} for what in ("again", "stop")),
    ]
    for ask in asks:
        event = gr.EventData(None, {"n": 1, "job": job.id, **ask})
        reply = json.loads(opened_editor.answer(event, gr.Request()))
        assert "Something went wrong" not in reply.get("error", ""), (state, ask)

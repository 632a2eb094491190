"""Log lines: JSON on every logger, one id from a request to ffmpeg's calls, and no secrets."""

import asyncio
import contextvars
import io
import json
import logging
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import structlog
from service_served import served
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket
from websockets.sync.client import connect

from dubkit.backends.in_order import in_order
from dubkit.errors import StageFailed
from dubkit.media import run_ffmpeg, stretched
from dubkit.progress import Event
from dubkit.run import Run
from dubkit.service.jobs.job import LOCAL, Film, NewJob
from dubkit.service.watching import logs

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """Logs as in a service; the lines told so far."""
    names = ("", "uvicorn", "uvicorn.error", "uvicorn.access", *logs.QUIET)
    before = [(log := logging.getLogger(name), log.handlers[:], log.level, log.propagate) for name in names]
    said = io.StringIO()
    # Another test may have left warnings captured, by what pytest has since replaced.
    logging.captureWarnings(False)
    logs.configure(stream=said)
    yield lambda: [json.loads(line) for line in said.getvalue().splitlines()]
    logging.captureWarnings(False)
    structlog.contextvars.clear_contextvars()
    for log, handlers, level, propagate in before:
        log.handlers[:], log.propagate = handlers, propagate
        log.removeFilter(logs._is_news)
        log.setLevel(level)


def test_a_line_is_json_with_what_is_bound(lines: Lines):
    log = logging.getLogger("dubkit.somewhere")
    with logs.bound(correlation="0123456789", job="j1"):
        log.info("did %d of\n%s", 2, "Olá", extra={"seconds": 1.5})
        assert logs.correlation() == "0123456789"
    log.warning("after")
    first, second = lines()
    assert first.pop("time").endswith("Z")
    assert first == {
        "event": "did 2 of\nOlá",
        "level": "info",
        "logger": "dubkit.somewhere",
        "correlation": "0123456789",
        "job": "j1",
        "seconds": 1.5,
    }
    assert {"correlation", "job"}.isdisjoint(second)
    assert logs.correlation() == ""


def test_errors_warnings_and_other_packages_are_told_in_one_line_each(lines: Lines):
    try:
        raise ValueError("bad\nworse")
    except ValueError:
        logging.getLogger("uvicorn.error").exception("it failed")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old", stacklevel=1)
    logging.getLogger("httpx").info("HTTP Request: GET ...")
    logging.getLogger("sqlalchemy.engine").debug("SELECT 1")
    failed, warned = lines()
    assert (failed["level"], failed["logger"], failed["event"]) == ("error", "uvicorn.error", "it failed")
    assert "ValueError: bad\nworse" in failed["exception"]
    assert warned["logger"] == "py.warnings"
    assert "old" in warned["event"]


def test_a_server_that_was_silenced_earlier_in_the_process_speaks_again(lines: Lines):
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    logs.configure("INFO", said := io.StringIO())
    logging.getLogger("uvicorn.error").error("it failed")
    assert [json.loads(line)["event"] for line in said.getvalue().splitlines()] == ["it failed"]


def test_configured_twice_nothing_is_told_twice(lines: Lines):
    said = io.StringIO()
    logs.configure("WARNING", said)
    logging.getLogger("dubkit").info("small")
    logging.getLogger("dubkit").warning("large")
    assert [json.loads(line)["event"] for line in said.getvalue().splitlines()] == ["large"]
    assert lines() == []


SECRETS = {
    "dk_ab12cd34_q9-Zx_7w8e9r0t1y2u3i4o5p": "dk_ab12cd34_***",
    "Authorization: Bearer abc.def-ghi": "Authorization: Bearer ***",
    "at postgresql+psycopg://dubkit:kept-secret@db:5432/jobs": "at postgresql+psycopg://dubkit:***@db:5432/jobs",
    "redis://:kept-secret@127.0.0.1:6379/0": "redis://:***@127.0.0.1:6379/0",
    "GET /api/v1/files/eyJq.Zx-1.q_9/film.mp4": "GET /api/v1/files/***/film.mp4",
    "https://s3/b/k?X-Amz-Credential=AK%2F1&X-Amz-Signature=00ff&x=1": "https://s3/b/k?X-Amz-Credential=***&X-Amz-Signature=***&x=1",
    "http://127.0.0.1:7860/jobs/a@b": "http://127.0.0.1:7860/jobs/a@b",
    "Monkey business: the token is lost": "Monkey business: the token is lost",
}


@pytest.mark.parametrize("text", SECRETS)
def test_secrets_are_hidden_and_nothing_else(text: str):
    assert logs.hidden(text) == SECRETS[text]


def test_no_secret_reaches_a_line(lines: Lines):
    secret = "q9-Zx_7w8e9r0t1y2u3i4o5p"
    log = logging.getLogger("dubkit")
    log.info(
        "key dk_ab12cd34_%s",
        secret,
        extra={"authorization": secret, "api_key": secret, "set_cookie": secret, "key": secret},
    )
    try:
        raise RuntimeError(f"postgresql://me:{secret}@host/db")
    except RuntimeError:
        log.exception("away", extra={"url": f"redis://:{secret}@host", "many": [f"Bearer {secret}"]})
    assert len(lines()) == 2
    assert secret not in json.dumps(lines())
    assert "RuntimeError: postgresql://me:***@host/db" in lines()[1]["exception"]


def test_threads_that_carry_the_context_tell_the_same_id(lines: Lines):
    log = logging.getLogger("dubkit")
    with logs.bound(job="j1"):
        carried = threading.Thread(target=contextvars.copy_context().run, args=(log.info, "carried"))
        carried.start()
        carried.join()
        assert list(in_order(lambda n: log.info("item %d", n) or n, range(4), 2)) == [0, 1, 2, 3]
    assert {(line["event"], line["job"]) for line in lines()} == {("carried", "j1")} | {
        (f"item {n}", "j1") for n in range(4)
    }


def test_a_stage_is_named_in_all_that_is_told_during_it(lines: Lines):
    with logs.bound(job="j1"):
        for event in (Event("validate", "started"), Event("validate", "progress", 1, 2)):
            logs.follow(event)
        logging.getLogger("dubkit.media").info("inside")
        logs.follow(Event("validate", "warning", note="odd"))
        logs.follow(Event("validate", "done", seconds=1.23456))
        logging.getLogger("dubkit").info("outside")
    told = [(line["event"], line.get("stage"), line["level"]) for line in lines()]
    assert told == [
        ("stage started", "validate", "info"),
        ("inside", "validate", "info"),
        ("stage warning", "validate", "warning"),
        ("stage done", "validate", "info"),
        ("outside", None, "info"),
    ]
    assert lines()[2]["note"] == "odd"
    assert lines()[3]["seconds"] == 1.235


def _app() -> logs.Correlated:
    async def hello(request: Request) -> PlainTextResponse:
        request.state.owner = "ann"
        await asyncio.sleep(0.01)
        logging.getLogger("dubkit.service.api").info("inside")
        return PlainTextResponse(request.scope["correlation"])

    async def fail(request: Request) -> PlainTextResponse:
        raise ZeroDivisionError

    async def watch(socket: WebSocket) -> None:
        await socket.accept()
        await socket.close()

    async def refuse(socket: WebSocket) -> None:
        await socket.close()

    paths = ["/hello", "/health", "/files/{token}/{name}"]
    routes = [*(Route(path, hello) for path in paths), Route("/fail", fail)]
    return logs.Correlated(
        Starlette(routes=[*routes, WebSocketRoute("/watch", watch), WebSocketRoute("/refuse", refuse)])
    )


def test_a_request_keeps_its_id_and_is_told_without_its_query(lines: Lines):
    answer = TestClient(_app()).get("/hello?key=secret", headers={"X-Request-ID": "from-the-caller.1"})
    assert (answer.text, answer.headers["x-request-id"]) == ("from-the-caller.1", "from-the-caller.1")
    inside, about = (line for line in lines() if line["logger"].startswith("dubkit"))
    assert inside["correlation"] == about["correlation"] == "from-the-caller.1"
    assert about["ms"] >= 10
    told = {name: about[name] for name in ("event", "method", "path", "status", "owner")}
    assert told == {"event": "request", "method": "GET", "path": "/hello", "status": 200, "owner": "ann"}
    assert "secret" not in json.dumps(lines())


@pytest.mark.parametrize(
    "given", ["short", "x" * 65, "a b c d e f g", "-leading-dash", "né-à-l'étranger", '"},{"a":"b"}', ""]
)
def test_an_odd_request_id_is_replaced(given: str, lines: Lines):
    answer = TestClient(_app()).get("/hello", headers={"X-Request-ID": given.encode()})
    assert len(answer.text) == 32
    assert answer.headers["x-request-id"] == answer.text


def test_requests_at_the_same_time_keep_apart(lines: Lines):
    async def both() -> list[httpx.Response]:
        transport = httpx.ASGITransport(_app())
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            return await asyncio.gather(
                *(client.get("/hello", headers={"X-Request-ID": f"number-{n:04}"}) for n in range(20))
            )

    assert [answer.text for answer in asyncio.run(both())] == [f"number-{n:04}" for n in range(20)]
    ours = [line["correlation"] for line in lines() if line["logger"].startswith("dubkit")]
    assert sorted(ours) == sorted([f"number-{n:04}" for n in range(20)] * 2)


def test_what_fails_what_is_watched_and_links_are_told_as_they_should(lines: Lines):
    client = TestClient(_app(), raise_server_exceptions=False)
    assert client.get("/fail").status_code == 500
    client.get("/health")
    client.get("/files/eyJq.Zx-1.q_9/film.mp4")
    client.get("/nothing")
    with client.websocket_connect("/watch"):
        pass
    with pytest.raises(Exception, match=""), client.websocket_connect("/refuse"):
        pass
    told = [(line["method"], line["path"], line["status"]) for line in lines() if line["event"] == "request"]
    assert told == [
        ("GET", "/fail", 500),
        ("GET", "/files/***/film.mp4", 200),
        ("GET", "/nothing", 404),
        ("WS", "/watch", 101),
        ("WS", "/refuse", 403),
    ]


def test_a_real_server_tells_of_each_request_once_and_of_no_query(lines: Lines, tmp_path: Path):
    with served(tmp_path / "home") as server:
        job, _ = server.service.jobs.add(NewJob(LOCAL, Film("a.mp4", "films/a.mp4", 10, 20.0), "pt"))
        server.service.cancel(LOCAL, job.id)
        httpx.get(f"{server.url}/api/v1/jobs/{job.id}?key=private")
        with connect(f"ws://127.0.0.1:{server.port}/api/v1/jobs/{job.id}/progress?after=0&key=private") as socket:
            assert [json.loads(message)["data"]["status"] for message in socket] == ["queued", "cancelled"]
    told = [(line["method"], line["path"], line["status"]) for line in lines() if "method" in line]
    here = f"/api/v1/jobs/{job.id}"
    assert told == [("GET", here, 200), ("WS", f"{here}/progress", 101)]
    assert "private" not in json.dumps(lines())
    assert "color_message" not in json.dumps(lines())


def test_one_id_is_followed_from_a_request_to_a_stage_and_its_calls_of_ffmpeg(lines: Lines, tiny: Path, tmp_path: Path):
    """As the service does it: the job carries the id, and the worker binds it."""
    id = TestClient(_app()).get("/hello").text
    with logs.bound(correlation=id, job="j1"):
        run = Run.open(tiny, "pt", store=tmp_path / "store")
        run.observers = (logs.follow,)
        run.until("separate")
    ours = [line for line in lines() if line.get("correlation") == id]
    assert [line["path"] for line in ours if line["event"] == "request"] == ["/hello"]
    stages = [(line["event"], line["stage"]) for line in ours if line["event"] in ("stage started", "stage done")]
    assert stages == [(f"stage {what}", stage) for stage in ("validate", "separate") for what in ("started", "done")]
    (decoded, *_) = (line for line in ours if line["event"].startswith("ffmpeg"))
    assert (decoded["stage"], decoded["job"], decoded["exit_code"]) == ("separate", "j1", 0)
    assert decoded["event"] == "ffmpeg: decoding the sound"
    assert decoded["seconds"] > 0


def test_calls_of_ffmpeg_that_fail_are_told_too(lines: Lines, tmp_path: Path):
    import ffmpeg

    stretched(np.zeros(4800, np.float32), 48_000, 1.1)
    with pytest.raises(StageFailed):
        run_ffmpeg(
            ffmpeg.output(ffmpeg.input(str(tmp_path / "private.mp4")), str(tmp_path / "b.mp4")), "writing the film"
        )
    told = [(line["event"], line["exit_code"] == 0) for line in lines() if line["logger"] == "dubkit.media"]
    assert told == [("ffmpeg: stretching a line", True), ("ffmpeg: writing the film", False)]
    assert "private" not in json.dumps(lines())


def test_a_library_is_silent(tiny: Path, tmp_path: Path):
    code = """
import sys
from pathlib import Path
from dubkit.loudness import measured
measured(Path(sys.argv[1]))
"""
    done = subprocess.run([sys.executable, "-c", code, str(tiny)], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


@pytest.fixture
def text(lines: Lines) -> Iterator[Callable[[], list[str]]]:
    """Logs as on a terminal; what was told so far, without the time."""
    said = io.StringIO()
    logs.configure(stream=said, form="text")
    yield lambda: [line[10:] if line[:1].isdigit() else line for line in said.getvalue().splitlines()]


def test_people_read_short_lines_in_which_nothing_moves_the_cursor(text: Callable[[], list[str]]):
    log = logging.getLogger("dubkit.somewhere")
    with logs.bound(correlation="0123456789", job="j1"):
        log.info("did %d of\n%s", 2, "Olá\x1b[31m", extra={"seconds": 1.5, "url": "redis://:kept@host"})
    try:
        raise ValueError("bad\nworse\x1b[0m")
    except ValueError:
        log.exception("it failed")
    first, *rest = text()
    assert first == r"did 2 of\nOlá\x1b[31m  job=j1  seconds=1.5  url=redis://:***@host"
    assert rest[0] == "error: it failed"
    assert rest[-2:] == ["    ValueError: bad", r"    worse\x1b[0m"]


def test_people_hear_of_requests_that_are_refused_alone(text: Callable[[], list[str]]):
    client = TestClient(_app(), raise_server_exceptions=False)
    client.get("/hello")
    client.get("/nothing")
    logging.getLogger("uvicorn.error").info("Waiting for application startup.")
    assert not [line for line in text() if "startup" in line]
    (told,) = [line for line in text() if line.startswith("request")]
    assert told.startswith("request  method=GET  path=/nothing  status=404")

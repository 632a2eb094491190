"""The client against a real server: films and files over lines that break, jobs watched to their end, errors as dubkit's own."""

import contextlib
import shutil
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import servers
from service_served import Line, Served, served

from dubkit.errors import BadInput, OutOfSpace, UnsupportedPair
from dubkit.progress import Event
from dubkit.service.client import client as clients
from dubkit.service.client import connection, downloads
from dubkit.service.client.client import Client
from dubkit.service.client.connection import ServiceAway
from dubkit.service.client.following import follow
from dubkit.service.films.arrival import Empty, NotAFilm, TooLarge
from dubkit.service.jobs.job import Conflict, NewJob, NoSuchJob
from dubkit.service.jobs.pairs import Pair
from dubkit.service.lines.document import Document, DocumentLine, DocumentSpeaker, DocumentVoice

MiB = 1024 * 1024


@pytest.fixture(scope="module")
def one_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("service") / "home") as made:
        yield made


@pytest.fixture
def server(one_server: Served) -> Iterator[Served]:
    """The same for all tests, for it takes seconds to start looking into films; each finds it without jobs."""
    yield one_server
    for job in one_server.service.jobs.list(None, kind=None):
        one_server.service.delete(job.owner, job.id)


@pytest.fixture
def client(server: Served) -> Iterator[Client]:
    with Client(server.url) as made:
        yield made


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(clients, "PATIENCE", 10.0)


@pytest.fixture(scope="module")
def large(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of 20 MiB, of which a player reads only the beginning."""
    path = Path(shutil.copy(tiny, tmp_path_factory.mktemp("large") / "Bürger & Söhne.mp4"))
    with path.open("ab") as stream:
        stream.write(struct.pack(">I", 20 * MiB) + b"free")
        for n in range(20 * MiB // 8 - 1):
            stream.write(struct.pack(">Q", n))
    return path


LINES = Document(
    source="en",
    target="pt",
    duration=4.0,
    lines=(
        DocumentLine("u0001", "S1", 0.5, 1.5, "Very good.", "Bem."),
        DocumentLine("u0002", "S1", 2.0, 3.0, "Yes.", "Sim."),
    ),
    speakers=(DocumentSpeaker("S1", "Ann", "female", 0.9, 200.0, 2.0, "v1", n_lines=2),),
    voices=(DocumentVoice("v1", "Maria", "female", "pt"),),
)


def test_a_film_is_handed_in_and_listed(server: Served, client: Client, tiny: Path):
    sent: list[tuple[int, int]] = []
    options = {"n_speakers": 2, "keep_original": True}
    job = client.submit(tiny, "Portuguese", "en", start=0.5, progress=lambda *n: sent.append(n), **options)
    assert (job["status"], job["target_language"], job["source_language"], job["start_time"]) == (
        "queued",
        "pt",
        "en",
        0.5,
    )
    assert sent == [(0, tiny.stat().st_size), (tiny.stat().st_size, tiny.stat().st_size)]
    kept = server.service.jobs.find(job["id"])
    assert kept.settings == {"diarize.n_speakers": 2, "combine.keep_original": True}
    assert [one["id"] for one in client.jobs()] == [job["id"]]
    assert client.jobs(["completed"]) == []
    assert client.job(job["id"])["film"]["name"] == "tiny.mp4"
    assert client.status(job["id"])["place"] == 1


def test_more_jobs_than_a_page_holds_are_all_listed(server: Served, client: Client, tiny: Path):
    first = client.submit(tiny, "pt")
    job = server.service.jobs.find(first["id"])
    for n in range(4):
        new = server.service.jobs.add(NewJob(job.owner, replace(job.film, name=f"{n}.mp4"), "pt"))[0]
    found = client.jobs(limit=3)
    assert [one["film"]["name"] for one in found] == ["3.mp4", "2.mp4", "1.mp4"]
    assert found[0]["id"] == new.id


def test_a_line_that_breaks_does_not_begin_a_film_anew(server: Served, large: Path):
    line = Line(server.port, up=3 * MiB, breaks=5)
    with Client(line.url) as client:
        job = client.submit(large, "pt")
    line.close()
    assert line.broken == 5
    kept = server.service.jobs.find(job["id"])
    assert kept.film.name == "Bürger & Söhne.mp4"
    with server.service.storage.local(kept.film.place) as path:
        assert path.read_bytes() == large.read_bytes()
    assert len(server.service.jobs.list(None)) == 1


def test_a_server_that_starts_again_gets_the_rest(tmp_path: Path, large: Path):
    again: list[Served] = []
    with served(tmp_path / "home") as first, Client(first.url) as client:

        def restart(done: int, total: int) -> None:
            if done and not again:
                first.end()
                again.append(Served(first.service, first.port))

        job = client.submit(large, "pt", progress=restart)
        kept = first.service.jobs.find(job["id"])
        with first.service.storage.local(kept.film.place) as path:
            assert path.read_bytes() == large.read_bytes()
        again[0].end()


def test_a_job_whose_answer_was_lost_is_not_made_twice(
    server: Served, client: Client, tiny: Path, monkeypatch: pytest.MonkeyPatch
):
    ask, lost = client._connection.ask, []

    def losing(method: str, path: str, **request: Any) -> httpx.Response:
        answer = ask(method, path, **request)
        if path == "/jobs" and not lost:
            lost.append(answer)
            return ask(method, path, **request)
        return answer

    monkeypatch.setattr(client._connection, "ask", losing)
    job = client.submit(tiny, "pt")
    assert lost[0].json()["id"] == job["id"]
    assert len(server.service.jobs.list(None)) == 1


def worked(server: Served, folder: Path, files: dict[str, bytes], pause: float = 0.0) -> threading.Thread:
    """Do the next job in a thread, with a warning and all."""

    def work() -> None:
        claim = server.claim()
        server.work(claim, Event("validate", "started"), Event("validate", "done", seconds=0.5))
        for done in range(3):
            time.sleep(pause)
            server.work(claim, Event("transcribe", "started" if not done else "progress", done, 3, "line"))
        server.work(
            claim, Event("transcribe", "warning", note="It was noisy."), Event("transcribe", "done", seconds=2.0)
        )
        server.work(claim, Event("combine", "reused", seconds=1.0))
        server.finish(claim, folder, files)

    thread = threading.Thread(target=work)
    thread.start()
    return thread


EVENTS = [
    ("validate", "done"), ("transcribe", "warning"), ("transcribe", "done"), ("combine", "reused"),
]  # fmt: skip


def told(events: list[Event]) -> list[tuple[str, str]]:
    return [(e.stage, e.status) for e in events if e.status not in ("started", "progress")]


def test_a_job_is_watched_to_its_end(server: Served, client: Client, tiny: Path, tmp_path: Path):
    job, events = client.submit(tiny, "pt"), []
    thread = worked(server, tmp_path, {"film.pt.mp4": b"film"}, 0.3)
    status = client.wait(job["id"], events.append)
    thread.join()
    assert (status["status"], status["percentage"]) == ("completed", 100.0)
    assert told(events) == EVENTS
    assert [e.done for e in events if (e.stage, e.status) == ("transcribe", "progress")][-1] == 2
    assert next(e for e in events if e.status == "warning").note == "It was noisy."
    again: list[Event] = []
    assert client.wait(job["id"], again.append)["status"] == "completed"
    assert sorted(told(again)) == sorted(EVENTS)


@pytest.mark.parametrize("let_through", [0, 400])
def test_where_the_socket_breaks_or_is_not_let_through_nothing_is_lost_or_told_twice(
    let_through: int, server: Served, client: Client, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    job, events = client.submit(tiny, "pt"), []
    line = Line(server.port, down=let_through, breaks=1000)
    monkeypatch.setattr("dubkit.service.client.following.EVERY", 0.05)
    thread = worked(server, tmp_path, {"film.pt.mp4": b"film"}, 0.3)
    with Client(line.url) as other:
        # Its answers are longer than what the line lets through at once: it is asked through the other one.
        monkeypatch.setattr(other._connection, "ask", client._connection.ask)
        status = follow(other._connection, f"/jobs/{job['id']}", events.append, 5.0)
    thread.join()
    line.close()
    assert line.broken > 0
    assert status["status"] == "completed"
    assert sorted(told(events)) == sorted(EVENTS)


def test_a_failed_and_a_cancelled_job_are_over(server: Served, client: Client, tiny: Path):
    failed, cancelled = client.submit(tiny, "pt"), client.submit(tiny, "fr")
    server.service.claims.fail(server.claim(), "OutOfMemory", "It did not fit.", None)
    status = client.wait(failed["id"])
    assert (status["status"], status["error"]) == ("failed", {"type": "OutOfMemory", "detail": "It did not fit."})
    assert client.cancel(cancelled["id"])["status"] == "cancelled"
    assert client.wait(cancelled["id"])["status"] == "cancelled"
    assert client.redub(cancelled["id"])["status"] == "queued"
    client.delete(cancelled["id"])
    with pytest.raises(NoSuchJob):
        client.status(cancelled["id"])


@pytest.fixture
def dubbed(server: Served, client: Client, tiny: Path, tmp_path: Path) -> str:
    job = client.submit(tiny, "pt")
    claim = server.claim()
    files = {"film.pt.mp4": bytes(range(256)) * 40_000, "Bürger.pt.srt": b"1\n", "lines.json": LINES.to_json().encode()}
    server.finish(claim, tmp_path, files)
    return str(job["id"])


def test_files_are_brought_and_none_leads_out_of_the_folder(client: Client, dubbed: str, tmp_path: Path):
    paths = client.fetch(dubbed, tmp_path / "out")
    assert sorted(path.name for path in paths) == ["Bürger.pt.srt", "film.pt.mp4"]
    assert (tmp_path / "out" / "film.pt.mp4").read_bytes() == bytes(range(256)) * 40_000
    assert client.fetch(dubbed, tmp_path, ["subtitles"]) == [tmp_path / "Bürger.pt.srt"]
    with pytest.raises(BadInput, match="no such files"):
        client.fetch(dubbed, tmp_path, ["poster"])
    url = client.files(dubbed)[0]["url"]
    for name in ("../../evil.mp4", "/etc/evil.mp4", "..\\evil.mp4"):
        assert downloads.download(client._connection, url, tmp_path / "out", name, 1.0).parent == tmp_path / "out"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["Bürger.pt.srt", "evil.mp4", "film.pt.mp4"]


def test_a_download_goes_on_where_the_line_broke(server: Served, dubbed: str, tmp_path: Path):
    line = Line(server.port, down=3 * MiB, breaks=3)
    with Client(line.url) as client:
        (path,) = client.fetch(dubbed, tmp_path / "out", ["video"])
    line.close()
    assert line.broken == 3
    assert path.read_bytes() == bytes(range(256)) * 40_000
    assert [one.name for one in path.parent.iterdir()] == ["film.pt.mp4"]


def test_a_full_disk_leaves_nothing_half(client: Client, dubbed: str, tmp_path: Path):
    (tmp_path / "out").write_text("a file where a folder should be")
    with pytest.raises(OutOfSpace, match="cannot be written"):
        client.fetch(dubbed, tmp_path / "out")


def test_lines_are_corrected_once(client: Client, dubbed: str):
    found = client.lines(dubbed)
    id = found["lines"][0]["id"]
    changed = client.change_lines(dubbed, {"lines": {id: {"text": "Muito bem."}}}, found["revision"])
    assert (changed["revision"], changed["lines"][0]["text"]) == (found["revision"] + 1, "Muito bem.")
    with pytest.raises(Conflict, match="revision"):
        client.change_lines(dubbed, {"lines": {id: {"text": "Mal."}}}, found["revision"])
    with pytest.raises(BadInput, match="u9999"):
        client.change_lines(dubbed, {"lines": {"u9999": {"text": "x"}}}, changed["revision"])
    assert client.redub(dubbed)["status"] == "queued"
    with pytest.raises(Conflict):
        client.redub(dubbed)


def test_a_preview_is_made_and_brought(server: Served, client: Client, dubbed: str, tmp_path: Path):
    found = client.lines(dubbed)
    client.change_lines(dubbed, {"lines": {found["lines"][0]["id"]: {"text": "Muito bem."}}}, found["revision"])

    def work() -> None:
        while (claim := server.service.claims.next("w1", 60)) is None:
            time.sleep(0.05)
        server.finish(claim, tmp_path, {"clip.mp4": b"a clip"})

    thread = threading.Thread(target=work)
    thread.start()
    path = client.preview(dubbed, 0.0, 1.5, tmp_path / "clips" / "one.mp4")
    thread.join()
    assert path == tmp_path / "clips" / "one.mp4"
    assert path.read_bytes() == b"a clip"


def test_languages_are_told_and_looked_at_before_a_film_is_sent(
    server: Served, client: Client, tiny: Path, monkeypatch: pytest.MonkeyPatch
):
    pairs = [
        Pair("en", "English", "pt", "Portuguese", "good", "en-pt", "2"),
        Pair("de", "German", "fr", "French", "good", "de-fr", "1"),
    ]

    def some(source: str | None = None, target: str | None = None) -> list[Pair]:
        return [p for p in pairs if source in (None, p.source) and target in (None, p.target)]

    monkeypatch.setattr(server.service.pairs, "list", some)
    assert [(row["source"], row["target_name"]) for row in client.languages(target="pt")] == [("en", "Portuguese")]
    with pytest.raises(UnsupportedPair, match=r"cannot dub into Spanish\. It can into: fr, pt"):
        client.submit(tiny, "es")
    with pytest.raises(UnsupportedPair, match=r"cannot dub German into Portuguese\. It can into: fr"):
        client.submit(tiny, "pt", "de")
    with pytest.raises(BadInput, match="Klingonese"):
        client.submit(tiny, "Klingonese")
    assert list((server.service.config.home).glob("uploads/*")) == []


def make(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


REFUSED: dict[str, tuple[Callable[[Path], Path], type[Exception]]] = {
    "empty": (lambda folder: make(folder, "film.mp4", b""), Empty),
    "text": (lambda folder: make(folder, "film.mp4", b"Dear all, " * 50), NotAFilm),
    "ending": (lambda folder: make(folder, "film.txt", b"\0\0\0\x18ftypisom"), NotAFilm),
    "absent": (lambda folder: folder / "film.mp4", BadInput),
    "damaged": (lambda folder: make(folder, "film.mp4", b"\0\0\0\x18ftypisom" + bytes(5000)), BadInput),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_refused_film_says_why(kind: str, client: Client, tmp_path: Path):
    made, error = REFUSED[kind]
    path = made(tmp_path)
    with pytest.raises(error, match=r"film\.(mp4|txt)"):
        client.submit(path, "pt")


def test_too_much_is_refused_before_it_is_sent(tmp_path: Path, large: Path):
    with (
        served(tmp_path / "home", max_bytes=1_000_000) as small,
        Client(small.url) as client,
        pytest.raises(TooLarge, match="up to 1 MB"),
    ):
        client.submit(large, "pt")


def test_options_and_jobs_that_are_none_are_told(client: Client, tiny: Path):
    with pytest.raises(BadInput, match="no option 'speed'"):
        client.submit(tiny, "pt", speed=2)
    with pytest.raises(NoSuchJob):
        client.status("j4Tq0Vb7mXc2Kd9s")
    with pytest.raises(BadInput):
        client.status("../languages")


def test_keys_are_shown_to_the_service_alone(tmp_path: Path, tiny: Path):
    with served(tmp_path / "home", require_key=True) as closed:
        key = closed.service.keys.add("ann")
        with Client(closed.url, key) as client:
            job = client.submit(tiny, "pt")
            assert closed.service.jobs.find(job["id"]).owner == "ann"
            closed.finish(closed.claim(), tmp_path, {"film.pt.mp4": b"film"})
            assert client.wait(job["id"])["status"] == "completed"
            assert client.fetch(job["id"], tmp_path / "out")[0].read_bytes() == b"film"
            with another_server() as (url, seen):
                downloads.download(client._connection, f"{url}/film.mp4", tmp_path / "out", "film.mp4", 0.0)
                assert "authorization" not in seen[0]
        for wrong in (None, "dk_aaaaaaaa_" + "a" * 32):
            with Client(closed.url, wrong) as other, pytest.raises(BadInput, match=r"[Kk]ey"):
                other.jobs()
        with Client(closed.url, closed.service.keys.add("bob")) as bob, pytest.raises(NoSuchJob):
            bob.status(job["id"])


@contextlib.contextmanager
def another_server() -> Iterator[tuple[str, list[str]]]:
    """One such as a bucket's; its address, and the headers that it was sent."""
    seen: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(str(self.headers).lower())
            self.send_response(200)
            self.send_header("Content-Length", "4")
            self.end_headers()
            self.wfile.write(b"film")

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", seen
    server.shutdown()
    server.server_close()


def test_who_does_not_answer_or_is_no_service_is_told():
    port = servers.free_port()
    with (
        Client(f"http://127.0.0.1:{port}/") as client,
        pytest.raises(ServiceAway, match=rf"No service answers at http://127.0.0.1:{port} "),
    ):
        client.jobs()
    with another_server() as (url, _), Client(url) as client, pytest.raises(BadInput, match="no service of dubkit"):
        client.jobs()
    for url in ("127.0.0.1:7860", "ftp://host", "http://", ""):
        with pytest.raises(BadInput, match="no address of a service"):
            Client(url)


def test_a_service_that_asks_to_wait_is_given_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    pauses: list[float] = []
    monkeypatch.setattr(connection, "time", SimpleNamespace(sleep=pauses.append, monotonic=time.monotonic))
    busy = httpx.Response(
        429, headers={"Retry-After": "3"}, json={"type": "urn:x:too-many-requests", "detail": "Wait."}
    )
    answers = iter([busy, busy, httpx.Response(200, json={}), busy])
    own = connection.Connection("http://127.0.0.1:1")
    own._http = httpx.Client(transport=httpx.MockTransport(lambda request: next(answers)))
    assert own.ask("GET", "/jobs", patience=60.0).json() == {}
    assert pauses == [3.0, 3.0]
    with pytest.raises(ServiceAway, match=r"^Wait\.$"):
        own.ask("GET", "/jobs")

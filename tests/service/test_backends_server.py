"""The server by itself, asked in ways that a well-behaved client does not."""

import contextlib
import dataclasses
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import typing
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import httpx
import numpy as np
import pytest
from builders import sound
from served import Served, serving
from stand_ins import Halver, Prefixer, ToneSynthesizer, ToneTranscriber
from typer.testing import CliRunner

from dubkit import __version__
from dubkit.artefacts import Candidate, Video
from dubkit.backends import registry
from dubkit.backends.protocols import Compute, Hint, ModelCard, Request
from dubkit.backends.remote.methods import METHODS, Spoken, Waveform
from dubkit.backends.remote.served import TOKEN
from dubkit.backends.remote.tasks import RemoteTranslator
from dubkit.backends.remote.wire import MEDIA_TYPE, WireError, pack, parcels
from dubkit.cli import app
from dubkit.errors import BadInput, Unreachable
from dubkit.record import File
from dubkit.service.backends import server as backend_server
from dubkit.service.backends.server import LEAVE, Limits, serve
from dubkit.service.backends.speech import OutOfOrderError, Sessions, TooManySessionsError, UnknownSessionError

TYPED = {"Content-Type": MEDIA_TYPE}


@pytest.fixture(autouse=True)
def no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(TOKEN, raising=False)


@pytest.fixture(scope="module")
def translator() -> Iterator[Served]:
    """A server with narrow limits."""
    with serving("translator", Prefixer(), limits=Limits(max_bytes=5000, max_items=3)) as server:
        yield server


def post(server: Served, path: str, content: Any, **headers: str) -> httpx.Response:
    body = content if isinstance(content, bytes) else pack(content)
    return httpx.post(server.url + path, content=body, headers={**TYPED, **headers}, trust_env=False, timeout=20)


def get(server: Served, path: str, **headers: str) -> httpx.Response:
    return httpx.get(server.url + path, headers=headers, trust_env=False, timeout=20)


def asked(*texts: str, fingerprint: str = "Prefixer@1", **changed: Any) -> dict[str, Any]:
    arguments = {"texts": list(texts), "source": "en", "target": "pt", "hints": []}
    return {"fingerprint": fingerprint, "arguments": {**arguments, **changed}}


def test_it_tells_what_it_serves(translator: Served) -> None:
    assert get(translator, "/health").json() == {"status": "ok"}
    assert get(translator, "/v1/backend").json() == {
        "protocol": 1,
        "version": __version__,
        "task": "translator",
        "name": "Prefixer",
        "fingerprint": "Prefixer@1",
        "methods": ["models", "pairs", "route", "translate"],
        "attributes": {},
        "counts_usage": False,
        "limits": {"max_bytes": 5000, "max_items": 3},
    }


def test_frames_are_as_the_protocol_says(translator: Served) -> None:
    answer = post(translator, "/v1/call/translate", asked("good day", "yes"))
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, MEDIA_TYPE)
    results = [
        [
            {"text": "pt-good pt-day", "score": 0.0, "duration": 0.0, "how": ""},
            {"text": "good day", "score": -9.0, "duration": 0.0, "how": ""},
        ],
        [
            {"text": "pt-yes", "score": 0.0, "duration": 0.0, "how": ""},
            {"text": "yes", "score": -9.0, "duration": 0.0, "how": ""},
        ],
    ]
    assert list(parcels([answer.content])) == [
        *({"kind": "result", "item": n, "result": r} for n, r in enumerate(results)),
        {"kind": "end"},
    ]


@pytest.mark.parametrize(
    ("path", "content", "status", "message"),
    [
        ("/v1/call/from_spec", {}, 404, "no method 'from_spec'"),
        ("/v1/call/__init__", {}, 404, "no method"),
        ("/v1/call/diarize", {}, 404, "no method"),
        ("/v1/call/quality", {}, 404, "no method 'quality'"),
        ("/v1/call/translate", b"", 400, "one parcel"),
        ("/v1/call/translate", b"\xff" * 40, 400, "too long"),
        ("/v1/call/translate", pack({})[:-1], 400, "end of a parcel is missing"),
        ("/v1/call/translate", pack({}) + pack({}), 400, "one parcel"),
        ("/v1/call/translate", [1], 400, "one parcel"),
        ("/v1/call/translate", b"\x05\x00\x00\x00[[[[[", 400, "damaged"),
        ("/v1/call/translate", {"arguments": {}}, 409, "Another model"),
        ("/v1/call/translate", asked("a", fingerprint="Prefixer@2"), 409, "Another model"),
        ("/v1/call/translate", {"fingerprint": "Prefixer@1"}, 400, "No arguments"),
        ("/v1/call/translate", {"fingerprint": "Prefixer@1", "arguments": ["a"]}, 400, "No arguments"),
        ("/v1/call/translate", {"fingerprint": "Prefixer@1", "arguments": "texts"}, 400, "No arguments"),
        ("/v1/call/translate", {"fingerprint": "Prefixer@1", "arguments": {}}, 400, "missing: ['hints'"),
        ("/v1/call/translate", {"fingerprint": "Prefixer@1", "arguments": {"texts": []}}, 400, "missing: ['hints'"),
        ("/v1/call/translate", asked("a", harm=1), 400, "Unknown arguments: ['harm']"),
        ("/v1/call/translate", asked("a", source=3), 400, "str was expected"),
        ("/v1/call/translate", asked("a", hints=[Hint(), Hint()]), 400, "equally many of: texts, hints"),
        ("/v1/call/translate", asked(*"abcd"), 413, "3 items at most"),
        ("/v1/call/translate", asked("a" * 5000), 413, "5000 bytes at most"),
        ("/v1/call/pairs", asked("a" * (1 << 20)), 413, "1048576 bytes at most"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(translator: Served, path: str, content: Any, status: int, message: str) -> None:
    answer = post(translator, path, content)
    assert answer.status_code == status
    assert message in answer.json()["error"]["message"]
    assert "Traceback" not in answer.text


SPOKEN = {"text": "Sim.", "voice": {"id": "tone:low", "language": "pt", "gender": "male", "name": "low"}, "rate": 1.0}


@pytest.mark.parametrize("name", ["predict", "synthesize"])
def test_no_file_of_the_server_is_opened_for_whoever_asks(name: str, tmp_path: Path) -> None:
    class Opener(ToneSynthesizer):
        def predict(self, request: Request) -> float:
            self.asked.append(request.reference and request.reference.load())
            return 1.0

        def synthesize(self, requests: Sequence[Request]) -> Iterator[np.ndarray]:
            yield from (np.full(9, self.predict(r), np.float32) for r in requests)

    def answer(reference: Any) -> httpx.Response:
        request = {**SPOKEN, "reference": reference}
        given = {"request": request} if name == "predict" else {"requests": [{**SPOKEN}, request]}
        return post(server, f"/v1/call/{name}", {"fingerprint": "Opener@1", "arguments": given})

    private = sound(tmp_path / "private.wav", np.ones(100, np.float32))
    with serving("synthesizer", Opener()) as server:
        by_name = private.model_dump(mode="json")
        for reference in (by_name, {**by_name, "path": "/etc/passwd"}, str(private.path), {}, [], 0, {"sound": 9}):
            refused = answer(reference)
            assert refused.status_code == 400, reference
        assert "never as the name of a file" in answer(by_name).json()["error"]["message"]
        assert server.backend.asked == []
        assert answer(private).status_code == 200
        assert np.array_equal(server.backend.asked[-1], private.load())


def files_in(kind: Any, where: str) -> set[str]:
    """The places in a type that hold a file or a path."""
    if kind is Any:
        return {where}
    if typing.get_origin(kind) is typing.Annotated:
        return set() if kind is Waveform else files_in(kind.__origin__, where)
    if isinstance(kind, type) and issubclass(kind, File | Path | bytes):
        return {where}
    inside = [(argument, where) for argument in typing.get_args(kind)]
    if isinstance(kind, type) and (dataclasses.is_dataclass(kind) or hasattr(kind, "model_fields")):
        inside += [(k, f"{kind.__name__}.{name}") for name, k in typing.get_type_hints(kind).items() if name[0] != "_"]
    return set().union(*(files_in(k, w) for k, w in inside if k is not ... and typing.get_origin(k) is not ClassVar))


def test_no_argument_of_any_method_holds_a_file_but_the_reference_which_is_guarded() -> None:
    assert files_in(list[Video], "") == {"Video.file"}
    for task, methods in METHODS.items():
        for name, method in methods.items():
            for parameter, kind in method.takes.items():
                found = files_in(kind, f"{task}.{name}.{parameter}")
                assert found <= {"Request.reference"}, found
                assert not found or Spoken in (kind, *typing.get_args(kind))


def test_a_body_without_a_length_is_refused_where_it_is_too_large(translator: Served) -> None:
    chunks = iter([bytes(1000)] * 20)
    answer = httpx.post(f"{translator.url}/v1/call/translate", content=chunks, headers=TYPED, trust_env=False)
    assert answer.status_code == 413


def test_web_pages_cannot_use_it(translator: Served) -> None:
    body = pack(asked("a"))
    assert post(translator, "/v1/call/translate", body, **{"Content-Type": "text/plain"}).status_code == 415
    for host, status in (("evil.example", 403), ("evil.example:80", 403), ("localhost:9", 200), ("[::1]:9", 200)):
        assert get(translator, "/v1/backend", Host=host).status_code == status
        assert post(translator, "/v1/call/translate", body, Host=host).status_code == status


def test_the_token_is_wanted_everywhere_but_for_health() -> None:
    with serving("separator", Halver(), token="right") as server:
        assert get(server, "/health").status_code == 200
        for given in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "right"}, {"Authorization": "Bearer"}):
            assert get(server, "/v1/backend", **given).status_code == 401
            assert post(server, "/v1/call/models", {}, **given).status_code == 401
            assert post(server, "/v1/speech", {}, **given).status_code == 401
            assert httpx.delete(f"{server.url}/v1/speech/x", headers=given, trust_env=False).status_code == 401
        right = {"Authorization": "Bearer right", "Host": "gpu.example"}
        assert get(server, "/v1/backend", **right).json()["attributes"] == {"sample_rate": 48_000}


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "gpu.example", ""])
def test_others_are_not_let_in_without_a_token(host: str) -> None:
    with pytest.raises(BadInput, match=rf"Set {TOKEN} here.*--host 127.0.0.1"):
        serve("translator", "pivot", host=host)


def test_the_command_tells_what_is_wrong() -> None:
    refused = CliRunner().invoke(app, ["serve-backend", "translator", "pivot", "--host", "0.0.0.0"])
    assert (refused.exit_code, TOKEN in refused.output) == (2, True)
    unknown = CliRunner().invoke(app, ["serve-backend", "translating", "pivot"])
    assert (unknown.exit_code, "There is no task 'translating'" in unknown.output) == (2, True)
    nameless = CliRunner().invoke(app, ["serve-backend", "translator", "nobody"])
    assert (nameless.exit_code, "No translator back end is called 'nobody'" in nameless.output) == (2, True)


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody else listens at."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


def served_by_command(*more: str) -> Any:
    return CliRunner().invoke(app, ["serve-backend", "translator", "bergamot", *more])


def test_a_port_that_is_in_use_is_told_before_anything_is_begun(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "get", lambda *spec: pytest.fail("the back end was made"))
    result = served_by_command("--port", str(taken))
    assert (result.exit_code, result.output) == (2, f"error: Port {taken} is in use: choose another with --port.\n")


@pytest.mark.parametrize(
    ("host", "message"), [("no.such.host.invalid", "There is no host"), ("192.0.2.7", "no address of this machine")]
)
def test_a_host_that_is_not_this_machine_is_told(host: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN, "secret")
    result = served_by_command("--host", host)
    assert result.exit_code == 2
    assert message in result.output
    assert "--host" in result.output


def test_settings_of_compute_reach_the_back_end(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Compute] = []

    def get(task: str, spec: str, compute: Compute) -> Any:
        asked.append(compute)
        raise BadInput("seen")

    monkeypatch.setattr(registry, "get", get)
    with free_port() as port:
        changes = ["device=cpu", "threads=3", "batch_size=5", "memory=1.5"]
        result = served_by_command("--port", str(port), *(x for c in changes for x in ("--set", f"compute.{c}")))
    assert (result.exit_code, "seen" in result.output) == (2, True)
    assert asked == [Compute(device="cpu", threads=3, batch_size=5, memory=1.5)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("transcribe.language=pt", "compute.device, compute.memory, compute.threads alone, not transcribe.language"),
        ("compute.speed=9", "There is no setting 'compute.speed'"),
        ("compute.threads=-1", "compute.threads"),
        ("compute", "STAGE.SETTING=VALUE"),
    ],
)
def test_other_settings_are_bad_input(change: str, message: str) -> None:
    result = served_by_command("--set", change)
    assert (result.exit_code, message in result.output) == (2, True)


class Lacking(Prefixer):
    """Its model comes when it is fetched, unless it cannot be had."""

    error: Exception | None = None

    def models(self, source: str | None = None, target: str | None = None) -> list[ModelCard]:
        optional = ModelCard("extra", "MIT", 1, False, "hf download extra", optional=True)
        return [ModelCard("tiny", "MIT", 2_000_000_000, "fetched" in self.asked, "hf download tiny"), optional]

    def fetch(self, source: str | None = None, target: str | None = None) -> None:
        self.asked.append("fetched")
        if self.error:
            raise self.error


def started(backend: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The command's result where it would have begun to answer."""
    monkeypatch.setattr(registry, "get", lambda *spec: backend)
    monkeypatch.setattr(backend_server, "_run", lambda *given: backend.asked.append("runs"))
    with free_port() as port:
        return served_by_command("--port", str(port))


def test_missing_models_are_fetched_before_the_server_begins(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    there = Lacking()
    assert started(there, monkeypatch).exit_code == 0
    assert there.asked == ["fetched", "runs"]
    assert "Downloading tiny (2.0 GB)" in caplog.text


def test_a_model_that_cannot_be_had_ends_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    there = Lacking()
    there.error = Unreachable("the hub does not answer")
    result = started(there, monkeypatch)
    assert (result.exit_code, there.asked) == (4, ["fetched"])
    assert "the hub does not answer" in result.output


def test_offline_nothing_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    there = Lacking()
    result = started(there, monkeypatch)
    assert (result.exit_code, there.asked) == (4, [])
    assert "- tiny: hf download tiny" in result.output
    assert "extra" not in result.output


STOPPABLE = """
import sys, time
sys.path.insert(0, {tests!r})
from stand_ins import Prefixer
from dubkit.backends import registry
from dubkit import cli

class Endless(Prefixer):
    fingerprint = "Prefixer@1"

    def translate(self, *given):
        print("begun", flush=True)
        time.sleep(60)
        yield ()

registry.get = lambda *spec: Endless()
sys.argv = ["dubkit", "serve-backend", "translator", "x", "--port", {port!r}]
cli.main()
"""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_server_that_is_stopped_in_a_call_ends_soon(number: int, code: int, tmp_path: Path) -> None:
    with free_port() as port:
        script = STOPPABLE.format(tests=str(Path(__file__).parents[1]), port=str(port))
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, env=environment)
    try:
        deadline = time.monotonic() + 60
        while not alive(port):
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.05)
        asking = threading.Thread(target=lambda: ask_in_vain(port), daemon=True)
        asking.start()
        assert process.stdout
        assert process.stdout.readline() == b"begun\n"
        began = time.monotonic()
        process.send_signal(number)
        assert process.wait(20) == code
        assert time.monotonic() - began < LEAVE + 4
        asking.join(20)
        assert not asking.is_alive()
        assert list(tmp_path.iterdir()) == []
    finally:
        process.kill()
        process.wait(20)


def ask_in_vain(port: int) -> None:
    with contextlib.suppress(httpx.TransportError):
        httpx.post(
            f"http://127.0.0.1:{port}/v1/call/translate",
            content=pack(asked("a")),
            headers=TYPED,
            trust_env=False,
            timeout=60,
        )


def alive(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


@contextlib.contextmanager
def free_port() -> Iterator[int]:
    """A port that nobody listens at."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    yield port


def test_an_interrupted_command_ends_with_130() -> None:
    with socket.create_server(("127.0.0.1", 0)) as hung:
        url = f"http://127.0.0.1:{hung.getsockname()[1]}"
        command = [sys.executable, "-c", "from dubkit.cli import main; main()", "models", "--profile", "embedded"]
        process = subprocess.Popen(
            [*command, "--set", f"backends.translator=remote:{url}"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        try:
            hung.settimeout(60)
            connection, _ = hung.accept()
            with connection:
                connection.recv(1)
                time.sleep(0.2)
                process.send_signal(signal.SIGINT)
                _, told = process.communicate(timeout=5)
            assert process.returncode == 130
            assert b"Interrupted" in told
        finally:
            process.kill()
            process.wait(20)


class Slow(Prefixer):
    """Translates when it is let, one call at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = threading.Semaphore(0)
        self.go_on = threading.Semaphore(0)
        self.at_once = self.most_at_once = 0

    def translate(
        self, texts: Sequence[str], source: str, target: str, hints: Sequence[Hint] = ()
    ) -> Iterator[tuple[Candidate, ...]]:
        for text in texts:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            self.begun.release()
            assert self.go_on.acquire(timeout=20)
            self.note(text)
            self.at_once -= 1
            yield (Candidate(text=text),)


def test_one_call_is_done_at_a_time_some_wait_and_others_are_sent_away() -> None:
    slow, answers = Slow(), list[httpx.Response]()
    with serving("translator", slow, limits=Limits(max_waiting=1, heartbeat=0.05, retry_after=7)) as server:

        def ask() -> None:
            # The test itself takes the last place for a moment, to see whether there is one.
            while (answer := post(server, "/v1/call/translate", asked("a", fingerprint="Slow@1"))).status_code == 503:
                pass
            answers.append(answer)

        threads = [threading.Thread(target=ask) for _ in range(2)]
        threads[0].start()
        assert slow.begun.acquire(timeout=20)
        threads[1].start()
        deadline = time.monotonic() + 20
        while (full := post(server, "/v1/call/translate", {})).status_code != 503:
            assert time.monotonic() < deadline
        assert full.headers["Retry-After"] == "7"
        # What needs no model is not kept waiting.
        assert post(server, "/v1/call/pairs", {"fingerprint": "Slow@1", "arguments": {}}).status_code == 200
        time.sleep(0.2)
        slow.go_on.release(2)
        for thread in threads:
            thread.join(20)
        assert [a.status_code for a in answers] == [200, 200]
        kinds = [[f["kind"] for f in parcels([a.content])] for a in answers]
        assert all(k[0] == "wait" and k[-2:] == ["result", "end"] for k in kinds)
        assert slow.most_at_once == 1


def test_a_caller_who_has_gone_is_not_worked_for() -> None:
    slow = Slow()
    with serving("translator", slow, limits=Limits(max_waiting=0, heartbeat=0.05)) as server:
        body = pack(asked(*"abcdef", fingerprint="Slow@1"))
        with httpx.stream("POST", f"{server.url}/v1/call/translate", content=body, headers=TYPED, trust_env=False):
            assert slow.begun.acquire(timeout=20)
        time.sleep(0.3)
        slow.go_on.release(6)
        deadline = time.monotonic() + 20
        while post(server, "/v1/call/translate", asked("z", fingerprint="Slow@1")).status_code == 503:
            assert time.monotonic() < deadline
        assert slow.asked == ["a", "z"]


def test_a_stream_gives_the_last_answer_again_and_takes_no_other_order() -> None:
    def pushed(number: int, block: np.ndarray | None) -> httpx.Response:
        content = {"fingerprint": "Halver@1", "number": number, "block": block}
        return post(server, f"/v1/speech/{session}", content)

    def heard(answer: httpx.Response) -> list[np.ndarray]:
        return [f["result"] for f in parcels([answer.content]) if f["kind"] == "result"]

    with serving("separator", Halver(), limits=Limits(max_sessions=1)) as server:
        session = post(server, "/v1/speech", {"fingerprint": "Halver@1"}).json()["session"]
        full = post(server, "/v1/speech", {"fingerprint": "Halver@1"})
        assert (full.status_code, full.headers["Retry-After"]) == (503, "5")
        assert heard(pushed(0, np.ones(50_000, np.float32))) == []
        for _ in range(3):
            (part,) = heard(pushed(1, np.ones(50_000, np.float32)))
            assert (len(part), part[0]) == (30_000, 0.5)
        assert pushed(3, np.ones(5, np.float32)).status_code == 400
        assert pushed(-1, None).status_code == 400
        assert post(server, f"/v1/speech/{session}", {"fingerprint": "Halver@1", "number": "x"}).status_code == 400
        assert [len(p) for p in heard(pushed(2, None))] == [70_000]
        assert httpx.delete(f"{server.url}/v1/speech/{session}", trust_env=False).status_code == 204
        assert pushed(3, None).status_code == 410
        assert post(server, "/v1/speech", {"fingerprint": "Halver@1"}).status_code == 200
        assert server.backend.asked == [50_000, 50_000]


def test_streams_that_nobody_goes_on_with_are_closed() -> None:
    now = 0.0
    n_before = threading.active_count()
    sessions = Sessions(Halver(), threading.Lock(), most=2, idle_seconds=60, clock=lambda: now)
    first, second = sessions.open(), sessions.open()
    with pytest.raises(TooManySessionsError):
        sessions.open()
    now = 50.0
    assert [len(p) for p in sessions.push(second, 0, np.ones(80_000, np.float32))] == [10_000]
    now = 100.0
    third = sessions.open()
    with pytest.raises(UnknownSessionError):
        sessions.check(first, 0)
    with pytest.raises(OutOfOrderError):
        list(sessions.push(third, 1, None))
    sessions.close(second)
    sessions.close(third)
    sessions.close("nobody")
    deadline = time.monotonic() + 20
    while threading.active_count() > n_before:
        assert time.monotonic() < deadline


def test_what_a_stream_holds_does_not_grow() -> None:
    sessions = Sessions(Halver(), threading.Lock(), most=1, idle_seconds=60)
    name, block = sessions.open(), np.ones(40_000, np.float32)
    for number in range(100):
        list(sessions.push(name, number, block))
    (session, _) = sessions._open[name]
    assert sum(len(part) for part in session._last) == len(block)
    assert session._blocks.empty()
    assert session._ready.empty()
    sessions.close(name)


@pytest.mark.parametrize(
    "head",
    [
        b'{"content": {"array": 0}, "arrays": [{"dtype": "|O", "shape": [1]}], "sounds": []}',
        b'{"content": {"array": 0}, "arrays": [{"dtype": "<f4", "shape": [-1]}], "sounds": []}',
        b'{"content": {"array": 0}, "arrays": [{"dtype": "<f4", "shape": [1000000, 1000000]}], "sounds": []}',
        b'{"content": {"array": 7}, "arrays": [], "sounds": []}',
        b'{"content": 1, "arrays": []}',
        b"[" * 100_000,
        *(
            b'{"content": 1, "arrays": [{"dtype": "<f4", "shape": [1]}], "sounds": [{"array": 0, "sample_rate": %s}]}'
            % rate
            for rate in (b"0", b"-1", b"1e300", b"99999999999999999999", b'"16000"', b"true", b"null")
        ),
        b'{"content": 1, "arrays": [{"dtype": "<f4", "shape": [1, 1, 1]}], "sounds": [{"array": 0, "sample_rate": 9}]}',
    ],
)
def test_harmful_parcels_are_refused(head: bytes, tmp_path: Path) -> None:
    with pytest.raises(WireError):
        list(parcels([len(head).to_bytes(4, "little") + head + bytes(4)], tmp_path))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", [np.zeros(3, np.int16), object(), {"x": {1: b"bytes"}}])
def test_what_has_no_form_on_the_wire_is_not_sent(value: Any) -> None:
    with pytest.raises(TypeError):
        pack(value)


def test_arrays_come_through_unchanged() -> None:
    arrays = [np.array([[1, np.nan], [np.inf, -0.0]], "<f8"), np.zeros(0, np.float32), np.arange(6, dtype=">f4")[::2]]
    (found,) = parcels([pack({"array": arrays, "x": {"array": {"array": arrays[1]}}})])
    for a, b in zip(arrays, found["array"], strict=True):
        assert np.array_equal(a, b, equal_nan=True)
        assert (a.shape, a.dtype.itemsize) == (b.shape, b.dtype.itemsize)
        assert b.flags.writeable
    assert len(found["x"]["array"]["array"]) == 0
    with pytest.raises(WireError, match="end of a parcel"):
        list(parcels([pack(arrays)[:-1]]))


def test_the_command_serves_until_it_is_killed_and_again_afterwards() -> None:
    with free_port() as port:
        pass
    command = [sys.executable, "-c", "from dubkit.cli import main; main()"]
    command += ["serve-backend", "translator", "bergamot", "--port", str(port)]
    running: list[subprocess.Popen[bytes]] = []

    def start(seconds: float = 0) -> None:
        running.append(subprocess.Popen(command))
        deadline = time.monotonic() + 60
        while not alive(port):
            assert time.monotonic() < deadline
            assert running[-1].poll() is None
            time.sleep(0.05)

    try:
        start()
        far = RemoteTranslator(f"http://127.0.0.1:{port}", Compute(), start)
        texts = [f"I have {n} good books." for n in range(300)]
        said = far.translate(texts, "en", "pt")
        first = next(said)
        os.kill(running[0].pid, signal.SIGKILL)
        running[0].wait(20)
        # More than one request, each of which goes through Bergamot's engine: it crashes in a second thread.
        heard = [first, *said]
        assert len(running) == 2
        assert running[1].poll() is None
        assert len(heard) == len(texts)
        assert heard[::50] == list(registry.get("translator", "bergamot").translate(texts[::50], "en", "pt"))
    finally:
        for process in running:
            process.kill()
            process.wait(20)


def test_the_transcriber_is_served_with_its_languages() -> None:
    with serving("transcriber", ToneTranscriber()) as server:
        answer = post(server, "/v1/call/languages", {"fingerprint": "ToneTranscriber@1", "arguments": {}})
        result, end = parcels([answer.content])
        assert sorted(result["result"]) == ["en", "es"]
        assert end == {"kind": "end"}

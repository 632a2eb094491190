import contextlib
import json
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest
from misbehaving_llm import (
    KEY,
    NOW,
    TOKENS,
    Asked,
    Reply,
    Server,
    Step,
    all_but,
    answer,
    asking,
    changed,
    cut_off,
    endless,
    failing,
    full,
    hanging,
    only_key,
    proper,
    refusing_forms,
    said,
    saying,
    serving,
)

from dubkit.backends.llm import client as llm_client
from dubkit.backends.llm.client import TRIES
from dubkit.backends.llm.translator import BATCH
from dubkit.errors import BadInput, DubkitError, MissingModel, StageFailed


class Listing(BaseHTTPRequestHandler):
    """Answers every GET with its status, and notes path and key."""

    status = 200
    promised = 0
    """Bytes of an answer that never comes."""
    asked: ClassVar[list[tuple[str, str | None]]]
    url: ClassVar[str]

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers["Authorization"]))
        self.send_response(self.status)
        self.send_header("Content-Length", str(self.promised))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextlib.contextmanager
def listing(status: int, promised: int = 0) -> Iterator[type[Listing]]:
    """A server that is asked for its models."""
    handler = type("Handler", (Listing,), {"status": status, "promised": promised, "asked": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as listening:
        handler.url = f"http://127.0.0.1:{listening.server_address[1]}/v1"
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield handler
        finally:
            listening.shutdown()
            thread.join()


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    only_key(monkeypatch)


def test_waits_as_long_as_the_server_says() -> None:
    slept: list[float] = []
    date = format_datetime(NOW.replace(second=25), usegmt=True)
    busy = [failing(429, headers={"Retry-After": after}) for after in ("7", date, "soon")]
    with serving(*busy) as server:
        llm = asking(server, slept=slept)
        assert said(llm, ["Hi."]) == [full("Hi.")]
    assert slept == [7.0, 25.0, 4.0]
    assert llm.usage["requests"] == 4 == len(server.requests)
    assert len({r.raw for r in server.requests}) == 1


PASSING: dict[str, Step] = {
    "500": failing(500, "oops"),
    "503": failing(503),
    "cut off": cut_off,
    "no completion": lambda asked: Reply(body="{}"),
    "an error with status 200": lambda asked: Reply(body='{"error": {"message": "upstream", "code": 502}}'),
    "half of the JSON": lambda asked: Reply(body=proper(asked).body[:40]),
}


@pytest.mark.parametrize("name", PASSING)
def test_what_may_pass_is_tried_again(name: str) -> None:
    slept: list[float] = []
    with serving(PASSING[name], PASSING[name]) as server:
        assert said(asking(server, slept=slept), ["Hi."]) == [full("Hi.")]
    assert slept == [1.0, 2.0]
    assert len(server.requests) == 3


def test_a_server_that_says_nothing_is_asked_again() -> None:
    slept: list[float] = []
    with serving(hanging) as server:
        assert said(asking(server, slept=slept, answer_seconds=0.3), ["Hi."]) == [full("Hi.")]
    assert slept == [1.0]


def test_an_answer_without_end_is_not_waited_for() -> None:
    slept: list[float] = []
    with serving(endless) as server:
        assert said(asking(server, slept=slept, answer_seconds=0.3), ["Hi."]) == [full("Hi.")]
    assert slept == [1.0]


def test_an_answer_beyond_measure_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llm_client, "LARGEST_ANSWER", 2000)
    slept: list[float] = []
    with serving(lambda asked: Reply(body=proper(asked).body + " " * 2000)) as server:
        assert said(asking(server, slept=slept), ["Hi."]) == [full("Hi.")]
    assert slept == [1.0]


def test_a_server_that_stays_broken_fails_the_stage() -> None:
    slept: list[float] = []
    with (
        serving(proper, always=failing(502, "bad gateway")) as server,
        pytest.raises(StageFailed, match=r"gave no answer; tries: 6.*502.*bad gateway.*Finished lines are kept"),
    ):
        results = asking(server, slept=slept).translate([f"{n}" for n in range(BATCH + 1)], "en", "pt")
        assert len([next(results) for _ in range(BATCH)]) == BATCH
        next(results)
    assert slept == [1.0, 2.0, 4.0, 8.0, 16.0]
    assert len(server.requests) == 1 + TRIES


def test_a_server_that_asks_to_wait_for_hours_is_not_waited_for() -> None:
    slept: list[float] = []
    with (
        serving(failing(429, "quota", {"Retry-After": "86400"})) as server,
        pytest.raises(StageFailed, match=r"tries: 1.*quota.*come again in 86400 seconds"),
    ):
        said(asking(server, slept=slept), ["Hi."])
    assert slept == []


def test_a_server_that_is_not_there_is_named() -> None:
    slept: list[float] = []
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = Server(f"http://127.0.0.1:{free.getsockname()[1]}/v1")
    with pytest.raises(MissingModel, match=rf"qwen3:32b at {nobody.url} cannot be reached.*Start it"):
        said(asking(nobody, slept=slept), ["Hi."])
    assert len(slept) == TRIES - 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_names_the_variable(status: int) -> None:
    slept: list[float] = []
    with (
        serving(failing(status, f"Incorrect API key provided: {KEY}")) as server,
        pytest.raises(
            MissingModel,
            match=rf"refused the key \(status {status}\).*variable DUBKIT_LLM_KEY to a key.*"
            r"OPENAI_API_KEY goes to https://api\.openai\.com only\.",
        ) as raised,
    ):
        said(asking(server, slept=slept), ["Hi."])
    assert (slept, len(server.requests)) == ([], 1)
    # OpenAI's own words hold the beginning and the end of the key.
    assert ("Incorrect" in str(raised.value)) == (status == 403)


def test_a_missing_key_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DUBKIT_LLM_KEY")
    with serving(failing(401)) as server, pytest.raises(MissingModel, match=r"wants a key, and there is none"):
        said(asking(server), ["Hi."])


def test_an_unknown_model_is_named_with_its_address() -> None:
    with serving(failing(404, "try pulling it first")) as server:
        wanted = rf"{server.url} knows no model 'qwen3:32b'.*It says: try pulling it first"
        with pytest.raises(BadInput, match=wanted):
            said(asking(server), ["Hi."])


@pytest.mark.parametrize("status", [200, 204, 404, 405, 429, 500])
def test_a_check_asks_once_for_the_models_and_minds_no_other_answer(status: int) -> None:
    with listing(status) as seen:
        asking(Server(seen.url)).check()
    assert seen.asked == [("/v1/models", f"Bearer {KEY}")]


def test_a_check_does_not_wait_for_a_long_list() -> None:
    with listing(200, promised=1000) as seen:
        asking(Server(seen.url)).check()
    assert len(seen.asked) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_check_tells_of_a_refused_key(status: int) -> None:
    with (
        listing(status) as seen,
        pytest.raises(MissingModel, match=rf"refused the key \(status {status}\).*DUBKIT_LLM_KEY") as raised,
    ):
        asking(Server(seen.url)).check()
    assert KEY not in str(raised.value)
    assert len(seen.asked) == 1


def test_a_check_tells_of_a_server_that_is_not_there_or_silent() -> None:
    slept: list[float] = []
    # It takes connections, and answers nobody.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        with pytest.raises(MissingModel, match=r"cannot be reached \(no answer in time\)\. Start it"):
            asking(Server(url), slept=slept, answer_seconds=0.2).check()
    with pytest.raises(MissingModel, match=rf"qwen3:32b at {url} cannot be reached .*Start it"):
        asking(Server(url), slept=slept).check()
    assert slept == []


def test_a_redirect_is_not_followed() -> None:
    with (
        serving(lambda asked: Reply(307, headers={"Location": "/elsewhere"})) as server,
        pytest.raises(StageFailed, match=r"status 307.*Check its address"),
    ):
        said(asking(server), ["Hi."])
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("refused", "forms"),
    [
        (("json_schema",), ["json_schema", "json_object", "json_object"]),
        (("json_schema", "json_object"), ["json_schema", "json_object", "none", "none"]),
    ],
)
def test_a_server_without_forms_is_asked_for_less_and_not_again(refused: tuple[str, ...], forms: list[str]) -> None:
    slept: list[float] = []
    with serving(always=refusing_forms(*refused)) as server:
        llm = asking(server, slept=slept)
        assert said(llm, ["Hi."]) == said(llm, ["Hi."])
    assert [r.form for r in server.requests] == forms
    assert slept == []


def test_options_that_a_model_does_not_know_are_left_out() -> None:
    def particular(asked: Asked) -> Reply:
        if "temperature" in asked.body:
            return failing(400, "Unsupported value: 'temperature' does not support 0.", param="temperature")(asked)
        if "seed" in asked.body:
            return Reply(422, '{"detail": [{"type": "extra_forbidden", "loc": ["body", "seed"]}]}')
        return proper(asked)

    with serving(always=particular) as server:
        llm = asking(server)
        assert said(llm, ["Hi."]) == said(llm, ["Hi."]) == [full("Hi.")]
    assert [sorted({"temperature", "seed"} & set(r.body)) for r in server.requests] == [
        ["seed", "temperature"],
        ["seed"],
        [],
        [],
    ]
    assert {r.form for r in server.requests} == {"json_schema"}


def test_a_line_that_a_server_will_not_hear_fails_alone() -> None:
    def prim(asked: Asked) -> Reply:
        return failing(400, "content filter")(asked) if "Damn" in asked.raw else proper(asked)

    with serving(always=prim) as server:
        llm = asking(server)
        assert said(llm, ["Damn!", "Two.", "Three."]) == [[], full("Two."), full("Three.")]
        assert said(llm, ["Damn!"]) == [[]]
    # What a text made it refuse does not change how the next is asked.
    assert [r.form for r in server.requests if "Damn" not in r.raw] == ["json_schema", "json_schema"]


def test_a_server_that_refuses_everything_is_not_asked_for_every_line() -> None:
    with (
        serving(always=failing(400, "the context window is 0 tokens")) as server,
        pytest.raises(BadInput, match=r"refuses what it is asked. It says: the context window is 0 tokens"),
    ):
        said(asking(server), [f"{n}" for n in range(30)])
    assert len(server.requests) == 3 * 3


def test_what_was_used_is_counted_anew_for_each_translation() -> None:
    with serving(failing(500), changed(all_but(2))) as server:
        llm = asking(server, "?price_in=0.15&price_out=0.60")
        said(llm, ["One.", "Two."])
        assert llm.usage == {
            "requests": 3,
            "prompt_tokens": 200,
            "completion_tokens": 40,
            "dollars": pytest.approx(2 * (100 * 0.15 + 20 * 0.60) / 1e6),
            "failed_lines": 0,
        }
        said(llm, ["One."])
        assert (llm.usage["requests"], llm.usage["prompt_tokens"]) == (1, 100)
        assert llm.usage["dollars"] == pytest.approx(27e-6)


def test_dollars_are_told_only_where_they_are_known() -> None:
    def costing(usage: dict[str, object]) -> Step:
        return lambda asked: saying(json.dumps(answer(asked)), usage)

    odd = {"prompt_tokens": "many", "completion_tokens": -3, "cost": float("nan")}
    with serving(proper, costing({**TOKENS, "cost": 0.25}), costing(odd), costing({"prompt_tokens": None})) as server:
        llm = asking(server)
        said(llm, ["Hi."])
        assert "dollars" not in llm.usage
        priced = asking(server, "?price_in=1000")
        said(priced, ["Hi."])
        assert priced.usage["dollars"] == 0.25
        said(llm, ["Hi."])
        assert llm.usage == {"requests": 1, "prompt_tokens": 0, "completion_tokens": 0, "failed_lines": 0}
        said(llm, ["Hi."])
        assert llm.usage["prompt_tokens"] == 0


@pytest.fixture
def echoing() -> Iterator[Callable[[int], Server]]:
    """Servers that say back all that they were told, the key included."""

    def step(status: int) -> Step:
        def echo(asked: Asked) -> Reply:
            return failing(status, f"You sent {asked.headers['authorization']}, that is {KEY[:10]}*****{KEY[-4:]}")(
                asked
            )

        return echo

    with contextlib.ExitStack() as stack:
        yield lambda status: stack.enter_context(serving(always=step(status)))


@pytest.mark.parametrize("status", [302, 400, 401, 403, 404, 418, 429, 500])
def test_the_key_is_in_no_message_repr_or_log(
    status: int, echoing: Callable[[int], Server], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    llm = asking(echoing(status))
    with pytest.raises(DubkitError) as raised:
        said(llm, ["Hi."])
    error: BaseException | None = raised.value
    seen = [caplog.text, repr(llm), repr(vars(llm)), repr(llm._client.endpoint), llm.fingerprint, str(llm.models())]
    while error is not None:
        seen += [str(error), repr(error), repr(vars(error))]
        error = error.__cause__
    # Beginning and end of it are as bad as the whole.
    assert not [text for text in seen if KEY[:10] in text or KEY[-4:] in text]


def test_a_key_with_impossible_signs_is_refused_unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUBKIT_LLM_KEY", "sk-a\nb")
    with serving() as server, pytest.raises(MissingModel, match=r"DUBKIT_LLM_KEY holds") as raised:
        said(asking(server), ["Hi."])
    assert "sk-a" not in str(raised.value)
    assert server.requests == []

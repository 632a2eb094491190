"""A small server that speaks OpenAI's chat completions, properly or, as scripted, in all the ways that servers go wrong.

``with serving(step, ...) as server`` gives each request to the next step; after the last, and with none, it translates.
Every request that came is in ``server.requests``. ``asking(server)`` is the translator that talks to it and never sleeps.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from dubkit.backends.llm.client import Client
from dubkit.backends.llm.endpoint import Endpoint
from dubkit.backends.llm.translator import Llm
from dubkit.backends.protocols import Hint

KEY = "sk-test-1234567890abcdef"
NOW = datetime(2025, 3, 1, 12, 0, tzinfo=UTC)
TOKENS = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}


@dataclass(frozen=True)
class Asked:
    """A request as the server saw it."""

    path: str
    headers: dict[str, str]
    raw: str

    @property
    def body(self) -> dict[str, Any]:
        return json.loads(self.raw)

    @property
    def user(self) -> dict[str, Any]:
        """The JSON object inside the user's message."""
        return json.loads(self.body["messages"][1]["content"])

    @property
    def lines(self) -> list[dict[str, Any]]:
        return self.user["lines"]

    @property
    def form(self) -> str:
        return self.body.get("response_format", {}).get("type", "none")


@dataclass(frozen=True)
class Reply:
    """What goes back. ``cut`` closes the connection after half the body; ``hang`` says nothing until the test is over, and
    ``endless`` goes on with blanks until then.
    """

    status: int = 200
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False
    hang: bool = False
    endless: bool = False


Step = Callable[[Asked], Reply]


def translated(line: dict[str, Any]) -> list[str]:
    """Three candidates that tell which line they are of, ever shorter."""
    text = " ".join([line["text"], *line.get("must_contain", ())])
    return [f"<{text}> como se diz", f"<{text}> curto", f"<{text}>"]


def answer(asked: Asked) -> dict[str, Any]:
    """The proper answer to a request."""
    return {"lines": [{"id": line["id"], "candidates": translated(line)} for line in asked.lines]}


def saying(content: object, usage: Mapping[str, Any] = TOKENS) -> Reply:
    """A chat completion that holds these words."""
    message = {"role": "assistant", "content": content}
    return Reply(body=json.dumps({"choices": [{"index": 0, "message": message}], "usage": usage}))


def proper(asked: Asked) -> Reply:
    """What a good model does."""
    return saying(json.dumps(answer(asked)))


def changed(change: Callable[[list[dict[str, Any]]], object]) -> Step:
    """A proper answer whose lines were changed in place before they were sent."""

    def step(asked: Asked) -> Reply:
        made = answer(asked)
        change(made["lines"])
        return saying(json.dumps(made))

    return step


def all_but(*ids: int) -> Callable[[list[dict[str, Any]]], object]:
    """A change that leaves lines out."""

    def change(lines: list[dict[str, Any]]) -> None:
        lines[:] = [line for line in lines if line["id"] not in ids]

    return change


def worded(change: Callable[[str], str]) -> Step:
    """A proper answer whose text was changed before it was sent."""
    return lambda asked: saying(change(json.dumps(answer(asked))))


def failing(status: int, message: str = "", headers: Mapping[str, str] | None = None, **error: str) -> Step:
    """An error as OpenAI words it."""
    body = json.dumps({"error": {"message": message, "type": "error", **error}})
    return lambda asked: Reply(status, body, headers or {})


def cut_off(asked: Asked) -> Reply:
    """A proper answer, of which half arrives."""
    return Reply(body=proper(asked).body, cut=True)


def hanging(asked: Asked) -> Reply:
    return Reply(hang=True)


def endless(asked: Asked) -> Reply:
    return Reply(endless=True, headers={"Content-Length": "1000000000"})


def refusing_forms(*refused: str) -> Step:
    """Good, but knows no such ``response_format``."""

    def step(asked: Asked) -> Reply:
        return failing(400, f"Unknown response_format: {asked.form}")(asked) if asked.form in refused else proper(asked)

    return step


@dataclass
class Server:
    """Where it listens, and what it was asked."""

    url: str
    requests: list[Asked] = field(default_factory=list)


@contextlib.contextmanager
def serving(*steps: Step, always: Step = proper) -> Iterator[Server]:
    """A server on this machine; `always` answers what comes after the last step."""
    script, over = iter(steps), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"])).decode()
            asked = Asked(self.path, {name.lower(): value for name, value in self.headers.items()}, raw)
            server.requests.append(asked)
            reply = next(script, always)(asked)
            if reply.hang:
                over.wait(10)
                return
            content = reply.body.encode()
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(content)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if reply.cut else content)
            with contextlib.suppress(OSError):
                for _ in range(500 if reply.endless else 0):
                    self.wfile.write(b" ")
                    over.wait(0.02)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        server = Server(f"http://127.0.0.1:{listening.server_address[1]}/v1")
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            over.set()
            listening.shutdown()
            thread.join()


def asking(server: Server, query: str = "", slept: list[float] | None = None, answer_seconds: float = 5.0) -> Llm:
    """A translator of this server for which it is noon; how long it would have slept is added to `slept`."""
    endpoint = Endpoint.parse(f"qwen3:32b@{server.url}{query}")
    return Llm(Client(endpoint, [].append if slept is None else slept.append, NOW.timestamp, answer_seconds))


def said(llm: Llm, texts: list[str], hints: list[Hint] | tuple[()] = ()) -> list[list[str]]:
    """The candidates of each text from English to Portuguese."""
    return [[c.text for c in candidates] for candidates in llm.translate(texts, "en", "pt", hints)]


def full(text: str) -> list[str]:
    """What the server's proper answer gives for a line without terms."""
    return translated({"text": text})


def only_key(monkeypatch: pytest.MonkeyPatch, key: str | None = KEY) -> None:
    """An environment with this key, or none, and no proxy."""
    for name in ("DUBKIT_LLM_KEY", "OPENAI_API_KEY", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    if key is not None:
        monkeypatch.setenv("DUBKIT_LLM_KEY", key)

"""What the service tells while it runs: one line an event on stderr, without secrets; JSON, or short where that is a terminal.

Modules log with the standard library (``logging.getLogger(__name__)``, values in ``extra``); :func:`configure` is called by
processes of the service alone, so that dubkit as a library stays silent. What :func:`bound` binds is in every line of a block:
the correlation id of a request is so found again in its job, its stages and their calls of ffmpeg.
"""

from __future__ import annotations

import logging
import re
import sys
import time
import uuid
from contextlib import AbstractContextManager
from datetime import datetime
from typing import IO, Any

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dubkit.progress import Event

log = logging.getLogger(__name__)

REQUEST_ID = "X-Request-ID"
SANE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")
SECRET_NAMES = re.compile(r"authorization|cookie|api[-_]?key|^key$|password|secret|token|signature", re.IGNORECASE)
SECRETS = (
    # API keys: what comes before the second underscore tells whose it is, and opens nothing.
    (re.compile(r"\b(dk_[A-Za-z0-9]{1,16}_)[A-Za-z0-9_-]+"), r"\1***"),
    (re.compile(r"\b(Bearer|Basic)\s+[^\s\"',]+", re.IGNORECASE), r"\1 ***"),
    (re.compile(r"(\w://[^/\s:@\"]*:)[^/\s@\"]+@"), r"\1***@"),
    (re.compile(r"(/files/)[^/\s?\"]+"), r"\1***"),
    (
        re.compile(r"([?&](?:x-amz-[a-z-]+|signature|token|key|api_key|password|secret)=)[^&\s\"]+", re.IGNORECASE),
        r"\1***",
    ),
)
"""What is hidden wherever it stands in a line, also in the text of an error."""

QUIET = {
    "uvicorn.access": logging.ERROR,
    "httpx": logging.WARNING,
    "alembic": logging.WARNING,
    "multipart": logging.WARNING,
}
"""The least level of loggers that tell more than is of use, or what is told here already."""

WATCHED = ("/health", "/metrics")
"""Paths that monitors ask for again and again: told at DEBUG alone."""

SHORT = ("logger", "correlation", "worker")
"""What lines for people leave out."""


def configure(level: str = "INFO", stream: IO[str] | None = None, form: str = "") -> None:
    """Let every logger of this process write lines. May be called again.

    Parameters
    ----------
    level : str
        The least that is told.
    stream : file, optional
        Where to; by default stderr.
    form : str
        ``json`` for programs; ``text`` for people, who hear of requests only where these were refused. Empty for ``text`` where
        the stream is a terminal, else ``json``.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    is_text = form == "text" if form else handler.stream.isatty()
    if is_text:
        handler.addFilter(_is_for_people)
    rendered: structlog.types.Processor = (
        _for_people if is_text else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    stamped: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
    ]
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=stamped,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.StackInfoRenderer(),
                structlog.processors.format_exc_info,
                _fit_to_tell,
                rendered,
                lambda logger, name, line: hidden(str(line)),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.captureWarnings(True)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        server = logging.getLogger(name)
        server.handlers.clear()
        # What another server in this process was told to leave out, this one would leave out too.
        server.setLevel(logging.NOTSET)
        server.addFilter(_is_news)
        server.propagate = True
    for name, least in QUIET.items():
        logging.getLogger(name).setLevel(max(least, root.level))


def bound(**values: str | int) -> AbstractContextManager[None]:
    """In a with block, put values into every line that is logged, such as ``correlation``, ``job``, ``stage``, ``worker``.

    A thread that is started in the block logs them too if it runs in ``contextvars.copy_context()``.
    """
    return structlog.contextvars.bound_contextvars(**values)


def correlation() -> str:
    """The id of the request that is being answered, or of the job that is being done; empty where there is none."""
    return str(structlog.contextvars.get_contextvars().get("correlation", ""))


def follow(event: Event) -> None:
    """Observe a run: a line when a stage begins, ends or warns, and its name in all that is logged in between."""
    if event.status == "progress":
        return
    structlog.contextvars.bind_contextvars(stage=event.stage)
    level = logging.WARNING if event.status in ("warning", "failed") else logging.INFO
    extra = {"note": event.note} if event.note else {"seconds": round(event.seconds, 3)}
    log.log(level, "stage %s", event.status, extra=extra)
    if event.status in ("done", "reused", "failed"):
        structlog.contextvars.unbind_contextvars("stage")


def hidden(text: str) -> str:
    """A text without keys, signed links and passwords."""
    for pattern, shown in SECRETS:
        text = pattern.sub(shown, text)
    return text


def _is_news(record: logging.LogRecord) -> bool:
    """The server tells of WebSockets at their beginning, with their queries; here they are told at their end."""
    return "WebSocket" not in str(record.msg) and record.msg not in ("connection open", "connection closed")


def _fit_to_tell(logger: Any, name: str, values: structlog.types.EventDict) -> structlog.types.EventDict:
    # What the server tells in colours it has told without them, too.
    return {name: value for name, value in values.items() if not SECRET_NAMES.search(name) and name != "color_message"}


def _is_for_people(record: logging.LogRecord) -> bool:
    if record.msg == "request":
        return int(getattr(record, "status", 400)) >= 400
    return record.name != "uvicorn.error" or record.levelno > logging.INFO


def _for_people(logger: Any, name: str, values: structlog.types.EventDict) -> str:
    """A short line in local time. Nothing in it moves the cursor or changes colours, whatever a request brought."""
    at = datetime.fromisoformat(values.pop("time")).astimezone()
    level, event, failure = values.pop("level"), values.pop("event"), values.pop("exception", "")
    said = "" if level in ("info", "debug") else f"{level}: "
    facts = "".join(f"  {key}={_printable(str(value))}" for key, value in values.items() if key not in SHORT)
    below = "".join(f"\n    {_printable(line)}" for line in failure.splitlines())
    return f"{at:%H:%M:%S}  {said}{_printable(event)}{facts}{below}"


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)


class Correlated:
    """ASGI middleware: an id for every request, in its answer, and one line about each when it is over.

    The id is the one in ``X-Request-ID`` if that is 8 to 64 letters, digits, dots, dashes and underscores, else a new one. The
    application finds it in the scope, as ``correlation``, and may put an ``owner`` into the request's state, who is told then.
    It belongs outside of all others.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get(REQUEST_ID, "")
        id = given if SANE_ID.fullmatch(given) else uuid.uuid4().hex
        # Not undone at the end: the server, which answers each request in a task of its own, tells of a failure after it.
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(correlation=id)
        scope["correlation"] = id
        scope.setdefault("state", {})
        begun, status = time.perf_counter(), 500

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] in ("http.response.start", "websocket.accept", "websocket.http.response.start"):
                status = message.get("status", 101)
                MutableHeaders(scope=message)[REQUEST_ID] = id
            elif message["type"] == "websocket.close" and status == 500:
                status = 403
            await send(message)

        try:
            await self.app(scope, receive, answer)
        finally:
            _tell(scope, status, time.perf_counter() - begun)


def _tell(scope: Scope, status: int, seconds: float) -> None:
    """The line about a request. Its query is left out: it may hold anything."""
    said: dict[str, Any] = {
        "method": scope.get("method", "WS"),
        "path": scope["path"],
        "status": status,
        "ms": round(1000 * seconds, 1),
    }
    if owner := scope["state"].get("owner"):
        said["owner"] = owner
    level = logging.DEBUG if scope["path"] in WATCHED and status < 400 else logging.INFO
    log.log(level, "request", extra=said)

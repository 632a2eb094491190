"""Errors as the API tells them: problem documents (RFC 9457) of a stable type, without anything of the server's innards."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dubkit.database import DatabaseAway
from dubkit.errors import BadInput, DubkitError, MissingModel, OutOfSpace, UnsupportedPair
from dubkit.service.access.limits import TooMany
from dubkit.service.access.signing import BadLink
from dubkit.service.films.arrival import Empty, NotAFilm, TooLarge
from dubkit.service.films.inspection import TooLong
from dubkit.service.films.intake import NotOffered
from dubkit.service.films.sending import BadChecksum, Busy
from dubkit.service.films.uploads import NoSuchUpload, TooManyOpen, Unfinished, WrongOffset
from dubkit.service.jobs.job import Conflict, NoSuchJob, TooManyWaiting
from dubkit.service.storage import NoSuchFile, StorageAway
from dubkit.service.watching import logs

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
TYPES = "urn:dubkit:problem:"
FILES = "/api/v1/files/"

KINDS: dict[str, tuple[int, str]] = {
    "unreadable": (400, "The request cannot be read"),
    "empty": (400, "There is nothing in the file"),
    "no-key": (401, "A key is needed"),
    "wrong-key": (401, "This key does not open anything"),
    "foreign-page": (403, "Another site's page may not ask for this"),
    "wrong-link": (403, "This link is not one of this service"),
    "not-found": (404, "There is nothing here"),
    "not-offered": (404, "This service does not offer that"),
    "no-such-job": (404, "There is no such job"),
    "no-such-upload": (404, "There is no such upload"),
    "wrong-method": (405, "This cannot be asked for in this way"),
    "too-slow": (408, "The request did not go on"),
    "conflict": (409, "The job is not in a state for this"),
    "wrong-offset": (409, "The upload goes on from another place"),
    "expired-link": (410, "This link has run out"),
    "stale": (412, "Somebody else was faster"),
    "wrong-protocol": (412, "This version of the upload protocol is not spoken here"),
    "too-large": (413, "This is too large"),
    "not-a-film": (415, "This is not a video that can be dubbed"),
    "wrong-media-type": (415, "The request's content is of the wrong type"),
    "unsatisfiable-range": (416, "The file has no such part"),
    "wrong-host": (421, "This server does not go by that name"),
    "bad-input": (422, "This cannot be done"),
    "invalid": (422, "The request does not fit"),
    "too-long": (422, "The video is too long"),
    "unsupported-pair": (422, "These languages cannot be dubbed"),
    "busy-upload": (423, "The upload is being written to"),
    "no-revision": (428, "Say which revision is changed"),
    "too-many-requests": (429, "That was too much at once"),
    "wrong-checksum": (460, "The data changed on the way"),
    "failed": (500, "Something went wrong here"),
    "away": (503, "The service is away for a moment"),
    "no-room": (507, "There is no room left"),
}
"""By the last part of a problem's type: its status and title."""

CLASSES: dict[type[BaseException], str] = {
    BadChecksum: "wrong-checksum",
    Busy: "busy-upload",
    Conflict: "conflict",
    DatabaseAway: "away",
    Empty: "empty",
    MissingModel: "away",
    NoSuchFile: "not-found",
    NoSuchJob: "no-such-job",
    NoSuchUpload: "no-such-upload",
    NotAFilm: "not-a-film",
    NotOffered: "not-offered",
    OutOfSpace: "no-room",
    StorageAway: "away",
    TooLarge: "too-large",
    TooLong: "too-long",
    TooMany: "too-many-requests",
    TooManyOpen: "too-many-requests",
    TooManyWaiting: "too-many-requests",
    Unfinished: "conflict",
    UnsupportedPair: "unsupported-pair",
    WrongOffset: "wrong-offset",
    BadInput: "bad-input",
    DubkitError: "failed",
}
"""What kind of problem an error is; a class that is not here is what its base class is."""

SAID = {
    "not-found": "It is not kept here any more.",
    "failed": "It was not your fault. Try again; if it happens again, tell the operator the request's number.",
    "away": "What this needs does not answer just now. Nothing is lost: try again in a few seconds.",
    "no-room": "This server has no room for it just now. Try again later, or tell the operator.",
}
"""Told in place of errors whose own words are for the operator."""

PLAIN = {400: "unreadable", 413: "too-large", 416: "unsatisfiable-range"}
"""By status: the kinds of what the framework itself refuses."""

RETRY_AFTER = {"away": "5", "no-room": "300"}
"""Seconds."""


class Refusal(Exception):
    """What the API itself refuses.

    Parameters
    ----------
    kind : str
        One of :data:`KINDS`.
    detail : str
    **headers
        Of the answer; underscores stand for hyphens.
    """

    def __init__(self, kind: str, detail: str, **headers: str) -> None:
        super().__init__(detail)
        self.kind, self.detail = kind, detail
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def kind_of(error: BaseException) -> str:
    """What kind of problem an error is."""
    if isinstance(error, Refusal):
        return error.kind
    if isinstance(error, BadLink):
        return f"{error.reason}-link"
    return next((CLASSES[c] for c in type(error).__mro__ if c in CLASSES), "failed")


def document(kind: str, detail: str, scope: Scope, **more: Any) -> dict[str, Any]:
    """The problem document of a request."""
    status, title = KINDS[kind]
    told = {"type": TYPES + kind, "title": title, "status": status, "detail": detail, "instance": _instance(scope)}
    return {**told, "request_id": logs.correlation(), **more}


def problem(kind: str, detail: str, scope: Scope, headers: Mapping[str, str] | None = None, **more: Any) -> Response:
    """The answer to a request that cannot be done."""
    body = document(kind, detail, scope, **more)
    waits = {"Retry-After": RETRY_AFTER[kind]} if kind in RETRY_AFTER else {}
    told = {"Cache-Control": "no-store", logs.REQUEST_ID: body["request_id"], **waits, **(headers or {})}
    content = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
    return Response(content, body["status"], told, MEDIA_TYPE)


def answer(error: BaseException, scope: Scope) -> Response:
    """The answer for an error; one that nobody foresaw is logged."""
    kind = "invalid" if isinstance(error, RequestValidationError) else kind_of(error)
    if kind == "failed":
        log.error("A request failed.", exc_info=error)
    elif kind in RETRY_AFTER:
        log.warning("A request could not be answered: %s", error)
    if isinstance(error, RequestValidationError):
        return _invalid(error, scope)
    if isinstance(error, Refusal):
        return problem(kind, error.detail, scope, error.headers)
    return problem(kind, SAID.get(kind, str(error)), scope)


class Documented:
    """ASGI middleware that tells in problem documents what the framework refuses in plain words.

    Parameters
    ----------
    app : ASGIApp
    base : str
        Of the paths that it holds for.
    """

    def __init__(self, app: ASGIApp, base: str) -> None:
        self.app, self.base = app, base

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http" or not scope["path"].startswith(self.base):
            await self.app(scope, receive, send)
            return
        is_told = False

        async def pass_on(message: Message) -> None:
            nonlocal is_told
            if message["type"] == "http.response.start" and message["status"] in PLAIN:
                headers = Headers(raw=message["headers"])
                if is_told := headers.get("content-type", "").startswith("text/plain"):
                    kind = PLAIN[message["status"]]
                    kept = {
                        name: value for name, value in headers.items() if name not in ("content-type", "content-length")
                    }
                    await problem(kind, f"{KINDS[kind][1]}.", scope, kept)(scope, receive, send)
            if not is_told:
                await send(message)

        await self.app(scope, receive, pass_on)


def install(app: FastAPI) -> None:
    """Let an application answer every error with a problem document."""

    async def told(request: Request, error: Exception) -> Response:
        return answer(error, request.scope)

    for kind in (DubkitError, Refusal, RequestValidationError, Exception):
        app.add_exception_handler(kind, told)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(ClientDisconnect, _gone)


def _invalid(error: RequestValidationError, scope: Scope) -> Response:
    wrong = [
        # What was given is not repeated: it may be long, or secret.
        {"where": ".".join(str(part) for part in one["loc"]), "message": str(one["msg"])}
        for one in error.errors()
    ]
    if any(one["type"] == "json_invalid" for one in error.errors()):
        return problem("unreadable", "The body is not JSON.", scope)
    said = "; ".join(f"{one['where']}: {one['message']}" for one in wrong[:5])
    return problem("invalid", f"{said}.", scope, errors=wrong[:50])


async def _http(request: Request, error: Exception) -> Response:
    """What the framework refuses."""
    assert isinstance(error, HTTPException)
    status = error.status_code
    headers = dict(error.headers or {})
    if status == 405:
        headers["Allow"] = ", ".join(allowed(request)) or headers.get("Allow", "")
        if request.method == "OPTIONS":
            return Response(status_code=204, headers=headers)
        said = f"{request.method} is not one of the methods that are here: {headers['Allow']}."
        return problem("wrong-method", said, request.scope, headers)
    if status == 404:
        return problem("not-found", "There is nothing at this address.", request.scope)
    return problem(PLAIN.get(status, "failed"), str(error.detail), request.scope, headers)


async def _gone(request: Request, error: Exception) -> Response:
    """Nobody is there to read this."""
    return problem("unreadable", "The request broke off.", request.scope)


def allowed(request: Request) -> list[str]:
    """The methods that there are at a request's path; none where there is nothing."""
    found: set[str] = set()
    for route in iter_route_contexts(request.app.router.routes):
        if route.methods and route.path_regex.match(request.url.path):
            found |= route.methods
    return sorted(found | {"OPTIONS"} | ({"HEAD"} if "GET" in found else set())) if found else []


def _instance(scope: Scope) -> str:
    """The path that was asked for, without the secret part of a link."""
    path = str(scope.get("path", ""))
    return FILES if path.startswith(FILES) else path

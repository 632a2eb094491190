"""Who is at the page: a session in a cookie where keys are asked for, and what of Gradio's own is open at all."""

from __future__ import annotations

import math
import re
import time
from dataclasses import dataclass
from urllib.parse import parse_qs

import gradio as gr
from anyio.to_thread import run_sync
from fastapi import APIRouter, Request
from starlette.datastructures import MutableHeaders
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dubkit.errors import BadInput
from dubkit.page import look
from dubkit.record import Seconds
from dubkit.service.access.limits import TooMany
from dubkit.service.access.signing import BadLink
from dubkit.service.api.access import address_of
from dubkit.service.api.desk import desk_of
from dubkit.service.api.problems import Refusal
from dubkit.service.jobs.job import LOCAL
from dubkit.service.service import Service

COOKIE = "dubkit_session"
LASTS: Seconds = 7 * 24 * 3600.0
REVOKED_WITHIN: Seconds = 5.0
"""How long a key that was revoked may still be used at the page."""
LONGEST_FORM = 4096
OPEN = re.compile(
    r"/(|config/?|theme\.css|favicon\.ico|robots\.txt|manifest\.json|pwa_icon(/\d+)?|static/.+|assets/.+|svelte/.+"
    r"|gradio_api/(info/?|app_id/?|theme\.css|startup-events|heartbeat/\w+|run/\w+/?|reset/?))"
)
"""What the page needs of Gradio. Its file cache, uploads, proxy and monitoring are closed: films go through the service.

So is its queue, whose answers anybody could read who knows the number of a visit: handlers answer the request that asked.
"""
KEPT = {"Cache-Control": "private, max-age=31536000, immutable"}
"""Of what has its content's digest in its name."""
_ADDRESS = re.compile(r"job=[\w-]{1,64}|films(=[\w-]{1,64})?")


@dataclass(frozen=True)
class _Known:
    """Owners by the id of a key that is not revoked, as they were at a time of the monotonic clock."""

    owners: dict[str, str]
    at: float


class Sessions:
    """Who is at the page, by a cookie that is worth as long as the key that it was given for."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._known = _Known({}, -REVOKED_WITHIN)

    def begin(self, key: str) -> str | None:
        """The token of a new session; None where the key is not one."""
        owner = self.service.keys.owner_of(key)
        if owner is None:
            return None
        return self.service.signer.sign_session(key.split("_")[1], LASTS)

    def owner_of(self, cookies: dict[str, str]) -> str | None:
        """Whose session a request belongs to; everybody's is `LOCAL` where no keys are asked for."""
        if not self.service.config.require_key:
            return LOCAL
        try:
            id = self.service.signer.open_session(cookies.get(COOKIE, ""))
        except BadLink:
            return None
        if time.monotonic() - self._known.at >= REVOKED_WITHIN or id not in self._known.owners:
            keys = self.service.keys.list()
            self._known = _Known({key.id: key.owner for key in keys if not key.revoked}, time.monotonic())
        return self._known.owners.get(id)


async def visitor(request: Request, sessions: Sessions) -> str:
    """Who is at the page.

    Raises
    ------
    Refusal
        If nobody is signed in, and a key is asked for.
    """
    owner = await run_sync(sessions.owner_of, request.cookies)
    if owner is None:
        raise Refusal("no-key", "You are no longer signed in. Reload the page.")
    return owner


def owner_of(request: gr.Request) -> str:
    """Whose request it is that a handler of the page answers.

    Raises
    ------
    BadInput
        If it is nobody's.
    """
    owner = getattr(request.request, "scope", {}).get("dubkit.owner") if request.request else request.username
    if not owner:
        raise BadInput("You are no longer signed in. Reload the page.")
    return str(owner)


class Gate:
    """ASGI middleware around Gradio: nothing but what the page needs, and that just for who is signed in."""

    def __init__(self, app: ASGIApp, sessions: Sessions) -> None:
        self.app = app
        self.sessions = sessions
        self.headers = _headers(sessions.service.config.storage.startswith("s3:"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, send it to the login, or say that there is nothing."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        path = scope["path"].removeprefix(scope.get("root_path", "")) or "/"
        if not OPEN.fullmatch(path):
            await Response("There is nothing here.", 404)(scope, receive, send)
            return
        owner = await run_sync(self.sessions.owner_of, request.cookies)
        if owner is None:
            asked = request.url.query if _ADDRESS.fullmatch(request.url.query) else ""
            login = RedirectResponse(f"/login?{asked}".rstrip("?"), 303)
            await (login if path == "/" else Response("Sign in first.", 401))(scope, receive, send)
            return
        if request.method == "POST" and (refused := await run_sync(self._refused, request, owner)):
            await refused(scope, receive, send)
            return
        scope["dubkit.owner"] = owner
        headers = {**self.headers, **(KEPT if path.startswith("/assets/") else {})}

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(headers)
            await send(message)

        await self.app(scope, receive, sent)

    def _refused(self, request: Request, owner: str) -> Response | None:
        """The answer to who has asked for too much; what loads the page is not counted."""
        service = self.sessions.service
        try:
            service.limiter.admit("request", owner if service.config.require_key else address_of(request))
        except TooMany as error:
            return Response(str(error), 429, {"Retry-After": str(math.ceil(error.after))})
        return None


def signed_in(request: Request) -> str | None:
    """What Gradio takes for the user's name."""
    owner: str | None = request.scope.get("dubkit.owner")
    return owner


def routes(sessions: Sessions) -> APIRouter:
    """Login and logout."""
    router = APIRouter(include_in_schema=False)

    @router.get("/login")
    async def ask(request: Request) -> Response:
        if await run_sync(sessions.owner_of, request.cookies) is not None:
            return RedirectResponse(_home(request.url.query), 303)
        return _form(request.url.query)

    @router.post("/login")
    async def sign_in(request: Request) -> Response:
        desk = desk_of(request)
        try:
            await desk.admit("request", f"login {address_of(request)}")
        except Refusal as error:
            return _form(request.url.query, f"That were too many tries. {error.detail}", 429)
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > LONGEST_FORM:
                return _form(request.url.query, "This is no key.", 413)
        key = parse_qs(body.decode("utf-8", "replace")).get("key", [""])[0].strip()
        token = await desk.quick(sessions.begin, key)
        if token is None:
            told = "This key does not open anything here. Check that it is whole, or ask who runs this service for one."
            return _form(request.url.query, told if key else "Enter your key.", 401)
        answer = RedirectResponse(_home(request.url.query), 303)
        is_https = request.url.scheme == "https"
        answer.set_cookie(COOKIE, token, int(LASTS), path="/", secure=is_https, httponly=True, samesite="lax")
        return answer

    @router.post("/logout")
    async def sign_out() -> Response:
        answer = RedirectResponse("/login", 303)
        answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax")
        return answer

    return router


def _home(query: str) -> str:
    return f"/?{query}" if _ADDRESS.fullmatch(query) else "/"


def _form(query: str, problem: str = "", status: int = 200) -> Response:
    page = look.asset("login.html")
    asked = f"?{query}" if _ADDRESS.fullmatch(query) else ""
    page = page.replace("$asked", asked).replace("$problem", look.problem(problem) if problem else "")
    return HTMLResponse(page, status, {**_headers(False), "Cache-Control": "no-store"})


def _headers(from_bucket: bool) -> dict[str, str]:
    """What keeps the page to itself: it loads nothing from elsewhere, except films where they lie in a bucket."""
    elsewhere = " https: http:" if from_bucket else ""
    policy = (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        f"font-src 'self' data:; img-src 'self' data: blob:{elsewhere}; media-src 'self' blob:{elsewhere}; "
        f"connect-src 'self'{elsewhere}; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
    )
    return {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
    }

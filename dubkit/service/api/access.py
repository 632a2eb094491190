"""Who may ask for what: names of this server, pages of other sites, keys, and how often."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import Depends, Request
from fastapi.routing import APIRoute
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from dubkit.backends.remote.served import loopback
from dubkit.service.api.desk import Desk, desk_of
from dubkit.service.api.problems import Refusal, answer
from dubkit.service.config import Config
from dubkit.service.jobs.job import LOCAL

CHALLENGE = 'Bearer realm="dubkit"'


class Guard:
    """ASGI middleware that turns away what a browser was tricked into asking.

    A service on this machine is open to all that runs here, and so to every page in its browsers: a host name that was rebound to
    this machine and the pages of other sites must not reach it. It belongs around page and API alike. Load balancers ask for
    ``/health`` by an address: they are answered, without details.
    """

    def __init__(self, app: ASGIApp, config: Config) -> None:
        self.app = app
        self.origins = frozenset(origin.lower() for origin in config.origins)
        self.hosts = frozenset(host.lower() for host in config.hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it."""
        if scope["type"] in ("http", "websocket"):
            headers = Headers(scope=scope)
            is_here = self._is_here(headers.get("host", ""))
            scope.setdefault("state", {})["is_here"] = is_here
            refusal = self._refusal(headers, is_here or (scope["type"], scope["path"]) == ("http", "/health"))
            if refusal is not None:
                await self._refused(refusal, scope)(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def _refusal(self, headers: Headers, is_here: bool) -> Refusal | None:
        host = headers.get("host", "")
        if not is_here:
            return Refusal("wrong-host", "Ask for it by the name or address that its operator has set (DUBKIT_HOSTS).")
        origin = headers.get("origin")
        if origin is None or origin.lower() in self.origins:
            return None
        if urlsplit(origin).netloc.lower() == host.lower() and host:
            return None
        return Refusal("foreign-page", "The operator can allow the pages of other sites (DUBKIT_ORIGINS).")

    def _is_here(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return loopback(name) or name in self.hosts or host.lower() in self.hosts

    def _refused(self, refusal: Refusal, scope: Scope) -> ASGIApp:
        if scope["type"] == "http":
            return answer(refusal, scope)
        return _closed


async def _closed(scope: Scope, receive: Receive, send: Send) -> None:
    """Before it is accepted, a closed WebSocket is an answer with status 403."""
    await receive()
    await send({"type": "websocket.close", "code": 1008})


def key_of(headers: Mapping[str, str]) -> str | None:
    """The key that a request shows, if any."""
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and credentials.strip():
        return credentials.strip()
    return headers.get("x-api-key", "").strip() or None


async def owner_of(desk: Desk, key: str | None) -> str:
    """Whose request it is that shows this key.

    Raises
    ------
    Refusal
        If a key is needed and this is none.
    """
    if not desk.service.config.require_key:
        return LOCAL
    if key is None:
        said = "Send your key as Authorization: Bearer KEY, or as X-API-Key: KEY."
        raise Refusal("no-key", said, WWW_Authenticate=CHALLENGE)
    owner = await desk.quick(desk.service.keys.owner_of, key)
    if owner is None:
        said = "It is none of this service's keys, or was revoked. Ask the operator for one."
        raise Refusal("wrong-key", said, WWW_Authenticate=CHALLENGE)
    return owner


def address_of(connection: HTTPConnection) -> str:
    """The address that a request came from."""
    return connection.client.host if connection.client else "unknown"


async def asked_by(connection: HTTPConnection) -> str:
    """The owner in whose name a request is made; it counts towards how many they may make."""
    if (known := getattr(connection.state, "owner", None)) is not None:
        return str(known)
    desk = desk_of(connection)
    try:
        owner = await owner_of(desk, key_of(connection.headers))
    except Refusal:
        await desk.admit("request", address_of(connection))
        raise
    connection.state.owner = owner
    await desk.admit("request", who(desk, connection, owner))
    return owner


class KeyFirst(APIRoute):
    """Reads what was sent when it is known whose it is."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, after a look at the key."""
        plain = super().get_route_handler()

        async def handler(request: Request) -> Response:
            await asked_by(request)
            return await plain(request)

        return handler


def who(desk: Desk, connection: HTTPConnection, owner: str) -> str:
    """Whom a limit holds for: an owner, or where all are the same owner an address."""
    return owner if desk.service.config.require_key else address_of(connection)


async def trusted(connection: HTTPConnection) -> bool:
    """Whether details may be told: to this machine itself, and to everybody with a key."""
    desk = desk_of(connection)
    if not connection.state.is_here:
        return False
    if loopback(address_of(connection)):
        return True
    try:
        await owner_of(desk, key_of(connection.headers))
    except Refusal:
        return False
    return desk.service.config.require_key


Owner = Annotated[str, Depends(asked_by)]
"""The owner in whose name a request is made."""

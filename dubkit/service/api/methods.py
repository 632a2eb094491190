"""HEAD and OPTIONS, which all that can be read understands without saying so, and what there is nothing for."""

from __future__ import annotations

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dubkit.service.api.problems import allowed

OWN = ("/api/v1/files/", "/api/v1/uploads")
"""Where HEAD has a meaning or an answer of its own."""


class Heads:
    """ASGI middleware that answers HEAD as GET would, without the content.

    Parameters
    ----------
    app : ASGIApp
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope.get("method") != "HEAD" or scope["path"].startswith(OWN):
            await self.app(scope, receive, send)
            return

        async def without_content(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self.app({**scope, "method": "GET"}, receive, without_content)


def close(app: FastAPI, *paths: str) -> None:
    """Let nothing that is mounted later answer what is asked below these paths, and no request has taken."""
    app.router.routes.extend(Route(path, _nothing) for path in paths)


class _Nothing:
    """Says that there is nothing, or nothing of that method."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request, whatever its method."""
        raise HTTPException(405 if allowed(Request(scope)) else 404)


_nothing = _Nothing()

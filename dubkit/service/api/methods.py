"""HEAD and OPTIONS, which all that can be read understands without saying so."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

OWN = ("/api/v1/files/", "/api/v1/uploads")
"""Where HEAD has a meaning or an answer of its own."""


class Heads:
    """ASGI middleware that answers HEAD as GET would, without the content.

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
        path = scope.get("path", "")
        if scope.get("method") != "HEAD" or not path.startswith(self.base) or path.startswith(OWN):
            await self.app(scope, receive, send)
            return

        async def without_content(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self.app({**scope, "method": "GET"}, receive, without_content)

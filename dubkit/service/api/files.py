"""Files behind signed links: no key is asked for, and nothing but that one file can be had."""

from __future__ import annotations

import contextlib
from pathlib import Path as FilePath
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from starlette.responses import FileResponse, Response
from starlette.types import Receive, Scope, Send

from dubkit.service.api.described import refusals
from dubkit.service.api.desk import desk_of
from dubkit.store import digest

router = APIRouter(tags=["files"], default_response_class=Response)

ANY = {"schema": {"type": "string", "format": "binary"}}
SERVED: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file", "content": {"application/octet-stream": ANY}},
    206: {"description": "A part of it, as `Range` asks for", "content": {"application/octet-stream": ANY}},
    304: {"description": "It is as the sender has it (`If-None-Match`)"},
}


@router.get(
    "/files/{token}/{name}",
    summary="A file",
    response_model=None,
    responses={**SERVED, **refusals("wrong-link", "expired-link", "not-found", "unsatisfiable-range", "invalid")},
)
@router.head("/files/{token}/{name}", include_in_schema=False, response_model=None)
async def read_file(
    request: Request,
    token: Annotated[str, Path(max_length=4000, description="Of a link that `files` or `download` gave.")],
    name: Annotated[str, Path(max_length=400, description="What the file is called; it may be anything.")],
) -> Response:
    """Whole or in part. The link expires."""
    desk = desk_of(request)
    service = desk.service
    link = service.signer.open_file(token)
    headers = {
        # What lies at a place is never written anew.
        "ETag": f'"{digest(link.place)[:32]}"',
        "Cache-Control": "private, no-cache",
        "X-Content-Type-Options": "nosniff",
    }
    if _is_known(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    kept = contextlib.ExitStack()
    path = await desk.slow(kept.enter_context, service.storage.local(link.place))
    return Kept(
        path,
        kept,
        media_type=link.media_type,
        filename=link.name,
        # A player in a page does not mind, and nothing of this is ever shown as a page.
        content_disposition_type="attachment",
        headers=headers,
        stat_result=path.stat(),
    )


class Kept(FileResponse):
    """A file that is there until it was sent: where it is kept elsewhere, this is a copy.

    Parameters
    ----------
    path : Path
    kept : ExitStack
        Closed in the end.
    **options
        Of :class:`starlette.responses.FileResponse`.
    """

    def __init__(self, path: FilePath, kept: contextlib.ExitStack, **options: Any) -> None:
        super().__init__(path, **options)
        self._kept = kept

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        with self._kept:
            await super().__call__(scope, receive, send)


def _is_known(request: Request, tag: str) -> bool:
    known = request.headers.get("if-none-match", "")
    return tag in [one.strip().removeprefix("W/") for one in known.split(",")] or known.strip() == "*"

"""Files behind signed links: no key is asked for, and nothing but that one file can be had."""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path, Request
from starlette.responses import FileResponse, RedirectResponse, Response

from dubkit.service.api.described import refusals
from dubkit.service.api.desk import desk_of
from dubkit.service.folder import Folder

if TYPE_CHECKING:
    from dubkit.service.access.signing import FileLink
    from dubkit.service.service import Service

router = APIRouter(tags=["files"], default_response_class=Response)

ANY = {"schema": {"type": "string", "format": "binary"}}
SERVED: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file", "content": {"application/octet-stream": ANY}},
    206: {"description": "A part of it, as `Range` asks for", "content": {"application/octet-stream": ANY}},
    304: {"description": "It is as the sender has it (`If-None-Match`)"},
    307: {"description": "It lies elsewhere"},
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
    link, found = await desk.quick(_found, desk.service, token)
    if isinstance(found, str):
        return RedirectResponse(found, 307, {"Cache-Control": "no-store"})
    response = FileResponse(
        found,
        media_type=link.media_type,
        filename=link.name,
        # A player in a page does not mind, and nothing of this is ever shown as a page.
        content_disposition_type="attachment",
        headers={"Cache-Control": "private, no-cache", "X-Content-Type-Options": "nosniff"},
        stat_result=await desk.quick(found.stat),
    )
    if _is_known(request, response.headers["etag"]):
        kept = {name: response.headers[name] for name in ("etag", "cache-control", "last-modified")}
        return Response(status_code=304, headers=kept)
    return response


def _found(service: Service, token: str) -> tuple[FileLink, FilePath | str]:
    """Where a link leads: to a file on this machine, or to a storage's own link."""
    link = service.signer.open_file(token)
    if not isinstance(service.storage, Folder):
        seconds = service.config.link_seconds
        return link, service.storage.link(link.place, seconds, file_name=link.name, media_type=link.media_type)
    with service.storage.local(link.place) as path:
        return link, path


def _is_known(request: Request, tag: str) -> bool:
    known = request.headers.get("if-none-match", "")
    return tag in [one.strip().removeprefix("W/") for one in known.split(",")] or known.strip() == "*"

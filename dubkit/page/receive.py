"""Films that the page sends, in parts, so that a broken line costs no more than one: for whoever is at the page.

Errors are answered by the application that the routes are in, as those of the API are.
"""

from __future__ import annotations

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse, Response

from dubkit.page.access import Sessions, visitor
from dubkit.service.api.access import who
from dubkit.service.api.desk import desk_of
from dubkit.service.films.arrival import TooLarge
from dubkit.service.films.uploads import Upload
from dubkit.service.service import Service

MOST_AT_ONCE = 16 * 1024 * 1024
"""Bytes of a part: each is in memory for a moment."""


class Announced(BaseModel):
    """A film that will come."""

    name: str = Field(max_length=1000)
    size: int = Field(ge=0)


def routes(service: Service, sessions: Sessions) -> APIRouter:
    """Begin, go on, ask how far, and give up."""
    router = APIRouter(prefix="/page/uploads", include_in_schema=False)
    uploads = service.uploads

    @router.post("")
    async def begin(request: Request, announced: Announced) -> Response:
        owner, desk = await visitor(request, sessions), desk_of(request)
        await desk.admit("upload", who(desk, request, owner))
        return _told(await desk.slow(uploads.create, owner, announced.size, {"filename": announced.name}), 201)

    @router.get("/{id}")
    async def ask(request: Request, id: str) -> Response:
        owner = await visitor(request, sessions)
        return _told(await desk_of(request).slow(uploads.find, id, owner))

    @router.patch("/{id}")
    async def go_on(request: Request, id: str, offset: int) -> Response:
        owner, desk = await visitor(request, sessions), desk_of(request)
        # Asked first, so that nothing is read for one who has no such upload.
        await desk.slow(uploads.find, id, owner)
        part = bytearray()
        async for chunk in request.stream():
            part += chunk
            if len(part) > MOST_AT_ONCE:
                raise TooLarge(f"A part of an upload has at most {MOST_AT_ONCE // 2**20} MiB. Send smaller ones.")
        return _told(await desk.slow(uploads.append, id, owner, offset, [bytes(part)]))

    @router.delete("/{id}")
    async def give_up(request: Request, id: str) -> Response:
        owner = await visitor(request, sessions)
        await desk_of(request).slow(uploads.delete, id, owner)
        return Response(status_code=204)

    return router


def _told(upload: Upload, status: int = 200) -> Response:
    return JSONResponse({"id": upload.id, "offset": upload.offset}, status, {"Cache-Control": "no-store"})

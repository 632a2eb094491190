"""Films that come in pieces, over lines that break: the tus protocol 1.0.0 (https://tus.io/protocols/resumable-upload).

With its extensions creation, creation-with-upload, checksum, expiration and termination.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from email.utils import formatdate
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from dubkit.errors import BadInput, DubkitError
from dubkit.service.api import problems
from dubkit.service.api.access import Owner, who
from dubkit.service.api.answers import BASE
from dubkit.service.api.described import refusals
from dubkit.service.api.desk import Desk, desk_of
from dubkit.service.api.multipart import chunks
from dubkit.service.api.problems import Refusal
from dubkit.service.api.uploading import BLOCK
from dubkit.service.films.sending import CHECKSUMS, Sender, read_checksum, read_metadata, written_metadata
from dubkit.service.films.uploads import Upload

VERSION = "1.0.0"
PIECE = "application/offset+octet-stream"
SENT = ["Tus-Resumable", "Upload-Length", "Upload-Metadata", "Upload-Offset", "Upload-Checksum"]
TOLD = [
    *("Tus-Resumable", "Tus-Version", "Tus-Extension", "Tus-Max-Size", "Tus-Checksum-Algorithm"),
    *("Upload-Offset", "Upload-Length", "Upload-Metadata", "Upload-Expires"),
]


class TusRoute(APIRoute):
    """Says the protocol's version with every answer, and answers no other."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with the version."""
        plain = super().get_route_handler()

        async def handler(request: Request) -> Response:
            try:
                if request.headers.get("tus-resumable") != VERSION and request.method != "OPTIONS":
                    said = f"Version {VERSION} of tus is spoken here: send Tus-Resumable: {VERSION}."
                    raise Refusal("wrong-protocol", said, Tus_Version=VERSION)
                response = await plain(request)
            except (DubkitError, Refusal, RequestValidationError) as error:
                response = problems.answer(error, request.scope)
            response.headers["Tus-Resumable"] = VERSION
            return response

        return handler


router = APIRouter(prefix="/uploads", tags=["uploads"], route_class=TusRoute, default_response_class=Response)

UploadId = Annotated[str, Path(max_length=64, description="The last part of an upload's address.", examples=["0" * 32])]
Version = Annotated[str, Header(alias="Tus-Resumable", description="Of the protocol.", examples=[VERSION])]
Checksum = Annotated[
    str,
    Header(alias="Upload-Checksum", max_length=200, description="`sha1` or `sha256`, a space, the digest in base64."),
]
NATURAL = {"type": "string", "examples": ["1048576"]}
PLACE = {"Upload-Offset": {"description": "Bytes that are there", "schema": NATURAL}}
BYTES = {"content": {PIECE: {"schema": {"type": "string", "format": "binary"}}}}
COMMON = ("no-key", "no-such-upload", "wrong-protocol", "invalid")


@router.options("", include_in_schema=False)
@router.options("/{id}", include_in_schema=False)
async def discover(request: Request) -> Response:
    """What of the protocol is spoken here."""
    return Response(
        status_code=204,
        headers={
            "Tus-Version": VERSION,
            "Tus-Extension": "creation,creation-with-upload,checksum,expiration,termination",
            "Tus-Max-Size": str(desk_of(request).service.config.max_bytes),
            "Tus-Checksum-Algorithm": ",".join(CHECKSUMS),
        },
    )


@router.post(
    "",
    status_code=201,
    summary="Begin an upload",
    response_model=None,
    responses={
        201: {"description": "It can begin", "headers": {"Location": {"schema": {"type": "string"}}}},
        **refusals(
            "unreadable", "empty", "too-large", "not-a-film", "wrong-media-type", "wrong-checksum", "no-room", *COMMON
        ),
    },
    openapi_extra={"requestBody": {"description": "Nothing, or the first bytes", **BYTES}},
)
async def create(
    request: Request,
    owner: Owner,
    tus_resumable: Version,
    upload_length: Annotated[int, Header(ge=0, le=1 << 50, description="Bytes of the film.")],
    upload_metadata: Annotated[
        str, Header(max_length=4096, description="`filename` and its value in base64.", examples=["filename Zi5tcDQ="])
    ] = "",
    upload_checksum: Checksum = "",
) -> Response:
    """Announce a film; its bytes come with PATCH to the `Location`, the first of them already here if you like."""
    desk = desk_of(request)
    said = _read(read_metadata, upload_metadata)
    brings = request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers
    if brings:
        _check_type(request)
    await desk.admit("upload", who(desk, request, owner))
    upload = await desk.slow(desk.service.uploads.create, owner, upload_length, said)
    if brings:
        upload = await _take(request, desk, upload.id, owner, 0, upload_checksum)
    return Response(status_code=201, headers={"Location": f"{BASE}/uploads/{upload.id}", **_state(upload)})


@router.head(
    "/{id}",
    summary="How far an upload is",
    response_model=None,
    responses={200: {"description": "So far", "headers": PLACE}, **refusals(*COMMON)},
)
async def look(request: Request, owner: Owner, id: UploadId, tus_resumable: Version) -> Response:
    """Where to go on."""
    desk = desk_of(request)
    upload = await desk.slow(desk.service.uploads.find, id, owner)
    headers = {"Upload-Length": str(upload.length), "Cache-Control": "no-store", **_state(upload)}
    if upload.metadata:
        headers["Upload-Metadata"] = written_metadata(upload.metadata)
    return Response(status_code=200, headers=headers)


@router.patch(
    "/{id}",
    status_code=204,
    summary="Go on with an upload",
    response_model=None,
    responses={
        204: {"description": "They are there", "headers": PLACE},
        **refusals("unreadable", "wrong-offset", "too-large", "not-a-film", "wrong-media-type", "busy-upload", *COMMON),
        **refusals("too-slow", "wrong-checksum", "no-room"),
    },
    openapi_extra={"requestBody": {"required": True, **BYTES}},
)
async def go_on(
    request: Request,
    owner: Owner,
    id: UploadId,
    tus_resumable: Version,
    upload_offset: Annotated[int, Header(ge=0, le=1 << 50, description="Where these bytes belong.")],
    upload_checksum: Checksum = "",
) -> Response:
    """The next bytes. When all are there, make a job of them with `POST /api/v1/jobs`."""
    _check_type(request)
    upload = await _take(request, desk_of(request), id, owner, upload_offset, upload_checksum)
    return Response(status_code=204, headers=_state(upload))


@router.delete(
    "/{id}",
    status_code=204,
    summary="Give up an upload",
    response_model=None,
    responses={204: {"description": "It is gone"}, **refusals(*COMMON)},
)
async def give_up(request: Request, owner: Owner, id: UploadId, tus_resumable: Version) -> Response:
    """Removes what has come."""
    desk = desk_of(request)
    await desk.slow(desk.service.uploads.delete, id, owner)
    return Response(status_code=204)


async def _take(request: Request, desk: Desk, id: str, owner: str, offset: int, checksum: str) -> Upload:
    """Take the bytes of a request; those that came before a line broke stay."""
    _read(read_checksum, checksum)
    uploads = desk.service.uploads
    sender = await desk.slow(uploads.sender, id, owner, offset, checksum)
    try:
        await _write(request, desk, sender)
        await desk.slow(sender.end)
    finally:
        # Quick, and to be done also where this task is ended.
        sender.close()
    return await desk.slow(uploads.find, id, owner)


async def _write(request: Request, desk: Desk, sender: Sender) -> None:
    block = bytearray()
    try:
        async for chunk in chunks(request):
            block += chunk
            if len(block) >= BLOCK:
                whole, block = bytes(block), bytearray()
                await desk.slow(sender.write, whole)
    except (ClientDisconnect, Refusal):
        if block:
            await desk.slow(sender.write, bytes(block))
        raise
    if block:
        await desk.slow(sender.write, bytes(block))


def _state(upload: Upload) -> dict[str, str]:
    return {"Upload-Offset": str(upload.offset), "Upload-Expires": formatdate(upload.expires, usegmt=True)}


def _check_type(request: Request) -> None:
    if request.headers.get("content-type", "").strip().lower() != PIECE:
        raise Refusal("wrong-media-type", f"Bytes of an upload are sent as Content-Type: {PIECE}.")


def _read(read: Callable[[str], Any], text: str) -> Any:
    """What a header says; the protocol wants 400 where it cannot be read."""
    try:
        return read(text)
    except BadInput as error:
        raise Refusal("unreadable", str(error)) from None

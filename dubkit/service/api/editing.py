"""Requests of an editor: lines, speakers and voices of a dub, corrections, and stretches to look at."""

from __future__ import annotations

from functools import cache
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from pydantic import TypeAdapter
from starlette.responses import RedirectResponse, Response

from dubkit.service.api.access import KeyFirst, Owner
from dubkit.service.api.answers import address, answer, job_answer
from dubkit.service.api.described import refusals
from dubkit.service.api.desk import desk_of
from dubkit.service.api.jobs import JobId
from dubkit.service.api.problems import Refusal
from dubkit.service.api.schemas import JobAnswer
from dubkit.service.jobs.job import Conflict, Job
from dubkit.service.lines.document import Document
from dubkit.service.lines.line_changes import LineChanges

MOST_BYTES = 2 << 20
"""Of corrections."""
ETAG = {"ETag": {"description": "The revision", "schema": {"type": "string", "examples": ['"3"']}}}
SHOWN = {
    "Preview-Begin": {"description": "Where the clip begins, in seconds of the film", "schema": {"type": "number"}},
    "Preview-End": {"description": "Where it ends", "schema": {"type": "number"}},
}

router = APIRouter(tags=["editor"], route_class=KeyFirst, default_response_class=Response)


@router.get(
    "/jobs/{id}/lines",
    summary="Lines, speakers and voices",
    response_model=None,
    responses={200: {"model": Document, "headers": ETAG}, **refusals("no-key", "no-such-job", "conflict", "invalid")},
)
async def read_lines(request: Request, owner: Owner, id: JobId) -> Response:
    """As they are dubbed, with the corrections made since. The `ETag` is the revision, for `If-Match` of the next change."""
    desk = desk_of(request)
    return await desk.quick(_told, await desk.quick(desk.service.lines, owner, id))


@router.put(
    "/jobs/{id}/lines",
    summary="Correct lines and speakers",
    response_model=None,
    responses={
        200: {"model": Document, "headers": ETAG},
        **refusals(
            "no-key",
            "no-such-job",
            "conflict",
            "stale",
            "no-revision",
            "too-large",
            "unreadable",
            "bad-input",
            "invalid",
        ),
    },
)
async def change_lines(
    request: Request,
    owner: Owner,
    id: JobId,
    changes: LineChanges,
    if_match: Annotated[
        str | None, Header(max_length=40, description="The `ETag` that the changes were made to.", examples=['"3"'])
    ] = None,
) -> Response:
    """What is not named stays as it is. The dub follows with `POST .../redub`."""
    desk = desk_of(request)
    revision = _revision(if_match)
    try:
        document = await desk.quick(desk.service.change_lines, owner, id, changes, revision)
    except Conflict:
        now = (await desk.quick(desk.service.jobs.find, id, owner)).revision
        if now == revision:
            raise
        said = f"The lines are at revision {now}, not {revision}: read them again, and make your changes to those."
        raise Refusal("stale", said, ETag=f'"{now}"') from None
    return await desk.quick(_told, document)


@router.get(
    "/jobs/{id}/preview",
    summary="Look at a stretch",
    response_model=None,
    responses={
        307: {"description": "A signed link to the clip (MP4), which expires", "headers": SHOWN},
        202: {"model": JobAnswer, "description": "It is being made: ask again after `Retry-After` seconds"},
        **refusals("no-key", "no-such-job", "conflict", "bad-input", "invalid"),
    },
)
async def preview(
    request: Request,
    owner: Owner,
    id: JobId,
    start_time: Annotated[float, Query(ge=0, le=1e6, allow_inf_nan=False, description="In seconds of the film.")] = 0.0,
    duration: Annotated[float, Query(ge=1, le=120, allow_inf_nan=False, description="In seconds.")] = 10.0,
) -> Response:
    """A stretch of the dub with all corrections made so far, before the whole is dubbed again.

    Where there are corrections that the dub does not have yet, the stretch is widened to whole lines: it may begin some seconds
    earlier and end later than was asked for. `Preview-Begin` and `Preview-End` say where it does, as `begin` and `end` among the
    `facts` of the job that made it.
    """
    desk = desk_of(request)
    found = await desk.slow(desk.service.preview, owner, id, start_time, duration)
    if isinstance(found, Job):
        return answer(job_answer(found), 202, {"Location": f"{address(found)}/status", "Retry-After": "2"})
    shown = dict(zip(SHOWN, (f"{time:.2f}" for time in found.shown or ()), strict=False))
    return RedirectResponse(found.url, 307, {"Cache-Control": "no-store", **shown})


@cache
def _document() -> TypeAdapter[Document]:
    return TypeAdapter(Document)


def _told(document: Document) -> Response:
    headers = {"ETag": f'"{document.revision}"', "Cache-Control": "private, no-cache"}
    return Response(_document().dump_json(document), 200, headers, "application/json")


def _revision(if_match: str | None) -> int:
    tag = (if_match or "").strip().removeprefix("W/").strip('"')
    if not tag:
        raise Refusal("no-revision", "Send the ETag of the lines that were changed as If-Match.")
    # Nothing here is of any other revision than a number's.
    if not (tag.isascii() and tag.isdecimal() and len(tag) < 10):
        raise Refusal("stale", f"There is no revision {tag!r}: read the lines, and send their ETag.")
    return int(tag)

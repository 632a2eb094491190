"""Requests about jobs: which there are, how far they are, stop, remove, dub again, and what came of them."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import RedirectResponse, Response

from dubkit.record import Seconds
from dubkit.service.api.access import Owner
from dubkit.service.api.answers import BASE, address, answer, file_answer, job_answer, status_answer, written
from dubkit.service.api.described import refusals
from dubkit.service.api.desk import desk_of
from dubkit.service.api.problems import Refusal
from dubkit.service.api.schemas import JOB_ID, FilesAnswer, JobAnswer, JobsAnswer, StatusAnswer
from dubkit.service.jobs.job import Conflict, Job, Output, Status

if TYPE_CHECKING:
    from dubkit.service.links import Link
    from dubkit.service.service import Service

SHAPE = r"^[A-Za-z0-9_-]{1,64}$"
"""Of ids."""
JobId = Annotated[str, Path(pattern=SHAPE, examples=[JOB_ID], description="A job's id.")]
Wanted = Literal["video", "audio", "srt", "vtt", "transcript", "timing", "poster", "zip"]
STOPPING: Seconds = 10.0
"""How long a job that is to be removed may take to stop."""
LOOK: Seconds = 0.2
"""Between two looks whether it has."""
ENDINGS = {"srt": ".srt", "vtt": ".vtt"}

router = APIRouter(tags=["jobs"], default_response_class=Response)


@router.get(
    "/jobs",
    summary="List jobs",
    response_model=None,
    responses={200: {"model": JobsAnswer}, **refusals("no-key", "no-such-job", "invalid")},
)
async def list_jobs(
    request: Request,
    owner: Owner,
    status: Annotated[list[Status] | None, Query(description="Only jobs in one of these states.", max_length=5)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: Annotated[str | None, Query(pattern=SHAPE, description="The last job of the page before.")] = None,
) -> Response:
    """Your jobs, newest first. `next` (also in the `Link` header) leads to the following page."""
    desk = desk_of(request)
    found = await desk.quick(desk.service.list, owner, status or (), limit + 1, before)
    page, following, headers = found[:limit], None, {}
    if len(found) > limit:
        query = [("status", one) for one in status or ()] + [("limit", str(limit)), ("before", page[-1].id)]
        following = f"{BASE}/jobs?{urlencode(query)}"
        headers = {"Link": f'<{following}>; rel="next"'}
    return answer({"jobs": [job_answer(job) for job in page], "next": following}, 200, headers)


@router.get(
    "/jobs/{id}",
    summary="A job",
    response_model=None,
    responses={200: {"model": JobAnswer}, **refusals("no-key", "no-such-job", "invalid")},
)
async def find_job(request: Request, owner: Owner, id: JobId) -> Response:
    """All that is known of a job."""
    desk = desk_of(request)
    return answer(job_answer(await desk.quick(desk.service.jobs.find, id, owner)))


@router.get(
    "/jobs/{id}/status",
    summary="How far a job is",
    response_model=None,
    responses={200: {"model": StatusAnswer}, **refusals("no-key", "no-such-job", "invalid")},
)
async def job_status(request: Request, owner: Owner, id: JobId) -> Response:
    """Percentage, stages, place in the queue and expected end. Made to be asked for often."""
    desk = desk_of(request)
    return answer(await desk.shared(_written_status, desk.service, owner, id))


def _written_status(service: Service, owner: str, id: str) -> bytes:
    return written(status_answer(service.status(owner, id)))


@router.post(
    "/jobs/{id}/cancel",
    status_code=202,
    summary="Stop a job",
    response_model=None,
    responses={202: {"model": JobAnswer}, **refusals("no-key", "no-such-job", "invalid")},
)
async def cancel_job(request: Request, owner: Owner, id: JobId) -> Response:
    """A waiting job is cancelled at once, one at work within seconds; one that is over stays as it is."""
    desk = desk_of(request)
    return answer(job_answer(await desk.quick(desk.service.cancel, owner, id)), 202)


@router.delete(
    "/jobs/{id}",
    status_code=204,
    summary="Remove a job",
    response_model=None,
    responses={204: {"description": "It is gone"}, **refusals("no-key", "no-such-job", "conflict", "invalid")},
)
async def delete_job(request: Request, owner: Owner, id: JobId) -> Response:
    """Stops it if it is at work, and removes it with its film and all that was made of it."""
    desk, until = desk_of(request), time.monotonic() + STOPPING
    while True:
        try:
            await desk.slow(desk.service.delete, owner, id, 0.0)
            return Response(status_code=204)
        except Conflict:
            if time.monotonic() > until:
                raise
        # No thread waits for it: those are for films that come in.
        await asyncio.sleep(LOOK)


@router.post(
    "/jobs/{id}/redub",
    status_code=202,
    summary="Dub again",
    response_model=None,
    responses={202: {"model": JobAnswer}, **refusals("no-key", "no-such-job", "conflict", "invalid")},
)
async def redub(request: Request, owner: Owner, id: JobId) -> Response:
    """Queue a job once more, with the corrections made since, or because it failed. Only what has changed is done again."""
    desk = desk_of(request)
    job = await desk.quick(desk.service.again, owner, id)
    return answer(job_answer(job), 202, {"Location": f"{address(job)}/status"})


@router.get(
    "/jobs/{id}/files",
    summary="Links to a job's files",
    response_model=None,
    responses={200: {"model": FilesAnswer}, **refusals("no-key", "no-such-job", "invalid")},
)
async def list_files(request: Request, owner: Owner, id: JobId) -> Response:
    """Signed links that work without a key until they expire; none before there are files."""
    desk = desk_of(request)
    links = await desk.quick(desk.service.files, owner, id)
    return answer({"files": [file_answer(link) for link in links]})


@router.get(
    "/jobs/{id}/download",
    status_code=307,
    summary="Fetch a file",
    response_model=None,
    responses={
        307: {"description": "A signed link that expires"},
        **refusals("no-key", "no-such-job", "not-found", "conflict", "invalid"),
    },
)
async def download(
    request: Request,
    owner: Owner,
    id: JobId,
    file: Annotated[Wanted, Query(description="What to fetch.")] = "video",
    language: Annotated[
        str | None, Query(max_length=40, description="Of subtitles: a code, or two joined by `+`.", examples=["pt"])
    ] = None,
    format: Annotated[
        str | None, Query(max_length=8, description="How the name ends, where there are several.", examples=["json"])
    ] = None,
) -> Response:
    """Leads to the file."""
    desk = desk_of(request)
    service = desk.service
    if file == "zip":
        return _led(await desk.slow(service.archive, owner, id))
    job = await desk.quick(service.jobs.find, id, owner)
    return _led(await desk.quick(service.link, job, _chosen(job, file, language, format)))


def _led(link: Link) -> Response:
    return RedirectResponse(link.url, 307, {"Cache-Control": "no-store"})


def _chosen(job: Job, file: str, language: str | None, format: str | None) -> Output:
    """The file that was meant, the target language's where none is named."""
    kind = "subtitles" if file in ENDINGS else file
    ending = ENDINGS.get(file, f".{format}" if format else "")
    fits = [one for one in job.outputs if one.kind == kind and one.name.lower().endswith(ending.lower())]
    if kind == "subtitles":
        fits = [one for one in fits if one.language == (language or job.target)]
    if not fits:
        there = ", ".join(sorted({one.name for one in job.outputs if one.kind != "lines"})) or "none yet"
        raise Refusal("not-found", f"This job has no such file. Its files: {there}.")
    return fits[0]

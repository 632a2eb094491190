"""Films that come in, in one request or by a finished upload, and the jobs that are made of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.responses import Response

from dubkit.errors import BadInput
from dubkit.service.api.access import KeyFirst, Owner, who
from dubkit.service.api.answers import address, answer, job_answer, when
from dubkit.service.api.described import refusals
from dubkit.service.api.desk import Desk, desk_of
from dubkit.service.api.multipart import LONGEST_FIELD, Field, FileBegins, FileBytes, FileEnds, pieces
from dubkit.service.api.problems import Refusal
from dubkit.service.api.schemas import DirectAnswer, DirectFilm, JobAnswer, NewJobFromUpload, Wishes
from dubkit.service.films.arrival import Arrival, Arrived
from dubkit.service.jobs.job import Job
from dubkit.service.wanted import Wanted
from dubkit.service.watching import logs

BLOCK = 1 << 18
"""Bytes that are written at a time: a thread is asked for each, and a server that is killed loses no more of a film."""

router = APIRouter(tags=["films"], route_class=KeyFirst, default_response_class=Response)

IdempotencyKey = Annotated[
    str | None,
    Header(
        pattern=r"^[\x21-\x7e]{1,200}$",
        description="Of your choice: a second request for the same, with the same film and key, gives the first one's job.",
        examples=["8f14e45f-ceea-467f-a0e6-0b2a3c9d7e21"],
    ),
]
FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file", "target_language"],
                    "properties": {
                        "target_language": {"type": "string", "minLength": 2, "maxLength": 40},
                        "source_language": {"type": "string", "maxLength": 40},
                        "profile": {"type": "string", "maxLength": 40},
                        "options": {"type": "string", "description": "A JSON object; see `POST /api/v1/jobs`."},
                        "start_time": {"type": "number", "minimum": 0, "maximum": 1e6, "description": "In seconds."},
                        "duration": {"type": "number", "minimum": 1, "maximum": 1e6, "description": "In seconds."},
                        "file": {"type": "string", "format": "binary", "description": "MP4, MOV, AVI, MKV or WebM."},
                    },
                },
                "example": {"target_language": "pt", "options": '{"n_speakers": 2}', "file": "(the film)"},
            }
        },
    }
}
MADE: dict[int | str, dict[str, Any]] = {
    202: {
        "model": JobAnswer,
        "description": "The job waits its turn",
        "headers": {"Location": {"description": "Where its status is", "schema": {"type": "string"}}},
    },
    200: {"model": JobAnswer, "description": "The job that an earlier request with the same key has made"},
}
NOT_MADE = refusals(
    *("no-key", "unreadable", "empty", "conflict", "too-large", "not-a-film", "wrong-media-type", "too-slow"),
    *("bad-input", "invalid", "too-long", "unsupported-pair", "no-room"),
)


@router.post(
    "/upload",
    status_code=202,
    summary="Hand in a film",
    response_model=None,
    responses=MADE | NOT_MADE,
    openapi_extra=FORM,
)
async def upload(request: Request, owner: Owner, idempotency_key: IdempotencyKey = None) -> Response:
    """The film and what is wanted, as a form whose fields may come in any order.

    Fields before the film are looked at before it is read. For films over a few MB on a poor line see `POST /api/v1/uploads`.
    """
    desk = desk_of(request)
    await desk.admit("upload", who(desk, request, owner))
    taking = Taking(desk, request.headers.get("content-length"))
    try:
        async for piece in pieces(request):
            await taking.take(piece)
        wanted, arrived = await taking.checked(), taking.arrived()
        submit = desk.service.submit
        return told(*await desk.slow(submit, owner, arrived, wanted, idempotency_key, logs.correlation()))
    finally:
        taking.discard()


@router.post(
    "/jobs",
    status_code=202,
    max_body_size=LONGEST_FIELD,
    summary="Dub an uploaded film",
    response_model=None,
    responses=MADE | NOT_MADE | refusals("no-such-upload", "busy-upload", "no-key"),
)
async def add_job(
    request: Request, owner: Owner, wishes: NewJobFromUpload, idempotency_key: IdempotencyKey = None
) -> Response:
    """Make a job of a film that an upload has brought.

    The upload is used up by that, and by a film that cannot be dubbed. After any other error it is still there.
    """
    desk = desk_of(request)
    await desk.admit("job", who(desk, request, owner))
    submit, wanted = desk.service.submit_upload, wanted_of(wishes)
    return told(*await desk.slow(submit, owner, wishes.upload, wanted, idempotency_key, logs.correlation()))


@router.post(
    "/uploads/direct",
    status_code=201,
    summary="Send a film to the storage itself",
    response_model=None,
    responses={
        201: {"model": DirectAnswer, "description": "It can begin"},
        **refusals("no-key", "not-offered", "empty", "too-large", "not-a-film", "unreadable", "invalid", "no-room"),
    },
)
async def send_directly(request: Request, owner: Owner, film: DirectFilm) -> Response:
    """Where films are kept in a bucket, one may be sent there past this server, in one request: the one that is told here.

    Then make a job of it with `POST /api/v1/jobs`. What no job was made of is removed within a day or two.
    """
    desk = desk_of(request)
    await desk.admit("upload", who(desk, request, owner))
    direct = await desk.quick(desk.service.intake.direct, owner, film.file_name, film.bytes)
    link = direct.link
    return answer(
        {
            "upload": direct.id,
            "method": link.method,
            "url": link.url,
            "headers": dict(link.headers),
            "expires": when(direct.expires),
        },
        201,
    )


def told(job: Job, is_new: bool) -> Response:
    """The answer to who asked for a job."""
    return answer(job_answer(job), 202 if is_new else 200, {"Location": f"{address(job)}/status"})


class Taking:
    """A form that is being taken in.

    Parameters
    ----------
    desk : Desk
    length : str or None
        What the request says of its own length in bytes.
    """

    def __init__(self, desk: Desk, length: str | None) -> None:
        self.desk = desk
        self._length = int(length) if length and length.isdecimal() else None
        self._fields: dict[str, str] = {}
        self._arrival: Arrival | None = None
        self._arrived: Arrived | None = None
        self._block = bytearray()

    async def take(self, piece: Field | FileBegins | FileBytes | FileEnds) -> None:
        """Take what comes next, and refuse it as soon as that can be told."""
        match piece:
            case Field(name, value):
                if name in self._fields:
                    raise Refusal("unreadable", f"The field {name!r} comes twice.")
                self._fields[name] = value
            case FileBegins(name, file_name):
                await self._begin(name, file_name)
            case FileBytes(data):
                self._block += data
                if len(self._block) >= BLOCK:
                    await self._write()
            case FileEnds():
                await self._write()
                if self._arrival is not None:
                    self._arrived = await self.desk.slow(self._arrival.close)

    async def checked(self) -> Wanted:
        """What is wanted, as far as it is known."""
        return await self.desk.quick(self.desk.service.check, wanted_of(wishes_of(self._fields)))

    def arrived(self) -> Arrived:
        """The film.

        Raises
        ------
        BadInput
            If there was none.
        """
        if self._arrived is None:
            raise BadInput("There is no film in the form: send it as the field 'file', with its name.")
        return self._arrived

    def discard(self) -> None:
        """Leave nothing of a film that was not made a job."""
        if self._arrival is not None:
            self._arrival.discard()

    async def _begin(self, name: str, file_name: str) -> None:
        if name != "file":
            raise BadInput(f"Send the film as the field 'file', not {name[:40]!r}.")
        if self._arrival is not None:
            raise BadInput("There are two films in the form: hand them in one by one.")
        if "target_language" in self._fields:
            await self.checked()
        self._arrival = await self.desk.slow(Arrival, self.desk.service.config, file_name, self._length)

    async def _write(self) -> None:
        block, self._block = bytes(self._block), bytearray()
        if block and self._arrival is not None:
            await self.desk.slow(self._arrival.write, block)


def wishes_of(fields: Mapping[str, str]) -> Wishes:
    """What the fields of a form say; an empty one says nothing.

    Raises
    ------
    RequestValidationError
        If they do not fit.
    """
    values: dict[str, Any] = {name: value for name, value in fields.items() if value.strip()}
    try:
        if "options" in values:
            values["options"] = json.loads(values["options"])
        return Wishes.model_validate(values)
    except ValidationError as error:
        wrong = [{**one, "loc": ("body", *one["loc"])} for one in error.errors(include_url=False)]
        raise RequestValidationError(wrong) from None
    except (ValueError, RecursionError):
        # Among them numbers that are too long to be read.
        raise Refusal("unreadable", "The field 'options' is not JSON that can be read.") from None


def wanted_of(wishes: Wishes) -> Wanted:
    """The same in the service's words."""
    return Wanted(
        target=wishes.target_language,
        source=wishes.source_language or None,
        profile=wishes.profile or None,
        options=wishes.options,
        start=wishes.start_time,
        duration=wishes.duration,
    )

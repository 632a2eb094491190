"""What can be dubbed into what."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from dubkit.service.api.access import Owner
from dubkit.service.api.answers import answer
from dubkit.service.api.described import refusals
from dubkit.service.api.desk import desk_of
from dubkit.service.api.schemas import LanguagesAnswer

router = APIRouter(tags=["languages"], default_response_class=Response)

Code = Annotated[str | None, Query(min_length=2, max_length=40, pattern=r"^[A-Za-z0-9-]+$", examples=["pt"])]


@router.get(
    "/languages",
    summary="Languages",
    response_model=None,
    responses={200: {"model": LanguagesAnswer}, **refusals("no-key", "invalid")},
)
async def list_languages(request: Request, owner: Owner, source: Code = None, target: Code = None) -> Response:
    """All pairs that this service can dub, or those from or into one language."""
    desk = desk_of(request)
    pairs = await desk.quick(desk.service.pairs.list, source, target)
    return answer({"languages": [asdict(pair) for pair in pairs]})

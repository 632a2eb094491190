"""For those who watch over the service: is it well, and what does it measure."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from dubkit.service.api.access import trusted
from dubkit.service.api.answers import answer
from dubkit.service.api.described import refusals
from dubkit.service.api.desk import desk_of
from dubkit.service.api.problems import Refusal
from dubkit.service.api.schemas import HealthAnswer
from dubkit.service.watching import health, metrics

router = APIRouter(tags=["watching"], default_response_class=Response)

WELL: dict[int | str, dict[str, Any]] = {200: {"model": HealthAnswer}, 503: {"model": HealthAnswer}}


@router.get("/health", summary="Is it well?", response_model=None, responses={**refusals(), **WELL})
async def read_health(request: Request) -> Response:
    """Each part is told to this machine itself and to holders of keys; others hear whether all is well."""
    found = await desk_of(request).slow(health.check, desk_of(request).service)
    told: dict[str, Any] = {"ok": found.ok}
    if await trusted(request):
        told["parts"] = {name: asdict(part) for name, part in found.parts.items()}
    return answer(told, 200 if found.ok else 503)


@router.get(
    "/metrics",
    summary="Measures",
    response_model=None,
    responses={
        200: {"description": "For Prometheus", "content": {"text/plain": {"schema": {"type": "string"}}}},
        **refusals("no-key"),
    },
)
async def read_metrics(request: Request) -> Response:
    """For this machine itself and holders of keys."""
    if not await trusted(request):
        raise Refusal("no-key", "Send a key as Authorization: Bearer KEY, or as X-API-Key: KEY.")
    desk = desk_of(request)
    return Response(
        await desk.slow(metrics.exposition, desk.service), 200, {"Cache-Control": "no-store"}, metrics.MEDIA_TYPE
    )

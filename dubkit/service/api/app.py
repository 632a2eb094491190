"""The application: all requests, the errors that they end in, and who stands before them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route

from dubkit import __version__
from dubkit.service.api import (
    described,
    editing,
    files,
    jobs,
    languages,
    live,
    problems,
    resumable,
    uploading,
    watching,
)
from dubkit.service.api.access import Guard
from dubkit.service.api.answers import BASE
from dubkit.service.api.desk import Desk
from dubkit.service.api.methods import Heads, close
from dubkit.service.api.progress import Watch
from dubkit.service.watching.logs import REQUEST_ID, Correlated
from dubkit.service.watching.metrics import Counted

if TYPE_CHECKING:
    from dubkit.service.service import Service

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]

MOST_BYTES = 64 * 1024
"""Of a request that brings neither film nor corrections."""
SENT = [
    "Authorization",
    "X-API-Key",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "Range",
    REQUEST_ID,
]
TOLD = ["Content-Disposition", "Content-Range", "ETag", "Link", "Location", "Retry-After", REQUEST_ID]


def create_app(service: Service, lifespan: Lifespan | None = None) -> FastAPI:
    """The API of a service.

    Parameters
    ----------
    service : Service
    lifespan : callable, optional
        What is to begin and end with the application.
    """
    watch = Watch(service.jobs)

    @contextlib.asynccontextmanager
    async def living(app: FastAPI) -> AsyncIterator[None]:
        async with lifespan(app) if lifespan is not None else contextlib.nullcontext():
            yield
            await watch.close()

    # Its pages about the API load nothing from other machines.
    app = FastAPIOffline(
        title="dubkit",
        version=__version__,
        summary="Films in another language",
        description=described.SUMMARY,
        openapi_url=f"{BASE}/openapi.json",
        docs_url=f"{BASE}/docs",
        redoc_url=None,
        static_url=f"{BASE}/docs/static",
        swagger_ui_oauth2_redirect_url=f"{BASE}/docs/oauth2-redirect",
        lifespan=living,
    )
    app.state.desk = Desk(service, watch)
    for router in (jobs.router, languages.router, live.router):
        app.include_router(router, prefix=BASE, max_body_size=MOST_BYTES)
    app.include_router(editing.router, prefix=BASE, max_body_size=editing.MOST_BYTES)
    for router in (uploading.router, resumable.router, files.router):
        app.include_router(router, prefix=BASE)
    app.include_router(watching.router)
    close(app, f"{BASE}/{{path:path}}", *(route.path for route in watching.router.routes if isinstance(route, Route)))
    problems.install(app)
    described.describe(app, service.config.require_key)
    if service.config.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=service.config.origins,
            allow_methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=[*SENT, *resumable.SENT],
            expose_headers=[*TOLD, *resumable.TOLD],
            max_age=600,
        )
    app.add_middleware(problems.Documented, base=BASE)
    app.add_middleware(Heads)
    app.add_middleware(Guard, config=service.config)
    app.add_middleware(Counted)
    app.add_middleware(Correlated)
    return app

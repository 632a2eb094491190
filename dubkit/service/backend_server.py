"""Serves one back end over HTTP, so that a stage's model can live on another machine: ``dubkit serve-backend``.

The protocol is told in :mod:`dubkit.backends.remote_wire`. The model does one call at a time; some more may wait, and
whoever comes after them is asked to come again. Every request but ``/health`` needs the token, where there is one; without
one, only this machine itself is answered.
"""

from __future__ import annotations

import logging
from typing import Any

from dubkit.backends import registry
from dubkit.backends.protocols import Compute
from dubkit.backends.remote_served import TOKEN, loopback
from dubkit.backends.remote_served import token as own_token
from dubkit.errors import BadInput, MissingModel, listed

try:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Route

    from dubkit.service.backend_endpoints import Limits, Server
except ImportError as error:
    raise MissingModel(
        f"Serving a back end needs the Python package {error.name!r}. Install it with: pip install 'dubkit[service]'"
    ) from error

log = logging.getLogger(__name__)


def create_app(
    task: str, backend: Any, *, name: str = "", token: str | None = None, limits: Limits = Limits()
) -> Starlette:
    """The application that serves a back end of a task.

    Parameters
    ----------
    task : str
        One of :data:`dubkit.backends.registry.TASKS`.
    backend : object
        That obeys the task's Protocol.
    name : str
        How it is called.
    token : str or None
        What requests have to bear; None answers this machine alone.
    limits : Limits
        What it takes.
    """
    server = Server(task, backend, name, token, limits)
    speech = "/v1/speech/{session}"
    routes = [
        Route("/health", _health, methods=["GET"]),
        Route("/v1/backend", server.guarded(server.described), methods=["GET"]),
        Route("/v1/call/{method}", server.guarded(server.called), methods=["POST"]),
    ]
    if task == "separator":
        routes += [
            Route("/v1/speech", server.guarded(server.opened), methods=["POST"]),
            Route(speech, server.guarded(server.pushed), methods=["POST"]),
            Route(speech, server.guarded(server.closed), methods=["DELETE"]),
        ]
    return Starlette(routes=routes, lifespan=server.lifespan)


def serve(task: str, spec: str, host: str = "127.0.0.1", port: int = 8001, compute: Compute = Compute()) -> None:
    """Serve a back end until this process is stopped.

    Parameters
    ----------
    task, spec : str
        Which; see :mod:`dubkit.backends.registry`.
    host, port : str, int
        Where to listen.
    compute : Compute
        How the model runs.

    Raises
    ------
    BadInput
        If there is no such task or back end, or others could reach it without a token.
    """
    if task not in registry.TASKS:
        raise BadInput(f"There is no task {task!r}. The tasks are: {listed(registry.TASKS)}.")
    token = own_token()
    if token is None and not loopback(host):
        raise BadInput(
            f"On {host!r}, other machines could use this one without being asked who they are. Set {TOKEN} here, and to the "
            "same value where dubkit runs; or take --host 127.0.0.1."
        )
    backend = registry.get(task, spec, compute)
    for card in backend.models():
        if not card.present and not card.optional:
            log.warning("%s is missing; get it with: %s", card.name, card.fetch)
    app = create_app(task, backend, name=spec.partition(":")[0], token=token)
    # Connections stay open for the time between two lines of a film.
    uvicorn.run(app, host=host, port=port, access_log=False, server_header=False, timeout_keep_alive=75)


async def _health(request: Request) -> Response:
    return JSONResponse({"status": "ok"})

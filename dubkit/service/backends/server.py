"""Serves one back end over HTTP, so that a stage's model can live on another machine: ``dubkit serve-backend``.

The protocol is told in :mod:`dubkit.backends.remote.wire`. The model does one call at a time; some more may wait, and
whoever comes after them is asked to come again. Every request but ``/health`` needs the token, where there is one; without
one, only this machine itself is answered.
"""

from __future__ import annotations

import dataclasses
import logging
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dubkit.backends import registry
from dubkit.backends.protocols import Compute, ModelCard
from dubkit.backends.remote.served import TOKEN, loopback
from dubkit.backends.remote.served import token as own_token
from dubkit.errors import BadInput, MissingModel, listed
from dubkit.preflight import offline
from dubkit.service.address import bound, told_of_address
from dubkit.settings import Settings

try:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Route

    from dubkit.service.backends.endpoints import Limits, Server
except ImportError as error:
    raise MissingModel(
        f"Serving a back end needs the Python package {error.name!r}. Install it with: pip install 'dubkit[service]'"
    ) from error

log = logging.getLogger(__name__)

LEAVE = 3
"""Seconds that those have who are being answered when the server is stopped."""


def create_app(
    task: str,
    backend: Any,
    *,
    name: str = "",
    token: str | None = None,
    limits: Limits = Limits(),
    folder: Path | None = None,
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
    folder : Path or None
        Where sound files lie while a call needs them; else where temporary files do.
    """
    server = Server(task, backend, name, token, limits, folder)
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
    """Serve a back end until this process is stopped, which it then ends within seconds, whatever is under way.

    Models that are missing are fetched first, where the back end knows how to.

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
        If there is no such task or back end, others could reach it without a token, or the port is not to be had.
    MissingModel
        If a model is missing and cannot be fetched.
    """
    if task not in registry.TASKS:
        raise BadInput(f"There is no task {task!r}. The tasks are: {listed(registry.TASKS)}.")
    token = own_token()
    if token is None and not loopback(host):
        raise BadInput(
            f"On {host!r}, other machines could use this one without being asked who they are. Set {TOKEN} here, and to the "
            "same value where dubkit runs; or take --host 127.0.0.1."
        )
    logging.basicConfig(format="%(message)s")
    logging.getLogger("dubkit.service").setLevel(logging.INFO)
    # Before anything is fetched. It is not listened to yet: nobody is kept waiting without an answer.
    with bound(host, port) as address, tempfile.TemporaryDirectory(prefix="dubkit-") as folder:
        backend = registry.get(task, spec, compute)
        _bring(backend)
        # A folder's is a digest of all that is in it: made now, and not while the first client waits.
        log.info("Serving the %s %s at http://%s:%d", task, backend.fingerprint, host, port)
        app = create_app(task, backend, name=spec.partition(":")[0], token=token, folder=Path(folder))
        code = _run(app, address, host, port)
    if code is not None:
        # The model's thread may be deep in native code, which can crash when the interpreter is taken down around it.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def compute_of(changes: Mapping[str, Any]) -> Compute:
    """How a model runs, from settings by their dotted names.

    Raises
    ------
    BadInput
        If one is no setting of ``compute``, or its value does not fit.
    """
    if others := [name for name in changes if not name.startswith("compute.")]:
        names = [f"compute.{field.name}" for field in dataclasses.fields(Compute)]
        raise BadInput(
            f"A served back end takes {listed(names)} alone, not {listed(others)}: all else is set where dubkit runs."
        )
    return Settings().but(changes).compute


def _run(app: Starlette, address: socket.socket, host: str, port: int) -> int | None:
    """Answer until a signal ends it; the exit code that stands for the signal."""
    # Connections stay open for the time between two lines of a film.
    config = uvicorn.Config(
        app, access_log=False, server_header=False, timeout_keep_alive=75, timeout_graceful_shutdown=LEAVE
    )
    server = uvicorn.Server(config)

    def stop(number: int, frame: object) -> None:
        raise _StoppedError(128 + number)

    # The server passes on what stopped it when it has ended.
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with told_of_address(host, port):
            address.listen(config.backlog)
        server.run(sockets=[address])
    except _StoppedError as stopped:
        return stopped.code
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return None


class _StoppedError(BaseException):
    """A signal came; nothing in between is to catch it."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def _bring(backend: Any) -> None:
    """Fetch the models that are missing."""
    if (missing := _missing(backend)) and hasattr(backend, "fetch") and not offline():
        log.info("Downloading %s", ", ".join(f"{c.name} ({c.size / 1e9:.1f} GB)" for c in missing))
        backend.fetch()
        missing = _missing(backend)
    if missing:
        told = "".join(f"\n- {c.name}: {c.fetch}{f' ({c.note})' if c.note else ''}" for c in missing)
        raise MissingModel(f"Models are missing, and can be brought so:{told}\nNothing is served.")


def _missing(backend: Any) -> list[ModelCard]:
    return [card for card in backend.models() if not card.present and not card.optional]


async def _health(request: Request) -> Response:
    return JSONResponse({"status": "ok"})

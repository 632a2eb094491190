"""The server: API, page and workers in one process and its children, on one machine by default."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

import uvicorn
from anyio import to_thread
from fastapi import FastAPI

from dubkit.backends.remote.served import loopback
from dubkit.errors import BadInput, DubkitError
from dubkit.service import home
from dubkit.service.address import bound, told_of_address
from dubkit.service.api import create_app
from dubkit.service.config import Config, unknown
from dubkit.service.service import Service
from dubkit.service.watching import logs
from dubkit.service.workers.supervisor import Workers

if TYPE_CHECKING:
    from dubkit.page.samples import Sample

log = logging.getLogger(__name__)

LEAVE = 5
"""Seconds that those have who are being answered when the server is stopped."""


def application(service: Service, samples: Sequence[Sample] = ()) -> FastAPI:
    """API and page of a service, with films to try it with; its workers start and end with it."""
    from dubkit.page import mounted

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with Workers(service):
            # Starting processes and asking a storage takes seconds; who comes meanwhile is served.
            ready = asyncio.create_task(to_thread.run_sync(service.begin))
            yield
            await ready
        service.close()

    return mounted(create_app(service, lifespan), service, samples)


def serve(
    host: str = "127.0.0.1", port: int = 7860, config: Config | None = None, samples: Sequence[Sample] = ()
) -> None:
    """Serve until this process is stopped, which it then ends; the exit code stands for the signal.

    Parameters
    ----------
    host, port : str, int
        Where to listen.
    config : Config, optional
        By default what the environment says.
    samples : sequence of Sample
        Films that the page offers to everybody.

    Raises
    ------
    BadInput
        If others could reach it without a key, the port is not to be had, or what configures it does not fit.
    """
    config = config or Config.from_environment()
    if not config.require_key and not loopback(host):
        raise BadInput(
            f"On {host!r} everybody who can reach this machine could use it. Set DUBKIT_REQUIRE_KEY=1 and hand out keys "
            "(dubkit keys add NAME), or take --host 127.0.0.1."
        )
    logs.configure(form=config.log)
    for told in unknown():
        log.warning("%s", told)
    if not loopback(host) and not config.hosts:
        log.warning(
            "DUBKIT_HOSTS names no host: whoever asks for this machine by another name than localhost is refused. "
            "Set it to what people type to get here."
        )
    with home.private(), bound(host, port) as address:
        service = Service(config)
        settings = uvicorn.Config(
            application(service, samples),
            log_config=None,
            access_log=False,
            server_header=False,
            # Whoever puts a proxy before it names that proxy's addresses.
            proxy_headers="FORWARDED_ALLOW_IPS" in os.environ,
            timeout_graceful_shutdown=LEAVE,
            ws_max_size=1 << 16,
        )
        with told_of_address(host, port):
            address.listen(settings.backlog)
        places = {"home": config.home, "jobs": service.database, "films": config.storage}
        where = f"[{host}]" if ":" in host else host
        log.info("dubkit serves at http://%s:%d", where, port, extra={name: str(at) for name, at in places.items()})
        # What is there by now stays: to look through all of it for garbage again and again would hold up every answer for
        # a fifth of a second.
        gc.collect()
        gc.freeze()
        code = _run(uvicorn.Server(settings), address)
    # All is in order, and the interpreter would take seconds to be taken down.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _run(server: uvicorn.Server, address: socket.socket) -> int:
    """Answer until a signal ends it; the exit code."""

    def stop(number: int, frame: object) -> None:
        raise _StoppedError(128 + number)

    # The server passes on what stopped it when it has ended, and knows nothing of terminals that go away.
    handlers = {signal.SIGINT: stop, signal.SIGTERM: stop}
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        handlers[signal.SIGHUP] = lambda number, frame: server.handle_exit(signal.SIGTERM, None)
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        server.run(sockets=[address])
    except _StoppedError as stopped:
        log.info("dubkit has stopped; what was not done goes on when it is started again")
        return stopped.code
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    # It has told why it did not start.
    return 0 if server.started else DubkitError.exit_code


class _StoppedError(BaseException):
    """A signal came; nothing in between is to catch it."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code

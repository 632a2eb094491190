"""The server: API, page and workers in one process and its children, on one machine by default."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

import uvicorn
from fastapi import FastAPI

from dubkit.backends.remote.served import loopback
from dubkit.errors import BadInput
from dubkit.service.address import bound, told_of_address
from dubkit.service.api import create_app
from dubkit.service.config import Config
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
            yield
        service.close()

    return mounted(create_app(service, lifespan), service, samples)


def serve(
    host: str = "127.0.0.1", port: int = 7860, config: Config | None = None, samples: Sequence[Sample] = ()
) -> None:
    """Serve until this process is stopped.

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
        If others could reach it without a key, the port is not to be had, or the environment cannot be read.
    """
    config = config or Config.from_environment()
    if not config.require_key and not loopback(host):
        raise BadInput(
            f"On {host!r} everybody who can reach this machine could use it. Set DUBKIT_REQUIRE_KEY=1 and hand out keys "
            "(dubkit keys add NAME), or take --host 127.0.0.1."
        )
    logs.configure()
    with bound(host, port) as address:
        settings = uvicorn.Config(
            application(Service(config), samples),
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
        log.info("dubkit serves at http://%s:%d", host, port)
        uvicorn.Server(settings).run(sockets=[address])

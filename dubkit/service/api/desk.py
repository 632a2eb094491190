"""Where requests find the service, and the threads that work for them without starving each other."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from anyio import CapacityLimiter
from anyio.to_thread import run_sync

from dubkit.service.access.limits import Kind, TooMany
from dubkit.service.api.problems import Refusal

if TYPE_CHECKING:
    from dubkit.service.api.progress import Watch
    from dubkit.service.service import Service

P = ParamSpec("P")
T = TypeVar("T")

READERS, WRITERS = 4, 16
"""Threads for what is quick, and for films that come in, clips that are cut, and jobs that are stopped."""


class Desk:
    """A service, and threads to ask it in.

    Parameters
    ----------
    service : Service
    watch : Watch
        That follows jobs for all who watch them.
    """

    def __init__(self, service: Service, watch: Watch) -> None:
        self.service, self.watch = service, watch
        self._is_limited = bool(service.config.rate or service.config.upload_rate)
        self._quick, self._slow = CapacityLimiter(READERS), CapacityLimiter(WRITERS)

    async def quick(self, work: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """Do what takes milliseconds."""
        return await run_sync(partial(work, *args, **named), limiter=self._quick)

    async def slow(self, work: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """Do what may take seconds. It is not broken off when nobody waits for it any more."""
        return await run_sync(partial(work, *args, **named), limiter=self._slow)

    async def admit(self, kind: Kind, who: str) -> None:
        """Count a request of somebody's.

        Raises
        ------
        Refusal
            If there were too many.
        """
        if not self._is_limited:
            return
        try:
            await self.quick(self.service.limiter.admit, kind, who)
        except TooMany as error:
            raise Refusal("too-many-requests", str(error), Retry_After=str(math.ceil(error.after))) from None


def desk_of(connection: Any) -> Desk:
    """The desk of the application that a request or WebSocket came to."""
    desk: Desk = connection.app.state.desk
    return desk

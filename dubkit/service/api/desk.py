"""Where requests find the service, and the threads that work for them without starving each other."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Hashable
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
        self._asking: dict[Hashable, asyncio.Task[Any]] = {}
        self._next: dict[Hashable, asyncio.Task[Any]] = {}

    async def quick(self, work: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """Do what takes milliseconds."""
        return await run_sync(partial(work, *args, **named), limiter=self._quick)

    async def shared(self, work: Callable[..., T], *args: Hashable) -> T:
        """Do what takes milliseconds once for all who want the same while it was being done for others.

        Nobody is told what was found out before they asked: who comes too late for one waits for the next.
        """
        question = (work, *args)
        if (asked := self._next.get(question)) is None:
            asked = asyncio.create_task(self._after(self._asking.get(question), question))
            # Where all who wait have gone, nobody else wants to hear of its failure.
            asked.add_done_callback(lambda done: done.cancelled() or done.exception())
            self._next[question] = asked
        found: T = await asyncio.shield(asked)
        return found

    async def _after(self, earlier: asyncio.Task[Any] | None, question: tuple[Any, ...]) -> Any:
        if earlier is not None:
            await asyncio.wait([earlier])
        self._asking[question] = self._next.pop(question)
        try:
            return await self.quick(*question)
        finally:
            del self._asking[question]

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

"""What happens to jobs, told over WebSockets as it happens; one look at the database serves all who watch."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from anyio.to_thread import run_sync

from dubkit.errors import DubkitError
from dubkit.record import Seconds
from dubkit.service.jobs.job import JobEvent

if TYPE_CHECKING:
    from dubkit.service.jobs.jobs import Jobs

log = logging.getLogger(__name__)

PACE: Seconds = 0.25
"""Between two looks at the database."""
AWAY: Seconds = 2.0
"""Between two looks at a database that does not answer."""
RECENT = 200
"""Events of a job that are kept for its watchers; those who are further behind read the database themselves."""
PAGE = 500


@dataclass
class Followed:
    """A job that somebody watches: the number of its last event, and the last few."""

    last: int
    recent: deque[JobEvent] = field(default_factory=lambda: deque(maxlen=RECENT))
    watchers: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, events: Sequence[JobEvent]) -> None:
        """Note what happened since."""
        self.recent.extend(events)
        self._reach(events[-1].sequence)

    def hear(self, last: int) -> None:
        """Note how far the job is, where somebody has read that before its events were."""
        if last > self.last:
            # What is in between is read from the database.
            self.recent.clear()
            self._reach(last)

    def _reach(self, last: int) -> None:
        self.last = last
        self.changed.set()
        self.changed = asyncio.Event()


class Watch:
    """Follows jobs for all who watch them.

    A watcher takes events at its own pace: whoever is slow holds nobody up, and nothing is kept for them.
    """

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._followed: dict[str, Followed] = {}
        self._looking: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def following(self, id: str, last: int) -> AsyncIterator[Followed]:
        """Follow a job whose last event has that number."""
        followed = self._followed.setdefault(id, Followed(last))
        followed.hear(last)
        followed.watchers += 1
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        try:
            yield followed
        finally:
            followed.watchers -= 1
            if not followed.watchers:
                del self._followed[id]

    async def events(self, id: str, followed: Followed, after: int) -> Sequence[JobEvent]:
        """The next events of a job after that number, of those that have happened; none where there are no more."""
        if after >= followed.last:
            return ()
        if followed.recent and followed.recent[0].sequence <= after + 1:
            return [event for event in followed.recent if event.sequence > after]
        return await run_sync(self._jobs.events, id, after, PAGE)

    async def close(self) -> None:
        """Stop looking."""
        if self._looking is not None:
            self._looking.cancel()
            with suppress(asyncio.CancelledError):
                await self._looking

    async def _look(self) -> None:
        while self._followed:
            pause = PACE
            try:
                news = await run_sync(self._jobs.news, {id: one.last for id, one in self._followed.items()})
            except DubkitError as error:
                log.warning("Jobs cannot be followed just now: %s", error)
                news, pause = {}, AWAY
            for id, events in news.items():
                followed = self._followed.get(id)
                # It may have come to be watched anew, from a later event on, while the database was asked.
                fresh = [event for event in events if followed is not None and event.sequence > followed.last]
                if followed is not None and fresh:
                    followed.add(fresh)
            await asyncio.sleep(pause)

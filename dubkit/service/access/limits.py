"""How many requests and new films one key or address may bring in a while: counted in Redis where there is one, else here.

Addresses are those of the connection. Behind a proxy they are all the proxy's, unless the operator lets uvicorn trust what that
says of its clients (``FORWARDED_ALLOW_IPS`` with the proxy's own address, never ``*`` where others can reach the server).
"""

from __future__ import annotations

import logging
import math
import threading
import time
from typing import Literal

from limits import RateLimitItem, parse_many
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from dubkit.errors import BadInput
from dubkit.record import Seconds
from dubkit.service.config import Config

log = logging.getLogger(__name__)

Kind = Literal["request", "upload", "job"]
"""Each is counted by itself: a film that comes is an upload, and a film that has come is made a job."""


class TooMany(BadInput):
    """Somebody brings more than they may; `after` are the seconds after which it may be tried again."""

    def __init__(self, after: Seconds) -> None:
        super().__init__(f"Ask again in {math.ceil(after)} s.")
        self.after = after


REDIS_PATIENCE: Seconds = 0.25
"""How long a request waits for Redis."""

AWAY: Seconds = 5.0
"""How long a Redis that did not answer is left alone: this process counts by itself meanwhile."""


class Limiter:
    """The limits of one service; many threads may use it at once.

    Parameters
    ----------
    config : Config
        ``rate`` is for every request, ``upload_rate`` for new films and, as often once more, for jobs of films that have come.
        An empty one sets no limit.
    """

    def __init__(self, config: Config) -> None:
        rates: dict[Kind, str] = {
            "request": config.rate,
            "upload": config.upload_rate,
            "job": config.upload_rate,
        }
        self._limits = {kind: parse_many(rate) if rate else [] for kind, rate in rates.items()}
        self._here = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._shared = _redis(config.queue) if config.queue and any(self._limits.values()) else None
        self._away_until = 0.0
        self._lock = threading.Lock()

    def admit(self, kind: Kind, who: str) -> None:
        """Count a request, as :meth:`hit`.

        Raises
        ------
        TooMany
            If there were too many.
        """
        if (after := self.hit(kind, who)) > 0:
            raise TooMany(after)

    def hit(self, kind: Kind, who: str) -> Seconds:
        """Count a request.

        Parameters
        ----------
        kind : str
            ``request``, ``upload`` or ``job``.
        who : str
            An owner or an address; never a key, for it is kept as it is.

        Returns
        -------
        float
            0 where it may be answered, else the seconds after which it may be tried again.
        """
        limits = self._limits[kind]
        if not limits:
            return 0.0
        if self._shared is not None and time.monotonic() >= self._away_until:
            try:
                return _hit(self._shared, limits, kind, who)
            except StorageError as error:
                self._leave_alone(error)
        return _hit(self._here, limits, kind, who)

    def _leave_alone(self, error: StorageError) -> None:
        with self._lock:
            is_new = time.monotonic() >= self._away_until
            self._away_until = time.monotonic() + AWAY
        if is_new:
            log.warning("Redis does not answer (%s): this process counts requests by itself meanwhile", error)


def _redis(url: str) -> SlidingWindowCounterRateLimiter:
    kept = RedisStorage(
        url,
        key_prefix="dubkit-limits",
        wrap_exceptions=True,
        socket_timeout=REDIS_PATIENCE,
        socket_connect_timeout=REDIS_PATIENCE,
    )
    return SlidingWindowCounterRateLimiter(kept)


def _hit(limiter: SlidingWindowCounterRateLimiter, limits: list[RateLimitItem], kind: Kind, who: str) -> Seconds:
    # Looked at before any is counted, so that those who are refused are not set back further.
    refusing = [limit for limit in limits if not limiter.test(limit, kind, who)]
    if not refusing:
        refusing = [limit for limit in limits if not limiter.hit(limit, kind, who)]
    if not refusing:
        return 0.0
    return max(1.0, *(limiter.get_window_stats(limit, kind, who).reset_time - time.time() for limit in refusing))

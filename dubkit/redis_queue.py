"""A queue in Redis, by Dramatiq: its server, and the process that listens to it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dubkit.errors import BadInput, MissingModel

if TYPE_CHECKING:
    from dramatiq.brokers.redis import RedisBroker

HEARTBEAT = 10_000
"""Milliseconds after which a silent worker's messages are given to others."""

LONGEST = 30 * 24 * 3_600_000
"""Milliseconds that the work of one message may take."""


def broker(url: str, what: str, remedy: str) -> RedisBroker:
    """The queue's server at a URL; nothing is asked of it yet.

    Parameters
    ----------
    url : str
    what : str
        What needs it, as errors call it.
    remedy : str
        How to give its URL, as errors say it.

    Raises
    ------
    MissingModel
        If Dramatiq is not installed.
    BadInput
        If it is no URL.
    """
    try:
        from dramatiq.brokers.redis import RedisBroker
    except ImportError as error:
        raise MissingModel(
            f"{what} needs the Python package {error.name!r}, which is not installed. "
            "Install it with: pip install 'dubkit[service]'"
        ) from error
    try:
        return RedisBroker(url=url or "none", heartbeat_timeout=HEARTBEAT)
    except ValueError:
        # A URL may hold a password, and such an error may hold the URL.
        raise BadInput(f"No Redis answers (it is no URL). {remedy}") from None


def connect(url: str, what: str, remedy: str) -> RedisBroker:
    """The same as :func:`broker`, and it answers.

    Raises
    ------
    BadInput
        If it does not.
    """
    found = broker(url, what, remedy)
    from redis import RedisError

    try:
        found.client.ping()
    except RedisError as error:
        raise BadInput(f"No Redis answers ({error}). {remedy}") from None
    return found


@contextlib.contextmanager
def listening(broker: RedisBroker, patience: int = LONGEST) -> Iterator[None]:
    """Take messages, one at a time; when the with block ends, the one that is at work is waited for.

    Parameters
    ----------
    broker : dramatiq.brokers.redis.RedisBroker
        With actors that do the work.
    patience : int
        Milliseconds to wait for the message at work.
    """
    import dramatiq

    worker = dramatiq.Worker(broker, worker_threads=1)
    # A message that waits here behind a long one would be missed where another worker is idle.
    worker.queue_prefetch = 1
    worker.start()
    try:
        yield
    finally:
        worker.stop(patience)
        broker.close()

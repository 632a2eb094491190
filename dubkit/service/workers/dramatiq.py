"""Jobs handed to workers on any number of hosts by a queue in Redis, through Dramatiq.

A message carries a job's id and no more: it says that there is work. It may be lost or come twice, for jobs are claimed in the
database, which also says which of them is first. Every host starts as many workers as it has places, each a process of its own
under whatever starts it again when it ends::

    DUBKIT_QUEUE=redis://queue:6379/0 DUBKIT_DATABASE=... DUBKIT_STORAGE=... python -m dubkit.service.workers.dramatiq
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

import dramatiq
from redis import RedisError

from dubkit import redis_queue
from dubkit.record import Seconds
from dubkit.service.workers import worker

if TYPE_CHECKING:
    from dramatiq import Actor
    from dramatiq.brokers.redis import RedisBroker

    from dubkit.service.workers.worker import Worker

log = logging.getLogger(__name__)

QUEUE = "dubkit-jobs"
WHAT, REMEDY = "The queue of jobs", "Set DUBKIT_QUEUE to its URL, as in redis://host:6379/0."
AWAY: Seconds = 2.0
"""Between two looks for a Redis that does not answer yet."""
STOPPING = 20_000
"""Milliseconds that a worker which is to end has to give its job back."""


class Queue:
    """Tells workers of jobs that wait.

    Parameters
    ----------
    url : str
        Of Redis. It need not answer yet: what cannot be told now is told by :meth:`tell_again`.

    Raises
    ------
    BadInput
        If it is no URL.
    """

    def __init__(self, url: str) -> None:
        self._broker = redis_queue.broker(_impatient(url), WHAT, REMEDY)
        self._actor = _actor(self._broker)

    def send(self, id: str) -> bool:
        """Say that a job waits; False where Redis is away."""
        try:
            self._actor.send(id)
        except RedisError as error:
            log.warning("the queue does not answer", extra={"error": type(error).__name__})
            return False
        return True

    def tell_again(self, ids: Sequence[str]) -> int:
        """Say of jobs that are due that they wait, where nobody has been told of any; how many were.

        Messages get lost with a worker that dies, and with Redis.
        """
        try:
            if self._broker.client.llen(f"{self._broker.namespace}:{QUEUE}"):
                return 0
        except RedisError:
            return 0
        return sum(self.send(id) for id in ids)

    def close(self) -> None:
        """Give back the connections."""
        self._broker.close()


def _impatient(url: str) -> str:
    """The URL with limits of time, so that nobody who hands in a film waits for a Redis that hangs."""
    if "socket_timeout" in url:
        return url
    return f"{url}{'&' if '?' in url else '?'}socket_timeout=5&socket_connect_timeout=2"


def _actor(broker: RedisBroker, doer: Worker | None = None) -> Actor[[str], None]:
    def do_job(id: str) -> None:
        assert doer is not None
        doer.do_next()

    declared = dramatiq.actor(broker=broker, queue_name=QUEUE, max_retries=0, time_limit=redis_queue.LONGEST)
    return declared(do_job)


def listen(doer: Worker) -> None:
    """Do a job for every message, one at a time, until the worker is told to end."""
    broker = redis_queue.broker(_impatient(doer.config.queue), WHAT, REMEDY)
    _actor(broker, doer)
    if _answers(broker, doer):
        with redis_queue.listening(broker, STOPPING):
            doer.ending.wait()


def _answers(broker: RedisBroker, doer: Worker) -> bool:
    """Wait until Redis answers, which may start after its workers; False where the worker is to end before it does."""
    while not doer.ending.is_set():
        try:
            broker.client.ping()
            return True
        except RedisError as error:
            log.warning("the queue does not answer: the worker waits for it. %s", REMEDY, extra={"error": str(error)})
        doer.ending.wait(AWAY)
    return False


if __name__ == "__main__":
    worker.main(listen)

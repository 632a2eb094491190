"""Rows worked on by any number of hosts, which take them from a queue in Redis by Dramatiq.

Every host starts as many workers as it has places, each a process of its own under whatever starts it again when it
ends (systemd, a container)::

    DUBKIT_REDIS_URL=redis://queue:6379/0 python -m dubkit.batch.dramatiq

A message is no more than a row's task. It may be lost or come twice, for the row is claimed in the ledger; so nothing is
retried here.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import os
import signal
import sys
import threading
import uuid
from typing import TYPE_CHECKING, Any, Self

from dubkit import redis_queue
from dubkit.batch.work import Task, perform
from dubkit.errors import DubkitError

if TYPE_CHECKING:
    from dramatiq import Actor
    from dramatiq.brokers.redis import RedisBroker

QUEUE = "dubkit-batch"
REMEMBERED = 30 * 24 * 3600
"""Seconds that workers know of an engine that was closed."""


class Dramatiq:
    """Hands rows to workers that listen to a queue in Redis.

    Parameters
    ----------
    broker : dramatiq.brokers.redis.RedisBroker
        The queue's server.
    workers : int
        How many rows are handed over at once: as many as there are workers.
    """

    def __init__(self, broker: RedisBroker, workers: int) -> None:
        self.slots = workers
        self._broker = broker
        self._actor = actor(broker)
        self._sender = uuid.uuid4().hex

    @classmethod
    def from_spec(cls, argument: str, workers: int) -> Self:
        """On the Redis server of a URL, or of ``$DUBKIT_REDIS_URL``.

        Raises
        ------
        MissingModel
            If Dramatiq is not installed.
        BadInput
            If no Redis answers there.
        """
        return cls(connect(argument), workers)

    def submit(self, task: Task) -> None:
        """Put a row into the queue.

        Raises
        ------
        DubkitError
            If Redis is gone.
        """
        from redis import RedisError

        try:
            self._actor.send(dataclasses.asdict(task), self._sender)
        except RedisError:
            raise DubkitError(
                "Redis is gone. What is done stays done: start it again, and give the command with --resume."
            ) from None

    def close(self) -> None:
        """Take back what has not begun; what workers have begun they finish, where the ledger lets them."""
        from redis import RedisError

        # Where Redis is gone, so is what was queued.
        with contextlib.suppress(RedisError):
            self._broker.client.set(_closed(self._sender), 1, ex=REMEMBERED)
        self._broker.close()


def connect(url: str = "") -> RedisBroker:
    """The queue's server, at a URL or at ``$DUBKIT_REDIS_URL``; see :meth:`Dramatiq.from_spec`."""
    url = url or os.environ.get("DUBKIT_REDIS_URL", "")
    return redis_queue.connect(
        url, "The engine 'dramatiq'", "Give its URL, as in dramatiq:redis://host:6379/0, or set DUBKIT_REDIS_URL."
    )


def actor(broker: RedisBroker) -> Actor[[dict[str, Any], str], None]:
    """What does the work of a message, on that server's queue."""
    import dramatiq

    def work_on_row(task: dict[str, Any], sender: str) -> None:
        if not broker.client.exists(_closed(sender)):
            perform(Task(**task))

    declared = dramatiq.actor(broker=broker, queue_name=QUEUE, max_retries=0, time_limit=redis_queue.LONGEST)
    return declared(work_on_row)


def work(url: str = "") -> None:
    """Take rows from the queue, one at a time, until this process is told to end.

    The first SIGTERM or SIGINT lets it finish its row; at a second it ends at once, and the row's lease runs out.
    """
    broker = connect(url)
    actor(broker)
    told = threading.Event()

    def tell(number: int, _: object) -> None:
        if told.is_set():
            os._exit(128 + number)
        told.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, tell)
    with redis_queue.listening(broker):
        while not told.wait(1.0):
            pass


def _closed(sender: str) -> str:
    return f"dubkit:closed:{sender}"


def main() -> None:
    """The command ``python -m dubkit.batch.dramatiq``."""
    parser = argparse.ArgumentParser(prog="python -m dubkit.batch.dramatiq", description=work.__doc__)
    parser.add_argument("--queue", default="", metavar="URL", help="the Redis server; by default $DUBKIT_REDIS_URL")
    try:
        work(parser.parse_args().queue)
    except DubkitError as error:
        print(error, file=sys.stderr)
        raise SystemExit(error.exit_code) from None


if __name__ == "__main__":
    main()

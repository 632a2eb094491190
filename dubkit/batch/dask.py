"""Rows worked on by a Dask cluster: one of this machine's own, or one that runs already.

``--engine dask`` starts as many worker processes here as are asked for; ``--engine dask:tcp://host:8786`` uses a
cluster whose workers have dubkit installed and reach the ledger, the store and the films under the same names. Start
those with ``dask worker ADDRESS --nthreads 1 --no-dashboard``: a process has one kernel. The row of a worker that died comes
back when its lease runs out; where Dask hands it on by itself, that is not granted the row, and does nothing.
"""

from __future__ import annotations

import contextlib
import logging
import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Self

from dubkit.batch.work import Task, perform
from dubkit.errors import BadInput, DubkitError, MissingModel

if TYPE_CHECKING:
    from distributed import Client, Future

REACH = 10
"""Seconds that a scheduler may take to answer."""


class Dask:
    """Hands rows to the workers of a Dask cluster.

    Parameters
    ----------
    client : distributed.Client
        The connection to the cluster.
    workers : int
        How many rows are handed over at once, at least; more where the cluster has more workers.
    cluster : optional
        A cluster to end with this engine.
    """

    def __init__(self, client: Client, workers: int, cluster: Any = None) -> None:
        self._client = client
        self._workers = workers
        self._cluster = cluster
        self._futures: set[Future[None]] = set()

    @classmethod
    def from_spec(cls, argument: str, workers: int) -> Self:
        """On the cluster at an address, or on `workers` new processes of this machine.

        Raises
        ------
        MissingModel
            If Dask is not installed.
        BadInput
            If no cluster answers at that address.
        """
        try:
            from distributed import Client, LocalCluster
        except ImportError as error:
            raise MissingModel(
                f"The engine 'dask' needs the Python package {error.name!r}, which is not installed. "
                "Install it with: pip install 'dubkit[dask]'"
            ) from error
        if argument:
            # Its own words for an address that does not answer are told below.
            with _silent("distributed"):
                try:
                    return cls(Client(argument, timeout=REACH, set_as_default=False), workers)
                except (OSError, ValueError) as error:
                    raise BadInput(
                        f"No Dask cluster answers at {argument!r} ({error}). Give its scheduler's address, such as "
                        "dask:tcp://host:8786, or just dask to start workers here."
                    ) from None
        cluster = LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            # Whoever reaches a scheduler can run code: others on this machine are kept out.
            security=True,
            # Models live in the workers' kernels, which Dask does not count.
            memory_limit=0,
            # Any port: another batch may have the usual one.
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.CRITICAL,
        )
        return cls(Client(cluster, set_as_default=False), workers, cluster)

    @property
    def slots(self) -> int:
        """How many rows are handed over at once: one per worker."""
        if self._cluster is not None:
            return self._workers
        return max(self._workers, len(self._client.nthreads()))

    def submit(self, task: Task) -> None:
        """Hand a row over.

        Raises
        ------
        DubkitError
            If the cluster is gone.
        """
        if self._client.status != "running":
            raise DubkitError(
                "The Dask cluster is gone. What is done stays done: start it again, and give the command with --resume."
            )
        # Neither repeated nor remembered by Dask: the ledger does both.
        future = self._client.submit(perform, task, key=f"dubkit-{uuid.uuid4().hex}", pure=False, retries=0)
        self._futures.add(future)
        future.add_done_callback(self._futures.discard)

    def close(self) -> None:
        """Take back what has not begun, and end the workers that were started here; others finish what they have."""
        if self._client.status == "running":
            self._client.cancel([*self._futures])
        self._client.close(timeout=REACH)
        if self._cluster is not None:
            self._cluster.close(timeout=REACH)


@contextlib.contextmanager
def _silent(name: str) -> Iterator[None]:
    """Nothing is logged under that name."""
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)

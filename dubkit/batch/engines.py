"""What hands rows to workers; a further kind is a class and an entry point in the group ``dubkit.batch_engine``."""

from __future__ import annotations

import logging
import multiprocessing
import os
import threading
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Protocol, Self

from dubkit.batch.work import Task, perform
from dubkit.errors import BadInput, MissingModel, listed

if TYPE_CHECKING:
    from concurrent.futures import Future

    from pebble import ProcessPool

GROUP = "dubkit.batch_engine"

log = logging.getLogger(__name__)


class Engine(Protocol):
    """Calls :func:`dubkit.batch.work.perform` somewhere, once or more or never: the ledger sees to the rest."""

    @property
    def slots(self) -> int:
        """How many rows are handed over at once."""
        ...

    @classmethod
    def from_spec(cls, argument: str, workers: int) -> Self:
        """Make it from what follows the colon in its spec (may be empty) and a number of workers."""
        ...

    def submit(self, task: Task) -> None:
        """Hand a row over."""
        ...

    def close(self) -> None:
        """Stop what is running, as far as it can."""
        ...


def engine(spec: str, workers: int) -> Engine:
    """The engine that a spec names: ``local``, ``dask``, ``dask:tcp://host:8786``, ...

    Raises
    ------
    BadInput
        If there is none of that name, or it does not take what follows the colon.
    MissingModel
        If its packages are not installed.
    """
    name, _, argument = spec.partition(":")
    found = {point.name: point for point in entry_points(group=GROUP)}
    if name not in found:
        raise BadInput(f"There is no engine {name!r}. There are: {listed(list(found)) or 'none; install dubkit anew'}.")
    made: Engine = found[name].load().from_spec(argument, workers)
    return made


class Local:
    """Processes of this machine. One that dies is replaced; its row comes back when its lease has run out."""

    def __init__(self, pool: ProcessPool, workers: int) -> None:
        self.slots = workers
        self._pool = pool
        self._closed = False

    @classmethod
    def from_spec(cls, argument: str, workers: int) -> Self:
        """See :class:`Engine`."""
        if argument:
            raise BadInput(f"The engine local takes nothing after its name, such as {argument!r}; see --workers.")
        try:
            from pebble import ProcessPool
        except ImportError as error:
            raise MissingModel(
                "The engine 'local' needs the Python package 'pebble', which is not installed. "
                "Install it with: pip install 'dubkit[batch]'"
            ) from error
        # Not forked: threads do not survive that.
        context: Any = multiprocessing.get_context("spawn")
        return cls(ProcessPool(workers, initializer=follow_parent, context=context), workers)

    def submit(self, task: Task) -> None:
        """See :class:`Engine`."""
        self._pool.schedule(perform, args=[task]).add_done_callback(self._tell)

    def close(self) -> None:
        """End the workers, and their kernels with them."""
        self._closed = True
        self._pool.stop()
        self._pool.join()

    def _tell(self, future: Future[None]) -> None:
        from pebble import ProcessExpired

        # Who is stopped can say nothing, and need not.
        if self._closed or future.cancelled() or (error := future.exception()) is None:
            return
        if isinstance(error, ProcessExpired):
            log.info("A worker died (%s); its row comes back when its lease has run out.", error)
        else:
            log.warning("A worker could not say how its row went: %s", error)


def follow_parent() -> None:
    """Let this process end when the one that started it does, also where that was killed."""
    parent = multiprocessing.parent_process()

    def follow() -> None:
        if parent is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=follow, daemon=True).start()

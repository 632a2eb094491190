"""Work on several items at once, results in order, as they are wanted."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(work: Callable[[Item], Result], items: Iterable[Item], n_threads: int) -> Iterator[Result]:
    """Apply `work` to each item in `n_threads` threads.

    No more than `n_threads` results are ahead of the one that is wanted, so that memory does not grow with the number
    of items; those not begun when the caller stops are dropped. The caller's context variables hold in the threads.
    """
    if n_threads < 2:
        yield from map(work, items)
        return
    waiting = iter(items)
    begun: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(n_threads) as pool:
        try:
            begun.extend(pool.submit(copy_context().run, work, item) for item in islice(waiting, n_threads + 1))
            while begun:
                result = begun.popleft().result()
                begun.extend(pool.submit(copy_context().run, work, item) for item in islice(waiting, 1))
                yield result
        finally:
            for future in begun:
                future.cancel()

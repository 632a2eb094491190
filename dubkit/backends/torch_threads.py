"""Torch work spread over the cores item by item, not inside each operation.

Small networks gain little from threads inside an operation, and lose much to their waiting for one another on a busy
machine. One thread per item also makes what comes out independent of the number of threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from dubkit.backends.in_order import in_order

Item = TypeVar("Item")
Result = TypeVar("Result")


def side_by_side(work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Apply `work` to each item, as many at once as torch has threads, each on one; results in order.

    ``torch.inference_mode`` does not reach into threads: `work` has to set it.
    """
    import torch

    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield from in_order(work, items, n_threads)
    finally:
        torch.set_num_threads(n_threads)

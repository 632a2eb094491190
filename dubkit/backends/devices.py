"""Where models run, and how many items go through them at once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from dubkit.backends.protocols import Compute
from dubkit.errors import BadInput, OutOfMemory

log = logging.getLogger(__name__)

Item = TypeVar("Item")
Result = TypeVar("Result")


def device(compute: Compute) -> str:
    """The torch device to use: ``cuda`` where there is one unless another was asked for.

    Raises
    ------
    BadInput
        If CUDA was asked for and is not there.
    """
    import torch

    wanted = compute.device
    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if wanted.startswith("cuda") and not torch.cuda.is_available():
        raise BadInput(
            f"The device {wanted!r} was asked for, but PyTorch finds no CUDA here. Use --set compute.device=cpu, or auto."
        )
    return wanted


def batch_size(compute: Compute) -> int:
    """How many items go through a model at once: the batch asked for on a GPU, one on the CPU.

    A CPU's matrix products round differently for other batch sizes. One at a time, what a killed run left to do comes
    out bit for bit as it would have, and two cores lose little by it.
    """
    return 1 if device(compute) == "cpu" else compute.batch_size


class Batches:
    """Work in batches that shrink where the GPU's memory is too small for them.

    Parameters
    ----------
    compute : Compute
        Device, and the size to begin with.
    name : str
        The model, for what is told to the user.
    """

    def __init__(self, compute: Compute, name: str) -> None:
        self.compute = compute
        self.name = name
        self._size = 0

    @property
    def size(self) -> int:
        """Items in the next batch."""
        self._size = self._size or batch_size(self.compute)
        return self._size

    def of(self, items: Sequence[Item], work: Callable[[Sequence[Item]], Iterable[Result]]) -> Iterator[Result]:
        """What `work` makes of each item, in order, batch by batch.

        A batch that does not fit is done again in halves; the smaller size stays for what comes after.

        Raises
        ------
        OutOfMemory
            If the memory is too small for a single item.
        """
        done = 0
        while done < len(items):
            batch = items[done : done + self.size]
            try:
                made = list(work(batch))
            except Exception as error:
                if not out_of_memory(error):
                    raise
                _free()
                if len(batch) == 1:
                    raise no_memory(self.name, device(self.compute)) from error
                self._size = len(batch) // 2
                log.warning(
                    "The GPU's memory is too small for %d items at once in %s: going on with %d",
                    len(batch),
                    self.name,
                    self._size,
                )
                continue
            yield from made
            done += len(batch)


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that a GPU's memory is full (PyTorch's own type, or CTranslate2's words)."""
    import torch

    return isinstance(error, torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and "out of memory" in str(error).lower()
    )


def no_memory(name: str, place: str) -> OutOfMemory:
    """The error for a model that does not fit."""
    return OutOfMemory(
        f"The memory of {place} is too small for {name}. See with nvidia-smi what else fills it; or take a smaller model, "
        "or --set compute.device=cpu. What is finished is kept."
    )


def _free() -> None:
    import gc

    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()

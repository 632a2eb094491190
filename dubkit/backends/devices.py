"""Where models run, and how many items go through them at once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

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
    if wanted.startswith("cuda:") and int(wanted[5:]) >= (n := torch.cuda.device_count()):
        raise BadInput(f"The device {wanted!r} was asked for, but there are {n} GPUs here, numbered from cuda:0.")
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
            made = self._tried(batch, work)
            if made is not None:
                yield from made
                done += len(batch)
            else:
                # Not where the error is caught: its traceback holds on to all that the batch had filled.
                free()

    def _tried(self, batch: Sequence[Item], work: Callable[[Sequence[Item]], Iterable[Result]]) -> list[Result] | None:
        """A batch's results; None where it did not fit, and the next is to be smaller."""
        try:
            return list(work(batch))
        except Exception as error:
            if not out_of_memory(error):
                raise
            if len(batch) == 1:
                raise no_memory(self.name, device(self.compute)) from error
        self._size = len(batch) // 2
        log.warning(
            "The GPU's memory is too small for %d items at once in %s: going on with %d",
            len(batch),
            self.name,
            self._size,
        )
        return None


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory is full: PyTorch's own type, CTranslate2's words, or what pyannote makes of it."""
    import torch

    return isinstance(error, (torch.OutOfMemoryError, MemoryError)) or (
        isinstance(error, RuntimeError) and "out of memory" in str(error).lower()
    )


def placed(model: Any, place: str, name: str) -> Any:
    """A PyTorch model on a device; where there is no room, other models that are not at work are dropped first.

    Raises
    ------
    OutOfMemory
        If it does not fit even so.
    """
    from dubkit.backends import registry

    for last in (False, True):
        try:
            return model.to(place)
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
            if last:
                raise no_memory(name, place) from error
        registry.release(idle=True)
    raise AssertionError


def no_memory(name: str, place: str) -> OutOfMemory:
    """The error for a model that does not fit."""
    if place == "cpu":
        return OutOfMemory(
            f"This machine's memory is too small for {name}: end other programs, or take a smaller model. What is finished "
            "is kept."
        )
    return OutOfMemory(
        f"The memory of {place} is too small for {name}. See with nvidia-smi what else fills it; or take a smaller model, "
        "or --set compute.device=cpu. What is finished is kept."
    )


def free() -> None:
    """Give back what nothing uses any longer."""
    import gc

    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()

"""Finds the back end that a spec string names, the same way for built-ins and plug-ins, and keeps it in memory.

A spec is ``name`` or ``name:argument``, for example ``kokoro`` or ``whisper:openai/whisper-large-v3``. Names are entry
points in the group ``dubkit.<task>``. There is one instance of each in a process, so that its model loads once; those
used longest ago are dropped where the next one needs their room.
"""

from __future__ import annotations

import contextlib
import gc
import itertools
import os
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from dubkit.backends.protocols import Backend, Compute
from dubkit.errors import BadInput, DubkitError, MissingModel, listed

TASKS = ("separator", "diarizer", "transcriber", "gender_classifier", "translator", "synthesizer")
SHARE = 0.8
"""Of the memory that there is, what models may fill where no budget is set."""

Key = tuple[str, str, Compute]


@dataclass
class _Kept:
    """A back end in memory: those made inside it, its size in bytes once used, when it was used last, and by how many."""

    backend: Any
    members: list[Key] = field(default_factory=list)
    size: int = 0
    used: int = 0
    users: int = 0


_kept: dict[Key, _Kept] = {}
_making: list[_Kept] = []
_lock = threading.RLock()
_clock = itertools.count(1)


def available(task: str) -> dict[str, EntryPoint]:
    """The back ends installed for a task, by name."""
    return {point.name: point for point in entry_points(group=f"dubkit.{task}")}


def get(task: str, spec: str, compute: Compute = Compute()) -> Any:
    """The back end that a spec names; one instance per process, so that its model loads once.

    Raises
    ------
    BadInput
        If no installed back end of the task has this name; the message lists those that do.
    MissingModel
        If the back end's own packages are not installed.
    """
    key = (task, spec, compute)
    with _lock:
        if _making:
            _making[-1].members.append(key)
        if key not in _kept:
            cls, (_, _, argument) = _class(task, spec), spec.partition(":")
            kept = _Kept(None)
            _making.append(kept)
            try:
                kept.backend = cls.from_spec(argument, compute)
            except (DubkitError, ImportError):
                raise
            except Exception as error:
                # A plug-in's fault, or what it was given: no reason for a traceback.
                name = spec.partition(":")[0]
                raise BadInput(
                    f"The {task} back end {name!r} cannot be made ({type(error).__name__}: {error})."
                ) from error
            finally:
                _making.pop()
            _kept[key] = kept
        return _kept[key].backend


@contextlib.contextmanager
def using(backend: Any, compute: Compute) -> Iterator[None]:
    """Make room for a back end before its work, and note afterwards how large it is.

    Others are dropped, the one used longest ago first, until all fit into ``compute.memory`` together. A dropped one
    loads again when it is next asked for.
    """
    with _lock:
        kept = next((k for k in _kept.values() if k.backend is backend), None)
    if kept is None:
        yield
        return
    # It may have to ask another host: not while others wait for the lock, and not once more at the end.
    expected = kept.size or _expected(backend, compute)
    with _lock:
        kept.used = next(_clock)
        kept.users += 1
        _make_room(kept, budget(compute) - expected)
    before = _allocated(compute)
    try:
        yield
    finally:
        with _lock:
            kept.users -= 1
            kept.used = next(_clock)
            kept.size = max(expected, _allocated(compute) - before)


def budget(compute: Compute) -> int:
    """Bytes that models may fill: as set, or a share of the GPU's memory, or of this machine's."""
    if compute.memory:
        return round(compute.memory * 1e9)
    if gpu := _gpu(compute):
        torch, place = gpu
        return int(SHARE * torch.cuda.get_device_properties(place).total_memory)
    return int(SHARE * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))


def release(idle: bool = False) -> None:
    """Drop every back end, or just those that are not at work, so that their memory can be freed."""
    with _lock:
        busy = {key for key, kept in _kept.items() if idle and kept.users}
        busy |= {member for key in busy for member in _kept[key].members}
        for key in _kept.keys() - busy:
            del _kept[key]
    _collect()


def _class(task: str, spec: str) -> type[Backend]:
    name = spec.partition(":")[0]
    known = available(task)
    if name not in known:
        raise BadInput(f"No {task} back end is called {name!r}. Installed ones: {listed(list(known))}.")
    try:
        return known[name].load()  # type: ignore[no-any-return]
    except ImportError as error:
        package = known[name].dist
        extra = package.name if package else "dubkit"
        raise MissingModel(
            f"The {task} back end {name!r} needs the Python package {error.name!r}, which is not installed. "
            f"Install it with: pip install '{extra}[embedded]', or run: make setup"
        ) from error


def _make_room(wanted: _Kept, room: int) -> None:
    """Drop others until those that stay fit into `room` bytes."""
    inside = {key for kept in _kept.values() for key in kept.members}
    others = [(key, k) for key, k in _kept.items() if k is not wanted and k.size and not k.users and key not in inside]
    others.sort(key=lambda pair: pair[1].used)
    filled = sum(kept.size for _, kept in others)
    dropped = False
    for key, kept in others:
        if filled <= room:
            break
        filled -= kept.size
        del _kept[key]
        still = {member for k in _kept.values() for member in k.members}
        for member in kept.members:
            if member not in still:
                _kept.pop(member, None)
        dropped = True
    if dropped:
        _collect()


def _gpu(compute: Compute) -> tuple[Any, int] | None:
    """PyTorch and the number of the GPU that is in use; None without one."""
    torch = sys.modules.get("torch")
    if torch is None or compute.device == "cpu" or not torch.cuda.is_available():
        return None
    return torch, int(compute.device.partition(":")[2] or 0)


def _expected(backend: Any, compute: Compute) -> int:
    """Bytes that a back end will fill, by its models' sizes."""
    here = [card for card in backend.models() if card.present]
    return sum((card.memory or card.size) if _gpu(compute) else card.size for card in here)


def _allocated(compute: Compute) -> int:
    """Bytes of GPU memory in use by this process; 0 without one."""
    gpu = _gpu(compute)
    return int(gpu[0].cuda.memory_allocated(gpu[1])) if gpu else 0


def _collect() -> None:
    gc.collect()
    if gpu := _gpu(Compute()):
        gpu[0].cuda.empty_cache()

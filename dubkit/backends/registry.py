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
from dubkit.errors import BadInput, MissingModel, listed

TASKS = ("separator", "diarizer", "transcriber", "gender_classifier", "translator", "synthesizer")
SHARE = 0.8
"""Of the memory that there is, what models may fill where no budget is set."""

Key = tuple[str, str, Compute]


@dataclass
class _Kept:
    """A back end in memory: those made inside it, its size in bytes once used, and when it was used last."""

    backend: Any
    members: list[Key] = field(default_factory=list)
    size: int = 0
    used: int = 0


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
        if kept is not None:
            kept.used = next(_clock)
            expected = kept.size or sum(card.size for card in backend.models() if card.present)
            _make_room(kept, budget(compute) - expected)
    before = _allocated()
    try:
        yield
    finally:
        if kept is not None:
            size = max(kept.size, _allocated() - before) or sum(c.size for c in backend.models() if c.present)
            kept.size, kept.used = size, next(_clock)


def budget(compute: Compute) -> int:
    """Bytes that models may fill: as set, or a share of the GPU's memory, or of this machine's."""
    if compute.memory:
        return round(compute.memory * 1e9)
    if torch := _cuda():
        return int(SHARE * torch.cuda.get_device_properties(0).total_memory)
    return int(SHARE * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))


def release() -> None:
    """Drop every back end, so that its memory can be freed."""
    with _lock:
        _kept.clear()
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
    others = [(key, k) for key, k in _kept.items() if k is not wanted and k.size and key not in inside]
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


def _cuda() -> Any:
    """PyTorch, where it is in use and has a GPU."""
    torch = sys.modules.get("torch")
    return torch if torch is not None and torch.cuda.is_available() else None


def _allocated() -> int:
    """Bytes of GPU memory in use by this process; 0 without one."""
    torch = _cuda()
    return int(torch.cuda.memory_allocated()) if torch else 0


def _collect() -> None:
    gc.collect()
    if torch := _cuda():
        torch.cuda.empty_cache()

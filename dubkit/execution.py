"""One stage of a run: its result found in the store, or made and kept there."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from dubkit.backends import registry
from dubkit.errors import DubkitError, StageFailed
from dubkit.progress import Observer, Report
from dubkit.provenance import peak_megabytes, versions
from dubkit.settings import Settings
from dubkit.stage import Stage, Stopwatch
from dubkit.store import Store, Stored, digest


def backend(step: Stage, settings: Settings) -> Any:
    """The back end that the settings pick for a stage's task; None where it has none."""
    if step.task is None:
        return None
    return registry.get(step.task, getattr(settings.backends, step.task), settings.compute)


def address(step: Stage, settings: Settings, inputs: Mapping[str, Stored]) -> tuple[str, dict[str, Any]]:
    """The key of a stage's result, and all that it is a digest of.

    Parameters
    ----------
    step : Stage
        What is to be done.
    settings : Settings
        Of these, the stage's own group and its back end count; ``compute`` does not.
    inputs : mapping
        The artefacts that there are, by name, at least those that the stage reads.
    """
    identity: dict[str, Any] = {
        "version": step.version,
        "settings": asdict(getattr(settings, step.name)) if step.settings else {},
        "backend": _identity(backend(step, settings), settings) if step.task else "",
        "inputs": {name: inputs[name].digest for name in step.reads},
    }
    return digest([step.name, identity])[:32], identity


def _identity(model: Any, settings: Settings) -> str:
    """A back end's fingerprint; with the model's revision, where it has one for each language that it speaks."""
    revision = model.revision_of(settings.translate.target) if hasattr(model, "revision_of") else ""
    return f"{model.fingerprint}:{revision}" if revision else model.fingerprint


def result(
    step: Stage,
    settings: Settings,
    inputs: Mapping[str, Stored],
    store: Store,
    observers: tuple[Observer, ...] = (),
    before: Callable[[], None] = lambda: None,
) -> tuple[Stored, bool]:
    """What a stage makes of its inputs, and whether the store had it already; `before` is called if there is work to do.

    Raises
    ------
    DubkitError
        If it cannot be done; a :class:`StageFailed` where the reason is none that dubkit knows.
    """
    report = Report(step.name, observers)
    key, identity = address(step, settings, inputs)
    if found := store.find(step.name, key, step.makes):
        for text in found.record["warnings"]:
            report.tell("warning", note=text)
        report.tell("reused", seconds=found.record["seconds"])
        return found, True
    before()
    begun = time.perf_counter()
    report.tell("started")
    try:
        made = _make(step, settings, inputs, store, report, key, identity)
    except BaseException as error:
        report.tell("failed", note=str(error), seconds=time.perf_counter() - begun)
        if isinstance(error, DubkitError) or not isinstance(error, Exception):
            raise
        raise StageFailed(
            f"The stage {step.name} failed: {type(error).__name__}: {error}. The results of the stages before it are "
            "kept; the same command goes on there."
        ) from error
    report.tell("done", seconds=time.perf_counter() - begun)
    return made, False


def _make(
    step: Stage,
    settings: Settings,
    inputs: Mapping[str, Stored],
    store: Store,
    report: Report,
    key: str,
    identity: Mapping[str, Any],
) -> Stored:
    begun = time.perf_counter()
    model = backend(step, settings)
    with store.scratch() as folder, told_of_models(report), registry.using(model, settings.compute):
        watched = Stopwatch(model)
        offers = {
            "settings": getattr(settings, step.name, None),
            "backend": watched,
            "folder": folder,
            "items": store.items(step.name),
            "report": report,
        }
        artefact = step(*(inputs[name].artefact for name in step.reads), **{name: offers[name] for name in step.wants})
        record = {
            **identity,
            "seconds": round(time.perf_counter() - begun, 3),
            "model_seconds": round(watched.seconds, 3),
            "peak_megabytes": round(peak_megabytes()),
            "warnings": report.warnings,
            "versions": versions(),
        }
        if watched.streamed and (usage := getattr(model, "usage", None)):
            record["usage"] = dict(usage)
        # Under a key that nobody will look for.
        kept = digest([key, artefact.digest()])[:32] if report.provisional else key
        return store.put(step.name, kept, artefact, record, folder)


@contextlib.contextmanager
def told_of_models(report: Report) -> Iterator[None]:
    """Let what back ends warn of reach the user, and stay beside the result."""
    log, handler = logging.getLogger("dubkit.backends"), _Told(report)
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)


class _Told(logging.Handler):
    def __init__(self, report: Report) -> None:
        super().__init__(logging.WARNING)
        self._report = report

    def emit(self, record: logging.LogRecord) -> None:
        self._report.warn(record.getMessage())

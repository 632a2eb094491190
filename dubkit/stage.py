"""``@stage``: a function becomes a step of the pipeline whose parameters are its edges.

Positional parameters name the artefacts that it reads. Keyword-only parameters are what it may ask for besides:
``settings`` (annotated with its settings class), ``backend``, ``folder`` (where it may write files), ``items`` (finished
parts of an unfinished result) and ``report``. The return annotation names the artefact that it makes.
"""

from __future__ import annotations

import functools
import inspect
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, get_type_hints

from dubkit.record import Artefact

KEYWORDS = frozenset({"settings", "backend", "folder", "items", "report"})


@dataclass(frozen=True)
class Stage:
    """One step of the pipeline.

    Parameters
    ----------
    function : callable
        Does the work; ``stage(...)`` calls it, for use on its own in a notebook or a test.
    version : int
        Raised whenever the same input would give another output.
    reads : tuple of str
        Names of the artefacts it reads, in order.
    makes : type
        The artefact class; its lower-case name is the artefact's name.
    wants : frozenset of str
        Which of :data:`KEYWORDS` it asks for.
    settings : type or None
        Its settings class.
    task : str or None
        The task whose back end it uses.
    """

    function: Callable[..., Artefact]
    version: int
    reads: tuple[str, ...]
    makes: type[Artefact]
    wants: frozenset[str]
    settings: type | None
    task: str | None

    @property
    def name(self) -> str:
        """The verb: the function's name."""
        return self.function.__name__

    @property
    def result(self) -> str:
        """Name of the artefact that it makes."""
        return self.makes.__name__.lower()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Do the work once, with no store."""
        return self.function(*args, **kwargs)


def stage(*, version: int, task: str | None = None) -> Callable[[Callable[..., Artefact]], Stage]:
    """Turn a function into a :class:`Stage`.

    Raises
    ------
    TypeError
        If the function asks for something a stage cannot have, or does not say what it makes.
    """

    def wrap(function: Callable[..., Artefact]) -> Stage:
        parameters = inspect.signature(function).parameters.values()
        hints = get_type_hints(function)
        wants = frozenset(p.name for p in parameters if p.kind is p.KEYWORD_ONLY)
        if unknown := wants - KEYWORDS:
            raise TypeError(f"{function.__name__} asks for {sorted(unknown)}; a stage may ask for {sorted(KEYWORDS)}")
        if not (isinstance(makes := hints.get("return"), type) and issubclass(makes, Artefact)):
            raise TypeError(f"{function.__name__} must be annotated with the artefact that it returns")
        if ("backend" in wants) != (task is not None):
            raise TypeError(f"{function.__name__}: a stage with a task takes a back end, one without takes none")
        reads = tuple(p.name for p in parameters if p.kind is not p.KEYWORD_ONLY)
        return Stage(function, version, reads, makes, wants, hints.get("settings"), task)

    return wrap


class Stopwatch:
    """A back end that counts the seconds spent inside it; everything else is the back end's own.

    Time that it spends waiting for a stream that the stage feeds it is the stage's, and not counted. ``streamed`` says
    whether it was asked for anything that comes item by item, which finished items from the store make needless.
    """

    def __init__(self, backend: Any) -> None:
        self._backend = backend
        self.seconds = 0.0
        self.streamed = False

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._backend, name)
        if not inspect.ismethod(found):
            return found

        @functools.wraps(found)
        def timed(*args: Any, **kwargs: Any) -> Any:
            fed = [self._each(a, sign=-1) if inspect.isgenerator(a) else a for a in args]
            begun = time.perf_counter()
            result = found(*fed, **kwargs)
            self.seconds += time.perf_counter() - begun
            if not inspect.isgenerator(result):
                return result
            self.streamed = True
            return self._each(result, sign=1)

        return timed

    def _each(self, results: Iterator[Any], sign: int) -> Iterator[Any]:
        """The same items; the time that each takes to come is added, or taken off where the back end waits for it."""
        while True:
            begun = time.perf_counter()
            try:
                item = next(results)
            except StopIteration:
                return
            finally:
                self.seconds += sign * (time.perf_counter() - begun)
            yield item

"""Runs a suite: every item through the pipeline and past the judges, in as many processes as the machine has room for.

All work goes through the store, so a run that was stopped goes on where it stopped, and with changed settings only what
they change is done again. An item that fails is told with its reason, and the others go on.
"""

from __future__ import annotations

import contextlib
import functools
import multiprocessing
import queue
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from dubkit.progress import Event
from dubkit.settings import Settings
from dubkit.workers import room, shared_threads
from evaluation import provenance
from evaluation.job import Job, perform
from evaluation.results import Outcome, ResultSet
from evaluation.scoring import MEASURES
from evaluation.statistics import SEED
from evaluation.suites import Item, Suite
from evaluation.system import System

DIED = (
    "a worker process died, most likely for want of memory; what was finished is kept. "
    "Give the same command again with fewer workers."
)

Watch = Callable[[str, Event], None]
"""Is told of every event of every item."""


def run(
    suite: Suite,
    system: System,
    store: Path,
    *,
    workers: int = 0,
    watch: Watch = lambda item, event: None,
    seed: int = SEED,
) -> ResultSet:
    """Evaluate a system on a suite.

    Parameters
    ----------
    suite : Suite
        Its samples are built where they are not there yet.
    system : System
        What is evaluated.
    store : Path
        Where results of stages and judges are kept.
    workers : int
        Processes; 0 takes as many as cores, memory and items allow, one with a GPU.
    watch : callable
        Is called with an item's id and its events, in this process.
    seed : int
        Of the bootstrap.
    """
    settings = system.settings
    items = suite.load()
    began = time.time()
    n = min(workers or room(settings), len(items))
    jobs = [_job(item, suite, system, settings, n, store) for item in items]
    found = {o.item: o for o in (_alone(jobs, watch) if n <= 1 else _together(jobs, n, watch))}
    facts = provenance.told(suite, system, settings, jobs, began, seed)
    return ResultSet.of([found[item.id] for item in items], MEASURES, facts)


def _job(item: Item, suite: Suite, system: System, settings: Settings, workers: int, store: Path) -> Job:
    """An item's own settings over the system's; several workers share the cores."""
    shared = shared_threads(settings, workers)
    given = tuple(dict.fromkeys([*item.given, *system.given]))
    return Job(item, settings.but({**item.changes, **system.changes, **shared}), given, suite.until, suite.judge, store)


def _alone(jobs: Sequence[Job], watch: Watch) -> Iterator[Outcome]:
    """One after another in this process."""
    for job in jobs:
        watch(job.item.id, Event("item", "started"))
        outcome = perform(job, functools.partial(watch, job.item.id))
        watch(job.item.id, _end(outcome))
        yield outcome


def _together(jobs: Sequence[Job], workers: int, watch: Watch) -> Iterator[Outcome]:
    """In several processes. Where one dies, all that were running fail, and the same command goes on."""
    # Not forked: models and their threads do not survive that.
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager:
        events = manager.Queue()
        with ProcessPoolExecutor(workers, mp_context=context) as pool:
            running = {pool.submit(_perform, job, events): job for job in jobs}
            try:
                yield from _gathered(running, events, watch)
            finally:
                # Whoever stops it does not wait for what has not begun.
                pool.shutdown(wait=False, cancel_futures=True)


def _gathered(running: dict[Future[Outcome], Job], events: Any, watch: Watch) -> Iterator[Outcome]:
    """Outcomes as they come, and events passed on."""
    while running:
        done, _ = wait(running, timeout=0.25, return_when=FIRST_COMPLETED)
        with contextlib.suppress(queue.Empty):
            while True:
                watch(*events.get_nowait())
        for future in done:
            job = running.pop(future)
            try:
                outcome = future.result()
            except BrokenProcessPool:
                outcome = Outcome(job.item.id, error=DIED)
            watch(job.item.id, _end(outcome))
            yield outcome


def _perform(job: Job, events: Any) -> Outcome:
    """In a worker."""
    events.put((job.item.id, Event("item", "started")))
    return perform(job, lambda event: events.put((job.item.id, event)))


def _end(outcome: Outcome) -> Event:
    return Event("item", "failed" if outcome.error else "done", note=outcome.error, seconds=outcome.seconds)

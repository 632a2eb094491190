"""What a worker does with a row: claim it, execute its notebook, hand over what came out, and say how it went."""

from __future__ import annotations

import contextlib
import os
import platform
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dubkit import errors
from dubkit.batch import kernels, notebook
from dubkit.batch.ledger import Claim, Ledger
from dubkit.batch.outcome import collected
from dubkit.errors import DubkitError
from dubkit.transfer import fetch, is_remote

LEASE = 30.0
"""Seconds after which a row whose worker is silent is another's."""
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 120.0
"""Before a row is tried again, in seconds; doubled each time."""


@dataclass(frozen=True)
class Task:
    """What is handed to a worker; a dict of plain values by :func:`dataclasses.asdict`.

    Parameters
    ----------
    ledger : str
        The ledger's address.
    batch, row : str
        Which row of it.
    lease : float
        Seconds that a claim holds without a beat.
    retries : int
        How often a row is tried again.
    notebook : str
        Path of the notebook.
    out : str
        The batch's folder, or ``s3://bucket/prefix``.
    threads : int
        Threads per model where the row does not say; 0 takes every core.
    store : str
        Where results of stages are kept; empty for the worker's default.
    """

    ledger: str
    batch: str
    row: str
    lease: float
    retries: int
    notebook: str
    out: str
    threads: int
    store: str = ""


def perform(task: Task) -> None:
    """Do a row, if it is there to be done; how it went stands in the ledger.

    Raises
    ------
    DatabaseAway
        If the ledger does not answer. A row's own fault raises nothing.
    """
    ledger = Ledger(task.ledger)
    try:
        if claim := ledger.claim(task.batch, task.row, f"{platform.node()}-{os.getpid()}", task.lease):
            _perform(task, ledger, claim)
    finally:
        ledger.close()


def is_gone(worker: str) -> bool:
    """Whether a worker, by its name in the ledger, was a process of this machine that has ended."""
    node, _, process = worker.rpartition("-")
    if node != platform.node():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return False


def _perform(task: Task, ledger: Ledger, claim: Claim) -> None:
    began = time.monotonic()
    with _Heart(ledger, claim, task.lease) as heart:
        try:
            facts = _done(task, claim, heart.say)
        except Exception as error:
            reason, final = judged(error)
            over = final or claim.attempt > task.retries
            pause = min(FIRST_PAUSE * 2 ** (claim.attempt - 1), LONGEST_PAUSE)
            ledger.fail(claim, reason, None if over else pause)
        else:
            ledger.finish(claim, facts, round(time.monotonic() - began, 3))


def _done(task: Task, claim: Claim, told: Callable[[str], None]) -> dict[str, Any]:
    """Execute a row's notebook; what it said of itself."""
    from dubkit import preflight

    given = dict(claim.payload["parameters"])
    names = notebook.parameters(task.notebook)
    told("reading the film")
    given["video"] = str(preflight.film(fetch(given["video"], task.store or None)))
    with _folder(task) as folder:
        offered = {"store": task.store or None, "out": str(folder / _name(claim, given))}
        given |= {name: value for name, value in offered.items() if name in names}
        if task.threads and "settings" in names:
            given["settings"] = {"compute.threads": task.threads} | given.get("settings", {})
        executed = folder / f"{claim.row}.ipynb"
        try:
            notebook.execute(task.notebook, executed, given, told)
        except Exception:
            # What a full disk leaves of it may have no page; why the row failed is what counts.
            with contextlib.suppress(Exception):
                _paged(executed)
            raise
        facts = _paged(executed)
    here, there = str(folder), f"{task.out}/{claim.row}"
    return {
        name: value.replace(here, there, 1) if isinstance(value, str) and value.startswith(here) else value
        for name, value in facts.items()
    }


def _name(claim: Claim, given: dict[str, Any]) -> str:
    """The dub's file name."""
    from dubkit import languages

    language = f".{languages.parse(given['target'])}" if given.get("target") else ""
    return f"{claim.row}{language}.mp4"


def _paged(executed: Path) -> dict[str, Any]:
    """Write the page of an executed notebook beside it; the facts that it said."""
    import nbformat

    found = nbformat.read(executed, as_version=4)
    notebook.write_page(found, executed.with_suffix(".html"))
    return collected(found)


@contextlib.contextmanager
def _folder(task: Task) -> Iterator[Path]:
    """The row's folder; for a bucket it is a temporary one whose files are handed over in the end, also after a failure."""
    if not is_remote(task.out):
        folder = Path(task.out).absolute() / task.row
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    from dubkit.service.storage import storage

    with tempfile.TemporaryDirectory(prefix="dubkit-") as name:
        folder = Path(name)

        def hand_over() -> None:
            home = storage(task.out)
            for path in sorted(folder.iterdir()):
                home.upload(path, f"{task.row}/{path.name}")

        try:
            yield folder
        except Exception:
            with contextlib.suppress(Exception):
                hand_over()
            raise
        hand_over()


def judged(error: Exception) -> tuple[str, bool]:
    """Why a row failed, in a sentence, and whether that is for good."""
    kind, reason, final = errors.judged(error)
    if kind == "DeadKernelError":
        return "The notebook's kernel died: it was killed, or there was too little memory.", False
    return reason, final


class _Heart:
    """Beats in a thread as long as the row is at work; where the claim is lost, the kernel is stopped."""

    def __init__(self, ledger: Ledger, claim: Claim, lease: float) -> None:
        self._ledger, self._claim, self._lease = ledger, claim, lease
        self._note, self._wake, self._over = "", threading.Event(), False
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> _Heart:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over = True
        self._wake.set()
        self._thread.join()

    def say(self, note: str) -> None:
        """Let the next beat tell what is being done; it comes soon."""
        if note.partition(" ")[0] != self._note.partition(" ")[0]:
            self._wake.set()
        self._note = note

    def _beat(self) -> None:
        while not self._over:
            self._wake.wait(self._lease / 3)
            self._wake.clear()
            if self._over:
                return
            try:
                held = self._ledger.beat(self._claim, self._lease, self._note)
            except DubkitError:
                # The ledger is away: what comes after the notebook will tell, if it still is.
                continue
            while not held and not self._over:
                # Again, for it may not have begun yet.
                kernels.kill()
                self._wake.wait(1.0)
                self._wake.clear()

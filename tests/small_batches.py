"""Batches whose notebook takes no model: it tells when it begins and ends, and sleeps in between."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import nbformat

from dubkit.batch.engines import Engine
from dubkit.batch.ledger import Entry, Ledger
from dubkit.batch.run import run
from dubkit.batch.work import Task

PARAMETERS = """
video = ""
marks = ""
row = ""
pause = 0.0
"""
WORK = """
import os, time
from pathlib import Path
from dubkit import batch
from dubkit.progress import Event
with (Path(marks) / row).open("a") as log:
    print("began", os.getpid(), file=log, flush=True)
    batch.tell(Event("asleep", "started"))
    time.sleep(pause)
    print("ended", os.getpid(), file=log, flush=True)
batch.result(size=Path(video).stat().st_size)
"""


class Batch:
    """A batch of that notebook in a folder of its own, with a short lease."""

    name = "naps"

    def __init__(self, folder: Path, film: Path) -> None:
        self.marks = folder / "marks"
        self.marks.mkdir()
        self.film = film
        self.url = str(folder / "ledger.sqlite")
        self.ledger = Ledger(self.url)
        cells = [nbformat.v4.new_code_cell(PARAMETERS), nbformat.v4.new_code_cell(WORK)]
        cells[0].metadata["tags"] = ["parameters"]
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        path = folder / "nap.ipynb"
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), path)
        self.task = Task(self.url, self.name, "", 2.0, 2, str(path), str(folder / "out"), 1)

    def enrol(self, pauses: dict[str, float]) -> None:
        """Rows by name, and how long their notebooks sleep in seconds."""
        given = {"video": str(self.film), "marks": str(self.marks)}
        self.ledger.enrol(
            self.name, [(row, {"parameters": {**given, "row": row, "pause": pause}}) for row, pause in pauses.items()]
        )

    def run(self, engine: Engine, watch: Callable[[Entry], None] = lambda entry: None) -> dict[str, Entry]:
        """Do all that is enrolled; the entries in the end, by row."""
        rows = [entry.id for entry in self.ledger.entries(self.name)]
        return {entry.id: entry for entry in run(self.ledger, self.task, rows, engine, watch)}

    def entry(self, row: str) -> Entry:
        """A row as it is now."""
        return next(entry for entry in self.ledger.entries(self.name) if entry.id == row)

    def said(self, row: str) -> list[str]:
        """``began`` and ``ended``, as often as a notebook of the row did."""
        log = self.marks / row
        return [line.split()[0] for line in log.read_text().splitlines()] if log.exists() else []

    def kernels(self, row: str) -> list[int]:
        """The processes that began the row."""
        return [
            int(line.split()[1]) for line in (self.marks / row).read_text().splitlines() if line.startswith("began")
        ]


class Killer:
    """Watches a batch, and kills the first worker that is in the middle of a certain row."""

    def __init__(self, row: str) -> None:
        self.row, self.victim = row, 0

    def __call__(self, entry: Entry) -> None:
        if entry.id == self.row and entry.note == "asleep" and not self.victim:
            self.victim = worker(entry)
            os.kill(self.victim, signal.SIGKILL)


def worker(entry: Entry) -> int:
    """The process that has or had a row."""
    return int(entry.worker.rpartition("-")[2])


def check_only_the_killed_row_was_done_again(batch: Batch, done: dict[str, Entry], killer: Killer) -> None:
    """Of five rows the second lost its worker once: it was tried again by another, and nothing else was."""
    names = ("r1", "r2", "r3", "r4", "r5")
    assert {row: (entry.state, entry.attempts) for row, entry in done.items()} == {
        row: ("done", 2 if row == "r2" else 1) for row in names
    }
    assert batch.said("r2") == ["began", "began", "ended"]
    assert all(batch.said(row) == ["began", "ended"] for row in names if row != "r2")
    assert killer.victim and worker(done["r2"]) != killer.victim

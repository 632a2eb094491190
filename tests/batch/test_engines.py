"""Engines by name, and the local one: its workers, one that is killed, and what is left when it closes."""

from __future__ import annotations

import logging
from concurrent.futures import Future
from pathlib import Path

import psutil
import pytest
from small_batches import Batch, Killer, worker

from dubkit.batch.engines import Local, engine
from dubkit.errors import BadInput


@pytest.fixture
def batch(tmp_path: Path, tiny: Path) -> Batch:
    return Batch(tmp_path, tiny)


def test_a_killed_worker_is_replaced_and_its_row_is_done(batch):
    batch.enrol({"r1": 0.1, "r2": 1.5, "r3": 0.1, "r4": 0.1})
    killer = Killer("r2")
    done = batch.run(engine("local", 2), killer)
    assert killer.victim and worker(done["r2"]) != killer.victim
    assert {row: (entry.state, entry.attempts) for row, entry in done.items()} == {
        "r1": ("done", 1), "r2": ("done", 2), "r3": ("done", 1), "r4": ("done", 1),
    }  # fmt: skip
    assert batch.said("r2") == ["began", "began", "ended"]


def test_one_worker_uses_one_kernel_and_closing_ends_both(batch):
    batch.enrol({"r1": 0.0, "r2": 0.0, "long": 600.0})
    seen: list[psutil.Process] = []

    def interrupt(entry):
        if entry.note == "asleep" and entry.id == "long":
            process = psutil.Process(worker(entry))
            seen.extend([process, *process.children(recursive=True)])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        batch.run(engine("local", 1), interrupt)
    assert {*batch.kernels("r1")} == {*batch.kernels("r2")} == {*batch.kernels("long")}
    assert batch.kernels("long")[0] in {one.pid for one in seen}
    assert psutil.wait_procs(seen, timeout=15)[1] == []
    # It was not the row that ended its worker.
    left = batch.entry("long")
    assert (left.state, left.attempts, left.reason) == ("waiting", 0, "") and left.due <= 0


def test_what_workers_could_not_say_is_told_until_they_are_stopped(caplog):
    caplog.set_level(logging.INFO)
    made = Local.from_spec("", 1)
    for error in (OSError("the ledger is away"), OSError("the pool is no more")):
        future: Future[None] = Future()
        future.set_exception(error)
        made._tell(future)
        made.close()
    assert caplog.messages == ["A worker could not say how its row went: the ledger is away"]


def test_engines_are_found_by_name():
    made = engine("local", 3)
    assert isinstance(made, Local) and made.slots == 3
    made.close()
    with pytest.raises(BadInput, match=r"There is no engine 'ray'\. There are: dask, dramatiq, local"):
        engine("ray", 1)
    with pytest.raises(BadInput, match="takes nothing after its name"):
        engine("local:4", 1)

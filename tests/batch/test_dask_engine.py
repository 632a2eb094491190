"""Rows on real Dask workers, some of which are killed."""

from __future__ import annotations

import logging
from pathlib import Path

import psutil
import pytest
from small_batches import Batch, Killer, check_only_the_killed_row_was_done_again, worker

from dubkit.batch.dask import Dask
from dubkit.batch.engines import engine
from dubkit.errors import BadInput, DubkitError


@pytest.fixture
def batch(tmp_path: Path, tiny: Path) -> Batch:
    return Batch(tmp_path, tiny)


def test_a_killed_worker_s_row_is_done_by_another(batch):
    batch.enrol({"r1": 0.1, "r2": 1.5, "r3": 0.1, "r4": 0.1, "r5": 0.1})
    killer = Killer("r2")
    done = batch.run(engine("dask", 2), killer)
    # Dask hands the row of the dead on at once; the second attempt is the ledger's, and the only one.
    check_only_the_killed_row_was_done_again(batch, done, killer)
    assert {entry.result["size"] for entry in done.values()} == {batch.film.stat().st_size}


def test_closing_ends_the_workers_and_their_kernels(batch):
    batch.enrol({"long": 600.0})

    def interrupt(entry):
        if entry.note == "asleep":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        batch.run(engine("dask", 1), interrupt)
    left = [p for pid in (worker(batch.entry("long")), *batch.kernels("long")) for p in _processes(pid)]
    _, alive = psutil.wait_procs(left, timeout=15)
    assert alive == []
    assert batch.said("long") == ["began"]
    assert (batch.entry("long").state, batch.entry("long").attempts) == ("waiting", 0)


def test_a_cluster_that_runs_already_is_used_and_left_running(batch):
    from distributed import LocalCluster

    options = {"threads_per_worker": 1, "dashboard_address": None, "silence_logs": logging.CRITICAL, "memory_limit": 0}
    with LocalCluster(n_workers=2, **options) as cluster:
        batch.enrol({"r1": 0.1, "r2": 0.1, "r3": 0.1})
        made = engine(f"dask:{cluster.scheduler_address}", 1)
        assert made.slots == 2
        workers = {one.pid for one in cluster.workers.values()}
        done = batch.run(made)
        assert {entry.state for entry in done.values()} == {"done"}
        assert {worker(entry) for entry in done.values()} <= workers
        assert all(psutil.pid_exists(pid) for pid in workers)
        with pytest.raises(DubkitError, match="Dask cluster is gone"):
            made.submit(batch.task)


def test_an_address_where_no_cluster_answers_is_told(monkeypatch):
    monkeypatch.setattr("dubkit.batch.dask.REACH", 1)
    with pytest.raises(BadInput, match=r"No Dask cluster answers at 'tcp://127\.0\.0\.1:9'"):
        Dask.from_spec("tcp://127.0.0.1:9", 1)
    with pytest.raises(BadInput, match="No Dask cluster answers at 'nonsense://here'"):
        Dask.from_spec("nonsense://here", 1)


def _processes(pid: int) -> list[psutil.Process]:
    try:
        return [psutil.Process(pid)]
    except psutil.NoSuchProcess:
        return []

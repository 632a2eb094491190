"""A worker or a server that is killed where it hurts most: in the middle of handing something over."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import slow_stand_ins
from service_desk import Desk

from dubkit.service.films import arrival
from dubkit.service.jobs.job import OVER
from dubkit.service.workers import outputs
from dubkit.service.workers.retention import ORPHANED, sweep
from dubkit.service.workers.worker import as_line

KILLED_WORKER = """
import os, signal
from dubkit.service.folder import Folder
from dubkit.service.workers import worker
upload, handed_over = Folder.upload, []
def until_the_third(self, path, name):
    if len(handed_over) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    handed_over.append(name)
    return upload(self, path, name)
Folder.upload = until_the_third
worker.main()
"""

KILLED_SERVER = """
import os, signal, sys
from pathlib import Path
from dubkit.service.config import Config
from dubkit.service.films.arrival import Arrival
from dubkit.service.service import Service
from dubkit.service.wanted import Wanted
if __name__ == "__main__":
    service = Service(Config.at(Path(sys.argv[1])))
    arrival = Arrival(service.config, "talk.mp4")
    arrival.write(Path(sys.argv[2]).read_bytes())
    service.jobs.add = lambda new: os.kill(os.getpid(), signal.SIGKILL)
    service.submit("ana", arrival.close(), Wanted("pt"))
"""


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    for name, value in slow_stand_ins.installed(tmp_path).items():
        monkeypatch.setenv(name, value)
    return Desk(tmp_path / "home", profile=str(tmp_path / "slow.toml"), lease=1.0)


def once(desk: Desk, *command: str) -> int:
    """A worker that does what is due; how it ended."""
    line = as_line(desk.config)
    # The end of its input would be the end of its server.
    with subprocess.Popen(
        [sys.executable, *command, "--once", "--watched"], stdin=subprocess.PIPE, text=True
    ) as worker:
        assert worker.stdin is not None
        worker.stdin.write(line)
        worker.stdin.flush()
        return worker.wait(60)


def names(desk: Desk, prefix: str) -> list[str]:
    return sorted(stored.name for stored in desk.storage.names(prefix))


def grow_old(folder: Path) -> None:
    """Let all files look as if nobody needed them any more."""
    for path in folder.rglob("*"):
        if path.is_file():
            os.utime(path, (time.time() - ORPHANED - 1,) * 2)


def test_a_worker_that_dies_while_it_hands_over_leaves_nothing_half(desk, talk):
    job = desk.add(talk)
    assert once(desk, "-c", KILLED_WORKER) == -signal.SIGKILL
    half = names(desk, "dubs")
    assert len(half) == 2 and desk.jobs.find(job.id).outputs == ()
    time.sleep(desk.config.lease)
    assert once(desk, "-m", "dubkit.service.workers.worker") == 0
    done = desk.jobs.find(job.id)
    assert (done.status, done.attempts) == ("completed", 2)
    assert [event.data["status"] for event in desk.jobs.events(job.id) if event.kind == "status"][-1:] == ["completed"]
    # Each attempt writes to a place of its own, so that no file is of two.
    assert {Path(output.place).parent.as_posix() for output in done.outputs} == {outputs.prefix(done, 2)}
    assert all(output.n_bytes == desk.storage.size(output.place) for output in done.outputs)
    grow_old(desk.config.home / "files")
    assert sweep(desk.jobs, desk.config, desk.storage).orphans == len(half)
    assert names(desk, "dubs") == sorted(output.place for output in done.outputs)


def test_what_was_done_before_the_worker_died_is_not_done_again(desk, talk, tmp_path):
    desk.add(talk)
    once(desk, "-c", KILLED_WORKER)
    asked = len(slow_stand_ins.noted(tmp_path))
    assert asked > 0
    time.sleep(desk.config.lease)
    once(desk, "-m", "dubkit.service.workers.worker")
    assert len(slow_stand_ins.noted(tmp_path)) == asked


def test_a_film_whose_server_died_before_the_job_was_there_is_swept_up(desk, talk, tmp_path):
    script = tmp_path / "server.py"
    script.write_text(KILLED_SERVER)
    command = [sys.executable, str(script), str(desk.config.home), str(talk)]
    assert subprocess.run(command, timeout=60).returncode == -signal.SIGKILL
    assert len(names(desk, "films")) == 1
    assert desk.jobs.places() == set() and desk.jobs.list(None) == []
    # It may yet belong to a job that is just being added.
    assert sweep(desk.jobs, desk.config, desk.storage).orphans == 0
    grow_old(desk.config.home / "files")
    assert sweep(desk.jobs, desk.config, desk.storage).orphans == 1
    arrival.sweep(desk.config)
    assert names(desk, "films") == [] and [*(desk.config.home / "incoming").iterdir()] == []


def test_a_job_ends_once_however_often_it_is_handed_out(desk, talk):
    job = desk.add(talk)
    first = desk.claims.take(job.id, "first", 1.0)
    assert first is not None and desk.claims.take(job.id, "second", 1.0) is None
    time.sleep(1.1)
    assert once(desk, "-m", "dubkit.service.workers.worker") == 0
    assert desk.claims.finish(first, (), {}, None) is False and desk.claims.take(job.id, "third", 1.0) is None
    told = [event.data["status"] for event in desk.jobs.events(job.id) if event.kind == "status"]
    assert [status for status in told if status in OVER] == ["completed"]

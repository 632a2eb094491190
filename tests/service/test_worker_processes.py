import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import slow_stand_ins
from service_desk import Desk, wait_for

from dubkit.service.workers import supervisor as workers
from dubkit.service.workers.supervisor import Workers
from dubkit.service.workers.worker import NICE

SERVER = """
import sys, time
from pathlib import Path
from service_desk import Desk
from dubkit.service.workers.supervisor import Workers
from dubkit.service.workers.worker import NICE
desk = Desk(Path(sys.argv[1]), profile=sys.argv[2], lease=2.0)
with Workers(desk.service()) as kept:
    time.sleep(600)
"""


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    for name, value in slow_stand_ins.installed(tmp_path, 0.3).items():
        monkeypatch.setenv(name, value)
    return Desk(tmp_path / "home", profile=str(tmp_path / "slow.toml"), lease=2.0)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def begun(folder: Path) -> list[int]:
    """The processes that were asked for something."""
    return list(dict.fromkeys(int(pid) for _, pid, _ in slow_stand_ins.noted(folder)))


def test_workers_do_jobs_and_end_with_the_server(desk, talk):
    job = desk.add(talk)
    with Workers(desk.service()) as kept:
        assert desk.until(job, "completed", "failed").status == "completed"
        running = kept.processes
        assert len(running) == 1
    assert not any(alive(pid) for pid in running)


def test_workers_give_way_to_the_server(desk, talk):
    job = desk.add(talk)
    with Workers(desk.service()) as kept:
        desk.until(job, "completed", "failed")
        [worker] = kept.processes
        assert os.getpriority(os.PRIO_PROCESS, worker) >= NICE
        # Niceness counts within a session where the kernel shares the cores among these.
        assert os.getsid(worker) == os.getsid(0) and os.getpgid(worker) == worker


def test_a_worker_that_dies_is_replaced_and_its_job_done(desk, talk, tmp_path):
    job = desk.add(talk)
    with Workers(desk.service()) as kept:
        wait_for(lambda: bool(begun(tmp_path)))
        first = kept.processes[0]
        os.kill(first, signal.SIGKILL)
        done = desk.until(job, "completed", "failed")
        assert (done.status, done.attempts) == ("completed", 2)
        assert begun(tmp_path) == [first, kept.processes[0]]


def test_a_job_at_work_waits_for_the_next_start_when_the_server_is_stopped(desk, talk, tmp_path):
    job = desk.add(talk)
    with Workers(desk.service()) as kept:
        wait_for(lambda: bool(begun(tmp_path)))
        running = kept.processes
    assert not any(alive(pid) for pid in running)
    back = desk.jobs.find(job.id)
    assert (back.status, back.attempts) == ("queued", 0)


def test_workers_do_not_outlive_a_server_that_is_killed(desk, talk, tmp_path):
    job = desk.add(talk)
    command = [sys.executable, "-c", SERVER, str(desk.config.home), str(desk.config.profile)]
    server = subprocess.Popen(command)
    wait_for(lambda: bool(begun(tmp_path)))
    server.kill()
    server.wait()
    worker = begun(tmp_path)[0]
    wait_for(lambda: not alive(worker))
    assert desk.jobs.find(job.id).status == "queued"


def test_a_worker_that_cannot_start_is_tried_again_after_a_pause(desk, tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "LOOK", 0.01)
    tries = tmp_path / "tries"
    script = f"open({str(tries)!r}, 'a').write('x'); raise SystemExit(2)"
    with Workers(desk.service(), [sys.executable, "-c", script]) as kept:
        wait_for(lambda: tries.exists() and len(tries.read_text()) == 2)
        assert kept._places[0].pauses >= 1
        wait_for(lambda: kept._places[0].pauses == 2)
    assert [min(2.0 ** (n - 1), 60.0) for n in (1, 2, 7)] == [1.0, 2.0, 60.0]


def test_nothing_stops_what_is_done_now_and_then(desk, monkeypatch):
    monkeypatch.setattr(workers, "SOON", 0.01)
    tries = []

    def fail(most: int) -> list[object]:
        tries.append(most)
        raise RuntimeError("broken")

    desk.claims.overdue = fail
    from dataclasses import replace

    desk.config = replace(desk.config, workers=0)
    with Workers(desk.service()):
        wait_for(lambda: len(tries) > 2)
    assert set(tries) == {3}

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import slow_stand_ins
from service_desk import Desk, kinds, wait_for

from dubkit.run import Run
from dubkit.service.config import Config
from dubkit.service.jobs.pairs import Pairs
from dubkit.service.workers.worker import as_line, from_line

WORKER = [sys.executable, "-m", "dubkit.service.workers.worker", "--watched"]
LINES = 3
"""Of the film."""


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    slow_stand_ins.installed(tmp_path)
    return Desk(tmp_path / "home", profile=str(tmp_path / "slow.toml"), lease=2.0)


@pytest.fixture
def start(tmp_path: Path, desk: Desk) -> Iterator[Any]:
    """Starts workers of stand-ins that take so many seconds for each item; none outlives the test."""
    started: list[subprocess.Popen[str]] = []

    def start(pause: float = 0.0, *options: str, config: Config = desk.config) -> subprocess.Popen[str]:
        environment = slow_stand_ins.installed(tmp_path, pause)
        log = (tmp_path / "log").open("a")
        worker = subprocess.Popen([*WORKER, *options], stdin=subprocess.PIPE, stderr=log, text=True, env=environment)
        started.append(worker)
        assert worker.stdin is not None
        worker.stdin.write(as_line(config))
        worker.stdin.flush()
        return worker

    yield start
    for worker in started:
        worker.kill()
        worker.wait()


def at_work(tmp_path: Path, task: str, n: int = 1) -> None:
    """Wait until a stand-in was asked for so many things."""
    wait_for(lambda: sum(name == task for name, *_ in slow_stand_ins.noted(tmp_path)) >= n)


def asked(tmp_path: Path) -> Counter[str]:
    """How many things each stand-in was asked for by all workers together."""
    return Counter(name for name, *_ in slow_stand_ins.noted(tmp_path))


def test_a_configuration_survives_the_way_to_a_worker(tmp_path):
    config = Config.at(tmp_path, origins=("https://one.example",), require_key=True, secret="s", keep_films=0.0)
    assert from_line(as_line(config)) == config
    assert as_line(config).count("\n") == 1


def test_a_worker_does_what_is_due_and_tells_what_can_be_dubbed(desk, talk, start, tmp_path):
    jobs = [desk.add(talk), desk.add(talk, target="es")]
    assert start(0.0, "--once").wait(60) == 0
    assert [desk.jobs.find(job.id).status for job in jobs] == ["completed", "completed"]
    assert {(pair.source, pair.target) for pair in Pairs(desk.database).list()} >= {("en", "pt"), ("en", "es")}
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    of_first = [line for line in lines if line.get("job") == jobs[0].id]
    assert [line["event"] for line in of_first][:: len(of_first) - 1] == ["job begun", "job ended"]
    assert any(line["event"].startswith("ffmpeg") and line["stage"] == "combine" for line in of_first)


@pytest.mark.parametrize("way", ["told", "the server is gone"])
def test_a_worker_that_has_to_end_gives_its_job_back(desk, talk, start, tmp_path, way):
    job = desk.add(talk)
    worker = start(0.3)
    at_work(tmp_path, "SlowSynthesizer")
    if way == "told":
        worker.send_signal(signal.SIGTERM)
    else:
        worker.stdin.close()
    assert worker.wait(30) == 0
    back = desk.jobs.find(job.id)
    assert (back.status, back.attempts, back.error) == ("queued", 0, "")
    assert desk.claims.workers() == []


def test_a_killed_worker_s_job_goes_on_where_it_was(desk, talk, start, tmp_path):
    job = desk.add(talk)
    first = start(0.3)
    at_work(tmp_path, "SlowSynthesizer", 2)
    first.kill()
    first.wait()
    before = asked(tmp_path)
    start()
    done = desk.until(job, "completed", "failed")
    assert (done.status, done.attempts, len(kinds(done.outputs))) == ("completed", 2, 12)
    after = asked(tmp_path)
    assert {task for task in after if after[task] > before[task]} == {"SlowSynthesizer"}
    # The line that it died in was begun again, and no other one.
    assert after["SlowSynthesizer"] == LINES + 1


def test_a_job_whose_workers_die_again_and_again_fails_and_says_so(desk, talk, start, tmp_path):
    job = desk.add(talk)
    for n in range(1, 4):
        worker = start(30.0)
        at_work(tmp_path, "SlowSeparator", n)
        worker.kill()
        worker.wait()
    wait_for(lambda: bool(desk.claims.overdue()))
    failed = desk.jobs.find(job.id)
    assert (failed.status, failed.error_type, failed.error) == ("failed", "WorkerDied", "Its worker died 3 times.")


def test_a_job_stuck_in_a_model_is_cancelled_and_the_process_is_gone(desk, talk, start, tmp_path):
    job = desk.add(talk)
    worker = start(60.0)
    at_work(tmp_path, "SlowSeparator")
    desk.jobs.cancel(job.id, None)
    assert worker.wait(30) == -signal.SIGKILL
    gone = desk.jobs.find(job.id)
    assert (gone.status, gone.attempts, gone.error) == ("cancelled", 1, "")


def test_a_worker_gives_way_and_leads_its_group(desk, talk, start, tmp_path):
    desk.add(talk)
    worker = start(0.5)
    at_work(tmp_path, "SlowSeparator")
    assert os.getpriority(os.PRIO_PROCESS, worker.pid) >= 10
    assert os.getpgid(worker.pid) == worker.pid


def test_with_real_models_a_killed_worker_s_dub_is_the_same_to_the_byte(tmp_path, start, talking_head, shared_store):
    whole = Run.open(talking_head, "pt", profile="embedded", store=shared_store).until("combine")
    home = tmp_path / "real"
    for stage, result in whole.log.results.items():
        if stage not in ("synthesize", "assemble", "combine"):
            shutil.copytree(shared_store / stage / result["key"], home / "store" / stage / result["key"])
    desk = Desk(home, profile="embedded", lease=2.0)
    job = desk.add(talking_head, length=whole.media.duration)
    first = start(config=desk.config)
    wait_for(lambda: any(row.stage == "synthesize" and row.done for row in desk.jobs.stages(job.id)), 120)
    first.kill()
    first.wait()
    second = start(config=desk.config)
    done = desk.until(job, "completed", "failed", seconds=180)
    second.terminate()
    assert second.wait(30) == 0
    assert (done.status, done.attempts, done.error) == ("completed", 2, "")
    video = next(o for o in done.outputs if o.kind == "video")
    assert hashlib.sha256(desk.read(video)).hexdigest() == whole.dub.video.sha256
    assert Counter(e.stage for e in desk.told(done) if e.status == "done") == dict.fromkeys(
        ("synthesize", "assemble", "combine"), 1
    )

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO

import pytest
import servers
import slow_stand_ins
from service_desk import Desk, wait_for

from dubkit.errors import BadInput
from dubkit.service.workers.dramatiq import QUEUE, Queue
from dubkit.service.workers.supervisor import Workers
from dubkit.service.workers.worker import as_line


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    with servers.redis() as url:
        yield url


@pytest.fixture
def desk(tmp_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Desk:
    for name, value in slow_stand_ins.installed(tmp_path).items():
        monkeypatch.setenv(name, value)
    return Desk(tmp_path / "home", profile=str(tmp_path / "slow.toml"), queue=redis_url, lease=2.0)


@pytest.fixture
def queue(redis_url: str) -> Iterator[Queue]:
    made = Queue(redis_url)
    made._broker.client.flushall()
    with contextlib.closing(made):
        yield made


@contextlib.contextmanager
def listening(desk: Desk, said: IO[bytes] | None = None) -> Iterator[subprocess.Popen[str]]:
    """A worker that listens to the queue, and what it says."""
    command = [sys.executable, "-m", "dubkit.service.workers.dramatiq", "--watched"]
    worker = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=said, text=True)
    assert worker.stdin is not None
    worker.stdin.write(as_line(desk.config))
    worker.stdin.flush()
    try:
        yield worker
        worker.terminate()
        assert worker.wait(40) == 0
    finally:
        worker.kill()


def test_a_message_is_no_more_than_an_id(desk, queue):
    assert queue.send("a-job")
    [message] = queue._broker.client.hgetall(f"dramatiq:{QUEUE}.msgs").values()
    assert b'"args":["a-job"]' in message and desk.config.database.encode() not in message


def test_jobs_are_done_whatever_becomes_of_their_messages(desk, queue, talk):
    told, twice, untold = (desk.add(talk, target=target) for target in ("pt", "es", "pt"))
    for job in (told, twice, twice):
        queue.send(job.id)
    with listening(desk):
        done = [desk.until(job, "completed", "failed") for job in (told, twice, untold)]
        # The second message for one job was the turn of the one that nobody told of.
        assert [(job.status, job.attempts) for job in done] == [("completed", 1)] * 3


def test_the_server_tells_of_jobs_whose_message_was_lost(desk, queue, talk):
    job = desk.add(talk)
    with Workers(desk.service(queue=queue)):
        assert desk.until(job, "completed", "failed").status == "completed"


def test_waiting_jobs_are_told_of_just_once(queue):
    assert queue.tell_again(["a", "b"]) == 2
    assert queue.tell_again(["a", "b"]) == 0


def test_without_redis_a_film_is_still_taken():
    with contextlib.closing(Queue(f"redis://127.0.0.1:{servers.free_port()}/0")) as made:
        assert made.send("a-job") is False
        assert made.tell_again(["a-job"]) == 0


def test_what_is_no_url_is_refused_without_repeating_it():
    with pytest.raises(BadInput, match="DUBKIT_QUEUE") as refused:
        Queue("rediss:secret@host")
    assert "secret" not in str(refused.value)


def test_a_worker_waits_for_redis_and_says_so(desk, talk, tmp_path):
    with servers.running_redis() as redis:
        redis.stop()
        desk.config = replace(desk.config, queue=redis.url)
        job = desk.add(talk)
        said = tmp_path / "said"
        with said.open("wb") as stream, listening(desk, stream):
            wait_for(lambda: "DUBKIT_QUEUE" in said.read_text())
            assert desk.jobs.find(job.id).status == "queued"
            redis.start()
            with contextlib.closing(Queue(redis.url)) as queue:
                queue.send(job.id)
            assert desk.until(job, "completed", "failed").status == "completed"
        assert "Traceback" not in said.read_text() and servers.PASSWORD not in said.read_text()


def test_a_worker_that_waits_for_redis_can_be_ended(desk, tmp_path):
    desk.config = replace(desk.config, queue=f"redis://127.0.0.1:{servers.free_port()}/0")
    said = tmp_path / "said"
    with said.open("wb") as stream, listening(desk, stream):
        wait_for(lambda: "DUBKIT_QUEUE" in said.read_text())


def test_a_worker_whose_queue_has_no_url_ends_and_says_so(tmp_path):
    environment = {**os.environ, "DUBKIT_HOME": str(tmp_path / "home"), "DUBKIT_QUEUE": "somewhere"}
    command = [sys.executable, "-m", "dubkit.service.workers.dramatiq"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2 and "DUBKIT_QUEUE" in ended.stderr and "Traceback" not in ended.stderr

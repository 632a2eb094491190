"""Rows on real Dramatiq workers behind a real Redis."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import servers
from small_batches import Batch, Killer, check_only_the_killed_row_was_done_again

from dubkit.batch.dramatiq import QUEUE, Dramatiq
from dubkit.batch.engines import engine
from dubkit.errors import BadInput, DubkitError


@pytest.fixture
def redis_url() -> Iterator[str]:
    with servers.redis() as url:
        yield url


@pytest.fixture
def batch(tmp_path: Path, tiny: Path) -> Batch:
    return Batch(tmp_path, tiny)


@contextlib.contextmanager
def working(url: str, count: int = 1) -> Iterator[list[subprocess.Popen[bytes]]]:
    """So many workers."""
    command = [sys.executable, "-m", "dubkit.batch.dramatiq", "--queue", url]
    workers = [subprocess.Popen(command) for _ in range(count)]
    try:
        yield workers
    finally:
        for one in workers:
            one.kill()
            one.wait()


def until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for it."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.05)


def test_a_killed_worker_s_row_is_done_by_another(batch, redis_url):
    batch.enrol({"r1": 0.1, "r2": 1.5, "r3": 0.1, "r4": 0.1, "r5": 0.1})
    killer = Killer("r2")
    with working(redis_url, 2) as workers:
        done = batch.run(engine(f"dramatiq:{redis_url}", 2), killer)
        assert sorted(one.poll() or 0 for one in workers) == [-signal.SIGKILL, 0]
    check_only_the_killed_row_was_done_again(batch, done, killer)


def test_a_row_that_is_sent_twice_is_done_once(batch, redis_url):
    batch.enrol({"twice": 1.0, "last": 0.1})
    with working(redis_url, 2), contextlib.closing(Dramatiq.from_spec(redis_url, 2)) as made:
        for row in ("twice", "twice", "twice", "last"):
            made.submit(dataclasses.replace(batch.task, row=row))
        until(lambda: all(batch.entry(row).state == "done" for row in ("twice", "last")))
        until(lambda: not made._broker.client.hlen(f"dramatiq:{QUEUE}.msgs"))
    assert batch.said("twice") == ["began", "ended"]
    assert batch.entry("twice").attempts == 1


def test_what_an_engine_queued_is_void_once_it_is_closed(batch, redis_url):
    batch.enrol({"void": 0.1, "wanted": 0.1})
    made = Dramatiq.from_spec(redis_url, 1)
    made.submit(dataclasses.replace(batch.task, row="void"))
    made.close()
    with working(redis_url), contextlib.closing(Dramatiq.from_spec(redis_url, 1)) as other:
        other.submit(dataclasses.replace(batch.task, row="wanted"))
        until(lambda: batch.entry("wanted").state == "done")
    assert (batch.entry("void").state, batch.entry("void").attempts) == ("waiting", 0)


def test_a_worker_that_is_told_to_end_finishes_its_row_and_takes_no_other(batch, redis_url):
    batch.enrol({"first": 1.5, "second": 0.1})
    with working(redis_url) as (one,), contextlib.closing(Dramatiq.from_spec(redis_url, 2)) as made:
        for row in ("first", "second"):
            made.submit(dataclasses.replace(batch.task, row=row))
        until(lambda: batch.said("first") == ["began"])
        one.send_signal(signal.SIGTERM)
        assert one.wait(20) == 0
        assert batch.entry("first").state == "done"
        assert batch.entry("second").attempts == 0
        # It is still in the queue, for whoever comes next.
        with working(redis_url):
            until(lambda: batch.entry("second").state == "done")


def test_a_worker_that_is_told_twice_ends_at_once(batch, redis_url):
    batch.enrol({"long": 600.0})
    with working(redis_url) as (one,), contextlib.closing(Dramatiq.from_spec(redis_url, 1)) as made:
        made.submit(dataclasses.replace(batch.task, row="long"))
        until(lambda: batch.said("long") == ["began"])
        one.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        one.send_signal(signal.SIGTERM)
        assert one.wait(20) == 128 + signal.SIGTERM


def test_a_message_is_a_task_and_nothing_else(batch, redis_url):
    made = Dramatiq.from_spec(redis_url, 1)
    made.submit(dataclasses.replace(batch.task, row="r1"))
    (message,) = made._broker.client.hvals(f"dramatiq:{QUEUE}.msgs")
    task, sender = json.loads(message)["args"]
    assert task == dataclasses.asdict(dataclasses.replace(batch.task, row="r1"))
    assert len(sender) == 32
    made.close()


def test_the_queue_may_be_named_by_the_environment(redis_url, monkeypatch):
    monkeypatch.setenv("DUBKIT_REDIS_URL", redis_url)
    made = engine("dramatiq", 7)
    assert made.slots == 7
    made.close()


@pytest.mark.parametrize("url", ["", "nonsense", "redis://:kept-secret@127.0.0.1:9/0", "ftp://:kept-secret@host"])
def test_a_server_that_does_not_answer_is_told_without_secrets(url, monkeypatch):
    monkeypatch.delenv("DUBKIT_REDIS_URL", raising=False)
    with pytest.raises(BadInput, match=r"No Redis answers .*dramatiq:redis://host:6379/0") as caught:
        Dramatiq.from_spec(url, 1)
    assert "kept-secret" not in str(caught.value)


def test_a_server_that_went_away_is_told(batch):
    with servers.redis() as url:
        made = Dramatiq.from_spec(url, 1)
    with pytest.raises(DubkitError, match="Redis is gone"):
        made.submit(batch.task)
    made.close()


def test_a_worker_without_a_queue_says_so_and_ends():
    command = [sys.executable, "-m", "dubkit.batch.dramatiq", "--queue", "redis://:kept-secret@127.0.0.1:9/0"]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith("No Redis answers")
    assert "kept-secret" not in ended.stderr

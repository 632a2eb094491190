"""Limits: what one may bring, counted here or by several servers in Redis; without Redis nobody is turned away for it."""

import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import servers

from dubkit.service.access import limits
from dubkit.service.access.limits import Limiter
from dubkit.service.config import Config


@pytest.fixture(scope="module")
def redis_url() -> Iterator[str]:
    with servers.redis() as url:
        yield url


def config(rate: str = "", upload_rate: str = "", queue: str = "") -> Config:
    return Config.at(Path("unused"), rate=rate, upload_rate=upload_rate, queue=queue)


@pytest.fixture(params=["memory", "redis"])
def queue(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue("redis_url")) if request.param == "redis" else ""


def test_after_the_last_one_there_is_a_time_to_wait(queue: str, request: pytest.FixtureRequest):
    limiter, who = Limiter(config("3/hour", queue=queue)), request.node.name
    assert [limiter.hit("request", who) for _ in range(3)] == [0.0] * 3
    assert 1 <= limiter.hit("request", who) <= 3600
    assert limiter.hit("request", f"{who}-another") == 0.0
    assert limiter.hit("upload", who) == 0.0


def test_kinds_are_counted_apart(queue: str, request: pytest.FixtureRequest):
    limiter, who = Limiter(config("2/hour", "1/hour", queue)), request.node.name
    assert limiter.hit("upload", who) == 0.0
    assert limiter.hit("upload", who) > 0
    assert [limiter.hit("request", who) > 0 for _ in range(3)] == [False, False, True]


def test_of_several_limits_each_holds_and_refusals_do_not_count(queue: str, request: pytest.FixtureRequest):
    limiter, who = Limiter(config("2/second;3/hour", queue=queue)), request.node.name
    begun = [limiter.hit("request", who) for _ in range(20)]
    assert begun.count(0.0) in (2, 3)  # A second may end in between.
    until = time.monotonic() + 10
    while time.monotonic() < until and begun.count(0.0) < 3:
        time.sleep(0.2)
        begun.append(limiter.hit("request", who))
    assert begun.count(0.0) == 3
    assert limiter.hit("request", who) >= 1


def test_no_limit_counts_nothing():
    limiter = Limiter(config())
    assert {limiter.hit("request", "a") for _ in range(1000)} == {0.0}


def test_threads_and_servers_count_together(redis_url: str):
    several = [Limiter(config("50/hour", queue=redis_url)) for _ in range(4)]
    with ThreadPoolExecutor(16) as pool:
        waits = list(pool.map(lambda n: several[n % 4].hit("request", "crowd"), range(200)))
    assert waits.count(0.0) == 50


def test_without_redis_this_process_counts_and_says_so_once(caplog: pytest.LogCaptureFixture):
    port = servers.free_port()
    limiter = Limiter(config("3/hour", queue=f"redis://:{servers.PASSWORD}@127.0.0.1:{port}/0"))
    with caplog.at_level(logging.WARNING, "dubkit.service.access.limits"):
        assert [limiter.hit("request", "a") > 0 for _ in range(5)] == [False] * 3 + [True] * 2
    (record,) = caplog.records
    assert "Redis does not answer" in record.getMessage()
    assert servers.PASSWORD not in record.getMessage()


def test_redis_is_asked_again_after_a_while(redis_url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(limits, "AWAY", 0.0)
    limiter, other = Limiter(config("2/hour", queue=redis_url)), Limiter(config("2/hour", queue=redis_url))
    there, limiter._shared = limiter._shared, limits._redis(f"redis://127.0.0.1:{servers.free_port()}/0")
    assert limiter.hit("request", "back") == 0.0
    limiter._shared = there
    assert [one.hit("request", "back") > 0 for one in (limiter, other, limiter, other)] == [False, False, True, True]

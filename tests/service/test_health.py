"""Health: every part is told, nothing is waited for long, and only what films need makes the service unwell."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import servers

from dubkit.service.config import Config
from dubkit.service.service import Service
from dubkit.service.watching import health
from dubkit.service.watching.health import Health, check


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    made = Service(Config.at(tmp_path / "home", max_bytes=200_000_000))
    yield made
    made.close()
    health._checkup.cache_clear()


@pytest.fixture(autouse=True)
def each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "FRESH", 0.0)


def told(found: Health) -> dict[str, bool]:
    return {name: part.ok for name, part in found.parts.items()}


def test_a_service_without_workers_is_well_and_says_that_jobs_wait(service: Service):
    found = check(service)
    assert found.ok
    assert told(found) == {
        "database": True, "queue": True, "storage": True, "disk": True, "workers": False, "models": False,
    }  # fmt: skip
    assert found.parts["queue"].detail == "0 waiting"
    assert found.parts["workers"].detail == "No worker has been heard of lately: jobs wait."


def test_workers_and_their_models_are_told(service: Service):
    service.claims.report("w1", {"models": {"whisper": True, "nllb": True}, "pairs": 4})
    service.claims.report("w2", {"models": {"whisper": True}, "pairs": 4})
    found = check(service)
    assert (found.parts["workers"].detail, found.parts["models"].detail) == ("2 there, 0 at work", "2 there")
    service.claims.report("w2", {"models": {"whisper": False}, "pairs": 0})
    missing = check(service)
    assert missing.ok
    assert missing.parts["models"].detail == "Missing: whisper. Bring them with: dubkit models --fetch"


def test_a_full_disk_makes_it_unwell(service: Service, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(health, "_free", lambda folder: 50_000_000)
    found = check(service)
    assert (found.ok, found.parts["disk"].ok) == (False, False)
    assert found.parts["disk"].detail == "50 MB are free, and a film may have 200 MB."


def test_a_storage_that_cannot_be_written_makes_it_unwell(service: Service, monkeypatch: pytest.MonkeyPatch):
    def refuse() -> None:
        raise PermissionError("s3://AKIA:secret@bucket")

    monkeypatch.setattr(service.storage, "check", refuse)
    found = check(service)
    assert (found.ok, found.parts["storage"].detail) == (False, "PermissionError")


def test_what_hangs_is_not_waited_for_and_the_rest_is_told(service: Service, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(health, "PATIENCE", 0.2)
    released = threading.Event()
    monkeypatch.setattr(service.storage, "check", released.wait)
    found = check(service)
    released.set()
    assert not found.ok
    assert {name for name in health.NEEDED if not found.parts[name].ok} == {"storage"}
    assert found.parts["storage"].detail.startswith("It has not answered")


def test_however_many_ask_it_looks_once(service: Service, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(health, "FRESH", 60.0)
    looks: list[int] = []
    monkeypatch.setattr(service.storage, "check", lambda: looks.append(1))
    found: list[Health] = []
    asking = [threading.Thread(target=lambda: found.append(check(service))) for _ in range(20)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    assert (len(looks), len(found), len(set(map(id, found)))) == (1, 20, 1)


def test_a_database_that_stops_is_told_at_once_and_comes_back(tmp_path: Path):
    with servers.postgres() as postgres:
        service = Service(Config.at(tmp_path / "home", database=postgres.url))
        try:
            assert check(service).ok
            postgres.stop()
            begun = time.monotonic()
            found = check(service)
            # How long somebody waits is what is promised here.
            assert time.monotonic() - begun < 3
            assert (found.ok, found.parts["database"].ok, found.parts["storage"].ok) == (False, False, True)
            assert servers.PASSWORD not in str(found)
            postgres.start()
            assert check(service).ok
        finally:
            service.close()


def test_redis_that_is_away_is_told_and_films_are_taken(tmp_path: Path):
    with servers.redis() as url:
        service = Service(Config.at(tmp_path / "home", queue=url))
        try:
            assert check(service).parts["queue"].detail == "0 waiting"
        finally:
            service.close()
    service = Service(Config.at(tmp_path / "home", queue=url))
    try:
        found = check(service)
        assert (found.ok, found.parts["queue"].ok) == (True, False)
        assert found.parts["queue"].detail == "Redis does not answer (ConnectionError)."
    finally:
        service.close()

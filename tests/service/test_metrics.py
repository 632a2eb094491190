"""Metrics: what jobs, stages and requests add up to, in the text that Prometheus reads, named as it likes them."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import APIRouter, FastAPI, Request
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from dubkit.database import DatabaseAway
from dubkit.progress import Event
from dubkit.service.config import Config
from dubkit.service.jobs.job import PACES, Film, NewJob
from dubkit.service.service import Service
from dubkit.service.watching import metrics
from dubkit.service.watching.metrics import Counted, Requests, exposition, generate_latest

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    made = Service(Config.at(tmp_path / "home"))
    yield made
    made.close()
    metrics._counted.cache_clear()


def samples(text: bytes) -> Samples:
    families = text_string_to_metric_families(text.decode())
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def value(found: Samples, name: str, **labels: str) -> float:
    return found[name, frozenset(labels.items())]


def add(service: Service, target: str, source: str | None = None) -> str:
    new = NewJob("ann", Film("a.mp4", "films/a.mp4", 10, 20.0), target, source)
    return service.jobs.add(new)[0].id


def work(service: Service) -> None:
    """One job is done, one fails, one is at work, two wait."""
    for target, source in (("pt", "en"), ("pt", None), ("fr", "en"), ("pt", "en"), ("pt", "en")):
        add(service, target, source)
    done = service.claims.next("w1", 60)
    assert done is not None
    service.claims.tell(done, [Event("validate", "started"), Event("validate", "done", seconds=0.7)])
    service.claims.tell(done, [Event("diarize", "started"), Event("diarize", "done", seconds=9.0)])
    service.claims.tell(done, [Event("separate", "reused", seconds=50.0)])
    service.claims.finish(done, (), {}, "en")
    failed = service.claims.next("w1", 60)
    assert failed is not None
    service.claims.tell(failed, [Event("validate", "started"), Event("validate", "failed", note="odd")])
    service.claims.fail(failed, "BadInput", "odd", None)
    assert service.claims.next("w2", 60) is not None


def test_jobs_stages_and_errors_are_counted_from_the_database(service: Service):
    work(service)
    found = samples(exposition(service))
    assert value(found, "dubkit_jobs", status="completed", source="en", target="pt") == 1
    assert value(found, "dubkit_jobs", status="failed", source="unknown", target="pt") == 1
    assert value(found, "dubkit_jobs", status="running", source="en", target="fr") == 1
    assert value(found, "dubkit_jobs", status="queued", source="en", target="pt") == 2
    assert value(found, "dubkit_errors_total", stage="validate", type="BadInput") == 1
    assert [value(found, f"dubkit_{name}") for name in ("active_jobs", "waiting_jobs", "workers")] == [1, 2, 2]
    assert value(found, "dubkit_database_up") == 1
    buckets = [
        value(found, "dubkit_stage_seconds_bucket", stage="diarize", le=le) for le in ("0.5", "5.0", "10.0", "+Inf")
    ]
    assert buckets == [0, 0, 1, 1]
    assert value(found, "dubkit_stage_seconds_count", stage="diarize") == 1
    assert value(found, "dubkit_stage_seconds_sum", stage="diarize") == 9.0
    assert value(found, "dubkit_stage_seconds_count", stage="separate") == 0
    assert value(found, "dubkit_stage_pace_ratio", stage="diarize") == pytest.approx(9.0 / 20.0)
    assert value(found, "dubkit_stage_pace_ratio", stage="translate") == PACES["translate"]


def test_what_was_counted_is_told_again_for_a_moment(service: Service, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(metrics, "FRESH", 1e9)
    assert value(samples(exposition(service)), "dubkit_waiting_jobs") == 0
    add(service, "pt")
    assert value(samples(exposition(service)), "dubkit_waiting_jobs") == 0
    metrics._counted.cache_clear()
    assert value(samples(exposition(service)), "dubkit_waiting_jobs") == 1


def test_without_the_database_requests_are_still_told(service: Service, monkeypatch: pytest.MonkeyPatch):
    def away() -> None:
        raise DatabaseAway("The job database does not answer.")

    monkeypatch.setattr(service.jobs, "counts", away)
    found = samples(exposition(service))
    assert value(found, "dubkit_database_up") == 0
    assert "dubkit_jobs" not in {name for name, _ in found}
    assert "dubkit_upload_bytes_total" in {name for name, _ in found}


def test_names_and_labels_follow_prometheus_conventions(service: Service):
    """What promtool's linter looks at."""
    work(service)
    families = list(text_string_to_metric_families(exposition(service).decode()))
    assert "dubkit_build_info" in {family.name for family in families}
    assert len({family.name for family in families}) == len(families)
    for family in families:
        assert re.fullmatch(r"dubkit_[a-z]+(_[a-z]+)*", family.name), family.name
        assert family.documentation.endswith("."), family.name
        assert family.type in ("counter", "gauge", "histogram"), family.name
        suffixes = {"counter": {"_total"}, "histogram": {"_bucket", "_sum", "_count"}}.get(family.type, {""})
        assert {sample.name.removeprefix(family.name) for sample in family.samples} <= suffixes
        for sample in family.samples:
            assert set(sample.labels) <= {
                "status",
                "source",
                "target",
                "stage",
                "type",
                "route",
                "method",
                "le",
                "version",
            }
            assert all(sample.labels.values()), sample
    assert not [f.name for f in families if re.search(r"(milliseconds|minutes|_ms|megabytes|_created)", f.name)]


def app() -> tuple[TestClient, Requests]:
    router, inner, outer = APIRouter(), FastAPI(), FastAPI()

    @router.get("/jobs/{id}")
    def job(id: str) -> str:
        return id

    @router.get("/broken/{id}")
    def broken(id: str) -> None:
        raise ZeroDivisionError

    @router.post("/upload")
    async def upload(request: Request) -> int:
        return len(await request.body())

    @inner.get("/file={path:path}")
    def file(path: str) -> str:
        return path

    outer.include_router(router, prefix="/api/v1")
    outer.mount("/page", inner)
    requests = Requests()
    return TestClient(Counted(outer, requests), raise_server_exceptions=False), requests


def test_requests_are_counted_by_route_and_not_by_address():
    client, requests = app()
    paths = ["api/v1/jobs/a", "api/v1/jobs/b", "page/file=a/b", "page/none", "wp-admin.php", "api/v1/broken/c"]
    for path in paths:
        client.get(path)
    client.post("api/v1/jobs/a")
    client.request("BREW", "api/v1/jobs/a")
    found = samples(generate_latest(requests.registry))
    counted = {
        (labels["method"], labels["route"], labels["status"]): n
        for (name, pairs), n in found.items()
        if name == "dubkit_http_requests_total" and (labels := dict(pairs))
    }
    assert counted == {
        ("GET", "/api/v1/jobs/{id}", "200"): 2,
        ("GET", "/page/file={path:path}", "200"): 1,
        ("GET", "none", "404"): 2,
        ("GET", "/api/v1/broken/{id}", "500"): 1,
        ("POST", "/api/v1/jobs/{id}", "405"): 1,
        ("other", "/api/v1/jobs/{id}", "405"): 1,
    }
    name = "dubkit_http_request_duration_seconds_count"
    assert value(found, name, method="GET", route="/api/v1/jobs/{id}") == 2


def test_bytes_of_films_are_counted_as_they_come():
    client, requests = app()
    client.post("api/v1/jobs/a", content=b"x" * 50)
    assert client.post("api/v1/upload", content=iter([b"x" * 1000, b"y" * 234])).json() == 1234
    assert value(samples(generate_latest(requests.registry)), "dubkit_upload_bytes_total") == 1234

"""Films that go to the bucket past the server, and the files that come from it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from api_served import Served, shown
from runs import OwnBackends

DIRECT = "/api/v1/uploads/direct"


@pytest.fixture
def in_bucket(aws: str, opened: Callable[..., Served]) -> Served:
    """A service that keeps its films in a bucket."""
    return opened(storage="s3://films/api", require_key=True)


def test_a_film_is_sent_past_the_server(in_bucket: Served, tiny: Path) -> None:
    anna, bert = (shown(in_bucket.service.keys.add(name)) for name in ("anna", "bert"))
    film = {"file_name": "../tiny.mp4", "bytes": tiny.stat().st_size}
    assert in_bucket.post(DIRECT, json=film).status_code == 401
    begun = in_bucket.post(DIRECT, json=film, headers=anna)
    told = begun.json()
    assert (begun.status_code, told["method"], begun.headers["cache-control"]) == (201, "PUT", "no-store")
    assert "X-Amz-Signature" in told["url"] and "anna" not in told["upload"]
    job = {"upload": told["upload"], "target_language": "pt"}
    early = in_bucket.post("/api/v1/jobs", json=job, headers=anna)
    assert (early.status_code, early.json()["type"]) == (404, "urn:dubkit:problem:no-such-upload")
    assert httpx.put(told["url"], content=tiny.read_bytes(), headers=told["headers"]).status_code == 200
    assert in_bucket.post("/api/v1/jobs", json=job, headers=bert).status_code == 404
    made = in_bucket.post("/api/v1/jobs", json=job, headers={**anna, "Idempotency-Key": "k"})
    assert (made.status_code, made.json()["film"]["name"]) == (202, "tiny.mp4")
    again = in_bucket.post("/api/v1/jobs", json=job, headers={**anna, "Idempotency-Key": "k"})
    assert (again.status_code, again.json()["id"]) == (200, made.json()["id"])


def test_what_cannot_come_is_refused_before_it_is_sent(in_bucket: Served, served: Served) -> None:
    anna = shown(in_bucket.service.keys.add("anna"))
    for name, n_bytes, expected in (
        ("a.txt", 9, (415, "not-a-film")),
        ("a.mp4", 0, (400, "empty")),
        ("a.mp4", 10**9, (413, "too-large")),
        ("a.mp4", -1, (422, "invalid")),
    ):
        answer = in_bucket.post(DIRECT, json={"file_name": name, "bytes": n_bytes}, headers=anna)
        assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == expected
    answer = served.post(DIRECT, json={"file_name": "a.mp4", "bytes": 1000})
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:dubkit:problem:not-offered")


def test_subtitles_come_from_this_server_in_whole_and_in_part(
    in_bucket: Served, talk: Path, backends: OwnBackends
) -> None:
    key = in_bucket.service.keys.add("anna")
    id = in_bucket.submit(talk, key)["id"]
    in_bucket.work(id)
    files = in_bucket.get(f"/api/v1/jobs/{id}/files", headers=shown(key)).json()["files"]
    by_kind = {file["kind"]: file for file in files}
    assert httpx.get(by_kind["video"]["url"]).content[4:8] == b"ftyp"
    vtt = next(file for file in files if file["name"].endswith(".vtt"))
    whole = in_bucket.get(vtt["url"])
    assert (whole.status_code, whole.headers["content-type"]) == (200, "text/vtt; charset=utf-8")
    assert whole.text.startswith("WEBVTT") and len(whole.content) == vtt["bytes"]
    part = in_bucket.get(vtt["url"], headers={"Range": "bytes=0-5"})
    assert (part.status_code, part.text) == (206, "WEBVTT")
    known = in_bucket.get(vtt["url"], headers={"If-None-Match": whole.headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")
    assert in_bucket.get(by_kind["poster"]["url"]).content[:2] == b"\xff\xd8"
    in_bucket.delete(f"/api/v1/jobs/{id}", headers=shown(key))
    assert in_bucket.get(vtt["url"]).json()["type"] == "urn:dubkit:problem:not-found"

"""Who may ask for what: keys, other people's jobs, other sites' pages, other names, and how often."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from api_served import HERE, Served, shown
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from dubkit.database import DatabaseAway
from dubkit.errors import DubkitError
from dubkit.service.api.problems import CLASSES, KINDS

ASKED = (
    *("GET /jobs", "GET /jobs/{id}", "GET /jobs/{id}/status", "GET /jobs/{id}/files", "GET /jobs/{id}/download"),
    *("GET /jobs/{id}/download?file=zip", "GET /jobs/{id}/lines", "GET /jobs/{id}/preview", "POST /jobs/{id}/cancel"),
    *(
        "POST /jobs/{id}/redub",
        "PUT /jobs/{id}/lines",
        "DELETE /jobs/{id}",
        "GET /languages",
        "POST /upload",
        "POST /jobs",
        "POST /uploads/direct",
    ),
)
BODIES: dict[str, dict[str, Any]] = {
    "PUT /jobs/{id}/lines": {"json": {"reset": ["all"]}, "headers": {"If-Match": '"0"'}},
    "POST /jobs": {"json": {"upload": "0" * 32, "target_language": "pt"}},
}


def kind(answer: Any) -> tuple[int, str]:
    """Status and kind of a problem."""
    return answer.status_code, answer.json()["type"].removeprefix("urn:dubkit:problem:")


def ask(served: Served, what: str, id: str, **headers: str) -> Any:
    """Ask for something, of a job."""
    method, path = what.split(" ")
    options = BODIES.get(what, {})
    told = {**options.get("headers", {}), **headers}
    return served.request(method, f"/api/v1{path.format(id=id)}", **{**options, "headers": told})


@pytest.fixture
def keyed(opened: Callable[..., Served]) -> Served:
    """A service that asks for keys."""
    return opened(require_key=True)


@pytest.mark.parametrize("what", ASKED)
def test_nothing_is_to_be_had_without_a_key(keyed: Served, what: str) -> None:
    for headers in (
        {},
        {"X-API-Key": "dk_abcdefgh_" + "x" * 32},
        {"Authorization": "Basic YTpi"},
        {"Cookie": "session=x"},
    ):
        answer = ask(keyed, what, "0" * 24, **headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == 'Bearer realm="dubkit"'
        assert answer.json()["type"].startswith("urn:dubkit:problem:")


def test_a_key_opens_what_is_its_owners_and_nothing_else(keyed: Served, tiny: Path) -> None:
    anna, bert = keyed.service.keys.add("anna"), keyed.service.keys.add("bert")
    id = keyed.submit(tiny, anna)["id"]
    assert keyed.get(f"/api/v1/jobs/{id}", headers=shown(anna)).json()["id"] == id
    assert keyed.get(f"/api/v1/jobs/{id}", headers={"X-API-Key": anna}).json()["id"] == id
    assert keyed.get("/api/v1/jobs", headers=shown(bert)).json()["jobs"] == []
    for what in ASKED:
        if "{id}" in what:
            assert kind(ask(keyed, what, id, **shown(bert))) == (404, "no-such-job"), what
    before = keyed.get(f"/api/v1/jobs?before={id}", headers=shown(bert))
    assert before.status_code == 404 and "anna" not in before.text
    assert keyed.service.jobs.find(id).status == "queued"


def test_sessions_of_the_page_are_no_keys(keyed: Served) -> None:
    keyed.service.keys.add("anna")
    session = keyed.service.signer.sign_session("anna", 60)
    keyed.cookies.set("dubkit", session)
    assert keyed.get("/api/v1/jobs").status_code == 401
    assert keyed.get("/api/v1/jobs", headers=shown(session)).status_code == 401


def test_a_revoked_key_opens_nothing(keyed: Served) -> None:
    key = keyed.service.keys.add("anna")
    assert keyed.get("/api/v1/jobs", headers=shown(key)).status_code == 200
    keyed.service.keys.revoke(key)
    assert kind(keyed.get("/api/v1/jobs", headers=shown(key))) == (401, "wrong-key")


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "", "[::1", "evil.example:7860", "localhost.evil"]
)
def test_other_names_are_not_this_server(served: Served, host: str) -> None:
    for path in ("/api/v1/jobs", "/health/", "/metrics", "/nothing"):
        assert kind(served.get(path, headers={"Host": host})) == (421, "wrong-host")


def test_its_health_is_told_by_any_name_without_details(opened: Callable[..., Served]) -> None:
    served = opened(require_key=True)
    for key in ({}, shown(served.service.keys.add("anna"))):
        answer = served.get("/health", headers={"Host": "10.0.0.7:7860", **key})
        assert (answer.status_code, answer.json()) == (200, {"ok": True})


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:7860", "127.0.0.1", "[::1]:7860", "dub.example", "DUB.example:443"]
)
def test_its_own_names_are(opened: Callable[..., Served], host: str) -> None:
    assert opened(hosts=("dub.example",)).get("/api/v1/jobs", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://127.0.0.1:9999", "http://127.0.0.1:7860.evil"]
)
def test_pages_of_other_sites_are_refused(served: Served, tiny: Path, origin: str) -> None:
    with tiny.open("rb") as film:
        form = {"target_language": "pt"}
        answer = served.post("/api/v1/upload", data=form, files={"file": ("a.mp4", film)}, headers={"Origin": origin})
    assert kind(answer) == (403, "foreign-page")
    assert kind(served.get("/api/v1/jobs", headers={"Origin": origin})) == (403, "foreign-page")
    assert "access-control-allow-origin" not in answer.headers
    assert served.left() == []


def test_its_own_pages_are_not(served: Served) -> None:
    assert served.get("/api/v1/jobs", headers={"Origin": HERE}).status_code == 200


def test_sites_that_are_listed_may_ask(opened: Callable[..., Served]) -> None:
    served, origin = opened(origins=("https://one.example",)), {"Origin": "https://one.example"}
    answer = served.get("/api/v1/jobs", headers=origin)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, "https://one.example")
    assert "X-Request-ID" in answer.headers["access-control-expose-headers"]
    wants = {
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "tus-resumable,upload-offset,x-api-key",
    }
    first = served.options("/api/v1/uploads/0", headers={**origin, **wants})
    assert first.status_code == 200
    assert "PATCH" in first.headers["access-control-allow-methods"]
    assert served.options("/api/v1/jobs", headers={"Origin": "https://two.example", **wants}).status_code == 403


def test_too_many_requests(opened: Callable[..., Served]) -> None:
    served = opened(require_key=True, rate="3/minute", upload_rate="1/hour")
    anna, bert = shown(served.service.keys.add("anna")), shown(served.service.keys.add("bert"))
    assert [served.get("/api/v1/jobs", headers=anna).status_code for _ in range(4)] == [200, 200, 200, 429]
    answer = served.get("/api/v1/jobs", headers=anna)
    assert kind(answer) == (429, "too-many-requests")
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert served.get("/api/v1/jobs", headers=bert).status_code == 200
    assert [served.post("/api/v1/upload", headers=bert).status_code for _ in range(2)] == [415, 429]
    # Keys that are tried out count for the address.
    assert [served.get("/api/v1/jobs").status_code for _ in range(4)] == [401, 401, 401, 429]


def test_every_answer_has_the_requests_number(served: Served) -> None:
    given = served.get("/api/v1/jobs", headers={"X-Request-ID": "trace-0123456789"})
    assert given.headers["x-request-id"] == "trace-0123456789"
    for path, options in (("/api/v1/jobs/x", {}), ("/nothing", {}), ("/api/v1/jobs", {"X-Request-ID": "a b\n<c>"})):
        assert re.fullmatch(r"[0-9a-f]{32}", served.get(path, headers=options).headers["x-request-id"])


def test_what_is_mounted_beside_the_api_answers_nothing_of_it(served: Served) -> None:
    async def page(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("the page")(scope, receive, send)

    served.app.mount("/", page)  # type: ignore[attr-defined]
    assert served.get("/anything").text == "the page"
    for path in ("/api/v1/nothing", "/api/v1/", "/api/v1/jobs/x/nothing"):
        assert kind(served.get(path)) == (404, "not-found")
    for method, path in (
        ("TRACE", "/api/v1/jobs"),
        ("DELETE", "/api/v1/languages"),
        ("POST", "/health"),
        ("PUT", "/metrics"),
    ):
        answer = served.request(method, path)
        assert kind(answer) == (405, "wrong-method")
        assert "GET" in answer.headers["allow"]
    assert served.options("/api/v1/jobs").status_code == 204


def test_problems_of_the_framework_are_documents_too(served: Served) -> None:
    assert kind(served.get("/api/v1/nothing")) == (404, "not-found")
    answer = served.post("/api/v1/jobs/x/status")
    assert kind(answer) == (405, "wrong-method")
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"
    assert served.patch("/api/v1/jobs").headers["allow"] == "GET, HEAD, OPTIONS, POST"
    asked = served.options("/api/v1/jobs/x")
    assert (asked.status_code, asked.headers["allow"]) == (204, "DELETE, GET, HEAD, OPTIONS")
    json = {"Content-Type": "application/json"}
    assert kind(served.post("/api/v1/jobs", content=b"{", headers=json)) == (400, "unreadable")
    assert kind(served.post("/api/v1/jobs", content=b"[" * 60_000, headers=json))[0] in (400, 422)
    assert kind(served.post("/api/v1/jobs", content=b" " * 70_000, headers=json)) == (413, "too-large")
    missing = served.post("/api/v1/jobs", json={"upload": "x"})
    assert kind(missing) == (422, "invalid")
    assert missing.json()["errors"] == [{"where": "body.target_language", "message": "Field required"}]
    assert kind(served.get("/api/v1/jobs?limit=0")) == (422, "invalid")
    assert kind(served.get("/api/v1/jobs/%00/status")) == (422, "invalid")


def test_head_is_get_without_content(served: Served, tiny: Path) -> None:
    here = f"/api/v1/jobs/{served.submit(tiny)['id']}"
    head, got = served.head(here), served.get(here)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == got.headers["content-length"]
    assert served.head("/api/v1/jobs/x").status_code == 404


def test_a_database_that_is_away_is_told_in_time(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise DatabaseAway("The job database postgresql://db.internal/jobs does not answer (secret detail).")

    monkeypatch.setattr(served.service, "status", away)
    answer = served.get("/api/v1/jobs/x/status")
    assert kind(answer) == (503, "away")
    assert answer.headers["retry-after"] == "5"
    assert "internal" not in answer.text and "secret" not in answer.text


def test_what_nobody_foresaw_tells_nothing(opened: Callable[..., Served], monkeypatch: pytest.MonkeyPatch) -> None:
    served = opened(origins=("https://one.example",))
    served._transport.raise_server_exceptions = False  # type: ignore[attr-defined]

    def broken(*_: object) -> None:
        raise RuntimeError(f"secret in {served.service.config.home}")

    monkeypatch.setattr(served.service, "status", broken)
    answer = served.get("/api/v1/jobs/x/status", headers={"X-Request-ID": "trace-0123456789"})
    assert kind(answer) == (500, "failed")
    assert answer.json()["request_id"] == answer.headers["x-request-id"] == "trace-0123456789"
    assert "secret" not in answer.text and "Traceback" not in answer.text


def test_details_of_its_health_are_not_for_strangers(opened: Callable[..., Served]) -> None:
    served = opened(require_key=True)
    assert set(served.get("/health").json()) == {"ok", "parts"}
    served._transport.client = ("203.0.113.5", 4000)  # type: ignore[attr-defined]
    assert set(served.get("/health").json()) == {"ok"}
    assert served.get("/metrics").status_code == 401
    key = shown(served.service.keys.add("anna"))
    assert "database" in served.get("/health", headers=key).json()["parts"]
    assert "dubkit_" in served.get("/metrics", headers=key).text


def test_every_error_has_its_kind() -> None:
    def below(kind: type[Exception]) -> set[type[Exception]]:
        return {kind}.union(*(below(one) for one in kind.__subclasses__()))

    assert set(CLASSES.values()) <= set(KINDS)
    assert {CLASSES[c] for c in below(DubkitError) if c in CLASSES} >= {"no-such-job", "bad-input", "failed"}

"""Progress over WebSockets: each event once and in order, also after a line was dropped; closed when there is no more."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from api_served import Served, shown
from starlette.websockets import WebSocketDisconnect

from dubkit.database import DatabaseAway
from dubkit.progress import Event
from dubkit.service.api import live, progress
from dubkit.service.api.progress import Watch
from dubkit.service.jobs.job import JobEvent


def told(served: Served, id: str, after: int | str = 0, **options: Any) -> tuple[list[dict[str, Any]], int]:
    """All that is told of a job, and how the WebSocket was closed."""
    found = []
    with opened(served, id, after, **options) as socket:
        while True:
            try:
                found.append(json.loads(socket.receive_text()))
            except WebSocketDisconnect as end:
                return found, end.code


def opened(
    served: Served, id: str, after: int | str = 0, headers: Mapping[str, str] | None = None, **options: Any
) -> Any:
    """A WebSocket on a job's progress."""
    named = {"Host": "127.0.0.1", **(headers or {})}
    return served.websocket_connect(f"/api/v1/jobs/{id}/progress?after={after}", headers=named, **options)


def numbers(events: list[dict[str, Any]]) -> list[int]:
    return [event["sequence"] for event in events]


def test_all_that_happened_to_a_job_that_is_done(dubbed: Served) -> None:
    events, code = told(dubbed, dubbed.job["id"])
    assert code == 1000
    assert numbers(events) == list(range(1, dubbed.job["sequence"] + 1))
    assert events[-1]["data"] == {"status": "completed"}
    stages = [event["data"] for event in events if event["kind"] == "stage"]
    assert [one["stage"] for one in stages if one["status"] == "started"][:2] == ["validate", "separate"]
    assert events[0]["at"] < events[-1]["at"]


@pytest.mark.parametrize("after", [1, 7, 1_000_000])
def test_it_goes_on_after_the_last_event_that_came(dubbed: Served, after: int) -> None:
    events, code = told(dubbed, dubbed.job["id"], after)
    assert numbers(events) == list(range(after + 1, dubbed.job["sequence"] + 1))
    assert code == 1000


def test_more_events_than_are_kept_or_read_at_once(served: Served, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PAGE", 10)
    id = served.submit(tiny)["id"]
    claim = served.service.claims.take(id, "worker", 60.0)
    assert claim is not None
    for n in range(0, 60, 5):
        served.service.claims.tell(claim, [Event("transcribe", "progress", n + k, 60) for k in range(5)])
    served.service.claims.fail(claim, "StageFailed", "Nothing was said.", None)
    events, code = told(served, id)
    assert numbers(events) == list(range(1, 64))
    assert events[-1]["data"] == {"status": "failed", "error": "Nothing was said.", "error_type": "StageFailed"}
    assert code == 1000


def test_what_happens_while_one_watches(served: Served, tiny: Path) -> None:
    id = served.submit(tiny)["id"]
    with opened(served, id) as first, opened(served, id, 1) as second:
        assert json.loads(first.receive_text())["data"] == {"status": "queued"}
        claim = served.service.claims.take(id, "worker", 60.0)
        assert claim is not None
        served.service.claims.tell(claim, [Event("validate", "started"), Event("validate", "done")])
        for socket in (first, second):
            found = [json.loads(socket.receive_text()) for _ in range(3)]
            assert numbers(found) == [2, 3, 4]
            assert found[-1]["data"]["status"] == "done"
        served.post(f"/api/v1/jobs/{id}/cancel")
        served.service.claims.cancelled(claim)
        for socket in (first, second):
            found = []
            with pytest.raises(WebSocketDisconnect) as end:
                while True:
                    found.append(json.loads(socket.receive_text()))
            assert found[-1]["data"] == {"status": "cancelled"}
            assert end.value.code == 1000


def test_a_job_that_is_dubbed_again_has_more_to_come(dubbed: Served) -> None:
    id = dubbed.job["id"]
    line = {"lines": {"u0001": {"text": "novo"}}}
    dubbed.put(f"/api/v1/jobs/{id}/lines", json=line, headers={"If-Match": '"0"'})
    events, code = told(dubbed, id, dubbed.job["sequence"])
    assert ([event["kind"] for event in events], code) == (["edited"], 1000)
    dubbed.post(f"/api/v1/jobs/{id}/redub")
    with opened(dubbed, id) as socket:
        seen = [json.loads(socket.receive_text()) for _ in range(dubbed.job["sequence"] + 2)]
        assert seen[-1]["data"]["status"] == "queued"
        dubbed.post(f"/api/v1/jobs/{id}/cancel")
        assert json.loads(socket.receive_text())["data"]["status"] == "cancelled"


@pytest.mark.parametrize("after", ["-1", "x", "1.5", "9" * 30, "٣"])
def test_a_bad_number(dubbed: Served, after: str) -> None:
    events, code = told(dubbed, dubbed.job["id"], after)
    assert ([event["kind"] for event in events], code) == (["problem"], 4400)
    assert events[0]["data"]["type"] == "urn:dubkit:problem:invalid"


def test_no_such_job(served: Served) -> None:
    for id in ("x", "0" * 24, "%00"):
        events, code = told(served, id)
        assert (events[0]["data"]["status"], code) == (404, 4404)


def test_a_removed_job_ends_it(served: Served, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "CHECK", 0.05)
    id = served.submit(tiny)["id"]
    with opened(served, id, 1) as socket:
        served.service.jobs.cancel(id, "local")
        served.service.jobs.delete(id, "local")
        with pytest.raises(WebSocketDisconnect) as end:
            while True:
                socket.receive_text()
    assert end.value.code in (4404, 1000)


def test_keys_open_it_in_three_ways(opened_keyed: tuple[Served, str, str, str]) -> None:
    served, id, anna, bert = opened_keyed
    assert told(served, id, headers=shown(anna))[1] == 1000
    assert told(served, id, subprotocols=["dubkit", anna])[1] == 1000
    with opened(served, id) as socket:
        socket.send_text(json.dumps({"key": anna}))
        assert json.loads(socket.receive_text())["sequence"] == 1
    assert told(served, id, headers=shown(bert))[1] == 4404
    assert told(served, id, subprotocols=["dubkit", bert])[1] == 4404
    assert told(served, id, headers=shown("dk_abcdefgh_" + "x" * 32))[1] == 4401
    assert told(served, id, f"0&key={anna}", headers={"X-API-Key": "x"})[1] == 4401
    for greeting in ("hello", "[]", '{"key": 7}', "[" * 5000):
        with opened(served, id) as socket:
            socket.send_text(greeting)
            assert json.loads(socket.receive_text())["data"]["status"] == 401
            with pytest.raises(WebSocketDisconnect) as end:
                socket.receive_text()
            assert end.value.code == 4401


def test_silence_is_no_key(opened_keyed: tuple[Served, str, str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "GREETING", 0.05)
    assert told(opened_keyed[0], opened_keyed[1])[1] == 4401


@pytest.fixture
def opened_keyed(opened: Callable[..., Served], tiny: Path) -> tuple[Served, str, str, str]:
    """A service that asks for keys, a cancelled job of Anna's, her key, and Bert's."""
    served = opened(require_key=True)
    anna, bert = served.service.keys.add("anna"), served.service.keys.add("bert")
    id = served.submit(tiny, anna)["id"]
    served.service.jobs.cancel(id, "anna")
    return served, id, anna, bert


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Host": "evil.example"}])
def test_pages_of_other_sites_cannot_watch(dubbed: Served, headers: dict[str, str]) -> None:
    with pytest.raises(WebSocketDisconnect) as end, opened(dubbed, dubbed.job["id"], headers=headers):
        pass
    assert end.value.code == 1008


class Told:
    """Jobs of which more and more is told, from a database that may be away."""

    def __init__(self) -> None:
        self.events_of: dict[str, list[JobEvent]] = {}
        self.looks: list[dict[str, int]] = []
        self.reads = 0
        self.is_away = False

    def add(self, id: str, count: int = 1) -> None:
        of = self.events_of.setdefault(id, [])
        of += [JobEvent(len(of) + n, 0.0, "edited", {}) for n in range(1, count + 1)]

    def news(self, after: Mapping[str, int]) -> dict[str, list[JobEvent]]:
        self.looks.append(dict(after))
        if self.is_away:
            raise DatabaseAway("It is away.")
        found = {id: [e for e in self.events_of.get(id, []) if e.sequence > last] for id, last in after.items()}
        return {id: events for id, events in found.items() if events}

    def events(self, id: str, after: int, limit: int) -> list[JobEvent]:
        self.reads += 1
        return [e for e in self.events_of[id] if e.sequence > after][:limit]


def test_one_look_serves_all_and_the_slow_hold_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "PACE", 0.001)
    monkeypatch.setattr(progress, "AWAY", 0.001)
    jobs = Told()
    for id in ("a", "b"):
        jobs.add(id)

    async def follow(watch: Watch, id: str, most: int, pause: float) -> list[int]:
        seen = [1]
        async with watch.following(id, 1) as followed:
            while seen[-1] < most:
                changed = followed.changed
                if events := await watch.events(id, followed, seen[-1]):
                    seen += [event.sequence for event in events]
                    await asyncio.sleep(pause)
                else:
                    await changed.wait()
        return seen

    async def tell() -> None:
        for n in range(100):
            jobs.is_away = 20 < n < 30
            for id in ("a", "b"):
                jobs.add(id, 10)
            await asyncio.sleep(0.002)

    async def all_of_it() -> list[list[int]]:
        watch = Watch(jobs)  # type: ignore[arg-type]
        paces = [0.0] * 20 + [0.1]
        followers = [follow(watch, id, 1001, pause) for id in ("a", "b") for pause in paces]
        *found, _ = await asyncio.gather(*followers, tell())
        await watch.close()
        return found  # type: ignore[return-value]

    found = asyncio.run(all_of_it())
    assert len(found) == 42
    assert all(seen == list(range(1, 1002)) for seen in found)
    # However many watch, a look asks once for each job; only the two slow ones read the database themselves.
    assert all(set(look) <= {"a", "b"} for look in jobs.looks)
    assert jobs.reads < 100


def test_who_comes_late_misses_nothing() -> None:
    jobs = Told()
    jobs.add("a", 5)

    async def late() -> tuple[list[int], list[int]]:
        watch = Watch(jobs)  # type: ignore[arg-type]
        async with watch.following("a", 2) as early, watch.following("a", 5) as followed:
            assert early is followed
            seen = [[event.sequence for event in await watch.events("a", followed, after)] for after in (1, 4)]
        await watch.close()
        return seen[0], seen[1]

    assert asyncio.run(late()) == ([2, 3, 4, 5], [5])

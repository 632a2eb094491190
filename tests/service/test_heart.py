import threading
from typing import Any

import pytest
from service_desk import wait_for
from sqlalchemy.exc import InternalError

from dubkit.database import DatabaseAway
from dubkit.progress import Event
from dubkit.service.workers import heart
from dubkit.service.workers.heart import Heart


class Slate:
    """Claims that write down what they are told."""

    def __init__(self) -> None:
        self.told: list[list[Event]] = []

    def tell(self, claim: Any, events: Any) -> bool:
        self.told.append(list(events))
        return True

    def beat(self, claim: Any, seconds: float) -> str:
        return "held"


def test_progress_that_comes_fast_is_told_now_and_then(monkeypatch):
    monkeypatch.setattr(heart, "TELLING", 60.0)
    slate: Any = Slate()
    with Heart(slate, None, 20.0, threading.Event()) as beating:  # type: ignore[arg-type]
        beating.observe(Event("a", "started"))
        for n in range(1, 1001):
            beating.observe(Event("a", "progress", n, 1000))
            if n == 500:
                beating.observe(Event("a", "warning", note="careful"))
        beating.observe(Event("a", "done"))
    assert [(e.status, e.done) for events in slate.told for e in events] == [
        ("started", 0), ("progress", 500), ("warning", 0), ("progress", 1000), ("done", 0)
    ]  # fmt: skip


def test_what_a_database_that_is_away_was_not_told_is_told_later(monkeypatch):
    monkeypatch.setattr(heart, "TELLING", 0.02)
    slate: Any = Slate()
    tell, tries = slate.tell, []

    def away(claim: Any, events: Any) -> bool:
        tries.append(events)
        if len(tries) == 1:
            raise DatabaseAway("away")
        return bool(tell(claim, events))

    slate.tell = away
    with Heart(slate, None, 20.0, threading.Event()) as beating:  # type: ignore[arg-type]
        for n in range(5):
            beating.observe(Event(f"stage {n}", "done"))
        wait_for(lambda: bool(slate.told))
    assert [e.stage for events in slate.told for e in events] == [f"stage {n}" for n in range(5)]


@pytest.mark.parametrize("error", [InternalError("", {}, Exception("it only reads")), RuntimeError("odd")])
def test_whatever_is_wrong_with_the_database_it_beats_on(monkeypatch, error):
    monkeypatch.setattr(heart, "TELLING", 0.02)
    monkeypatch.setattr(heart, "BEAT", 0.02)
    slate: Any = Slate()
    beats = []

    def odd(claim: Any, seconds: float) -> str:
        beats.append(seconds)
        if len(beats) == 1:
            raise error
        return "held"

    slate.beat = odd
    with Heart(slate, None, 20.0, threading.Event()) as beating:  # type: ignore[arg-type]
        wait_for(lambda: len(beats) > 2)
        assert beating.why is None


def test_what_could_not_be_told_for_an_odd_reason_is_told_in_the_end(monkeypatch):
    monkeypatch.setattr(heart, "TELLING", 0.02)
    slate: Any = Slate()
    tell, tries = slate.tell, []

    def odd(claim: Any, events: Any) -> bool:
        tries.append(events)
        if len(tries) == 1:
            raise RuntimeError("odd")
        return bool(tell(claim, events))

    slate.tell = odd
    with Heart(slate, None, 20.0, threading.Event()) as beating:  # type: ignore[arg-type]
        beating.observe(Event("a", "done"))
        wait_for(lambda: bool(tries))
    assert [e.stage for events in slate.told for e in events] == ["a"]

"""The loop over a ledger: what is handed over, when, and what an earlier call leaves to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dubkit.batch import run as module
from dubkit.batch.ledger import Entry, Ledger
from dubkit.batch.rows import Row
from dubkit.batch.run import Start, enrol, run
from dubkit.batch.work import Task
from dubkit.errors import BadInput


class Scripted:
    """An engine whose rows go as the test says, at once, in this process."""

    def __init__(
        self, ledger: Ledger, slots: int = 1, script: Callable[[str, int], str] = lambda row, n: "done"
    ) -> None:
        self.ledger, self.slots, self.script = ledger, slots, script
        self.handed: list[str] = []
        self.closed = False

    def submit(self, task: Task) -> None:
        self.handed.append(task.row)
        act = self.script(task.row, self.handed.count(task.row))
        if act == "lose":
            return
        claim = self.ledger.claim(task.batch, task.row, "here", task.lease)
        assert claim
        if act == "done":
            self.ledger.finish(claim, {"n": claim.attempt}, 1.0)
        elif act == "again":
            self.ledger.fail(claim, "not yet", 0.0)
        elif act == "fail":
            self.ledger.fail(claim, "never", None)

    def close(self) -> None:
        self.closed = True


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(module, "POLL", 0.02)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(str(tmp_path / "ledger.sqlite"))


def rows(*names: str, **changes: str) -> list[Row]:
    return [Row(name, n, {"video": f"/{name}.mp4", **changes}) for n, name in enumerate(names)]


def begin(ledger: Ledger, *names: str, resume: bool = False, **changes: str) -> Start:
    return enrol(ledger, "b", rows(*names, **changes), resume=resume, most=3)


def done(ledger: Ledger, engine: Scripted, *names: str, lease: float = 30.0) -> dict[str, Entry]:
    task = Task("", "b", "", lease, 2, "", "", 0)
    return {entry.id: entry for entry in run(ledger, task, names, engine, lambda entry: None)}


def test_rows_are_handed_over_in_order_and_all_end(ledger):
    begin(ledger, "a", "b", "c")
    engine = Scripted(ledger, 2, lambda row, n: {"b": "fail"}.get(row, "done"))
    found = done(ledger, engine, "a", "b", "c")
    assert engine.handed == ["a", "b", "c"] and engine.closed
    assert [(e.id, e.state, e.reason) for e in found.values()] == [
        ("a", "done", ""),
        ("b", "failed", "never"),
        ("c", "done", ""),
    ]


def test_no_more_than_the_slots_are_out_at_once(ledger):
    begin(ledger, *"abcd")
    engine = Scripted(ledger, 2, lambda row, n: "hold" if n == 1 else "done")
    most = []

    def watch(entry: Entry) -> None:
        most.append(sum(e.state == "running" for e in ledger.entries("b")))

    run(ledger, Task("", "b", "", 0.2, 2, "", "", 0), "abcd", engine, watch)
    assert max(most) == 2 and sorted(engine.handed) == [*"aabbccdd"]


def test_a_row_that_fails_for_now_is_handed_over_again(ledger):
    begin(ledger, "a", "b")
    engine = Scripted(ledger, 1, lambda row, n: "again" if row == "a" and n < 3 else "done")
    found = done(ledger, engine, "a", "b")
    assert engine.handed.count("a") == 3 and found["a"].attempts == 3 and found["a"].result == {"n": 3}


def test_a_row_whose_worker_is_silent_or_that_the_engine_lost_is_handed_over_again(ledger):
    begin(ledger, "a", "b")
    engine = Scripted(ledger, 2, lambda row, n: {"a": "hold", "b": "lose"}[row] if n == 1 else "done")
    found = done(ledger, engine, "a", "b", lease=0.1)
    assert (found["a"].attempts, found["b"].attempts) == (2, 1)
    assert sorted(engine.handed) == ["a", "a", "b", "b"]


def test_a_row_whose_workers_always_die_fails(ledger):
    begin(ledger, "a")
    found = done(ledger, Scripted(ledger, 1, lambda row, n: "hold"), "a", lease=0.05)
    assert (found["a"].state, found["a"].reason) == ("failed", "Its worker died 3 times.")


def test_changes_are_told_once(ledger):
    begin(ledger, "a", "b")
    told = []
    engine = Scripted(ledger, 1, lambda row, n: "again" if n == 1 and row == "a" else "done")
    run(
        ledger,
        Task("", "b", "", 30.0, 2, "", "", 0),
        ["a", "b"],
        engine,
        lambda e: told.append((e.id, e.state, e.attempts)),
    )
    assert told[:2] == [("a", "waiting", 0), ("b", "waiting", 0)]
    assert [one for one in told if one[0] == "a"] == [("a", "waiting", 0), ("a", "waiting", 1), ("a", "done", 2)]
    assert len(told) == len({*told})


def test_the_engine_is_closed_when_it_is_interrupted(ledger):
    begin(ledger, "a")
    engine = Scripted(ledger)

    def interrupt(entry: Entry) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(ledger, Task("", "b", "", 30.0, 2, "", "", 0), ["a"], engine, interrupt)
    assert engine.closed


def test_a_batch_that_is_there_is_refused_without_resume(ledger):
    begin(ledger, "a", "b")
    done(ledger, Scripted(ledger), "a")
    with pytest.raises(BadInput, match=r"a batch already, with 1 of 2 rows done\. Give the command with --resume"):
        begin(ledger, "a", "b")


def test_resume_does_what_failed_is_missing_or_has_changed(ledger):
    begin(ledger, "a", "b", "c")
    done(ledger, Scripted(ledger, 1, lambda row, n: "fail" if row == "b" else "done"), "a", "b", "c")
    assert begin(ledger, "a", "b", "d", resume=True) == Start(done=1, again=1, gone=("c",))
    engine = Scripted(ledger)
    found = done(ledger, engine, "a", "b", "d")
    assert engine.handed == ["b", "d"] and [*found] == ["a", "b", "d"]
    assert found["b"].attempts == 1 and found["b"].reason == ""
    assert begin(ledger, "a", "b", "d", resume=True, target="es") == Start(changed=("a", "b", "d"), gone=("c",))
    again = Scripted(ledger)
    assert done(ledger, again, "a", "b", "d")["a"].payload["parameters"]["target"] == "es"
    assert again.handed == ["a", "b", "d"]

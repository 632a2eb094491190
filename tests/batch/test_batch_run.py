"""The loop over a ledger: what is handed over, when, and what an earlier call leaves to do."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest

from dubkit.batch import run as module
from dubkit.batch.ledger import Entry, Ledger
from dubkit.batch.rows import Row
from dubkit.batch.run import Start, compare, enrol, run
from dubkit.batch.work import Task
from dubkit.database import DatabaseAway
from dubkit.errors import BadInput


class Scripted:
    """An engine whose rows go as the test says, at once, in this process."""

    def __init__(
        self, ledger: Ledger, slots: int = 1, script: Callable[[str, int], str] = lambda row, n: "done"
    ) -> None:
        self.ledger, self.slots, self.script = ledger, slots, script
        self.handed: list[str] = []
        self.workers: dict[str, str] = {}
        self.closed = False

    def submit(self, task: Task) -> None:
        self.handed.append(task.row)
        act = self.script(task.row, self.handed.count(task.row))
        if act == "lose":
            return
        claim = self.ledger.claim(task.batch, task.row, self.workers.get(task.row, "here"), task.lease)
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
    found = rows(*names, **changes)
    start = compare(ledger, "b", found, "s3://bucket/done", resume=resume, most=3)
    enrol(ledger, "b", found, start)
    return start


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
    assert begin(ledger, "a", "b", "d", resume=True) == Start(done=("a",), again=("b",), gone=("c",))
    engine = Scripted(ledger)
    found = done(ledger, engine, "a", "b", "d")
    assert engine.handed == ["b", "d"] and [*found] == ["a", "b", "d"]
    assert found["b"].attempts == 1 and found["b"].reason == ""
    assert begin(ledger, "a", "b", "d", resume=True, target="es") == Start(changed=("a", "b", "d"), gone=("c",))
    again = Scripted(ledger)
    assert done(ledger, again, "a", "b", "d")["a"].payload["parameters"]["target"] == "es"
    assert again.handed == ["a", "b", "d"]


class Clock:
    """Time that passes just where the loop sleeps, so many seconds at once."""

    def __init__(self, step: float, sleeps: int = 1000) -> None:
        self.now, self.step, self.left = 0.0, step, sleeps

    def monotonic(self) -> float:
        return self.now

    def sleep(self, _: float) -> None:
        self.left -= 1
        assert self.left, "it goes on for ever"
        self.now += self.step


def test_changes_while_the_loop_was_held_up_are_not_missed(ledger, monkeypatch):
    begin(ledger, "a")
    monkeypatch.setattr(module, "LOOK_BACK", 0.1)
    clock = Clock(0.4, sleeps=3)
    # Longer than what a look has of a margin.
    monkeypatch.setattr(
        module, "time", SimpleNamespace(monotonic=clock.monotonic, sleep=lambda s: (clock.sleep(s), time.sleep(0.4)))
    )
    assert done(ledger, Scripted(ledger), "a")["a"].state == "done"


def test_changes_while_the_clock_stood_still_are_found_within_a_minute(ledger, monkeypatch):
    begin(ledger, "a")
    # No look sees what has changed since the last.
    monkeypatch.setattr(module, "LOOK_BACK", -1e6)
    clock = Clock(1.0)
    monkeypatch.setattr(module, "time", clock)
    assert done(ledger, Scripted(ledger), "a")["a"].state == "done"
    assert clock.now == 60


@pytest.mark.parametrize(("longest", "gaps"), [(3600.0, [70, 130, 250, 490]), (200.0, [70, 130, 210, 210])])
def test_a_row_that_nobody_claims_is_handed_over_again_after_longer_and_longer(ledger, monkeypatch, longest, gaps):
    begin(ledger, "a")
    monkeypatch.setattr(module, "LONGEST_QUEUE", longest)
    clock, times = Clock(10.0), []
    monkeypatch.setattr(module, "time", clock)
    done(ledger, Scripted(ledger, 1, lambda row, n: times.append(clock.now) or ("lose" if n < 5 else "done")), "a")
    assert [after - before for before, after in pairwise(times)] == gaps


def held(ledger: Ledger, error: BaseException, **workers: str) -> dict[str, tuple[str, int]]:
    """The rows as they are after an error while these workers had them."""
    begin(ledger, *workers)
    engine = Scripted(ledger, len(workers), lambda row, n: "hold")
    engine.workers = workers

    def fail(entry: Entry) -> None:
        if entry.state == "running":
            raise error

    with pytest.raises(type(error)):
        run(ledger, Task("", "b", "", 30.0, 0, "", "", 0), workers, engine, fail)
    assert engine.closed
    return {entry.id: (entry.state, entry.attempts) for entry in ledger.entries("b")}


@pytest.fixture
def ended() -> str:
    """A worker whose process is no more."""
    process = subprocess.Popen(["true"])
    process.wait()
    return f"{platform.node()}-{process.pid}"


def test_an_interruption_lets_rows_wait_whose_workers_ended_with_it(ledger, ended):
    found = held(ledger, KeyboardInterrupt(), a=ended, b=f"{platform.node()}-{os.getpid()}", c="far-1")
    assert found == {"a": ("waiting", 0), "b": ("running", 1), "c": ("running", 1)}
    assert begin(ledger, "a", "b", "c", resume=True) == Start()


def test_what_others_have_handed_over_is_let_be_by_an_interruption(ledger, ended):
    begin(ledger, "a", "theirs")
    assert ledger.claim("b", "theirs", ended, 30.0)

    def interrupt(entry: Entry) -> None:
        if entry.id == "a" and entry.state == "running":
            raise KeyboardInterrupt

    engine = Scripted(ledger, 2, lambda row, n: "hold")
    engine.workers = {"a": ended}
    with pytest.raises(KeyboardInterrupt):
        run(ledger, Task("", "b", "", 30.0, 0, "", "", 0), ["a", "theirs"], engine, interrupt)
    assert [(entry.id, entry.state) for entry in ledger.entries("b")] == [("a", "waiting"), ("theirs", "running")]


def test_a_ledger_that_is_away_is_not_asked_to_release(ledger, ended):
    assert held(ledger, DatabaseAway("It does not answer."), a=ended) == {"a": ("running", 1)}


def test_a_running_row_that_has_changed_is_done_as_it_is_now(ledger):
    begin(ledger, "a")
    claim = ledger.claim("b", "a", "far-1", 30.0)
    assert claim
    assert begin(ledger, "a", resume=True, target="es") == Start(changed=("a",))
    assert not ledger.finish(claim, {"by": "old"}, 1.0)
    found = done(ledger, Scripted(ledger), "a")["a"]
    assert (found.state, found.attempts, found.payload["parameters"]["target"]) == ("done", 1, "es")


def test_a_film_that_cannot_be_seen_now_makes_no_done_row_another(ledger, tmp_path):
    films = [Row(name, n, {"video": str(tmp_path / f"{name}.mp4")}) for n, name in enumerate("ab")]
    for row in films:
        Path(row.parameters["video"]).write_bytes(b"film")
    enrol(ledger, "b", films, Start())
    done(ledger, Scripted(ledger, 1, lambda row, n: "fail" if row == "b" else "done"), "a", "b")
    for row in films:
        Path(row.parameters["video"]).unlink()
    again = compare(ledger, "b", films, "s3://bucket/done", resume=True, most=3)
    assert again == Start(done=("a",), again=("b",), changed=("b",))
    other = [replace(row, parameters={**row.parameters, "target": "es"}) for row in films]
    assert compare(ledger, "b", other, "s3://bucket/done", resume=True, most=3).changed == ("a", "b")
    enrol(ledger, "b", films, again)
    Path(films[0].parameters["video"]).write_bytes(b"another film")
    assert compare(ledger, "b", films, "s3://bucket/done", resume=True, most=3) == Start(changed=("a",))


def test_a_done_row_whose_output_is_gone_is_done_again(ledger, tmp_path):
    begin(ledger, "a", "b", "c")
    done(ledger, Scripted(ledger, 1, lambda row, n: "fail" if row == "c" else "done"), "a", "b", "c")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "a.ipynb").touch()
    start = compare(ledger, "b", rows("a", "b", "c"), str(tmp_path), resume=True, most=3)
    assert start == Start(done=("a",), again=("c",), absent=("b",))
    enrol(ledger, "b", rows("a", "b", "c"), start)
    assert [entry.state for entry in ledger.entries("b")] == ["done", "waiting", "waiting"]
    assert ledger.entries("b")[1].result == {}

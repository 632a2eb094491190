"""The ledger's promises, on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import servers

from dubkit.batch.ledger import Claim, Entry, Ledger
from dubkit.database import DatabaseAway
from dubkit.errors import BadInput, OutOfSpace

CLAIM_ALL = """
import json, random, sys
from dubkit.batch.ledger import Ledger
url, batch, worker = sys.argv[1:]
ledger = Ledger(url)
rows = [entry.id for entry in ledger.entries(batch)]
random.Random(worker).shuffle(rows)
sys.stdin.readline()
claims = [claim for row in rows if (claim := ledger.claim(batch, row, worker, 60))]
print(json.dumps([claim.row for claim in claims if ledger.finish(claim, {"by": worker}, 0.1)]))
"""

HOLD = """
import sys, time
from dubkit.batch.ledger import Ledger
ledger = Ledger(sys.argv[1])
claim = ledger.claim(sys.argv[2], "a", "doomed", 1.0)
while ledger.beat(claim, 1.0, "at work"):
    print("beat", flush=True)
    time.sleep(0.1)
"""


@pytest.fixture(scope="module")
def postgres_url() -> Iterator[str]:
    with servers.postgres() as server:
        yield server.url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "ledger.sqlite") if request.param == "sqlite" else request.getfixturevalue("postgres_url")


@pytest.fixture
def batch(request: pytest.FixtureRequest) -> str:
    """A name of the test's own: the PostgreSQL server is shared."""
    return request.node.name


@pytest.fixture
def ledger(url: str, batch: str) -> Iterator[Ledger]:
    """With three rows."""
    made = Ledger(url)
    made.enrol(batch, [("a", {"video": "a.mp4"}), ("b", {"video": "ü.mp4", "target": "pt"}), ("c", {})])
    yield made
    made.close()


def claimed(ledger: Ledger, batch: str, row: str = "a", seconds: float = 30.0, worker: str = "w1") -> Claim:
    claim = ledger.claim(batch, row, worker, seconds)
    assert claim is not None
    return claim


def entry(ledger: Ledger, batch: str, row: str = "a") -> Entry:
    (found,) = [entry for entry in ledger.entries(batch) if entry.id == row]
    return found


def test_rows_wait_in_the_order_of_enrolment(ledger, batch):
    rows = ledger.entries(batch)
    assert [(row.id, row.number, row.state, row.attempts) for row in rows] == [
        ("a", 0, "waiting", 0),
        ("b", 1, "waiting", 0),
        ("c", 2, "waiting", 0),
    ]
    assert rows[1].payload == {"video": "ü.mp4", "target": "pt"}
    assert rows[1].result == {}
    assert all(-5 < row.due <= 0 for row in rows)
    assert ledger.entries("another") == []


def test_enrolling_again_adds_what_is_new_and_changes_nothing_else(ledger, batch):
    ledger.finish(claimed(ledger, batch), {"lines": 3}, 1.0)
    ledger.enrol(batch, [("z", {}), ("a", {"video": "other.mp4"}), ("b", {})])
    rows = ledger.entries(batch)
    assert [(row.id, row.number, row.state) for row in rows] == [
        ("a", 0, "done"),
        ("b", 1, "waiting"),
        ("c", 2, "waiting"),
        ("z", 3, "waiting"),
    ]
    assert rows[0].payload == {"video": "a.mp4"}
    assert rows[0].result == {"lines": 3}


def test_more_rows_than_a_statement_takes(ledger, batch):
    names = [f"r{n:05}" for n in range(2500)]
    ledger.enrol(batch, [(name, {"n": n}) for n, name in enumerate(names)])
    assert [row.id for row in ledger.entries(batch)] == ["a", "b", "c", *names]
    for name in names[:3]:
        ledger.fail(claimed(ledger, batch, name), "no", None)
    ledger.again(batch, names)
    assert {row.state for row in ledger.entries(batch)} == {"waiting"}


def test_a_claim_is_one_worker_s_alone(ledger, batch):
    claim = claimed(ledger, batch, "b")
    assert (claim.batch, claim.row, claim.attempt, claim.payload) == (batch, "b", 1, {"video": "ü.mp4", "target": "pt"})
    assert ledger.claim(batch, "b", "w2", 30) is None
    assert ledger.claim(batch, "nothing", "w2", 30) is None
    row = entry(ledger, batch, "b")
    assert (row.state, row.attempts, row.worker) == ("running", 1, "w1")
    assert 25 < row.due <= 30
    assert 0 <= row.seconds < 5


def test_a_finished_row_has_its_result_and_is_over(ledger, batch):
    claim = claimed(ledger, batch)
    assert ledger.finish(claim, {"lines": 12, "langs": ["en", "pt"]}, 80.25)
    row = entry(ledger, batch)
    assert (row.state, row.seconds, row.result) == ("done", 80.25, {"lines": 12, "langs": ["en", "pt"]})
    assert ledger.claim(batch, "a", "w2", 30) is None
    assert not ledger.finish(claim, {"lines": 0}, 1.0)
    assert not ledger.beat(claim, 30)
    assert not ledger.fail(claim, "late", None)
    assert entry(ledger, batch).result == row.result


def test_a_beat_prolongs_the_lease_and_leaves_a_note(ledger, batch):
    claim = claimed(ledger, batch, seconds=1.0)
    assert ledger.beat(claim, 50.0, "diarize")
    assert ledger.beat(claim, 60.0)
    row = entry(ledger, batch)
    assert 50 < row.due <= 60
    assert row.note == "diarize"


def test_a_row_may_be_put_off(ledger, batch):
    assert ledger.fail(claimed(ledger, batch), "The network was\0 away.", again_in=0.5)
    row = entry(ledger, batch)
    assert (row.state, row.reason, row.attempts) == ("waiting", "The network was away.", 1)
    assert 0 < row.due <= 0.5
    assert ledger.claim(batch, "a", "w2", 30) is None
    time.sleep(0.55)
    again = claimed(ledger, batch, worker="w2")
    assert again.attempt == 2
    assert ledger.finish(again, {}, 1.0)
    assert entry(ledger, batch).reason == ""


def test_a_row_may_fail_for_good_and_be_tried_again(ledger, batch):
    assert ledger.fail(claimed(ledger, batch), "It has no sound.", again_in=None)
    assert (entry(ledger, batch).state, entry(ledger, batch).reason) == ("failed", "It has no sound.")
    assert ledger.claim(batch, "a", "w2", 30) is None
    ledger.finish(claimed(ledger, batch, "b"), {"lines": 1}, 1.0)
    ledger.again(batch, ["a", "b", "c"])
    assert [(row.state, row.attempts) for row in ledger.entries(batch)] == [("waiting", 0), ("done", 1), ("waiting", 0)]
    assert claimed(ledger, batch).attempt == 1


def test_a_worker_whose_lease_ran_out_changes_nothing(ledger, batch):
    slow = claimed(ledger, batch, seconds=0.05)
    time.sleep(0.1)
    quick = claimed(ledger, batch, worker="w2")
    assert quick.attempt == 2
    assert not ledger.beat(slow, 30)
    assert not ledger.fail(slow, "late", None)
    assert not ledger.finish(slow, {"by": "slow"}, 9.0)
    assert ledger.finish(quick, {"by": "quick"}, 1.0)
    assert entry(ledger, batch).result == {"by": "quick"}


def test_a_late_beat_keeps_a_row_that_nobody_took(ledger, batch):
    claim = claimed(ledger, batch, seconds=0.05)
    time.sleep(0.1)
    assert ledger.beat(claim, 30)
    assert ledger.claim(batch, "a", "w2", 30) is None


def test_attempts_that_are_forgotten_do_not_revive_an_old_claim(ledger, batch):
    old = claimed(ledger, batch, seconds=0.05)
    time.sleep(0.1)
    ledger.overdue(batch, most=1)
    ledger.again(batch, ["a"])
    new = claimed(ledger, batch, worker="w2")
    assert new.attempt == old.attempt == 1
    assert not ledger.finish(old, {"by": "old"}, 1.0)
    assert ledger.finish(new, {"by": "new"}, 1.0)


def test_overdue_rows_wait_again_until_they_have_had_enough_attempts(ledger, batch):
    claimed(ledger, batch, "a", seconds=0.05)
    claimed(ledger, batch, "b", seconds=30)
    assert ledger.overdue(batch, most=2) == []
    time.sleep(0.1)
    (freed,) = ledger.overdue(batch, most=2)
    assert (freed.id, freed.state, freed.reason) == ("a", "waiting", "Its worker died.")
    claimed(ledger, batch, "a", seconds=0.05)
    time.sleep(0.1)
    (lost,) = ledger.overdue(batch, most=2)
    assert (lost.id, lost.state, lost.attempts, lost.reason) == ("a", "failed", 2, "Its worker died 2 times.")
    assert ledger.overdue(batch, most=2) == []
    assert [row.state for row in ledger.entries(batch)] == ["failed", "running", "waiting"]


def test_a_row_that_had_but_one_attempt_says_so_in_english(ledger, batch):
    claimed(ledger, batch, "a", seconds=0.05)
    time.sleep(0.1)
    (lost,) = ledger.overdue(batch, most=1)
    assert (lost.state, lost.reason) == ("failed", "Its worker died.")


def test_a_row_that_is_released_waits_as_if_it_had_not_been_claimed(ledger, batch):
    ledger.fail(claimed(ledger, batch), "The network was away.", again_in=0.0)
    held = claimed(ledger, batch)
    ledger.beat(held, 30.0, "diarize")
    running = entry(ledger, batch)
    assert ledger.release(batch, running)
    row = entry(ledger, batch)
    assert (row.state, row.attempts, row.note, row.reason) == ("waiting", 1, "", "The network was away.")
    assert not ledger.beat(held, 30) and not ledger.finish(held, {}, 1.0)
    assert not ledger.release(batch, running)
    again = claimed(ledger, batch, worker="w2")
    assert again.attempt == 2
    assert not ledger.release(batch, running) and not ledger.finish(held, {}, 1.0)
    assert ledger.finish(again, {}, 1.0)


def test_a_row_may_get_another_payload_and_who_has_it_loses_it(ledger, batch):
    ledger.finish(claimed(ledger, batch), {"lines": 1}, 9.0)
    running = claimed(ledger, batch, "b")
    ledger.replace(batch, [("a", {"video": "new.mp4"}), ("b", {"video": "new.mp4"})])
    first, second, _ = ledger.entries(batch)
    assert (first.state, first.attempts, first.seconds) == ("waiting", 0, 0.0)
    assert (first.result, first.payload) == ({}, {"video": "new.mp4"})
    assert (second.state, second.attempts, second.payload) == ("waiting", 0, {"video": "new.mp4"})
    assert not ledger.beat(running, 30) and not ledger.finish(running, {"by": "old"}, 1.0)
    new = claimed(ledger, batch, "b", worker="w2")
    assert new.payload == {"video": "new.mp4"}
    assert not ledger.finish(running, {"by": "old"}, 1.0)
    assert ledger.finish(new, {"by": "new"}, 1.0)


def test_who_asks_often_gets_only_what_changed(ledger, batch):
    time.sleep(0.3)
    assert ledger.entries(batch, within=0.2) == []
    ledger.beat(claimed(ledger, batch, "b"), 30)
    assert [row.id for row in ledger.entries(batch, within=0.2)] == ["b"]
    assert [row.id for row in ledger.entries(batch, within=60)] == ["a", "b", "c"]


def test_batches_do_not_meet(ledger, batch):
    ledger.enrol(f"{batch}-2", [("a", {})])
    claimed(ledger, batch, seconds=0.05)
    time.sleep(0.1)
    assert ledger.overdue(f"{batch}-2", most=1) == []
    assert claimed(ledger, f"{batch}-2").attempt == 1


def test_a_worker_s_own_clock_does_not_matter(ledger, batch, monkeypatch):
    claimed(ledger, batch, seconds=30)
    for shift in (-1e6, 1e6):
        now = time.time()
        monkeypatch.setattr(time, "time", lambda now=now, shift=shift: now + shift)
        assert ledger.claim(batch, "a", "w2", 30) is None
        assert ledger.overdue(batch, most=1) == []
        monkeypatch.undo()


def test_a_result_must_be_plain_data(ledger, batch):
    claim = claimed(ledger, batch)
    with pytest.raises(Exception, match="JSON"):
        ledger.finish(claim, {"rate": float("nan")}, 1.0)
    assert ledger.beat(claim, 30)


def test_six_processes_claim_each_of_300_rows_once(url, batch):
    ledger = Ledger(url)
    rows = [f"row{n}" for n in range(300)]
    ledger.enrol(batch, [(row, {}) for row in rows])
    command = [sys.executable, "-c", CLAIM_ALL, url, batch]
    workers = [
        subprocess.Popen([*command, f"w{n}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for n in range(6)
    ]
    for worker in workers:
        assert worker.stdin
        worker.stdin.write("go\n")
        worker.stdin.flush()
    done = [json.loads(worker.communicate(timeout=120)[0]) for worker in workers]
    assert sorted(row for mine in done for row in mine) == sorted(rows)
    told = {row.id: (row.state, row.attempts, row.result["by"]) for row in ledger.entries(batch)}
    assert told == {row: ("done", 1, f"w{n}") for n, mine in enumerate(done) for row in mine}
    ledger.close()


def test_a_killed_process_keeps_its_row_until_the_lease_runs_out(url, ledger, batch):
    process = subprocess.Popen([sys.executable, "-c", HOLD, url, batch], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    # Beyond the first lease: it is the beats that keep it.
    assert [process.stdout.readline() for _ in range(15)] == ["beat\n"] * 15
    assert (entry(ledger, batch).worker, entry(ledger, batch).note) == ("doomed", "at work")
    process.kill()
    process.wait()
    assert ledger.claim(batch, "a", "heir", 30) is None
    time.sleep(1.1)
    assert claimed(ledger, batch, worker="heir").attempt == 2


@pytest.mark.parametrize(
    "url",
    ["mysql://me:kept-secret@host/db", "postgresql://me:kept-secret@host:port/db", "://kept-secret", "sqlite://"],
)
def test_an_address_of_no_ledger_is_refused_without_repeating_it(url):
    with pytest.raises(BadInput, match=r"ledger's address") as caught:
        Ledger(url)
    assert "kept-secret" not in str(caught.value)


def test_an_sqlite_file_may_be_given_as_a_path_or_a_url(tmp_path):
    Ledger(str(tmp_path / "one.sqlite")).enrol("b", [("a", {})])
    assert [row.id for row in Ledger(f"sqlite:///{tmp_path}/one.sqlite").entries("b")] == ["a"]
    assert str(Ledger(str(tmp_path / "one.sqlite"))) == str(tmp_path / "one.sqlite")


@pytest.fixture
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for a database fails."""

    def wait(seconds: float) -> None:
        raise AssertionError("no waiting mends this")

    monkeypatch.setattr("dubkit.database.time.sleep", wait)


def test_a_folder_that_is_not_there_is_told_at_once(tmp_path, no_patience):
    with pytest.raises(OutOfSpace, match=r"none/ledger\.sqlite cannot be written \(unable to open database file\)"):
        Ledger(str(tmp_path / "none" / "ledger.sqlite"))


@pytest.mark.parametrize(
    ("limit", "said"),
    [("max_page_count = 8", "database or disk is full"), ("query_only = 1", "attempt to write a readonly database")],
)
def test_a_disk_that_is_full_or_read_only_is_told_at_once(tmp_path, no_patience, limit, said):
    from sqlalchemy import event

    made = Ledger(str(tmp_path / "ledger.sqlite"))
    made.close()
    event.listen(made._database.engine, "connect", lambda connection, _: connection.execute(f"PRAGMA {limit}"))
    with pytest.raises(OutOfSpace, match=rf"ledger\.sqlite cannot be written \({said}\).* with --resume goes on\."):
        made.enrol("b", [(str(n), {"filler": "x" * 100}) for n in range(1000)])
    assert made.entries("b") == []


def test_a_database_that_is_locked_is_waited_for_and_then_told(tmp_path, monkeypatch):
    import sqlite3

    monkeypatch.setattr("dubkit.database.LOCK_SECONDS", 0.05)
    monkeypatch.setattr("dubkit.database.PATIENCE", 0.2)
    made = Ledger(str(tmp_path / "ledger.sqlite"))
    other = sqlite3.connect(tmp_path / "ledger.sqlite")
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DatabaseAway, match=r"does not answer \(database is locked\).* with --resume goes on"):
        made.enrol("b", [("a", {})])
    other.close()
    made.enrol("b", [("a", {})])

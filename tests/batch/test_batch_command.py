"""``dubkit batch`` with a notebook that takes no model: what it says, writes, and leaves for the next call."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from dubkit.batch.ledger import Entry, Ledger
from dubkit.cli import app
from dubkit.errors import OutOfSpace
from dubkit.options import ROWS_FAILED

WORK = """
import time
from pathlib import Path
from dubkit import batch, errors
time.sleep(pause)
if bad:
    raise errors.BadInput(bad)
Path(out).write_text("dub")
batch.result(size=Path(video).stat().st_size, strength=strength, out=out, **{"stage_seconds": {"translate": 0.5}})
"""


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    parameters = "video = ''\nout = ''\nstrength = 1.0\nbad = ''\npause = 0.0"
    cells = [nbformat.v4.new_code_cell(parameters), nbformat.v4.new_code_cell(WORK)]
    cells[0].metadata["tags"] = ["parameters"]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), tmp_path / "own.ipynb")
    return tmp_path / "own.ipynb"


@pytest.fixture
def films(tmp_path: Path) -> Path:
    for n, name in enumerate(("a", "b", "c"), 1):
        (tmp_path / f"{name}.mp4").write_bytes(b"x" * n)
    return tmp_path


def manifest(folder: Path, *lines: str) -> str:
    (folder / "films.csv").write_text("\n".join(["video,strength,bad,pause", *lines]) + "\n")
    return str(folder / "films.csv")


def called(*words: Any) -> Result:
    return CliRunner().invoke(app, ["batch", *map(str, words)])


def test_rows_are_done_one_fails_and_the_next_call_does_what_has_changed(films, notebook):
    words = ("--out", films / "out", "--notebook", notebook, "--workers", 1)
    first = called(manifest(films, "a.mp4,0.5", "b.mp4,,It is =bad=.", "none.mp4"), *words)
    assert first.exit_code == ROWS_FAILED == 6
    assert f"! 1 of 3 films are not there, and their rows will fail: {films / 'none.mp4'}." in first.stderr
    assert "✗ b: It is =bad=." in first.stderr
    assert first.stdout.splitlines()[0] == f"1 of 3 done. {films / 'out'}: results.csv, results.parquet, summary.html"
    assert first.stdout.splitlines()[1:3] == ["2 failed; --resume tries them again:", "- b: It is =bad=."]
    table = pd.read_parquet(films / "out" / "results.parquet").set_index("id")
    assert list(table["state"]) == ["done", "failed", "failed"] and list(table["attempts"]) == [1, 1, 1]
    assert table.loc["a", "strength"] == 0.5 and table.loc["a", "size"] == 1
    assert table.loc["a", "out"] == str(films / "out" / "a" / "a.mp4")
    assert (films / "out" / "summary.html").exists() and (films / "out" / "b" / "b.html").exists()

    refused = called(manifest(films, "a.mp4,0.5"), *words)
    assert refused.exit_code == 2 and "a batch already, with 1 of 3 rows done" in refused.stderr

    (films / "none.mp4").write_bytes(b"there")
    before = (films / "out" / "a" / "a.ipynb").stat().st_mtime_ns
    again = called(manifest(films, "a.mp4,0.5", "b.mp4", "none.mp4", "c.mp4"), *words, "--resume")
    assert again.exit_code == 0, again.stderr
    assert "1 of 4 rows are done already." in again.stderr and "2 rows had failed and are tried again." in again.stderr
    assert "changed since, so these are done again: b, none." in again.stderr
    assert (films / "out" / "a" / "a.ipynb").stat().st_mtime_ns == before
    assert list(pd.read_csv(films / "out" / "results.csv")["size"]) == [1, 2, 5, 3]

    (films / "a.mp4").write_bytes(b"another film")
    changed = called(manifest(films, "a.mp4,0.5", "b.mp4", "none.mp4"), *words, "--resume", "--json")
    assert "Film, parameters or notebook have changed since, so these are done again: a." in changed.stderr
    assert "The manifest names these no more, and they are left alone: c." in changed.stderr
    expected = {"out": str(films / "out"), "rows": 3, "done": 3, "under_way": [], "failed": []}
    assert json.loads(changed.stdout) == expected
    assert pd.read_csv(films / "out" / "results.csv")["size"][0] == len(b"another film")


def test_json_tells_events_and_failures(films, notebook):
    done = called(
        manifest(films, "a.mp4,,No."), "--out", films / "out", "--notebook", notebook, "--workers", 1, "--json"
    )
    events = [json.loads(line) for line in done.stderr.splitlines()]
    assert (
        next(e["state"] for e in events) == "waiting"
        and events[-1]["state"] == "failed"
        and events[-1]["reason"] == "No."
    )
    failed = [{"id": "a", "video": str(films / "a.mp4"), "attempts": 1, "reason": "No."}]
    expected = {"out": str(films / "out"), "rows": 1, "done": 0, "under_way": [], "failed": failed}
    assert json.loads(done.stdout) == expected


def test_a_folder_that_is_moved_keeps_its_batch(films, notebook):
    words = ("--notebook", notebook, "--workers", 1)
    called(manifest(films, "a.mp4"), "--out", films / "out", *words)
    (films / "out").rename(films / "moved")
    again = called(manifest(films, "a.mp4"), "--out", films / "moved", *words, "--resume")
    assert again.exit_code == 0 and "1 of 1 rows are done already." in again.stderr
    shutil.rmtree(films / "moved" / "a")
    lost = called(manifest(films, "a.mp4"), "--out", films / "moved", *words, "--resume")
    assert lost.exit_code == 0 and "! The output is there no more, so these are done again: a." in lost.stderr
    assert (films / "moved" / "a" / "a.mp4").read_text() == "dub"


def test_a_ledger_elsewhere_serves_several_batches(films, notebook):
    words = ("--notebook", notebook, "--workers", 1, "--records", films / "ledger.db")
    for name in ("one", "two"):
        assert called(manifest(films, "a.mp4"), "--out", films / name, *words).exit_code == 0
    assert not (films / "one" / "ledger.sqlite").exists()
    assert called(manifest(films, "a.mp4"), "--out", films / "one", *words).exit_code == 2


def test_a_bucket_takes_the_whole_batch(films, notebook, bucket):
    words = ("--out", "s3://films/done/", "--notebook", notebook, "--workers", 1, "--store", films / "store")
    done = called(manifest(films, "a.mp4"), *words)
    assert done.exit_code == 0, done.stderr
    kept = {found["Key"] for found in bucket.list_objects_v2(Bucket="films", Prefix="done")["Contents"]}
    assert kept == {
        "done/a/a.ipynb", "done/a/a.html", "done/a/a.mp4",
        "done/results.csv", "done/results.parquet", "done/summary.ipynb", "done/summary.html",
    }  # fmt: skip
    assert called(manifest(films, "a.mp4"), *words).exit_code == 2


def test_nothing_is_begun_where_anything_is_wrong(films, notebook):
    found = called(manifest(films, "a.mp4", ",1"), "--out", films / "out", "--notebook", notebook, "--to", "pt")
    assert found.exit_code == 2
    assert "- line 2-3: the notebook has no parameter 'target'" in found.stderr
    assert "- line 3: it has no video" in found.stderr
    assert not (films / "out").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--engine", "ray"], "There is no engine 'ray'. There are: dask, dramatiq, local"),
        (["--notebook", "/none.ipynb"], "There is no notebook '/none.ipynb'"),
        (["--records", "mysql://user:secret@host/db"], "The ledger's address is not one of a database"),
        (["--engine", "local:4"], "The engine local takes nothing after its name"),
    ],
)
def test_what_cannot_be_used_is_told_and_leaves_no_batch(films, notebook, words, said):
    found = called(manifest(films, "a.mp4"), "--out", films / "out", "--notebook", notebook, *words)
    assert found.exit_code == 2 and said in found.stderr and "secret" not in found.stderr
    if (films / "out").exists():
        assert Ledger(str(films / "out" / "ledger.sqlite")).entries("batch") == []


def test_rows_that_cannot_be_written_down_leave_no_workers(films, notebook, monkeypatch):
    from dubkit.batch import engines, run

    closed = []
    monkeypatch.setattr(engines, "engine", lambda spec, workers: SimpleNamespace(close=lambda: closed.append(spec)))

    def enrol(*_: Any) -> None:
        raise OutOfSpace("The ledger cannot be written.")

    monkeypatch.setattr(run, "enrol", enrol)
    found = called(manifest(films, "a.mp4"), "--out", films / "out", "--notebook", notebook)
    assert (found.exit_code, closed) == (OutOfSpace.exit_code, ["local"])


@pytest.mark.parametrize(
    ("out", "code", "said"),
    [
        ("a.mp4", 2, "a.mp4' is not a folder. Give --out one, or a name that is free."),
        ("a.mp4/out", 5, "out cannot be written: Not a directory."),
        ("n" * 300, 5, "cannot be written: File name too long."),
        ("~nobody-here/out", 2, "There is no home folder such as '~nobody-here/out' begins with."),
    ],
)
def test_an_out_where_nothing_can_be_written_is_told(films, notebook, monkeypatch, out, code, said):
    monkeypatch.chdir(films)
    found = called(manifest(films, "a.mp4"), "--out", out, "--notebook", notebook)
    assert found.exit_code == code and said in found.stderr


@pytest.fixture
def without_workers(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Any]]:
    """Puts a batch's end in the place of its run; gives the tasks that it was to do."""
    from dubkit.batch import engines, run

    def end(*entries: Entry) -> list[Any]:
        tasks: list[Any] = []
        monkeypatch.setattr(engines, "engine", lambda spec, workers: spec)
        monkeypatch.setattr(
            run, "run", lambda ledger, task, rows, engine, watch: tasks.append((ledger, task)) or [*entries]
        )
        return tasks

    return end


def entry(row: str, state: Any, reason: str = "") -> Entry:
    return Entry(row, 0, state, 1, "here-1", "", reason, 0.0, 1.0, {}, {"parameters": {"video": f"/{row}.mp4"}})


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("could not convert '0:20'"), "ValueError: could not convert '0:20'"),
        (OutOfSpace("The disk is full."), "The disk is full."),
        (UnicodeEncodeError("utf-8", "\udcff", 0, 1, "surrogates not allowed"), "UnicodeEncodeError: 'utf-8' codec"),
    ],
)
def test_tables_that_cannot_be_written_hide_no_outcome(films, notebook, monkeypatch, without_workers, error, said):
    def write(*_: Any) -> None:
        raise error

    monkeypatch.setattr("dubkit.batch.summary.write", write)
    words = (manifest(films, "a.mp4"), "--out", films / "out", "--notebook", notebook)
    without_workers(entry("a", "done"), entry("b", "failed", "No."))
    found = called(*words)
    assert found.exit_code == ROWS_FAILED
    assert found.stdout.splitlines() == [
        f"1 of 2 done. {films / 'out'}: without tables", "1 failed; --resume tries them again:", "- b: No."
    ]  # fmt: skip
    note = "The tables could not be written; the same command with --resume does that. " + said
    assert f"! {note}" in found.stderr
    without_workers(entry("a", "done"))
    found = called(*words, "--resume", "--json")
    assert found.exit_code == OutOfSpace.exit_code and json.loads(found.stdout)["done"] == 1
    assert json.loads(found.stderr.splitlines()[-1])["note"].startswith(note)


def test_rows_that_are_neither_done_nor_failed_are_named(films, notebook, without_workers):
    without_workers(entry("a", "done"), entry("b", "running"), entry("c", "waiting"))
    found = called(manifest(films, "a.mp4"), "--out", films / "out", "--notebook", notebook)
    assert found.exit_code == ROWS_FAILED
    assert found.stdout.splitlines()[0].startswith("1 of 3 done.")
    assert found.stdout.splitlines()[1:] == ["2 are under way still: b, c."]


def test_the_home_folder_may_be_named_by_its_sign(films, notebook, monkeypatch, without_workers):
    monkeypatch.setenv("HOME", str(films))
    tasks = without_workers(entry("a", "done"))
    words = [f"--{name}=~/{name}" for name in ("out", "store", "records")]
    found = called(manifest(films, "a.mp4"), *words, "--notebook=~/own.ipynb")
    assert found.exit_code == 0, found.stderr
    ((ledger, task),) = tasks
    assert str(ledger) == task.ledger == str(films / "records")
    assert (task.out, task.store, task.notebook) == (str(films / "out"), str(films / "store"), str(notebook))


def test_a_film_that_is_not_there_is_no_matter_where_its_row_is_done(films, notebook):
    words = (manifest(films, "a.mp4"), "--out", films / "out", "--notebook", notebook, "--workers", 1)
    assert called(*words).exit_code == 0
    (films / "a.mp4").unlink()
    again = called(*words, "--resume")
    assert again.exit_code == 0 and again.stderr == "! 1 of 1 rows are done already.\n"


def test_ctrl_c_ends_the_workers_and_says_how_to_go_on(films, notebook):
    words = [manifest(films, "a.mp4,,,60"), "--out", str(films / "out"), "--notebook", str(notebook), "--workers", "1"]
    command = [sys.executable, "-c", "from dubkit.cli import main; main()", "batch", *words]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen([*command, "--json"], **streams, start_new_session=True)
    for line in process.stderr:
        if '"running"' in line:
            break
    time.sleep(1)
    # As a terminal does it, and who is impatient.
    for _ in range(3):
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(0.05)
    out, told = process.communicate(timeout=30)
    assert process.returncode == 130, told
    assert json.loads(out)["error"] == "Interrupted. What is done is kept: the same command with --resume goes on."
    assert all(json.loads(line)["state"] == "running" for line in told.splitlines()), told
    (left,) = Ledger(str(films / "out" / "ledger.sqlite")).entries("batch")
    assert (left.state, left.attempts, left.reason) == ("waiting", 0, "")


def test_ctrl_c_is_as_it_was_after_a_batch(films, notebook, without_workers):
    without_workers(entry("a", "done"))
    called(manifest(films, "a.mp4"), "--out", films / "out", "--notebook", notebook)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize(
    ("engine", "here"), [("local", True), ("dask", True), ("dask:tcp://far:1", False), ("dramatiq", False)]
)
def test_only_workers_of_this_machine_share_its_cores(films, notebook, without_workers, engine, here):
    tasks = without_workers()
    where = ("--out", films / "out", "--notebook", notebook, "--workers", 2, "--engine", engine)
    called(manifest(films, "a.mp4", "b.mp4"), *where)
    share = max(1, len(os.sched_getaffinity(0)) // 2)
    assert [task.threads for _, task in tasks] == [share if here else 0]

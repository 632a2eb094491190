"""What a worker does with a row: results, failures for good and for now, lost claims, and buckets."""

from __future__ import annotations

import errno
import json
import os
import platform
import subprocess
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import nbformat
import pytest
from small_batches import Batch

from dubkit.batch import kernels, work
from dubkit.batch.ledger import Ledger
from dubkit.batch.work import Task, is_gone, judged, perform
from dubkit.errors import BadInput, MissingModel, OutOfMemory, StageFailed, Unreachable, UnsupportedPair


class Rows:
    """Rows done by a notebook of one cell, in this process."""

    def __init__(self, folder: Path, film: Path) -> None:
        self.folder, self.film = folder, film
        self.ledger = Ledger(str(folder / "ledger.sqlite"))
        self.task = Task(str(folder / "ledger.sqlite"), "b", "r", 30.0, 1, "", str(folder / "out"), 0)

    def notebook(self, work: str, parameters: str = "video = None") -> None:
        cells = [nbformat.v4.new_code_cell("\n".join(parameters.split("; "))), nbformat.v4.new_code_cell(work)]
        cells[0].metadata["tags"] = ["parameters"]
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), self.folder / "row.ipynb")
        self.task = replace(self.task, notebook=str(self.folder / "row.ipynb"))

    def done(self, **changes: Any) -> Any:
        """The row's entry after one more attempt."""
        given = {"video": str(self.film), **changes}
        self.ledger.enrol("b", [("r", {"parameters": given, "film": None})])
        perform(self.task)
        return self.ledger.entries("b")[0]


@pytest.fixture
def rows(tmp_path: Path, tiny: Path) -> Iterator[Rows]:
    yield Rows(tmp_path, tiny)
    kernels.end()


SAY = "from dubkit import batch, errors\nfrom pathlib import Path\n"


def test_a_row_s_notebook_page_and_result_are_where_they_belong(rows):
    rows.notebook(
        SAY + "Path(out).write_text('dub'); batch.result(out=out, store=store, settings=settings, video=video)",
        "video = None; out = None; store = None; target = None; settings = {}",
    )
    rows.task = replace(rows.task, threads=3, store="/my/store")
    entry = rows.done(target="Portuguese", settings={"segment.max_length": "20"})
    home = rows.folder / "out" / "r"
    assert (entry.state, entry.attempts, entry.reason) == ("done", 1, "")
    assert entry.result == {
        "out": str(home / "r.pt.mp4"),
        "store": "/my/store",
        "settings": {"compute.threads": 3, "segment.max_length": "20"},
        "video": str(rows.film),
    }
    assert {p.name for p in home.iterdir()} == {"r.ipynb", "r.html", "r.pt.mp4"}
    assert entry.seconds > 0


def test_a_row_s_own_threads_are_kept_and_what_the_notebook_lacks_is_not_given(rows):
    rows.notebook(
        SAY + "batch.result(threads=settings['compute.threads'], out='out' in globals())", "video = None; settings = {}"
    )
    rows.task = replace(rows.task, threads=3)
    assert rows.done(settings={"compute.threads": 1}).result == {"threads": 1, "out": False}


def test_what_repeating_cannot_mend_fails_for_good_with_its_own_sentence(rows):
    rows.notebook(SAY + "raise errors.UnsupportedPair('No voice speaks Klingon.')")
    entry = rows.done()
    assert (entry.state, entry.attempts, entry.reason) == ("failed", 1, "No voice speaks Klingon.")
    home = rows.folder / "out" / "r"
    assert "No voice speaks Klingon." in (home / "r.ipynb").read_text()
    assert "No voice speaks Klingon." in (home / "r.html").read_text()


def test_everything_else_is_tried_again_after_a_pause_and_then_fails(rows, monkeypatch):
    monkeypatch.setattr(work, "FIRST_PAUSE", 0.0)
    rows.notebook("1 / 0")
    first = rows.done()
    assert (first.state, first.attempts, first.reason) == ("waiting", 1, "ZeroDivisionError: division by zero")
    second = rows.done()
    assert (second.state, second.attempts, second.reason) == ("failed", 2, "ZeroDivisionError: division by zero")


def test_pauses_double(rows):
    rows.notebook("1 / 0")
    rows.task = replace(rows.task, retries=9)
    assert 1 < rows.done().due <= 2
    for _ in range(2):
        rows.ledger._change([rows.ledger._rows.c.id == "r"], due=0)
        entry = rows.done()
    assert 7 < entry.due <= 8 and entry.attempts == 3


def test_a_row_that_is_not_due_is_let_be(rows):
    rows.notebook("1 / 0")
    assert rows.done().attempts == rows.done().attempts == 1


def test_a_dead_kernel_is_told_in_a_sentence(rows):
    rows.notebook("import os; os.kill(os.getpid(), 9)")
    entry = rows.done()
    assert (entry.state, entry.reason) == (
        "waiting", "The notebook's kernel died: it was killed, or there was too little memory."
    )  # fmt: skip


def test_a_film_that_is_not_there_needs_no_kernel(rows, tmp_path):
    rows.notebook("1 / 0")
    rows.film = tmp_path / "none.mp4"
    entry = rows.done()
    assert entry.state == "failed"
    assert entry.reason == f"There is no file '{tmp_path / 'none.mp4'}'. Check the name; quote it if it holds spaces."
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("error", "state", "reason"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "waiting", "OSError: [Errno 28] No space left on device"),
        (BadInput("No."), "failed", "No."),
    ],
)
def test_a_notebook_that_was_not_wholly_written_hides_no_reason(rows, monkeypatch, error, state, reason):
    def execute(path: str, out: Path, *_: Any) -> None:
        out.touch()
        raise error

    rows.notebook("pass")
    monkeypatch.setattr("dubkit.batch.notebook.execute", execute)
    entry = rows.done()
    assert (entry.state, entry.reason) == (state, reason)
    assert [p.name for p in (rows.folder / "out" / "r").iterdir()] == ["r.ipynb"]


def test_a_bucket_that_cannot_be_written_hides_no_reason(rows, bucket, tmp_path):
    rows.notebook(SAY + "raise errors.BadInput('No.')")
    rows.task = replace(rows.task, out="s3://no-such-bucket/done", store=str(tmp_path / "store"))
    assert rows.done().reason == "No."


def test_a_worker_is_gone_when_its_process_here_has_ended():
    ended = subprocess.Popen(["true"])
    ended.wait()
    here = platform.node()
    assert is_gone(f"{here}-{ended.pid}")
    assert not is_gone(f"{here}-{os.getpid()}") and not is_gone(f"{here}-1")
    assert not is_gone(f"{here}-2-{ended.pid}") and not is_gone(f"far-{ended.pid}")


@pytest.mark.parametrize("lost_at", ["at once", "later"])
def test_a_lost_claim_stops_the_kernel_and_changes_nothing(tmp_path, tiny, monkeypatch, lost_at):
    batch = Batch(tmp_path, tiny)
    batch.enrol({"nap": 60.0})
    monkeypatch.setattr(Ledger, "beat", lambda self, claim, seconds, note: lost_at == "later" and note != "asleep")
    monkeypatch.setattr(Ledger, "fail", lambda *_: False)
    perform(replace(batch.task, row="nap", lease=600.0))
    assert batch.said("nap") in ([], ["began"])
    assert batch.entry("nap").state == "running"
    kernels.end()


def test_films_come_from_buckets_and_rows_go_to_them(rows, bucket, tiny, tmp_path):
    bucket.upload_file(str(tiny), "films", "in/a.mp4")
    rows.notebook(
        SAY + "Path(out).write_text('dub'); batch.result(out=out, size=Path(video).stat().st_size)",
        "video = None; out = None",
    )
    rows.film = "s3://films/in/a.mp4"
    rows.task = replace(rows.task, out="s3://films/done", store=str(tmp_path / "store"))
    entry = rows.done()
    assert entry.result == {"out": "s3://films/done/r/r.mp4", "size": tiny.stat().st_size}
    kept = {found["Key"] for found in bucket.list_objects_v2(Bucket="films", Prefix="done")["Contents"]}
    assert kept == {f"done/r/{name}" for name in ("r.ipynb", "r.html", "r.mp4")}


def test_a_bucket_s_missing_film_and_a_failed_row_s_notebook(rows, bucket, tiny, tmp_path):
    rows.notebook(SAY + "raise errors.BadInput('No.')")
    rows.task = replace(rows.task, out="s3://films/done", store=str(tmp_path / "store"))
    rows.film = "s3://films/in/none.mp4"
    assert rows.done().reason == "There is no s3://films/in/none.mp4."
    rows.ledger.replace("b", [("r", {"parameters": {"video": str(tiny)}, "film": None})])
    assert rows.done().reason == "No."
    assert "No." in bucket.get_object(Bucket="films", Key="done/r/r.ipynb")["Body"].read().decode()


def test_which_errors_are_final():
    assert judged(UnsupportedPair("a")) == ("a", True) and judged(MissingModel("a")) == ("a", True)
    assert judged(Unreachable("a")) == ("a", False)
    assert judged(StageFailed("a")) == ("a", False) and judged(OutOfMemory("a")) == ("a", False)
    assert judged(BadInput("a")) == ("a", True)
    assert judged(KeyError("a")) == ("KeyError: 'a'", False)
    assert judged(TimeoutError()) == ("TimeoutError", False)


def test_a_task_is_plain_values():
    task = Task("ledger", "b", "r", 30.0, 2, "n.ipynb", "out", 1)
    assert Task(**json.loads(json.dumps(asdict(task)))) == task

"""A batch's tables: their columns and types, what is counted, and that spreadsheets and pages take them for no more."""

from __future__ import annotations

import errno
from typing import Any

import pandas as pd
import pytest

from dubkit.batch import kernels, summary
from dubkit.batch.ledger import Entry
from dubkit.errors import OutOfSpace


def entry(row: str, state: str = "done", **facts: Any) -> Entry:
    given = {"number": 0, "attempts": 1, "worker": "", "note": "", "reason": "", "due": 0.0, "seconds": 10.0}
    payload = {"parameters": {"video": f"/{row}.mp4"}}
    return Entry(id=row, state=state, **{**given, "result": {}, "payload": payload, **facts})  # type: ignore[arg-type]


def dubbed(row: str, seconds: float, **stages: float) -> Entry:
    facts = {
        "lines": 3,
        "duration": 5.0,
        "largest_rate": 1.2,
        "largest_drift": 0.1,
        "flagged": 0,
        "stage_seconds": stages,
    }
    return entry(row, seconds=seconds, result=facts)


ENTRIES = [
    dubbed("a", 10.0, separate=2.0, translate=6.0),
    dubbed("b", 30.0, translate=3.0, separate=24.0),
    entry("c", "failed", attempts=3, reason="=No <sound>.", seconds=2.0),
]


def test_the_table_has_a_line_per_row_and_one_type_per_column():
    found = summary.table(
        [
            entry("a", result={"n": 1, "share": 0.5, "loud": True, "tags": ["x"], "odd": 1, "state": "mine"}),
            entry("b", result={"n": None, "share": 2, "odd": "x"}),
        ]
    )
    assert list(found.columns) == [*summary.COLUMNS, "n", "share", "loud", "tags", "odd"]
    assert list(found["video"]) == ["/a.mp4", "/b.mp4"] and list(found["state"]) == ["done", "done"]
    types = {name: str(found[name].dtype) for name in ("n", "share", "loud", "tags", "odd")}
    assert types == {"n": "Int64", "share": "float64", "loud": "boolean", "tags": "str", "odd": "str"}
    assert list(found["share"]) == [0.5, 2.0] and found["tags"][0] == '["x"]' and list(found["odd"]) == ["1", '"x"']
    assert found["n"].isna().tolist() == [False, True]


def test_groups_become_columns_and_files_are_written(tmp_path):
    summary.write(ENTRIES, tmp_path)
    kernels.end()
    found = summary.read(tmp_path / "results.parquet")
    assert list(found["stage_seconds.translate"])[:2] == [6.0, 3.0] and found["stage_seconds.translate"].isna()[2]
    assert found["reason"][2] == "=No <sound>."
    plain = pd.read_csv(tmp_path / "results.csv")
    assert plain["reason"][2] == "'=No <sound>." and plain["lines"][0] == 3
    page = (tmp_path / "summary.html").read_text()
    assert "=No &lt;sound&gt;." in page and "No <sound>" not in page
    assert page.count('src="data:image/png') == 2


def test_what_fits_no_table_goes_in_all_the_same(tmp_path):
    odd = {
        "duration": "0:20",
        "largest_rate": 1.2,
        "largest_drift": [1],
        "flagged": 0,
        "huge": 10**30,
        "name": "caf\udce9",
    }
    summary.write([entry("a", result={**odd, "stage_seconds": {"translate": "long"}}), dubbed("b", 4.0)], tmp_path)
    kernels.end()
    plain = pd.read_csv(tmp_path / "results.csv", dtype=str)
    assert (
        list(plain["duration"]) == ['"0:20"', "5.0"]
        and plain["name"][0] == "caf\\udce9"
        and plain["huge"][0] == f"{10**30}"
    )
    found = summary.read(tmp_path / "results.parquet")
    assert found["duration"].isna().tolist() == [True, False] and found["duration"][1] == 5.0
    assert list(summary.counts(found)["work per film"]) == [pytest.approx(14 / 5)]
    assert "summary" in (tmp_path / "summary.html").read_text()


def test_a_table_that_cannot_be_written_leaves_the_earlier_one(tmp_path, monkeypatch):
    (tmp_path / "results.csv").write_text("earlier")

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    with pytest.raises(OutOfSpace, match="The disk that holds"):
        summary.write(ENTRIES, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["results.csv"]
    assert (tmp_path / "results.csv").read_text() == "earlier"


def test_the_whole_is_counted():
    line = summary.counts(summary.table(ENTRIES)).iloc[0].to_dict()
    assert line == {
        "rows": 3, "done": 2, "failed": 1, "tried again": 2, "hours of work": pytest.approx(42 / 3600),
        "hours of film": pytest.approx(10 / 3600), "work per film": 4.0,
    }  # fmt: skip


def test_failures_have_their_reasons():
    found = summary.failures(summary.table(ENTRIES))
    assert found.to_dict("records") == [{"id": "c", "video": "/c.mp4", "attempts": 3, "reason": "=No <sound>."}]


def test_seconds_by_stage_are_in_order_and_the_rest_is_overhead():
    found = summary.stage_seconds(summary.table(ENTRIES))
    assert list(found["stage"]) == ["separate", "translate", "overhead"]
    assert list(found["total"]) == [26.0, 9.0, 5.0] and list(found["median"]) == [13.0, 4.5, 2.5]
    assert list(found["share"]) == pytest.approx([0.65, 0.225, 0.125])


def test_the_slowest_name_their_longest_stage():
    found = summary.slowest(summary.table(ENTRIES), 2)
    assert list(found["id"]) == ["b", "a"] and list(found["longest"]) == ["separate", "translate"]


def test_a_batch_without_facts_has_its_tables_all_the_same(tmp_path):
    found = summary.table([entry("a"), entry("b", "failed", reason="No.")])
    assert list(summary.counts(found)["work per film"]) == [None]
    assert summary.stage_seconds(found).empty
    assert list(summary.slowest(found).columns) == ["id", "state", "seconds"]
    summary.write([entry("a", "failed", reason="No.")], tmp_path)
    kernels.end()
    assert "No." in (tmp_path / "summary.html").read_text()

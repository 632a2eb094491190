"""The summary of a batch: its counts, reasons, figures and slowest rows."""

from __future__ import annotations

import re

import pandas as pd


def cells(page: str) -> list[list[str]]:
    """A table's rows, the header first."""
    return [re.findall(r"<t[hd][^>]*>([^<]*)</t[hd]>", row) for row in page.split("<tr>")[1:]]


def test_the_summary_has_counts_reasons_figures_and_the_slowest(execute, tmp_path):
    table = pd.DataFrame(
        {
            "id": ["first", "second", "broken"],
            "video": ["/1.mp4", "/2.mp4", "/3.mp4"],
            "state": ["done", "done", "failed"],
            "reason": ["", "", "It has no <sound>."],
            "attempts": [1, 2, 1],
            "seconds": [20.0, 10.0, 1.0],
            "duration": [10.0, 5.0, None],
            "lines": pd.array([3, 2, None], dtype="Int64"),
            "largest_rate": [1.2, 1.7, None],
            "largest_drift": [0.1, 0.5, None],
            "flagged": pd.array([0, 1, None], dtype="Int64"),
            "stage_seconds.separate": [12.0, 1.0, None],
            "stage_seconds.translate": [4.0, 8.0, None],
        }
    )
    table.to_parquet(tmp_path / "results.parquet")
    done = execute("batch_summary", results=str(tmp_path / "results.parquet"))
    counts, failures, stages, slowest = map(cells, done.pages)
    assert dict(zip(*counts, strict=True)) == {
        "rows": "3", "done": "2", "failed": "1", "tried again": "1",
        "hours of work": "0.009", "hours of film": "0.004", "work per film": "2.000",
    }  # fmt: skip
    assert failures == [["id", "video", "attempts", "reason"], ["broken", "/3.mp4", "1", "It has no &lt;sound&gt;."]]
    assert [row[:2] for row in stages[1:]] == [["separate", "13.000"], ["translate", "12.000"], ["overhead", "5.000"]]
    assert [(row[0], row[-1]) for row in slowest[1:]] == [
        ("first", "separate"),
        ("second", "translate"),
        ("broken", ""),
    ]
    assert len(done.figures) == 2 and done.stderr == ""

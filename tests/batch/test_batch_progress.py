"""How a batch is shown while it runs: table, lines, JSON."""

from __future__ import annotations

import io
import json
from typing import Any

from rich.console import Console

from dubkit.batch import progress
from dubkit.batch.ledger import Entry
from dubkit.batch.progress import Board, JsonLines, Lines, watcher


def entry(row: str, state: str, **facts: Any) -> Entry:
    given = {"number": 0, "attempts": 1, "worker": "host-1", "note": "", "reason": "", "due": 0.0, "seconds": 0.0}
    return Entry(id=row, state=state, **{**given, "result": {}, "payload": {"parameters": {}}, **facts})  # type: ignore[arg-type]


def lines(*entries: Entry) -> list[str]:
    stream = io.StringIO()
    watch = Lines(Console(file=stream))
    for one in entries:
        watch(one)
    return stream.getvalue().splitlines()


def test_lines_tell_what_ended_and_what_is_tried_again():
    assert lines(
        entry("old", "done", seconds=9),
        entry("a", "waiting", attempts=0),
        entry("b", "waiting", attempts=0),
        entry("a", "running", note="translate"),
        entry("a", "waiting", reason="The kernel died."),
        entry("a", "done", seconds=12.34),
        entry("b", "failed", reason="No [bold]sound[/bold]."),
    ) == ["↻ a: The kernel died. It is tried again.", f"✓ {'a':<24}    12.3 s", "✗ b: No [bold]sound[/bold]."]


def test_the_table_counts_and_shows_what_is_at_work():
    stream = io.StringIO()
    console = Console(file=stream, width=120)
    board = Board(console, 20)
    for n in range(3):
        board(entry(f"d{n}", "done"))
    for n in range(14):
        board(entry(f"[r{n}]", "waiting", attempts=0))
        board(entry(f"[r{n}]", "running", note="translate 2/9", seconds=65, attempts=2))
    console.print(board.picture())
    shown = stream.getvalue()
    assert "3/20" in shown and "3 done, 0 failed, 17 to do" in shown and "about ? left" in shown
    first = next(line for line in shown.splitlines() if "[r0]" in line)
    assert first.split() == ["[r0]", "translate", "2/9", "1:05", "2", "host-1"]
    assert f"… and {14 - progress.ROWS} more" in shown and "[r13]" not in shown


def test_the_table_foretells_the_rest_from_what_it_saw_end(monkeypatch):
    now = iter([0.0, *[100.0] * 99])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(now))
    board = Board(Console(file=io.StringIO(), width=120), 12)
    board(entry("old", "done"))
    board(entry("a", "running"))
    board(entry("a", "done"))
    stream = io.StringIO()
    Console(file=stream, width=120).print(board.picture())
    assert "1:40 so far, about 16:40 left" in stream.getvalue()


def test_failures_stay_above_the_table():
    stream = io.StringIO()
    board = Board(Console(file=stream, width=80), 2)
    board(entry("a", "running"))
    board(entry("a", "failed", reason="No sound."))
    assert stream.getvalue() == "✗ a: No sound.\n"


def test_json_lines_have_every_change_without_payload_and_result():
    stream = io.StringIO()
    watch = watcher(stream, 1, as_json=True)
    assert isinstance(watch, JsonLines)
    watch(entry("ção", "running", note="translate"))
    told = json.loads(stream.getvalue())
    assert told == {
        "id": "ção", "number": 0, "state": "running", "attempts": 1, "worker": "host-1", "note": "translate",
        "reason": "", "due": 0.0, "seconds": 0.0,
    }  # fmt: skip


def test_a_stream_that_is_no_terminal_gets_lines():
    assert isinstance(watcher(io.StringIO(), 1, as_json=False), Lines)

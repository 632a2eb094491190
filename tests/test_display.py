import io

import pytest
from rich.console import Console

from dubkit.display import Board, Lines
from dubkit.progress import Event, Report

STAGES = ("validate", "separate", "diarize")


def shown(board: Board) -> list[list[str]]:
    """The board as a reader sees it, row by row."""
    stream = io.StringIO()
    Console(file=stream, width=120).print(board.table())
    return [line.split() for line in stream.getvalue().splitlines()]


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch) -> Board:
    now = [100.0]
    monkeypatch.setattr("dubkit.display.time.monotonic", lambda: now[0])
    made = Board(Console(file=io.StringIO(), width=120), STAGES)
    made.now = now  # type: ignore[attr-defined]
    return made


def test_lines_say_what_ended_and_what_was_warned_of() -> None:
    stream = io.StringIO()
    with Lines(Console(file=stream, width=40)) as lines:
        lines(Event("validate", "started"))
        lines(
            Event("validate", "warning", note="Two [bold]tracks[/bold]: the first is taken, " + "long " * 20 + "end.")
        )
        lines(Event("validate", "progress", 1, 2, "files"))
        lines(Event("validate", "done", seconds=1.26))
        lines(Event("separate", "reused", seconds=60.0))
        lines(Event("diarize", "failed", note="no memory"))
    assert stream.getvalue().splitlines() == [
        "! validate: Two [bold]tracks[/bold]: the first is taken, " + "long " * 20 + "end.",
        "✓ validate           1.3 s",
        "= separate          60.0 s  (reused)",
    ]


def test_the_board_begins_with_every_stage_waiting(board: Board) -> None:
    assert shown(board)[1:] == [["·", name] for name in STAGES]


def test_the_board_shows_items_elapsed_and_remaining_time(board: Board) -> None:
    board(Event("validate", "started"))
    board.now[0] += 30  # type: ignore[attr-defined]
    board(Event("validate", "progress", 1, 4, "files"))
    row = shown(board)[1]
    assert row[:2] == ["▶", "validate"]
    assert row[-4:] == ["1/4", "files", "0:30", "1:30"]


def test_a_stage_without_items_shows_its_time_alone(board: Board) -> None:
    board(Event("separate", "started"))
    board.now[0] += 61  # type: ignore[attr-defined]
    row = shown(board)[2]
    assert row[:2] == ["▶", "separate"]
    assert row[-1] == "1:01"


def test_stages_that_ended_keep_their_items(board: Board) -> None:
    board(Event("validate", "started"))
    board(Event("validate", "progress", 3, 4, "files"))
    board(Event("validate", "done", seconds=125.0))
    board(Event("separate", "reused", seconds=500.0))
    board(Event("diarize", "started"))
    board(Event("diarize", "failed", note="no memory", seconds=2.0))
    first, second, third = shown(board)[1:]
    assert (first[0], first[-3:]) == ("✓", ["3/4", "files", "2:05"])
    assert (second[0], second[-1]) == ("=", "reused")
    assert (third[0], third[-1]) == ("✗", "0:02")


def test_nothing_a_stage_says_is_taken_for_markup(board: Board) -> None:
    board(Event("validate", "progress", 1, 2, "[red]files[/red]"))
    assert "[red]files[/red]" in shown(board)[1]


def test_warnings_come_after_the_board() -> None:
    stream = io.StringIO()
    with Board(Console(file=stream, width=100), STAGES) as board:
        report = Report("validate", (board,))
        report.warn("Two [tracks].")
        assert "Two" not in stream.getvalue()
    assert "! validate: Two [tracks]." in stream.getvalue()

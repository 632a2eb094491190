"""A suite's run as it is seen on a terminal, and where there is none."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from dubkit.progress import Event
from evaluation import watching
from evaluation.job import STAGES
from evaluation.watching import Watcher


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def rows(watcher: Watcher) -> list[list[str]]:
    """The table's rows as a reader sees them, without its head."""
    stream = io.StringIO()
    Console(file=stream, width=160).print(watcher.table())
    return [row.split() for row in stream.getvalue().splitlines()[1:]]


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    moment = [50.0]
    monkeypatch.setattr(watching.time, "monotonic", lambda: moment[0])
    return moment


def test_where_there_is_no_terminal_each_item_is_a_line_when_it_ends():
    stream = io.StringIO()
    with Watcher(stream) as watch:
        watch("a>pt", Event("item", "started"))
        watch("a>pt", Event("separate", "progress", 1, 2))
        watch("a>pt", Event("separate", "warning", note="loud"))
        watch("a>pt", Event("separate", "failed", note="no memory"))
        watch("a>pt", Event("item", "failed", note="no [memory]", seconds=61.25))
        watch("b>pt", Event("item", "done", seconds=3.0))
    assert stream.getvalue().splitlines() == [
        f"✗ {'a>pt':<28}    61.2 s  no [memory]",
        f"✓ {'b>pt':<28}     3.0 s",
    ]


def test_the_table_tells_stage_items_and_time(now):
    watch = Watcher(Terminal())
    watch("[a]>pt", Event("item", "started"))
    now[0] += 5
    watch("b>pt", Event("diarize", "started"))
    now[0] += 70
    watch("[a]>pt", Event("read_back", "progress", 2, 3, "windows"))
    n = len(STAGES)
    assert rows(watch) == [
        ["▶", "[a]>pt", "read_back", f"{n - 1}/{n}", "2/3", "1:15"],
        ["▶", "b>pt", "diarize", f"3/{n}", "1:10"],
    ]


def test_what_ended_keeps_its_time(now):
    watch = Watcher(Terminal())
    for name, status in (("a>pt", "done"), ("b>pt", "failed")):
        watch(name, Event("item", "started"))
        watch(name, Event("item", status, seconds=12.0, note="why"))
    now[0] += 500
    assert rows(watch) == [["✓", "a>pt", "0:12"], ["✗", "b>pt", "0:12"]]


def test_a_terminal_is_told_of_failures_alone():
    stream = Terminal()
    with Watcher(stream) as watch:
        watch("a>pt", Event("item", "done", seconds=3.0, note="quiet success"))
        watch("b>pt", Event("item", "failed", seconds=4.0, note="no memory"))
    assert "no memory" in stream.getvalue()
    assert "quiet success" not in stream.getvalue()


def test_judges_are_stages_too():
    assert STAGES[-4:] == ("combine", "screen", "read_back", "appraise")

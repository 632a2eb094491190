"""The notebook about when lines sound."""

from collections.abc import Callable
from pathlib import Path

from dubkit import Run
from dubkit.certificate import summary


def test_it_certifies_draws_and_lets_explore_every_line(
    execute: Callable, dialogue: Path, dubbed: Run, shared_store: Path
) -> None:
    done = execute("timing", video=str(dialogue), target="en", store=str(shared_store))
    assert done.stderr == "" and len(done.figures) == 5
    lines, found = dubbed.soundtrack.placements, summary(dubbed.soundtrack.placements)
    table = next(page for page in done.pages if "timing of every line" in page)
    assert table.startswith(f"<p>{len(lines)} lines; {found['adherent']:.0%} are within")
    assert table.count("<tr>") == len(lines) + 1 and table.count("⚠") == found["flagged"]
    explored = next(page for page in done.pages if "dubkit-timeline" in page)
    assert explored.count('<g class="line"') == len(lines) == explored.count("data:audio/mpeg")
    assert all(f"{p.id}, {p.speaker}, " in explored for p in lines)

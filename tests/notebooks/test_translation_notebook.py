"""The notebook on what is to be said, on a real film."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

from dubkit import Run
from dubkit.runlog import RunLog


def test_it_shows_every_lines_wordings(
    execute: Callable[..., Any], dialogue: Path, dubbed: Run, shared_store: Path
) -> None:
    kept = sorted(shared_store.glob("[st]*/*"))
    done = execute("translation", video=str(dialogue), target="en", store=str(shared_store))
    assert len(done.figures) == 1
    table, players = done.pages[-2:]
    lines = dubbed.translation.lines
    assert table.count("<tr>") - 1 == len(lines)
    wordings = [candidate for line in lines for candidate in line.candidates]
    assert table.count("score ") == len(wordings)
    assert all(escape(clip.text) in table for clip in dubbed.speech.clips)
    assert players.count("<audio") == 3
    assert sorted(shared_store.glob("[st]*/*")) == kept
    assert not RunLog.find(shared_store, dubbed.id).edits


def test_a_correction_is_spoken_and_stays_with_the_run(
    execute: Callable[..., Any], dialogue: Path, dubbed: Run, shared_store: Path, tmp_path: Path
) -> None:
    store = shutil.copytree(shared_store, tmp_path / "store")
    spoken = set(store.glob("items/synthesize/*/*.flac"))
    given = {"u0001": "A very <good> morning to you, John."}
    done = execute("translation", video=str(dialogue), target="en", store=str(store), corrections=given)
    table, players = done.pages[-2:]
    assert escape(given["u0001"]) in table and escape(given["u0001"]) in players
    assert set(RunLog.find(store, dubbed.id).edits["translate"]) == {"u0001"}
    anew = set(store.glob("items/synthesize/*/*.flac")) - spoken
    assert 0 < len(anew) < len(dubbed.translation.lines)


def test_the_length_can_be_left_out_of_account(
    execute: Callable[..., Any], dialogue: Path, dubbed: Run, shared_store: Path, tmp_path: Path
) -> None:
    assert any(clip.candidate for clip in dubbed.speech.clips)
    store = shutil.copytree(shared_store, tmp_path / "store")
    settings = {"synthesize.length_weight": 0}
    done = execute("translation", video=str(dialogue), target="en", store=str(store), settings=settings)
    table = done.pages[-2]
    assert all(escape(line.candidates[0].text) in table for line in dubbed.translation.lines)
    assert table.count("translator's first") == len(dubbed.translation.lines)
    assert "<details>" in table and "translator's first" not in "".join(
        part.partition("</details>")[0] for part in table.split("<details>")[1:]
    )

"""The notebook that tunes diarization: its table, its winner, and that no sound is separated anew."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tuned import ITEMS, tuned

from dubkit import Run


def test_thresholds_are_held_against_the_diarizers_own(
    execute: Callable[..., Any], dubbed: Run, shared_store: Path, tmp_path: Path
) -> None:
    dubbed.until("separate")
    made = sorted((shared_store / "separate").iterdir())
    found = tuned(execute, "tune_diarization", shared_store, tmp_path / "mine.toml", thresholds=[None, 0.6, 0.9])
    assert [row["diarize.threshold"] for row in found.rows] == ["None", "0.6", "0.9"]
    own, same, one_voice = found.values("diarization.der ↓")
    assert own == same < one_voice
    assert found.values("diarization.speakers ↑") == [1, 1, 0]
    # One film says nothing for sure.
    assert {row["verdict"] for row in found.rows} == {""}
    assert found.winner["diarize.threshold"] == "None" and found.settings.diarize.threshold is None
    assert "The default stays (diarize.threshold = None). 1 film is too few to be sure of a difference" in found.why
    assert found.n_figures == 1
    assert sorted((shared_store / "separate").iterdir()) == made


def test_unsaved_the_last_cell_is_a_button(execute: Callable[..., Any], dubbed: Run, shared_store: Path) -> None:
    done = execute("tune_diarization", items=ITEMS, thresholds=[0.6], store=str(shared_store), save_as="x/mine.toml")
    assert len(done.of("application/vnd.jupyter.widget-view+json")) == 1
    assert 'sweep.save("x/mine.toml")' in done.text

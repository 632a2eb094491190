"""The notebook that tunes the schedule: dear haste makes calmer lines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tuned import tuned

from dubkit import Run


def test_dear_haste_makes_calmer_lines(
    execute: Callable[..., Any], dubbed: Run, shared_store: Path, tmp_path: Path
) -> None:
    found = tuned(execute, "tune_timing", shared_store, tmp_path / "mine.toml", late=[1.0], rate=[15.0])
    assert found.values("synthesize.timing.rate") == [1.5, 15.0]
    default, calm = found.values("timing.rate_p95 ↓")
    assert calm < default
    # Lines of the same rate are not spoken anew, and one film says nothing for sure.
    assert "s per s of film" not in found.rows[0]
    assert found.winner["synthesize.timing.rate"] == "1.5" and found.settings.synthesize.timing.rate == 1.5
    assert "The default stays (synthesize.timing.late = 1.0, synthesize.timing.rate = 1.5)" in found.why
    assert found.n_figures == 1

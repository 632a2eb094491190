"""The notebook that tunes how much the length of a wording counts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tuned import tuned

from dubkit import Run


def test_lengths_are_held_against_what_is_said(
    execute: Callable[..., Any], dubbed: Run, shared_store: Path, tmp_path: Path
) -> None:
    found = tuned(execute, "tune_translation", shared_store, tmp_path / "mine.toml", weights=[0.0])
    assert found.values("synthesize.length_weight") == [2.0, 0.0]
    assert all(0.5 < share <= 1 for share in found.values("timing.overlap ↑"))
    assert all(20 < points <= 100 for points in found.values("end_to_end.asr_chrf ↑"))
    assert all(1 <= rate <= 1.26 for rate in found.values("timing.rate_p95 ↓"))
    assert found.settings.synthesize.length_weight == float(found.winner["synthesize.length_weight"]) == 2.0
    assert "where end_to_end.asr_chrf and timing.rate_p95 may not be worse" in found.why
    assert found.n_figures == 1

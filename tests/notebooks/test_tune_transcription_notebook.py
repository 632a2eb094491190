"""The notebook that tunes transcription: word errors against cost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tuned import tuned

from dubkit import Run
from dubkit.settings import profile


def test_beams_are_held_against_each_other(
    execute: Callable[..., Any], dubbed: Run, shared_store: Path, tmp_path: Path
) -> None:
    found = tuned(execute, "tune_transcription", shared_store, tmp_path / "mine.toml", beams=[1, 5])
    assert found.values("transcribe.beam_size") == [5, 1]
    assert {row["backends.transcriber"] for row in found.rows} == {"faster-whisper:packaged-base"}
    assert all(0 <= share < 0.2 for share in found.values("asr.wer ↓"))
    assert all(seconds > 0 for seconds in found.values("s per s of film"))
    assert "best" in {row["beside the best"] for row in found.rows}
    assert found.winner["transcribe.beam_size"] == "5" and found.settings == profile("embedded")[0]
    assert "1 film is too few to be sure of a difference" in found.why
    assert found.n_figures == 1

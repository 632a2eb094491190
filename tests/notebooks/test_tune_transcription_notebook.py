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
    beam = int(found.winner["transcribe.beam_size"])
    assert found.settings == profile("embedded")[0].but({"transcribe.beam_size": beam})
    assert f"transcribe.beam_size = {beam}" in found.why
    assert found.n_figures == 1

"""The notebooks that tune a stage: their tables, figures and winners, and the profiles that they write."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from dubkit import Run
from dubkit.settings import Settings, profile

ITEMS = ["dialogue-pt>en"]
FIGURE = 1


@pytest.fixture
def tuned(
    execute: Callable[..., Any], dubbed: Run, shared_store: Path, tmp_path: Path
) -> Callable[..., tuple[pd.DataFrame, Any, Settings]]:
    """``tuned(name, **values)`` runs a notebook on one film: its table, what it shows, and the profile that it wrote."""

    def run(name: str, **values: Any) -> tuple[pd.DataFrame, Any, Settings]:
        path = tmp_path / f"{name}.toml"
        given = {"items": ITEMS, "store": str(shared_store), "save_as": str(path), "save": True}
        done = execute(name, **given, **values)
        assert len(done.figures) == FIGURE
        (table,) = pd.read_html(io.StringIO(done.pages[0]), keep_default_na=False)
        settings, _ = profile(str(path))
        return table, done, settings

    return run


def winner(table: pd.DataFrame) -> pd.Series[Any]:
    """The marked row."""
    (row,) = [row for _, row in table.iterrows() if "winner" in str(row.iloc[-1])]
    return row


def value(cell: str) -> float:
    """The number before an interval."""
    return float(str(cell).split()[0])


def test_thresholds(tuned: Callable[..., Any], shared_store: Path) -> None:
    made = len(list((shared_store / "separate").iterdir()))
    table, done, settings = tuned("tune_diarization", thresholds=[None, 0.6, 0.9])
    assert list(table["diarize.threshold"]) == ["None", "0.6", "0.9"]
    own, same, one_voice = (value(v) for v in table["diarization.der ↓"])
    assert own == same < one_voice
    assert list(table["diarization.speakers ↑"].astype(str).str[:5]) == ["1.000", "1.000", "0.000"]
    assert winner(table)["diarize.threshold"] == "None" and settings.diarize.threshold is None
    assert "The default stays (diarize.threshold = None)" in done.pages[1]
    # The separated speech was there.
    assert len(list((shared_store / "separate").iterdir())) == made


def test_beams(tuned: Callable[..., Any]) -> None:
    table, done, settings = tuned("tune_transcription", beams=[1, 5])
    assert [int(b) for b in table["transcribe.beam_size"]] == [5, 1]
    assert set(table["backends.transcriber"]) == {"faster-whisper:packaged-base"}
    assert all(0 <= value(v) < 0.2 for v in table["asr.wer ↓"])
    assert all(float(v) > 0 for v in table["s per s of film"])
    assert settings == profile("embedded")[0].but({"transcribe.beam_size": int(winner(table)["transcribe.beam_size"])})
    assert "transcribe.beam_size" in done.pages[1]


def test_length_weights(tuned: Callable[..., Any]) -> None:
    table, _, settings = tuned("tune_translation", weights=[0.0])
    assert [float(w) for w in table["synthesize.length_weight"]] == [2.0, 0.0]
    assert all(0.5 < value(v) <= 1 for v in table["timing.overlap ↑"])
    assert all(20 < value(v) <= 100 for v in table["end_to_end.asr_chrf ↑"])
    assert all(1 <= value(v) <= 1.25 for v in table["timing.rate_p95 ↓"])
    assert settings.synthesize.length_weight == float(winner(table)["synthesize.length_weight"])


def test_timing_weights(tuned: Callable[..., Any]) -> None:
    table, done, settings = tuned("tune_timing", late=[1.0], rate=[15.0])
    assert [float(w) for w in table["synthesize.timing.rate"]] == [1.5, 15.0]
    default, calm = (value(v) for v in table["timing.rate_p95 ↓"])
    assert calm < default
    assert settings.synthesize.timing.late == 1.0
    assert settings.synthesize.timing.rate == float(winner(table)["synthesize.timing.rate"])
    assert "synthesize.timing.rate" in done.pages[1]


def test_unsaved_the_last_cell_is_a_button(execute: Callable[..., Any], dubbed: Run, shared_store: Path) -> None:
    done = execute("tune_diarization", items=ITEMS, thresholds=[0.6], store=str(shared_store), save_as="x/mine.toml")
    assert len(done.of("application/vnd.jupyter.widget-view+json")) == 1
    assert 'sweep.save("x/mine.toml")' in done.text
    assert not (Path("x") / "mine.toml").exists()

"""The diarization notebook: its tables are those of the run and of the evaluation, with and without a reference."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dubkit import Run
from dubkit.speaking_times import longest_alone, speaking_times
from evaluation.judging.evidence import Evidence
from evaluation.judging.stage_scores import turns as turn_scores
from evaluation.suites import Item


def row(page: str, name: str) -> list[float]:
    """The numbers of a table's row."""
    found = re.search(rf"<th>{name}</th>(.*?)</tr>", page, re.DOTALL)
    assert found, page
    return [float(number) for number in re.findall(r"<td>([\d.]+)</td>", found[1])]


def test_shows_who_speaks_and_how_wrong_that_is(
    execute: Callable[..., Any], dialogue: Path, dubbed: Run, shared_store: Path
) -> None:
    from data.samples import built

    done = execute("diarization", video=str(dialogue), target="en", store=str(shared_store))
    assert done.stderr == ""
    assert len(done.figures) == 4

    (times,) = (page for page in done.pages if "overlapped" in page)
    wanted = speaking_times(dubbed.turns, dubbed.media.duration)
    for speaker in dubbed.turns.speakers:
        assert row(times, speaker) == pytest.approx(list(wanted.loc[speaker]), abs=0.006)

    sample = built("dialogue-pt")
    item = Item.of_film("dialogue-pt", dialogue, "en", truth=sample.truth, folder=sample.folder)
    scored = turn_scores(Evidence(item=item, media=dubbed.media, tracks=dubbed.tracks, turns=dubbed.turns))
    wrong, total = (
        sum(part) for part in zip(*(s.parts for s in scored if s.measure == "diarization.der"), strict=True)
    )
    (errors,) = (page for page in done.pages if "false alarm" in page)
    assert row(errors, "DER") == pytest.approx([wrong, wrong / total], abs=0.001)
    seconds = [row(errors, kind)[0] for kind in ("missed", "false alarm", "confusion")]
    assert sum(seconds) == pytest.approx(wrong, abs=0.003)

    gallery = next(page for page in done.pages if "<audio" in page and "flex-wrap" in page)
    assert gallery.count("<audio") == len(longest_alone(dubbed.turns)) == len(dubbed.turns.speakers)
    first = dubbed.turns.turns[0]
    assert f"SPEAKER film 1 {first.start:.3f} {first.end - first.start:.3f} <NA> <NA> {first.speaker}" in done.text


def test_takes_a_reference_from_elsewhere(
    execute: Callable[..., Any], dialogue: Path, dubbed: Run, shared_store: Path, tmp_path: Path
) -> None:
    """By its own turns, under other names, a run has no errors."""
    own = tmp_path / "own.rttm"
    own.write_text(
        "".join(f"SPEAKER f 1 {t.start} {t.end - t.start} x x real-{t.speaker} x x\n" for t in dubbed.turns.turns)
    )
    done = execute("diarization", video=str(dialogue), target="en", store=str(shared_store), reference=str(own))
    (errors,) = (page for page in done.pages if "false alarm" in page)
    assert row(errors, "DER") == [0, 0]
    assert len(done.figures) == 4


def test_copes_with_a_film_of_which_nothing_is_known(
    execute: Callable[..., Any], dialogue: Path, dubbed: Run, shared_store: Path, tmp_path: Path
) -> None:
    stranger = shutil.copy(dialogue, tmp_path / "film.mp4")
    done = execute("diarization", video=str(stranger), target="en", store=str(shared_store))
    assert "No reference is known for this film." in done.of("text/markdown")
    assert len(done.figures) == 3
    assert not any("false alarm" in page for page in done.pages)

"""The notebook on what was said, on a real film."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dubkit import Run
from evaluation.texts.misreadings import misreadings


def test_it_shows_what_was_said_and_what_was_misread(
    execute: Callable[..., Any], dialogue: Path, dubbed: Run, shared_store: Path
) -> None:
    kept = sorted(shared_store.glob("transcribe/*"))
    done = execute("transcription", video=str(dialogue), target="en", store=str(shared_store))
    assert len(done.figures) == 3
    text = next(page for page in done.pages if "Confidence" in page)
    said = [word for line in dubbed.transcript.utterances for word in line.words]
    assert text.count(" title='") == len(said) and all(word.text in text for word in said)
    errors = misreadings(dubbed)
    assert 0 < errors.wer < 0.2
    assert f"Word error rate {errors.wer:.1%}: of {errors.n_words} words" in done.pages[-1]
    players = next(page for page in done.pages if "<audio" in page)
    worst = sorted(dubbed.transcript.utterances, key=lambda line: line.confidence)[:3]
    assert players.count("<audio") == 3 and all(f"{line.id}: " in players for line in worst)
    assert sorted(shared_store.glob("transcribe/*")) == kept


def test_of_a_film_of_ones_own_a_text_is_the_reference(
    execute: Callable[..., Any], dialogue: Path, dubbed: Run, shared_store: Path, tmp_path: Path
) -> None:
    film = Path(shutil.copy(dialogue, tmp_path / "own.mp4"))
    store = shutil.copytree(shared_store, tmp_path / "store")
    said = tmp_path / "said.txt"
    said.write_text("\n".join(line.text for line in dubbed.transcript.utterances), encoding="utf-8")
    done = execute("transcription", video=str(film), target="en", store=str(store), reference=str(said))
    assert "Word error rate 0.0%" in done.pages[-1]
    done = execute("transcription", video=str(film), target="en", store=str(store))
    assert "What is really said is not known" in done.pages[-1]


def test_segments_follow_their_setting(
    execute: Callable[..., Any], dialogue: Path, dubbed: Run, shared_store: Path, tmp_path: Path
) -> None:
    store = shutil.copytree(shared_store, tmp_path / "store")
    settings = {"segment.max_length": 4.0}
    done = execute("transcription", video=str(dialogue), target="en", store=str(store), settings=settings)
    table = next(page for page in done.pages if "<b>Segments</b>" in page)
    assert table.count("<tr>") - 1 > len(dubbed.segments.segments)

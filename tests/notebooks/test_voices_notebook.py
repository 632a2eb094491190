"""The notebook on who sounds how and who speaks for them, on a real film."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dubkit import Run
from dubkit.audition import MOST_VOICES


def test_it_shows_the_speakers_the_casting_and_an_audition(
    execute: Callable[..., Any], dialogue: Path, dubbed: Run, shared_store: Path
) -> None:
    kept = sorted(shared_store.glob("assign_voices/*"))
    done = execute("voices", video=str(dialogue), target="en", store=str(shared_store))
    assert len(done.figures) == 1
    speakers, casting, heard = done.pages[-3:]
    samples = [one for one in dubbed.speakers.speakers if one.sample]
    assert speakers.count("<audio") == len(samples) > 0
    assert all(f"{one.confidence:.2f}" in speakers for one in dubbed.speakers.speakers)
    assert all(role.voice.id in casting and role.reason in casting for role in dubbed.casting.roles)
    assert heard.count("<audio") == MOST_VOICES
    rows = heard.split("<tr>")
    for role in dubbed.casting.roles:
        (row,) = (row for row in rows if f"<code>{role.voice.id}</code>" in row)
        assert role.id in row
    assert sorted(shared_store.glob("assign_voices/*")) == kept


def test_a_voice_can_be_chosen_by_hand(
    execute: Callable[..., Any], dialogue: Path, dubbed: Run, shared_store: Path, tmp_path: Path
) -> None:
    store = shutil.copytree(shared_store, tmp_path / "store")
    settings = {"assign_voices.voices": {"S1": "kokoro:bf_emma"}, "detect_gender.certainty": 0.99}
    done = execute("voices", video=str(dialogue), target="en", store=str(store), settings=settings)
    speakers, casting, heard = done.pages[-3:]
    assert speakers.count(">unknown<") == len(dubbed.speakers.speakers)
    assert "chosen by hand" in casting and "gender open, median pitch" in casting
    (row,) = (row for row in heard.split("<tr>") if "<code>kokoro:bf_emma</code>" in row)
    assert "S1" in row

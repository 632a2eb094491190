"""The notebook of the first two stages: what is in the file, and the three sounds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from dubkit import Run


def test_the_film_is_looked_into_and_its_sound_shown_and_heard(
    execute: Callable[..., Any], dialogue: Path, dubbed: Run, shared_store: Path
) -> None:
    done = execute("validation_and_separation", video=str(dialogue), target="en", store=str(shared_store))
    assert done.stderr == ""
    assert len(done.figures) == 3
    media = next(page for page in done.pages if "container" in page)
    assert dubbed.media.audio.codec in media and dubbed.media.container in media
    gallery = done.pages[-1]
    assert gallery.count("<audio") == 3
    assert [name for name in ("whole sound", "speech", "background") if f">{name} (the first 30 of " in gallery] == [
        "whole sound",
        "speech",
        "background",
    ]


def test_the_middle_player_plays_what_the_separation_took_out(dialogue: Path, dubbed: Run, shared_store: Path) -> None:
    import numpy as np

    from dubkit.audio import resample

    asked = {"separate.analysis": "speech"}
    apart = Run.open(dialogue, "en", profile="embedded", set=asked, store=shared_store).tracks
    difference = (dubbed.tracks.full.load(5, 10) - dubbed.tracks.background.load(5, 10)).mean(axis=1)
    heard = apart.speech.load(5, 10)
    expected = resample(difference, 48_000, 16_000)
    # Cut out of the film, the edges of the resampled stretch differ.
    assert np.corrcoef(heard, expected)[0, 1] > 0.999
    assert np.corrcoef(dubbed.tracks.speech.load(5, 10), expected)[0, 1] < 0.999

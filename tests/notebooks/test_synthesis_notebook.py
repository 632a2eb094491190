"""The notebook about the spoken lines."""

from collections.abc import Callable
from pathlib import Path

from dubkit import Run


def test_it_shows_how_clips_fit_and_plays_the_fastest_beside_their_originals(
    execute: Callable, dialogue: Path, dubbed: Run, shared_store: Path
) -> None:
    done = execute("synthesis", video=str(dialogue), target="en", store=str(shared_store))
    assert done.stderr == "" and len(done.figures) == 2
    fastest = sorted(clip.rate for clip in dubbed.speech.clips)[-3:]
    heard = next(page for page in done.pages if ">original<" in page)
    assert heard.count("<audio") == 6
    assert sorted(f"rate {rate:.2f}" in heard for rate in fastest) == [True] * 3
    table = done.pages[-1]
    assert "<b>Speech</b>: 12 clips" in table and dubbed.speech.clips[-1].id in table


def test_a_setting_makes_another_run(execute: Callable, dialogue: Path, dubbed: Run, shared_store: Path) -> None:
    settings = {"synthesize.timing.fastest": 1.05}
    done = execute("synthesis", video=str(dialogue), target="en", settings=settings, store=str(shared_store))
    capped = Run.open(dialogue, "en", profile="embedded", set=settings, store=shared_store).speech
    assert max(clip.rate for clip in capped.clips) <= 1.05 < max(clip.rate for clip in dubbed.speech.clips)
    heard = next(page for page in done.pages if ">original<" in page)
    assert f"rate {max(clip.rate for clip in capped.clips):.2f}" in heard

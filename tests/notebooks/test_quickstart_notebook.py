"""The quickstart dubs a real talking head."""

from collections.abc import Callable
from pathlib import Path

from dubkit import Run


def test_it_dubs_the_film_and_shows_how_far_it_is(execute: Callable, talking_head: Path, shared_store: Path):
    settings = {"backends.translator": "pivot"}
    done = execute("quickstart", video=str(talking_head), store=str(shared_store), settings=settings)
    assert len(done.figures) == 3
    assert any("Translation" in page and "Estados Unidos" in page for page in done.pages)
    assert any("<video" in page for page in done.pages)
    # The map was drawn anew as stages ended: what is saved of it is its last state.
    pipeline = next(page for page in done.pages if "stages done" in page)
    assert "11 of 11 stages done" in pipeline and "to do" not in pipeline
    run = Run.open(talking_head, "pt", set=settings, store=shared_store)
    assert set(run.known()) >= {"transcript", "translation", "dub"}
    lines = run.translation.lines
    assert next(page for page in done.pages if "dubkit-timeline" in page).count('<g class="line"') == len(lines)

"""The gallery shows every figure, as it is called and told of today."""

import re
from pathlib import Path
from unittest.mock import MagicMock

import pytest

from docs import gallery
from dubkit import plots

HELPS = {"COLOURS", "new_axes", "speaker_colours"}


@pytest.fixture(scope="module")
def entries() -> list[gallery.Entry]:
    run = MagicMock()
    chapters = gallery.figures(run, None, Path())
    return [entry for chapter in chapters.values() for entry in chapter] + gallery.displays(run)


def test_it_has_every_figure(entries):
    drawn = {
        entry.call.partition("(")[0].removeprefix("plots.") for entry in entries if entry.call.startswith("plots.")
    }
    assert drawn == set(plots.__all__) - HELPS


def test_the_page_is_what_the_script_writes(entries):
    page = gallery.PAGE.read_text()
    for entry in entries:
        assert entry.what and f"**`{entry.call}`** {entry.what}\n" in page, entry.call
    assert page.count("![") == len(entries)


def test_its_pictures_are_there_and_small():
    shown = re.findall(r"\]\((pictures/[^)]+)\)", gallery.PAGE.read_text())
    sizes = {name: (gallery.PAGE.parent / name).stat().st_size for name in shown}
    assert max(sizes.values()) < 150_000
    kept = {f"pictures/gallery/{path.name}" for path in gallery.PICTURES.glob("*.png")}
    assert kept == set(shown)

"""The report: one page that needs nothing else, shows what was measured, and takes no text for HTML."""

from __future__ import annotations

from html.parser import HTMLParser

import numpy as np
import pytest
from builders import sine, sound
from nbformat.v4 import new_code_cell, new_notebook, new_output
from result_sets import full, line

from dubkit.errors import BadInput
from evaluation.report import page as report

BAD = "<script>alert('x')</script>"


class Page(HTMLParser):
    """What a page holds."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loaded: list[str] = []
        self.alts: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.loaded += [v for k, v in attrs if k in ("src", "href", "srcset", "data", "action")]
        self.alts += [v for k, v in attrs if k == "alt"]

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A report of a system, two oracles and a baseline, with the sounds of its worst lines."""
    home = tmp_path_factory.mktemp("report")
    (home / "store").mkdir()
    sound(home / "store" / "film.flac", sine(4, hz=500))
    sound(home / "store" / "dub.flac", np.stack([sine(4, hz=2000)] * 2, axis=1))
    lines = {"film": [line("u001", text=BAD, speaker=BAD)]}
    full("embedded", wrong=2, lines=lines, errors={"broken": f"no speech {BAD}"}).save(home / "a")
    full("embedded true:translate", wrong=0, given=["translate"]).save(home / "b")
    full("embedded true:all", wrong=0, given=["diarize", "translate"]).save(home / "c")
    full(f"before {BAD}", wrong=6).save(home / "before")
    folders = [home / "a", home / "b", home / "c"]
    return report.write(folders, home / "deep" / "report.html", store=home / "store", baseline=home / "before")


@pytest.fixture(scope="module")
def page(written) -> Page:
    return Page(written.read_text(encoding="utf-8"))


def test_nothing_is_loaded_from_elsewhere_and_nothing_runs(page):
    assert not {"script", "iframe", "link", "object", "embed"} & set(page.tags)
    assert page.loaded and all(one.startswith(("data:", "#")) for one in page.loaded)


def test_its_style_loads_nothing_either():
    style = report.STYLE.read_text(encoding="utf-8")
    assert "url(" not in style and "@import" not in style


def test_texts_are_shown_not_obeyed(page):
    # In the line's card, in the reason of the item that failed, and in the baseline's name.
    assert f"no speech {BAD}" in page.text and f"before {BAD}" in page.text
    assert page.text.count(BAD) >= 4


def test_it_shows_scores_gains_players_and_pictures(page):
    for title in ("The whole at a glance", "Stage by stage", "What each stage costs", "The worst ten lines", "Time"):
        assert title in page.text
    assert page.tags.count("audio") == 2
    kinds = [one.partition(";")[0] for one in page.loaded if one.startswith("data:")]
    assert kinds.count("data:audio/mpeg") == 2 and kinds.count("data:image/jpeg") == 2
    # Scores with intervals, two distributions, gains, and times.
    assert kinds.count("data:image/png") == 5
    assert "0.200 [0.200, 0.200]" in page.text and "translate" in page.text
    assert "No results with the truth" not in page.text and "None was given" not in page.text


def test_every_picture_is_described(page):
    assert len(page.alts) == page.tags.count("img")
    assert all(page.alts) and not any("No description" in alt for alt in page.alts)


def test_no_code_no_warnings_and_no_objects_names_are_in_it(page):
    for unwanted in ("import ", "Traceback", "Warning", "<Axes", "[1]:", "display("):
        assert unwanted not in page.text


def test_a_page_is_whole_and_its_title_is_escaped():
    cell = new_code_cell("secret = 1", outputs=[new_output("stream", text="hello <b>")])
    text = report.page(new_notebook(cells=[cell]), "A & <b>")
    assert text.startswith("<!doctype html>") and text.endswith("</html>\n")
    assert "<title>A &amp; &lt;b&gt;</title>" in text
    assert "secret" not in text and "hello &lt;b&gt;" in text
    assert "<script" not in text


def test_no_results_and_folders_without_are_refused_before_anything_runs(tmp_path, monkeypatch):
    monkeypatch.setattr("papermill.execute_notebook", lambda *a, **k: pytest.fail("was run"))
    with pytest.raises(BadInput, match="no results to report"):
        report.write([], tmp_path / "out.html", store=tmp_path)
    with pytest.raises(BadInput, match="holds no results"):
        report.write([tmp_path], tmp_path / "out.html", store=tmp_path)
    full("embedded").save(tmp_path / "a")
    with pytest.raises(BadInput, match=r"'.*none' holds no results"):
        report.write([tmp_path / "a"], tmp_path / "out.html", store=tmp_path, baseline=tmp_path / "none")
    monkeypatch.setattr(report, "NOTEBOOK", tmp_path / "none.ipynb")
    with pytest.raises(BadInput, match="from a checkout"):
        report.write([tmp_path / "a"], tmp_path / "out.html", store=tmp_path)
    assert not (tmp_path / "out.html").exists()

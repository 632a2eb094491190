"""The page's own logic: what it shows, that nothing shown is markup, and a real dub through it."""

import gradio as gr
import pytest

import app
from dubkit.progress import Event


def test_the_board_shows_every_stage_and_escapes_notes():
    shown = app.board({"diarize": Event("diarize", "progress", 1, 2, "<b>x</b>")}, ["<script>"])
    assert shown.count("<tr>") == 11
    assert "&lt;b&gt;x&lt;/b&gt;" in shown and "&lt;script&gt;" in shown and "<script>" not in shown


def test_a_film_goes_through(talking_head, shared_store, monkeypatch):
    monkeypatch.setenv("DUBKIT_STORE", str(shared_store))
    *_, (board, film, files) = app.dub(str(talking_head), app.DETECT, "pt")
    assert board.count("✓") == 11
    assert film.endswith("talking-head.pt.mp4")
    assert len(files) == 5


def test_what_cannot_be_dubbed_is_told(tmp_path):
    bad = tmp_path / "bad.mp4"
    bad.write_text("no film")
    with pytest.raises(gr.Error, match="not a video"):
        list(app.dub(str(bad), app.DETECT, "pt"))
    with pytest.raises(gr.Error, match="Choose a film"):
        list(app.dub(None, app.DETECT, "pt"))


def test_the_page_offers_languages():
    page = app.page()
    choices = [c for b in page.blocks.values() for c in getattr(b, "choices", []) or []]
    assert ("Portuguese", "pt") in [tuple(c) for c in choices]

"""How artefacts look in a notebook."""

import re
from pathlib import Path

import pytest
from builders import media, silence, sine, sound, speech, tracks, transcript, turns
from films import make_film

from dubkit.artefacts import Dub
from dubkit.record import File
from dubkit.showing import cell, table


def test_what_people_said_is_escaped():
    shown = transcript(("<img src=x onerror=alert(1)>", 0, 1, "<script>alert('x')</script> & more"))._repr_html_()
    assert "<script" not in shown
    assert "<img" not in shown
    assert "&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt; &amp; more" in shown


def test_a_table_says_how_many_rows_it_leaves_out():
    shown = turns(*[("S1", n, n + 0.5) for n in range(60)])._repr_html_()
    assert shown.startswith("<b>Turns</b>: 60 turns")
    assert shown.count("<tr>") == 51
    assert "… and 10 more" in shown


def test_columns_without_content_are_left_out_and_numbers_stand_to_the_right():
    said = transcript(("S1", 0, 1.5, "Olá."), language="pt")
    shown = said._repr_html_()
    titles = re.findall(r"<th[^>]*>(\w+)</th>", shown)
    assert titles == ["id", "speaker", "start", "end", "text"]
    assert '<td align="right">1.50</td><td style="text-align:left">Olá.</td>' in shown
    assert "<b>Transcript</b>: 1 utterances (language pt, model listener@1)" in shown


def test_clips_have_players_and_only_the_first_ones(tmp_path):
    said = transcript(*[("S1", n, n + 0.5, f"line {n}") for n in range(14)])
    shown = speech(tmp_path, said, *[sine(0.2, rate=24_000)] * 14)._repr_html_()
    assert shown.count("<audio") == 12
    assert shown.count("<tr>") == 15


def test_tracks_can_be_listened_to(tmp_path):
    shown = tracks(tmp_path, sine(12))._repr_html_()
    assert re.findall(r"<figcaption[^>]*>([^<]+)<", shown) == [
        f"{name}, the first 10 of 12 s" for name in ("speech", "full", "background")
    ]


def test_media_is_a_list_of_facts():
    shown = media(30.0)._repr_html_()
    assert '<td style="text-align:left">duration</td>' in shown and "30.00" in shown
    assert "codec h264" in shown


def test_a_dub_is_to_be_watched(tmp_path):
    film = make_film(tmp_path / "film.mp4", seconds=2)
    shown = Dub(video=File.of(film), duration=2.0, picture="copied", subtitles=())._repr_html_()
    assert shown.count("<video") == 1 and "film.mp4" in shown and "copied" in shown


def test_files_that_are_gone_do_no_harm(tmp_path: Path):
    path = tmp_path / "film.mp4"
    path.write_bytes(b"film")
    dub = Dub(video=File.of(path), duration=2.5, picture="copied", subtitles=())
    assert "not there any more" in dub._repr_html_()
    path.unlink()
    assert "not there any more" in dub._repr_html_()
    made = sound(tmp_path / "a.flac", silence(1))
    made.path.unlink()
    assert cell(made) == "a.flac"


@pytest.mark.parametrize(
    ("value", "shown"),
    [(1.234, "1.23"), (None, "–"), ("<b>", "&lt;b&gt;"), (("a", "b"), "a<br>b"), ("x" * 200, "x" * 119 + "…")],
)
def test_cells(value, shown):
    assert cell(value) == shown


def test_a_table_without_titles_has_no_head():
    assert "<thead>" not in table(("", ""), [("a", "1")])

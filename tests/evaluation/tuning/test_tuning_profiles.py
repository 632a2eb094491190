"""The winner as a profile, and the button that writes it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from sweeps import BAD, GOOD, beams, swept, tried

from dubkit.errors import BadInput
from dubkit.settings import profile, profiles
from evaluation.tuning import Sweep


def test_the_profile_is_the_base_with_the_winners_settings_and_says_why(tmp_path: Path) -> None:
    path = beams(films=7).save(tmp_path / "new" / "mine.toml")
    settings, _ = profile(str(path))
    assert settings == profile("embedded")[0].but({"transcribe.beam_size": 8})
    text = path.read_text()
    assert text.startswith(
        "# Chosen by a sweep over transcribe.beam_size on the suite dialogues (film1>pt, film2>pt, film3>pt, film4>pt, "
        "film5>pt, film6>pt, film7>pt),\n# 2026-02-03"
    )
    assert "2 tried besides embedded as it is" in text and "# Take transcribe.beam_size = 8: asr.wer is 0.100" in text
    # The base keeps its own comments.
    assert text.endswith(f"{profiles()['embedded'].rstrip()}\n\n[transcribe]\nbeam_size = 8\n")


def test_settings_in_groups_of_groups_are_written(tmp_path: Path) -> None:
    name = "synthesize.timing.late"
    path = swept(tried(BAD, {name: 1.0}), tried(GOOD, {name: 2.0})).save(tmp_path / "mine.toml")
    assert profile(str(path))[0].synthesize.timing.late == 2.0
    assert "[synthesize.timing]\nlate = 2.0" in path.read_text()


def based(path: Path, text: str, sweep: Sweep) -> Sweep:
    """A sweep on another profile."""
    from dataclasses import replace

    path.write_text(text)
    return replace(sweep, base=str(path))


def test_none_is_written_by_leaving_a_setting_out(tmp_path: Path) -> None:
    found = swept(tried(BAD, {"diarize.threshold": 0.5}), tried(GOOD, {"diarize.threshold": None}))
    own = based(tmp_path / "own.toml", "[diarize]\nthreshold = 0.5\nmin_speakers = 2\n", found)
    settings, _ = profile(str(own.save(tmp_path / "mine.toml")))
    assert settings.diarize.threshold is None and settings.diarize.min_speakers == 2


def test_where_the_default_wins_the_base_stays_as_it_is(tmp_path: Path) -> None:
    found = swept(tried(BAD, {"transcribe.beam_size": 5}), tried(BAD, {"transcribe.beam_size": 8}))
    path = found.save(tmp_path / "mine.toml")
    assert profile(str(path))[0] == profile("embedded")[0]
    assert "The default stays" in path.read_text() and "[transcribe]" not in path.read_text()


def test_what_is_suggested_can_be_taken_where_films_are_too_few(tmp_path: Path) -> None:
    few = beams(films=3)
    assert few.winner.is_default and few.winner.suggested == {"transcribe.beam_size": 8}
    text = few.save(tmp_path / "mine.toml", suggested=True).read_text()
    assert profile(str(tmp_path / "mine.toml"))[0].transcribe.beam_size == 8
    assert "# Suggested by value alone, and not sure:\n# The default stays" in text
    button = few.button(tmp_path / "two.toml")
    assert [one.description for one in button.buttons] == ["Save the default as two.toml", "Save what is suggested"]
    button.buttons[1].click()
    assert profile(str(tmp_path / "two.toml"))[0].transcribe.beam_size == 8
    with pytest.raises(BadInput, match="Nothing is suggested"):
        beams(films=7).save(tmp_path / "mine.toml", suggested=True)


def test_a_profile_is_a_toml_file(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"A profile is a \.toml file"):
        beams().save(tmp_path / "mine.json")


def test_one_click_saves_and_says_so(tmp_path: Path) -> None:
    button = beams().button(tmp_path / "mine.toml")
    assert button.buttons[0].description == "Save as mine.toml"
    button.buttons[0].click()
    assert profile(str(tmp_path / "mine.toml"))[0].transcribe.beam_size == 8
    assert button.buttons[0].description == f"Saved: {tmp_path / 'mine.toml'}"
    shown = button._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in shown
    assert shown["text/plain"] == f'To save it: sweep.save("{tmp_path / "mine.toml"}")'


def test_a_click_that_fails_tells_why(tmp_path: Path) -> None:
    button = beams().button(tmp_path / "mine.json")
    button.buttons[0].click()
    assert button.buttons[0].description.startswith("A profile is a .toml file")
    assert button.buttons[0].button_style == "danger"


def test_without_widgets_the_line_to_call_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    button = beams().button(tmp_path / "<mine>.toml")
    assert button.widget is None
    shown = button._repr_mimebundle_()
    assert set(shown) == {"text/plain", "text/html"}
    assert "sweep.save(" in shown["text/html"] and "&lt;mine&gt;" in shown["text/html"]
    assert repr(button) == shown["text/plain"]

"""The worst lines: which they are, and cards that hold everything and let nothing through as HTML."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
import soundfile
from builders import sine, sound
from result_sets import line, result, words

from evaluation.report.worst import MARGIN, PLAYER_RATE, cards, worst


@pytest.fixture
def store(tmp_path):
    """A store with the sound of a film and of its dub, 4 s each."""
    sound(tmp_path / "film.flac", sine(4, hz=500))
    sound(tmp_path / "dub.flac", np.stack([sine(4, hz=2000)] * 2, axis=1))
    return tmp_path


def inside(kind: str, page: str) -> list[bytes]:
    return [base64.b64decode(x) for x in re.findall(f"data:{kind};base64,([A-Za-z0-9+/=]+)", page)]


def heard(content: bytes) -> tuple[np.ndarray, int]:
    return soundfile.read(io.BytesIO(content))


def test_the_worst_have_the_lowest_score_and_then_the_latest_start():
    scores = {"a": (50, 0.0), "b": (10, 0.1), "c": (90, 0.0), "d": (10, 0.9)}
    lines = [line(name, score=score, drift=drift) for name, (score, drift) in scores.items()]
    found = worst(result({"film": words([1])}, lines={"film": lines}), 3)
    assert found["id"].to_list() == ["d", "b", "a"]


def test_where_there_are_no_lines_there_are_no_cards(tmp_path):
    assert cards(result({"film": words([1])}), tmp_path) == ""


def test_a_card_has_texts_facts_players_and_pictures(store):
    one = line(
        "u1", said="Olá.", source_text="Ola.", text="Hello.", reference="Hi.", heard="Hollow.", score=12.3, flag="drift"
    )
    page = cards(result({"film": words([1])}, lines={"film": [one]}), store)
    pairs = re.findall("<dt>(.*?)</dt><dd>(.*?)</dd>", page)
    assert pairs == [
        ("said", "Olá."), ("transcribed", "Ola."), ("translated", "Hello."), ("reference", "Hi."), ("heard", "Hollow."),
    ]  # fmt: skip
    assert "film u1, S1, 1.0–2.0 s" in page and "chrF++ 12.3, rate 1.000, drift 0.000 s, drift<" in page
    assert len(inside("image/jpeg", page)) == 2 and all(x.startswith(b"\xff\xd8") for x in inside("image/jpeg", page))


def test_the_players_play_the_line_in_source_and_dub(store):
    page = cards(result({"film": words([1])}, lines={"film": [line("u1")]}), store)
    source, dub = map(heard, inside("audio/mpeg", page))
    for (samples, rate), hz in ((source, 500), (dub, 2000)):
        assert rate == PLAYER_RATE
        # The line is from 1 to 2 s; coding adds at most a few frames.
        assert len(samples) / rate == pytest.approx(1 + 2 * MARGIN, abs=0.1)
        spectrum = np.abs(np.fft.rfft(samples))
        assert np.argmax(spectrum) * rate / len(samples) == pytest.approx(hz, rel=0.01)


def test_a_line_at_the_very_beginning_plays_from_there(store):
    page = cards(result({"film": words([1])}, lines={"film": [line("u1", start=0.0, end=0.5)]}), store)
    samples, rate = heard(inside("audio/mpeg", page)[1])
    assert len(samples) / rate == pytest.approx(0.5 + MARGIN, abs=0.1)


def test_texts_are_escaped(store):
    bad = "<script>alert('x')</script>"
    one = line(bad, said=bad, source_text=bad, text=bad, reference=bad, heard=bad, speaker=bad, flag=bad)
    page = cards(result({bad: words([1])}, lines={bad: [one]}), store)
    assert "<script" not in page
    assert page.count("&lt;script&gt;") == 9


def test_a_card_without_sounds_says_so(tmp_path):
    page = cards(result({"film": words([1])}, lines={"film": [line("u1")]}), tmp_path)
    assert "The source&#x27;s sound is not in the store any more." in page or "The source's sound is not" in page
    assert "<audio" not in page and "<img" not in page


def test_a_line_without_a_source_sound_or_that_is_not_heard_has_a_card(store):
    one = line("u1", source_sound="", start=3.0, end=3.0, heard="", rate=float("nan"))
    page = cards(result({"film": words([1])}, lines={"film": [one]}), store)
    assert "The source's sound is not in the store any more." in page
    assert "rate –" in page and len(inside("audio/mpeg", page)) == 1

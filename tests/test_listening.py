"""Lines beside their originals."""

import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from builders import VOICE_RATE, silence, sine, speech, tracks, transcript

from dubkit.errors import BadInput
from dubkit.listening import beside_originals, fastest


@pytest.fixture
def run(tmp_path: Path) -> SimpleNamespace:
    """Four lines, of which all but the second are spoken faster than is natural."""
    said = transcript(*(("S1", n, n + 1, f"<line {n}>") for n in range(4)))
    spoken = speech(tmp_path / "clips", said, *[sine(0.5, rate=VOICE_RATE)] * 4)
    paced = zip(spoken.clips, (1.2, 1.0, 1.1, 1.25), strict=True)
    return SimpleNamespace(
        speech=spoken.but(clips=tuple(clip.but(rate=rate) for clip, rate in paced)),
        transcript=said,
        tracks=tracks(tmp_path / "tracks", np.concatenate([silence(2), sine(2)])),
    )


def test_the_fastest_lines_are_heard_in_the_films_order(run: SimpleNamespace) -> None:
    assert fastest(run.speech) == ["u0001", "u0003", "u0004"] and fastest(run.speech, 1) == ["u0004"]
    page = beside_originals(run).page
    assert re.findall("<figcaption[^>]*>(.*?)</figcaption>", page) == [
        "original", "dub, rate 1.20", "original", "dub, rate 1.10", "original", "dub, rate 1.25",
    ]  # fmt: skip
    assert re.findall("<b>(.*?)</b> (.*?)<br>", page)[0] == ("u0001", "&lt;line 0&gt;")
    assert re.findall("<b>(.*?)</b>", page) == ["u0001", "u0003", "u0004"]


def test_lines_are_chosen_by_id(run: SimpleNamespace) -> None:
    page = beside_originals(run, ["u0002"]).page
    assert page.count("<audio") == 2 and "<b>u0002</b>" in page
    with pytest.raises(BadInput, match=r"There is no line u9\. The lines are: u0001, u0002"):
        beside_originals(run, ["u9"])


def test_a_film_without_lines_says_so(run: SimpleNamespace) -> None:
    run.speech = run.speech.but(clips=())
    assert "no lines" in beside_originals(run).page

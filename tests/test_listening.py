"""Lines beside their originals."""

import base64
import io
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from builders import VOICE_RATE, placement, silence, sine, sound, soundtrack, speech, tracks, transcript

from dubkit.errors import BadInput
from dubkit.listening import beside_originals, fastest, opening


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


def sounding(page: str) -> list[tuple[float, float]]:
    """How long each clip is, in seconds, and how loud its first half second."""
    clips = [
        soundfile.read(io.BytesIO(base64.b64decode(x))) for x in re.findall('data:audio/mpeg;base64,([^"]+)', page)
    ]
    return [(round(len(x) / rate, 1), float(np.abs(x[: rate // 2]).max())) for x, rate in clips]


def test_the_opening_is_heard_from_the_first_line_on_in_both(run: SimpleNamespace, tmp_path: Path) -> None:
    """In the film the first line is at 2 s, where the tone begins; in the dub, whose picture is slowed, at 4 s."""
    run.transcript = transcript(("S1", 2, 3, "one"))
    dub = soundtrack(tmp_path / "dub", placement("u0001", "S1", (4, 5), (4.2, 5)))
    heard = np.concatenate([silence(4), sine(3)])
    run.soundtrack = dub.but(audio=sound(tmp_path / "dub.flac", heard))
    page = opening(run, 1.5).page
    assert re.findall("<figcaption[^>]*>(.*?)</figcaption>", page) == ["original", "dub"]
    for seconds, level in sounding(page):
        assert seconds == pytest.approx(1.5, abs=0.1) and level > 0.1
    run.soundtrack = run.soundtrack.but(placements=())
    assert [level < 0.01 for _, level in sounding(opening(run, 1.5).page)] == [True, True]


def test_a_film_without_lines_says_so(run: SimpleNamespace) -> None:
    run.speech = run.speech.but(clips=())
    assert "no lines" in beside_originals(run).page

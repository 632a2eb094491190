"""The interactive time line: what it holds, without a browser."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import pytest
from builders import VOICE_RATE, placement, sine, soundtrack, speech, transcript, translation

from dubkit import timeline as module
from dubkit.timeline import TimedLine, Timeline, timeline

LATE = TimedLine(
    "u1", "S1", ((1, 3),), ((1.5, 3.5),), "Hello.", "Olá.", 1.1, 0.5, flag="late", reason="starts 0.50 s late"
)
SPLIT = TimedLine("u2", "S2", ((4, 5), (6, 8)), ((4, 5), (6, 7)), "You too.", "Você também.", 1.2, 0.0)
FILM = Timeline(10.0, (LATE, SPLIT))


class Page(HTMLParser):
    """Every element with its attributes, and the text directly in it; checks that all are closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((self.open[-1] if self.open else "", data))

    def of(self, name: str) -> list[dict[str, str | None]]:
        """The attributes of all elements of a tag, or of a class where the name starts with a dot."""
        if name.startswith("."):
            return [a for _, a in self.found if name[1:] in (a.get("class") or "").split()]
        return [a for tag, a in self.found if tag == name]

    def text(self, tag: str) -> list[str]:
        return [text for at, text in self.texts if at == tag]


def test_originals_lie_above_dubs_at_shares_of_the_film() -> None:
    page = Page(FILM.page)
    first, second, *split = page.of("rect")
    assert (first["x"], first["width"], first["y"]) == ("10.0000%", "20.0000%", "28")
    assert (second["x"], second["width"], second["y"]) == ("15.0000%", "20.0000%", "52")
    assert [bar["x"] for bar in split] == ["40.0000%", "60.0000%"] * 2
    assert first["fill"] == second["fill"] != split[0]["fill"]
    assert page.of(".dubkit-timeline")[0]["data-duration"] == "10.000"


def test_lines_that_do_not_fit_are_dashed_and_say_so() -> None:
    page = Page(FILM.page)
    assert [bar.get("stroke-dasharray") for bar in page.of(".dub")] == ["4 3", None, None]
    assert "⚠ late" in page.text("text")


def test_without_its_script_every_line_is_told_all_the_same() -> None:
    page = Page(FILM.page)
    late = (
        "u1, S1, 0:01.5 to 0:03.5\nHello.\nOlá.\nrate 1.10; starts 0.50 s late; does not fit: late\nstarts 0.50 s late"
    )
    assert page.text("title")[0] == late
    assert [line["aria-label"] for line in page.of(".line")] == page.text("title")
    assert "starts on time" in page.text("title")[1]
    assert {"S1", "S2", "Hello.", "Olá.", "You too.", "Você também."} <= set(page.text("text"))
    assert "hidden" in page.of(".controls")[0] and "hidden" in page.of(".told")[0]


def test_nothing_is_loaded_from_elsewhere_and_no_ids_can_clash() -> None:
    page = Page(FILM.page)
    assert not [
        name for _, attributes in page.found for name in attributes if name in ("src", "href", "id", "xlink:href")
    ]
    assert not re.search(r"url\(|@import|https?:", FILM.page)
    assert len(page.of("script")) == len(page.of("style")) == 1


def test_hostile_texts_stay_texts() -> None:
    hostile = '</script></title><script>alert("1")</script>&amp;\' onload=x'
    line = replace(LATE, speaker=hostile, source_text=hostile, text=hostile, reason=hostile)
    page = Page(Timeline(10.0, (line,)).page)
    assert len(page.of("script")) == 1
    assert page.text("text").count(hostile) == 3 and page.text("title")[0].count(hostile) == 4
    assert not [name for _, attributes in page.found for name in attributes if name.startswith("onload")]


def test_times_on_the_axis_are_apart_and_finer_ones_wait_for_the_zoom() -> None:
    page = Page(Timeline(7200.0, (LATE,)).page)
    ticks = page.of(".tick")
    assert len(ticks) <= module.MOST_TICKS + 1
    shown = [tick["data-step"] for tick in ticks if tick.get("display") != "none"]
    # 8 pixels a second: a time every 10 s stands 80 pixels from the next.
    assert len(shown) == 721 and set(shown) == {"10", "30", "60", "300", "600", "3600"}
    short = [t for t in Page(FILM.page).of(".tick") if t.get("display") != "none"]
    assert len(short) == 11
    assert Page(FILM.page).text("text")[2:4] == ["0:00", "0:01"]


def test_flags_end_where_the_speakers_next_one_begins() -> None:
    later = replace(LATE, id="u3", dubbed=((4, 5),))
    boxes = [box for box in Page(Timeline(10.0, (LATE, later)).page).of("svg") if box.get("y") == "72"]
    assert sorted((box["x"], box["width"]) for box in boxes) == [("15.0000%", "25.0000%"), ("40.0000%", "60.0000%")]


def test_words_are_black_or_white_as_the_colour_wants() -> None:
    lines = [replace(LATE, id=f"u{n}", speaker=f"S{n}", text=f"t{n}") for n in range(8)]
    page = Timeline(10.0, tuple(lines)).page
    inks = [re.search(rf'fill="(#\w+)" font-size="12">t{n}<', page)[1] for n in range(8)]  # type: ignore[index]
    # The seventh is black, and the eighth is the first colour again.
    assert inks == ["#FFFFFF", *["#000000"] * 5, "#FFFFFF", "#FFFFFF"]


@pytest.fixture
def run(tmp_path: Path) -> SimpleNamespace:
    said = transcript(("S1", 1, 3, "Hello."), ("S2", 4, 6, "You too."))
    return SimpleNamespace(
        translation=translation(said, "Olá.", "Você também."),
        speech=speech(tmp_path / "clips", said, *[sine(1.0, rate=VOICE_RATE)] * 2),
        soundtrack=soundtrack(
            tmp_path,
            placement("u0001", "S1", (1, 3), (1, 3), 1.1),
            placement("u0002", "S2", (4, 6), (4.5, 6.5), 1.2, flag="late"),
        ),
    )


def test_a_runs_lines_have_both_texts_and_their_clips(run: SimpleNamespace) -> None:
    made = timeline(run)
    assert made.duration == 10.0
    one, two = made.lines
    assert (one.source_text, one.text, one.original, one.rate) == ("Hello.", "text of u0001", ((1, 3),), 1.1)
    assert (two.flag, two.dubbed, two.drift) == ("late", ((4.5, 6.5),), 0.5)
    sounds = [line["data-sound"] or "" for line in Page(made.page).of(".line")]
    assert [base64.b64decode(s.removeprefix("data:audio/mpeg;base64,")) for s in sounds] == [one.sound, two.sound]
    assert len(one.sound) > 1000 and "Click it" in made.page


def test_clips_that_are_too_much_together_are_left_out(run: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = sum(len(line.sound) for line in timeline(run).lines)
    monkeypatch.setattr(module, "MOST_BYTES", whole)
    page = timeline(run).page
    lines = Page(page).of(".line")
    assert len(lines) == 2 and not [line for line in lines if "data-sound" in line] and "Click it" not in page


def test_a_film_without_lines_is_an_empty_time_line(run: SimpleNamespace, tmp_path: Path) -> None:
    run.soundtrack, run.speech = soundtrack(tmp_path / "silent"), run.speech.but(clips=())
    page = Page(timeline(run).page)
    assert not page.of(".line") and len(page.of(".tick")) == 11

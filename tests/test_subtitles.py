import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubkit.errors import BadInput
from dubkit.subtitles import Cue, Said, parse, srt, vtt

# Whatever a recogniser, a translator or a person at the keyboard may come up with.
ANYTHING = st.text(
    st.sampled_from("ab cé\n\r\t-–>&<:1,.\u2028\u0085\x00\u3042'\"{}\\") | st.characters(exclude_categories=["Cs"])
)
TIMES = st.integers(0, 400 * 3_600_000).map(lambda ms: ms / 1000)


def cue(start: float, end: float, speaker: str, text: str, label: str = "") -> Cue:
    """A cue of one speaker."""
    return Cue(start, end, (Said(speaker, text, label),))


@st.composite
def cues(draw: st.DrawFn, text: st.SearchStrategy[str] = ANYTHING, speaker: st.SearchStrategy[str] = ANYTHING) -> Cue:
    start = draw(TIMES)
    return cue(start, start + draw(st.integers(0, 9999)) / 1000, draw(speaker), draw(text))


plain_text = st.lists(st.text("abcdefé-'.,!?0<&", min_size=1, max_size=60), min_size=1, max_size=20).map(" ".join)
plain_text = plain_text.map(lambda text: text.replace("-->", "~~~"))


@given(st.lists(cues(text=plain_text, speaker=st.just("")), max_size=6))
def test_srt_comes_back_as_it_went_out(given_cues: list[Cue]) -> None:
    back = parse(srt(given_cues))
    assert [(c.text, c.speaker) for c in back] == [(c.text, "") for c in given_cues]
    assert [(c.start, c.end) for c in back] == [
        (pytest.approx(c.start, abs=6e-4), pytest.approx(c.end, abs=6e-4)) for c in given_cues
    ]
    assert parse(srt(back)) == back


@given(st.lists(cues(text=plain_text, speaker=st.sampled_from(["", "Speaker 1", "Ana & Bob <x>"])), max_size=6))
def test_webvtt_comes_back_as_it_went_out(given_cues: list[Cue]) -> None:
    assert [(c.speaker, c.text) for c in parse(vtt(given_cues))] == [(c.speaker, c.text) for c in given_cues]


@given(st.lists(cues(), max_size=6))
def test_hostile_text_stays_one_cue_in_srt(given_cues: list[Cue]) -> None:
    written = srt(given_cues)
    assert len(parse(written)) == len(given_cues)
    assert written.count("-->") == len(given_cues)


@given(st.lists(cues(), max_size=6))
def test_hostile_text_stays_one_cue_in_webvtt(given_cues: list[Cue]) -> None:
    written = vtt(given_cues)
    assert len(parse(written)) == len(given_cues)
    assert written.count("-->") == len(given_cues)
    assert written.count("<") == written.count(">") - len(given_cues) == 2 * sum(bool(c.speaker) for c in given_cues)


def test_srt_looks_like_srt() -> None:
    shown = srt([cue(1.5, 3661.0426, "Ana", "Bom dia,\nBia.", "Ana: "), cue(3662.0, 3663.0, "Ana", "Tudo bem?")])
    assert shown == (
        "1\n00:00:01,500 --> 01:01:01,043\nAna: Bom dia,\nBia.\n\n2\n01:01:02,000 --> 01:01:03,000\nTudo bem?\n"
    )


def test_webvtt_looks_like_webvtt() -> None:
    shown = vtt([cue(1.5, 2.0, "Ana <b>", "1 < 2\n& 3 > 2", "Ana <b>: ")])
    assert shown == ("WEBVTT\n\n00:00:01.500 --> 00:00:02.000\n<v Ana &lt;b&gt;>1 &lt; 2\n&amp; 3 &gt; 2</v>\n")


def test_a_dialogue_has_a_dash_for_each() -> None:
    both = Cue(1, 2, (Said("Ana", "Bom dia.", "Ana: "), Said("Rui", "Olá!", "Rui: ")))
    assert srt([both]).splitlines()[2:] == ["- Ana: Bom dia.", "- Rui: Olá!"]
    assert vtt([both]).splitlines()[3:] == ["<v Ana>- Bom dia.</v>", "<v Rui>- Olá!</v>"]
    back = parse(vtt([both]))[0]
    assert [(s.speaker, s.text) for s in back.said] == [("Ana", "Bom dia."), ("Rui", "Olá!")]
    assert (back.speaker, back.text) == ("", "Bom dia. Olá!")


def test_an_arrow_in_a_text_is_no_time_line() -> None:
    hostile = "one\n\n2\n00:00:09,000 --> 00:00:10,000\ninjected"
    back = parse(srt([cue(0, 1, "a --> b", hostile, "a --> b: ")]))
    assert [c.text for c in back] == ["a → b: one 2 00:00:09,000 → 00:00:10,000 injected"]


def test_lines_are_kept_as_they_are_broken() -> None:
    assert srt([cue(0, 1, "", "One, two,\nthree.")]).splitlines()[2:] == ["One, two,", "three."]


def test_broken_lines_are_joined_as_their_script_does() -> None:
    assert parse(srt([cue(0, 1, "", "大家早上好，\n谢谢你们。")]))[0].text == "大家早上好，谢谢你们。"


def test_no_text_makes_an_empty_cue() -> None:
    assert parse(srt([cue(0, 1, "", " \n ")])) == [cue(0.0, 1.0, "", "")]


@pytest.mark.parametrize(
    "text",
    [
        "1\r\n00:00:01,000 --> 00:00:02,500\r\nOne\r\ntwo\r\n\r\n2\r\n00:00:03,000 --> 00:00:04,000\r\nThree\r\n",
        "\ufeff1\n00:00:01,000 --> 00:00:02,500\nOne\ntwo\n\n\n2\n00:00:03,000 --> 00:00:04,000\nThree",
        "WEBVTT - title\n\nNOTE nothing\n\nid\n00:01.000 --> 00:02.500 align:start\nOne\ntwo\n\n00:03.0 --> 00:04.0\nThree\n",
    ],
)
def test_files_of_other_programs_are_read(text: str) -> None:
    assert parse(text) == [cue(1.0, 2.5, "", "One two"), cue(3.0, 4.0, "", "Three")]


def test_escapes_are_read_in_webvtt_alone() -> None:
    assert parse("WEBVTT\n\n00:01.000 --> 00:02.000\nfish &amp; chips\n")[0].text == "fish & chips"
    assert parse("1\n00:00:01,000 --> 00:00:02,000\nfish &amp; chips\n")[0].text == "fish &amp; chips"


@pytest.mark.parametrize("line", ["00:00:01,000 -->", "soon --> later", "00:01 --> 00:02"])
def test_times_that_cannot_be_read_are_told(line: str) -> None:
    with pytest.raises(BadInput, match="cannot be read: write 00:00:01,000"):
        parse(f"1\n{line}\nHello\n")

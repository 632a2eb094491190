import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubkit.errors import BadInput
from dubkit.subtitles import WIDTH, Cue, fitted, parse, srt, vtt

# Whatever a recogniser, a translator or a person at the keyboard may come up with.
ANYTHING = st.text(
    st.sampled_from("ab cé\n\r\t-–>&<:1,.\u2028\u0085\x00\u3042'\"{}\\") | st.characters(exclude_categories=["Cs"])
)
TIMES = st.integers(0, 400 * 3_600_000).map(lambda ms: ms / 1000)


@st.composite
def cues(draw: st.DrawFn, text: st.SearchStrategy[str] = ANYTHING, speaker: st.SearchStrategy[str] = ANYTHING) -> Cue:
    start = draw(TIMES)
    return Cue(start, start + draw(st.integers(0, 9999)) / 1000, draw(speaker), draw(text))


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
    shown = srt([Cue(1.5, 3661.0426, "Ana", "Bom dia."), Cue(3662.0, 3663.0, "", "Tudo bem?")])
    assert shown == ("1\n00:00:01,500 --> 01:01:01,043\nAna: Bom dia.\n\n2\n01:01:02,000 --> 01:01:03,000\nTudo bem?\n")


def test_webvtt_looks_like_webvtt() -> None:
    shown = vtt([Cue(1.5, 2.0, "Ana <b>", "1 < 2 & 3 > 2")])
    assert shown == ("WEBVTT\n\n00:00:01.500 --> 00:00:02.000\n<v Ana &lt;b&gt;>1 &lt; 2 &amp; 3 &gt; 2</v>\n")


def test_an_arrow_in_a_text_is_no_time_line() -> None:
    hostile = "one\n\n2\n00:00:09,000 --> 00:00:10,000\ninjected"
    back = parse(srt([Cue(0, 1, "a --> b", hostile)]))
    assert [c.text for c in back] == ["a → b: one 2 00:00:09,000 → 00:00:10,000 injected"]


def test_lines_are_short_and_no_word_is_broken() -> None:
    text = "A well-known mother-in-law of the vice-president-elect spoke at length about self-sufficiency"
    lines = srt([Cue(0, 9, "", text)]).splitlines()[2:]
    assert all(len(line) <= WIDTH for line in lines)
    assert " ".join(lines) == text


def test_a_word_longer_than_a_line_is_kept_whole() -> None:
    word = "x" * 100
    assert parse(srt([Cue(0, 1, "", word)]))[0].text == word


def test_no_text_makes_an_empty_cue() -> None:
    assert parse(srt([Cue(0, 1, "", " \n ")])) == [Cue(0.0, 1.0, "", "")]


@pytest.mark.parametrize(
    "text",
    [
        "1\r\n00:00:01,000 --> 00:00:02,500\r\nOne\r\ntwo\r\n\r\n2\r\n00:00:03,000 --> 00:00:04,000\r\nThree\r\n",
        "\ufeff1\n00:00:01,000 --> 00:00:02,500\nOne\ntwo\n\n\n2\n00:00:03,000 --> 00:00:04,000\nThree",
        "WEBVTT - title\n\nNOTE nothing\n\nid\n00:01.000 --> 00:02.500 align:start\nOne\ntwo\n\n00:03.0 --> 00:04.0\nThree\n",
    ],
)
def test_files_of_other_programs_are_read(text: str) -> None:
    assert parse(text) == [Cue(1.0, 2.5, "", "One two"), Cue(3.0, 4.0, "", "Three")]


def test_escapes_are_read_in_webvtt_alone() -> None:
    assert parse("WEBVTT\n\n00:01.000 --> 00:02.000\nfish &amp; chips\n")[0].text == "fish & chips"
    assert parse("1\n00:00:01,000 --> 00:00:02,000\nfish &amp; chips\n")[0].text == "fish &amp; chips"


@pytest.mark.parametrize("line", ["00:00:01,000 -->", "soon --> later", "00:01 --> 00:02"])
def test_times_that_cannot_be_read_are_told(line: str) -> None:
    with pytest.raises(BadInput, match="cannot be read: write 00:00:01,000"):
        parse(f"1\n{line}\nHello\n")


@given(cues())
def test_long_cues_become_several_that_share_their_time(cue: Cue) -> None:
    parts = fitted(cue)
    assert parts[0].start == cue.start
    assert parts[-1].end == pytest.approx(cue.end, abs=1e-6)
    for before, after in itertools.pairwise(parts):
        assert before.end == after.start
        assert before.start <= before.end
    assert all(p.speaker == cue.speaker for p in parts)


def test_a_cue_is_cut_between_words_in_proportion() -> None:
    words = " ".join(["abcdefghi"] * 16)
    parts = fitted(Cue(10.0, 18.0, "", words))
    assert [p.text for p in parts] == [" ".join(["abcdefghi"] * 8)] * 2
    assert [(p.start, p.end) for p in parts] == [(10.0, 14.0), (14.0, 18.0)]
    assert len(srt(parts[:1]).splitlines()) == 4


def test_a_speaker_with_a_very_long_name_still_speaks() -> None:
    parts = fitted(Cue(0, 4, "Doctor " * 20, "Good morning to you all. " * 6))
    assert " ".join(p.text for p in parts) == ("Good morning to you all. " * 6).strip()


def test_a_short_cue_is_left_alone() -> None:
    cue = Cue(0, 1, "S", "Yes.")
    assert fitted(cue) == [cue]

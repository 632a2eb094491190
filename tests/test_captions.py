import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dubkit import captions, subtitles
from dubkit.artefacts import PlacedPhrase, Placement, Utterance, Word
from dubkit.cue_cuts import Spoken, Timed
from dubkit.cue_times import GAP, LONGEST
from dubkit.line_breaks import Measured, norm
from dubkit.subtitles import Cue

NAMES = {"S1": "Ana", "S2": "Rui", "S3": "Eva"}
MS = 0.001


def placed(name: str, speaker: str, text: str, *spans: tuple[float, float]) -> Placement:
    """A line that sounds in these spans."""
    return Placement(
        id=name,
        speaker=speaker,
        text=text,
        slot_start=spans[0][0],
        slot_end=spans[-1][1],
        start=spans[0][0],
        end=spans[-1][1],
        rate=1.0,
        stretch=1.0,
        borrowed=0.0,
        drift=0.0,
        phrases=tuple(
            PlacedPhrase(slot_start=a, slot_end=b, start=a, end=b, clip_start=a, clip_end=b) for a, b in spans
        ),
    )


def said(name: str, speaker: str, *words: tuple[str, float, float], text: str = "") -> Utterance:
    """An utterance with the times of its words."""
    return Utterance(
        id=name,
        speaker=speaker,
        start=words[0][1],
        end=words[-1][2],
        text=text or " ".join(w for w, _, _ in words),
        words=tuple(Word(text=w, start=a, end=b) for w, a, b in words),
    )


def dub(*places: Placement, language: str = "en", duration: float = 60.0) -> list[Cue]:
    """The subtitles of a dub."""
    return captions.cues(captions.spoken(places, NAMES, language), language, duration)


def spans(cues: list[Cue]) -> list[tuple[float, float]]:
    """Their times."""
    return [(cue.start, cue.end) for cue in cues]


def test_a_line_is_shown_while_it_sounds() -> None:
    (cue,) = dub(placed("u1", "S1", "Good morning, you two.", (1.0, 3.0)))
    assert (cue.start, cue.end, cue.lines) == (1.0, 3.0, ["Good morning, you two."])


def test_the_second_half_of_a_sentence_is_shown_when_it_sounds() -> None:
    cues = dub(placed("u1", "S1", "I went to the station, but there was no train.", (1.0, 3.0), (4.5, 6.5)))
    assert [cue.text for cue in cues] == ["I went to the station,", "but there was no train."]
    assert spans(cues) == [(1.0, 3.0), (4.5, 6.5)]


def test_a_pause_that_hardly_shows_keeps_a_sentence_together() -> None:
    (cue,) = dub(placed("u1", "S1", "I went to the station, but there was no train.", (1.0, 3.0), (3.2, 5.2)))
    assert (cue.start, cue.end) == (1.0, 5.2)
    assert cue.lines == ["I went to the station,", "but there was no train."]


def test_a_long_line_becomes_cues_at_the_times_of_its_words() -> None:
    text = "The first part of this is long enough for one. The second half of it has as many words in it, I think so."
    cues = dub(placed("u1", "S1", text, (0.0, 11.0)))
    assert [cue.text for cue in cues] == [text[:46], text[47:]]
    share = (46 - 9) / (len(text) - text.count(" "))
    assert cues[1].start == pytest.approx(11.0 * share, abs=MS)
    assert cues[0].end == pytest.approx(cues[1].start - GAP, abs=MS)
    assert all(len(line) <= 42 for cue in cues for line in cue.lines)


def test_the_source_is_cut_by_the_times_of_its_words() -> None:
    words = [("Wait.", 1.0, 2.0), ("I", 5.0, 5.5), ("am", 5.5, 6.0), ("coming.", 6.0, 7.0)]
    cues = captions.cues(captions.original([said("u1", "S1", *words)], NAMES, "en"), "en", 60.0)
    assert [(cue.start, cue.end, cue.text) for cue in cues] == [(1.0, 2.0, "Wait."), (5.0, 7.0, "I am coming.")]


def test_an_edited_source_text_is_spread_over_its_words() -> None:
    words = [("Wait.", 1.0, 2.0), ("I", 5.0, 5.5), ("am", 5.5, 6.0), ("coming.", 6.0, 7.0)]
    cues = captions.cues(
        captions.original([said("u1", "S1", *words, text="Hold. I will be there.")], NAMES, "en"), "en", 60
    )
    assert [(cue.start, cue.end, cue.text) for cue in cues] == [(1.0, 2.0, "Hold."), (5.0, 7.0, "I will be there.")]


def test_without_words_a_text_is_spread_over_its_utterance() -> None:
    line = Utterance(id="u1", speaker="S1", start=2.0, end=4.0, text="ab cd efgh")
    (found,) = captions.original([line], NAMES, "en")
    assert [(unit.text, unit.start, unit.end) for unit in found.units] == [
        ("ab ", 2.0, 2.5),
        ("cd ", 2.5, 3.0),
        ("efgh", 3.0, 4.0),
    ]


def test_where_the_picture_is_slowed_the_source_follows() -> None:
    words = [("Wait.", 1.0, 2.0), ("Come.", 5.0, 7.0)]
    knots = [(0.0, 0.0), (4.0, 4.0), (8.0, 10.0), (60.0, 62.0)]
    cues = captions.cues(captions.original([said("u1", "S1", *words)], NAMES, "en", knots), "en", 62.0)
    assert spans(cues) == [(1.0, 2.0), (5.5, 8.5)]
    late = [("Wait.", 1.0, 2.0), ("Come.", 9.0, 11.0)]
    cues = captions.cues(captions.original([said("u1", "S1", *late)], NAMES, "en", knots[:3]), "en", 62.0)
    assert spans(cues) == [(1.0, 2.0), (11.0, 13.0)], "after the last knot time runs as it did"


def test_a_fast_line_stays_until_it_can_be_read() -> None:
    text = "All of these words were said in one second."
    (cue,) = dub(placed("u1", "S1", text, (1.0, 2.0)))
    assert (cue.start, cue.end) == (1.0, pytest.approx(1 + (len(text) - 1) / 17, abs=MS)), "the break is no character"


def test_short_lines_of_one_speaker_are_joined_where_that_helps_the_reader() -> None:
    hasty = dub(
        placed("u1", "S1", "Oh, hello.", (1.0, 1.4)),
        placed("u2", "S1", "I did not know that you were there.", (1.45, 2.2)),
        placed("u3", "S2", "Nor did I.", (2.9, 4.0)),
    )
    assert [cue.text for cue in hasty] == ["Oh, hello. I did not know that you were there.", "Nor did I."]
    calm = dub(
        placed("u1", "S1", "Oh, hello.", (1.0, 2.2)),
        placed("u2", "S1", "I did not know that you were there.", (2.4, 5.0)),
    )
    assert [cue.text for cue in calm] == ["Oh, hello.", "I did not know that you were there."]


def test_names_are_shown_as_the_speaker_changes() -> None:
    cues = dub(
        placed("u1", "S1", "Good morning.", (1.0, 2.0)),
        placed("u2", "S1", "How are you?", (4.0, 5.0)),
        placed("u3", "S2", "Fine.", (7.0, 8.0)),
    )
    assert [cue.lines for cue in cues] == [["Ana: Good morning."], ["How are you?"], ["Rui: Fine."]]
    assert [cue.speaker for cue in cues] == ["Ana", "Ana", "Rui"]


def test_a_film_of_one_speaker_shows_no_names() -> None:
    cues = dub(placed("u1", "S1", "Good morning.", (1.0, 2.0)), placed("u2", "S1", "Hello.", (4.0, 5.0)))
    assert [cue.lines for cue in cues] == [["Good morning."], ["Hello."]]
    assert "<v Ana>Good morning.</v>" in subtitles.vtt(cues)


def test_a_name_counts_in_the_line() -> None:
    text = "This has forty-two characters, all of it."
    assert len(text) == 41
    cues = dub(placed("u1", "S1", text, (1.0, 5.0)), placed("u2", "S2", "Yes.", (8.0, 9.0)))
    assert cues[0].lines == ["Ana: This has forty-two characters,", "all of it."]


def test_a_very_long_name_takes_half_a_line() -> None:
    names = {"S1": "Doctor " * 20, "S2": "Rui"}
    places = [placed("u1", "S1", "Good morning to you all.", (1, 4)), placed("u2", "S2", "Hello.", (5, 6))]
    cues = captions.cues(captions.spoken(places, names, "en"), "en", 60)
    assert cues[0].lines == ["Doctor Doctor Doct…: Good morning", "to you all."]


def test_two_who_speak_at_once_share_a_cue() -> None:
    (cue,) = dub(placed("u1", "S1", "You never told me that.", (1.0, 4.0)), placed("u2", "S2", "I did!", (1.2, 2.0)))
    assert cue.lines == ["- Ana: You never told me that.", "- Rui: I did!"]
    assert (cue.start, cue.end) == (1.0, 4.0)


def test_names_give_way_in_a_dialogue_that_is_full() -> None:
    text = "You never told me a single word of this."
    (cue,) = dub(placed("u1", "S1", text, (1.0, 4.0)), placed("u2", "S2", "I did!", (1.2, 3.0)))
    assert cue.lines == [f"- {text}", "- I did!"]


def test_a_word_into_a_long_speech_stands_beside_what_is_said_then() -> None:
    text = "We left the house at six in the morning, and then we drove to the coast without a stop, all of us."
    cues = dub(placed("u1", "S1", text, (0.0, 6.0)), placed("u2", "S2", "Right.", (3.0, 3.8)))
    both = next(cue for cue in cues if len(cue.said) == 2)
    assert both.start <= 3.0 < 3.8 <= both.end
    assert [s.speaker for s in both.said] == ["Ana", "Rui"]
    assert " ".join(s.text for cue in cues for s in cue.said if s.speaker == "Ana").split() == text.split()


def test_a_small_overlap_is_no_dialogue() -> None:
    cues = dub(placed("u1", "S1", "Where were you?", (1.0, 3.0)), placed("u2", "S2", "At home.", (2.8, 4.5)))
    assert [cue.lines for cue in cues] == [["Ana: Where were you?"], ["Rui: At home."]]
    assert spans(cues)[1] == (2.8, 4.5)
    assert cues[0].end == pytest.approx(2.8 - GAP, abs=MS)


def test_chinese_lines_hold_sixteen_signs() -> None:
    text = "大家早上好，谢谢你们这么早就来参加会议，我们今天要讨论的是夏天的聚会，请大家发表意见。"
    cues = dub(placed("u1", "S1", text, (0.0, 9.0)), language="zh")
    assert all(norm("zh").length(line) <= 16 and len(cue.lines) <= 2 for cue in cues for line in cue.lines)
    assert "".join(cue.text for cue in cues) == text
    assert [cue.text[-1] for cue in cues] == ["，", "。"]


def test_what_would_begin_after_the_film_is_left_out() -> None:
    cues = dub(placed("u1", "S1", "Bye.", (8.0, 12.0)), placed("u2", "S1", "Who?", (13.0, 14.0)), duration=10.0)
    assert [(c.start, c.end, c.text) for c in cues] == [(8.0, 10.0, "Bye.")]


def test_empty_texts_make_no_cues() -> None:
    assert dub(placed("u1", "S1", " \n ", (1.0, 2.0))) == []
    assert dub() == []
    assert captions.original([said("u1", "S1", (" ", 1.0, 2.0))], NAMES, "en") == []


def test_cues_that_cannot_be_read_in_time_are_told() -> None:
    fast = dub(
        placed("u1", "S1", "All of these many words were said within a second.", (1.0, 2.0)),
        placed("u2", "S2", "And here is the next one, right away, for you.", (2.0, 6.0)),
    )
    assert [cue.speaker for cue in captions.too_fast(fast, "en")] == ["Ana"]
    assert captions.too_fast(dub(placed("u1", "S1", "Short.", (1.0, 2.0))), "en") == []


def both(target: str, source: str, *at: tuple[float, float]) -> list[Cue]:
    """A line in two languages."""
    ours = captions.spoken([placed("u1", "S1", target, *at)], NAMES, "pt")
    theirs = captions.original([Utterance(id="u1", speaker="S1", start=0, end=5, text=source)], NAMES, "en")
    return captions.bilingual(ours, theirs, ("pt", "en"), 60.0)


def test_both_languages_stand_one_above_the_other() -> None:
    (cue,) = both("Bom dia a todos.", "Good morning, everyone.", (1.0, 3.0))
    assert (cue.start, cue.end, cue.lines) == (1.0, 3.0, ["Bom dia a todos.", "Good morning, everyone."])


def test_both_languages_are_cut_alike() -> None:
    cues = both(
        "Bom dia a todos vocês, e obrigado por terem vindo tão cedo.",
        "Good morning to you all, and thank you for coming so early.",
        (1.0, 6.0),
    )
    assert [cue.lines for cue in cues] == [
        ["Bom dia a todos vocês,", "Good morning to you all,"],
        ["e obrigado por terem vindo tão cedo.", "and thank you for coming so early."],
    ]


@pytest.mark.parametrize(("language", "words"), [("ar", ["كلمات "] * 300), ("zh", list("大家早上好" * 72))])
def test_a_very_long_line_is_cut_at_once(monkeypatch: pytest.MonkeyPatch, language: str, words: list[str]) -> None:
    asked = 0

    def counted(text: Measured, start: int, end: int) -> float:
        nonlocal asked
        asked += 1
        return length(text, start, end)

    length = Measured.length
    monkeypatch.setattr(Measured, "length", counted)
    line = Spoken("u1", "Ana", tuple(Timed(word, n / 3, (n + 1) / 3) for n, word in enumerate(words)))
    cues = captions.bilingual([line], [line], (language, "en"), 600.0)
    assert "".join("".join(cue.lines[0].split()) for cue in cues) == "".join("".join(words).split())
    # In both texts, by cue and end, as many starts as a line of 42 holds; all pairs would be dozens of times that.
    assert asked < 2 * len(cues) * len(words) * (42 + 8)


def test_a_speaker_without_a_name_goes_by_the_id() -> None:
    ours = captions.spoken([placed("u1", "S9", "Bom dia.", (1.0, 3.0))], NAMES, "pt")
    theirs = captions.original([said("u1", "S8", ("Good", 0, 1), ("morning.", 1, 2))], NAMES, "en")
    assert [line.speaker for line in [*ours, *theirs]] == ["S9", "S8"]


def test_a_line_without_a_source_is_shown_alone() -> None:
    ours = captions.spoken([placed("u9", "S1", "Bom dia.", (1.0, 3.0))], NAMES, "pt")
    assert [cue.lines for cue in captions.bilingual(ours, [], ("pt", "en"), 60.0)] == [["Bom dia."]]


TEXTS = st.lists(st.text("abcdé.,!'", min_size=1, max_size=14) | st.just("x" * 60), min_size=1, max_size=25)
PLACES = st.lists(
    st.tuples(st.sampled_from(sorted(NAMES)), TEXTS.map(" ".join), st.floats(0, 40), st.floats(0.1, 9)),
    min_size=1,
    max_size=8,
)


@given(PLACES, st.sampled_from(["en", "pt", "ko"]))
@settings(max_examples=60, deadline=None)
def test_whatever_is_said_is_shown_within_the_limits(given_places: list, language: str) -> None:
    places = [placed(f"u{n}", s, text, (a, a + d)) for n, (s, text, a, d) in enumerate(given_places)]
    spoken = captions.spoken(places, NAMES, language)
    cues = captions.cues(spoken, language, 50.0)
    limits = norm(language)
    for speaker in NAMES.values():
        lines = [line for line in spoken if line.speaker == speaker]
        text = " ".join("".join(unit.text for unit in line.units) for line in lines)
        assert " ".join(s.text.replace("\n", " ").strip() for c in cues for s in c.said if s.speaker == speaker) == text
    assert all(0 <= c.start < c.end <= min(50.0, c.start + LONGEST + MS) for c in cues)
    assert all(a.end <= b.start for a, b in itertools.pairwise(cues))
    for cue in cues:
        assert len(cue.lines) <= 2
        assert all(limits.length(line) <= limits.width or " " not in line.removeprefix("- ") for line in cue.lines)
    back = subtitles.parse(subtitles.srt(cues))
    assert [(c.start, c.end) for c in back] == spans(cues)
    assert [(c.speaker, c.text) for c in subtitles.parse(subtitles.vtt(cues))] == [(c.speaker, c.text) for c in cues]


@given(PLACES, PLACES)
@settings(max_examples=30, deadline=None)
def test_both_languages_are_shown_whole(given_places: list, others: list) -> None:
    ours = captions.spoken(
        [placed(f"u{n}", s, text, (a, a + d)) for n, (s, text, a, d) in enumerate(given_places)], NAMES, "pt"
    )
    theirs = [
        Spoken(f"u{n}", NAMES[s], tuple(Timed(f"{word} ", a, a + d) for word in text.split()))
        for n, (s, text, a, d) in enumerate(others)
    ]
    cues = captions.bilingual(ours, theirs, ("pt", "en"), 50.0)
    assert all(0 <= c.start < c.end <= 50.0 for c in cues)
    assert all(a.end <= b.start for a, b in itertools.pairwise(cues))
    shown = sorted(word for cue in cues for word in cue.text.split())
    twins = [line for line in theirs if line.id in {o.id for o in ours}]
    assert shown == sorted(u.text.strip() for line in [*ours, *twins] for u in line.units)

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubkit.artefacts import Word
from dubkit.utterances import UtteranceSettings, ends_sentence, in_order, utterances

TEXTS = st.sampled_from(["yes", "no,", "well.", "Why?", "Mr.", "“stop!”", "it", "—", "3.5", "…"])


@st.composite
def spoken(draw: st.DrawFn) -> list[Word]:
    """One speaker's words as a recogniser gives them after ordering: one after the other."""
    at = 0.0
    words = []
    for n in range(draw(st.integers(0, 25))):
        start = at + draw(st.sampled_from([0.0, 0.05, 0.3, 0.7, 2.5]))
        at = start + draw(st.floats(0.01, 4))
        words.append(Word(text=f"{n}{draw(TEXTS)}", start=start, end=at, confidence=draw(st.floats(0, 1))))
    return words


@given(st.dictionaries(st.sampled_from(["S1", "S2", "S3"]), spoken()))
def test_no_word_is_lost_or_doubled_and_all_stay_in_order(said: dict[str, list[Word]]) -> None:
    found = utterances(said, UtteranceSettings())
    for speaker, words in said.items():
        assert [w for u in found if u.speaker == speaker for w in u.words] == words
    assert [u.id for u in found] == [f"u{n:04}" for n in range(1, len(found) + 1)]
    assert [u.start for u in found] == sorted(u.start for u in found)
    for u in found:
        assert u.text.split() == [part for w in u.words for part in w.text.split()]
        assert (u.start, u.end) == (u.words[0].start, u.words[-1].end)
        assert 0 <= u.confidence <= 1


@given(spoken(), st.floats(2, 10))
def test_just_what_cannot_be_cut_is_too_long(words: list[Word], limit: float) -> None:
    for u in utterances({"S1": words}, UtteranceSettings(max_length=limit)):
        assert u.end - u.start <= limit + 1e-6 or len(u.words) < 4


recognised = st.lists(
    st.tuples(st.floats(0, 30).map(lambda x: round(x, 3)), st.floats(0, 5).map(lambda x: round(x, 3)), TEXTS),
    max_size=15,
)


@given(recognised)
def test_words_in_order_neither_overlap_nor_get_lost(found: list[tuple[float, float, str]]) -> None:
    words = [Word(text=f"{n}{text}", start=start, end=start + length) for n, (start, length, text) in enumerate(found)]
    ordered = in_order(words)
    assert sorted(w.text for w in ordered) == sorted(w.text for w in words)
    by_text = {w.text: w for w in words}
    assert [by_text[w.text].start for w in ordered] == sorted(w.start for w in words)
    for before, after in pairwise(ordered):
        assert after.start >= before.end
    for word in ordered:
        assert word.end > word.start
        assert word.start >= by_text[word.text].start


def test_words_that_do_not_overlap_are_left_as_they_are() -> None:
    words = [Word(text="a", start=0.0, end=0.5), Word(text="b", start=0.5, end=0.9), Word(text="c", start=2.0, end=2.4)]
    assert in_order(words[::-1]) == words


def test_a_word_that_runs_into_the_next_one_ends_where_that_begins() -> None:
    words = [Word(text="a", start=0.0, end=5.0), Word(text="b", start=0.6, end=0.9), Word(text="c", start=1.0, end=1.4)]
    assert [(w.start, w.end) for w in in_order(words)] == [(0.0, 0.6), (0.6, 0.9), (1.0, 1.4)]


def said(*words: tuple[str, float, float]) -> list[Word]:
    return [Word(text=text, start=start, end=end) for text, start, end in words]


def texts(words: list[Word], **settings: float) -> list[str]:
    return [u.text for u in utterances({"S1": words}, UtteranceSettings(**settings))]


def test_a_sentence_is_an_utterance() -> None:
    words = said(("Come", 0, 0.5), ("in.", 0.5, 1.2), ("Sit", 1.3, 1.9), ("down!", 1.9, 2.5))
    assert texts(words) == ["Come in.", "Sit down!"]


def test_a_long_silence_ends_an_utterance_inside_a_sentence() -> None:
    words = said(("I", 0, 0.4), ("was", 0.4, 1.0), ("thinking", 3.5, 4.6))
    assert texts(words) == ["I was", "thinking"]


def test_a_very_short_sentence_joins_its_neighbour() -> None:
    assert texts(said(("No.", 0, 0.3), ("Not", 0.5, 1.0), ("me.", 1.0, 1.8))) == ["No. Not me."]
    assert texts(said(("Not", 0, 0.7), ("me.", 0.7, 1.4), ("No.", 1.6, 1.8))) == ["Not me. No."]
    assert texts(said(("No.", 0, 0.3), ("Not", 0.9, 1.4), ("me.", 1.4, 2.2))) == ["No.", "Not me."]


def test_a_long_sentence_is_cut_at_its_longest_pause_best_at_a_comma() -> None:
    spans = [(n * 1.1, n * 1.1 + 1.0) for n in range(10)]
    words = [Word(text=f"w{n}" + ("," if n == 4 else ""), start=a, end=b) for n, (a, b) in enumerate(spans)]
    assert texts(words, max_length=8) == ["w0 w1 w2 w3 w4,", "w5 w6 w7 w8 w9"]


def test_two_speakers_are_never_mixed() -> None:
    words = {"S1": said(("Hello", 0, 1), ("there", 1, 2)), "S2": said(("Hi", 0.5, 1.5), ("you.", 1.5, 2.5))}
    found = utterances(words, UtteranceSettings())
    assert [(u.id, u.speaker, u.text) for u in found] == [("u0001", "S1", "Hello there"), ("u0002", "S2", "Hi you.")]


def test_an_utterance_is_as_sure_as_its_words_are_on_average() -> None:
    words = [Word(text=t, start=n, end=n + 0.9, confidence=c) for n, (t, c) in enumerate([("a", 0.5), ("b", 1.0)])]
    assert utterances({"S1": words}, UtteranceSettings())[0].confidence == 0.75


@pytest.mark.parametrize(
    ("word", "ends"),
    [
        ("here.", True),
        ("here?!", True),
        ("here.”", True),
        ("here…", True),
        ("です。", True),
        ("です。」", True),
        ("है।", True),
        ("؟هل", False),
        ("لماذا؟", True),
        ("ပါ။", True),
        ("here", False),
        ("here,", False),
        ("Mr.", False),
        ("Sra.", False),
        ("J.", False),
        ("e.g.", False),
        ("3.5", False),
        ("...", True),
    ],
)
def test_the_end_of_a_sentence(word: str, ends: bool) -> None:
    assert ends_sentence(word) is ends


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["今日", "は", "寒い。"], "今日は寒い。"),
        (["我", "用", "AI", "工作。"], "我用AI工作。"),
        (["ไป", "ไหน", "มา"], "ไปไหนมา"),
        (["오늘", "춥다."], "오늘 춥다."),
    ],
)
def test_an_utterance_has_spaces_where_its_script_has_them_and_keeps_its_words(words: list[str], text: str) -> None:
    timed = said(*((word, n / 2, n / 2 + 0.4) for n, word in enumerate(words)))
    (found,) = utterances({"S1": timed}, UtteranceSettings())
    assert found.text == text
    assert found.words == tuple(timed)


def test_a_long_chinese_sentence_is_cut_at_its_comma() -> None:
    timed = said(*((word, n, n + 0.9) for n, word in enumerate(["今天", "很", "冷，", "我", "不", "出门。"])))
    assert texts(timed, max_length=4) == ["今天很冷，", "我不出门。"]

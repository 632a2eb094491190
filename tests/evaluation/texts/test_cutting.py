"""Texts cut where their references have lines: by hand, and by rules that hold for all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubkit.errors import BadInput
from evaluation.texts.cutting import cut_like, texts_like

WORDS = st.lists(st.sampled_from(["good", "Evening", "you,", "—", "...", "42", "don't", "you."]), max_size=14)
LINES = st.lists(
    st.lists(st.sampled_from(["good", "evening", "you", "—"]), max_size=5).map(" ".join), min_size=1, max_size=5
)


@given(LINES, WORDS)
def test_the_cut_is_a_partition_in_order(lines, words):
    found = cut_like(lines, words, "en")
    assert len(found) == len(lines)
    assert [n for own in found for n in own] == list(range(len(words)))


@given(LINES, WORDS)
def test_what_is_not_compared_goes_with_the_word_before(lines, words):
    found = cut_like(lines, words, "en")
    home = {n: line for line, own in enumerate(found) for n in own}
    for n, word in enumerate(words):
        if word in ("—", "..."):
            assert home[n] == (home[n - 1] if n else 0)


@given(st.lists(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=4, unique=True), min_size=1, max_size=5))
def test_a_text_that_is_the_reference_is_cut_as_it_is(segments):
    lines = [" ".join(segment) for segment in segments]
    assert texts_like(lines, " ".join(lines), "pt") == lines


def test_case_signs_and_spelling_are_not_compared():
    references = ["Good evening, everyone.", "It's the colour of money!"]
    words = ["good", "evening", "everyone", "—", "it", "is", "the", "color", "of", "money"]
    assert cut_like(references, words, "en") == [[0, 1, 2, 3], [4, 5, 6, 7, 8, 9]]


def test_a_line_that_was_not_heard_has_no_words():
    references = ["Good evening.", "How are you?", "Fine, thanks."]
    assert texts_like(references, "Good evening. Fine, thanks.", "en") == ["Good evening.", "", "Fine, thanks."]
    assert texts_like(["One.", "Two."], "", "en") == ["", ""]


def test_signs_without_spaces_between_them_are_cut_one_by_one():
    assert texts_like(["今天很好。", "我们走吧。"], "今天很好。我们走吧。", "zh") == ["今天很好。", "我们走吧。"]


def test_without_lines_there_is_nothing_to_cut_at():
    with pytest.raises(BadInput, match="no reference segments"):
        cut_like([], ["a"], "en")

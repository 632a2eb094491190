import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubkit.line_breaks import Measured, costs, lines, norm, shared, units

ANY_SCRIPT = st.text(st.sampled_from("ab, .!-—éß กเาขไ 你好，。カー゙ひっ「」 한국어 3၊း")).map(
    lambda text: " ".join(text.split())
)
WORDS = st.lists(st.text("abcdé.,'-", min_size=1, max_size=50), min_size=1, max_size=30).map(" ".join)


def laid(text: str, language: str = "en") -> list[str]:
    """The lines of a text."""
    parts = units(text)
    return lines(parts, costs(parts, language), norm(language))


@given(ANY_SCRIPT)
def test_units_are_the_text(text: str) -> None:
    parts = units(text)
    assert "".join(parts) == text
    assert all(part.strip() for part in parts)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("A well-known man, yes.", ["A ", "well-known ", "man, ", "yes."]),
        ("word—word", ["word—", "word"]),
        ("「早上好」，他说。", ["「早", "上", "好」，", "他", "说。"]),
        ("コーヒーを飲んだっけ", ["コーヒー", "を", "飲", "ん", "だっ", "け"]),
        ("有3个iPhone吗", ["有3个", "iPhone", "吗"]),
        ("안녕하세요 여러분", ["안녕하세요 ", "여러분"]),
        ("สวัสดีเพื่อน ไปไหน", ["สวัสดี", "เพื่อน ", "ไป", "ไหน"]),
        ("བཀྲ་ཤིས་", ["བཀྲ་", "ཤིས་"]),
        ("", []),
    ],
)
def test_what_belongs_together_is_kept(text: str, parts: list[str]) -> None:
    assert units(text) == parts


@pytest.mark.parametrize(
    ("text", "language", "shown"),
    [
        ("Baked fresh bread for all of us.", "en", ["Baked fresh bread for all of us."]),
        (
            "Good morning, you two, and thank you for coming so early.",
            "en",
            ["Good morning, you two,", "and thank you for coming so early."],
        ),
        (
            "I asked them all to come at seven because the shop will be closed.",
            "en",
            ["I asked them all to come at seven", "because the shop will be closed."],
        ),
        # Neither "the / river" nor one word left over.
        ("There was nobody to be seen near the river.", "en", ["There was nobody", "to be seen near the river."]),
        ("大家早上好，谢谢你们这么早就来参加会议。", "zh", ["大家早上好，", "谢谢你们这么早就来参加会议。"]),
    ],
)
def test_lines_are_broken_where_they_read_well(text: str, language: str, shown: list[str]) -> None:
    assert laid(text, language) == shown


@given(WORDS)
def test_a_text_that_fits_two_lines_gets_two_that_fit(text: str) -> None:
    parts = units(text)
    shown = laid(text)
    assert " ".join(shown) == text
    assert len(shown) <= 2
    if Measured(parts, norm("en")).fits(0, len(parts)):
        assert all(len(line) <= 42 or line in text.split() for line in shown)


@pytest.mark.parametrize(
    ("language", "width", "speed"),
    [
        ("en", 42, 17),
        ("pt", 42, 17),
        ("zh-Hant", 16, 9),
        ("ja", 16, 7),
        ("ko", 16, 12),
        ("th", 35, 17),
        ("sr-Latn", 42, 17),
    ],
)
def test_limits_are_those_of_the_language(language: str, width: int, speed: float) -> None:
    assert (norm(language).width, norm(language).speed) == (width, speed)


@pytest.mark.parametrize(
    ("text", "language", "length"),
    [
        ("Olá, João!", "pt", 10),
        ("早上好 OK。", "zh", 5.5),
        ("안녕 OK", "ko", 3.5),
        ("สวัสดี", "th", 4),
        ("नमस्ते", "hi", 4),
    ],
)
def test_a_text_is_as_long_as_it_looks(text: str, language: str, length: float) -> None:
    assert norm(language).length(text) == length


def test_what_fits_is_what_greedy_filling_holds() -> None:
    parts = ["aaaa ", "bbbb ", "cccc ", "dddd"]
    text = Measured(parts, norm("en"))
    assert text.length(0, 2) == 9
    assert text.length(1, 4) == 14
    assert text.fits(0, 4, rows=1, width=19)
    assert not text.fits(0, 4, rows=1, width=18)
    assert text.fits(0, 4, width=9)
    assert not text.fits(0, 4, width=8)
    assert text.fits(0, 1, rows=1, width=2), "a single unit is never too long"


@given(WORDS, st.integers(20, 42))
def test_rows_are_the_fewest_that_hold_a_text(text: str, first: int) -> None:
    measured = Measured(units(text), norm("en"))
    n, n_units = measured.rows(), len(units(text))
    assert measured.fits(0, n_units, rows=n) and not measured.fits(0, n_units, rows=n - 1)
    assert n <= measured.rows(first) <= n + 1
    assert Measured([], norm("en")).rows() == 0


def test_a_text_is_shared_at_punctuation_near_the_shares() -> None:
    parts = units("Yes, I saw him. He was going to the station with two bags.")
    assert shared(parts, costs(parts, "en"), [1.0, 3.0], norm("en")) == [4, 13]
    assert shared(parts, costs(parts, "en"), [0.3, 1.0, 3.0], norm("en")) == [1, 4, 13]
    assert shared(parts, costs(parts, "en"), [1.0, 1.0], norm("en"))[0] in (7, 8)


def test_stretches_keep_to_their_widths_where_they_can() -> None:
    parts = units("One two three four, five six seven eight.")
    cuts = shared(parts, costs(parts, "en"), [1.0, 1.0, 1.0], norm("en"), [14, 14, 14])
    text = Measured(parts, norm("en"))
    assert all(text.length(a, b) <= 14 for a, b in itertools.pairwise([0, *cuts]))


def test_a_single_unit_may_be_longer_than_its_stretch_and_nothing_else() -> None:
    parts = ["aaa ", "b" * 50 + " ", "ccc"]
    assert shared(parts, costs(parts, "en"), [1.0, 1.0, 1.0], norm("en"), [10.0] * 3) == [1, 2, 3]
    with pytest.raises(ValueError, match="58 characters"):
        shared(parts, costs(parts, "en"), [1.0, 1.0], norm("en"), [10.0] * 2)


@given(WORDS, st.lists(st.floats(0, 9), min_size=1, max_size=5))
def test_all_of_a_text_is_shared(text: str, shares: list[float]) -> None:
    parts = units(text)
    cuts = shared(parts, costs(parts, "en"), shares, norm("en"))
    assert len(cuts) == len(shares)
    assert cuts == sorted(cuts)
    assert cuts[-1] == len(parts)


def test_fewer_words_than_stretches_leave_some_empty() -> None:
    assert shared(["Yes."], [0.0], [1.0, 1.0, 1.0], norm("en")) in ([1, 1, 1], [0, 1, 1], [0, 0, 1])

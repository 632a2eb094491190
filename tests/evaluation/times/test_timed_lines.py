"""Lines from timing certificates and from what is heard, and the words that are cut off at their ends."""

import pytest

from dubkit.artefacts import PlacedPhrase, Placement
from evaluation.times.timed_lines import Line, words_cut

PLACED = Placement(
    id="u1", speaker="S1", text="x", slot_start=1, slot_end=4, start=1.2, end=4.4,
    rate=1.1, stretch=1, borrowed=0.4, drift=0.2, flag="late",
    phrases=(
        PlacedPhrase(slot_start=1, slot_end=2, start=1.2, end=2.2, clip_start=0, clip_end=1),
        PlacedPhrase(slot_start=3, slot_end=4, start=3.2, end=4.4, clip_start=1.2, clip_end=2.4),
    ),
)  # fmt: skip


def test_a_certificate_is_read():
    line = Line.placed(PLACED)
    assert line.slot == ((1, 2), (3, 4)) and line.sounds == ((1.2, 2.2), (3.2, 4.4))
    assert (line.rate, line.flagged, line.cut) == (1.1, True, None)
    assert (line.onset_error, line.end_error) == pytest.approx((0.2, 0.4))


def test_where_the_source_really_speaks_takes_the_place_of_the_certificate_s_slot():
    assert Line.placed(PLACED, slot=[(0.9, 4.1)]).onset_error == pytest.approx(0.3)


def test_a_certificate_without_phrases_has_one():
    line = Line.placed(PLACED.but(phrases=()))
    assert (line.slot, line.sounds) == (((1, 4),), ((1.2, 4.4),))


def test_phrases_without_length_are_none():
    empty = PLACED.phrases[1].but(start=4.4, end=4.4)
    assert Line.placed(PLACED.but(phrases=(PLACED.phrases[0], empty))).sounds == ((1.2, 2.2),)


def test_heard_words_are_joined_to_phrases():
    line = Line.heard("u1", "S1", [(0, 3)], [(2.0, 2.4), (0.1, 0.5), (0.55, 1.0)], words=3, cut=0)
    assert line.sounds == ((0.1, 1.0), (2.0, 2.4))
    assert line.rate is line.flagged is None


def test_a_line_that_is_not_heard_has_no_sound():
    line = Line.heard("u1", "S1", [(0, 3)], [], words=3, cut=3)
    assert (line.sounds, line.length, line.overlap, line.adheres) == ((), 0, 0, False)


@pytest.mark.parametrize(("end", "adheres"), [(1.8, True), (1.79, False), (2.4, True), (2.41, False)])
def test_a_line_adheres_from_ten_percent_under_to_twenty_over(end, adheres):
    assert Line("u1", "A", ((0.0, 2.0),), ((0.0, end),)).adheres is adheres


@pytest.mark.parametrize(
    ("said", "heard", "cut"),
    [
        ("we will meet at nine", "we will meet at nine", 0),
        ("we will meet at nine", "we will meet", 2),
        # Heard wrong, but heard.
        ("we will meet at nine", "we will meet at line", 0),
        ("we will meet at nine", "we will meet a", 1),
        # Lost in the middle: the end is there.
        ("we will meet at nine", "we meet at nine", 0),
        ("we will meet at nine", "we will meet at nine o'clock", 0),
        ("we will meet at nine", "", 5),
        ("", "something", 0),
        ("no no no no", "no no", 2),
    ],
)
def test_words_that_are_cut_off(said, heard, cut):
    assert words_cut(said.split(), heard.split()) == cut

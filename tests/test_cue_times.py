import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubkit.cue_times import GAP, LONGEST, SHORTEST, times

MS = 0.001


def test_a_cue_that_can_be_read_in_time_keeps_the_speech_s_times() -> None:
    assert times([1.0, 5.0], [3.0, 8.0], [1.5, 2.0], 10.0) == [(1.0, 3.0), (5.0, 8.0)]


def test_a_fast_cue_stays_in_the_silence_after_it() -> None:
    assert times([1.0, 5.0], [3.0, 8.0], [2.8, 2.0], 10.0) == [(1.0, 3.8), (5.0, 8.0)]


def test_where_that_is_not_enough_it_comes_a_little_early() -> None:
    assert times([1.0, 3.0], [2.9, 6.0], [2.1, 2.0], 10.0) == [
        (pytest.approx(3 - GAP - 2.1, abs=MS), pytest.approx(3 - GAP, abs=MS)),
        (3.0, 6.0),
    ]


def test_it_takes_no_more_than_what_a_reader_does_not_mind() -> None:
    (start, end), (next_start, _) = times([1.0, 3.0], [2.9, 6.0], [4.0, 3.0], 10.0)
    assert (start, next_start) == (0.7, 3.2)
    assert end == pytest.approx(3.2 - GAP, abs=MS)


def test_a_word_is_shown_long_enough_to_be_seen() -> None:
    assert times([1.0], [1.2], [0.2], 10.0) == [(1.0, pytest.approx(1 + SHORTEST, abs=MS))]


def test_a_cue_is_never_shown_for_more_than_seven_seconds() -> None:
    assert times([1.0], [12.0], [9.0], 20.0) == [(1.0, 8.0)]


def test_short_gaps_are_closed_to_two_frames() -> None:
    assert times([1.0, 3.0, 6.0], [2.7, 5.4, 7.0], [1.0, 1.0, 1.0], 10.0)[:2] == [
        (1.0, pytest.approx(3 - GAP, abs=MS)),
        (3.0, 5.4),
    ]


def test_nothing_is_shown_beyond_the_film() -> None:
    assert times([8.0], [12.0], [3.0], 10.0)[0][1] == 10.0


def test_hurry_is_spread_over_neighbours() -> None:
    # The first cue is read a little faster than it had to be, so that the second is not read at twice the speed.
    assert times([0.0, 1.9], [1.0, 2.8], [2.0, 2.0], 2.8) == [
        (0.0, pytest.approx(0.85 * 2, abs=MS)),
        (pytest.approx(1.7 + GAP, abs=MS), 2.8),
    ]


@given(
    st.lists(st.tuples(st.floats(0, 30), st.floats(0, 20), st.floats(0, 12)), min_size=1, max_size=25),
    st.floats(1, 40),
)
def test_cues_follow_each_other_inside_the_film(cues: list[tuple[float, float, float]], duration: float) -> None:
    cues = sorted(cues)
    found = times([c[0] for c in cues], [c[0] + c[1] for c in cues], [c[2] for c in cues], duration)
    assert len(found) == len(cues)
    assert found[0][0] >= 0
    assert found[-1][1] <= duration
    assert all(start < end <= start + LONGEST + MS for start, end in found)
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(found))


def test_no_cues_need_no_times() -> None:
    assert times([], [], [], 10.0) == []

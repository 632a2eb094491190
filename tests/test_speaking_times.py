"""Stretches in which the same people talk, and what they add up to, by hand."""

from __future__ import annotations

import itertools

import pytest
from builders import turns
from hypothesis import given
from hypothesis import strategies as st

from dubkit.artefacts import Turns
from dubkit.speaking_times import Stretch, longest_alone, overlaps, speaking_times, stretches

TALK = turns(("S1", 0, 4), ("S2", 3, 5), ("S1", 6, 7), ("S3", 6.5, 6.75), ("S2", 7, 9))


def test_the_film_is_cut_where_somebody_begins_or_ends() -> None:
    assert stretches(TALK) == [
        Stretch(0, 3, ("S1",)),
        Stretch(3, 4, ("S1", "S2")),
        Stretch(4, 5, ("S2",)),
        Stretch(6, 6.5, ("S1",)),
        Stretch(6.5, 6.75, ("S1", "S3")),
        Stretch(6.75, 7, ("S1",)),
        Stretch(7, 9, ("S2",)),
    ]


def test_touching_and_overlapping_turns_of_one_speaker_are_one_stretch() -> None:
    assert stretches(turns(("S1", 0, 2), ("S1", 2, 3), ("S1", 2.5, 4))) == [Stretch(0, 4, ("S1",))]
    assert overlaps(turns(("S1", 0, 2), ("S1", 1, 3))) == []


def test_overlaps_are_where_several_talk() -> None:
    assert overlaps(TALK) == [Stretch(3, 4, ("S1", "S2")), Stretch(6.5, 6.75, ("S1", "S3"))]


def test_everyone_is_heard_alone_where_they_ever_are() -> None:
    assert longest_alone(TALK) == [Stretch(0, 3, ("S1",)), Stretch(7, 9, ("S2",)), Stretch(6.5, 6.75, ("S1", "S3"))]


def test_speaking_times_by_hand() -> None:
    table = speaking_times(TALK, 10)
    assert list(table.index) == ["S1", "S2", "S3"]
    assert table.loc["S1"].to_dict() == pytest.approx(
        {"turns": 2, "seconds": 5, "share": 0.5, "overlapped": 1.25, "longest": 4}
    )
    assert table.loc["S2"].to_dict() == pytest.approx(
        {"turns": 2, "seconds": 4, "share": 0.4, "overlapped": 1, "longest": 2}
    )
    assert table.loc["S3", "overlapped"] == table.loc["S3", "seconds"] == 0.25


def test_a_film_without_speech_has_an_empty_table() -> None:
    table = speaking_times(Turns(turns=()), 10)
    assert table.empty and list(table.columns) == ["turns", "seconds", "share", "overlapped", "longest"]
    assert longest_alone(Turns(turns=())) == []


SPANS = st.tuples(st.sampled_from(["a", "b", "c"]), st.integers(0, 40), st.integers(1, 20))


@given(st.lists(SPANS, max_size=12))
def test_stretches_hold_who_talks_at_every_moment(drawn: list[tuple[str, int, int]]) -> None:
    found = turns(*sorted(((who, a, a + n) for who, a, n in drawn), key=lambda t: t[1]))
    cut = stretches(found)
    for tenth in range(0, 600, 5):
        now = tenth / 10 + 0.05
        talking = {t.speaker for t in found.turns if t.start <= now < t.end}
        assert [set(s.speakers) for s in cut if s.start <= now < s.end] == ([talking] if talking else [])
    assert all(a.end < b.start or a.speakers != b.speakers for a, b in itertools.pairwise(cut))

"""Timing of a dub against hand-computed cases and known damage."""

import dataclasses
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubkit.errors import BadInput
from evaluation.metrics import timing
from evaluation.times.timed_lines import Line

SOURCE = (
    ("u1", "A", ((1.0, 2.0), (2.5, 4.0))),
    ("u2", "B", ((5.0, 8.0),)),
    ("u3", "A", ((9.0, 11.0),)),
    ("u4", "A", ((12.0, 13.0),)),
)
RATES = (1.0, 1.2, 1.1, 0.95)


def perfect() -> list[Line]:
    return [
        Line(name, who, slot, slot, rate, words=4, cut=0, flagged=False)
        for (name, who, slot), rate in zip(SOURCE, RATES, strict=True)
    ]


def moved(lines: list[Line], by: float) -> list[Line]:
    return [dataclasses.replace(x, sounds=tuple((a + by, b + by) for a, b in x.sounds)) for x in lines]


def changed(n: int, **fields: object) -> list[Line]:
    """The perfect dub with one line changed."""
    lines = perfect()
    lines[n] = dataclasses.replace(lines[n], **fields)  # type: ignore[arg-type]
    return lines


def values(lines: list[Line], duration: float = 20.0) -> dict[str, float]:
    found = timing.score(lines, duration)
    return {m.name.removeprefix("timing."): found.value(m) for m in timing.MEASURES}


def test_a_dub_that_lies_as_its_source_is_perfect():
    found = values(perfect())
    worst = {"onset", "onset_p95", "end", "duration_error", "collisions", "cut_words", "pauses_broken", "flagged"}
    assert {name: found[name] for name in worst} == dict.fromkeys(worst, 0)
    assert (found["overlap"], found["adherence"], found["iou"]) == (1, 1, 1)
    assert found["rate_max"] == 1.2


def test_a_fifth_of_a_second_late_moves_onsets_and_ends_and_nothing_of_lengths_and_rates():
    before, after = values(perfect()), values(moved(perfect(), 0.2))
    assert (after["onset"], after["onset_p95"], after["end"]) == pytest.approx((0.2, 0.2, 0.2))
    kept = ("duration_error", "overlap", "adherence", "rate_p95", "rate_max", "rate_jump", "cut_words", "flagged")
    assert [after[k] for k in kept] == pytest.approx([before[k] for k in kept], abs=1e-9)
    # 8.5 s of speech in five phrases, each of which loses 0.2 s at its start and gains as much at its end.
    assert after["iou"] == pytest.approx((8.5 - 1.0) / (8.5 + 1.0))


def test_lengths_by_hand():
    # 3 s for 2 s, 1.5 s for 3 s, and two that fit.
    lines = perfect()
    lines[1] = dataclasses.replace(lines[1], sounds=((5.0, 6.5),))
    lines[2] = dataclasses.replace(lines[2], sounds=((8.5, 11.5),))
    found = values(lines)
    assert found["overlap"] == pytest.approx((1 + 1 / 2 + 2 / 3 + 1) / 4)
    assert found["adherence"] == 0.5
    # Differences are 0, 1.5, 1, 0.
    assert found["duration_error"] == pytest.approx(0.5)
    assert found["onset"] == pytest.approx(0.0) and found["onset_p95"] == pytest.approx(0.5 * 0.85)


def test_speech_is_held_against_the_slots_frame_by_frame_and_window_by_window():
    found = timing.score(changed(2, sounds=((9.5, 11.0),)), 20.0)
    # The slot from 9 to 11 s lies in two windows.
    assert [(w.window, w.both, w.either) for w in found.shared] == [("0 s", 600, 650), ("10 s", 200, 200)]
    assert found.value(timing.IOU) == pytest.approx(800 / 850)


def test_what_sounds_after_the_film_is_over_counts():
    found = timing.score(changed(3, slot=((18.0, 20.0),), sounds=((18.0, 24.0),)), 20.0)
    assert (found.shared[-1].both, found.shared[-1].either) == (100 + 200, 100 + 600)


def test_rates_and_their_jumps():
    found = timing.score(perfect(), 20.0)
    # A's lines have 1, 1.1 and 0.95; B has one.
    assert found.jumps == pytest.approx({"u3": 0.1, "u4": 0.15})
    assert found.value(timing.RATE_JUMP) == pytest.approx(0.1 + 0.95 * 0.05)
    assert found.value(timing.RATE_P95) == pytest.approx(1.1 + 0.85 * 0.1)


def test_lines_of_one_speaker_that_sound_together():
    # u3 runs on for half a second into u4; B may speak into anybody.
    found = timing.score(changed(2, sounds=((9.0, 12.5),)), 20.0)
    assert found.colliding == (("u3", "u4"),)
    assert found.value(timing.COLLISIONS) == 0.25
    assert values(changed(1, sounds=((5.0, 10.0),)))["collisions"] == 0
    assert values(changed(2, sounds=((9.0, 12.04),)))["collisions"] == 0


def test_a_pause_that_is_spoken_through_is_broken():
    assert values(changed(0, sounds=((1.0, 4.0),)))["pauses_broken"] == 1
    assert values(changed(0, sounds=((1.0, 2.2), (2.5, 4.0))))["pauses_broken"] == 0


def test_cut_words_are_shares_of_all_words():
    assert values(changed(0, cut=3))["cut_words"] == pytest.approx(3 / 16)


def test_a_line_that_is_not_there():
    found = timing.score(changed(0, sounds=(), rate=None, cut=4), 20.0)
    assert found.value(timing.OVERLAP) == found.value(timing.ADHERENCE) == 0.75
    assert found.value(timing.CUT_WORDS) == 4 / 16
    assert found.value(timing.PAUSES_BROKEN) == 1
    onsets = [s.unit for s in found.samples() if s.measure == "timing.onset"]
    assert onsets == ["u2", "u3", "u4"]
    # The next line is held against the last one that is there.
    assert found.jumps == pytest.approx({"u4": 0.15})


def test_what_is_not_known_has_no_samples():
    lines = [dataclasses.replace(x, rate=None, cut=None, flagged=None) for x in perfect()]
    found = timing.score(lines, 20.0)
    known = {s.measure for s in found.samples()}
    assert known.isdisjoint(
        {"timing.rate_p95", "timing.rate_max", "timing.rate_jump", "timing.cut_words", "timing.flagged"}
    )
    assert math.isnan(found.value(timing.RATE_MAX))
    assert found.value(timing.ONSET) == 0


def test_every_measure_has_samples():
    assert {s.measure for s in timing.score(perfect(), 20.0).samples()} == {m.name for m in timing.MEASURES}


@given(st.permutations(range(4)), st.floats(-0.9, 3.0))
def test_order_does_not_matter_and_a_shift_is_the_onset_error(order, by):
    lines = moved(perfect(), by)
    found = values([lines[n] for n in order])
    assert found == values(lines)
    assert found["onset"] == pytest.approx(abs(by)) and found["end"] == pytest.approx(abs(by))
    assert found["overlap"] == pytest.approx(1)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([], "no lines"),
        ([perfect()[0], perfect()[0]], "occur twice: u1"),
        (changed(0, slot=()), "'u1' has no slot"),
        (changed(0, slot=((2.0, 1.0),)), "slot of line 'u1'.* ends before it starts"),
        (changed(0, sounds=((3.0, 4.0), (1.0, 2.0))), "dub of line 'u1'.* out of order"),
        (changed(0, sounds=((math.nan, math.nan),)), "no number"),
        (changed(0, sounds=((-1.0, 2.0),)), "before the film"),
        (changed(3, slot=((19.0, 21.0),)), "after the film"),
        (changed(0, rate=0.0), "rate 0"),
        (changed(0, cut=5), "5 of 4 words cut"),
    ],
)
def test_what_cannot_be_scored_is_refused(lines, told):
    with pytest.raises(BadInput, match=told):
        timing.score(lines, 20.0)


def test_a_film_without_length_is_refused():
    with pytest.raises(BadInput, match="length in seconds"):
        timing.score(perfect(), math.inf)

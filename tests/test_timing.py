"""The schedule of phrases: rules that hold for any film, and small films whose best schedule is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dubkit.timing import BREATH, Schedule, Slot, TimingSettings, solve

USUAL = TimingSettings()
TOLERANCE = 1e-4


def one(
    start: float, end: float, natural: float, *, speaker: str = "S1", line: int = 0, length: float | None = None
) -> Slot:
    return Slot(line, speaker, start, end, natural, length)


@st.composite
def films(draw: st.DrawFn, most: int = 12) -> tuple[list[Slot], float]:
    """Phrases of up to three speakers, with gaps, overlaps, and dubs from far too short to far too long."""
    at, slots = draw(st.floats(0, 3)), []
    for line in range(draw(st.integers(1, most))):
        speaker = draw(st.sampled_from(["S1", "S2", "S3"]))
        for _ in range(draw(st.integers(1, 3))):
            length = draw(st.floats(0.1, 6))
            slots.append(one(at, at + length, length * draw(st.floats(0.4, 3)), speaker=speaker, line=line))
            at += length + draw(st.floats(0.15, 0.6))
        at = max(0.0, at + draw(st.floats(-1.0, 2.0)))
    slots.sort(key=lambda s: (s.start, s.end))
    return slots, max(s.end for s in slots) + draw(st.floats(0, 3))


def rates(slots: list[Slot], found: Schedule) -> np.ndarray:
    return np.array([s.natural for s in slots]) / found.lengths


@settings(deadline=None, max_examples=60)
@given(films())
def test_any_film_has_a_schedule_that_is_finite_ordered_and_within_it(film: tuple[list[Slot], float]) -> None:
    slots, duration = film
    found = solve(slots, duration)
    assert np.isfinite(found.starts).all() and np.isfinite(found.lengths).all()
    assert (found.starts >= 0).all() and (found.lengths >= 0).all()
    assert (found.ends <= duration + TOLERANCE).all()
    assert (np.diff(found.starts) >= 0).all()
    assert (rates(slots, found) >= USUAL.slowest - TOLERANCE).all()
    if found.squeezed == 0:
        assert (rates(slots, found) <= USUAL.fastest + TOLERANCE).all()


@settings(deadline=None, max_examples=60)
@given(films())
def test_nobody_talks_over_themselves_and_speakers_overlap_no_more_than_they_did(
    film: tuple[list[Slot], float],
) -> None:
    slots, duration = film
    found = solve(slots, duration)
    for i, a in enumerate(slots):
        for j in range(i + 1, len(slots)):
            over = found.ends[i] - found.starts[j]
            if slots[j].speaker == a.speaker:
                assert over <= TOLERANCE
            else:
                assert over <= max(0.0, a.end - slots[j].start) + TOLERANCE


@settings(deadline=None, max_examples=40)
@given(films(), st.floats(0.5, 1000))
def test_shifting_the_film_shifts_the_schedule(film: tuple[list[Slot], float], by: float) -> None:
    slots, duration = film
    # A line that would rather begin before the film does is held by its start, a shifted one is not.
    slots = [one(s.start + 30, s.end + 30, s.natural, speaker=s.speaker, line=s.line) for s in slots]
    moved = [one(s.start + by, s.end + by, s.natural, speaker=s.speaker, line=s.line) for s in slots]
    here, there = solve(slots, duration + 30), solve(moved, duration + 30 + by)
    assert there.cost == pytest.approx(here.cost, rel=1e-4, abs=1e-3)
    # Where lines have room the optimum is flat, and where in it the solver stops is another on every kind of processor.
    assert np.allclose(there.lengths, here.lengths, atol=5e-2)
    assert np.allclose(there.starts, here.starts + by, atol=5e-2)


@settings(deadline=None, max_examples=40)
@given(films(), st.floats(0.1, 20))
def test_more_film_never_makes_it_worse(film: tuple[list[Slot], float], more: float) -> None:
    slots, duration = film
    tight, roomy = solve(slots, duration), solve(slots, duration + more)
    assert roomy.cost <= tight.cost + 1e-3 * max(1.0, abs(tight.cost))
    assert roomy.squeezed <= tight.squeezed + TOLERANCE


@settings(deadline=None, max_examples=30)
@given(films(), st.floats(1.25, 2.0))
def test_a_higher_limit_of_the_rate_never_makes_it_worse(film: tuple[list[Slot], float], fastest: float) -> None:
    slots, duration = film
    free = solve(slots, duration, TimingSettings(fastest=fastest))
    assert free.cost <= solve(slots, duration).cost + 1e-3 * max(1.0, abs(free.cost))


def test_what_fits_is_left_alone() -> None:
    slots = [one(1, 3, 2.0), one(4, 6, 2.0, speaker="S2", line=1)]
    found = solve(slots, 10)
    assert found.starts == pytest.approx([1, 4], abs=1e-5)
    assert found.lengths == pytest.approx([2, 2], abs=1e-5)
    assert (found.cost, found.squeezed) == (pytest.approx(0, abs=1e-5), 0)


@pytest.mark.parametrize(("natural", "length"), [(2.3, 2.0), (1.85, 2.0), (1.2, 1.2 / 0.9)])
def test_a_phrase_fills_its_slot_as_far_as_the_rate_may_go(natural: float, length: float) -> None:
    found = solve([one(1, 3, natural)], 10)
    assert found.starts[0] == pytest.approx(1, abs=1e-4)
    assert found.lengths[0] == pytest.approx(length, abs=1e-3)


def test_what_is_too_long_borrows_the_silence_after_it() -> None:
    found = solve([one(1, 3, 3.0), one(5, 6, 1.0, line=1)], 10)
    assert rates([one(1, 3, 3.0)], Schedule(found.starts[:1], found.lengths[:1], 0, 0))[0] <= 1.25 + 1e-6
    assert found.starts == pytest.approx([1, 5], abs=1e-4)
    assert 2.4 - 1e-4 <= found.lengths[0] <= 3.0


def test_two_lines_of_one_speaker_keep_the_gap_and_phrases_of_one_line_at_least_a_breath() -> None:
    lines = solve([one(0, 1, 1.25), one(1, 2, 1.25, line=1)], 2.6, TimingSettings(gap=0.2))
    assert lines.starts[1] - lines.ends[0] >= 0.2 - 1e-5
    phrases = solve([one(0, 1, 1.25), one(1, 2, 1.25)], 2.6, TimingSettings(gap=0.2))
    assert BREATH - 1e-5 <= phrases.starts[1] - phrases.ends[0] < 0.2


def test_what_fits_no_other_way_is_shared_and_told() -> None:
    slots = [one(float(n), n + 1.0, 2.0, line=n) for n in range(5)]
    found = solve(slots, 5.0, TimingSettings(gap=0.0))
    assert found.squeezed == pytest.approx(5 * (2 / 1.25 - 1), abs=1e-2)
    assert rates(slots, found) == pytest.approx([2.0] * 5, abs=0.05)


def test_too_long_a_line_is_shared_with_its_neighbours() -> None:
    slots = [one(0, 2, 2.0), one(2.1, 4.1, 3.4, line=1), one(4.2, 6.2, 2.0, line=2)]
    found = solve(slots, 6.3)
    assert found.squeezed == 0
    assert (rates(slots, found) <= 1.25 + 1e-6).all()
    assert rates(slots, found)[0] > 1.08 and rates(slots, found)[2] > 1.08


def test_a_given_length_is_kept() -> None:
    found = solve([one(1, 3, 2.6, length=2.5), one(3.2, 5, 1.8, line=1)], 10)
    assert found.lengths[0] == pytest.approx(2.5, abs=1e-5)
    assert found.starts[1] - found.ends[0] >= USUAL.gap - 1e-5


def test_sound_before_its_picture_is_worse_than_after_it() -> None:
    slots = [one(1, 2, 2.2, length=2.0), one(2.2, 3.2, 1.0, line=1, length=1.0)]
    found = solve(slots, 10)
    assert found.starts[0] == pytest.approx(1, abs=1e-4) and found.starts[1] > 3


@pytest.mark.parametrize(("n", "duration"), [(3, 0.05), (40, 1.0)])
def test_more_phrases_than_there_is_room_for_breaths(n: int, duration: float) -> None:
    slots = [one(0.0, 0.5, 0.5) for _ in range(n)]
    found = solve(slots, duration)
    assert (found.ends <= duration + TOLERANCE).all() and (found.lengths >= 0).all() and found.squeezed > 0


def test_a_film_without_speech_has_an_empty_schedule() -> None:
    found = solve([], 10)
    assert len(found.starts) == len(found.lengths) == 0 and found.cost == 0


@pytest.mark.parametrize(
    ("slots", "told"),
    [
        ([one(2, 3, 1), one(1, 3, 1)], "order of their starts"),
        ([one(3, 2, 1)], "cannot be placed"),
        ([one(1, 2, 0)], "cannot be placed"),
        ([one(1, float("nan"), 1)], "cannot be placed"),
        ([one(-1, 2, 1)], "cannot be placed"),
    ],
)
def test_slots_that_make_no_sense_are_refused(slots: list[Slot], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        solve(slots, 10)

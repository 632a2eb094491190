"""The plan of the slowed picture and the map of times."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubkit.retiming import JUMP, LEAST, STAIR, TimeMap, plan, windows


@dataclass(frozen=True)
class Slot:
    start: float
    end: float


@st.composite
def films(draw: st.DrawFn) -> tuple[list[Slot], list[float], float]:
    """Lines of up to four seconds that may overlap, and dubs from half to three times as long."""
    slots, naturals, at = [], [], 0.0
    for _ in range(draw(st.integers(0, 12))):
        at = max(0.0, at + draw(st.floats(-1.0, 3.0)))
        length = draw(st.floats(0.2, 4.0))
        slots.append(Slot(at, at + length))
        naturals.append(length * draw(st.floats(0.5, 3.0)))
        at += length
    return slots, naturals, max([s.end for s in slots], default=0.0) + draw(st.floats(0.1, 5.0))


def slopes(times: TimeMap) -> np.ndarray:
    """How much slower each stretch of the film runs."""
    film, dub = np.asarray(times.knots).T
    return np.asarray(np.diff(dub) / np.diff(film))


@given(films(), st.floats(1.0, 1.5))
def test_any_plan_is_a_map_that_can_be_inverted_with_slopes_within_the_limits(film, most):
    slots, naturals, duration = film
    times = plan(slots, naturals, duration, most=most)
    assert times.knots[0] == (0.0, 0.0)
    assert times.knots[-1][0] == pytest.approx(duration, abs=1e-6)
    # Knots are rounded to microseconds; a piece lasts a fifth of a second, but for the last.
    lengths = np.diff(np.asarray(times.knots)[:, 0])
    assert np.all(slopes(times) >= 1 - 2e-6 / lengths)
    assert np.all(slopes(times) <= most + 2e-6 / lengths)
    moments = np.linspace(0, duration, 101)
    assert times.film(times.dub(moments)) == pytest.approx(moments, abs=1e-9)
    assert np.all(np.diff(times.dub(moments)) > 0)


@given(films(), st.floats(1.0, 1.5))
def test_every_line_has_the_time_that_it_needs_or_all_that_is_allowed(film, most):
    slots, naturals, duration = film
    times = plan(slots, naturals, duration, most=most)
    for (start, end), natural in zip(windows(slots, duration, 0.08, 0.8), naturals, strict=True):
        # A line that needs less than three per cent is not bothered with; the factor itself is rounded to a thousandth.
        allowed = (end - start) * max(1.0, most - 0.001)
        given_time = times.dub(end) - times.dub(start)
        assert given_time >= min(natural / 1.1 / LEAST, allowed) - 1e-5
        if natural / 1.1 >= LEAST * (end - start):
            assert given_time >= min(natural / 1.1, allowed) - 1e-5


@given(films(), st.floats(1.0, 1.5))
def test_the_speed_never_jumps(film, most):
    slots, naturals, duration = film
    times = plan(slots, naturals, duration, most=most)
    at = np.arange(STAIR / 2, duration - STAIR, STAIR)
    speeds = (times.dub(at + 0.01) - times.dub(at - 0.01)) / 0.02
    assert np.all(np.abs(np.diff(speeds)) <= JUMP + 1e-3)


@given(films())
def test_nothing_changes_where_all_lines_fit(film):
    slots, _, duration = film
    naturals = [(end - start) * 1.1 for start, end in windows(slots, duration, 0.08, 0.8)]
    times = plan(slots, naturals, duration, most=1.5)
    assert times.identity
    assert len(times.knots) == 2


@given(films())
def test_nothing_changes_where_nothing_may(film):
    slots, naturals, duration = film
    assert plan(slots, naturals, duration, most=1.0).identity


def test_a_line_is_slowed_by_what_it_needs_and_slides_in_and_out():
    # 2 s of film for 2.64 s at rate 1.1: a fifth slower, and three stairs to either side.
    times = plan([Slot(4.0, 6.0)], [2.64], 10.0, most=1.5, borrow=0.0)
    assert [k[0] for k in times.knots] == pytest.approx([0, 3.4, 3.6, 3.8, 4.0, 6.0, 6.2, 6.4, 6.6, 10])
    assert slopes(times) == pytest.approx([1, 1.05, 1.1, 1.15, 1.2, 1.15, 1.1, 1.05, 1])
    assert times.dub(6.0) - times.dub(4.0) == pytest.approx(2.4)
    assert times.duration == pytest.approx(10.52)


def test_silence_after_a_line_is_used_before_the_picture_is_slowed():
    assert plan([Slot(4.0, 6.0)], [3.0], 10.0, most=1.5, borrow=0.8).identity
    assert not plan([Slot(4.0, 6.0), Slot(6.1, 8.0)], [3.0, 1.0], 10.0, most=1.5, borrow=0.8).identity


def test_of_overlapping_lines_the_larger_factor_counts():
    # The shorter line alone would need 1.1; it lies within the other, which needs 1.3.
    times = plan([Slot(2.0, 6.0), Slot(3.0, 4.0)], [5.2 * 1.1, 1.1 * 1.1], 10.0, most=1.5, borrow=0.0)
    assert slopes(times).max() == pytest.approx(1.3)
    assert times.dub(6.0) - times.dub(2.0) == pytest.approx(5.2)


def test_a_neighbour_s_ramp_is_not_paid_for_twice():
    # Alone, the first line needs 1.2. The second, beside it, is slowed to 1.5: its ramp gives the first what it needs.
    slots, naturals = [Slot(2.0, 3.0), Slot(3.0, 6.0)], [1.2 * 1.1, 4.5 * 1.1]
    both = plan(slots, naturals, 10.0, most=1.5, borrow=0.0)
    second = plan(slots[1:], naturals[1:], 10.0, most=1.5, borrow=0.0)
    assert both == second
    assert both.dub(3.0) - both.dub(2.0) >= 1.2


def test_what_cannot_be_given_is_left_to_the_voice():
    times = plan([Slot(4.0, 6.0)], [9.0], 10.0, most=1.2, borrow=0.0)
    assert slopes(times).max() == pytest.approx(1.2)


@pytest.mark.parametrize("knots", [(), ((0.0, 0.0),), ((0.0, 1.0), (2.0, 3.0)), ((0.0, 0.0), (1.0, 2.0), (1.0, 3.0))])
def test_knots_that_are_no_map_are_refused(knots):
    with pytest.raises(ValueError, match="map of times"):
        TimeMap(knots)


def test_without_knots_nothing_changes():
    times = TimeMap.of((), 12.5)
    assert times.identity
    assert (times.duration, times.dub(3.0), times.film(14.0)) == (12.5, 3.0, 14.0)


def test_beyond_its_ends_time_runs_as_it_did():
    times = TimeMap(((0.0, 0.0), (2.0, 3.0)))
    assert times.dub(np.array([-0.5, 1.0, 2.5])) == pytest.approx([-0.5, 1.5, 3.5])
    assert times.film(3.5) == 2.5


def test_senseless_limits_are_refused():
    with pytest.raises(ValueError, match="at least 1"):
        plan([], [], 1.0, most=0.9)


def test_a_long_film_is_planned_quickly():
    noise = np.random.default_rng(0)
    starts = np.cumsum(noise.uniform(2, 6, 1500))
    slots = [Slot(float(s), float(s + d)) for s, d in zip(starts, noise.uniform(1, 4, 1500), strict=True)]
    naturals = [(s.end - s.start) * float(r) for s, r in zip(slots, noise.uniform(0.8, 1.9, 1500), strict=True)]
    begun = time.perf_counter()
    times = plan(slots, naturals, float(starts[-1] + 10), most=1.3)
    assert time.perf_counter() - begun < 5
    assert times.duration > times.knots[-1][0]

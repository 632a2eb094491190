"""Spans, frames and windows."""

import numpy as np
import pytest
from builders import silence, sine

from evaluation.times import spans

RATE = 16_000


def test_short_gaps_are_no_pauses_and_clicks_no_phrases():
    assert spans.tidied([(0.0, 0.5), (0.65, 1.0)]) == [(0.0, 0.5), (0.65, 1.0)]
    assert spans.tidied([(0.0, 0.5), (0.64, 1.0), (2.0, 2.02)]) == [(0.0, 1.0)]


def test_a_span_inside_another_does_not_shorten_it():
    assert spans.tidied([(0.0, 1.0), (0.2, 0.4)]) == [(0.0, 1.0)]


def test_sound_is_where_it_is_loud():
    tone = sine(0.5, rate=RATE)
    sound = np.concatenate([silence(0.3, RATE), tone, silence(0.4, RATE), tone])
    assert spans.phrases(sound, RATE) == [(pytest.approx(0.3, abs=0.011), pytest.approx(0.8, abs=0.011)), (1.2, 1.7)]
    assert spans.phrases(silence(1.0, RATE), RATE) == []


def test_masks_are_compared_frame_by_frame():
    assert spans.overlap(spans.mask([], 1.0), spans.mask([], 1.0)) == 1.0
    assert spans.overlap(spans.mask([(0.0, 0.5)], 1.0), spans.mask([(0.25, 0.5)], 1.0)) == 0.5


def test_a_film_in_windows():
    assert spans.windows(25.0) == [
        spans.Window("0 s", 0.0, 10.0), spans.Window("10 s", 10.0, 20.0), spans.Window("20 s", 20.0, 25.0),
    ]  # fmt: skip
    assert [w.end for w in spans.windows(20.001)] == [10.0, 20.001]
    assert [w.end for w in spans.windows(0.004)] == [0.004]


def test_what_lies_between_spans():
    assert spans.complement([(1.0, 2.0), (1.5, 3.0), (4.0, 9.0)], 8.0) == [(0.0, 1.0), (3.0, 4.0)]
    assert spans.complement([], 8.0) == [(0.0, 8.0)]
    assert spans.complement([(0.0, 3.0)], 8.0) == [(3.0, 8.0)]
    assert spans.complement([(0.0, 9.0)], 8.0) == []


def test_a_pause_is_kept_by_a_line_that_is_silent_in_it():
    pause, sounding = (1.0, 1.4), spans.mask([(0.0, 1.1), (1.4, 2.0)], 2.0)
    assert spans.kept(pause, (0.0, 2.0), sounding)
    assert not spans.kept(pause, (0.0, 2.0), spans.mask([(0.0, 1.3), (1.4, 2.0)], 2.0))
    # It does not speak on both sides.
    assert not spans.kept(pause, (0.0, 1.1), sounding)


def test_lines_of_one_speaker_collide_where_they_sound_together():
    lines = [[(0.0, 2.0)], [(1.9, 3.0)], [(2.96, 4.0)], [(1.0, 4.0)]]
    assert spans.collisions(lines, "AAAB") == [(0, 1)]
    # In each other's pauses they do not.
    assert spans.collisions([[(0.0, 1.0), (2.0, 3.0)], [(1.0, 2.0)]], "AA") == []

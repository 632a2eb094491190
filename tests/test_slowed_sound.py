"""Sound along a map of times: its length, its place, and what is not to be heard."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from builders import FILM_RATE, sine
from hypothesis import given, settings
from hypothesis import strategies as st

from dubkit.retiming import TimeMap
from dubkit.slowed_sound import slowed

# 6 s of film in stairs up to a quarter slower and down again; the first and the last 1.5 s run as they did.
KNOTS = ((0.0, 0.0), (1.5, 1.5), (2.0, 2.05), (3.0, 3.3), (4.0, 4.4), (4.5, 4.925), (6.0, 6.425))
TIMES = TimeMap(KNOTS)


def cut(samples: np.ndarray, size: int = FILM_RATE) -> Iterator[np.ndarray]:
    """The samples in blocks."""
    return (samples[n : n + size] for n in range(0, len(samples), size))


def played(samples: np.ndarray, times: TimeMap = TIMES, size: int = FILM_RATE) -> np.ndarray:
    """The whole of a slowed sound."""
    return np.concatenate(list(slowed(cut(samples, size), times)))


def noise(seconds: float, level: float = 0.1) -> np.ndarray:
    """Two channels of it."""
    n_samples = round(seconds * FILM_RATE)
    return np.random.default_rng(0).normal(0, level, (n_samples, 2)).astype(np.float32)


def levels(samples: np.ndarray, seconds: float = 0.1) -> np.ndarray:
    """RMS of each tenth of a second, in dB."""
    n = round(seconds * FILM_RATE)
    frames = samples[: len(samples) // n * n].reshape(-1, n)
    return np.asarray(10 * np.log10(np.mean(frames.astype(float) ** 2, axis=1)))


@given(
    st.lists(st.tuples(st.integers(1, 16), st.sampled_from([1.0, 1.0, 1.05, 1.2, 1.5, 2.0])), min_size=1, max_size=8),
    st.booleans(),
)
@settings(max_examples=30)
def test_it_lasts_exactly_as_long_as_the_map_says(stretches, stereo):
    film, dub = np.cumsum([(0, 0), *((n * 0.0501, n * 0.0501 * slope) for n, slope in stretches)], axis=0).T
    times = TimeMap(tuple((round(float(a), 6), round(float(b), 6)) for a, b in zip(film, dub, strict=True)))
    heard = noise(times.knots[-1][0])
    slow = played(heard if stereo else heard[:, 0], times)
    assert slow.shape == (round(times.duration * FILM_RATE), *([2] if stereo else []))
    assert slow.dtype == np.float32


def test_what_is_not_slowed_is_passed_on_bit_for_bit_at_its_place():
    heard = noise(6)
    slow = played(heard)
    assert np.array_equal(slow[: round(1.5 * FILM_RATE)], heard[: round(1.5 * FILM_RATE)])
    tail = round(1.5 * FILM_RATE)
    assert np.array_equal(slow[-tail:], heard[-tail:])
    assert np.array_equal(played(heard, TimeMap.of((), 6.0)), heard)


def test_the_result_does_not_depend_on_the_blocks_that_come_in():
    heard = noise(6)
    whole = played(heard, size=len(heard))
    assert np.array_equal(played(heard, size=1_001), whole)
    assert np.array_equal(played(heard, size=FILM_RATE), whole)


def test_no_join_clicks():
    tone = sine(6, hz=441)
    slow = played(tone)
    assert np.abs(np.diff(slow, 2)).max() <= 1.2 * np.abs(np.diff(tone, 2)).max()
    assert np.abs(levels(slow) - levels(tone)[0]).max() < 0.1


def test_a_tone_keeps_its_pitch():
    slow = played(sine(6, hz=441))[round(1.5 * FILM_RATE) : round(4.9 * FILM_RATE)]
    spectrum = np.abs(np.fft.rfft(slow * np.hanning(len(slow)))) ** 2
    hz = np.fft.rfftfreq(len(slow), 1 / FILM_RATE)
    assert hz[np.argmax(spectrum)] == pytest.approx(441, abs=0.5)
    assert spectrum[np.abs(hz - 441) > 5].sum() < 1e-3 * spectrum.sum()


def test_noise_keeps_its_level_through_the_joins():
    slow = played(noise(6))
    assert levels(slow[:, 0]).min() > levels(noise(6)[:, 0]).min() - 0.3
    assert levels(slow[:, 0]).max() < levels(noise(6)[:, 0]).max() + 0.3


def test_every_stroke_is_heard_once_and_in_time():
    strokes = np.arange(0.25, 6, 0.17)
    heard = noise(6, 1e-4)[:, 0]
    heard[np.round(strokes * FILM_RATE).astype(int)] = 0.9
    slow = played(heard)
    found = np.flatnonzero(np.abs(slow) > 0.2) / FILM_RATE
    assert len(found) == len(strokes)
    late = found - TIMES.dub(strokes)
    # Far below the 45 ms before and the 125 ms after the picture that are noticed (ITU-R BT.1359-1).
    assert late.min() >= -0.026
    assert late.max() <= 0.024


def test_both_channels_stay_together():
    left = noise(6)[:, 0]
    slow = played(np.stack([left, -0.5 * left], axis=1))
    assert slow[:, 1] == pytest.approx(-0.5 * slow[:, 0], abs=1e-6)


def test_the_stream_is_read_as_it_is_needed():
    read = []

    def blocks() -> Iterator[np.ndarray]:
        for n in range(60):
            read.append(n)
            yield np.full(FILM_RATE // 10, n, np.float32)

    given_out = 0
    for piece in slowed(blocks(), TIMES):
        given_out += len(piece)
        # An unslowed stretch is given out in one piece, here of 1.5 s, and never more than one is held.
        assert len(read) * 0.1 <= TIMES.film(given_out / FILM_RATE) + 0.5
    assert given_out == round(TIMES.duration * FILM_RATE)


def test_a_stream_that_ends_early_ends_in_silence():
    slow = played(noise(5), TIMES)
    assert len(slow) == round(TIMES.duration * FILM_RATE)
    assert np.all(slow[-round(0.9 * FILM_RATE) :] == 0)


@pytest.mark.parametrize("end", [0.8, 2.5])
def test_a_map_that_no_sound_can_follow_is_refused(end):
    with pytest.raises(ValueError, match="slowed by factors from 1 to 2"):
        played(noise(1), TimeMap(((0.0, 0.0), (1.0, end))))

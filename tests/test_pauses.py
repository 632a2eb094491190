"""The pauses of clips, and clips cut there."""

import numpy as np
import pytest
from builders import sine

from dubkit.pauses import cut, cuts
from dubkit.phrases import Match

RATE = 24_000


def voice(*parts: tuple[float, bool]) -> np.ndarray:
    """Tones and silences of the given lengths."""
    return np.concatenate([sine(s, rate=RATE) if loud else np.zeros(round(s * RATE), np.float32) for s, loud in parts])


PAUSED = voice((1.0, True), (0.05, False), (0.5, True), (0.3, False), (1.0, True))


def test_the_pause_near_the_mark_is_found() -> None:
    ((start, end),) = cuts(PAUSED, RATE, [1.6], exact=True)  # type: ignore[misc]
    assert (start, end) == (pytest.approx(1.55, abs=0.02), pytest.approx(1.85, abs=0.02))


def test_a_guess_takes_no_stop_of_a_plosive_for_a_pause() -> None:
    assert cuts(PAUSED[: round(1.5 * RATE)], RATE, [1.0], exact=False) == [None]


def test_no_pause_far_from_the_mark_is_taken() -> None:
    assert cuts(PAUSED, RATE, [0.5], exact=True) == [None]


def test_where_the_synthesizer_says_a_dip_will_do() -> None:
    clip = sine(2.0, rate=RATE)
    clip[round(1.0 * RATE) : round(1.03 * RATE)] *= 0.05
    ((start, end),) = cuts(clip, RATE, [1.05], exact=True)  # type: ignore[misc]
    assert start == end == pytest.approx(1.015, abs=0.016)
    assert cuts(clip, RATE, [1.05], exact=False) == [None]
    assert cuts(sine(2.0, rate=RATE), RATE, [1.05], exact=True) == [None]


@pytest.mark.parametrize("rate", [11_025, 16_000, 22_050, 24_000, 44_100])
def test_times_are_exact_at_any_sample_rate(rate: int) -> None:
    loud = sine(10.0, rate=rate)
    clip = np.concatenate([loud, np.zeros(round(0.3 * rate), np.float32), loud])
    ((start, end),) = cuts(clip, rate, [10.1], exact=True)  # type: ignore[misc]
    assert (start, end) == (pytest.approx(10.0, abs=0.011), pytest.approx(10.3, abs=0.011))


def test_a_breathy_end_is_no_pause() -> None:
    clip = np.concatenate([sine(2.3, rate=RATE), 0.015 * sine(0.145, rate=RATE)])
    assert cuts(clip, RATE, [2.35], exact=True) == [None]
    matches = (Match((0, 1), (10, 12), 2.2), Match((1, 2), (12.5, 13.5), 0.3))
    (phrase,) = cut(clip, RATE, matches, [2.35], exact=True)
    assert phrase.start < phrase.end and (phrase.slot_start, phrase.slot_end) == (10, 13.5)


def test_a_clip_is_cut_into_phrases_with_their_slots() -> None:
    matches = (Match((0, 1), (10, 12), 1.55), Match((1, 2), (12.5, 13.5), 1.0))
    first, second = cut(PAUSED, RATE, matches, [1.7], exact=True)
    assert (first.slot_start, first.slot_end, second.slot_start, second.slot_end) == (10, 12, 12.5, 13.5)
    assert first.start == 0 and first.end == pytest.approx(1.55, abs=0.02)
    assert second.start == pytest.approx(1.85, abs=0.02) and second.end == pytest.approx(2.85, abs=1e-3)


def test_phrases_without_a_pause_between_them_stay_one() -> None:
    matches = (Match((0, 1), (10, 12), 1.0), Match((1, 2), (12.5, 13.5), 1.0), Match((2, 3), (14, 15), 0.8))
    found = cut(PAUSED, RATE, matches, [0.5, 1.7], exact=True)
    assert [(p.slot_start, p.slot_end) for p in found] == [(10, 13.5), (14, 15)]
    assert found[0].start == 0 and found[-1].end == pytest.approx(2.85, abs=1e-3)

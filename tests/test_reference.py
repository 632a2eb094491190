"""Which of a speaker's stretches are the cleanest: known sounds, and properties that hold for any."""

import numpy as np
import pytest
from builders import FILM_RATE, silence, sine
from hypothesis import given
from hypothesis import strategies as st

from dubkit.reference import FRAME, LEAST, LONGEST, SHORTEST, Stretch, choose, join, measure, speech_of

PAUSE = [0.0] * 4


def stretch(
    start: float, *runs: tuple[float, float], background: float = 1e-6, voiced: bool = True, clipped: bool = False
) -> Stretch:
    """Speech from (seconds, power) runs with a pause of 0.2 s after each."""
    speech = np.array([p for seconds, power in runs for p in [power] * round(seconds / FRAME) + PAUSE])
    n = len(speech)
    return Stretch(start, speech, np.full(n, background), np.full(n, voiced), np.full(n, clipped))


def talk(start: float, seconds: float, *, power: float = 0.01, **facts: float) -> Stretch:
    """A second of speech at a time."""
    return stretch(start, *[(1.0, power)] * round(seconds / 1.2), **facts)


def total(spans: tuple[tuple[float, float], ...]) -> float:
    return sum(b - a for a, b in spans)


def test_one_long_stretch_is_enough() -> None:
    ((start, end),) = choose([talk(100, 24), talk(10, 3)])
    assert 100 <= start < end <= 124
    assert LONGEST - 1.3 < end - start <= LONGEST


def test_windows_begin_and_end_in_pauses() -> None:
    ((start, end),) = choose([talk(0, 24)])
    # Each second of speech is followed by 0.2 s of pause.
    for edge in (start, end):
        assert edge == pytest.approx(0) or edge % 1.2 >= 1.0 - 1e-9


def test_without_pauses_a_window_is_cut_all_the_same() -> None:
    ((start, end),) = choose([stretch(5, (30.0, 0.01))])
    assert end - start == pytest.approx(LONGEST, abs=0.3)


def test_a_quiet_background_goes_before_a_loud_one() -> None:
    ((start, _),) = choose([talk(0, 8, background=1e-3), talk(50, 8, background=1e-5), talk(100, 8, background=1e-4)])
    assert start >= 50
    assert start < 60


def test_within_a_stretch_too() -> None:
    noisy = talk(0, 24)
    noisy.background[: round(12 / FRAME)] = 2e-3
    ((start, end),) = choose([noisy])
    assert start >= 11.9
    assert end - start > 10


def test_clipped_and_voiceless_sound_come_last() -> None:
    assert choose([talk(0, 8, clipped=True), talk(20, 8)])[0][0] >= 20
    assert choose([talk(0, 8, voiced=False), talk(20, 8)])[0][0] >= 20


def test_few_pauses_are_better_than_many() -> None:
    halting = stretch(0, *[(0.4, 0.01)] * 14)
    assert choose([halting, talk(20, 8.4)])[0][0] >= 20


def test_short_stretches_are_joined_in_film_order_until_there_is_enough() -> None:
    spans = choose([talk(40, 2.4), talk(10, 3.6), talk(30, 1.2), talk(20, 2.4)])
    assert [start for start, _ in spans] == [10, 20, 40]
    assert total(spans) == pytest.approx(8.4, abs=0.5)


@pytest.mark.parametrize(
    "stretches",
    [
        [],
        [talk(0, 1.2)],
        [talk(0, 10, power=0.0)],
        [talk(0, 10, power=0.01, background=0.01)],
        [stretch(0, *[(0.3, 0.01)] * 3)],
    ],
    ids=["none", "brief", "silent", "drowned", "scraps"],
)
def test_too_little_clean_speech_is_no_sample(stretches: list[Stretch]) -> None:
    assert choose(stretches) == ()


runs = st.lists(st.tuples(st.floats(0.1, 8), st.sampled_from([1e-4, 1e-2, 0.1])), min_size=1, max_size=6)
films = st.lists(st.tuples(runs, st.sampled_from([0.0, 1e-6, 1e-4, 1e-3])), max_size=5)


def film(drawn: list[tuple[list[tuple[float, float]], float]], gain: float = 1.0) -> list[Stretch]:
    return [
        stretch(100.0 * n, *[(s, p * gain) for s, p in spoken], background=bed * gain)
        for n, (spoken, bed) in enumerate(drawn)
    ]


@given(films)
def test_what_is_chosen_lies_within_the_stretches_and_is_neither_too_long_nor_too_short(
    drawn: list[tuple[list[tuple[float, float]], float]],
) -> None:
    stretches = film(drawn)
    spans = choose(stretches)
    assert list(spans) == sorted(spans)
    assert all(any(s.start <= a < b <= s.start + len(s.speech) * FRAME + 1e-9 for s in stretches) for a, b in spans)
    if spans:
        assert LEAST - 1e-9 <= total(spans) <= LONGEST + 1e-9
        assert len(spans) == 1 or all(b - a <= SHORTEST + 1e-9 for a, b in spans)


@given(films, st.sampled_from([0.25, 4.0]))
def test_how_loud_the_film_is_changes_nothing(
    drawn: list[tuple[list[tuple[float, float]], float]], gain: float
) -> None:
    assert choose(film(drawn, gain)) == choose(film(drawn))


def test_sound_is_measured_frame_by_frame() -> None:
    tone = np.concatenate([sine(0.5, hz=150, level=0.4), silence(0.5), sine(0.5, hz=150, level=0.4)])
    noise = np.random.default_rng(1).normal(0, 0.01, len(tone)).astype(np.float32)
    noise[-FILM_RATE // 4 :] += 0.7
    found = measure(3.0, np.stack([tone + noise] * 2, axis=1), np.stack([noise] * 2, axis=1), FILM_RATE)
    assert found.start == 3.0
    assert found.speech == pytest.approx([0.08] * 10 + [0] * 10 + [0.08] * 10, abs=1e-3)
    assert found.background[:25] == pytest.approx([1e-4] * 25, abs=2e-5)
    assert (
        found.sounding.tolist() == (found.voiced & found.sounding).tolist() == [True] * 10 + [False] * 10 + [True] * 10
    )
    assert found.clipped.tolist() == [False] * 25 + [True] * 5


def test_noise_is_not_voiced() -> None:
    hiss = np.random.default_rng(2).normal(0, 0.1, FILM_RATE).astype(np.float32)
    assert measure(0, hiss, np.zeros_like(hiss), FILM_RATE).voiced.mean() < 0.2


def test_a_stretch_shorter_than_a_frame_is_empty() -> None:
    assert len(measure(0, silence(0.01), silence(0.01), FILM_RATE).speech) == 0
    assert choose([measure(0, silence(0.01), silence(0.01), FILM_RATE)]) == ()


def test_pieces_are_joined_with_fades() -> None:
    loud = np.full(FILM_RATE, 1.2, np.float32)
    joined = join([loud, loud[: FILM_RATE // 2]], FILM_RATE, 24_000)
    assert len(joined) == 36_000
    assert joined.dtype == np.float32
    assert np.abs(joined).max() == 1.0
    assert np.abs(joined[[0, 23_999, 24_000, -1]]).max() < 0.02


def test_speech_is_what_the_background_lacks() -> None:
    full, bed = np.array([[0.5, 0.3], [0.2, 0.0]], np.float32), np.array([[0.1, 0.1], [0.1, 0.1]], np.float32)
    assert speech_of(full, bed) == pytest.approx([0.3, 0.0])

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dubkit.artefacts import Word
from dubkit.backends.whisper.word_edges import activity, onto_sound

RATE = 16_000


def bursts(*spans: tuple[float, float], seconds: float, floor: float = 0.0) -> np.ndarray:
    """Noise bursts in near silence."""
    rng = np.random.default_rng(1)
    sound = floor * rng.standard_normal(round(seconds * RATE))
    for start, end in spans:
        sound[round(start * RATE) : round(end * RATE)] += 0.1 * rng.standard_normal(
            round(end * RATE) - round(start * RATE)
        )
    return sound.astype(np.float32)


def times(words: tuple[Word, ...]) -> list[tuple[float, float]]:
    return [(w.start, w.end) for w in words]


def test_ends_that_are_too_early_reach_the_pause() -> None:
    sound = bursts((0.5, 1.0), (2.0, 2.6), seconds=3, floor=1e-4)
    moved = onto_sound([Word(text="a", start=0.5, end=0.7), Word(text="b", start=2.0, end=2.3)], sound, RATE)
    assert np.allclose(times(moved), [(0.5, 1.0), (2.0, 2.6)], atol=0.02)


def test_a_pause_swallowed_by_a_word_is_given_back() -> None:
    sound = bursts((0.5, 1.0), (2.0, 2.6), seconds=3, floor=1e-4)
    moved = onto_sound([Word(text="a", start=0.5, end=1.4), Word(text="b", start=1.4, end=2.6)], sound, RATE)
    assert np.allclose(times(moved), [(0.5, 1.0), (2.0, 2.6)], atol=0.02)


def test_a_plosive_closure_is_no_pause() -> None:
    assert activity(bursts((0.5, 0.9), (0.98, 1.4), seconds=2, floor=1e-4), RATE)[50:140].all()
    assert not activity(bursts((0.5, 0.9), (1.1, 1.4), seconds=2, floor=1e-4), RATE)[92:108].any()


def test_words_in_one_breath_keep_their_border() -> None:
    moved = onto_sound(
        [Word(text="a", start=0.0, end=0.4), Word(text="b", start=0.4, end=1.0)], bursts((0, 1), seconds=1), RATE
    )
    assert times(moved) == [(0.0, 0.4), (0.4, 1.0)]


def test_what_is_not_a_time_is_left() -> None:
    (moved,) = onto_sound([Word(text="Hm,", start=0.1, end=0.2, confidence=0.4)], bursts((0, 1), seconds=1), RATE)
    assert (moved.text, moved.confidence) == ("Hm,", 0.4)
    assert onto_sound([], np.zeros(0, np.float32), RATE) == ()


@given(st.lists(st.tuples(st.floats(-1, 5), st.floats(-1, 5)), max_size=12), st.integers(0, 3))
def test_times_are_always_in_order_and_inside(spans: list[tuple[float, float]], seed: int) -> None:
    start = 0.3 * seed
    sound = bursts((start, start + 0.8), seconds=2.005, floor=1e-3)
    moved = times(onto_sound([Word(text="x", start=a, end=b) for a, b in spans], sound, RATE))
    assert all(a >= 0 and a + 0.02 <= b + 1e-9 and b <= 2.0 for a, b in moved)
    assert all(b <= c for (_, b), (c, _) in itertools.pairwise(moved))

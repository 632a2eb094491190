import numpy as np
import pytest

from dubkit.backends.silence import nothing, trim

RATE = 16000


def tone(seconds: float, level: float = 0.5) -> np.ndarray:
    return (level * np.sin(2 * np.pi * 220 * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


def silence(seconds: float) -> np.ndarray:
    return np.zeros(round(seconds * RATE), np.float32)


def test_cuts_the_ends_and_keeps_the_pause_inside() -> None:
    clip = trim(np.concatenate([silence(0.3), tone(0.5), silence(0.4), tone(0.2), silence(0.6)]), RATE)
    assert len(clip) / RATE == pytest.approx(1.1 + 2 * 0.01, abs=0.006)


def test_keeps_a_soft_onset() -> None:
    onset = tone(0.1, 0.5 * 10 ** (-50 / 20))
    clip = trim(np.concatenate([silence(0.2), onset, tone(0.3), silence(0.2)]), RATE)
    assert len(clip) / RATE == pytest.approx(0.4 + 2 * 0.01, abs=0.006)


def test_sound_up_to_the_edge_stays_whole() -> None:
    clip = tone(0.25)
    assert np.array_equal(trim(clip, RATE), clip)


@pytest.mark.parametrize("clip", [np.zeros(0, np.float32), silence(0.5)])
def test_nothing_sounds(clip: np.ndarray) -> None:
    assert len(trim(clip, RATE)) == 0


def test_nothing_is_a_tenth_of_a_second() -> None:
    assert nothing(24000).shape == (2400,)
    assert not nothing(24000).any()

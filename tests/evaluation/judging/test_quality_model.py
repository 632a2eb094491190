import numpy as np
import pytest
from builders import sine

from dubkit.errors import BadInput
from evaluation.judging import quality_model
from evaluation.judging.quality_model import SAMPLE_RATE
from evaluation.metrics.quality import Rating

RNG = np.random.default_rng(5)


def voice_like(seconds: float) -> np.ndarray:
    """A buzz with syllables."""
    t = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    buzz = sum(np.sin(2 * np.pi * 120 * n * t) / n for n in range(1, 25))
    return (0.1 * buzz * (0.55 + 0.45 * np.sin(2 * np.pi * 4 * t))).astype(np.float32)


# 4 s are repeated four times and rated in seven windows, 5 s twice and rated in one.
@pytest.mark.parametrize("seconds", [4.0, 5.0])
def test_scores_are_those_of_the_reference_implementation(seconds: float) -> None:
    from speechmos import dnsmos

    noisy = voice_like(seconds) + 0.01 * RNG.standard_normal(round(seconds * SAMPLE_RATE)).astype(np.float32)
    expected = dnsmos.run(noisy, SAMPLE_RATE)
    (found,) = quality_model.rated([noisy], SAMPLE_RATE)
    assert found.signal == pytest.approx(expected["sig_mos"], abs=1e-4)
    assert found.background == pytest.approx(expected["bak_mos"], abs=1e-4)
    assert found.overall == pytest.approx(expected["ovrl_mos"], abs=1e-4)


def test_what_else_is_rated_changes_nothing() -> None:
    sounds = [voice_like(3.0), np.zeros(0, np.float32), sine(1.0, rate=SAMPLE_RATE)]
    together = quality_model.rated(sounds, SAMPLE_RATE)
    assert together[1] == Rating(1.0, 1.0, 1.0)
    for one, sound in zip(together, sounds, strict=True):
        (alone,) = quality_model.rated([sound], SAMPLE_RATE)
        assert one.overall == pytest.approx(alone.overall, abs=1e-4)


def test_noise_is_worse_for_the_background() -> None:
    clean = voice_like(3.0)
    noisy = clean + 0.05 * RNG.standard_normal(len(clean)).astype(np.float32)
    better, worse = quality_model.rated([clean, noisy], SAMPLE_RATE)
    assert better.background - worse.background > 0.5


def test_nothing_has_no_ratings() -> None:
    assert quality_model.rated([], SAMPLE_RATE) == []


def test_what_cannot_be_rated_is_refused() -> None:
    with pytest.raises(BadInput, match=r"Sound 1 has the shape \(10, 2\)"):
        quality_model.rated([np.zeros(10, np.float32), np.zeros((10, 2), np.float32)], SAMPLE_RATE)
    with pytest.raises(BadInput, match="rate is 0 Hz"):
        quality_model.rated([], 0)

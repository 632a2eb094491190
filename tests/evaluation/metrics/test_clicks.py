from pathlib import Path

import numpy as np
import pytest
from builders import FILM_RATE, silence, sine, sound
from hypothesis import given, settings
from hypothesis import strategies as st

from dubkit.errors import BadInput
from evaluation.metrics import clicks
from evaluation.statistics import estimate

RATE = FILM_RATE


def voice(seconds: float, seed: int = 1) -> np.ndarray:
    """Soft pulses of 120 Hz that ring like a vowel, a little noise, -20 dBFS."""
    rng = np.random.default_rng(seed)
    pulses = np.zeros(round(seconds * RATE))
    pulses[:: RATE // 120] = 1
    t = np.arange(RATE // 50) / RATE
    rings = sum(np.exp(-300 * t) * np.sin(2 * np.pi * hz * t) for hz in (500, 1500, 2500, 3500))
    made = np.convolve(np.convolve(pulses, np.hanning(RATE // 1000)), rings)[: len(pulses)]
    made = 0.1 * made / made.std() + 1e-3 * rng.standard_normal(len(made))
    return made.astype(np.float32)


def plosive(seconds: float) -> np.ndarray:
    """Silence, a burst of noise of 8 ms, and a vowel that swells after it."""
    made = np.concatenate([silence(0.1), voice(seconds - 0.1)])
    burst = round(0.1 * RATE)
    made[burst : burst + 2400] *= np.linspace(0, 1, 2400, dtype=np.float32)
    n = round(0.008 * RATE)
    noise = np.random.default_rng(3).standard_normal(n) * np.hanning(n)
    made[burst - n : burst] += (0.05 * noise).astype(np.float32)
    return made


@pytest.mark.parametrize("height", [0.05, -0.05, 0.1])
def test_a_step_in_speech_is_a_click(height: float) -> None:
    samples = voice(1.0)
    samples[24_123:] += np.float32(height)
    found = clicks.score(samples, [("step", 24_123 / RATE + 0.005), ("before", 0.3), ("after", 0.7)], RATE)
    assert [name for name, _ in found.clicking] == ["step"]
    assert found.share == pytest.approx(1 / 3)


def test_a_cut_to_silence_in_the_middle_of_a_vowel_is_a_click() -> None:
    samples = voice(1.0)
    samples[24_123:] = 0
    assert clicks.score(samples, [("cut", 24_123 / RATE)], RATE).share == 1
    faded = voice(1.0)
    faded[24_123:] = 0
    faded[23_643:24_123] *= np.linspace(1, 0, 480, dtype=np.float32)
    assert clicks.score(faded, [("fade", 24_123 / RATE)], RATE).share == 0


def test_either_channel_may_click() -> None:
    left = voice(1.0)
    right = left.copy()
    right[24_000:] += 0.1
    joins = [("a", 0.5)]
    assert clicks.score(np.stack([left, right], axis=1), joins, RATE).share == 1
    assert clicks.score(np.stack([right, left], axis=1), joins, RATE).share == 1
    assert clicks.score(np.stack([left, left], axis=1), joins, RATE).share == 0


def test_a_sound_that_begins_and_ends_in_full_swing_clicks_there() -> None:
    whole = np.cos(2 * np.pi * 300 * np.arange(RATE) / RATE).astype(np.float32)
    assert clicks.score(0.1 * whole, [("start", 0.0), ("middle", 0.5), ("end", 1.0)], RATE).clicking == (
        ("start", 0.0),
        ("end", 1.0),
    )


def test_plosives_tones_noise_and_silence_do_not_click() -> None:
    rng = np.random.default_rng(2)
    grid = [(str(n), 0.05 + n / 100) for n in range(90)]
    for samples in (plosive(1.0), sine(1.0, hz=997), silence(1.0), 0.05 * rng.standard_normal(RATE)):
        assert clicks.score(samples, grid, RATE).clicking == ()


def test_a_file_is_looked_at_as_its_samples_are(tmp_path: Path) -> None:
    samples = voice(1.0)
    samples[24_000:] += 0.1
    joins = [("start", 0.0), ("a", 0.3), ("step", 0.501), ("end", 1.02)]
    file = sound(tmp_path / "a.flac", np.stack([samples, samples], axis=1))
    found, expected = clicks.score(file, joins), clicks.score(file.load(), joins, RATE)
    assert found == expected
    assert ("step", 0.501) in found.clicking


def test_what_is_too_soft_to_hear_is_no_click() -> None:
    samples = silence(1.0)
    samples[24_000:] += 0.002
    assert clicks.score(samples, [("a", 0.5)], RATE).share == 0
    assert clicks.score(10 * samples, [("a", 0.5)], RATE).share == 1


@settings(max_examples=15)
@given(st.floats(0.3, 0.7), st.sampled_from([-1, 1]), st.floats(0.05, 0.3))
def test_a_step_is_found_wherever_it_lies_and_however_it_points(at: float, sign: int, height: float) -> None:
    samples = voice(1.0)
    samples[round(at * RATE) :] += np.float32(sign * height)
    assert clicks.score(samples, [("step", at)], RATE).share == 1


def test_samples_pool_to_the_share() -> None:
    samples = voice(1.0)
    samples[24_000:] += 0.1
    found = clicks.score(samples, [("j1", 0.2), ("j2", 0.5), ("j3", 0.8)], RATE)
    assert [s.unit for s in found.samples()] == ["j1", "j2", "j3"]
    assert estimate([s.parts for s in found.samples()], clicks.JOINS).value == found.share == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("samples", "rate", "joins", "said"),
    [
        (voice(1.0), RATE, [], "no joins"),
        (voice(1.0), RATE, [("a", 1.2)], "'a' is at 1.2 s"),
        (voice(1.0), RATE, [("a", float("nan"))], "'a' is at nan s"),
        (voice(1.0), RATE, [("a", 0.1), ("a", 0.2)], "same id"),
        (voice(1.0), 4000, [("a", 0.1)], "4000 Hz"),
        (voice(1.0), None, [("a", 0.1)], "sample rate is missing"),
        (np.zeros(0), RATE, [("a", 0.0)], "no samples"),
        (np.zeros((1, 2, 3)), RATE, [("a", 0.0)], r"shape \(1, 2, 3\)"),
    ],
)
def test_what_cannot_be_looked_at_is_refused(
    samples: np.ndarray, rate: int | None, joins: list[clicks.Join], said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        clicks.score(samples, joins, rate)

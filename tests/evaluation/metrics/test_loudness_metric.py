import math
import subprocess
from pathlib import Path

import numpy as np
import pytest
from builders import FILM_RATE, silence, sine, sound
from hypothesis import given
from hypothesis import strategies as st

from dubkit.errors import BadInput
from dubkit.media import ffmpeg_program
from evaluation.metrics import loudness
from evaluation.statistics import estimate

MEASURES = {m.name: m for m in loudness.MEASURES}


def two(samples: np.ndarray) -> np.ndarray:
    return np.stack([samples, samples], axis=1)


def tone(level: float) -> np.ndarray:
    return two(sine(6.0, hz=1000, level=10 ** (level / 20)))


def test_the_standard_tone_has_the_standard_loudness(tmp_path: Path) -> None:
    # EBU Tech 3341, test 1: 1 kHz at -23 dBFS (peak) in both channels. By hand: each channel's mean square is -26.01 dB,
    # both together -23.0, and K weighting adds 0.691 dB at 1 kHz, which the standard takes off again.
    found = loudness.score(sound(tmp_path / "a.flac", tone(-23)).path, target=-23.0)
    assert found.integrated == pytest.approx(-23.0, abs=0.1)
    assert found.off_target == pytest.approx(0.0, abs=0.1)
    assert found.true_peak == pytest.approx(-23.0, abs=0.1)
    assert found.clipped == 0


def test_six_decibels_less_are_six_units_less(tmp_path: Path) -> None:
    loud, soft = (loudness.score(sound(tmp_path / f"{n}.flac", tone(n)).path) for n in (-16, -22))
    assert soft.integrated - loud.integrated == pytest.approx(-6.0, abs=0.05)
    assert (loud.off_target, soft.off_target) == (pytest.approx(0.0, abs=0.1), pytest.approx(6.0, abs=0.1))
    assert soft.true_peak - loud.true_peak == pytest.approx(-6.0, abs=0.1)
    assert loud.clipped == soft.clipped == 0


def test_what_is_cut_off_at_full_scale_is_clipped(tmp_path: Path) -> None:
    wave = sine(1.0, hz=100, level=2.0)
    # A sine of twice full scale is beyond it for two thirds of the time: arcsin(1/2) is a third of the way to the top.
    found = loudness.score(sound(tmp_path / "a.flac", two(np.clip(wave, -1, 1))).path)
    assert found.clipped == pytest.approx(2 / 3, abs=0.005)
    assert found.n_samples == 2 * FILM_RATE
    assert loudness.score(sound(tmp_path / "b.flac", two(0.49 * wave)).path).clipped == 0


def test_the_sound_of_a_video_is_measured(tmp_path: Path) -> None:
    film = tmp_path / "a film.mp4"
    heard = sound(tmp_path / "a.flac", tone(-20)).path
    command = [ffmpeg_program(), "-v", "error", "-f", "lavfi", "-i", "color=size=32x32:duration=6", "-i", heard]
    subprocess.run([*command, "-c:a", "aac", f"file:{film}"], check=True)
    found = loudness.score(film)
    assert found.integrated == pytest.approx(-20.0, abs=0.1)
    assert found.n_samples == pytest.approx(2 * 6 * FILM_RATE, abs=5000)


def test_silence_has_figures_that_can_be_averaged(tmp_path: Path) -> None:
    found = loudness.score(sound(tmp_path / "a.flac", two(silence(2.0))).path)
    assert (found.integrated, found.true_peak, found.clipped) == (-70.0, -120.0, 0.0)
    assert all(math.isfinite(x) for s in found.samples() for x in s.parts)


def test_samples_pool_to_the_figures(tmp_path: Path) -> None:
    found = loudness.score(
        sound(tmp_path / "a.flac", two(np.clip(sine(2.0, hz=50, level=1.2), -1, 1))).path, unit="one"
    )
    pooled = {s.measure: estimate([s.parts], MEASURES[s.measure]).value for s in found.samples()}
    assert pooled == {name: getattr(found, name.partition(".")[2]) for name in MEASURES}
    assert {s.unit for s in found.samples()} == {"one"}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 1, 1, 0], 0),
        ([0, 1, 1, 1, 0], 3),
        ([1, 1, -1, -1], 0),
        ([1, 1, 1, -1, -1, -1, -1], 7),
        ([0.9985, 1, 1], 0),
        ([0.9995, 1, 0.999], 3),
        ([], 0),
    ],
)
def test_runs_of_three_at_one_side_count(values: list[float], expected: int) -> None:
    assert loudness.count_clipped([np.array(values, np.float64)[:, None]]) == (expected, len(values))


@given(st.lists(st.sampled_from([-1.0, 0.0, 1.0]), max_size=60), st.data())
def test_it_does_not_matter_how_a_sound_is_cut_into_blocks(values: list[float], data: st.DataObject) -> None:
    sounds = np.array(values)[: len(values) // 2 * 2].reshape(-1, 2)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(sounds)), max_size=6)))
    assert loudness.count_clipped(np.split(sounds, cuts)) == loudness.count_clipped([sounds])


def test_what_cannot_be_measured_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"no file 'a\.wav'"):
        loudness.score(tmp_path / "a.wav")
    file = sound(tmp_path / "a.flac", tone(-20)).path
    with pytest.raises(BadInput, match="target is 16 LUFS"):
        loudness.score(file, target=16)
    (tmp_path / "a.txt").write_text("not a sound at all")
    with pytest.raises(BadInput, match=r"a\.txt"):
        loudness.score(tmp_path / "a.txt")

import math
from pathlib import Path

import numpy as np
import pytest
from builders import FILM_RATE, silence, sine, sound, tracks
from hypothesis import given
from hypothesis import strategies as st

from dubkit.errors import BadInput
from dubkit.record import AudioFile
from evaluation.metrics import background
from evaluation.statistics import estimate

RATE = FILM_RATE


def noise(seconds: float, level: float = 0.02, seed: int = 1) -> np.ndarray:
    shape = (round(seconds * RATE), 2)
    return (level * np.random.default_rng(seed).standard_normal(shape)).astype(np.float32)


def talk(seconds: float, level: float = 0.2) -> np.ndarray:
    """A voice that says something every other second, in both channels."""
    tone = sine(seconds, hz=300, level=level)
    tone[(np.arange(len(tone)) // RATE) % 2 == 1] = 0
    return np.stack([tone, tone], axis=1)


QUIET = [(float(n) + 0.1, n + 0.9) for n in range(1, 24, 2)]


def test_the_ratio_is_that_of_the_paper() -> None:
    truth = np.array([1.0, 0.0, 1.0, 0.0])
    # Half as loud, with an error at right angles to the truth of a tenth of its energy: 10 dB.
    error = np.array([0.0, 0.5, 0.0, -0.5]) * math.sqrt(0.1)
    assert background.si_sdr(0.5 * truth + error, truth) == pytest.approx(10.0)
    assert background.si_sdr(truth, truth) == 40.0
    assert background.si_sdr(0 * truth, truth) == -40.0
    assert background.si_sdr(np.array([0.0, 1.0, 0.0, 1.0]), truth) == -40.0
    assert math.isnan(background.si_sdr(truth, 0 * truth))


@given(st.integers(0, 1000), st.floats(-20, 20), st.floats(0.1, 10))
def test_it_agrees_with_torchmetrics_and_knows_of_no_gain(seed: int, snr: float, gain: float) -> None:
    import torch
    from torchmetrics.functional.audio import scale_invariant_signal_distortion_ratio

    rng = np.random.default_rng(seed)
    truth, error = rng.standard_normal((2, 500))
    heard = gain * (truth + 10 ** (-snr / 20) * error)
    expected = scale_invariant_signal_distortion_ratio(torch.from_numpy(heard), torch.from_numpy(truth))
    assert background.si_sdr(heard, truth) == pytest.approx(float(expected), abs=1e-6)


def separated(folder: Path, bed: np.ndarray, found: np.ndarray) -> background.Separation:
    speech = talk(25.0)
    stems = {"speech": sound(folder / "s.flac", speech[:, 0]).path, "bed": sound(folder / "b.flac", bed).path}
    return background.separation(tracks(folder / "tracks", bed + speech, background=found), **stems)


def test_true_stems_are_perfect(tmp_path: Path) -> None:
    found = separated(tmp_path, noise(25.0), noise(25.0))
    # Rounding to 16 bit lies more than 40 dB under both.
    assert (found.si_sdr, found.speech_si_sdr) == (40.0, 40.0)
    assert list(found.bed) == list(found.speech) == ["0 s", "10 s", "20 s"]


def test_speech_that_is_left_in_the_bed_costs_what_it_has_in_energy(tmp_path: Path) -> None:
    bed = noise(25.0)
    found = separated(tmp_path, bed, bed + 0.1 * talk(25.0))
    # A tone of 0.02 for half of the time against noise of 0.02: 2 / (1/2) = 6 dB.
    assert found.bed["0 s"] == pytest.approx(6.02, abs=0.1)
    # The speech is softer by a tenth, which is no distortion.
    assert found.speech_si_sdr == pytest.approx(40.0, abs=0.5)


def test_windows_without_a_bed_are_left_out(tmp_path: Path) -> None:
    bed = noise(25.0)
    bed[: 10 * RATE] = 0
    found = separated(tmp_path, bed, bed)
    assert list(found.bed) == ["10 s", "20 s"]
    assert list(found.speech) == ["0 s", "10 s", "20 s"]


def test_stems_of_another_rate_and_shape_are_brought_to_the_films(tmp_path: Path) -> None:
    tone = sine(12.0, hz=200, level=0.1)
    speech = sine(12.0, hz=300, level=0.1)
    stems = {
        "speech": sound(tmp_path / "s.flac", sine(12.0, hz=300, level=0.1, rate=16_000), 16_000).path,
        "bed": sound(tmp_path / "b.flac", sine(12.0, hz=200, level=0.1, rate=16_000), 16_000).path,
    }
    full = np.stack([tone + speech] * 2, axis=1)
    film = tracks(tmp_path / "tracks", full, background=np.stack([tone, tone], axis=1))
    found = background.separation(film, **stems)
    assert found.si_sdr == pytest.approx(40.0, abs=1)
    assert found.speech_si_sdr == pytest.approx(40.0, abs=1)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> AudioFile:
    return sound(tmp_path_factory.mktemp("film") / "film.flac", noise(25.0) + talk(25.0))


def dubbed(folder: Path, film: AudioFile, bed: float = 1.0, gain: float = 1.0) -> background.Kept:
    """A dub that says something else, with a bed at a level, all at a gain."""
    tone = talk(25.0) * np.sign(np.sin(np.arange(25 * RATE) / 50))[:, None].astype(np.float32)
    return background.kept(sound(folder / "dub.flac", gain * (bed * noise(25.0) + tone)), film, QUIET)


def test_a_bed_that_stays_is_perfect(tmp_path: Path, film: AudioFile) -> None:
    same = background.kept(film, film, QUIET)
    assert (same.level_error, same.kept_si_sdr, same.gain) == (0.0, 40.0, 0.0)
    assert list(same.levels) == ["0 s", "10 s", "20 s"]


def test_another_level_of_the_whole_changes_nothing(tmp_path: Path, film: AudioFile) -> None:
    whole, softer = dubbed(tmp_path, film), dubbed(tmp_path, film, gain=0.5)
    assert softer.gain - whole.gain == pytest.approx(-6.0, abs=0.1)
    assert softer.level_error == pytest.approx(whole.level_error, abs=0.1)
    assert softer.kept_si_sdr == pytest.approx(40.0, abs=1)


def test_a_softer_bed_is_off_by_as_much(tmp_path: Path, film: AudioFile) -> None:
    gain = dubbed(tmp_path, film).gain
    dub = sound(tmp_path / "dub.flac", 0.5 * noise(25.0))
    found = background.kept(dub, film, QUIET, gain=0.0)
    assert found.level_error == pytest.approx(6.02, abs=0.02)
    assert found.levels["0 s"] == pytest.approx(-6.02, abs=0.02)
    by_loudness = dubbed(tmp_path, film, bed=0.5)
    # The gain is told by the speech: the bed moves it by less than a tenth of its own change.
    assert by_loudness.gain == pytest.approx(gain, abs=0.6)
    assert by_loudness.level_error > dubbed(tmp_path, film).level_error + 4


def test_a_bed_that_is_missing_has_the_largest_error(tmp_path: Path, film: AudioFile) -> None:
    found = dubbed(tmp_path, film, bed=0.0)
    assert (found.level_error, found.kept_si_sdr) == (40.0, -40.0)


def test_another_sound_in_place_of_the_bed_is_heard(tmp_path: Path, film: AudioFile) -> None:
    dub = sound(tmp_path / "dub.flac", noise(25.0, seed=2) + talk(25.0))
    found = background.kept(dub, film, QUIET)
    assert found.level_error == pytest.approx(0.0, abs=0.1)
    assert found.kept_si_sdr < -30


def test_samples_pool_to_the_figures(tmp_path: Path, film: AudioFile) -> None:
    bed = noise(25.0)
    results = (separated(tmp_path, bed, bed + 0.1 * talk(25.0)), dubbed(tmp_path, film, bed=0.7))
    found = [s for r in results for s in r.samples()]
    for measure in background.MEASURES:
        mine = [s.parts for s in found if s.measure == measure.name]
        holder = results[measure in (background.LEVEL, background.KEPT)]
        assert estimate(mine, measure).value == pytest.approx(getattr(holder, measure.name.partition(".")[2]))


@pytest.mark.parametrize(
    ("spans", "said"),
    [
        ([], "no quiet stretches"),
        ([(3.0, 2.0)], "3.0 to 2.0 s"),
        ([(4.0, 5.0), (1.0, 2.0)], "1.0 to 2.0 s"),
        ([(1.0, 3.0), (2.0, 4.0)], "2.0 to 4.0 s"),
        ([(24.0, 27.0)], "24.0 to 27.0 s"),
        ([(math.nan, 2.0)], "nan to 2.0 s"),
    ],
)
def test_stretches_that_do_not_fit_are_refused(film: AudioFile, spans: list[tuple[float, float]], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        background.kept(film, film, spans)


def test_sounds_of_different_films_are_refused(tmp_path: Path, film: AudioFile) -> None:
    other = sound(tmp_path / "a.flac", silence(20.0))
    with pytest.raises(BadInput, match=r"dub lasts 20\.00 s, the film 25\.00 s"):
        background.kept(other, film, QUIET)
    with pytest.raises(BadInput, match=r"shape \(3,\), the truth \(4,\)"):
        background.si_sdr(np.ones(3), np.ones(4))

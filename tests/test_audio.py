from pathlib import Path

import numpy as np
import pytest
import soundfile
from builders import silence, sine

from dubkit import audio


@pytest.mark.parametrize("n_channels", [1, 2])
def test_blocks_are_written_as_one_sound(tmp_path: Path, n_channels: int) -> None:
    rng = np.random.default_rng(1)
    whole = rng.uniform(-0.9, 0.9, (5000, n_channels)).astype(np.float32)
    blocks = [whole[:1], whole[1:4000], whole[4000:]]
    file = audio.write(tmp_path / "a.flac", [b[:, 0] if n_channels == 1 else b for b in blocks], 48_000)
    assert (file.n_samples, file.n_channels, file.sample_rate) == (5000, n_channels, 48_000)
    assert np.abs(audio.read(file.path).reshape(-1, n_channels) - whole).max() <= 2**-15
    assert audio.open_audio(file.path) == file
    assert soundfile.info(file.path).format == "FLAC"


@pytest.mark.parametrize("blocks", [[], [np.zeros(0, np.float32)], [np.zeros((0, 2), np.float32)]])
def test_nothing_becomes_one_silent_sample_that_can_be_read_again(tmp_path: Path, blocks: list[np.ndarray]) -> None:
    file = audio.write(tmp_path / "a.flac", blocks, 16_000)
    assert file == audio.open_audio(file.path)
    assert file.n_samples == 1
    assert np.abs(audio.read(file.path)).max() == 0


def test_the_same_blocks_make_the_same_file(tmp_path: Path) -> None:
    files = [audio.write(tmp_path / name, [sine(0.3)], 48_000) for name in ("a.flac", "b.flac")]
    assert files[0].sha256 == files[1].sha256


def test_too_loud_samples_are_cut_off_and_never_wrap_around(tmp_path: Path) -> None:
    file = audio.write(tmp_path / "a.flac", [np.array([1.7, -1.7, 0.0], np.float32)], 48_000)
    assert audio.read(file.path) == pytest.approx([1.0, -1.0, 0.0], abs=1e-4)


def test_a_failing_stream_of_blocks_is_told(tmp_path: Path) -> None:
    def blocks():  # type: ignore[no-untyped-def]
        yield sine(0.1)
        raise RuntimeError("decoder broke")

    with pytest.raises(RuntimeError, match="decoder broke"):
        audio.write(tmp_path / "a.flac", blocks(), 48_000)


@pytest.mark.parametrize(("start", "end", "n"), [(-1.0, 0.5, 500), (0.9, 5.0, 100), (2.0, 3.0, 0), (0.6, 0.2, 0)])
def test_times_beyond_the_ends_are_cut_off(tmp_path: Path, start: float, end: float, n: int) -> None:
    file = audio.write(tmp_path / "a.flac", [np.zeros(1000, np.float32)], 1000)
    assert len(audio.read(file.path, start, end)) == n


def test_resampling_keeps_pitch_level_and_length() -> None:
    there = audio.resample(sine(1.0, hz=440, level=0.5), 48_000, 16_000)
    assert len(there) == 16_000
    spectrum = np.abs(np.fft.rfft(there))
    assert int(np.argmax(spectrum)) == 440
    assert np.abs(there[2000:-2000]).max() == pytest.approx(0.5, abs=0.01)


def test_resampling_to_the_same_rate_or_of_nothing_does_nothing() -> None:
    samples = sine(0.1)
    assert audio.resample(samples, 48_000, 48_000) is samples
    assert len(audio.resample(samples[:0], 48_000, 16_000)) == 0


def test_speech_level_is_blind_to_pauses() -> None:
    steady = sine(1.0, level=0.4)
    with_pauses = np.concatenate([silence(2.0), steady[:24_000], silence(1.0), steady[24_000:]])
    assert audio.speech_level(steady, 48_000) == pytest.approx(0.4 / np.sqrt(2), rel=1e-3)
    assert audio.speech_level(with_pauses, 48_000) == pytest.approx(audio.speech_level(steady, 48_000), rel=1e-3)


def test_speech_level_counts_parts_within_30_db_of_the_loudest() -> None:
    loud, soft, faint = (sine(0.5, level=level) for level in (0.5, 0.5 * 10 ** (-25 / 20), 0.5 * 10 ** (-35 / 20)))
    both = audio.speech_level(np.concatenate([loud, soft]), 48_000)
    assert both == pytest.approx(np.sqrt((0.125 + 0.125 * 10**-2.5) / 2), rel=1e-3)
    alone = audio.speech_level(np.concatenate([loud, faint]), 48_000)
    assert alone == pytest.approx(audio.speech_level(loud, 48_000), rel=1e-6)


@pytest.mark.parametrize("samples", [silence(1.0), np.zeros(0, np.float32), np.ones(100, np.float32)])
def test_silence_and_scraps_have_no_level(samples: np.ndarray) -> None:
    assert audio.speech_level(samples, 48_000) == 0.0


def test_fades_touch_the_edges_alone() -> None:
    samples = np.ones(4800, np.float32)
    faded = audio.faded(samples, 48_000, 0.005)
    assert faded[0] == faded[-1] == 0.0
    assert (faded[240:-240] == 1).all()
    assert (np.diff(faded[:240]) > 0).all()
    assert np.allclose(faded, faded[::-1])
    assert (samples == 1).all()


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_a_clip_shorter_than_its_fades_survives(n: int) -> None:
    faded = audio.faded(np.ones(n, np.float32), 48_000)
    assert len(faded) == n
    assert np.isfinite(faded).all()

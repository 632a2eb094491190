"""Recordings in any format come out as mono floats."""

import io
import subprocess

import numpy as np
import pytest
import soundfile

from dubkit.errors import BadInput
from dubkit.media import ffmpeg_program
from evaluation.suites.recordings import decoded

TONE = 0.3 * np.sin(2 * np.pi * 500 * np.arange(16_000) / 16_000)


def encoded(samples: np.ndarray, form: str) -> bytes:
    stream = io.BytesIO()
    soundfile.write(stream, samples, 16_000, format=form)
    return stream.getvalue()


@pytest.mark.parametrize("form", ["WAV", "FLAC", "OGG", "MP3"])
def test_reads_what_data_sets_hold(form):
    samples, rate = decoded({"bytes": encoded(TONE, form), "path": None})
    assert (rate, samples.dtype, samples.ndim) == (16_000, np.float32, 1)
    middle = samples[4000:12_000]
    assert np.sqrt(2 * np.mean(middle**2)) == pytest.approx(0.3, rel=0.05)


def test_stereo_becomes_mono():
    samples, _ = decoded({"bytes": encoded(np.stack([TONE, 0 * TONE], axis=1), "WAV")})
    assert np.abs(samples).max() == pytest.approx(0.15, abs=0.001)


def test_reads_from_a_path(tmp_path):
    (tmp_path / "a.wav").write_bytes(encoded(TONE, "WAV"))
    assert len(decoded({"bytes": None, "path": str(tmp_path / "a.wav")})[0]) == 16_000


def test_reads_what_libsndfile_does_not_know(tmp_path):
    (tmp_path / "a.wav").write_bytes(encoded(TONE, "WAV"))
    command = [ffmpeg_program(), "-v", "error", "-nostdin", "-i", str(tmp_path / "a.wav"), str(tmp_path / "a.m4a")]
    subprocess.run(command, check=True)
    samples, rate = decoded({"path": str(tmp_path / "a.m4a")})
    assert rate == 16_000
    assert len(samples) == pytest.approx(16_000, abs=3000)
    assert np.sqrt(2 * np.mean(samples[4000:12_000] ** 2)) == pytest.approx(0.3, rel=0.05)


@pytest.mark.parametrize(
    ("audio", "complaint"),
    [
        ({"bytes": b"no sound at all", "path": "x/a.wav"}, r"a\.wav is no sound that can be read"),
        ({"bytes": None, "path": "nowhere.wav"}, "cannot be read"),
        ({"bytes": None, "path": None}, "cannot be read"),
        ({"bytes": encoded(TONE[:0], "WAV"), "path": "empty.wav"}, r"empty\.wav holds no sound"),
    ],
)
def test_refuses_what_is_no_recording(audio, complaint):
    with pytest.raises(BadInput, match=complaint):
        decoded(audio)

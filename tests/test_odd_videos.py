"""The odd videos are odd in the way that they say, so that the tests that use them test that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import odd_videos
import pytest
import soundfile


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stand-in for speech: a second of noise in bursts."""
    noise = np.random.default_rng(0).normal(0, 0.1, (4, 16_000)) * np.array([[1], [0], [1], [1]])
    path = tmp_path_factory.mktemp("speech") / "speech.wav"
    soundfile.write(path, noise.reshape(-1), 16_000)
    return path


@pytest.fixture(scope="module")
def films(speech: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("odd")
    return {name: make(speech, folder) for name, make in odd_videos.KINDS.items()}


def facts(path: Path) -> dict[str, Any]:
    """What PyAV finds in a film."""
    with av.open(f"file:{path}") as film:
        video = film.streams.video[0] if film.streams.video else None
        return {
            "format": film.format.name,
            "codecs": [stream.codec_context.name for stream in film.streams],
            "audio": [(s.rate, s.channels, s.language) for s in film.streams.audio],
            "starts": [float((s.start_time or 0) * s.time_base) for s in film.streams],
            "duration": film.duration / 1e6,
            "rotation": next(film.decode(video)).rotation if video else None,
        }


@pytest.mark.parametrize("name", ["not_a_video", "zero_bytes", "truncated"])
def test_some_cannot_be_opened(films, name):
    with pytest.raises(av.error.FFmpegError):
        facts(films[name])


def test_a_download_that_broke_off_opens_but_is_not_whole(films):
    with av.open(str(films["truncated_after_index"])) as film:
        seen = max(float(p.pts * p.time_base) for p in film.demux() if p.pts is not None and p.size)
        assert film.duration / 1e6 == pytest.approx(odd_videos.SECONDS, abs=0.05)
    assert seen < odd_videos.SECONDS - 0.5


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("wrong_extension", "codecs", ["h264", "aac"]),
        ("misleading_extension", "format", "matroska,webm"),
        ("no_audio", "codecs", ["h264"]),
        ("no_picture", "codecs", ["aac"]),
        ("mono", "audio", [(44_100, 1, "und")]),
        ("surround", "audio", [(48_000, 6, "und")]),
        ("rate_8k", "audio", [(8_000, 1, "und")]),
        ("rate_96k", "audio", [(96_000, 2, "und")]),
        ("two_audio_tracks", "audio", [(48_000, 1, "spa"), (16_000, 1, "eng")]),
        ("vp9_opus_mkv", "codecs", ["libvpx-vp9", "opus"]),
        ("mpeg4_mp3_avi", "codecs", ["mpeg4", "mp3float"]),
        ("prores_pcm_mov", "codecs", ["prores", "pcm_s16le"]),
        ("rotated", "rotation", -90),
    ],
)
def test_each_is_what_it_says(films, name, key, value):
    found = facts(films[name])[key]
    normal = {"vp9": "libvpx-vp9", "mp3": "mp3float", "libopus": "opus"}
    found = [normal.get(one, one) for one in found] if key == "codecs" else found
    assert found == value


def test_late_sound_starts_late(films):
    assert facts(films["late_audio"])["starts"] == pytest.approx([0.0, 1.5], abs=0.07)


def test_the_first_minute_is_silent(films):
    assert facts(films["quiet_first_minute"])["duration"] == pytest.approx(63, abs=0.1)
    with av.open(str(films["quiet_first_minute"])) as film:
        stream = film.streams.audio[0]
        loud = [
            float(frame.pts * stream.time_base)
            for frame in film.decode(stream)
            if np.abs(frame.to_ndarray()).max() > 0.01
        ]
    assert 59.9 < min(loud) < 60.2


def test_silence_is_silent(films):
    with av.open(str(films["silence"])) as film:
        assert max(float(np.abs(frame.to_ndarray()).max()) for frame in film.decode(audio=0)) < 1e-4


def test_the_frame_rate_varies(films):
    with av.open(str(films["variable_frame_rate"])) as film:
        times = sorted(float(p.pts * p.time_base) for p in film.demux(video=0) if p.pts is not None)
    assert sorted({round(step, 2) for step in np.diff(times)}) == [0.04, 0.2]


def test_the_picture_goes_on_without_sound(films):
    with av.open(str(films["picture_longer_than_sound"])) as film:
        lengths = [float(stream.duration * stream.time_base) for stream in film.streams]
    assert lengths == pytest.approx([3.0, 1.5], abs=0.05)


def test_one_frame_is_one_frame(films):
    with av.open(str(films["one_frame"])) as film:
        assert sum(1 for _ in film.decode(video=0)) == 1


def test_a_picture_is_no_film(films):
    assert films["picture_as_video"].read_bytes().startswith(b"\x89PNG")


def test_every_name_can_be_written_and_is_kept(speech, tmp_path):
    for name in odd_videos.NAMES:
        assert odd_videos.plain(speech, tmp_path, name).is_file()
    assert {path.name for path in tmp_path.iterdir()} == set(odd_videos.NAMES)
    for kind in (" ", "'", '"', "\n"):
        assert any(kind in name for name in odd_videos.NAMES)
    assert any(name.startswith("-") for name in odd_videos.NAMES)
    assert any(not name.isascii() for name in odd_videos.NAMES)

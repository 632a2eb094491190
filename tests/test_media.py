import shutil
from collections.abc import Callable
from pathlib import Path

import ffmpeg
import numpy as np
import odd_videos
import pytest
from builders import sine
from hypothesis import given, settings
from hypothesis import strategies as st

from dubkit import media
from dubkit.artefacts import Media
from dubkit.errors import BadInput, MissingModel, OutOfSpace, StageFailed

FRAME = 1 / 25


def decoded(path: Path) -> tuple[Media, np.ndarray]:
    found = media.probe(path)
    return found, np.concatenate(list(media.sound(path, found)))


def level(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(samples.astype(float) ** 2)))


def loudest_hz(samples: np.ndarray, rate: int = media.SAMPLE_RATE) -> float:
    return float(np.argmax(np.abs(np.fft.rfft(samples * np.hanning(len(samples))))) * rate / len(samples))


def test_what_is_in_a_plain_film(tiny: Path) -> None:
    found = media.probe(tiny)
    assert found.container == "mov"
    assert found.duration == pytest.approx(2.0, abs=0.03)
    assert (found.video.codec, found.video.width, found.video.height) == ("h264", 160, 120)
    assert found.video.fps == pytest.approx(25)
    assert (found.video.rotation, found.video.variable_frame_rate) == (0, False)
    assert (found.audio.codec, found.audio.sample_rate, found.audio.n_channels) == ("aac", 48_000, 1)
    assert found.audio.start == pytest.approx(0, abs=0.03)
    assert found.audio_tracks == (found.audio,)


@pytest.mark.parametrize(
    ("suffix", "picture", "sound", "container", "codecs"),
    [
        ("mp4", "libx264", "aac", "mov", ("h264", "aac")),
        ("mov", "mpeg4", "pcm_s16le", "mov", ("mpeg4", "pcm_s16le")),
        ("avi", "mpeg4", "libmp3lame", "avi", ("mpeg4", "mp3")),
        ("mkv", "libx264", "flac", "matroska", ("h264", "flac")),
        ("webm", "libvpx", "libopus", "matroska", ("vp8", "opus")),
    ],
)
def test_the_content_decides_whatever_the_name_says(
    film: Callable[..., Path], suffix: str, picture: str, sound: str, container: str, codecs: tuple[str, str]
) -> None:
    made = film(f"film.{suffix}", picture_codec=picture, sound_codec=sound, seconds=1)
    lying = made.rename(made.with_suffix(".txt" if suffix == "mp4" else ".mp4"))
    assert media.sniff(lying) == container
    found, samples = decoded(lying)
    assert (found.video.codec, found.audio.codec) == codecs
    assert len(samples) == pytest.approx(found.duration * 48_000, abs=1)
    # MP3 carries its encoder's delay along.
    assert found.duration == pytest.approx(1.0, abs=0.06)
    assert loudest_hz(samples[4800:43_200, 0]) == pytest.approx(440, abs=3)


@pytest.mark.parametrize("name", odd_videos.NAMES)
def test_any_file_name_will_do(film: Callable[..., Path], tiny: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    shutil.copyfile(tiny, path)
    found, samples = decoded(path)
    assert found == media.probe(tiny)
    assert len(samples) == round(found.duration * 48_000)
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_a_relative_name_with_a_dash_or_a_protocol_is_a_file(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("-i", "pipe:0", "http:film"):
        shutil.copyfile(tiny, name)
        assert media.probe(Path(name)).duration == pytest.approx(2.0, abs=0.03)


def test_sound_that_starts_late_keeps_its_place_and_the_length(tone: Path, tmp_path: Path) -> None:
    found, samples = decoded(odd_videos.late_audio(tone, tmp_path))
    assert found.duration == pytest.approx(3.0, abs=0.03)
    assert found.audio.start == pytest.approx(1.5, abs=0.05)
    assert len(samples) == pytest.approx(found.duration * 48_000, abs=1)
    assert np.abs(samples[: int(1.4 * 48_000)]).max() < 1e-3
    assert level(samples[int(1.6 * 48_000) : int(2.8 * 48_000)]) == pytest.approx(0.125 / np.sqrt(2), rel=0.05)


def test_sound_that_ends_early_is_followed_by_silence(tone: Path, tmp_path: Path) -> None:
    _found, samples = decoded(odd_videos.picture_longer_than_sound(tone, tmp_path))
    assert len(samples) == pytest.approx(3.0 * 48_000, abs=2000)
    assert level(samples[: int(1.4 * 48_000)]) > 0.08
    assert np.abs(samples[int(1.6 * 48_000) :]).max() < 1e-3


def test_a_hole_in_the_sound_is_silence(film: Callable[..., Path], tmp_path: Path) -> None:
    whole = film("whole.mkv", sound_codec="pcm_s16le", seconds=3)
    holed = tmp_path / "holed.mkv"
    # Packets between 1 s and 2 s are dropped; those after keep their times.
    drop = "noise=drop='between(pts*tb,1,2)'"
    media.run_ffmpeg(ffmpeg.output(ffmpeg.input(str(whole)), str(holed), c="copy", **{"bsf:a": drop}), "making a hole")
    found, samples = decoded(holed)
    assert len(samples) == pytest.approx(found.duration * 48_000, abs=1)
    assert np.abs(samples[int(1.1 * 48_000) : int(1.9 * 48_000)]).max() < 1e-3
    assert level(samples[int(2.1 * 48_000) : int(2.9 * 48_000)]) > 0.08


@pytest.mark.parametrize(
    ("kind", "rate", "n_channels", "heard"),
    [("mono", 44_100, 1, 1), ("surround", 48_000, 6, 2), ("rate_8k", 8_000, 1, 1), ("rate_96k", 96_000, 2, 2)],
)
def test_every_kind_of_sound_becomes_48_khz(
    tone: Path, tmp_path: Path, kind: str, rate: int, n_channels: int, heard: int
) -> None:
    found, samples = decoded(odd_videos.KINDS[kind](tone, tmp_path))
    assert (found.audio.sample_rate, found.audio.n_channels) == (rate, n_channels)
    assert samples.shape[1] == heard
    assert len(samples) == pytest.approx(found.duration * 48_000, abs=1)
    assert samples.dtype == np.float32
    for channel in samples.T:
        assert loudest_hz(channel[4800:100_800]) == pytest.approx(440, abs=2)
        # The centre of 5.1 goes to both sides, 3 dB down and normalised.
        assert level(channel[4800:100_800]) > 0.02


def test_stereo_stays_stereo(film: Callable[..., Path]) -> None:
    left_only = "aevalsrc=0.3*sin(2*PI*440*t)|0.1*sin(2*PI*880*t):sample_rate=48000"
    _, samples = decoded(film(sound=left_only, sound_codec="aac"))
    left, right = samples[9600:86_400].T
    assert loudest_hz(left) == pytest.approx(440, abs=2)
    assert loudest_hz(right) == pytest.approx(880, abs=2)
    assert level(left) / level(right) == pytest.approx(3, rel=0.05)


def test_blocks_are_ten_seconds_and_the_last_the_rest(film: Callable[..., Path]) -> None:
    path = film(seconds=21, size="32x32", fps=5)
    found = media.probe(path)
    lengths = [len(block) for block in media.sound(path, found)]
    assert lengths[:-1] == [480_000, 480_000]
    assert sum(lengths) == pytest.approx(found.duration * 48_000, abs=1)


def test_a_stream_that_nobody_reads_on_ends_quietly(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media, "BLOCK_SECONDS", 0.1)
    blocks = media.sound(tiny, media.probe(tiny))
    assert len(next(blocks)) == 4800
    blocks.close()  # type: ignore[attr-defined]


@pytest.mark.parametrize("suffix", ["mkv", "mov"])
def test_a_film_whose_clock_does_not_start_at_zero(film: Callable[..., Path], suffix: str) -> None:
    plain, samples = decoded(film(f"plain.{suffix}", sound_codec="pcm_s16le"))
    late, shifted = decoded(film(f"late.{suffix}", sound_codec="pcm_s16le", options=["-output_ts_offset", "3"]))
    assert late.duration == pytest.approx(plain.duration, abs=0.001)
    assert late.audio.start == pytest.approx(0, abs=0.001)
    assert np.abs(shifted - samples).max() < 1e-4


def test_the_chosen_track_is_heard(tone: Path, tmp_path: Path) -> None:
    path = odd_videos.two_audio_tracks(tone, tmp_path)
    found = media.probe(path)
    assert [t.language for t in found.audio_tracks] == ["spa", "eng"]
    assert found.audio == found.audio_tracks[1]
    first = found.but(audio=found.audio_tracks[0])
    for choice, hz in ((found, 440), (first, 330)):
        samples = np.concatenate(list(media.sound(path, choice)))
        assert loudest_hz(samples[4800:100_800, 0]) == pytest.approx(hz, abs=2)


def test_rotation_is_noticed(tone: Path, tmp_path: Path) -> None:
    found = media.probe(odd_videos.rotated(tone, tmp_path))
    assert found.video.rotation in (90, 270)
    assert (found.video.width, found.video.height) == (160, 120)


def test_a_frame_rate_that_varies_is_noticed(tone: Path, tmp_path: Path) -> None:
    assert media.probe(odd_videos.variable_frame_rate(tone, tmp_path)).video.variable_frame_rate
    assert not media.probe(odd_videos.plain(tone, tmp_path)).video.variable_frame_rate


@pytest.mark.parametrize(
    ("suffix", "options"),
    [("mp4", ["-movflags", "+faststart"]), ("mp4", []), ("mkv", []), ("avi", []), ("webm", [])],
)
def test_a_film_that_is_cut_short_is_refused(film: Callable[..., Path], suffix: str, options: list[str]) -> None:
    codecs = {"avi": ("mpeg4", "libmp3lame"), "webm": ("libvpx", "libopus")}
    picture, sound = codecs.get(suffix, ("libx264", "aac"))
    path = film(
        f"film.{suffix}",
        seconds=4,
        fps=10,
        size="64x48",
        picture_codec=picture,
        sound_codec=sound,
        options=["-g", "10", *options],
    )
    whole = path.read_bytes()
    media.probe(path)
    for share in (0.1, 0.5, 0.7):
        path.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(BadInput, match=r"cut short|is damaged"):
            media.probe(path)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("not_a_video", "is not a video that dubkit can read"),
        ("zero_bytes", "is not a video that dubkit can read"),
        ("picture_as_video", "is not a video that dubkit can read"),
        ("no_audio", "has no sound"),
        ("no_picture", "has no picture"),
    ],
)
def test_what_cannot_be_dubbed_is_refused(tone: Path, tmp_path: Path, kind: str, message: str) -> None:
    path = odd_videos.KINDS[kind](tone, tmp_path)
    before = path.read_bytes()
    with pytest.raises(BadInput, match=message):
        media.probe(path)
    assert path.read_bytes() == before


def test_a_cover_picture_is_no_film(film: Callable[..., Path], tone: Path, tmp_path: Path) -> None:
    cover = tmp_path / "cover.png"
    media.run_ffmpeg(ffmpeg.input("testsrc=size=64x64", f="lavfi").output(str(cover), vframes=1), "drawing")
    song = tmp_path / "song.m4a"
    inputs = [ffmpeg.input(str(tone)), ffmpeg.input(str(cover))]
    options = {"c:v": "copy", "c:a": "aac", "disposition:v": "attached_pic", "f": "mp4"}
    media.run_ffmpeg(ffmpeg.output(*inputs, str(song), **options), "adding a cover")
    with pytest.raises(BadInput, match="has no picture"):
        media.probe(song)


def test_a_playlist_or_script_is_never_opened(tmp_path: Path) -> None:
    for name, content in (("a.mp4", b"#EXTM3U\nfile:///etc/passwd\n"), ("b.mp4", b"ffconcat version 1.0\nfile x\n")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(BadInput, match="not a video"):
            media.probe(tmp_path / name)


@pytest.mark.parametrize("factor", [0.3, 0.92, 1.0, 1.05, 1.7, 3.0])
def test_stretching_keeps_pitch_and_level(factor: float) -> None:
    samples = sine(1.5, hz=330, rate=24_000)
    other = media.stretched(samples, 24_000, factor)
    assert other.dtype == np.float32 and other.flags.writeable
    assert len(other) == round(len(samples) / factor)
    assert loudest_hz(other, 24_000) == pytest.approx(330, abs=8)
    assert level(other) == pytest.approx(level(samples), rel=0.1)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 12_000), st.sampled_from([8000, 22_050, 24_000, 48_000]), st.floats(0.25, 4.0))
def test_a_stretched_clip_is_as_long_as_asked_to_the_sample(n: int, rate: int, factor: float) -> None:
    samples = np.random.default_rng(n).normal(0, 0.1, n).astype(np.float32)
    other = media.stretched(samples, rate, factor)
    assert len(other) == (max(1, round(n / factor)) if n else 0)
    assert np.isfinite(other).all()


@pytest.mark.parametrize("milliseconds", [5, 20, 40, 60, 90])
@pytest.mark.parametrize("factor", [0.87, 1.15])
def test_scraps_stay_heard_when_stretched(milliseconds: int, factor: float) -> None:
    samples = sine(0.001 * milliseconds, hz=400, rate=24_000)
    assert level(media.stretched(samples, 24_000, factor)) == pytest.approx(level(samples), rel=0.2)


@pytest.mark.parametrize("factor", [0.92, 1.08, 1.15])
def test_stretching_makes_no_click_even_where_a_sound_breaks_off(factor: float) -> None:
    at = np.arange(17_111) / 24_000
    vowel = sum(np.cos(2 * np.pi * 120 * k * at) / k for k in range(1, 9)).astype(np.float32) / 8
    assert abs(vowel[-1]) > 0.02
    steps = np.abs(np.diff(media.stretched(vowel, 24_000, factor)))
    assert steps.max() < 1.2 * np.abs(np.diff(vowel)).max()


@pytest.mark.parametrize("factor", [0.0, -1.0, float("nan"), float("inf")])
def test_no_clip_is_played_infinitely_slowly_or_backwards(factor: float) -> None:
    with pytest.raises(ValueError, match="any number above 0"):
        media.stretched(sine(0.1), 24_000, factor)


def test_stretching_keeps_the_last_sound() -> None:
    samples = np.concatenate([np.zeros(20_000, np.float32), sine(0.1, hz=500, level=0.5, rate=24_000)])
    short = media.stretched(samples, 24_000, 1.08)
    assert level(short[-1500:-100]) == pytest.approx(0.5 / np.sqrt(2), rel=0.1)


def test_stretching_gives_the_same_samples_again() -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, 24_000).astype(np.float32)
    assert (media.stretched(noise, 24_000, 1.13) == media.stretched(noise, 24_000, 1.13)).all()


def test_what_ffmpeg_says_comes_with_the_error(tmp_path: Path) -> None:
    with pytest.raises(StageFailed, match=r"ffmpeg failed while joining: .*nowhere"):
        media.run_ffmpeg(ffmpeg.input(str(tmp_path / "nowhere.mp4")).output(str(tmp_path / "x.mp4")), "joining")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_disk_that_fills_up_at_the_last_bytes_is_told(tiny: Path) -> None:
    with pytest.raises(OutOfSpace, match="became full while writing"):
        media.run_ffmpeg(ffmpeg.input(str(tiny)).output("/dev/full", f="matroska", c="copy"), "writing")


def test_ffmpeg_on_the_path_is_taken_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: f"/opt/{name}")
    assert media.ffmpeg_program() == "/opt/ffmpeg"


def test_the_packaged_ffmpeg_is_taken_else(monkeypatch: pytest.MonkeyPatch) -> None:
    imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg")
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert media.ffmpeg_program() == imageio_ffmpeg.get_ffmpeg_exe()


def test_no_ffmpeg_at_all_is_told_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setitem(__import__("sys").modules, "imageio_ffmpeg", None)
    with pytest.raises(MissingModel, match="apt install ffmpeg, or: make setup"):
        media.ffmpeg_program()

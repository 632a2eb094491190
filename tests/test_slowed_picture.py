"""The picture at new times: what every frame shows, and when."""

from __future__ import annotations

import errno
import hashlib
import itertools
import subprocess
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import odd_videos
import pytest
from films import make_film
from hypothesis import given
from hypothesis import strategies as st
from read_back import packets

from dubkit import media
from dubkit.errors import OutOfSpace, StageFailed
from dubkit.media import ffmpeg_program
from dubkit.retiming import TimeMap
from dubkit.slowed_picture import Picture, decoded, slow_picture

REORDERED = ("-preset", "fast", "-bf", "3")
X265 = ("-preset", "ultrafast", "-x265-params", "bframes=3:log-level=error")
FILMS: dict[str, Callable[[Path, Path], Path]] = {
    "h264": lambda _, f: make_film(f / "a.mp4"),
    "h264 with B-frames": lambda _, f: make_film(f / "a.mp4", options=REORDERED),
    "h264 in Matroska": lambda _, f: make_film(f / "a.mkv", options=REORDERED),
    "h264 in AVI": lambda _, f: make_film(f / "a.avi", sound_codec="libmp3lame", options=REORDERED),
    "hevc": lambda _, f: make_film(f / "a.mp4", picture_codec="libx265", options=X265),
    "vp9": odd_videos.vp9_opus_mkv,
    "mpeg4 in AVI": odd_videos.mpeg4_mp3_avi,
    "mpeg4 with B-frames in AVI": lambda _, f: make_film(
        f / "a.avi", picture_codec="mpeg4", sound_codec="libmp3lame", options=("-bf", "2")
    ),
    "variable frame rate": odd_videos.variable_frame_rate,
    "late sound": odd_videos.late_audio,
    "late picture": lambda _, f: late_picture(f),
    "cut by an edit list": lambda _, f: cut(f),
}


def remuxed(target: Path, *arguments: str) -> Path:
    """What ffmpeg makes of some inputs without encoding."""
    command = [ffmpeg_program(), "-v", "error", "-nostdin", *arguments, "-c", "copy", str(target)]
    subprocess.run(command, check=True, capture_output=True)
    return target


def late_picture(folder: Path) -> Path:
    """The picture starts 0.4 s after the sound."""
    film = str(make_film(folder / "whole.mp4", options=REORDERED))
    inputs = ("-i", film, "-itsoffset", "0.4", "-i", film)
    return remuxed(folder / "late.mp4", *inputs, "-map", "1:v", "-map", "0:a")


def cut(folder: Path) -> Path:
    """The first half second is in the file, and is not to be shown."""
    film = make_film(folder / "whole.mp4", seconds=2.5, options=REORDERED)
    return remuxed(folder / "cut.mp4", "-ss", "0.5", "-i", str(film))


def slower(duration: float) -> TimeMap:
    """From half a second on slower and slower, then as it was."""
    return TimeMap(((0.0, 0.0), (0.5, 0.5), (0.9, 0.92), (1.3, 1.4), (1.7, 1.8), (duration, duration + 0.1)))


def frames(path: Path, origin: float | None = None) -> list[tuple[float, str]]:
    """When every frame is shown and a digest of what it shows, in order."""
    options = {"fflags": "+genpts"} if path.suffix == ".avi" else {}
    with av.open(f"file:{path}", options=options) as film:
        origin = film.start_time / 1e6 if origin is None else origin
        return sorted(
            (f.time - origin, hashlib.md5(f.to_ndarray().tobytes()).hexdigest()) for f in film.decode(video=0)
        )


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("noise") / "noise.wav"
    command = [ffmpeg_program(), "-v", "error", "-f", "lavfi", "-i", "anoisesrc=duration=4:amplitude=0.1", str(path)]
    subprocess.run(command, check=True, capture_output=True)
    return path


def slow(source: Path, folder: Path, times: TimeMap | None = None) -> tuple[Path, float]:
    """The film's picture slowed, and when it starts."""
    found = media.probe(source)
    target = folder / "slow.mp4"
    times = times or slower(found.duration)
    return target, slow_picture(Picture(source, found.container, found.video.index), times, target)


@pytest.mark.parametrize("kind", FILMS)
def test_every_frame_is_shown_when_the_map_says_and_shows_the_same(kind: str, noise: Path, tmp_path: Path) -> None:
    source = FILMS[kind](noise, tmp_path)
    target, start = slow(source, tmp_path)
    before, after = frames(source), frames(target, origin=0.0)
    assert [content for _, content in after] == [content for _, content in before]
    times = slower(media.probe(source).duration)
    assert [at for at, _ in after] == pytest.approx([times.dub(at) for at, _ in before], abs=0.001)
    assert start == pytest.approx(after[0][0], abs=1e-4)
    if kind != "h264 in AVI":  # MP4 has lengths where AVI has start codes.
        assert sorted(c for _, c in packets(target)) == sorted(c for _, c in packets(source)), "copied bit for bit"


def test_every_frame_stays_until_the_next(noise: Path, tmp_path: Path) -> None:
    source = make_film(tmp_path / "film.mp4", options=REORDERED)
    target, _ = slow(source, tmp_path)
    with av.open(str(target)) as film:
        stream = film.streams.video[0]
        found = [p for p in film.demux(stream) if p.size]
        assert float(stream.duration * stream.time_base) == pytest.approx(2.1, abs=0.001)
        decode = [p.dts for p in found]
        assert all(a < b for a, b in itertools.pairwise(decode))
        assert all(p.dts <= p.pts for p in found)


def test_the_last_frame_stays_no_longer_than_the_dub_lasts(tmp_path: Path) -> None:
    source = make_film(tmp_path / "film.mp4")
    target, _ = slow(source, tmp_path, TimeMap(((0.0, 0.0), (1.98, 2.5))))
    with av.open(str(target)) as film:
        assert film.duration / 1e6 == pytest.approx(2.5, abs=0.001)


def test_a_rotated_picture_stays_rotated(noise: Path, tmp_path: Path) -> None:
    target, _ = slow(odd_videos.rotated(noise, tmp_path), tmp_path)
    with av.open(str(target)) as film:
        assert next(film.decode(video=0)).rotation == -90


def test_chapters_move_and_keep_their_titles(tmp_path: Path) -> None:
    title = "A; b = c # [d] \\ 'e' \"é\""
    described = tmp_path / "chapters.txt"
    escaped = "".join("\\" + c if c in "=;#\\\n" else c for c in title)
    spans = ((0, 700, escaped), (700, 1700, "Two"), (1700, 2000, "Three"))
    chapters = "".join(f"[CHAPTER]\nTIMEBASE=1/1000\nSTART={a}\nEND={b}\ntitle={t}\n" for a, b, t in spans)
    described.write_text(";FFMETADATA1\n" + chapters, encoding="utf-8")
    film = make_film(tmp_path / "film.mp4")
    inputs = ("-i", str(film), "-f", "ffmetadata", "-i", str(described))
    source = remuxed(tmp_path / "chapters.mp4", *inputs, "-map", "0", "-map_chapters", "1")
    target, _ = slow(source, tmp_path)
    times = slower(2.0)
    with av.open(str(target)) as done:
        found = done.chapters()
    assert [c["metadata"]["title"] for c in found] == [title, "Two", "Three"]
    starts = [float(c["start"] * c["time_base"]) for c in found]
    assert starts == pytest.approx([times.dub(t) for t in (0.0, 0.7, 1.7)], abs=0.001)
    assert float(found[-1]["end"] * found[-1]["time_base"]) == pytest.approx(2.1, abs=0.001)


def test_a_picture_without_times_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = make_film(tmp_path / "film.avi", picture_codec="mpeg4", sound_codec="libmp3lame", options=("-bf", "2"))

    def as_it_is(picture: Picture) -> av.container.InputContainer:
        film = av.open(str(picture.path))
        film.flags &= ~av.container.Flags.gen_pts.value
        return film

    monkeypatch.setattr(Picture, "open", as_it_is)
    with pytest.raises(StageFailed, match="do not say when they are shown"):
        slow(source, tmp_path)


def test_a_picture_that_mp4_cannot_hold_is_refused(tmp_path: Path) -> None:
    source = make_film(tmp_path / "film.webm", picture_codec="libvpx", sound_codec="libopus", seconds=1, fps=5)
    with pytest.raises(StageFailed, match="could not be given new times"):
        slow(source, tmp_path, TimeMap(((0.0, 0.0), (1.0, 1.2))))


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Picture) -> None:
        raise av.error.OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Picture, "open", full)
    with pytest.raises(OutOfSpace, match="disk became full"):
        slow(make_film(tmp_path / "film.mp4"), tmp_path)


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=50))
def test_times_of_decoding_increase_and_are_never_after_those_of_display(shown):
    found = decoded(np.array(shown))
    assert np.all(np.diff(found) > 0)
    assert np.all(found <= np.array(shown))
    assert np.any(found == np.array(shown)), "no earlier than they must be"

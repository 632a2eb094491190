"""Films whose picture was slowed: everything in the file follows."""

from __future__ import annotations

import itertools
import subprocess
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from builders import casting, speakers, transcript, translation
from films import make_film
from read_back import facts, packets, streams

from dubkit import audio, media, subtitles
from dubkit.artefacts import Dub, Placement, Soundtrack, Speech, Video
from dubkit.errors import StageFailed
from dubkit.media import SAMPLE_RATE, ffmpeg_program
from dubkit.progress import Report
from dubkit.record import File
from dubkit.retiming import TimeMap
from dubkit.slowed_sound import slowed
from dubkit.stages.combine import CombineSettings, combine

SAID = transcript(("S1", 1.0, 3.0, "Good morning."))
LINES = translation(SAID, "Bom dia a todos.")
# Every fifth frame of 25 a second is white and clicks.
EVERY = 0.2
FLASH = "color=black:size=64x48:rate=25,geq=lum='if(eq(mod(N,5),0),255,0)':cb=128:cr=128"
CLICK = "aevalsrc='0.9*lt(mod(t,0.2),0.0005)':sample_rate=48000"
AUDIO_FRAME = 1024 / SAMPLE_RATE


def slower(duration: float) -> TimeMap:
    """Slowed to 1.3 in stairs from 0.8 s on, and back to the film's own pace before it ends."""
    stairs = [(0.8, 1.05), (1.0, 1.1), (1.2, 1.2), (1.4, 1.3), (2.6, 1.2), (2.8, 1.1), (3.0, 1.0), (duration, 1.0)]
    knots = [(0.0, 0.0), (0.8, 0.8)]
    for (start, slope), (end, _) in itertools.pairwise(stairs):
        knots.append((end, round(knots[-1][1] + (end - start) * slope, 6)))
    return TimeMap(tuple(knots))


def flashes(target: Path, *options: str, picture: str = "libx264", sound: str = "aac") -> Path:
    """Four seconds of flashes that click, with two chapters and a title."""
    chapters = target.with_suffix(".txt")
    spans = ((0, 1900, "One; two = 2"), (1900, 4000, "Last"))
    text = "".join(f"[CHAPTER]\nTIMEBASE=1/1000\nSTART={a}\nEND={b}\ntitle={t}\n" for a, b, t in spans)
    chapters.write_text(";FFMETADATA1\n" + text.replace("One; two = 2", "One\\; two \\= 2"), encoding="utf-8")
    inputs = ("-f", "lavfi", "-i", FLASH, "-f", "lavfi", "-i", CLICK)
    command = [ffmpeg_program(), "-v", "error", "-nostdin", *inputs, "-f", "ffmetadata", "-i", str(chapters)]
    command += ["-t", "4", "-map", "0:v", "-map", "1:a", "-map_chapters", "2", "-metadata", "title=A film"]
    command += ["-c:v", picture, "-c:a", sound, "-pix_fmt", "yuv420p", *options, str(target)]
    subprocess.run(command, check=True, capture_output=True)
    return target


def combined(
    path: Path, folder: Path, report: Report | None = None, *, keep_original: bool = True
) -> tuple[Dub, TimeMap]:
    """The dub of a slowed film whose new sound is the slowed old one."""
    found = media.probe(path)
    times = slower(found.duration)
    placement = Placement(
        id="u0001",
        speaker="S1",
        text="Bom dia a todos.",
        slot_start=times.dub(1.0),
        slot_end=times.dub(3.0),
        start=times.dub(1.0),
        end=times.dub(3.0),
        rate=1.1,
        stretch=1.0,
        borrowed=0.0,
        drift=0.0,
    )
    sound = audio.write(folder.parent / "soundtrack.flac", slowed(media.sound(path, found), times), SAMPLE_RATE)
    made: Dub = combine(
        Video(file=File.of(path)),
        found,
        Soundtrack(audio=sound, placements=(placement,), knots=times.knots),
        SAID,
        LINES,
        speakers("S1"),
        casting(S1="ana"),
        Speech(clips=(), model="speaker@1"),
        settings=CombineSettings(keep_original=keep_original),
        folder=folder,
        report=report or Report("combine"),
    )
    return made, times


def shown(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """When each frame is shown, and how bright it is."""
    with av.open(f"file:{path}") as film:
        origin = film.start_time / 1e6
        found = sorted((f.time - origin, float(f.to_ndarray(format="gray").mean())) for f in film.decode(video=0))
    return np.array(found)[:, 0], np.array(found)[:, 1]


def clicks(path: Path, track: int) -> np.ndarray:
    """When it clicks in a track: the first loud sample of each."""
    with av.open(f"file:{path}") as film:
        origin = film.start_time / 1e6
        parts = [(f.time - origin, np.abs(f.to_ndarray()).max(axis=0)) for f in film.decode(audio=track)]
    at = np.concatenate([start + np.arange(len(level)) / SAMPLE_RATE for start, level in parts])
    loud = at[np.concatenate([level for _, level in parts]) > 0.25]
    return loud[np.diff(loud, prepend=-1) > 0.05]


@pytest.fixture(scope="module")
def dubbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Dub, TimeMap]:
    """A film with B-frames, dubbed once for the tests that just look at it."""
    folder = tmp_path_factory.mktemp("retimed")
    (folder / "stage").mkdir()
    source = flashes(folder / "film.mp4", "-preset", "fast", "-bf", "2")
    return source, *combined(source, folder / "stage")


def test_the_dub_lasts_as_long_as_the_map_says(dubbed: tuple[Path, Dub, TimeMap]) -> None:
    _, dub, times = dubbed
    assert dub.duration == times.duration == 4.49
    assert facts(dub.video.path)[0] == pytest.approx(times.duration, abs=AUDIO_FRAME)


def test_the_picture_is_the_source_s_at_new_times(dubbed: tuple[Path, Dub, TimeMap]) -> None:
    source, dub, times = dubbed
    assert dub.picture == "copied"
    before, after = packets(source), packets(dub.video.path)
    assert [content for _, content in after] == [content for _, content in before]
    assert [at for at, _ in after] == pytest.approx([times.dub(at) for at, _ in before], abs=0.001)


@pytest.mark.parametrize("track", [0, 1])
def test_sound_and_picture_stay_together(dubbed: tuple[Path, Dub, TimeMap], track: int) -> None:
    at, bright = shown(dubbed[1].video.path)
    flashed, clicked = at[bright > 128], clicks(dubbed[1].video.path, track)
    assert len(flashed) == len(clicked) == 20
    assert np.abs(clicked - flashed).max() < 0.04


def test_chapters_and_tags_follow(dubbed: tuple[Path, Dub, TimeMap]) -> None:
    _, dub, times = dubbed
    with av.open(str(dub.video.path)) as film:
        found = [(c["metadata"]["title"], float(c["start"] * c["time_base"])) for c in film.chapters()]
    assert found == [("One; two = 2", 0.0), ("Last", pytest.approx(times.dub(1.9), abs=0.001))]
    assert facts(dub.video.path)[1]["title"] == "A film"


def test_subtitles_follow(dubbed: tuple[Path, Dub, TimeMap]) -> None:
    _, dub, times = dubbed
    by_name = {f.path.name: f.path for f in dub.subtitles}
    for language in ("pt", "en"):
        cue = subtitles.parse(by_name[f"subtitles.{language}.srt"].read_text(encoding="utf-8"))[0]
        assert cue.end >= times.dub(3.0) - 0.05
        assert cue.start == pytest.approx(times.dub(1.0), abs=0.2)


def test_tracks_are_those_of_any_dub(dubbed: tuple[Path, Dub, TimeMap]) -> None:
    found = streams(dubbed[1].video.path)
    assert [(s["type"], s["language"]) for s in found[:5]] == [
        ("video", "und"),
        ("audio", "por"),
        ("audio", "eng"),
        ("subtitle", "por"),
        ("subtitle", "eng"),
    ]
    assert [s["default"] for s in found[1:3]] == [True, False]


def test_nothing_is_left_behind(dubbed: tuple[Path, Dub, TimeMap]) -> None:
    kept = {p.name for p in dubbed[1].video.path.parent.iterdir()}
    assert kept == {"dub.mp4", *(f"subtitles.{x}.{y}" for x in ("pt", "en") for y in ("srt", "vtt"))}


def test_the_same_film_gives_the_same_file(dubbed: tuple[Path, Dub, TimeMap], folder: Path) -> None:
    assert combined(dubbed[0], folder)[0].digest() == dubbed[1].digest()


def frames_and_clicks_agree(source: Path, dub: Dub, times: TimeMap, n: int) -> None:
    """Every frame is where the map says, and every flash clicks."""
    before, after = shown(source)[0], shown(dub.video.path)
    # Of WebM with Opus, versions of ffmpeg differ by the codec's delay in when the film starts.
    shift = after[0][0] - before[0]
    assert abs(shift) < 0.008
    assert after[0] == pytest.approx(times.dub(before + shift), abs=0.001)
    flashed, clicked = after[0][after[1] > 128], clicks(dub.video.path, 0)
    assert len(flashed) == len(clicked) == n
    assert np.abs(clicked - flashed).max() < 0.04


def test_a_picture_that_mp4_cannot_hold_is_made_anew_and_slowed(tmp_path: Path, folder: Path, report: Report) -> None:
    quick = ("-deadline", "realtime", "-cpu-used", "8", "-b:v", "500k")
    source = flashes(tmp_path / "film.webm", *quick, picture="libvpx", sound="libopus")
    dub, times = combined(source, folder, report)
    assert dub.picture == "re-encoded"
    assert report.warnings[0] == "MP4 cannot hold a vp8 picture: it was re-encoded to H.264."
    frames_and_clicks_agree(source, dub, times, 20)
    with av.open(str(dub.video.path)) as film:
        assert [c["metadata"]["title"] for c in film.chapters()] == ["One; two = 2", "Last"]


def test_where_packets_cannot_be_given_new_times_the_picture_is_made_anew(
    dubbed: tuple[Path, Dub, TimeMap], folder: Path, report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dubkit import slowed_film

    real = slowed_film.slow_picture

    def picky(picture: slowed_film.Picture, times: TimeMap, target: Path) -> float:
        if picture.path == dubbed[0]:
            raise StageFailed("some frames of the picture do not say when they are shown")
        return real(picture, times, target)

    monkeypatch.setattr(slowed_film, "slow_picture", picky)
    dub, times = combined(dubbed[0], folder, report)
    assert dub.picture == "re-encoded"
    assert "could not be copied and was re-encoded" in report.warnings[0]
    frames_and_clicks_agree(dubbed[0], dub, times, 20)


@pytest.mark.parametrize("encode", [False, True])
def test_a_late_picture_stays_late(
    dubbed: tuple[Path, Dub, TimeMap],
    tmp_path: Path,
    folder: Path,
    report: Report,
    encode: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    film = str(dubbed[0])
    source = tmp_path / "late.mp4"
    command = [ffmpeg_program(), "-v", "error", "-nostdin", "-i", film, "-itsoffset", "0.4", "-i", film]
    command += ["-map", "1:v", "-map", "0:a", "-c", "copy", str(source)]
    subprocess.run(command, check=True, capture_output=True)
    if encode:
        monkeypatch.setattr(media, "MP4_PICTURE_CODECS", frozenset())
    dub, times = combined(source, folder, report, keep_original=False)
    before, after = shown(source)[0], shown(dub.video.path)[0]
    assert before[0] == pytest.approx(0.4, abs=0.001)
    assert after == pytest.approx(times.dub(before), abs=0.001)
    with av.open(str(dub.video.path)) as done:
        starts = [float(c["start"] * c["time_base"]) for c in done.chapters()]
    assert starts[1] == pytest.approx(times.dub(1.9), abs=0.001)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("film.mkv", {"picture_codec": "libvpx-vp9", "sound_codec": "libopus"}),
        ("film.avi", {"picture_codec": "mpeg4", "sound_codec": "libmp3lame", "options": ["-bf", "2"]}),
    ],
)
def test_other_containers_are_slowed_too(
    name: str, options: dict[str, object], film: Callable[..., Path], folder: Path
) -> None:
    source = film(name, seconds=4, fps=10, size="64x48", **options)
    dub, times = combined(source, folder)
    assert dub.picture == "copied"
    with av.open(f"file:{source}", options={"fflags": "+genpts"}) as before:
        origin = before.start_time / 1e6
        wanted = sorted(times.dub(f.time - origin) for f in before.decode(video=0))
    assert shown(dub.video.path)[0] == pytest.approx(wanted, abs=0.001)


def test_without_knots_nothing_is_written_anew(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dubkit import slowed_film

    source = make_film(tmp_path / "film.mp4", seconds=4, fps=10, size="64x48")
    monkeypatch.setattr(slowed_film, "slow_picture", lambda *_: pytest.fail("the picture is not slowed"))
    monkeypatch.setattr(f"{__name__}.slower", lambda duration: TimeMap.of((), duration))
    dub, _ = combined(source, folder)
    assert packets(dub.video.path) == packets(source)

from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import ffmpeg
import numpy as np
import odd_videos
import pytest
from builders import casting, sine, sound, speakers, transcript, translation
from read_back import boxes, decoded, facts, loudest_hz, packets, shown, streams

from dubkit import media, subtitles
from dubkit.artefacts import Casting, Dub, Placement, Soundtrack, Speech, Transcript, Translation, Video
from dubkit.errors import OutOfSpace, StageFailed
from dubkit.progress import Report
from dubkit.record import File
from dubkit.stages import combine as combine_module
from dubkit.stages.combine import CombineSettings, combine, comment

AUDIO_FRAME = 1024 / 48_000
SAID = transcript(("S1", 0.2, 0.9, "Good morning."), ("S2", 1.0, 1.8, "Are you <b>sure</b>?"))
LINES = translation(SAID, "Bom dia.", "Você tem certeza?")
SPOKEN = Speech(clips=(), model="speaker@1")


def soundtrack(folder: Path, seconds: float, lines: Translation, said: Transcript = SAID) -> Soundtrack:
    """Left a low tone, right a high one, and every line 50 ms after it was."""
    both = np.stack([sine(seconds, hz=330), sine(seconds, hz=660)], axis=1)
    return Soundtrack(
        audio=sound(folder / "soundtrack.flac", both),
        placements=tuple(
            Placement(
                id=u.id,
                speaker=u.speaker,
                text=line.text,
                slot_start=u.start,
                slot_end=u.end,
                start=u.start + 0.05,
                end=u.end + 0.05,
                rate=1.0,
                stretch=1.0,
                borrowed=0.05,
                drift=0.05,
            )
            for u, line in zip(said.utterances, lines.lines, strict=True)
        ),
    )


def combined(
    path: Path,
    folder: Path,
    *,
    said: Transcript = SAID,
    lines: Translation = LINES,
    report: Report | None = None,
    keep_original: bool = False,
    bilingual: bool = False,
    spoken: Soundtrack | None = None,
) -> Dub:
    found = media.probe(path)
    made: Dub = combine(
        Video(file=File.of(path)),
        found,
        spoken or soundtrack(folder, found.duration, lines, said),
        said,
        lines,
        speakers("S1", "S2"),
        casting(S1="ana", S2="rui") if lines.lines else Casting(roles=()),
        SPOKEN,
        settings=CombineSettings(keep_original=keep_original, bilingual=bilingual),
        folder=folder,
        report=report or Report("combine"),
    )
    return made


@pytest.fixture
def slow(film: Callable[..., Path]) -> Path:
    """A film with room for subtitles."""
    return film("slow.mp4", seconds=8, fps=10)


@pytest.fixture(scope="module")
def dubbed(tmp_path_factory: pytest.TempPathFactory, tiny: Path) -> tuple[Path, Dub]:
    """The plain film, dubbed once for the tests that just look at it."""
    folder = tmp_path_factory.mktemp("dubbed")
    return tiny, combined(tiny, folder, keep_original=True)


def test_the_picture_is_the_source_s_bit_for_bit(dubbed: tuple[Path, Dub]) -> None:
    source, dub = dubbed
    assert dub.picture == "copied"
    assert packets(dub.video.path) == packets(source)
    assert len(packets(source)) == 50


def test_the_film_lasts_as_long_as_its_source(dubbed: tuple[Path, Dub]) -> None:
    source, dub = dubbed
    assert facts(dub.video.path)[0] == pytest.approx(media.probe(source).duration, abs=AUDIO_FRAME)
    assert dub.duration == media.probe(source).duration


def test_tracks_are_tagged_and_named(dubbed: tuple[Path, Dub]) -> None:
    picture, dub, original, target, source = streams(dubbed[1].video.path)
    assert (picture["type"], picture["codec"]) == ("video", "h264")
    assert dub == {
        "type": "audio",
        "codec": "aac",
        "language": "por",
        "title": "Portuguese (machine-dubbed)",
        "default": True,
    }
    assert (original["language"], original["title"]) == ("eng", "English (original)")
    assert not original["default"]
    assert [(s["type"], s["codec"], s["language"], s["title"]) for s in (target, source)] == [
        ("subtitle", "mov_text", "por", "Portuguese"),
        ("subtitle", "mov_text", "eng", "English"),
    ]


def test_the_first_track_is_the_dub_in_stereo_and_the_second_the_original(dubbed: tuple[Path, Dub]) -> None:
    dub, original = (decoded(dubbed[1].video.path, n)[9600:86_400] for n in (0, 1))
    assert [loudest_hz(channel) for channel in dub.T] == pytest.approx([330, 660], abs=2)
    assert [loudest_hz(channel) for channel in original.T] == pytest.approx([440, 440], abs=2)


def test_the_index_comes_before_the_content(dubbed: tuple[Path, Dub]) -> None:
    order = boxes(dubbed[1].video.path)
    assert order.index("moov") < order.index("mdat")


def test_the_container_says_that_the_speech_is_made_by_machines(dubbed: tuple[Path, Dub]) -> None:
    said = facts(dubbed[1].video.path)[1]["comment"]
    assert said == comment(SAID, LINES, casting(S1="ana", S2="rui"), SPOKEN)
    assert said == (
        "Speech machine-dubbed from English to Portuguese by dubkit. Transcribed by listener@1; "
        "translated by interpreter@1 (en > pt); spoken by speaker@1, voices: ana, rui."
    )


def test_subtitles_in_both_languages_lie_beside_the_film(dubbed: tuple[Path, Dub]) -> None:
    files = [f.path for f in dubbed[1].subtitles]
    assert [p.name for p in files] == [f"subtitles.{x}.{y}" for x in ("pt", "en") for y in ("srt", "vtt")]
    for paths, starts in ((files[:2], [0.25, 1.05]), (files[2:], [0.2, 1.0])):
        for path in paths:
            cues = subtitles.parse(path.read_text(encoding="utf-8"))
            assert [c.start for c in cues] == pytest.approx(starts, abs=0.3), "the track's own times, give or take"
            assert cues[1].start - cues[0].end == pytest.approx(2 / 24, abs=0.001)
            assert cues[1].end == 2.0
    assert "Speaker 1: Bom dia." in files[0].read_text(encoding="utf-8")
    assert "<v Speaker 2>Are you &lt;b&gt;sure&lt;/b&gt;?</v>" in files[3].read_text(encoding="utf-8")


def test_subtitles_follow_the_sound_of_their_own_language(slow: Path, folder: Path) -> None:
    said = transcript(("S1", 1.0, 3.0, "Good morning."), ("S2", 5.0, 7.0, "Are you sure?"))
    dub = combined(slow, folder, said=said, lines=translation(said, "Bom dia.", "Tem certeza?"))
    target, _, source, _ = (subtitles.parse(f.path.read_text(encoding="utf-8")) for f in dub.subtitles)
    assert [(c.start, c.end) for c in target] == [(1.05, 3.05), (5.05, 7.05)]
    assert [(c.start, c.end) for c in source] == [(1.0, 3.0), (5.0, 7.0)]


def test_what_is_spoken_is_shown_and_not_the_translator_s_first_wording(slow: Path, folder: Path) -> None:
    said = transcript(("S1", 1.0, 3.0, "Good morning."))
    spoken = soundtrack(folder, media.probe(slow).duration, translation(said, "Dia!"), said)
    dub = combined(slow, folder, said=said, lines=translation(said, "Muito bom dia."), spoken=spoken)
    assert [c.text for c in subtitles.parse(dub.subtitles[0].path.read_text(encoding="utf-8"))] == ["Dia!"]


def test_where_the_picture_is_slowed_the_source_s_subtitles_follow(slow: Path, folder: Path) -> None:
    said = transcript(("S1", 1.0, 3.0, "Good morning."))
    lines = translation(said, "Bom dia.")
    spoken = soundtrack(folder, 10.0, lines, said).but(knots=((0.0, 0.0), (2.0, 2.0), (8.0, 10.0)))
    tracks = combine_module._tracks(
        spoken, said, lines, speakers("S1", "S2"), media.probe(slow), CombineSettings(bilingual=True)
    )
    assert [(c.start, c.end) for c in tracks["en"]] == [(1.0, pytest.approx(3.333, abs=0.001))]
    assert [(c.start, c.end) for c in tracks["pt+en"]] == [(1.05, 3.05)]


def test_subtitles_in_both_languages_at_once_where_asked_for(slow: Path, folder: Path) -> None:
    said = transcript(("S1", 1.0, 3.0, "Good morning."), ("S2", 5.0, 7.0, "Are you sure?"))
    dub = combined(slow, folder, said=said, lines=translation(said, "Bom dia.", "Tem certeza?"), bilingual=True)
    assert [f.path.name for f in dub.subtitles[4:]] == ["subtitles.pt+en.srt", "subtitles.pt+en.vtt"]
    shown = dub.subtitles[4].path.read_text(encoding="utf-8").splitlines()
    assert shown[1:4] == ["00:00:01,050 --> 00:00:03,050", "Speaker 1: Bom dia.", "Good morning."]
    assert [(s["language"], s["title"]) for s in streams(dub.video.path) if s["type"] == "subtitle"] == [
        ("por", "Portuguese"),
        ("eng", "English"),
        ("por", "Portuguese + English"),
    ]


def test_subtitles_that_are_too_fast_to_read_are_told_once(slow: Path, folder: Path, report: Report) -> None:
    fast = "These are far too many words for the short time that there is."
    said = transcript(*((f"S{1 + n % 2}", 1.0 + n, 1.9 + n, fast) for n in range(5)))
    combined(slow, folder, said=said, lines=translation(said, *["Sim."] * 5), report=report)
    assert len(report.warnings) == 1
    assert "5 of 5 in English. They hold every word" in report.warnings[0]


def test_subtitles_in_the_film_show_what_was_said(dubbed: tuple[Path, Dub], tmp_path: Path) -> None:
    for n, text in enumerate(("Speaker 1: Bom dia.", "Speaker 1: Good morning.")):
        out = tmp_path / f"{n}.srt"
        source = ffmpeg.input(str(dubbed[1].video.path))
        media.run_ffmpeg(ffmpeg.output(source[f"s:{n}"], str(out), f="srt"), "reading subtitles")
        assert text in out.read_text(encoding="utf-8")


def test_the_same_film_gives_the_same_file(tiny: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    first, second = (combined(tiny, tmp_path / name) for name in ("a", "b"))
    assert first.digest() == second.digest()
    assert [s["type"] for s in streams(first.video.path)] == ["video", "audio", "subtitle", "subtitle"]


def test_a_film_in_which_nobody_speaks_is_given_back_with_its_sound(tiny: Path, folder: Path) -> None:
    nobody = transcript(language="und")
    dub = combined(tiny, folder, said=nobody, lines=translation(nobody), keep_original=True)
    assert dub.subtitles == ()
    assert packets(dub.video.path) == packets(tiny)
    assert [(s["type"], s["title"]) for s in streams(dub.video.path)][1:] == [("audio", "Original")]
    assert facts(dub.video.path)[1]["comment"] == ("No speech was found; this is the original sound (dubkit).")


def test_old_avi_keeps_its_picture(film: Callable[..., Path], folder: Path, report: Report) -> None:
    source = film("old.avi", picture_codec="mpeg4", sound_codec="libmp3lame")
    dub = combined(source, folder, report=report)
    assert dub.picture == "copied"
    assert report.warnings == []
    assert streams(dub.video.path)[0]["codec"] == "mpeg4"
    assert [content for _, content in packets(dub.video.path)] == [content for _, content in packets(source)]
    assert facts(dub.video.path)[0] == pytest.approx(media.probe(source).duration, abs=AUDIO_FRAME)


def test_frames_of_old_avi_are_shown_in_order(film: Callable[..., Path], folder: Path) -> None:
    source = film("old.avi", picture_codec="mpeg4", sound_codec="libmp3lame", options=["-bf", "2"])
    dub = combined(source, folder)
    assert dub.picture == "copied"
    times = shown(dub.video.path)
    assert len(times) == 50
    assert times == pytest.approx([times[0] + n / 25 for n in range(50)], abs=0.001)
    assert times[0] <= 0.08


@pytest.mark.parametrize("size", ["160x120", "161x121"])
def test_a_picture_that_mp4_cannot_hold_is_made_anew_and_told(
    film: Callable[..., Path], folder: Path, report: Report, size: str
) -> None:
    source = film("film.webm", picture_codec="libvpx", sound_codec="libopus", size=size, seconds=1, fps=10)
    said = transcript(("S1", 0.2, 0.8, "Good morning."))
    dub = combined(source, folder, said=said, lines=translation(said, "Bom dia."), report=report)
    assert dub.picture == "re-encoded"
    assert report.warnings == ["MP4 cannot hold a vp8 picture: it was re-encoded to H.264."]
    assert streams(dub.video.path)[0]["codec"] == "h264"
    with av.open(f"file:{dub.video.path}") as container:
        frames = [f.time for f in container.decode(video=0)]
        assert (container.streams.video[0].width, container.streams.video[0].height) == (160, 120)
    assert frames == pytest.approx([n / 10 for n in range(10)], abs=0.002)
    assert facts(dub.video.path)[0] == pytest.approx(media.probe(source).duration, abs=AUDIO_FRAME)


def test_frames_keep_their_own_times(tone: Path, tmp_path: Path, folder: Path) -> None:
    source = odd_videos.variable_frame_rate(tone, tmp_path)
    assert media.probe(source).video.variable_frame_rate
    assert packets(combined(source, folder).video.path) == packets(source)


def test_a_rotated_picture_stays_rotated(tone: Path, tmp_path: Path, folder: Path) -> None:
    source = odd_videos.rotated(tone, tmp_path)
    dub = combined(source, folder)
    assert media.probe(dub.video.path).video.rotation == media.probe(source).video.rotation != 0
    assert packets(dub.video.path) == packets(source)


@pytest.mark.parametrize("kind", ["late_audio", "picture_longer_than_sound", "two_audio_tracks", "surround"])
def test_odd_sound_changes_neither_picture_nor_length(kind: str, tone: Path, tmp_path: Path, folder: Path) -> None:
    source = odd_videos.KINDS[kind](tone, tmp_path)
    dub = combined(source, folder, keep_original=True)
    assert packets(dub.video.path) == packets(source)
    assert facts(dub.video.path)[0] == pytest.approx(media.probe(source).duration, abs=AUDIO_FRAME)


def test_a_late_original_stays_late(tone: Path, tmp_path: Path, folder: Path) -> None:
    dub = combined(odd_videos.late_audio(tone, tmp_path), folder, keep_original=True)
    assert media.probe(dub.video.path).audio_tracks[1].start == pytest.approx(1.5, abs=0.05)


def test_words_said_beyond_the_end_do_not_make_the_film_longer(tiny: Path, folder: Path) -> None:
    said = transcript(("S1", 0.2, 0.9, "Good morning."), ("S2", 1.0, 4.5, "Bye."), ("S2", 5.0, 6.0, "Who?"))
    dub = combined(tiny, folder, said=said, lines=translation(said, "Bom dia.", "Tchau.", "Quem?"))
    cues = subtitles.parse(dub.subtitles[2].path.read_text(encoding="utf-8"))
    assert [(c.text, c.end) for c in cues][1:] == [("Speaker 2: Bye.", 2.0)]
    assert len(cues) == 2
    assert facts(dub.video.path)[0] == pytest.approx(media.probe(tiny).duration, abs=AUDIO_FRAME)


@pytest.mark.parametrize("name", ["-leading-dash.mp4", "two\nlines %d.mp4", "concat:a|b.mp4"])
def test_any_file_name_will_do(name: str, tiny: Path, tmp_path: Path, folder: Path) -> None:
    source = tmp_path / name
    source.write_bytes(tiny.read_bytes())
    combined(source, folder)
    assert source.read_bytes() == tiny.read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([name, "stage"])


def test_hostile_words_harm_nothing(tiny: Path, folder: Path) -> None:
    hostile = "one\n\n2\n00:00:01,000 --> 00:00:02,000\n{\\an8}$(reboot) '; rm -rf / #"
    said = transcript(("S1", 0.2, 0.9, hostile))
    dub = combined(tiny, folder, said=said, lines=translation(said, hostile))
    for file in dub.subtitles:
        assert len(subtitles.parse(file.path.read_text(encoding="utf-8"))) == 1


def test_where_copying_fails_the_picture_is_made_anew_and_told(
    tiny: Path, folder: Path, report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = media.run_ffmpeg

    def picky(graph: Any, doing: str) -> None:
        if "copy" in graph.get_args():
            raise StageFailed("ffmpeg failed while writing the film: no timestamps")
        real(graph, doing)

    monkeypatch.setattr(media, "run_ffmpeg", picky)
    dub = combined(tiny, folder, report=report)
    assert dub.picture == "re-encoded"
    assert "could not be copied and was re-encoded" in report.warnings[0]
    assert len(packets(dub.video.path)) == 50


def test_a_full_disk_is_no_reason_to_encode(tiny: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def full(graph: Any, doing: str) -> None:
        calls.append(doing)
        raise OutOfSpace("The disk became full.")

    monkeypatch.setattr(media, "run_ffmpeg", full)
    with pytest.raises(OutOfSpace):
        combined(tiny, folder)
    assert len(calls) == 1

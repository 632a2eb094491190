"""What careless users hand in, through the command line: a clear message, the right exit code, and nothing lost."""

import hashlib
import json
import os
import resource
import subprocess
import sys

import av
import pytest
from typer.testing import CliRunner

from dubkit import media
from dubkit.cli import app
from dubkit.run import Run
from tests import odd_videos


@pytest.fixture
def dubkit(tmp_path):
    """Calls the command with a store of the test's own; gives exit code and everything printed."""

    def call(*arguments):
        result = CliRunner().invoke(app, [*map(str, arguments), "--store", str(tmp_path / "store")])
        return result.exit_code, " ".join((result.output + (result.stderr or "")).split())

    return call


REFUSED = {
    "not_a_video": "is not a video that dubkit can read",
    "zero_bytes": "is empty (0 bytes)",
    "truncated": "damaged or cut short",
    "truncated_after_index": "is cut short",
    "picture_as_video": "is not a video that dubkit can read",
    "no_audio": "has no sound",
    "no_picture": "has no picture",
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_bad_file_is_refused_and_left_alone(kind, speech, tmp_path, dubkit):
    film = getattr(odd_videos, kind)(speech, tmp_path)
    before = film.read_bytes()
    code, said = dubkit("dub", film, "--to", "pt", "--profile", "embedded")
    assert code == 2
    assert REFUSED[kind] in said
    assert film.read_bytes() == before
    assert not list(tmp_path.glob("*.pt.*"))


def test_a_missing_file_and_a_folder(tmp_path, dubkit):
    assert dubkit("dub", tmp_path / "none.mp4", "--to", "pt")[0] == 2
    code, said = dubkit("dub", tmp_path, "--to", "pt")
    assert code == 2 and "is not a file" in said


def test_over_the_size_limit(talking_head, dubkit):
    code, said = dubkit("dub", talking_head, "--to", "pt", "--set", "validate.max_megabytes=0.1")
    assert code == 2
    assert "up to 0 MB are allowed" in said and "--set validate.max_megabytes=" in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--to", "klingonese"], "is not a language"),
        (["--to", "pt", "--from", "pt"], "Source and target are both Portuguese"),
        (["--to", "pt", "--set", "segment.max_size=3"], "There is no setting 'segment.max_size'. segment has: "),
        (["--to", "pt", "--set", "segment.max_length=long"], "These settings do not fit"),
        (["--to", "pt", "--set", "nonsense"], "--set takes STAGE.SETTING=VALUE"),
        (["--to", "pt", "--profile", "huge"], "There is no profile 'huge'"),
        (["--to", "pt", "--set", "backends.translator=babelfish"], "No translator back end is called 'babelfish'"),
    ],
)
def test_bad_settings(arguments, message, talking_head, dubkit):
    code, said = dubkit("dub", talking_head, "--profile", "embedded", *arguments)
    assert code == 2
    assert message in said


def test_an_unsupported_pair_lists_what_is_possible(talking_head, dubkit, tmp_path):
    code, said = dubkit("dub", talking_head, "--to", "ja", "--from", "en", "--out", tmp_path / "o.mp4")
    assert code == 2
    assert "cannot do English to Japanese" in said and "pt" in said


def test_same_language_as_detected(talking_head, dubkit, tmp_path):
    code, said = dubkit("dub", talking_head, "--to", "en", "--out", tmp_path / "o.mp4", "--profile", "embedded")
    assert code == 2
    assert "The film is in English already" in said


def test_no_speech_gives_back_the_original_sound(speech, tmp_path, dubkit):
    film = odd_videos.silence(speech, tmp_path)
    out = tmp_path / "out.mp4"
    code, said = dubkit("dub", film, "--to", "pt", "--out", out, "--profile", "embedded")
    assert code == 3
    assert "No speech was found" in said
    with av.open(str(out)) as dubbed, av.open(str(film)) as source:
        assert abs(dubbed.duration - source.duration) / 1e6 <= 1024 / 48000
        assert not dubbed.streams.subtitles
        assert "original sound" in dubbed.metadata["comment"]


def test_the_film_itself_and_foreign_files_are_never_overwritten(talking_head, tmp_path, dubkit):
    copy = tmp_path / "film.mp4"
    copy.write_bytes(talking_head.read_bytes())
    assert "is the film itself" in dubkit("dub", copy, "--to", "pt", "--out", copy)[1]
    precious = tmp_path / "precious.mp4"
    precious.write_bytes(b"precious")
    code, said = dubkit("dub", copy, "--to", "pt", "--out", precious)
    assert code == 2 and "was not made by dubkit" in said
    (tmp_path / "other.srt").write_text("precious")
    code, said = dubkit("dub", copy, "--to", "pt", "--out", tmp_path / "other.mp4")
    assert code == 2 and "would be replaced" in said
    assert precious.read_bytes() == b"precious" and copy.read_bytes() == talking_head.read_bytes()


def test_missing_ffmpeg_and_missing_models_name_the_cure(talking_head, tmp_path, dubkit, monkeypatch):
    def none():
        raise RuntimeError("no ffmpeg")

    monkeypatch.setattr("shutil.which", lambda *_: None)
    monkeypatch.setattr("imageio_ffmpeg.get_ffmpeg_exe", none)
    code, said = dubkit("dub", talking_head, "--to", "pt", "--out", tmp_path / "o.mp4")
    assert code == 4 and "apt install ffmpeg" in said
    monkeypatch.undo()
    monkeypatch.setenv("DUBKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("dubkit.backends.weights.package_folder", lambda name: None)
    monkeypatch.setattr("dubkit.backends.registry._kept", {})
    code, said = dubkit("dub", talking_head, "--to", "pt", "--out", tmp_path / "o.mp4", "--profile", "embedded")
    assert code == 4 and "Models are missing" in said and "make setup" in said
    assert not (tmp_path / "store" / "separate").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder(talking_head, tmp_path, dubkit):
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o555)
    code, said = dubkit("dub", talking_head, "--to", "pt", "--out", folder / "o.mp4")
    assert code == 5 and "Cannot write in" in said


def test_a_full_disk_is_told_and_leaves_nothing_half(talking_head, tmp_path):
    """A limit on file size stands in for the full disk: writing fails in the middle of a stage in the same way."""
    store = tmp_path / "store"

    def limit():
        import signal

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    code = "from dubkit.cli import main; main()"
    arguments = ["run", str(talking_head), "--to", "pt", "--until", "separate", "--store", str(store), "--json"]
    arguments += ["--profile", "embedded"]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, preexec_fn=limit)
    assert done.returncode == 5
    assert json.loads(done.stdout.splitlines()[-1])["exit_code"] == 5
    assert not (store / "separate").exists() and not list((store / "tmp").iterdir())


@pytest.mark.parametrize("name", odd_videos.NAMES)
def test_any_file_name_will_do(name, speech, tmp_path):
    film = odd_videos.plain(speech, tmp_path, name)
    run = Run.open(film, "pt", profile="embedded", store=tmp_path / "store").until("separate")
    assert run.tracks.speech.duration == pytest.approx(run.media.duration, abs=1e-3)
    assert not (tmp_path / "harmed").exists()


@pytest.mark.parametrize(
    ("kind", "n_channels"),
    [
        ("wrong_extension", 1), ("misleading_extension", 1), ("variable_frame_rate", 1), ("two_audio_tracks", 1),
        ("late_audio", 1), ("mono", 1), ("surround", 2), ("rate_8k", 1), ("rate_96k", 2), ("rotated", 1),
        ("vp9_opus_mkv", None), ("mpeg4_mp3_avi", None), ("prores_pcm_mov", None), ("picture_longer_than_sound", 1),
        ("one_frame", 1),
    ],
)  # fmt: skip
def test_odd_but_good_films_are_taken(kind, n_channels, speech, tmp_path):
    film = getattr(odd_videos, kind)(speech, tmp_path)
    digest = hashlib.sha256(film.read_bytes()).hexdigest()
    run = Run.open(film, "pt", profile="embedded", store=tmp_path / "store").until("separate")
    for track in (run.tracks.full, run.tracks.background):
        assert track.sample_rate == media.SAMPLE_RATE
        assert track.n_samples == pytest.approx(run.media.duration * media.SAMPLE_RATE, abs=2)
        assert n_channels is None or track.n_channels == n_channels
    assert run.tracks.speech.sample_rate == 16_000
    assert run.tracks.speech.duration == pytest.approx(run.media.duration, abs=1e-3)
    assert hashlib.sha256(film.read_bytes()).hexdigest() == digest


def test_speech_after_a_quiet_minute_is_found_in_its_place(speech, tmp_path):
    film = odd_videos.quiet_first_minute(speech, tmp_path)
    run = Run.open(film, "pt", "en", profile="embedded", store=tmp_path / "store").until("combine")
    assert run.transcript.utterances[0].start > 59.5
    assert run.soundtrack.placements[0].start > 59.5


def test_interrupting_leaves_a_resumable_run(talking_head, tmp_path):
    import signal

    code = "from dubkit.cli import main; main()"
    arguments = ["run", str(talking_head), "--to", "pt", "--until", "diarize", "--json", "--profile", "embedded"]
    command = [sys.executable, "-c", code, *arguments, "--store", str(tmp_path / "store")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for text in process.stderr:
        if '"diarize"' in text and '"started"' in text:
            process.send_signal(signal.SIGINT)
            break
    said = process.communicate()[0]
    assert process.returncode == 130
    assert "the same command goes on" in said
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0
    reused = [json.loads(t) for t in done.stderr.splitlines() if t.startswith("{")]
    assert [e["stage"] for e in reused if e["status"] == "reused"] == ["validate", "separate"]

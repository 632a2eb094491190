"""The real talking video through all eleven stages with the real packaged models."""

import hashlib
import importlib
import itertools
import json
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from dubkit import execution, subtitles
from dubkit.progress import Report
from dubkit.run import PIPELINE, Run
from dubkit.spacing import spaced
from dubkit.stages.transcribe import transcribe
from evaluation.judging.screening import read_back, screened
from evaluation.metrics import asr


@pytest.fixture(scope="module")
def run(talking_head, shared_store):
    """The finished run of the talking head into Portuguese."""
    return Run.open(talking_head, "pt", profile="embedded", store=shared_store).until("combine")


def packets(path, kind):
    """SHA-256 over the bytes of every packet of the first stream of a kind."""
    digest = hashlib.sha256()
    with av.open(str(path)) as container:
        for packet in container.demux(getattr(container.streams, kind)[0]):
            digest.update(bytes(packet))
    return digest.hexdigest()


def test_every_stage_made_something(run):
    assert [s.name for s in PIPELINE] == [
        "validate", "separate", "diarize", "segment", "transcribe", "detect_gender",
        "translate", "assign_voices", "synthesize", "assemble", "combine",
    ]  # fmt: skip
    assert run.turns.speakers == ("S1",)
    assert run.speakers.speakers[0].gender == "male"
    assert run.casting.roles[0].voice.gender == "male"
    assert run.transcript.language == "en"
    assert run.transcript.language_confidence > 0.8
    assert len(run.speech.clips) == len(run.translation.lines) == len(run.soundtrack.placements) > 0


def test_the_picture_is_copied_bit_for_bit(run, talking_head):
    assert run.dub.picture == "copied"
    assert packets(run.dub.video.path, "video") == packets(talking_head, "video")


def test_the_film_keeps_its_length(run, talking_head):
    with av.open(str(talking_head)) as before, av.open(str(run.dub.video.path)) as after:
        assert abs(after.duration - before.duration) / 1e6 <= 1024 / 48000


def test_the_sound_is_tagged_stereo_aac(run):
    with av.open(str(run.dub.video.path)) as film:
        sound = film.streams.audio[0]
        assert (sound.codec_context.name, sound.codec_context.sample_rate, sound.codec_context.channels) == (
            "aac",
            48000,
            2,
        )
        assert sound.language == "por"
        assert [s.language for s in film.streams.subtitles] == ["por", "eng"]
        comment = film.metadata["comment"]
    assert "machine-dubbed from English to Portuguese" in comment
    assert "whisper-base" in comment and "kokoro" in comment


def test_subtitles_name_the_speaker(run):
    for file in run.dub.subtitles:
        cues = subtitles.parse(file.path.read_text())
        assert cues
        if file.path.suffix == ".vtt":
            assert {c.speaker for c in cues} == {"Speaker 1"}
        else:
            # With one speaker nobody needs to be told who it is.
            assert all(not c.speaker and "Speaker 1" not in c.text for c in cues)


def test_no_line_is_cut_and_none_collide(run):
    ends = {p.id: p.end for p in run.soundtrack.placements}
    assert max(ends.values()) <= run.media.duration + 1e-3
    in_order = sorted(run.soundtrack.placements, key=lambda p: p.start)
    for before, after in itertools.pairwise(in_order):
        assert after.start >= before.end
    for clip, place in zip(run.speech.clips, run.soundtrack.placements, strict=True):
        # What is not placed at the ends of the clip is its soft edges, which sound all the same.
        assert place.phrases[0].clip_start < 0.05
        assert place.phrases[-1].clip_end > clip.audio.duration - 0.1
        spoken = sum(p.end - p.start for p in place.phrases)
        heard = sum(p.clip_end - p.clip_start for p in place.phrases)
        assert spoken == pytest.approx(heard / place.stretch, abs=2e-3)
        # What lies between two phrases of the clip is silence.
        samples = clip.audio.load()
        for one, two in itertools.pairwise(place.phrases):
            left_out = samples[round(one.clip_end * 24_000) : round(two.clip_start * 24_000)]
            assert np.abs(left_out).max(initial=0.0) < 0.05 * np.abs(samples).max()


def test_the_dub_can_be_understood(run, tmp_path):
    screening = screened(run.dub.video.path, "pt", tmp_path)
    heard = read_back(screening, backend=execution.backend(transcribe, run.settings), report=Report("read_back"))
    said = spaced(p.text for p in run.soundtrack.placements)
    assert asr.score([said], [spaced(w.text for w in heard.words)], "pt").wer < 0.20


def test_a_second_run_reuses_everything(run, talking_head):
    seen = []
    again = Run.open(talking_head, "pt", profile="embedded", store=run.store.root, observers=(seen.append,))
    again.until("combine")
    assert [e.status for e in seen if e.status != "warning"] == ["reused"] * len(PIPELINE)
    assert again.dub.video.sha256 == run.dub.video.sha256


def test_an_edited_line_makes_one_clip(run, talking_head):
    again = Run.open(talking_head, "pt", profile="embedded", store=run.store.root)
    clips = {p.name for p in (run.store.root / "items" / "synthesize").rglob("*.flac")}
    line = again.translation.lines[0]
    again.edit("translate", {line.id: "Muito obrigado a todos."})
    try:
        assert again.translation.lines[0].text == "Muito obrigado a todos."
        again.until("combine")
        made = {p.name for p in (run.store.root / "items" / "synthesize").rglob("*.flac")} - clips
        assert len(made) == 1
        others = [c.audio.sha256 for c in again.speech.clips[1:]]
        assert others == [c.audio.sha256 for c in run.speech.clips[1:]]
    finally:
        again.reset("translate")


def test_importing_dubkit_is_quick_and_light():
    code = "import time; t = time.perf_counter(); import dubkit; print(time.perf_counter() - t)"
    times = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout) for _ in range(3)
    ]
    assert min(times) < 0.3
    code = "import sys, dubkit; dubkit.Run; print({'torch', 'transformers', 'pyannote', 'gradio'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"set()\n"


def command(*arguments, **options):
    code = "from dubkit.cli import main; main()"
    return subprocess.Popen([sys.executable, "-c", code, *arguments], text=True, **options)


def test_killed_at_any_stage_it_goes_on_to_the_same_film(run, talking_head, tmp_path):
    """kill -9 in the middle of five different stages, one after the other; then the command ends by itself."""
    out = tmp_path / "out.mp4"
    arguments = ["dub", str(talking_head), "--to", "pt", "--profile", "embedded"]
    arguments += ["--store", str(tmp_path / "store"), "--out", str(out), "--json"]
    for stage, status in [("separate", "progress"), ("diarize", "started"), ("transcribe", "started"),
                          ("synthesize", "progress"), ("combine", "started")]:  # fmt: skip
        process = command(*arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        for text in process.stderr:
            event = json.loads(text) if text.startswith("{") else {}
            if (event.get("stage"), event.get("status")) == (stage, status):
                process.kill()
                break
        assert process.wait() == -9, f"{stage} was never {status}"
        process.stderr.close()
        assert not out.exists()
    process = command(*arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert json.loads(process.communicate()[0])["spoken"] is True
    assert hashlib.sha256(out.read_bytes()).hexdigest() == run.dub.video.sha256
    assert not list((tmp_path / "store" / "tmp").iterdir())


def test_the_shown_run_tells_stages_times_and_reuse(run):
    overview = importlib.import_module("dubkit.overview").overview("last", run.store.root)
    assert [row["stage"] for row in overview["stages"]] == [s.name for s in PIPELINE]
    assert all(row["seconds"] >= row["in models"] >= 0 for row in overview["stages"])
    assert Path(overview["video"]).name == "talking-head.mp4"

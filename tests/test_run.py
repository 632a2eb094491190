import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from films import make_film
from runs import NAMES, OwnBackends, made_again, opened, statuses

import dubkit
from dubkit.artefacts import Dub, Soundtrack, Turns
from dubkit.errors import BadInput, OutOfSpace
from dubkit.progress import Event
from dubkit.run import Run, dub
from dubkit.settings import Settings


def test_a_film_goes_through_all_stages(finished: Path, talk: Path, backends: OwnBackends) -> None:
    run = opened(talk, finished)
    assert statuses(run) == dict.fromkeys(NAMES, "reused")
    assert backends.asked == {}
    assert run.turns.speakers == ("S1", "S2")
    assert [u.text.split()[0] for u in run.transcript.utterances] == ["low1", "high1", "low1"]
    assert [x.text.split()[0] for x in run.translation.lines] == ["pt-low1", "pt-high1", "pt-low1"]
    assert [(s.id, s.gender) for s in run.speakers.speakers] == [("S1", "male"), ("S2", "female")]
    assert [(r.id, r.voice.name) for r in run.casting.roles] == [("S1", "rui"), ("S2", "ana")]
    assert len(run.speech.clips) == len(run.soundtrack.placements) == 3
    assert isinstance(run.dub, Dub)
    assert run.dub.video.path.exists()
    assert run.dub.duration == run.media.duration == pytest.approx(6.0, abs=0.05)


def test_stages_are_done_in_order_and_just_as_far_as_asked(talk: Path, tmp_path: Path, backends: OwnBackends) -> None:
    run = opened(talk, tmp_path / "s")
    assert list(statuses(run, "diarize").items()) == [(name, "done") for name in NAMES[:3]]
    assert backends.asked.keys() == {"separator", "diarizer"}
    assert isinstance(run.turns, Turns)
    assert backends.asked.keys() == {"separator", "diarizer"}
    assert list(statuses(run, "segment").items()) == [("segment", "done")]


def test_a_result_is_made_when_it_is_asked_for(talk: Path, tmp_path: Path, backends: OwnBackends) -> None:
    run = opened(talk, tmp_path / "s")
    assert not (tmp_path / "s" / "validate").exists()
    assert len(run.segments.segments) == 3
    assert (tmp_path / "s" / "segment").exists()
    assert not (tmp_path / "s" / "transcribe").exists()


def test_records_tell_how_a_result_was_made(finished: Path, talk: Path, backends: OwnBackends) -> None:
    run = opened(talk, finished)
    record = run.made("transcribe").record
    assert record["stage"] == "transcribe"
    assert record["backend"] == "ToneTranscriber@1"
    assert record["settings"]["beam_size"] == 5
    assert record["inputs"].keys() == {"tracks", "segments"}
    assert record["inputs"]["tracks"] == run.made("separate").digest
    assert record["output"] == run.made("transcribe").digest == run.transcript.digest()
    assert record["seconds"] >= record["model_seconds"] >= 0
    assert record["peak_megabytes"] > 10
    assert record["versions"]["dubkit"] == dubkit.__version__
    assert record["warnings"] == []


@pytest.mark.parametrize("call", [lambda run: run.until("x"), lambda run: run.reset("x"), lambda run: run.made("x")])
def test_an_unknown_stage_is_told(store: Path, talk: Path, backends: OwnBackends, call: Any) -> None:
    with pytest.raises(BadInput, match=r"no stage 'x'. The stages are: validate, separate, diarize"):
        call(opened(talk, store))


def test_warnings_are_told_again_with_a_reused_result(talk: Path, tmp_path: Path, backends: OwnBackends) -> None:
    backends.tasks["transcriber"].sure = 0.3
    notes = []
    for _ in range(2):
        events: list[Event] = []
        opened(talk, tmp_path / "s", observers=(events.append,)).until("transcribe")
        notes.append([e.note for e in events if e.status == "warning"])
    assert notes[0] == notes[1]
    assert "not sure (30%)" in notes[0][0]


def test_a_film_in_which_nobody_speaks(tmp_path: Path, backends: OwnBackends) -> None:
    quiet = make_film(tmp_path / "quiet.mp4", sound="anullsrc=sample_rate=48000", size="64x48", fps=10)
    run = opened(quiet, tmp_path / "s")
    assert run.turns.turns == run.transcript.utterances == run.translation.lines == run.speech.clips == ()
    assert run.dub.subtitles == ()
    assert isinstance(run.soundtrack, Soundtrack)
    out = run.save(tmp_path / "out.mp4")
    assert sorted(p.name for p in tmp_path.glob("out*")) == [out.name]
    assert backends.asked.keys() <= {"separator", "diarizer"}


@pytest.mark.parametrize("source", ["pt", "Portuguese", "por", "pt-BR"])
def test_source_and_target_must_differ(talk: Path, tmp_path: Path, source: str) -> None:
    with pytest.raises(BadInput, match="both Portuguese: choose another target"):
        Run.open(talk, "pt-PT", source, settings=Settings(), store=tmp_path)


@pytest.mark.parametrize(("target", "source"), [("Klingonese", None), ("pt", "Englisch?")])
def test_an_unknown_language_is_told(talk: Path, tmp_path: Path, target: str, source: str | None) -> None:
    with pytest.raises(BadInput, match="is not a language"):
        Run.open(talk, target, source, settings=Settings(), store=tmp_path)


def test_languages_that_are_set_by_name_are_checked_too(talk: Path, tmp_path: Path) -> None:
    run = Run.open(talk, settings=Settings(), set={"translate.target": "Portuguese"}, store=tmp_path)
    assert run.settings.translate.target == "pt"
    for name in ("translate.target", "transcribe.language"):
        with pytest.raises(BadInput, match="is not a language"):
            Run.open(talk, settings=Settings(), set={name: "../../harm"}, store=tmp_path)


def test_languages_may_be_given_by_name_and_come_out_as_codes(talk: Path, tmp_path: Path) -> None:
    run = Run.open(talk, "Portuguese", "English", settings=Settings(), store=tmp_path)
    assert (run.settings.translate.target, run.settings.transcribe.language) == ("pt", "en")
    assert Run.open(talk, "nan", settings=Settings(), store=tmp_path).settings.translate.target == "nan"


@pytest.mark.parametrize("name", ["nowhere.mp4", "two\nlines.mp4"])
def test_a_file_that_is_not_there_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match=r"There is no file .*quote it if it holds spaces"):
        Run.open(tmp_path / name, "pt", store=tmp_path / "s")


def test_a_folder_is_no_film(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"is not a file. Give one video file"):
        Run.open(tmp_path, "pt", store=tmp_path / "s")


def test_a_file_that_may_not_be_read_is_told(talk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(path: Path, *arguments: Any, **options: Any) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    with monkeypatch.context() as patched, pytest.raises(BadInput, match=r"cannot be read \(Permission denied\)"):
        patched.setattr(Path, "open", locked)
        Run.open(talk, "pt", settings=Settings(), store=tmp_path)


def test_settings_given_by_name_are_checked(talk: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"no setting 'segment.lenght'"):
        Run.open(talk, "pt", settings=Settings(), set={"segment.lenght": 3}, store=tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write everywhere")
def test_a_store_that_cannot_be_written_is_told(talk: Path, tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(OutOfSpace, match="Choose a folder you may write in"):
        opened(talk, tmp_path / "locked" / "store")


def test_saving_copies_the_film_and_never_touches_the_source(
    store: Path, talk: Path, tmp_path: Path, backends: OwnBackends
) -> None:
    run = opened(talk, store)
    before = talk.read_bytes()
    out = run.save(tmp_path / "new" / "talk.pt.mp4")
    assert out.read_bytes() == run.dub.video.path.read_bytes()
    assert sorted(p.name for p in out.parent.iterdir()) == [
        "talk.pt.en.srt",
        "talk.pt.en.vtt",
        "talk.pt.mp4",
        "talk.pt.srt",
        "talk.pt.vtt",
    ]
    with pytest.raises(BadInput, match="is the film itself"):
        run.save(talk)
    assert run.save(out) == out
    assert talk.read_bytes() == before


def test_dub_does_it_all_in_one_call(store: Path, talk: Path, tmp_path: Path, backends: OwnBackends) -> None:
    film = tmp_path / "my talk.mp4"
    film.write_bytes(talk.read_bytes())
    assert dub(film, "pt", settings=Settings(), store=store) == tmp_path / "my talk.pt.mp4"
    assert dub(film, "pt", out=tmp_path / "x.mp4", settings=Settings(), store=store) == tmp_path / "x.mp4"
    assert (tmp_path / "x.mp4").read_bytes() == (tmp_path / "my talk.pt.mp4").read_bytes()


def test_dub_refuses_a_bad_target_before_any_work(talk: Path, tmp_path: Path, backends: OwnBackends) -> None:
    (tmp_path / "out.mp4").write_text("somebody else's")
    with pytest.raises(BadInput, match="was not made by dubkit"):
        dub(talk, "pt", out=tmp_path / "out.mp4", settings=Settings(), store=tmp_path / "s")
    assert not (tmp_path / "s" / "validate").exists()


def test_the_log_remembers_what_was_used(store: Path, talk: Path, backends: OwnBackends) -> None:
    run = opened(talk, store)
    run.until("combine")
    kept = json.loads((store / "runs" / f"{run.id}.json").read_text())
    assert list(kept["results"]) == NAMES
    assert all(r["reused"] for r in kept["results"].values())
    assert kept["settings"] == json.loads(json.dumps(asdict(run.settings)))
    assert (store / "combine" / kept["results"]["combine"]["key"] / "dub.mp4").exists()


def test_a_store_can_be_moved_with_its_runs(store: Path, talk: Path, tmp_path: Path, backends: OwnBackends) -> None:
    store.rename(tmp_path / "moved")
    run = opened(talk, tmp_path / "moved")
    assert made_again(run) == []
    assert run.dub.video.path.is_relative_to(tmp_path / "moved")


def test_a_damaged_result_is_made_again(store: Path, talk: Path, backends: OwnBackends, finished: Path) -> None:
    record = opened(talk, store).made("transcribe").key
    (store / "transcribe" / record / "artefact.json").write_text("{")
    run = opened(talk, store)
    assert made_again(run) == ["transcribe"]
    assert backends.asked == {}, "its finished segments were still there"
    assert run.dub.digest() == opened(talk, finished).dub.digest()


def test_two_runs_from_nothing_give_the_same_film(
    talk: Path, tmp_path: Path, backends: OwnBackends, finished: Path
) -> None:
    run = opened(talk, tmp_path / "s")
    assert run.dub.digest() == opened(talk, finished).dub.digest()


def test_importing_dubkit_is_quick_and_loads_no_model_library() -> None:
    program = (
        "import sys, dubkit; dubkit.Run; "
        "heavy = {'torch', 'transformers', 'pyannote', 'librosa', 'onnxruntime', 'gradio', 'matplotlib', 'numba'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

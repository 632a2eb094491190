import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import FILM_RATE, silence, sine
from conftest import make_film
from stand_ins import BrokeDownError, Halver, StandIn, all_tasks

import dubkit
from dubkit import subtitles
from dubkit.artefacts import Dub, Soundtrack, Turns
from dubkit.audio import write
from dubkit.backends import registry
from dubkit.backends.protocols import Compute, ModelCard
from dubkit.errors import BadInput, MissingModel, OutOfSpace, StageFailed, UnsupportedPair
from dubkit.progress import Event
from dubkit.run import PIPELINE, Run, dub
from dubkit.settings import Settings

NAMES = [s.name for s in PIPELINE]
MODELS = ("separate", "diarize", "transcribe", "detect_gender", "translate", "assign_voices", "synthesize")


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of six seconds: a low voice, a high one, the low one again."""
    folder = tmp_path_factory.mktemp("talk")
    heard = [silence(0.5), sine(1.5, hz=200), silence(0.5), sine(1.5, hz=500), silence(0.5), sine(1, hz=200), silence(0.5)]
    sound = write(folder / "talk.flac", [np.concatenate(heard)], FILM_RATE)
    return make_film(folder / "talk.mp4", seconds=6, fps=10, size="64x48", sound=sound.path)


class Stage:
    """The back ends of a test, instead of those in the registry."""

    def __init__(self) -> None:
        self.tasks: dict[str, Any] = all_tasks()
        self.specs: list[tuple[str, str, Compute]] = []

    def get(self, task: str, spec: str, compute: Compute = Compute()) -> Any:
        self.specs.append((task, spec, compute))
        return self.tasks[task]

    def renew(self, **changed: StandIn) -> None:
        """Fresh back ends that have been asked for nothing yet."""
        self.tasks = {**all_tasks(), **changed}

    @property
    def asked(self) -> dict[str, int]:
        """How many things each back end was asked for; those that were not asked are left out."""
        return {task: len(b.asked) for task, b in self.tasks.items() if b.asked}


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    made = Stage()
    monkeypatch.setattr(registry, "get", made.get)
    return made


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, talk: Path) -> Iterator[Path]:
    """A store that holds the film's whole run into Portuguese; copy it before changing it."""
    store = tmp_path_factory.mktemp("finished") / "store"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(registry, "get", Stage().get)
        opened(talk, store).until("combine")
    yield store


@pytest.fixture
def store(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished store."""
    subprocess.run(["cp", "-r", str(finished), str(tmp_path / "store")], check=True)
    return tmp_path / "store"


def opened(video: Path, store: Path, target: str = "pt", **options: Any) -> Run:
    return Run.open(video, target, settings=Settings(), store=store, **options)


def statuses(run: Run, stage: str = "combine") -> dict[str, str]:
    """Do the run; how each stage ended."""
    events: list[Event] = []
    run.observers = (events.append,)
    run.until(stage)
    return {e.stage: e.status for e in events if e.status in ("done", "reused", "failed")}


def made_again(run: Run, stage: str = "combine") -> list[str]:
    return [name for name, status in statuses(run, stage).items() if status == "done"]


def test_a_film_goes_through_all_stages(finished: Path, talk: Path, stage: Stage) -> None:
    run = opened(talk, finished)
    assert statuses(run) == dict.fromkeys(NAMES, "reused")
    assert stage.asked == {}
    assert run.turns.speakers == ("S1", "S2")
    assert [u.text.split()[0] for u in run.transcript.utterances] == ["low1", "high1", "low1"]
    assert [x.text.split()[0] for x in run.translation.lines] == ["pt-low1", "pt-high1", "pt-low1"]
    assert [(s.id, s.gender) for s in run.speakers.speakers] == [("S1", "male"), ("S2", "female")]
    assert [(r.id, r.voice.name) for r in run.casting.roles] == [("S1", "rui"), ("S2", "ana")]
    assert len(run.speech.clips) == len(run.soundtrack.placements) == 3
    assert isinstance(run.dub, Dub)
    assert run.dub.video.path.exists()
    assert run.dub.duration == run.media.duration == pytest.approx(6.0, abs=0.05)


def test_stages_are_done_in_order_and_just_as_far_as_asked(talk: Path, tmp_path: Path, stage: Stage) -> None:
    run = opened(talk, tmp_path / "s")
    assert list(statuses(run, "diarize").items()) == [(name, "done") for name in NAMES[:3]]
    assert stage.asked.keys() == {"separator", "diarizer"}
    assert isinstance(run.turns, Turns)
    assert stage.asked.keys() == {"separator", "diarizer"}
    assert list(statuses(run, "segment").items()) == [("segment", "done")]


def test_a_result_is_made_when_it_is_asked_for(talk: Path, tmp_path: Path, stage: Stage) -> None:
    run = opened(talk, tmp_path / "s")
    assert not (tmp_path / "s" / "validate").exists()
    assert len(run.segments.segments) == 3
    assert (tmp_path / "s" / "segment").exists()
    assert not (tmp_path / "s" / "transcribe").exists()


def test_records_tell_how_a_result_was_made(finished: Path, talk: Path, stage: Stage) -> None:
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


def test_two_targets_share_all_before_translation(store: Path, talk: Path, stage: Stage) -> None:
    run = opened(talk, store, "es")
    assert made_again(run) == ["translate", "assign_voices", "synthesize", "assemble", "combine"]
    assert stage.asked.keys() == {"translator", "synthesizer"}
    assert run.translation.target == "es"
    assert opened(talk, store).id != run.id


@pytest.mark.parametrize(
    ("change", "first"),
    [
        ({"validate.max_megabytes": 100}, "validate"),
        ({"separate.analysis": "speech"}, "separate"),
        ({"diarize.max_speakers": 3}, "diarize"),
        ({"segment.join_gap": 0.9}, "segment"),
        ({"transcribe.beam_size": 1}, "transcribe"),
        ({"transcribe.utterance.max_pause": 1.5}, "transcribe"),
        ({"detect_gender.certainty": 0.8}, "detect_gender"),
        ({"translate.target": "es"}, "translate"),
        ({"assign_voices.middle_pitch": 150}, "assign_voices"),
        ({"synthesize.fastest": 1.2}, "synthesize"),
        ({"assemble.duck": 9}, "assemble"),
        ({"combine.keep_original": True}, "combine"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_setting_makes_its_own_stage_anew_first(
    finished: Path, talk: Path, stage: Stage, change: dict[str, Any], first: str
) -> None:
    before, after = opened(talk, finished), opened(talk, finished, set=change)
    before.until("combine")
    for step in PIPELINE:
        # The keys of the stages that follow are decided by content, so they are compared stage by stage.
        after._made = dict(before._made)
        changed = after._key(step)[0] != before._key(step)[0]
        assert changed == (step.name == first), step.name


@pytest.mark.parametrize("change", [{"device": "cpu"}, {"threads": 3}, {"batch_size": 1}])
def test_how_it_is_computed_changes_no_key(
    finished: Path, talk: Path, stage: Stage, change: dict[str, Any]
) -> None:
    run = opened(talk, finished, set={f"compute.{k}": v for k, v in change.items()})
    assert made_again(run) == []
    assert any(getattr(compute, k) == v for *_, compute in stage.specs for k, v in change.items())


def test_another_name_for_the_same_model_changes_no_key(finished: Path, talk: Path, stage: Stage) -> None:
    run = opened(talk, finished, set={"backends.transcriber": "another:spec"})
    assert made_again(run) == []


@pytest.mark.parametrize("task", ["separator", "diarizer", "transcriber", "gender_classifier", "translator", "synthesizer"])
def test_another_revision_of_a_model_makes_its_stages_anew(
    store: Path, talk: Path, stage: Stage, task: str
) -> None:
    stage.renew(**{task: type(stage.tasks[task])(revision="2")})
    run = opened(talk, store)
    found = made_again(run)
    assert found[0] == next(s.name for s in PIPELINE if s.task == task)
    assert stage.asked.keys() == {task}


def test_equal_output_stops_recomputation(store: Path, talk: Path, stage: Stage) -> None:
    # Another diarizer that hears the same turns: nothing after it is touched.
    stage.renew(diarizer=type(stage.tasks["diarizer"])(revision="2"))
    assert made_again(opened(talk, store)) == ["diarize"]


def test_what_cannot_be_hashed_is_an_error_and_never_a_key(talk: Path, tmp_path: Path, stage: Stage) -> None:
    class Vague(Halver):
        fingerprint = object()  # type: ignore[assignment]

    stage.renew(separator=Vague())
    with pytest.raises(TypeError, match="not JSON serializable"):
        opened(talk, tmp_path / "s").until("separate")


def test_the_run_keeps_its_name_when_the_film_is_renamed(store: Path, talk: Path, tmp_path: Path, stage: Stage) -> None:
    moved = tmp_path / "it's -new\nname 🎬.mkv"
    moved.write_bytes(talk.read_bytes())
    run = opened(moved, store)
    assert run.id == opened(talk, store).id
    assert run.id.startswith("talk-pt-")
    assert made_again(run) == []


def test_a_relative_name_is_found_wherever_the_run_goes_on(
    store: Path, talk: Path, tmp_path: Path, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(talk.parent)
    run = opened(Path("talk.mp4"), store, set={"separate.analysis": "speech"})
    monkeypatch.chdir(tmp_path)
    assert "separate" in made_again(run)


def test_one_edited_line_makes_one_clip(store: Path, talk: Path, stage: Stage) -> None:
    run = opened(talk, store)
    before = run.speech.clips
    run.edit("translate", {"u0002": "uma frase nova"})
    assert made_again(run) == ["assign_voices", "synthesize", "assemble", "combine"]
    assert stage.asked == {"synthesizer": 1}
    assert [x.text for x in run.translation.lines][1] == "uma frase nova"
    assert [a == b for a, b in zip(before, run.speech.clips, strict=True)] == [True, False, True]
    shown = [c.text for c in subtitles.parse(run.dub.subtitles[0].path.read_text(encoding="utf-8"))]
    assert "uma frase nova" in shown[1]


def test_edits_survive_and_are_read_again(store: Path, talk: Path, stage: Stage) -> None:
    opened(talk, store).edit("translate", {"u0002": "uma frase nova"}).until("combine")
    stage.renew()
    again = opened(talk, store)
    assert again.translation.lines[1].text == "uma frase nova"
    assert made_again(again) == []
    assert stage.asked == {}


def test_edits_survive_recomputation_of_other_lines(store: Path, talk: Path, stage: Stage) -> None:
    run = opened(talk, store)
    run.edit("translate", {"u0002": "uma frase nova"})
    run.edit("transcribe", {"u0001": "something else."})
    assert [x.text for x in run.translation.lines] == [
        "pt-something pt-else.",
        "uma frase nova",
        "pt-low1 pt-low2 pt-low3 pt-low4 pt-low5.",
    ]
    assert stage.asked["translator"] == 1


def test_edits_of_lines_that_changed_are_set_aside_and_told(store: Path, talk: Path, stage: Stage) -> None:
    run = opened(talk, store)
    run.edit("translate", {"u0001": "uma", "u0002": "duas"})
    run.edit("transcribe", {"u0002": "something else."})
    events: list[Event] = []
    run.observers = (events.append,)
    assert [x.text for x in run.translation.lines][:2] == ["uma", "pt-something pt-else."]
    assert [(e.stage, e.note) for e in events if e.status == "warning"] == [
        ("translate", "Corrections set aside because their lines have changed since: u0002.")
    ]
    # They come back with the line.
    run.reset("transcribe")
    assert [x.text for x in run.translation.lines][:2] == ["uma", "duas"]


def test_a_reset_gives_back_what_the_stage_made(store: Path, talk: Path, stage: Stage) -> None:
    run = opened(talk, store)
    before = run.dub.digest()
    run.edit("translate", {"u0002": "uma frase nova"}).edit("translate", {"u0001": None})
    assert len(run.speech.clips) == 2
    run.reset("translate")
    assert run.dub.digest() == before
    assert made_again(opened(talk, store)) == []


def test_a_turn_given_to_another_speaker_changes_who_speaks(store: Path, talk: Path, stage: Stage) -> None:
    run = opened(talk, store).edit("diarize", {"t0002": "S1"})
    assert {u.speaker for u in run.transcript.utterances} == {"S1"}
    assert len(run.casting.roles) == 1
    assert run.dub.duration == pytest.approx(6.0, abs=0.05)


def test_a_voice_is_chosen_by_an_edit(store: Path, talk: Path, stage: Stage) -> None:
    run = opened(talk, store)
    eva = stage.tasks["synthesizer"].voices("pt")[1]
    run.edit("assign_voices", {"S2": eva})
    assert opened(talk, store).casting.roles[1].voice == eva
    assert made_again(opened(talk, store)) == ["synthesize", "assemble", "combine"]


@pytest.mark.parametrize(
    ("stage_name", "changes", "message"),
    [
        ("translate", {"u0099": "x"}, "no row 'u0099'"),
        ("translate", {"u0001": {"words": "x"}}, "no field words"),
        ("translation", {"u0001": "x"}, "no stage 'translation'. The stages are: validate, separate"),
    ],
)
def test_edits_that_cannot_be_are_refused_and_not_kept(
    store: Path, talk: Path, stage: Stage, stage_name: str, changes: dict[str, Any], message: str
) -> None:
    run = opened(talk, store)
    with pytest.raises(BadInput, match=message):
        run.edit(stage_name, changes)
    assert run.log.edits == {}


@pytest.mark.parametrize("call", [lambda run: run.until("x"), lambda run: run.reset("x"), lambda run: run.made("x")])
def test_an_unknown_stage_is_told(store: Path, talk: Path, stage: Stage, call: Any) -> None:
    with pytest.raises(BadInput, match="no stage 'x'. The stages are: validate, separate, diarize"):
        call(opened(talk, store))


@pytest.mark.parametrize("broken", MODELS)
def test_a_failing_stage_keeps_what_was_made_and_goes_on_there(
    talk: Path, tmp_path: Path, stage: Stage, finished: Path, broken: str
) -> None:
    task = next(s.task for s in PIPELINE if s.name == broken)
    assert task is not None

    class Failing(type(stage.tasks[task])):  # type: ignore[misc]
        def __getattribute__(self, name: str) -> Any:
            if name == {"assign_voices": "voices", "synthesize": "synthesize"}.get(broken, "note"):
                raise BrokeDownError("CUDA out of memory")
            return super().__getattribute__(name)

    kind = type(stage.tasks[task])
    stage.renew(**{task: Failing()})
    # The same model, which just has a bad day.
    Failing.__name__ = kind.__name__
    run = opened(talk, tmp_path / "s")
    with pytest.raises(StageFailed, match=f"The stage {broken} failed: .*CUDA out of memory.*same command goes on") as e:
        statuses(run)
    assert isinstance(e.value.__cause__, BrokeDownError)
    assert e.value.exit_code == 5
    stage.renew()
    again = opened(talk, tmp_path / "s")
    assert list(statuses(again).values()).count("reused") == NAMES.index(broken)
    assert again.dub.digest() == opened(talk, finished).dub.digest()


def test_a_failure_is_reported_with_what_was_said(talk: Path, tmp_path: Path, stage: Stage) -> None:
    stage.renew(separator=Halver(breaks_after=0))
    events: list[Event] = []
    with pytest.raises(StageFailed):
        opened(talk, tmp_path / "s", observers=(events.append,)).until("combine")
    assert [(e.stage, e.status) for e in events] == [
        ("validate", "started"),
        ("validate", "done"),
        ("separate", "started"),
        ("separate", "failed"),
    ]
    assert events[-1].note == "out of memory"


def test_ctrl_c_leaves_a_run_that_goes_on(talk: Path, tmp_path: Path, stage: Stage) -> None:
    class Interrupted(type(stage.tasks["translator"])):  # type: ignore[misc]
        def note(self, request: object) -> None:
            if len(self.asked) == 1:
                raise KeyboardInterrupt
            super().note(request)

    Interrupted.__name__ = type(stage.tasks["translator"]).__name__
    stage.renew(translator=Interrupted())
    with pytest.raises(KeyboardInterrupt):
        opened(talk, tmp_path / "s").until("combine")
    assert not list((tmp_path / "s" / "tmp").iterdir())
    stage.renew()
    opened(talk, tmp_path / "s").until("combine")
    assert stage.asked["translator"] == 2
    assert "transcriber" not in stage.asked


def test_bad_input_found_by_a_stage_stays_bad_input(talk: Path, tmp_path: Path, stage: Stage) -> None:
    with pytest.raises(UnsupportedPair, match="cannot do English to Japanese"):
        opened(talk, tmp_path / "s", "ja").until("combine")
    with pytest.raises(BadInput, match="already: there is nothing to translate"):
        opened(talk, tmp_path / "s", "en").until("combine")
    tiny_limit = {"validate.max_megabytes": 0.001}
    with pytest.raises(BadInput, match="are allowed"):
        opened(talk, tmp_path / "s", set=tiny_limit).until("validate")


def test_warnings_are_told_again_with_a_reused_result(talk: Path, tmp_path: Path, stage: Stage) -> None:
    stage.tasks["transcriber"].sure = 0.3
    notes = []
    for _ in range(2):
        events: list[Event] = []
        opened(talk, tmp_path / "s", observers=(events.append,)).until("transcribe")
        notes.append([e.note for e in events if e.status == "warning"])
    assert notes[0] == notes[1]
    assert "not sure (30%)" in notes[0][0]


def test_a_film_in_which_nobody_speaks(tmp_path: Path, stage: Stage) -> None:
    quiet = make_film(tmp_path / "quiet.mp4", sound="anullsrc=sample_rate=48000", size="64x48", fps=10)
    run = opened(quiet, tmp_path / "s")
    assert run.turns.turns == run.transcript.utterances == run.translation.lines == run.speech.clips == ()
    assert run.dub.subtitles == ()
    assert isinstance(run.soundtrack, Soundtrack)
    out = run.save(tmp_path / "out.mp4")
    assert sorted(p.name for p in tmp_path.glob("out*")) == [out.name]
    assert stage.asked.keys() <= {"separator", "diarizer"}


@pytest.mark.parametrize("source", ["pt", "Portuguese", "por", "pt-BR"])
def test_source_and_target_must_differ(talk: Path, tmp_path: Path, source: str) -> None:
    with pytest.raises(BadInput, match="both Portuguese: choose another target"):
        Run.open(talk, "pt-PT", source, settings=Settings(), store=tmp_path)


@pytest.mark.parametrize(("target", "source"), [("Klingonese", None), ("pt", "Englisch?")])
def test_an_unknown_language_is_told(talk: Path, tmp_path: Path, target: str, source: str | None) -> None:
    with pytest.raises(BadInput, match="is not a language"):
        Run.open(talk, target, source, settings=Settings(), store=tmp_path)


def test_languages_may_be_given_by_name_and_come_out_as_codes(talk: Path, tmp_path: Path) -> None:
    run = Run.open(talk, "Portuguese", "English", settings=Settings(), store=tmp_path)
    assert (run.settings.translate.target, run.settings.transcribe.language) == ("pt", "en")
    assert Run.open(talk, "nan", settings=Settings(), store=tmp_path).settings.translate.target == "nan"


@pytest.mark.parametrize("name", ["nowhere.mp4", "two\nlines.mp4"])
def test_a_file_that_is_not_there_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match="There is no file .*quote it if it holds spaces"):
        Run.open(tmp_path / name, "pt", store=tmp_path / "s")


def test_a_folder_is_no_film(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is not a file. Give one video file"):
        Run.open(tmp_path, "pt", store=tmp_path / "s")


def test_settings_given_by_name_are_checked(talk: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no setting 'segment.lenght'"):
        Run.open(talk, "pt", settings=Settings(), set={"segment.lenght": 3}, store=tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write everywhere")
def test_a_store_that_cannot_be_written_is_told(talk: Path, tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(OutOfSpace, match="Choose a folder you may write in"):
        opened(talk, tmp_path / "locked" / "store")


def test_missing_models_are_listed_before_any_work(talk: Path, tmp_path: Path, stage: Stage) -> None:
    missing = ModelCard("big-model", "MIT", 10**9, False, "dubkit models --fetch")
    here = ModelCard("small-model", "MIT", 10**6, True, "")
    stage.tasks["translator"].models = lambda: [missing, here]
    stage.tasks["synthesizer"].models = lambda: [here]
    run = opened(talk, tmp_path / "s")
    with pytest.raises(MissingModel, match=r"^Models are missing: big-model \(dubkit models --fetch\)\.$") as caught:
        run.until("combine")
    assert caught.value.exit_code == 4
    assert not (tmp_path / "s" / "validate").exists()
    assert [c.name for c in run.models()] == ["big-model", "small-model"]
    run.until("transcribe")


def test_saving_copies_the_film_and_never_touches_the_source(store: Path, talk: Path, tmp_path: Path, stage: Stage) -> None:
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


def test_dub_does_it_all_in_one_call(store: Path, talk: Path, tmp_path: Path, stage: Stage) -> None:
    film = tmp_path / "my talk.mp4"
    film.write_bytes(talk.read_bytes())
    assert dub(film, "pt", settings=Settings(), store=store) == tmp_path / "my talk.pt.mp4"
    assert dub(film, "pt", out=tmp_path / "x.mp4", settings=Settings(), store=store) == tmp_path / "x.mp4"
    assert (tmp_path / "x.mp4").read_bytes() == (tmp_path / "my talk.pt.mp4").read_bytes()


def test_dub_refuses_a_bad_target_before_any_work(talk: Path, tmp_path: Path, stage: Stage) -> None:
    (tmp_path / "out.mp4").write_text("somebody else's")
    with pytest.raises(BadInput, match="was not made by dubkit"):
        dub(talk, "pt", out=tmp_path / "out.mp4", settings=Settings(), store=tmp_path / "s")
    assert not (tmp_path / "s" / "validate").exists()


def test_the_log_remembers_what_was_used(store: Path, talk: Path, stage: Stage) -> None:
    run = opened(talk, store)
    run.until("combine")
    kept = json.loads((store / "runs" / f"{run.id}.json").read_text())
    assert list(kept["results"]) == NAMES
    assert all(r["reused"] for r in kept["results"].values())
    assert kept["settings"] == json.loads(json.dumps(asdict(run.settings)))
    assert (store / "combine" / kept["results"]["combine"]["key"] / "dub.mp4").exists()


def test_a_store_can_be_moved_with_its_runs(store: Path, talk: Path, tmp_path: Path, stage: Stage) -> None:
    store.rename(tmp_path / "moved")
    run = opened(talk, tmp_path / "moved")
    assert made_again(run) == []
    assert run.dub.video.path.is_relative_to(tmp_path / "moved")


def test_a_damaged_result_is_made_again(store: Path, talk: Path, stage: Stage, finished: Path) -> None:
    record = opened(talk, store).made("transcribe").key
    (store / "transcribe" / record / "artefact.json").write_text("{")
    run = opened(talk, store)
    assert made_again(run) == ["transcribe"]
    assert stage.asked == {}, "its finished segments were still there"
    assert run.dub.digest() == opened(talk, finished).dub.digest()


def test_two_runs_from_nothing_give_the_same_film(talk: Path, tmp_path: Path, stage: Stage, finished: Path) -> None:
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

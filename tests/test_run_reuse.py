"""What a run makes anew and what it finds in the store."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from runs import OwnBackends, made_again, opened
from stand_ins import Halver

from dubkit.execution import address
from dubkit.run import PIPELINE


def test_two_targets_share_all_before_translation(store: Path, talk: Path, backends: OwnBackends) -> None:
    run = opened(talk, store, "es")
    assert made_again(run) == ["translate", "assign_voices", "synthesize", "assemble", "combine"]
    assert backends.asked.keys() == {"translator", "synthesizer"}
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
        ({"synthesize.timing.fastest": 1.2}, "synthesize"),
        ({"assemble.mix.duck": 9}, "assemble"),
        ({"combine.keep_original": True}, "combine"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_setting_makes_its_own_stage_anew_first(
    finished: Path, talk: Path, backends: OwnBackends, change: dict[str, Any], first: str
) -> None:
    before, after = opened(talk, finished), opened(talk, finished, set=change)
    before.until("combine")
    for step in PIPELINE:
        # The keys of the stages that follow are decided by content, so they are compared stage by stage.
        changed = address(step, after.settings, before._made)[0] != address(step, before.settings, before._made)[0]
        assert changed == (step.name == first), step.name


@pytest.mark.parametrize("change", [{"device": "cpu"}, {"threads": 3}, {"batch_size": 1}])
def test_how_it_is_computed_changes_no_key(
    finished: Path, talk: Path, backends: OwnBackends, change: dict[str, Any]
) -> None:
    run = opened(talk, finished, set={f"compute.{k}": v for k, v in change.items()})
    assert made_again(run) == []
    assert any(getattr(compute, k) == v for *_, compute in backends.specs for k, v in change.items())


def test_another_name_for_the_same_model_changes_no_key(finished: Path, talk: Path, backends: OwnBackends) -> None:
    run = opened(talk, finished, set={"backends.transcriber": "another:spec"})
    assert made_again(run) == []


@pytest.mark.parametrize(
    "task", ["separator", "diarizer", "transcriber", "gender_classifier", "translator", "synthesizer"]
)
def test_another_revision_of_a_model_makes_its_stages_anew(
    store: Path, talk: Path, backends: OwnBackends, task: str
) -> None:
    backends.renew(**{task: type(backends.tasks[task])(revision="2")})
    run = opened(talk, store)
    found = made_again(run)
    assert found[0] == next(s.name for s in PIPELINE if s.task == task)
    assert backends.asked.keys() == {task}


def test_equal_output_stops_recomputation(store: Path, talk: Path, backends: OwnBackends) -> None:
    # Another diarizer that hears the same turns: nothing after it is touched.
    backends.renew(diarizer=type(backends.tasks["diarizer"])(revision="2"))
    assert made_again(opened(talk, store)) == ["diarize"]


def test_what_cannot_be_hashed_is_an_error_and_never_a_key(talk: Path, tmp_path: Path, backends: OwnBackends) -> None:
    class Vague(Halver):
        fingerprint = object()  # type: ignore[assignment]

    backends.renew(separator=Vague())
    with pytest.raises(TypeError, match="not JSON serializable"):
        opened(talk, tmp_path / "s").until("separate")


def test_the_run_keeps_its_name_when_the_film_is_renamed(
    store: Path, talk: Path, tmp_path: Path, backends: OwnBackends
) -> None:
    moved = tmp_path / "it's -new\nname 🎬.mkv"
    moved.write_bytes(talk.read_bytes())
    run = opened(moved, store)
    assert run.id == opened(talk, store).id
    assert run.id.startswith("talk-pt-")
    assert made_again(run) == []


def test_a_relative_name_is_found_wherever_the_run_goes_on(
    store: Path, talk: Path, tmp_path: Path, backends: OwnBackends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(talk.parent)
    run = opened(Path("talk.mp4"), store, set={"separate.analysis": "speech"})
    monkeypatch.chdir(tmp_path)
    assert "separate" in made_again(run)


def test_what_a_model_used_up_is_recorded_where_it_was_asked(talk: Path, store: Path, backends: OwnBackends) -> None:
    backends.tasks["translator"].usage = {"requests": 3, "dollars": 0.02}  # type: ignore[attr-defined]
    shutil.rmtree(store / "translate")
    assert "usage" not in opened(talk, store).made("translate").record, "every line was there already"
    shutil.rmtree(store / "translate")
    shutil.rmtree(store / "items" / "translate")
    assert opened(talk, store).made("translate").record["usage"] == {"requests": 3, "dollars": 0.02}


def test_a_provisional_result_is_used_once(
    talk: Path, store: Path, backends: OwnBackends, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(store / "translate")
    step = next(s for s in PIPELINE if s.name == "translate")

    def hurried(*args: Any, **kwargs: Any) -> Any:
        kwargs["report"].provisional = True
        return step.function(*args, **kwargs)

    monkeypatch.setattr(
        "dubkit.stage.Stage.__call__", lambda self, *a, **k: (hurried if self is step else self.function)(*a, **k)
    )
    run = opened(talk, store)
    assert made_again(run) == ["translate"], "what comes after is the same"
    assert run.translation.lines
    assert made_again(opened(talk, store)) == ["translate"]
    monkeypatch.undo()


def test_another_revision_of_the_language_s_own_model_speaks_anew(
    talk: Path, store: Path, backends: OwnBackends
) -> None:
    revisions = {"pt": "voice@1", "es": "voice@7"}
    backends.tasks["synthesizer"].revision_of = revisions.get  # type: ignore[attr-defined]
    assert made_again(opened(talk, store)) == ["assign_voices", "synthesize"]
    revisions["es"] = "voice@8"
    assert made_again(opened(talk, store)) == [], "another language's is nothing to it"
    revisions["pt"] = "voice@2"
    assert made_again(opened(talk, store)) == ["assign_voices", "synthesize"]

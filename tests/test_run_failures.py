"""Runs that cannot go on, and what is left of them."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from runs import NAMES, OwnBackends, made_again, opened, statuses
from stand_ins import BrokeDownError, Halver

from dubkit.backends.protocols import ModelCard
from dubkit.errors import BadInput, MissingModel, StageFailed, UnsupportedPair
from dubkit.progress import Event
from dubkit.run import PIPELINE

MODELS = ("separate", "diarize", "transcribe", "detect_gender", "translate", "assign_voices", "synthesize")


@pytest.mark.parametrize("broken", MODELS)
def test_a_failing_stage_keeps_what_was_made_and_goes_on_there(
    talk: Path, store: Path, backends: OwnBackends, finished: Path, broken: str
) -> None:
    for name in NAMES[NAMES.index(broken) :]:
        shutil.rmtree(store / name)
        shutil.rmtree(store / "items" / name, ignore_errors=True)
    task = next(s.task for s in PIPELINE if s.name == broken)
    assert task is not None

    uses: list[str] = []

    class Failing(type(backends.tasks[task])):  # type: ignore[misc]
        def __getattribute__(self, name: str) -> Any:
            if name == {"assign_voices": "voices", "synthesize": "synthesize"}.get(broken, "note"):
                uses.append(name)
                # Before any work a run looks whether there are voices at all.
                if name != "voices" or len(uses) > 1:
                    raise BrokeDownError("CUDA out of memory")
            return super().__getattribute__(name)

    kind = type(backends.tasks[task])
    backends.renew(**{task: Failing()})
    # The same model, which just has a bad day.
    Failing.__name__ = kind.__name__
    run = opened(talk, store)
    told = f"The stage {broken} failed: .*CUDA out of memory.*same command goes on"
    with pytest.raises(StageFailed, match=told) as e:
        statuses(run)
    assert isinstance(e.value.__cause__, BrokeDownError)
    assert e.value.exit_code == 5
    backends.renew()
    again = opened(talk, store)
    assert made_again(again) == NAMES[NAMES.index(broken) :]
    assert again.dub.digest() == opened(talk, finished).dub.digest()


def test_a_failure_is_reported_with_what_was_said(talk: Path, tmp_path: Path, backends: OwnBackends) -> None:
    backends.renew(separator=Halver(breaks_after=0))
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


def test_ctrl_c_leaves_a_run_that_goes_on(talk: Path, tmp_path: Path, backends: OwnBackends) -> None:
    class Interrupted(type(backends.tasks["translator"])):  # type: ignore[misc]
        def note(self, request: object) -> None:
            if len(self.asked) == 1:
                raise KeyboardInterrupt
            super().note(request)

    Interrupted.__name__ = type(backends.tasks["translator"]).__name__
    backends.renew(translator=Interrupted())
    with pytest.raises(KeyboardInterrupt):
        opened(talk, tmp_path / "s").until("combine")
    assert not list((tmp_path / "s" / "tmp").iterdir())
    backends.renew()
    opened(talk, tmp_path / "s").until("combine")
    assert backends.asked["translator"] == 2
    assert "transcriber" not in backends.asked


def test_bad_input_found_by_a_stage_stays_bad_input(talk: Path, tmp_path: Path, backends: OwnBackends) -> None:
    with pytest.raises(BadInput, match="already: there is nothing to translate"):
        opened(talk, tmp_path / "s", "en").until("combine")
    tiny_limit = {"validate.max_megabytes": 0.001}
    with pytest.raises(BadInput, match="are allowed"):
        opened(talk, tmp_path / "s", set=tiny_limit).until("validate")


def test_missing_models_are_listed_before_any_work(talk: Path, tmp_path: Path, backends: OwnBackends) -> None:
    missing = ModelCard("big-model", "MIT", 10**9, False, "dubkit models --fetch")
    here = ModelCard("small-model", "MIT", 10**6, True, "")
    backends.tasks["translator"].models = lambda *_: [missing, here]
    luxury = ModelCard("luxury", "MIT", 1, False, "apt install luxury", optional=True)
    backends.tasks["synthesizer"].models = lambda *_: [here, luxury]
    run = opened(talk, tmp_path / "s")
    with pytest.raises(
        MissingModel, match=r"^Models are missing.*:\n- big-model: dubkit models --fetch\nNothing"
    ) as caught:
        run.until("combine")
    assert caught.value.exit_code == 4
    assert not (tmp_path / "s" / "validate").exists()
    assert [c.name for c in run.models()] == ["big-model", "small-model", "luxury"]
    run.until("transcribe")


@pytest.mark.parametrize(
    ("target", "source", "message"),
    [("ja", None, r"cannot do Japanese \(ja\).* into: en, es, pt"), ("en", "pt", "Portuguese to English|Portuguese")],
)
def test_languages_that_nobody_translates_are_refused_before_any_work(
    talk: Path, tmp_path: Path, backends: OwnBackends, target: str, source: str | None, message: str
) -> None:
    run = opened(talk, tmp_path / "s", target, source=source)
    with pytest.raises(UnsupportedPair, match=message):
        run.until("combine")
    assert not (tmp_path / "s" / "validate").exists()
    run.until("transcribe" if source is None else "segment")


def test_a_back_end_that_is_refused_leaves_nothing_behind(
    talk: Path, tmp_path: Path, backends: OwnBackends, monkeypatch: pytest.MonkeyPatch
) -> None:
    def get(task: str, spec: str, compute: Any = None) -> Any:
        if task == "synthesizer":
            raise BadInput("no such voice")
        return backends.tasks[task]

    monkeypatch.setattr("dubkit.backends.registry.get", get)
    with pytest.raises(BadInput, match="no such voice"):
        opened(talk, tmp_path / "s")
    assert not list((tmp_path / "s").rglob("*.json"))


def test_all_missing_packages_are_named_at_once(
    talk: Path, tmp_path: Path, backends: OwnBackends, monkeypatch: pytest.MonkeyPatch
) -> None:
    def get(task: str, spec: str, compute: Any = None) -> Any:
        raise MissingModel(f"pip install {task}")

    monkeypatch.setattr("dubkit.backends.registry.get", get)
    with pytest.raises(
        MissingModel, match=r"(?s)pip install separator\n.*pip install translator\npip install synthesizer"
    ) as e:
        opened(talk, tmp_path / "s")
    assert str(e.value).count("pip install synthesizer") == 1

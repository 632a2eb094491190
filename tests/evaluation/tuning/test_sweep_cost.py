"""What settings cost, and that nobody pays for loading models."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
from result_sets import result
from runs import OwnBackends

from evaluation.measures import Sample
from evaluation.scoring import MEASURES
from evaluation.suites import Suite
from evaluation.tuning import cost, sweep

DEFAULT_ONLY = {"diarize.block_minutes": [10.0]}


def test_a_setting_belongs_to_a_stage() -> None:
    def names(*settings: str) -> list[str]:
        return [stage.name for stage in cost.stages_of(settings)]

    assert names("transcribe.beam_size", "backends.diarizer") == ["diarize", "transcribe"]
    assert names("synthesize.timing.late", "synthesize.timing.rate") == ["synthesize"]
    assert names("backends.translator") == ["translate"]


@pytest.mark.parametrize(
    ("names", "comparable"),
    [
        (["diarize.threshold"], True),
        (["transcribe.beam_size", "backends.transcriber"], True),
        (["backends.synthesizer"], True),
        (["synthesize.length_weight"], False),
        (["translate.glossary"], False),
        (["backends.synthesizer", "synthesize.timing.rate"], False),
    ],
)
def test_cost_is_told_where_all_is_made_anew(names: list[str], comparable: bool) -> None:
    assert cost.is_comparable(names) == comparable


def test_seconds_are_those_of_the_settings_own_stages() -> None:
    seconds = {"cost.rtf": 9.0, "cost.diarize_rtf": 2.0, "cost.transcribe_rtf": 3.0, "cost.synthesize_rtf": 4.0}
    made = result({"film>pt": [Sample(name, "film", (s, 10.0)) for name, s in seconds.items()]}, measures=MEASURES)
    assert cost.seconds(made, ["diarize.threshold", "transcribe.beam_size"]) == pytest.approx(0.5)
    assert math.isnan(cost.seconds(made, ["synthesize.length_weight"]))
    assert math.isnan(cost.seconds(made, ["separate.nothing"]))


def test_models_are_loaded_before_the_first_clock_runs(
    talk_suite: Callable[..., Suite], tmp_path: Path, backends: OwnBackends
) -> None:
    store = tmp_path / "s"
    sweep(talk_suite(), DEFAULT_ONLY, "diarization.der", store=store, workers=1)
    # Once for nothing, once for the default; what comes before is there already.
    once = backends.asked["diarizer"] // 2
    assert backends.asked["diarizer"] == 2 * once > 0
    assert len(list((store / "separate").iterdir())) == 1 and not list((store / "tmp").iterdir())
    before = dict(backends.asked)
    sweep(talk_suite(), DEFAULT_ONLY, "diarization.der", store=store, workers=1)
    assert backends.asked == before


def test_other_back_ends_are_loaded_too_and_the_same_ones_once(
    talk_suite: Callable[..., Suite], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backends: OwnBackends
) -> None:
    for_nothing: list[tuple[str, object]] = []
    monkeypatch.setattr(
        cost, "_run_for_nothing", lambda suite, item, system, *_: for_nothing.append((item, dict(system.changes)))
    )
    films, given = talk_suite("talk>pt", "chat>pt"), {"store": tmp_path / "s", "workers": 1}
    sweep(films, {"diarize.block_minutes": [10.0, 0.05]}, "diarization.der", **given)  # type: ignore[arg-type]
    assert for_nothing == [("talk>pt", {})]
    sweep(films, {"synthesize.length_weight": [0.0]}, "timing.overlap", **given)  # type: ignore[arg-type]
    assert len(for_nothing) == 1

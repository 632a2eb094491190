"""Sweeps through the store: what is computed, and up to which stage."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from runs import OwnBackends

from dubkit.errors import BadInput, StageFailed
from evaluation.measures import Measure
from evaluation.scoring import MEASURES
from evaluation.suites import Suite
from evaluation.tuning import sweep
from evaluation.tuning.sweeping import last_stage

Films = Callable[..., Suite]
BLOCKS = {"diarize.block_minutes": [10.0, 0.05]}


def stages(store: Path) -> set[str]:
    """Those that have results in a store."""
    return {p.name for p in store.iterdir() if p.is_dir()} - {"runs", "items", "tmp"}


def test_it_ends_at_the_stage_that_the_measure_needs(talk_suite: Films, tmp_path: Path) -> None:
    found = sweep(talk_suite(), BLOCKS, "diarization.der", store=tmp_path / "s", workers=1)
    assert stages(tmp_path / "s") == {"validate", "separate", "diarize"}
    assert found.suite.until == "diarize"
    assert [t.settings for t in (found.default, *found.trials)] == [
        {"diarize.block_minutes": 10.0},
        {"diarize.block_minutes": 0.05},
    ]
    assert found.table["value"].notna().all() and found.table["cost"].notna().all()


def test_a_second_sweep_computes_nothing(talk_suite: Films, tmp_path: Path, backends: OwnBackends) -> None:
    first = sweep(talk_suite(), BLOCKS, "diarization.der", store=tmp_path / "s", workers=1)
    backends.renew()
    again = sweep(talk_suite(), BLOCKS, "diarization.der", store=tmp_path / "s", workers=1)
    assert backends.asked == {}
    assert again.table.to_csv() == first.table.to_csv()


def test_only_what_a_late_setting_changes_is_made_again(
    talk_suite: Films, tmp_path: Path, backends: OwnBackends
) -> None:
    sweep(talk_suite(), {"translate.glossary": [{}]}, "translation.chrf", store=tmp_path / "s", workers=1)
    assert {"separator", "diarizer", "transcriber", "translator"} <= set(backends.asked)
    backends.renew()
    weights = {"synthesize.timing.fastest": [1.0, 1.1]}
    found = sweep(talk_suite(), weights, "timing.overlap", also=["timing.rate_p95"], store=tmp_path / "s", workers=1)
    # The transcriber is the judge here; the three of voice gender, synthesis and judging are the dub's own.
    assert not {"separator", "diarizer", "translator"} & set(backends.asked)
    assert [t.settings["synthesize.timing.fastest"] for t in (found.default, *found.trials)] == [1.25, 1.0, 1.1]
    assert found.table["timing.rate_p95"].notna().all()
    separated = [p for p in (tmp_path / "s" / "separate").iterdir() if p.is_dir()]
    assert len(separated) == 1
    # Lines that are spoken at the same rate are not spoken anew, so the default looks dearer than it is.
    assert found.table["cost"].isna().all()


def test_an_optimiser_asks_and_the_default_is_tried_besides(talk_suite: Films, tmp_path: Path) -> None:
    space = {"diarize.block_minutes": (0.04, 10.0)}
    given = {"search": "optuna", "trials": 3, "store": tmp_path / "s", "workers": 1}
    found = sweep(talk_suite(), space, "diarization.der", **given)  # type: ignore[arg-type]
    assert len(found.trials) == 3
    assert all(0.04 <= t.settings["diarize.block_minutes"] <= 10.0 for t in found.trials)
    choices = {"diarize.block_minutes": [10.0, 10.0]}
    assert sweep(talk_suite(), choices, "diarization.der", **given).trials == ()  # type: ignore[arg-type]


def test_items_are_picked_and_held_out(talk_suite: Films, tmp_path: Path) -> None:
    films, store = talk_suite("talk>pt", "chat>pt", "call>pt"), tmp_path / "s"
    given = {"items": ["talk>pt", "chat>pt"], "held_out": ["chat>pt"], "store": store, "workers": 1}
    found = sweep(films, BLOCKS, "diarization.der", **given)  # type: ignore[arg-type]
    assert [i.id for i in found.suite.items] == ["talk>pt"]
    assert [t.result.provenance["items"][0]["id"] for t in found.held_out] == ["chat>pt"] * 2
    assert found.held_out[0].settings == found.winner.settings == {"diarize.block_minutes": 10.0}
    # One film is never enough: what is best by value alone is what is seen elsewhere.
    assert found.held_out[1].settings == (found.winner.suggested or found.winner.settings)
    everything = sweep(films, BLOCKS, "diarization.der", held_out=["call>pt"], store=store, workers=1)
    assert [i.id for i in everything.suite.items] == ["talk>pt", "chat>pt"]


def test_before_it_is_translated_a_film_counts_once(talk_suite: Films, tmp_path: Path) -> None:
    films, given = talk_suite("talk>pt", "talk>es", "chat>es"), {"store": tmp_path / "s", "workers": 1}
    found = sweep(films, BLOCKS, "diarization.der", **given)  # type: ignore[arg-type]
    assert [i.id for i in found.suite.items] == ["talk>pt", "chat>es"]
    translated = sweep(films, {"diarize.block_minutes": [10.0]}, "translation.chrf", **given)  # type: ignore[arg-type]
    assert [i.id for i in translated.suite.items] == ["talk>pt", "talk>es", "chat>es"]


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"measure": "diarization.dre"}, r"no measure 'diarization\.dre'.*diarization\.der"),
        ({"measure": "translation.length_ratio"}, "told, not judged"),
        ({"also": ["nothing"]}, "no measure 'nothing'"),
        ({"items": ["talk>de"]}, "has no item 'talk>de'. It has: talk>es, talk>pt"),
        ({"held_out": ["talk>pt", "talk>es"]}, "All items are held out"),
        ({"held_out": ["talk>es"]}, "talk is held out into one language and chosen on in another"),
        ({"search": "luck"}, "no search 'luck'"),
        ({"settings": {"transcribe.beam_size": [1]}}, "works after 'diarize'"),
        ({"suite": "nothing"}, "no suite 'nothing'"),
        ({"base": "nothing"}, "no profile 'nothing'"),
        ({"suite": "fleurs", "items": ["a"]}, "its items cannot be picked"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_run(
    talk_suite: Films, tmp_path: Path, changed: dict[str, object], complaint: str
) -> None:
    given = {
        "suite": talk_suite("talk>pt", "talk>es"),
        "settings": BLOCKS,
        "measure": "diarization.der",
        "store": tmp_path / "s",
    } | changed
    with pytest.raises(BadInput, match=complaint):
        sweep(**given)  # type: ignore[arg-type]
    assert not (tmp_path / "s").exists()


def test_a_default_that_fails_ends_it_and_another_setting_that_fails_does_not(
    talk_suite: Films, tmp_path: Path, backends: OwnBackends
) -> None:
    # The stand-in has no threshold.
    found = sweep(talk_suite(), {"diarize.threshold": [0.5]}, "diarization.der", store=tmp_path / "s", workers=1)
    assert list(found.table["verdict"]) == ["", "failed"]
    assert "has none that could be set" in found.table["error"][1]
    assert found.winner.is_default
    profile = tmp_path / "profile.toml"
    profile.write_text("[diarize]\nthreshold = 0.5\n")
    with pytest.raises(StageFailed, match=r"as it is fails on this suite\. talk>pt: diarize\.threshold is 0\.5"):
        sweep(
            talk_suite(),
            {"diarize.threshold": [None]},
            "diarization.der",
            base=str(profile),
            store=tmp_path / "s",
            workers=1,
        )


@pytest.mark.parametrize(
    ("measure", "stage"),
    [
        ("background.speech_si_sdr", "separate"),
        ("background.kept_si_sdr", "combine"),
        ("diarization.jer", "diarize"),
        ("asr.wer", "transcribe"),
        ("gender.accuracy", "detect_gender"),
        ("gender.dub_accuracy", "combine"),
        ("translation.chrf", "translate"),
        ("timing.overlap", "combine"),
        ("end_to_end.asr_chrf", "combine"),
        ("cost.diarize_rtf", "diarize"),
        ("cost.rtf", "combine"),
    ],
)
def test_a_measure_looks_at_the_result_of_a_stage(measure: str, stage: str) -> None:
    known: dict[str, Measure] = {m.name: m for m in MEASURES}
    assert last_stage(known[measure]) == stage

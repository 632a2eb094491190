"""Tables: what stands in them, with rows in a useful order."""

from __future__ import annotations

import pandas as pd
import pytest
from result_sets import CHRF, MEASURES, ONSET, result, words

from evaluation.measures import Sample
from evaluation.report import tables
from evaluation.scoring import MEASURES as ALL


def test_the_headline_has_a_row_per_result_and_no_columns_that_nobody_measured():
    table = tables.headline(
        [result({"film": words([1, 2])}), result({"film": words([5, 5])}, suite="long", system="b")]
    )
    assert list(table.columns) == ["suite", "system", "transcript WER"]
    assert table.to_numpy().tolist() == [["tiny", "a", 0.15], ["long", "b", 0.5]]


def test_a_stage_s_table_has_its_measures_and_a_dash_where_a_system_was_not_measured():
    both = result({"film": [*words([1, 2]), *words([5, 5], measure=CHRF), Sample(ONSET.name, "u1", (0.1,))]})
    none = result({"film": words([5, 5], measure=CHRF)}, system="b")
    assert tables.stage_scores([both], "Transcription").to_dict() == {"tiny: a": {"asr.wer (share)": "0.150"}}
    table = tables.stage_scores([both, none], "Translation")
    assert table.to_dict() == {
        "tiny: a": {"translation.chrf (points)": "0.500"}, "tiny: b": {"translation.chrf (points)": "0.500"},
    }  # fmt: skip
    assert tables.stage_scores([both, none], "Timing").loc["timing.onset (s)", "tiny: b"] == "–"
    assert len(tables.stage_scores([both], "Cost")) == 0
    with pytest.raises(KeyError):
        tables.stage_scores([both], "Cooking")


def test_intervals_stand_in_a_stage_s_table():
    table = tables.stage_scores([result({"film": words([0, 1, 2, 3, 4] * 4)})], "Transcription")
    value, _, rest = table.iloc[0, 0].partition(" ")
    low, high = map(float, rest.strip("[]").split(", "))
    assert (value, low < 0.2 < high) == ("0.200", True)


def test_every_measure_belongs_to_one_stage():
    for measure in ALL:
        homes = [t for t, names in tables.STAGES.items() if any(measure.name.startswith(n) for n in names)]
        assert len(homes) == 1, f"{measure.name} stands in {homes}"
    assert set(tables.HEADLINE) <= {m.name for m in ALL}


def test_measures_are_explained_with_the_way_that_is_better():
    table = tables.stage_scores([result({"film": [*words([1]), *words([5], measure=CHRF)]})], "Transcription")
    assert tables.explained(table, MEASURES)["what it is"].to_list() == ["↓ errors over words"]


def test_what_the_truth_gains_is_sorted_by_gain():
    base = result({"film": words([4] * 10)}, system="embedded")
    others = [
        result({"film": words([n] * 10)}, system=f"embedded true:{name}")
        for n, name in [(3, "translate"), (1, "all"), (4, "diarize")]
    ]
    table = tables.ablation(base, others, MEASURES[0])
    assert table["replaced"].to_list() == ["all", "translate", "diarize"]
    assert table["change"].to_list() == pytest.approx([-0.3, -0.1, 0.0])
    assert table["a"].to_list() == pytest.approx([0.4] * 3)
    # Of chrF more is better.
    points = [result({"film": words([n] * 10, measure=CHRF)}, system=f"a true:{n}") for n in (2, 9)]
    gains = tables.ablation(result({"film": words([4] * 10, measure=CHRF)}), points, CHRF)
    assert gains["replaced"].to_list() == ["9", "2"]
    assert list(tables.ablation(base, [], MEASURES[0]).columns) == list(table.columns)
    # A system that lacks the measure has no row.
    assert len(tables.ablation(base, points, MEASURES[0])) == 0


def test_failures_are_told_with_their_reasons():
    one = result({"film": words([1])}, errors={"other": "no <speech>"})
    assert tables.failures([one]).to_dict("records") == [
        {"suite": "tiny", "system": "a", "item": "other", "reason": "no <speech>"}
    ]
    assert len(tables.failures([result({"film": words([1])})])) == 0


def test_origins_tell_machine_models_and_command():
    one = result({"film": words([1])}, models={"translator": "nllb@1", "transcriber": "whisper@2"})
    (row,) = tables.origins([one]).to_dict("records")
    assert row["models"] == "translator: nllb@1; transcriber: whisper@2"
    assert row["machine"] == "a processor, 2 cores, no GPU"
    assert row["command"] == "python -m evaluation run tiny"


def test_what_all_rows_share_is_told_once():
    table = pd.DataFrame({"system": ["a", "b"], "seed": [20, 20]})
    once, rest = tables.shared(table)
    assert once.to_dict() == {"for all": {"seed": 20}}
    assert list(rest.columns) == ["system"]
    once, rest = tables.shared(table.head(1))
    assert once["for all"].to_list() == ["a", 20] and not len(rest.columns)

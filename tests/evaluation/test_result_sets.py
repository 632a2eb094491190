"""Results: scored by item and pooled, saved and read back."""

from __future__ import annotations

import json
import math

import pandas as pd
import pytest
from result_sets import CHRF, LENGTH, MEASURES, ONSET, WER, result, words

from dubkit.errors import BadInput
from evaluation.measures import Sample
from evaluation.results import POOLED, Outcome, ResultSet


def two_items(**more):
    lines = [Sample(ONSET.name, f"u{n:03}", (x,)) for n, x in enumerate((0.1, 0.5, 0.3), 1)]
    return result({"a>pt": [*words([1, 2, 3, 0]), *lines], "b>pt": words([4], 20.0)}, **more)


def plain(table: pd.DataFrame) -> list[dict[str, object]]:
    """A table's rows, its lists as lists and what is missing as None."""
    rows = table.to_dict("records")
    return [
        {k: list(v) if k == "parts" else None if isinstance(v, float) and math.isnan(v) else v for k, v in r.items()}
        for r in rows
    ]


def test_scores_of_each_item_and_of_all():
    found = two_items()
    assert found.value(WER.name, "a>pt") == pytest.approx(6 / 40)
    assert found.value(WER.name, "b>pt") == pytest.approx(4 / 20)
    # Sums over sums: not the mean of the two.
    assert found.value(WER.name) == pytest.approx(10 / 60)
    assert found.value(ONSET.name) == found.value(ONSET.name, "a>pt") == 0.3
    assert math.isnan(found.value(ONSET.name, "b>pt")) and math.isnan(found.value(CHRF.name))
    rows = found.scores.set_index(["item", "measure"])
    assert rows.loc[(POOLED, WER.name), "n_units"] == 5
    assert rows.loc[(POOLED, WER.name), "low"] < 10 / 60 < rows.loc[(POOLED, WER.name), "high"]
    assert math.isnan(rows.loc[("b>pt", WER.name), "low"])
    assert tuple(rows.loc[(POOLED, ONSET.name), ["unit", "better"]]) == ("s", "lower")
    assert LENGTH.name not in set(found.scores["measure"])


def test_one_seed_gives_one_interval():
    assert plain(two_items().scores) == plain(two_items().scores)


def test_items_that_failed_are_told_with_their_reason():
    found = two_items(errors={"c>pt": "no memory"})
    assert [(i["id"], i["error"]) for i in found.provenance["items"]] == [
        ("a>pt", ""),
        ("b>pt", ""),
        ("c>pt", "no memory"),
    ]
    assert found.value(WER.name) == pytest.approx(10 / 60)
    assert "c>pt" not in set(found.samples["item"])


def test_saved_and_read_back_equal(tmp_path):
    facts = {"suite": "tiny", "system": "a", "seed": 20, "machine": {"gpu": ""}, "note": "é"}
    outcome = Outcome("a>pt", tuple(words([1, 2, 3])), ({"id": "u0001", "text": "Olá.", "score": 81.5},), seconds=2.04)
    made = ResultSet.of([outcome], MEASURES, facts)
    assert made.save(tmp_path / "new" / "folder") == tmp_path / "new" / "folder"
    read = ResultSet.open(tmp_path / "new" / "folder")
    assert read.provenance == made.provenance == {**facts, "items": [{"id": "a>pt", "error": "", "seconds": 2.0}]}
    for name in ("samples", "scores", "lines"):
        assert plain(getattr(read, name)) == plain(getattr(made, name))
    assert (read.suite, read.system) == ("tiny", "a")
    assert read.lines.to_dict("records") == [{"item": "a>pt", "id": "u0001", "text": "Olá.", "score": 81.5}]
    names = {"samples.parquet", "scores.parquet", "lines.parquet", "result.json"}
    assert {p.name for p in (tmp_path / "new" / "folder").iterdir()} == names
    assert json.loads((tmp_path / "new" / "folder" / "result.json").read_text(encoding="utf-8"))["note"] == "é"


def test_saving_again_takes_the_place_of_what_was_there(tmp_path):
    two_items().save(tmp_path)
    result({"a>pt": words([0, 0, 0])}).save(tmp_path)
    assert ResultSet.open(tmp_path).value(WER.name) == 0.0
    assert len(list(tmp_path.iterdir())) == 4


def test_a_run_in_which_everything_failed_is_kept_too(tmp_path):
    result({}, errors={"a>pt": "no film"}).save(tmp_path)
    read = ResultSet.open(tmp_path)
    assert [len(t) for t in (read.samples, read.scores, read.lines)] == [0, 0, 0]
    assert read.provenance["items"][0]["error"] == "no film"
    assert math.isnan(read.value(WER.name))


@pytest.mark.parametrize("there", [True, False])
def test_a_folder_without_results_is_refused(tmp_path, there):
    folder = tmp_path if there else tmp_path / "none"
    with pytest.raises(BadInput, match=r"holds no results. Make them with: python -m evaluation run"):
        ResultSet.open(folder)


def test_in_a_notebook_the_suite_is_a_table_and_names_are_escaped():
    shown = result({"a>pt": words([1, 2, 3])}, system="<b>x")._repr_html_()
    assert "tiny: &lt;b&gt;x" in shown
    assert WER.name in shown or "0.2" in shown

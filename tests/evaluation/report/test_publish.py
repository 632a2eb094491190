"""Tables in the README and the docs: only what stands between marks is replaced."""

from __future__ import annotations

import pandas as pd
import pytest
from result_sets import full

from dubkit.errors import BadInput
from evaluation.damage.effects import Moved
from evaluation.report import publish

PAGE = """# Title

Before.

<!-- headline: made by `make eval` -->
old
| a |
<!-- headline end -->

Between.

<!-- scores: made by `make eval` -->
<!-- scores end -->
After.
"""
DOCS = "".join(f"<!-- {n}: made -->\n<!-- {n} end -->\n\n" for n in ("origin", "scores", "costs", "damage", "measures"))


@pytest.fixture
def path(tmp_path):
    made = tmp_path / "page.md"
    made.write_text(PAGE, encoding="utf-8")
    return made


def test_what_stands_between_the_marks_is_replaced_and_nothing_else(path):
    publish.put(path, {"headline": "new", "scores": "| s |"})
    assert path.read_text(encoding="utf-8") == (
        PAGE.replace("-->\nold\n| a |\n<!--", "-->\n\nnew\n\n<!--").replace(
            "-->\n<!-- scores end", "-->\n\n| s |\n\n<!-- scores end"
        )
    )


def test_to_put_it_twice_changes_nothing_more(path):
    publish.put(path, {"headline": "new"})
    once = path.read_text(encoding="utf-8")
    publish.put(path, {"headline": "new"})
    assert path.read_text(encoding="utf-8") == once


def test_a_text_is_taken_as_it_is(path):
    publish.put(path, {"headline": r"\1 \g<0> $"})
    assert "\n" + r"\1 \g<0> $" + "\n" in path.read_text(encoding="utf-8")


def test_without_marks_the_file_is_refused_and_left_as_it_was(path):
    with pytest.raises(BadInput, match=r"page\.md has no place for the table 'costs'"):
        publish.put(path, {"headline": "new", "costs": "more"})
    assert path.read_text(encoding="utf-8") == PAGE


def test_the_real_files_have_their_marks(tmp_path):
    for path, names in (
        (publish.README, ["headline"]),
        (publish.DOCS, ["origin", "scores", "costs", "damage", "measures"]),
    ):
        copy = tmp_path / path.name
        copy.write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
        publish.put(copy, dict.fromkeys(names, "a table"))
        assert copy.read_text(encoding="utf-8").count("\n\na table\n\n") == len(names)


class TestMarkdown:
    def test_numbers_stand_right_and_bars_are_escaped(self):
        table = pd.DataFrame({"a|b": ["x|y", "two\nlines"], "n": [1.5, float("nan")], "i": ["0.1 [-0.2, 0.3]", "–"]})
        assert publish.markdown(table) == (
            "| a\\|b | n | i |\n| --- | ---: | ---: |\n| x\\|y | 1.500 | 0.1 [-0.2, 0.3] |\n| two lines | – | – |"
        )

    def test_rows_with_names_show_them(self):
        table = pd.DataFrame({"a": [1.0]}, index=["asr.wer (ratio)"])
        assert publish.markdown(table) == "|  | a |\n| --- | ---: |\n| asr.wer (ratio) | 1.000 |"

    def test_rows_that_were_chosen_have_no_names(self):
        table = pd.DataFrame({"a": [1.0, 2.0]})[[False, True]]
        assert publish.markdown(table).endswith("| ---: |\n| 2.000 |")


def test_damages_tell_what_moves():
    found = {"none": [], "late": [Moved("timing.onset", 0.0, 0.2), Moved("sync.av_offset", float("nan"), 12.34)]}
    assert publish.damages(found).splitlines() == [
        "| damage | what moves |", "|---|---|", "| none | nothing |",
        "| late | `timing.onset` 0.000 → 0.200, `sync.av_offset` – → 12.3 |",
    ]  # fmt: skip


@pytest.fixture
def files(tmp_path, monkeypatch):
    for name, text in (("README", PAGE), ("DOCS", DOCS)):
        (tmp_path / name).write_text(text, encoding="utf-8")
        monkeypatch.setattr(publish, name, tmp_path / name)
    return tmp_path


def test_published_are_headline_scores_costs_measures_and_where_they_come_from(files):
    oracle = full("embedded true:translate", wrong=0, given=["translate"])
    publish.publish([full("embedded", wrong=2, commit="abc123"), oracle])
    readme, docs = ((files / name).read_text(encoding="utf-8") for name in ("README", "DOCS"))
    head = readme[readme.index("<!-- headline") : readme.index("<!-- headline end")]
    assert "| tiny | embedded | 0.200 |" in head and "true:translate" not in head
    assert "on 2026-02-03 at commit abc123: a processor, 2 cores, no GPU; read back by" in head
    assert "### Transcription" in docs and "| asr.wer (ratio) | 0.200 [0.200, 0.200] |" in docs
    assert "### Diarization" not in docs
    costs = docs[docs.index("<!-- costs") : docs.index("<!-- costs end")]
    assert "| translate |" in costs and "### tiny" in costs and "| nothing |" in costs
    assert "| timing.onset | s | lower |" in docs
    damage = docs[docs.index("<!-- damage") : docs.index("<!-- damage end")]
    assert damage == "<!-- damage: made -->\n"


def test_only_results_with_the_truth_in_them_cannot_be_published(files):
    with pytest.raises(BadInput, match="without the truth"):
        publish.publish([full("embedded true:translate", given=["translate"])])
    assert (files / "README").read_text(encoding="utf-8") == PAGE

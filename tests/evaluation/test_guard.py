"""What the guard lets pass and what it stops."""

from pathlib import Path

import pytest
from result_sets import CHRF, MEASURES, result, words

from dubkit.errors import BadInput
from evaluation import guard

GOOD = [0, 1, 0, 2, 1, 0, 1, 1, 0, 2] * 3


@pytest.fixture
def kept():
    return guard.baseline_of(result({"film": [*words(GOOD), *words([8] * 30, measure=CHRF)]}), MEASURES)


def test_the_same_scores_hold(kept):
    again = result({"film": [*words(GOOD), *words([8] * 30, measure=CHRF)]})
    assert guard.problems(kept, again) == []


def test_ten_per_cent_of_the_words_lost_is_a_fall(kept):
    found = guard.falls(kept, result({"film": [*words([x + 1 for x in GOOD]), *words([8] * 30, measure=CHRF)]}))
    assert [f.measure for f in found] == ["asr.wer"]
    assert found[0].value == pytest.approx(0.18) and found[0].baseline == pytest.approx(0.08)
    assert "was 0.080, is 0.180" in str(found[0])


def test_what_lies_within_the_interval_holds(kept):
    slightly = [*GOOD[:-1], GOOD[-1] + 2]
    assert guard.falls(kept, result({"film": [*words(slightly), *words([8] * 30, measure=CHRF)]})) == []


def test_higher_is_better_for_some(kept):
    low = result({"film": [*words(GOOD), *words([2] * 30, measure=CHRF)]})
    # Units that agree have an interval of no width: the slack of 2 points is what passes.
    assert [f.measure for f in guard.falls(kept, low)] == []
    kept_points = [k for k in kept if k.measure == "translation.chrf"]
    assert kept_points[0].worst == pytest.approx(0.8 - 2.0)


def test_a_measure_that_is_gone_and_an_item_that_fails_are_falls(kept):
    gone = guard.problems(kept, result({"film": words(GOOD)}))
    assert gone == ["translation.chrf: was 0.800, is not measured any more"]
    failed = result({"film": [*words(GOOD), *words([8] * 30, measure=CHRF)]}, errors={"other": "no speech"})
    assert guard.problems(kept, failed) == ["other failed: no speech"]


def test_a_baseline_is_written_and_read(kept, tmp_path: Path):
    path = tmp_path / "deep" / "guard.json"
    guard.write(kept, result({"film": words(GOOD)}), path)
    assert [(k.measure, k.better) for k in guard.read(path)] == [(k.measure, k.better) for k in kept]
    assert guard.read(path)[0].worst == pytest.approx(kept[0].worst, abs=1e-5)


def test_no_baseline_a_broken_one_and_one_of_failures_are_refused(tmp_path: Path):
    with pytest.raises(BadInput, match="--update"):
        guard.read(tmp_path / "none.json")
    (tmp_path / "broken.json").write_text('{"measures": [{}]}')
    with pytest.raises(BadInput, match="cannot be read"):
        guard.read(tmp_path / "broken.json")
    with pytest.raises(BadInput, match="no baseline"):
        guard.baseline_of(result({"film": words(GOOD)}, errors={"other": "no speech"}), MEASURES)

"""Two systems on the same suite: pairs, verdicts and what cannot be compared."""

import numpy as np
import pytest
from result_sets import MEASURES, ONSET, WER, result, words

from dubkit.errors import BadInput
from evaluation.comparison import compare
from evaluation.measures import Sample


def row(table, measure):
    return table[table["measure"] == measure].iloc[0]


def test_worse_better_and_same():
    lines = list(np.arange(40) % 3)
    a = result({"film": words(lines)})
    worse = compare(a, result({"film": words([x + 1 for x in lines])}, system="b"), MEASURES)
    found = row(worse, "asr.wer")
    assert (found["a"], found["b"], found["change"]) == pytest.approx((0.0975, 0.1975, 0.1))
    assert found["verdict"] == "worse" and found["q"] < 0.01
    better = compare(result({"film": words([x + 1 for x in lines])}), a, MEASURES)
    assert row(better, "asr.wer")["verdict"] == "better"
    assert row(compare(a, a, MEASURES), "asr.wer")["verdict"] == "same"


def test_pairs_are_made_by_unit_whatever_the_order():
    a, b = words([0, 1, 2, 3]), words([0, 1, 2, 3])
    found = row(compare(result({"film": a}), result({"film": b[::-1]}), MEASURES), "asr.wer")
    assert (found["low"], found["high"], found["p"]) == (0, 0, 1)


def test_only_items_that_both_finished_count():
    a = result({"one": words([1] * 5), "two": words([9] * 5)})
    b = result({"one": words([1] * 5)}, errors={"two": "no sound"})
    assert row(compare(a, b, MEASURES), "asr.wer")["a"] == pytest.approx(0.1)


def test_a_unit_that_one_lacks_counts_as_nothing_in_sums_and_is_left_out_of_medians():
    onsets = [Sample(ONSET.name, f"u{n}", (n / 10,)) for n in range(1, 6)]
    a = result({"film": [*words([1, 1, 1, 1]), *onsets]})
    b = result({"film": [*words([1, 1, 1]), *onsets[:4]]})
    table = compare(a, b, MEASURES)
    assert row(table, "asr.wer")["n_units"] == 4
    assert row(table, "timing.onset")["n_units"] == 4
    assert row(table, "timing.onset")["change"] == 0


def test_several_samples_of_a_unit_add_up():
    halves = [Sample(WER.name, "u001", (1, 5)), Sample(WER.name, "u001", (0, 5)), *words([0, 0, 0])[1:]]
    found = row(compare(result({"film": words([1, 0, 0])}), result({"film": halves}), MEASURES), "asr.wer")
    assert (found["a"], found["b"], found["n_units"]) == pytest.approx((1 / 30, 1 / 30, 3))


def test_what_is_only_told_gets_no_verdict():
    lengths = [Sample("translation.length_ratio", f"u{n}", (n, 1.0)) for n in range(5)]
    longer = [Sample("translation.length_ratio", f"u{n}", (n + 1.0, 1.0)) for n in range(5)]
    found = row(compare(result({"f": lengths}), result({"f": longer}), MEASURES), "translation.length_ratio")
    assert found["verdict"] == "" and np.isnan(found["q"])


def test_other_suites_and_other_items_are_refused():
    with pytest.raises(BadInput, match="different suites"):
        compare(result({"f": words([1])}), result({"f": words([1])}, suite="other"), MEASURES)
    with pytest.raises(BadInput, match="share no items"):
        compare(result({"f": words([1])}), result({"g": words([1])}), MEASURES)

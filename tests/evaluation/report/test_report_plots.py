"""What the report's figures draw: places, lengths, labels, colours."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from dubkit.errors import BadInput
from evaluation.measures import Measure
from evaluation.report import plots
from evaluation.results import ResultSet

matplotlib.use("agg")

COLUMNS = ["suite", "system", "item", "measure", "value", "low", "high", "unit", "better"]
SCORES = pd.DataFrame(
    [
        ("talks", "first", "all", "asr.wer", 0.2, 0.1, 0.3, "ratio", "lower"),
        ("talks", "first", "one", "asr.wer", 0.9, 0.8, 1.0, "ratio", "lower"),
        ("talks", "second", "all", "asr.wer", 0.4, np.nan, np.nan, "ratio", "lower"),
    ],
    columns=COLUMNS,
)


@pytest.fixture(autouse=True)
def closed():
    yield
    matplotlib.pyplot.close("all")


def ticks(ax):
    return [t.get_text() for t in ax.get_yticklabels()]


def dots(ax):
    return [(float(x.get_xdata()[0]), float(x.get_ydata()[0])) for x in ax.lines if x.get_marker() == "o"]


def test_a_forest_has_a_row_per_system_with_its_interval():
    ax = plots.forest(SCORES)
    assert ticks(ax) == ["first", "second"]
    assert dots(ax) == [(0.2, 0), (0.4, 1)]
    whiskers = [list(x.get_xdata()) for x in ax.lines if x.get_marker() != "o"]
    assert whiskers == [[0.1, 0.3]]
    assert [t.get_text() for t in ax.texts] == ["0.200 [0.100, 0.300]", "0.400"]
    assert ax.get_xlabel() == "asr.wer (ratio, lower is better)"


def test_names_with_dollars_are_no_formulas():
    ax = plots.forest(SCORES.assign(system=["$x_{$", "$x_{$", "a"]))
    ax.figure.canvas.draw()
    assert ticks(ax) == ["$x_{$", "a"] and not any(t.get_parse_math() for t in ax.get_yticklabels())


def test_a_forest_of_several_suites_names_them():
    assert ticks(plots.forest(SCORES.assign(suite=["talks", "talks", "films"]))) == ["talks: first", "films: second"]


def test_a_forest_of_several_measures_has_a_block_for_each():
    more = pd.concat([SCORES, SCORES.assign(measure="asr.cer", value=0.05)], ignore_index=True)
    ax = plots.forest(more)
    assert ticks(ax) == ["asr.wer", "first", "second", "asr.cer", "first", "second"]
    assert dots(ax) == [(0.2, 1), (0.4, 2), (0.05, 4), (0.05, 5)]
    colours = [x.get_color() for x in ax.lines if x.get_marker() == "o"]
    assert colours[0] == colours[2] != colours[1] == colours[3]


def test_a_forest_that_would_mix_units_or_items_is_refused():
    with pytest.raises(BadInput, match="several units"):
        plots.forest(SCORES.assign(unit=["ratio", "ratio", "s"], measure=["asr.wer", "asr.wer", "words.end"]))
    with pytest.raises(BadInput, match="choose one item"):
        plots.forest(SCORES.assign(item=["one", "two", "one"]))
    with pytest.raises(BadInput, match="no scores"):
        plots.forest(SCORES[:0])


SAMPLES = pd.DataFrame(
    [("a", "timing.onset", [x], "s") for x in (0.4, 0.1, 0.2, 0.3, 0.5)]
    + [("b", "timing.onset", [x], "s") for x in (1.0, 2.0, 3.0)]
    + [("a", "asr.wer", [1, 4], "ratio"), ("a", "asr.wer", [0, 0], "ratio"), ("a", "asr.wer", [2, 4], "ratio")]
    + [("a", "translation.bleu", [1, 2, 3], "points")],
    columns=["system", "measure", "parts", "measured_in"],
)


def test_a_distribution_rises_by_a_share_for_each_unit():
    ax = plots.distribution(SAMPLES, "timing.onset")
    curve = ax.lines[0]
    assert list(curve.get_xdata()) == [0.1, 0.1, 0.2, 0.3, 0.4, 0.5]
    assert list(curve.get_ydata()) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])
    assert dots(ax) == [(0.3, 0.5), (2.0, 0.5)]
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["a", "b"]
    assert ax.get_xlabel() == "timing.onset (s)"


def test_a_distribution_of_rates_leaves_out_what_has_nothing_to_divide_by():
    assert list(plots.distribution(SAMPLES, "asr.wer").lines[0].get_xdata()) == [0.25, 0.25, 0.5]


def test_a_distribution_of_what_has_no_value_by_unit_is_refused():
    with pytest.raises(BadInput, match="no value by unit"):
        plots.distribution(SAMPLES, "translation.bleu")
    with pytest.raises(BadInput, match=r"no samples of 'asr\.cer'.*timing\.onset"):
        plots.distribution(SAMPLES, "asr.cer")


GAINS = pd.DataFrame(
    {
        "replaced": ["diarize", "translate", "separate"],
        "change": [-0.5, 6.0, 0.2],
        "low": [-1, 4, -0.3],
        "high": [-0.2, 8, 0.7],
    }
)


def test_the_largest_gain_is_at_the_top_and_doubtful_ones_are_pale():
    ax = plots.ablation(GAINS)
    assert ticks(ax) == ["translate", "separate", "diarize"]
    assert [bar.get_width() for bar in ax.patches] == [6.0, 0.2, -0.5]
    assert [bar.get_alpha() for bar in ax.patches] == [1.0, 0.35, 1.0]
    assert [to_hex(bar.get_facecolor()).upper() for bar in ax.patches] == [plots.BETTER, plots.BETTER, plots.WORSE]
    assert [list(line.get_xdata()) for line in ax.lines[:3]] == [[4, 8], [-0.3, 0.7], [-1, -0.2]]


def test_fewer_errors_are_a_gain():
    ax = plots.ablation(GAINS, Measure("asr.wer", "ratio", "lower", "ratio", "words"))
    assert ticks(ax) == ["diarize", "separate", "translate"]
    assert [bar.get_width() for bar in ax.patches] == [0.5, -0.2, -6.0]
    assert list(ax.lines[0].get_xdata()) == [0.2, 1]
    assert ax.get_xlabel().startswith("gain in asr.wer (ratio)")
    with pytest.raises(BadInput, match="no gains"):
        plots.ablation(GAINS[:0])


def test_stage_times_are_stacked_in_the_order_of_the_pipeline():
    table = pd.DataFrame(
        [
            ("a", "cost.synthesize_rtf", 0.5), ("a", "cost.diarize_rtf", 0.25), ("a", "cost.segment_rtf", 0.001),
            ("a", "cost.combine_rtf", 0.002), ("a", "cost.rtf", 0.753), ("b", "cost.synthesize_rtf", 1.0),
        ],
        columns=["system", "measure", "value"],
    )  # fmt: skip
    ax = plots.stage_times(table)
    assert ticks(ax) == ["a", "b"]
    drawn = {c.get_label(): [(bar.get_x(), round(bar.get_width(), 6)) for bar in c] for c in ax.containers}
    assert drawn == {
        "diarize": [(0, 0.25), (0, 0)],
        "synthesize": [(0.25, 0.5), (0, 1.0)],
        "others": [(0.75, 0.003), (1.0, 0)],
    }
    assert [t.get_text().strip() for t in ax.texts] == ["0.75", "1.00"]
    with pytest.raises(BadInput, match="no scores"):
        plots.stage_times(table[table["measure"] == "cost.rtf"])


def test_result_sets_become_one_table_with_suite_system_and_unit():
    samples = pd.DataFrame([("one", "asr.wer", "u1", [1, 4])], columns=["item", "measure", "unit", "parts"])
    sets = [
        ResultSet(
            samples,
            SCORES[["item", "measure", "value", "unit"]][:2],
            pd.DataFrame(),
            {"suite": "talks", "system": name},
        )
        for name in ("first", "second")
    ]
    table = plots.samples_of(sets)
    assert list(table["system"]) == ["first", "second"]
    assert list(table["measured_in"]) == ["ratio", "ratio"]
    assert list(plots.scores_of(sets)["system"]) == ["first", "first", "second", "second"]


def test_figures_draw_into_the_axes_given():
    given = matplotlib.pyplot.subplots()[1]
    assert plots.forest(SCORES, given) is given

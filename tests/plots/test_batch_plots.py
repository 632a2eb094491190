"""Figures of a batch: bars of stages, and films by how well their lines fit."""

from __future__ import annotations

import matplotlib
import pandas as pd
import pytest

from dubkit import plots

matplotlib.use("agg")


def results(**columns) -> pd.DataFrame:
    given = {
        "id": ["a", "b", "c", "d"],
        "state": ["done", "done", "done", "failed"],
        "seconds": [10.0, 30.0, 20.0, 1.0],
    }
    return pd.DataFrame({**given, **columns})


def test_stages_are_bars_in_order_and_the_overhead_is_hatched():
    stages = {"stage_seconds.translate": [6.0, 3.0, 9.0, None], "stage_seconds.separate": [2.0, 24.0, None, None]}
    ax = plots.batch_stages(results(**stages))
    assert [t.get_text() for t in ax.get_yticklabels()] == ["separate", "translate", "overhead"]
    assert [bar.get_width() for bar in ax.patches] == pytest.approx([26, 18, 16])
    assert [bar.get_hatch() for bar in ax.patches] == [None, None, "///"]
    assert [t.get_text() for t in ax.texts] == ["43.3%", "30.0%", "26.7%"]
    assert ax.get_xlim()[1] == pytest.approx(26 * 1.15)


def test_films_are_marks_and_those_with_flags_are_crosses_with_names():
    facts = {"largest_rate": [1.1, 1.9, 1.2, None], "largest_drift": [0.0, 0.4, 0.1, None], "flagged": [0, 2, 0, None]}
    ax = plots.batch_timing(results(**facts))
    fine, flagged = ax.collections
    assert fine.get_offsets().tolist() == [[1.1, 0.0], [1.2, 0.1]] and flagged.get_offsets().tolist() == [[1.9, 0.4]]
    assert [t.get_text() for t in ax.texts] == ["b"]
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["no line flagged (2)", "some lines flagged (1)"]
    assert ax.get_ylim() == (0, pytest.approx(0.46))


def test_at_most_five_films_are_named():
    many = pd.DataFrame({"id": [f"f{n}" for n in range(9)], "state": "done", "seconds": 1.0, "flagged": 1})
    many = many.assign(largest_rate=1 + many.index / 10, largest_drift=0.1)
    assert [t.get_text() for t in plots.batch_timing(many).texts] == ["f8", "f7", "f6", "f5", "f4"]


def test_a_batch_that_knows_neither_draws_empty_axes():
    assert len(plots.batch_stages(results()).patches) == 0
    ax = plots.batch_timing(results())
    assert len(ax.collections) == 0 and ax.get_xlabel() == "rate of the fastest line (1 = natural)"


def test_they_draw_into_the_axes_given():
    import matplotlib.pyplot as plt

    _, axes = plt.subplots(2)
    assert plots.batch_stages(results(), ax=axes[0]) is axes[0] and plots.batch_timing(results(), ax=axes[1]) is axes[1]

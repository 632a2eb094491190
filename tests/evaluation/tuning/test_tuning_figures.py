"""What a sweep's figure and its table show."""

from __future__ import annotations

from typing import Any

import pytest
from matplotlib import pyplot as plt
from sweeps import BAD, GOOD, beams, swept, tried

from dubkit.errors import BadInput
from evaluation.metrics.timing import MEASURES as TIMING
from evaluation.tuning import figure

FLAGGED = next(m for m in TIMING if m.name == "timing.flagged")


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def labels(ax: Any) -> list[str]:
    return [t.get_text() for t in ax.get_yticklabels()]


def texts(ax: Any) -> list[str]:
    return [t.get_text() for t in ax.texts]


def dots(ax: Any) -> list[tuple[float, float, str]]:
    """Value, row and marker of each dot."""
    return [
        (float(line.get_xdata()[0]), float(line.get_ydata()[0]), line.get_marker())
        for line in ax.lines
        if line.get_marker() not in ("None", "", "|")
    ]


def strokes(ax: Any) -> list[list[float]]:
    """The films' own values, row by row."""
    return [list(line.get_xdata()) for line in ax.lines if line.get_marker() == "|"]


def test_values_by_setting_in_order_with_cost_beside() -> None:
    ax = figure(beams())
    assert labels(ax) == ["1", "5 (default)", "8"]
    assert dots(ax) == [(pytest.approx(0.3), 0, "D"), (pytest.approx(0.3), 1, "D"), (pytest.approx(0.1), 2, "o")]
    assert texts(ax)[2] == "0.100 [0.100, 0.100] ★"
    assert strokes(ax) == [[0.3] * 12, [0.3] * 12, [0.1] * 12]
    assert ax.get_xlabel() == "asr.wer\n(share, lower is better)" and ax.get_ylabel() == "transcribe.beam_size"
    assert ax.get_title(loc="left").startswith("dialogues: ")
    _, cost = ax.figure.axes
    assert [bar.get_width() for bar in cost.patches] == [0.2, 0.5, 0.9]
    assert cost.get_xlabel() == "cost\n(s per s of film)"


def test_another_measure_stands_between() -> None:
    ax = figure(beams(also=(FLAGGED,)))
    _, flagged, cost = ax.figure.axes
    assert dots(flagged) == [(0, 0, "D"), (0, 1, "D"), (0.5, 2, "X")]
    assert flagged.get_xlabel().startswith("timing.flagged")
    assert len(cost.patches) == 3


def test_few_films_are_values_without_intervals_and_a_suggestion() -> None:
    ax = figure(beams(films=2))
    assert texts(ax)[:3] == ["0.300", "0.300 ★", "0.100 ☆"]
    assert ax.get_title(loc="left").endswith("★ winner, ☆ suggested\n2 films: too few to be sure")
    assert not [line for line in ax.lines if len(line.get_xdata()) == 2 and line.get_linestyle() == "-"]


def test_where_cost_cannot_be_compared_it_has_no_panel() -> None:
    name = "synthesize.length_weight"
    found = swept(tried(BAD, {name: 2.0}), tried(GOOD, {name: 0.0}))
    assert len(figure(found).figure.axes) == 1
    html = found._repr_html_()
    assert "Cost is not told" in html and "s per s of film" not in html


def test_none_comes_first_and_what_failed_is_not_drawn() -> None:
    trials = [tried(BAD, {"diarize.threshold": v}) for v in (0.7, 0.3)]
    failed = tried(BAD, {"diarize.threshold": 0.9}, error="It broke.")
    ax = figure(swept(tried(BAD, {"diarize.threshold": None}), *trials, failed))
    assert labels(ax) == ["None (default)", "0.3", "0.7"]
    # It is parted from the numbers.
    assert [list(line.get_ydata()) for line in ax.lines if list(line.get_ydata()) == [0.5, 0.5]] == [[0.5, 0.5]]


def test_all_combinations_of_two_settings_are_a_map() -> None:
    def at(late: float, early: float, errors: list[int]) -> Any:
        return tried(errors, {"synthesize.timing.late": late, "synthesize.timing.early": early})

    ax = figure(swept(at(1.0, 2.5, BAD), at(2.0, 2.5, BAD), at(1.0, 1.5, GOOD), at(2.0, 1.5, [5] * 12)))
    assert (ax.get_ylabel(), ax.get_xlabel()) == ("synthesize.timing.late", "synthesize.timing.early")
    assert [t.get_text() for t in ax.get_xticklabels()] == ["1.5", "2.5"] and labels(ax) == ["1.0", "2.0"]
    assert ax.images[0].get_array().tolist() == [pytest.approx([0.1, 0.3]), pytest.approx([0.5, 0.3])]
    said = {t.get_position(): t.get_text() for t in ax.texts}
    assert said == {
        (0, 0): "0.100 ▲★",
        (1, 0): "0.300",
        (0, 1): "0.500 ▼",
        (1, 1): "0.300",
    }
    assert [patch.get_xy() for patch in ax.patches] == [(1 - 0.47, 0 - 0.46)]


def test_many_settings_are_the_best_and_the_default() -> None:
    many = [tried([3 + n] * 12, {"a": float(n), "b": 0.5, "c": "x"}) for n in range(1, 40)]
    ax = figure(swept(tried([50] * 12, {"a": 0.0, "b": 0.5, "c": "x"}), *many))
    assert len(labels(ax)) == 25
    assert labels(ax)[0] == "1, 0.5, x" and labels(ax)[-1] == "0, 0.5, x (default)"
    assert ax.get_ylabel() == "a,\nb,\nc"


def test_a_measure_without_a_value_is_told() -> None:
    with pytest.raises(BadInput, match="no value to draw"):
        figure(beams(measure=next(m for m in TIMING if m.name == "timing.overlap")))


def test_the_table_marks_the_default_and_the_winner() -> None:
    found = beams(tried(GOOD, {"transcribe.beam_size": 20}, error="<It> broke."))
    html = found._repr_html_()
    assert "dialogues: asr.wer (share, lower is better)" in html
    rows = [row for row in html.split("<tr") if "<td" in row]
    assert [row.split("<td>")[-1].split("<")[0] for row in rows] == ["default", "", "★ winner", ""]
    assert "0.100 [0.100, 0.100]" in rows[2] and "-0.200 [-0.200, -0.200]" in rows[2]
    assert "class='better'" in rows[2]
    assert "transcribe.beam_size = 20 failed. film1&gt;pt: &lt;It&gt; broke." in html
    assert [cell in rows[n] for n, cell in enumerate(("0.200 [0.200, 0.200] worse", "worse", ">best<"))] == [True] * 3
    assert "Films: 12." in html and "Seconds are those of transcribe" in html
    assert "q is p corrected for the 3 that were tried" in html and "Take transcribe.beam_size = 8" in html


def test_a_default_that_wins_is_both() -> None:
    html = swept(tried(BAD, {"a": 1}), tried(BAD, {"a": 2}))._repr_html_()
    assert "default, ★ winner" in html

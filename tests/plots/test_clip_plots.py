"""Clips beside their slots."""

from pathlib import Path

import matplotlib
import pytest
from builders import VOICE_RATE, sine, speech, transcript
from matplotlib.axes import Axes

from dubkit import plots
from dubkit.artefacts import Speech
from dubkit.timing import TimingSettings

matplotlib.use("agg")


@pytest.fixture
def spoken(tmp_path: Path) -> Speech:
    """One line that fits, one of 3 s at natural rate that hurries into a slot of 2 s, one that is slower."""
    said = transcript(("S1", 0, 2, "one"), ("S2", 2, 4, "two"), ("S1", 5, 7, "three"))
    made = speech(tmp_path / "clips", said, *(sine(s, rate=VOICE_RATE) for s in (2.0, 2.4, 2.0)))
    one, two, three = made.clips
    return made.but(clips=(one, two.but(rate=1.25, natural=3.0), three.but(rate=0.9, natural=1.8)))


def rows(ax: Axes) -> list[str]:
    return [label.get_text() for label in ax.get_yticklabels()]


def test_clips_stand_in_their_slots_and_hurried_ones_stand_out(spoken: Speech) -> None:
    ax = plots.clips(spoken)
    bars, frames = ax.patches[::2], ax.patches[1::2]
    assert [bar.get_width() for bar in bars] == [2.0, 2.4, 2.0] and [f.get_width() for f in frames] == [2, 2, 2]
    assert [bar.get_hatch() for bar in bars] == [None, "////", None]
    assert [line.get_xdata()[0] for line in ax.lines] == [2.0, 3.0, 1.8]
    assert [(t.get_text().strip(), t.get_fontweight()) for t in ax.texts] == [
        ("1.00", "normal"), ("1.25", "bold"), ("0.90", "normal"),
    ]  # fmt: skip
    assert rows(ax) == ["u0001 S1", "u0002 S2", "u0003 S1"]
    assert ax.get_xlim() == pytest.approx((0, 3.3))


def test_lines_hurry_above_the_rates_at_which_nobody_hears_a_difference(spoken: Speech) -> None:
    """They are those of the grey band of `plots.candidates`."""
    for rate, hatch in ((1.08, None), (1.09, "////")):
        assert plots.clips(spoken.but(clips=(spoken.clips[0].but(rate=rate),))).patches[0].get_hatch() == hatch


def test_of_many_clips_those_farthest_from_their_slots_are_shown(spoken: Speech) -> None:
    ax = plots.clips(spoken, most=2)
    assert rows(ax) == ["u0002 S2", "u0003 S1"]
    assert ax.get_title().startswith("the 2 of 3 lines")


def test_pace_sets_the_rate_beside_the_one_that_would_fill_the_slot(spoken: Speech) -> None:
    ax = plots.pace(spoken.but(timing=TimingSettings(slowest=0.85, fastest=1.3)))
    first, second = ax.collections
    assert first.get_offsets().tolist() == [[1.0, 1.0], [0.9, 0.9]] and second.get_offsets().tolist() == [[1.5, 1.25]]
    assert [line.get_ydata()[0] for line in ax.lines[1:]] == [0.85, 1.3]
    assert ax.get_title() == "1 of 3 lines do not fit by rate alone"
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["S1", "S2"]
    assert (first.get_paths()[0].vertices.shape) != (second.get_paths()[0].vertices.shape)


def test_a_line_that_no_rate_would_fit_stands_at_the_edge(spoken: Speech) -> None:
    ax = plots.pace(spoken.but(clips=(spoken.clips[0].but(slot=0.0),)))
    assert ax.collections[0].get_offsets()[0][0] == ax.get_xlim()[1]


def test_without_lines_there_is_nothing_to_draw() -> None:
    assert rows(plots.clips(Speech(clips=()))) == []
    assert plots.pace(Speech(clips=())).get_title() == "0 of 0 lines do not fit by rate alone"

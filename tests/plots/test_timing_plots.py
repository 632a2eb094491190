"""Where lines lie, how late, how fast, at whose cost, and what the schedule is for."""

from pathlib import Path

import matplotlib
import numpy as np
import pytest
from builders import FILM_RATE, VOICE_RATE, placement, silence, sine, soundtrack, speech, transcript
from matplotlib.axes import Axes

from dubkit import plots
from dubkit.artefacts import Soundtrack, Speech
from dubkit.certificate import placements
from dubkit.plots.collisions import Laid, collisions
from dubkit.retiming import TimeMap
from dubkit.timing import TimingSettings

matplotlib.use("agg")
BLUE, ORANGE = plots.COLOURS[:2]


@pytest.fixture
def dub(tmp_path: Path) -> Soundtrack:
    """One speaker is late, the other borrows half a second and hurries."""
    return soundtrack(
        tmp_path,
        placement("u1", "S2", (1, 3), (1.5, 3.2), 1.1, drift=0.5, flag="late"),
        placement("u2", "S1", (4, 6), (4, 6.5), 1.2, flag="long"),
    )


def texts(ax: Axes) -> list[str]:
    return [t.get_text().strip() for t in ax.texts]


def lines_of(collection: object) -> list[list[tuple[float, float]]]:
    return [[tuple(map(float, point)) for point in segment] for segment in collection.get_segments()]  # type: ignore[attr-defined]


def test_timing_shows_slots_above_dubs_and_hatches_flagged_lines(dub: Soundtrack) -> None:
    ax = plots.timing(dub.but(placements=(dub.placements[0], dub.placements[1].but(flag=""))))
    slot, placed, _, fitting = ax.patches
    assert (slot.get_x(), slot.get_width(), slot.get_alpha()) == (1, 2, 0.35)
    assert (placed.get_x(), placed.get_width()) == (1.5, pytest.approx(1.7)) and placed.get_y() > slot.get_y()
    assert (placed.get_hatch(), fitting.get_hatch()) == ("////", None)
    assert texts(ax) == ["1.10", "late", "1.20"]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["S2", "S1"] and ax.get_xlim() == (0, 10)


def test_timing_looks_at_a_stretch(dub: Soundtrack) -> None:
    ax = plots.timing(dub, 3.5, 8)
    assert ax.get_xlim() == (3.5, 8)
    assert [bar.get_x() for bar in ax.patches] == [4, 4] and texts(ax) == ["1.20", "long"]


def test_rates_are_left_out_where_they_have_no_room_and_flags_keep_off_each_other(tmp_path: Path) -> None:
    lines = [placement(f"u{n}", "S1", (n / 5, n / 5 + 0.1), (n / 5, n / 5 + 0.15), flag="long") for n in range(3)]
    ax = plots.timing(soundtrack(tmp_path, *lines, seconds=60))
    assert texts(ax) == ["long"] * 3
    first, second, third = (t.get_position()[1] for t in ax.texts)
    assert first == third != second


def test_drift_shows_starts_and_ends_and_names_flagged_lines(dub: Soundtrack) -> None:
    ax = plots.drift(dub)
    (_, starts, ends), (stems, later, last) = ax.collections[:3], ax.collections[3:]
    assert starts.get_offsets().tolist() == [[1.5, 0.5]] and later.get_offsets().tolist() == [[4, 0]]
    np.testing.assert_allclose([*ends.get_offsets(), *last.get_offsets()], [[3.2, 0.2], [6.5, 0.5]])
    np.testing.assert_allclose(lines_of(stems), [[(6.5, 0), (6.5, 0.5)]])
    assert matplotlib.colors.to_hex(ends.get_facecolor()[0]) == "#ffffff"
    # Speakers differ in their markers, of which the legend is the key.
    assert [p.get_paths()[0].vertices.shape for p in (starts, ends)] != [
        p.get_paths()[0].vertices.shape for p in (later, last)
    ]
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["S2", "S1"]
    assert texts(ax) == ["u1 late", "u2 long"]
    assert matplotlib.colors.to_hex(starts.get_facecolor()[0]).upper() == BLUE
    low, high = ax.get_ylim()
    assert low < -0.3 and high > 0.5


def test_of_many_flagged_lines_the_worst_are_named(tmp_path: Path) -> None:
    lines = [placement(f"u{n:02}", "S1", (n, n + 0.5), (n + n / 100, n + 0.5), flag="late") for n in range(30)]
    named = texts(plots.drift(soundtrack(tmp_path, *lines, seconds=40)))
    assert len(named) == 12 and named[0] == "u29 late"


def test_rates_lie_between_their_limits_and_stretched_lines_tell_the_synthesizers(dub: Soundtrack) -> None:
    stretched = dub.but(placements=(dub.placements[0], dub.placements[1].but(stretch=1.25, rate=1.25)))
    ax = plots.rates(stretched, TimingSettings(slowest=0.8, fastest=1.3))
    late, long = (lines_of(c)[0] for c in ax.collections[:3:2])
    assert late == [(1.5, 1.1), (3.2, 1.1)] and long == [(4, 1.25), (6.5, 1.25)]
    assert [line.get_ydata()[0] for line in ax.lines[:3]] == [1, 0.8, 1.3]
    assert texts(ax) == ["slowest", "fastest", "natural"]
    assert ax.collections[5].get_offsets().tolist() == [[5.25, 1.0]]
    assert [c.get_offsets().tolist() for c in ax.collections[1:4:2]] == [[[1.5, 1.1]], [[4, 1.25]]]
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["S2", "S1", "before stretch"]


def test_borrowed_silence_stands_where_it_was_taken(tmp_path: Path) -> None:
    dub = soundtrack(
        tmp_path,
        placement("u1", "S1", (1, 3), (0.8, 3.4), flag="long"),
        placement("u2", "S1", (5, 7), (5, 6.5)),
    )
    ax = plots.borrowed(dub)
    spare, taken, tips = ax.collections
    np.testing.assert_allclose(lines_of(taken), [[(3, 0), (3, 0.4)], [(1, 0), (1, -0.2)]])
    np.testing.assert_allclose(lines_of(spare), [[(7, 0), (7, 0.5)]])
    np.testing.assert_allclose(tips.get_offsets(), [[3, 0.4], [1, -0.2]])
    assert "0.6 s in all" in ax.get_title("left") and texts(ax) == ["u1 long"]


def test_of_a_long_film_no_more_is_shown_than_can_be_read(dub: Soundtrack) -> None:
    later = placement("u3", "S1", (200, 202), (200.4, 203), 1.1, flag="late")
    long = dub.but(audio=dub.audio.but(n_samples=600 * FILM_RATE), placements=(*dub.placements, later))
    for draw in (plots.timing, plots.drift, plots.rates, plots.borrowed):
        ax = draw(long)
        assert ax.get_xlim() == (0, 120) and ax.get_title("left").endswith(" (0 to 120 of 600 s)")
        assert "u3" not in "".join(texts(ax))
        assert draw(long, start=190, end=210).get_xlim() == (190, 210)
    assert texts(plots.drift(long, 190, 210)) == ["u3 late"]
    ax = plots.solved(Speech(clips=()), long, 190, 210)
    assert ax.get_xlim() == (190, 210) and "(190 to 210 of 600 s)" in ax.get_xlabel()


def test_time_left_before_a_line_is_grey_below(tmp_path: Path) -> None:
    ax = plots.borrowed(soundtrack(tmp_path, placement("u1", "S1", (1, 3), (1.3, 3))))
    spare, taken, _ = ax.collections
    np.testing.assert_allclose(lines_of(spare), [[(1, 0), (1, -0.3)]])
    assert lines_of(taken) == []


def test_a_legend_of_many_speakers_keeps_off_the_title(tmp_path: Path) -> None:
    lines = [placement(f"u{n}", f"Speaker {n}", (n, n + 0.5), (n, n + 0.5)) for n in range(20)]
    for count in (1, 8, 20):
        ax = plots.drift(soundtrack(tmp_path / str(count), *lines[:count], seconds=30))
        ax.figure.canvas.draw()
        legend, figure = ax.get_legend().get_window_extent(), ax.figure.bbox
        assert not legend.overlaps(ax._left_title.get_window_extent())
        assert figure.x0 <= legend.x0 and legend.x1 <= figure.x1 and legend.y1 <= figure.y1


def laid(*lines: tuple[str, float, float, float, float]) -> list[Laid]:
    return [Laid(*line) for line in lines]


def test_lines_collide_where_they_did_not_in_the_film() -> None:
    lines = laid(("S1", 0, 3, 0, 2), ("S2", 2, 4, 2, 4), ("S2", 3.98, 5, 4, 5))
    assert collisions(lines) == [(0, 1, 2, 3)]


def test_overlap_that_the_film_has_is_no_collision() -> None:
    assert collisions(laid(("S1", 0, 3, 0, 3), ("S2", 2, 4, 2, 4))) == []
    assert collisions(laid(("S1", 0, 3.5, 0, 3), ("S2", 2, 4, 2, 4))) == [(0, 1, 2, 2.5)]
    assert collisions(laid(("S1", 0, 3, 0, 3), ("S1", 2, 4, 2, 4))) == [(0, 1, 2, 3)]


@pytest.fixture
def crowded(tmp_path: Path) -> tuple[Speech, Soundtrack]:
    """Two lines of which the first takes half a second more than there is, and how they were solved."""
    said = transcript(("S1", 1, 3, "one"), ("S2", 3.2, 5.2, "two"))
    spoken = speech(tmp_path / "clips", said, *(sine(s, rate=VOICE_RATE) for s in (2.7, 2.0)))
    return spoken, soundtrack(tmp_path, *placements(spoken, TimeMap.of((), 10.0)))


def test_the_schedule_resolves_what_would_collide(crowded: tuple[Speech, Soundtrack]) -> None:
    ax = plots.solved(*crowded)
    before, after = texts(ax)
    assert before == "as they come: 1 collision, 0.5 s to cut or talked over"
    fastest = max(p.rate for p in crowded[1].placements)
    assert after == f"solved, at most {fastest:.2f} times as fast: 0 collisions, 0.0 s to cut or talked over"
    assert fastest > 1.1
    hatched = [c for c in ax.collections if c.get_hatch() == "xxxx" and c.get_paths()]
    assert [tuple(c.get_paths()[0].get_extents().intervalx) for c in hatched] == [pytest.approx((3.2, 3.7))] * 2
    assert [t.get_text() for t in ax.get_yticklabels()] == ["S1", "S2"] * 2


def test_what_is_over_only_after_the_film_would_be_cut(tmp_path: Path) -> None:
    spoken = speech(tmp_path / "clips", transcript(("S1", 8, 9.5, "one")), silence(3.0, VOICE_RATE))
    dub = soundtrack(tmp_path, *placements(spoken, TimeMap.of((), 10.0)))
    assert texts(plots.solved(spoken, dub))[0] == "as they come: 0 collisions, 1.0 s to cut or talked over"


def test_a_film_without_lines_still_has_figures(tmp_path: Path) -> None:
    silent = soundtrack(tmp_path)
    for ax in (plots.timing(silent), plots.drift(silent), plots.rates(silent), plots.borrowed(silent)):
        assert ax.get_xlim() == (0, 10) and not ax.patches[2:]
    assert texts(plots.solved(Speech(clips=()), silent))[0].startswith("as they come: 0 collisions, 0.0 s")


def test_figures_of_timing_draw_into_the_axes_given(dub: Soundtrack) -> None:
    axes = matplotlib.pyplot.subplots()[1]
    assert plots.timing(dub, ax=axes) is axes and plots.borrowed(dub, ax=axes) is axes

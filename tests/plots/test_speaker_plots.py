"""Who speaks when: spans, colours, hatches, errors and names; and the map of voices."""

from __future__ import annotations

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from builders import FILM_RATE, silence, sine, tracks, turns
from matplotlib.axes import Axes
from matplotlib.collections import Collection, PathCollection
from matplotlib.colors import to_hex

from dubkit import plots
from dubkit.plots import COLOURS
from evaluation.metrics import diarization

Span = tuple[float, float]
VOICED = turns(("S1", 0, 2), ("S2", 2, 5), ("S1", 7, 8), ("S2", 9, 9.5), ("S3", 10, 30), ("S3", 30, 50))
PRINTS = {
    "t0001": np.array([1.0, 0, 0, 0]),
    "t0002": np.array([0, 1.0, 0, 0]),
    "t0003": np.array([0.8, 0.6, 0, 0]),
    "t0005": np.array([0, 0, 1.0, 0]),
    "t0006": np.array([0, 0, 0.6, 0.8]),
}


def spans(shapes: Collection) -> list[Span]:
    """From where to where in time each of the shapes goes."""
    found = [p.get_extents() for p in shapes.get_paths()]
    return [(round(f.x0, 6), round(f.x1, 6)) for f in found]


def rows(shapes: Collection) -> Span:
    """From where to where in height the shapes go."""
    found = [p.get_extents() for p in shapes.get_paths()]
    return round(min(f.y0 for f in found), 6), round(max(f.y1 for f in found), 6)


def heard(shape: Collection, above: bool | None = None) -> Span:
    """From where to where in time a shape has any height, or has it above or below the middle."""
    corners = np.concatenate([p.vertices for p in shape.get_paths()])
    high = np.abs(corners[:, 1]) if above is None else corners[:, 1] if above else -corners[:, 1]
    times = corners[high > 0.01, 0]
    return float(times.min()), float(times.max())


def plain(ax: Axes) -> list[Collection]:
    return [c for c in ax.collections if not c.get_hatch()]


def hatched(ax: Axes) -> list[Collection]:
    return [c for c in ax.collections if c.get_hatch()]


def colour(shapes: Collection) -> str:
    return to_hex(shapes.get_facecolor()[0]).upper()


class TestTurns:
    def test_are_lanes_by_speaker_in_order_of_appearance(self) -> None:
        ax = plots.turns(turns(("S2", 0.5, 1), ("S1", 1.5, 3), ("S2", 4, 5)))
        assert [t.get_text() for t in ax.get_yticklabels()] == ["S2", "S1"]
        assert [spans(c) for c in ax.collections] == [[(0.5, 1), (4, 5)], [(1.5, 3)]]
        assert [colour(c) for c in ax.collections] == list(COLOURS[:2])
        assert ax.get_title() == "" and ax.get_xlim()[0] == 0
        assert ax.get_ylim() == (1.5, -0.5), "the first speaker is at the top"

    def test_where_two_talk_both_lanes_are_hatched(self) -> None:
        ax = plots.turns(turns(("S1", 0, 2), ("S2", 1.5, 3), ("S1", 2.75, 4)))
        assert [(spans(c), rows(c)) for c in hatched(ax)] == [
            ([(1.5, 2), (2.75, 3)], (-0.35, 0.35)),
            ([(1.5, 2), (2.75, 3)], (0.65, 1.35)),
        ]
        assert ax.get_title() == "hatched: several talk at once (0.8 s)"

    def test_go_to_the_end_of_the_film_where_that_is_known(self) -> None:
        assert plots.turns(turns(("S1", 1, 3)), 12.5).get_xlim() == (0, 12.5)

    def test_of_a_film_without_speech_are_an_empty_figure(self) -> None:
        ax = plots.turns(turns())
        assert not ax.collections and not ax.get_yticklabels()


class TestSpeakerWaveform:
    def draw(self, folder: Path, *spans: tuple[str, float, float], seconds: float = 6.0) -> Axes:
        sound = sine(seconds, level=0.5)
        return plots.speaker_waveform(turns(*spans), tracks(folder / "tracks", sound))

    def test_has_the_colour_of_who_speaks_and_is_grey_elsewhere(self, tmp_path: Path) -> None:
        ax = self.draw(tmp_path, ("S1", 1, 2), ("S2", 3, 5))
        grey, *own = plain(ax)
        assert (colour(grey), spans(grey)[0]) == ("#999999", pytest.approx((0, 6), abs=0.01))
        assert [colour(c) for c in own] == [COLOURS[0], COLOURS[1]], "one shape for each speaker, however long the film"
        for shape, where in zip(own, [(1, 2), (3, 5)], strict=True):
            assert heard(shape) == pytest.approx(where, abs=0.01)
            assert rows(shape) == pytest.approx((-0.5, 0.5), abs=0.01)
        assert not hatched(ax)
        assert ax.get_xlim() == (0, 6) and ax.get_ylim()[1] == pytest.approx(0.525, abs=0.005)

    def test_where_two_talk_shows_both_and_is_hatched(self, tmp_path: Path) -> None:
        ax = self.draw(tmp_path, ("S1", 1, 3), ("S2", 2, 4))
        _, first, second = plain(ax)
        assert heard(first, above=True) == pytest.approx((1, 3), abs=0.01)
        assert heard(first, above=False) == pytest.approx((1, 2), abs=0.01)
        assert heard(second, above=True) == pytest.approx((3, 4), abs=0.01)
        assert heard(second, above=False) == pytest.approx((2, 4), abs=0.01)
        (hatch,) = hatched(ax)
        assert spans(hatch) == [(2, 3)]

    def test_of_a_long_film_a_stretch_is_shown_as_finely_as_of_a_short_one(self, tmp_path: Path) -> None:
        spans = [("S1", n, n + 0.4) for n in range(0, 240, 2)] + [("S2", n + 0.5, n + 0.6) for n in range(0, 240, 2)]
        ax = self.draw(tmp_path, *sorted(spans, key=lambda s: s[1]), seconds=240)
        assert ax.get_xlim() == (0, 120) and ax.get_xlabel() == "time (s) (0 to 120 of 240 s)"
        assert len(ax.collections) == 3
        made = tracks(tmp_path / "again", sine(240, level=0.5))
        ax = plots.speaker_waveform(turns(*sorted(spans, key=lambda s: s[1])), made, 200, 202)
        _, first, second = plain(ax)
        assert (heard(first), heard(second)) == (
            pytest.approx((200, 200.4), abs=0.01),
            pytest.approx((200.5, 200.6), abs=0.01),
        )
        assert [(t.get_text(), round(t.get_position()[0], 1)) for t in ax.texts] == [("S1", 200.0), ("S2", 200.5)]

    def test_what_is_shorter_than_a_step_still_shows(self, tmp_path: Path) -> None:
        ax = self.draw(tmp_path, ("S1", 50, 50.001), seconds=120)
        (_, own) = plain(ax)
        first, last = heard(own)
        assert first == pytest.approx(50, abs=0.06) and last == pytest.approx(50.06, abs=0.06)

    def test_who_had_no_room_for_a_name_is_named_at_their_next_turn(self, tmp_path: Path) -> None:
        ax = self.draw(tmp_path, ("S1", 0, 0.1), ("S2", 0.1, 2), ("S2", 3, 4))
        assert [(t.get_text(), t.get_position()[0]) for t in ax.texts] == [("S1", 0), ("S2", 3)]

    def test_names_stand_where_a_speaker_begins_as_far_as_there_is_room(self, tmp_path: Path) -> None:
        ax = self.draw(tmp_path, ("S1", 0, 1), ("S1", 1.2, 2), ("S2", 2, 2.05), ("S1", 2.06, 4), ("S2", 4, 5))
        names = [(t.get_text(), t.get_position()[0], to_hex(t.get_color()).upper()) for t in ax.texts]
        assert names == [("S1", 0, COLOURS[0]), ("S2", 2, COLOURS[1]), ("S2", 4, COLOURS[1])]

    def test_of_silence_and_nobody_is_drawn(self, tmp_path: Path) -> None:
        ax = plots.speaker_waveform(turns(), tracks(tmp_path / "tracks", silence(1, FILM_RATE)))
        assert len(ax.collections) == 1 and ax.get_ylim() == (-1, 1)


class TestReferenceTurns:
    found = turns(("S1", 0, 2), ("S2", 2, 5), ("S1", 7, 8), ("S3", 9, 10))
    reference = turns(("ana", 0, 3), ("rui", 3, 6), ("eva", 7, 8))

    def test_pairs_share_a_lane_and_the_others_are_told(self) -> None:
        ax = plots.reference_turns(self.found, self.reference, {"S1": "ana", "S2": "rui"})
        assert [t.get_text() for t in ax.get_yticklabels()] == [
            "S1 = ana",
            "S2 = rui",
            "S3 (found only)",
            "eva (real only)",
            "missed, 1.0 s",
            "false alarm, 1.0 s",
            "confusion, 2.0 s",
        ]
        # Nothing is drawn in a half in which nobody speaks.
        drawn = [(spans(c), rows(c)) for c in ax.collections[:8] if c.get_paths()]
        assert drawn == [
            ([(0, 2), (7, 8)], (-0.4, 0)),
            ([(0, 3)], (0, 0.4)),
            ([(2, 5)], (0.6, 1)),
            ([(3, 6)], (1, 1.4)),
            ([(9, 10)], (1.6, 2)),
            ([(7, 8)], (3, 3.4)),
        ]

    def test_errors_have_their_times_and_can_be_told_without_colour(self) -> None:
        ax = plots.reference_turns(self.found, self.reference, {"S1": "ana", "S2": "rui"})
        missed, false, confusion = ax.collections[-3:]
        assert (spans(missed), spans(false), spans(confusion)) == ([(5, 6)], [(9, 10)], [(2, 3), (7, 8)])
        assert len({shape.get_hatch() for shape in (missed, false, confusion)}) == 3
        assert len({colour(shape) for shape in (missed, false, confusion)}) == 3

    def test_errors_are_those_of_the_error_rate_where_people_overlap(self) -> None:
        generator = np.random.default_rng(1)
        starts = np.sort(generator.uniform(0, 50, 40))
        found, reference = (
            turns(*((str(w), s, s + d) for w, s, d in zip(generator.integers(0, n, 40), starts, lengths, strict=True)))
            for n, lengths in ((4, generator.uniform(0.1, 4, 40)), (3, generator.uniform(0.1, 4, 40)))
        )
        as_scored = [[(t.start, t.end, t.speaker) for t in one.turns] for one in (reference, found)]
        score = diarization.score(as_scored[0], as_scored[1], 60)
        ax = plots.reference_turns(found, reference, score.mapping)
        drawn = [sum(b - a for a, b in spans(shape)) for shape in ax.collections[-3:]]
        rates = (score.missed, score.false_alarm, score.confusion)
        assert drawn == pytest.approx([rate * score.total for rate in rates], abs=1e-3)
        assert min(drawn) > 1

    def test_without_a_mapping_equal_names_are_one_speaker(self) -> None:
        ax = plots.reference_turns(turns(("S1", 0, 2)), turns(("S1", 0, 2), ("S2", 3, 4)))
        assert [t.get_text() for t in ax.get_yticklabels()][:3] == ["S1", "S2 (real only)", "missed, 1.0 s"]

    def test_a_found_name_that_someone_else_has_is_nobody_without_a_mapping_to_them(self) -> None:
        ax = plots.reference_turns(turns(("S1", 0, 2)), turns(("S1", 0, 2)), {})
        assert [t.get_text() for t in ax.get_yticklabels()][-1] == "confusion, 2.0 s"

    def test_of_nobody_are_no_errors(self) -> None:
        ax = plots.reference_turns(turns(), turns())
        assert [t.get_text() for t in ax.get_yticklabels()] == [
            "missed, 0.0 s",
            "false alarm, 0.0 s",
            "confusion, 0.0 s",
        ]


class TestVoiceMap:
    def points(self, ax: Axes) -> list[PathCollection]:
        return [c for c in ax.collections if isinstance(c, PathCollection)]

    def test_a_point_per_print_with_the_speakers_colour_and_marker(self) -> None:
        ax = plots.voice_map(VOICED, PRINTS)
        shown = self.points(ax)
        assert [len(c.get_offsets()) for c in shown] == [2, 1, 2]
        assert [colour(c) for c in shown] == list(COLOURS[:3])
        assert len({c.get_paths()[0].vertices.tobytes() for c in shown}) == 3
        short, shorter, longest = shown[0].get_sizes()[0], shown[0].get_sizes()[1], shown[2].get_sizes()[0]
        assert shorter < short < longest
        assert longest == pytest.approx(20 + 15 * 10), "from 10 s on points grow no more"

    def test_tells_how_alike_turns_are(self) -> None:
        ax = plots.voice_map(VOICED, PRINTS)
        legend = ax.get_legend()
        assert legend is not None
        assert [t.get_text() for t in legend.get_texts()] == [
            "S1: 2 turns, 0.80 alike",
            "S2: 1 turn",
            "S3: 2 turns, 0.60 alike",
        ]
        # S1 and S2: (0 + .6) / 2; all pairs of two speakers: .6 / 8.
        assert ax.get_title() == (
            "mean cosine similarity: within a speaker 0.70, between speakers 0.07\nmost alike: S1 and S2, 0.30"
        )

    def test_distances_are_those_of_the_prints_where_two_components_hold_all(self) -> None:
        flat = {name: np.array([np.cos(a), np.sin(a), 0, 0]) for name, a in (("t0001", 0), ("t0002", 2), ("t0003", 3))}
        ax = plots.voice_map(VOICED, flat)
        first, third = self.points(ax)[0].get_offsets()
        assert np.linalg.norm(first - third) == pytest.approx(np.linalg.norm(flat["t0001"] - flat["t0003"]))
        shares = [float(label.split("(")[1].split(" %")[0]) for label in (ax.get_xlabel(), ax.get_ylabel())]
        assert sum(shares) == pytest.approx(100, abs=1) and shares[0] > shares[1]

    def test_a_speaker_without_prints_keeps_their_colour_from_the_others(self) -> None:
        ax = plots.voice_map(VOICED, {"t0002": PRINTS["t0002"]})
        (only,) = self.points(ax)
        assert colour(only) == COLOURS[1]
        assert ax.get_title() == "one turn alone"

    def test_says_so_where_no_turn_has_a_print(self) -> None:
        ax = plots.voice_map(turns(("S1", 0, 0.5)), {})
        assert ax.get_title() == "no turn is long enough for a voice print" and not self.points(ax)

    def test_more_speakers_than_colours_differ_in_colour_or_marker(self) -> None:
        found = turns(*((f"S{n}", n, n + 1) for n in range(1, 31)))
        vectors = np.linalg.qr(np.random.default_rng(1).normal(size=(40, 40)))[0]
        ax = plots.voice_map(found, {t.id: v for t, v in zip(found.turns, vectors, strict=False)})
        looks = {(colour(c), c.get_paths()[0].vertices.tobytes()) for c in self.points(ax)}
        assert len(looks) == 30


def test_figures_draw_into_the_axes_given(tmp_path: Path) -> None:
    found = turns(("S1", 0, 1), ("S2", 0.5, 1))
    voices = {"t0001": np.array([1.0, 0]), "t0002": np.array([0.0, 1])}
    drawings = (
        lambda ax: plots.turns(found, ax=ax),
        lambda ax: plots.speaker_waveform(found, tracks(tmp_path / "tracks", sine(1)), ax=ax),
        lambda ax: plots.reference_turns(found, found, None, ax),
        lambda ax: plots.voice_map(found, voices, ax),
    )
    for draw in drawings:
        axes = plt.subplots()[1]
        assert draw(axes) is axes

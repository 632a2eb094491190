"""What the figures of words draw: bars, spans, names, colours."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from builders import SPEECH_RATE, sine
from builders import tracks as make_tracks

from dubkit import plots
from dubkit.artefacts import Segment, Segments, Tracks, Transcript, Utterance, Word
from dubkit.plots.words import MOST_NAMED


@pytest.fixture
def tracks(tmp_path: Path) -> Tracks:
    """Ten seconds of a tone."""
    return make_tracks(tmp_path, np.zeros(10, np.float32), speech=sine(10, hz=200, rate=SPEECH_RATE))


def segments(*spans: tuple[str, float, float]) -> Segments:
    return Segments(segments=tuple(Segment(id=f"g{n}", speaker=s, start=a, end=b) for n, (s, a, b) in enumerate(spans)))


def transcript(*lines: tuple[str, list[Word]]) -> Transcript:
    said = tuple(
        Utterance(
            id=f"u{n}", speaker=s, start=w[0].start, end=w[-1].end, text=" ".join(one.text for one in w), words=tuple(w)
        )
        for n, (s, w) in enumerate(lines)
    )
    return Transcript(language="en", language_confidence=1, utterances=said)


def word(text: str, start: float, end: float, confidence: float = 1.0) -> Word:
    return Word(text=text, start=start, end=end, confidence=confidence)


def extents(collection) -> list[tuple[float, float]]:  # type: ignore[no-untyped-def]
    boxes = [path.get_extents() for path in collection.get_paths()]
    return [(round(box.x0, 3), round(box.x1, 3)) for box in boxes]


class TestSegments:
    def test_each_speakers_are_spans_of_one_colour_over_the_speech(self, tracks):
        ax = plots.segments(segments(("S2", 1, 3), ("S1", 3.5, 6), ("S2", 7, 9)), tracks)
        drawn = {c.get_label(): extents(c) for c in ax.collections if c.get_label() in ("S1", "S2")}
        assert drawn == {"S2": [(1, 3), (7, 9)], "S1": [(3.5, 6)]}
        assert [t.get_text() for t in ax.get_legend().get_texts()] == ["S2", "S1"]
        assert ax.get_xlim() == (0, 10)

    def test_names_stand_in_spans_that_are_wide_enough(self, tracks):
        ax = plots.segments(segments(("S1", 1, 3), ("S2", 3.2, 3.25)), tracks)
        assert [(t.get_text(), t.get_position()[0]) for t in ax.texts] == [("S1", 2.0)]

    def test_where_two_of_a_speaker_meet_there_is_a_mark(self, tracks):
        ax = plots.segments(segments(("S1", 1, 3), ("S1", 3, 5), ("S2", 5, 6)), tracks)
        assert [list(line.get_xdata()) for line in ax.lines] == [[3]]
        assert ax.get_legend().get_texts()[-1].get_text() == "two segments of a speaker meet"

    def test_a_film_without_speech_is_drawn(self, tracks):
        assert plots.segments(segments(), tracks).get_legend() is None


class TestWords:
    def test_bars_are_as_high_as_the_confidence(self):
        ax = plots.words(transcript(("S1", [word("a", 0, 0.5, 0.9), word("b", 0.5, 1, 0.2)])))
        boxes = [p.get_extents() for p in ax.collections[0].get_paths()]
        assert [(b.x0, b.x1, b.y0, b.y1) for b in boxes] == [(0, 0.5, 0, 0.9), (0.5, 1, 0, 0.2)]

    def test_doubtful_ones_are_counted_and_named(self):
        said = [word("sure", 0, 1, 0.9), word("<what>", 4, 5, 0.2), word("half", 7, 8, 0.5)]
        ax = plots.words(transcript(("S1", said)))
        assert ax.get_title("left") == "1 of 3 words are doubtful (below 0.5)"
        assert [(t.get_text(), t.get_position()[0]) for t in ax.texts] == [("<what>", 4.5)]

    def test_names_neither_touch_nor_grow_too_many(self):
        said = [word(f"w{n}", n * 0.1, n * 0.1 + 0.1, 0.001 * n) for n in range(400)]
        ax = plots.words(transcript(("S1", said)))
        ax.figure.canvas.draw()
        boxes = sorted((t.get_window_extent() for t in ax.texts), key=lambda box: box.x0)
        assert len(boxes) == MOST_NAMED
        assert boxes[0].x0 >= ax.bbox.x0 and all(a.x1 <= b.x0 for a, b in pairwise(boxes))
        assert "w0" in [t.get_text() for t in ax.texts]

    def test_several_speakers_have_a_legend(self):
        ax = plots.words(transcript(("S2", [word("a", 0, 1)]), ("S1", [word("b", 1, 2)])))
        assert [t.get_text() for t in ax.get_legend().get_texts()] == ["S2", "S1"]

    def test_the_axis_goes_to_the_end_of_the_film_where_that_is_known(self):
        said = transcript(("S1", [word("a", 0, 1)]))
        assert plots.words(said).get_xlim() == (0, 1) and plots.words(said, 30).get_xlim() == (0, 30)

    def test_markers_tell_whose_line_begins_as_far_as_there_is_room(self):
        said = [("S1" if n % 3 else "S2", [word("a", n / 10, n / 10 + 0.1)]) for n in range(400)]
        ax = plots.words(transcript(*said))
        marks = {line.get_label(): line for line in ax.lines if line.get_label() in ("S1", "S2")}
        assert [marks[s].get_marker() for s in ("S2", "S1")] == ["o", "s"]
        at = sorted([*marks["S1"].get_xdata(), *marks["S2"].get_xdata()])
        assert at[0] == 0 and len(at) > 50 and min(np.diff(at)) > 0.3

    def test_of_one_speaker_there_are_no_markers(self):
        ax = plots.words(transcript(("S1", [word("a", 0, 1)])))
        assert len(ax.lines) == 1 and ax.get_legend() is None

    def test_nothing_said_is_drawn(self):
        ax = plots.words(transcript())
        assert ax.get_title("left") == "0 of 0 words are doubtful (below 0.5)"


class TestWordsOnSpectrogram:
    def test_words_of_the_stretch_stand_above_their_times(self, tracks):
        said = [word("before", 0, 1), word("one", 2.5, 3), word("two", 3.2, 4, 0.1), word("after", 8, 9)]
        ax = plots.words_on_spectrogram(transcript(("S1", said)), tracks, 2, 6)
        assert ax.get_xlim() == (2, 6)
        assert [(t.get_text(), t.xy[0]) for t in ax.texts] == [("one", 2.75), ("two", 3.6)]
        one, two = (t.get_bbox_patch().get_facecolor() for t in ax.texts)
        assert one == matplotlib.colormaps["cividis"](1.0) and two == matplotlib.colormaps["cividis"](0.1)

    def test_without_a_stretch_it_begins_at_the_first_word(self, tracks):
        ax = plots.words_on_spectrogram(transcript(("S1", [word("one", 1.5, 2)])), tracks)
        assert ax.get_xlim() == (pytest.approx(1.4), pytest.approx(7.4))

    def test_words_beside_each_other_are_staggered_and_none_touch(self, tracks):
        said = [word("considerable", n * 0.2, n * 0.2 + 0.2) for n in range(30)]
        ax = plots.words_on_spectrogram(transcript(("S1", said)), tracks, 0, 6)
        ax.figure.canvas.draw()
        boxes = [t.get_window_extent() for t in ax.texts]
        assert 3 < len(boxes) < 30
        assert not any(a.overlaps(b) for n, a in enumerate(boxes) for b in boxes[n + 1 :])
        figure = ax.figure.bbox
        assert all(figure.x0 <= b.x0 and b.x1 <= figure.x1 and b.y1 <= figure.y1 for b in boxes)

    def test_beyond_the_end_it_stops_with_the_film(self, tracks):
        ax = plots.words_on_spectrogram(transcript(("S1", [word("one", 9, 9.5)])), tracks, 8, 99)
        assert ax.get_xlim() == (8, 10)

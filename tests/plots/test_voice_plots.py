"""What the figure of pitches draws: violins, medians, verdicts, the middle line."""

from __future__ import annotations

import numpy as np
import pytest
from builders import SPEECH_RATE, silence, sine, speaker, speakers, turns
from builders import tracks as make_tracks

from dubkit import plots
from dubkit.artefacts import Tracks
from dubkit.plots.voices import MOST_SPEAKERS


@pytest.fixture(scope="module")
def tracks(tmp_path_factory: pytest.TempPathFactory) -> Tracks:
    """A voice that slides between 110 and 140 Hz for three seconds, then silence."""
    t = np.arange(3 * SPEECH_RATE) / SPEECH_RATE
    phase = 2 * np.pi * np.cumsum(125 + 15 * np.sin(2 * np.pi * t / 3)) / SPEECH_RATE
    voiced = sum(0.2 / k * np.sin(k * phase) for k in (1, 2, 3)).astype(np.float32)
    heard = np.concatenate([voiced, silence(2, SPEECH_RATE)])
    return make_tracks(tmp_path_factory.mktemp("t"), np.zeros(10, np.float32), speech=heard)


def test_each_speaker_has_a_row_with_the_verdict_and_the_median(tracks):
    cast = speakers(speaker("S1", "male", pitch=125.0), speaker("S2", "unknown", pitch=None))
    ax = plots.pitches(cast, tracks, turns(("S1", 0, 3), ("S2", 3, 5)), 150.0)
    assert [t.get_text() for t in ax.get_yticklabels()] == ["S1: male (90%)", "S2: open (90%)"]
    assert [t.get_text() for t in ax.texts] == ["125", "nothing voiced", "middle_pitch 150 Hz"]
    medians = [(line.get_xdata()[0], line.get_ydata()[0]) for line in ax.lines if line.get_marker() == "o"]
    assert medians == [(125.0, 0)]
    assert [list(line.get_xdata()) for line in ax.lines if line.get_marker() != "o"] == [[150.0, 150.0]]


def test_the_violin_covers_what_was_measured(tracks):
    ax = plots.pitches(speakers(speaker("S1", pitch=125.0)), tracks, turns(("S1", 0, 3)))
    (violin,) = ax.collections
    box = violin.get_paths()[0].get_extents()
    assert (box.x0, box.x1) == (pytest.approx(110, abs=4), pytest.approx(140, abs=4))


def test_speakers_keep_their_colours(tracks):
    cast = speakers(speaker("S1", pitch=None), speaker("S2", pitch=125.0))
    ax = plots.pitches(cast, tracks, turns(("S1", 3, 5), ("S2", 0, 3)))
    assert [line.get_color() for line in ax.lines if line.get_marker() == "o"] == [plots.COLOURS[1]]


def test_of_many_those_who_speak_most_are_drawn(tracks):
    cast = speakers(*(speaker(f"S{n}", pitch=100.0 + n, seconds=20 - n) for n in range(1, 16)))
    ax = plots.pitches(cast, tracks, turns(("S1", 3, 3.1)))
    assert len(ax.get_yticks()) == MOST_SPEAKERS
    assert ax.get_title("left").endswith("the 12 of 15 who speak most")


def test_nobody_is_drawn(tracks):
    assert plots.pitches(speakers(), tracks, turns()).get_yticklabels() == []


def test_a_tone_of_a_single_pitch_has_its_median_only(tmp_path):
    steady = make_tracks(tmp_path, np.zeros(10, np.float32), speech=sine(1, hz=200, rate=SPEECH_RATE))
    ax = plots.pitches(speakers(speaker("S1", pitch=200.0)), steady, turns(("S1", 0, 0.1)))
    assert "200" in [t.get_text() for t in ax.texts]

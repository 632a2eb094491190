"""What the figures draw: spans, labels, limits."""

import matplotlib
import numpy as np
import pytest

from dubkit import audio, plots
from dubkit.artefacts import PlacedPhrase, Placement, Soundtrack, Transcript, Turn, Turns, Utterance, Word

matplotlib.use("agg")


@pytest.fixture
def sound(tmp_path):
    t = np.arange(16_000) / 16_000
    return audio.write(tmp_path / "a.flac", [(0.5 * np.sin(2 * np.pi * 50 * t)).astype(np.float32)], 16_000)


def test_waveform_reaches_the_peaks_over_the_whole_length(sound):
    ax = plots.waveform(sound)
    top = np.concatenate([p.vertices[:, 1] for c in ax.collections for p in c.get_paths()])
    assert top.max() == pytest.approx(0.5, abs=0.02) and top.min() == pytest.approx(-0.5, abs=0.02)
    assert ax.get_xlim() == (0, 1)


def test_turns_are_lanes_by_speaker():
    found = Turns(
        turns=(
            Turn(id="t1", speaker="S2", start=0.5, end=2),
            Turn(id="t2", speaker="S1", start=1.5, end=3),
        )
    )
    ax = plots.turns(found)
    assert [t.get_text() for t in ax.get_yticklabels()] == ["S2", "S1"]
    spans = [c.get_paths()[0].get_extents() for c in ax.collections]
    assert [(s.x0, s.x1) for s in spans] == [(0.5, 2), (1.5, 3)]


def test_words_are_bars_as_high_as_their_confidence():
    said = (Word(text="a", start=0, end=0.5, confidence=0.9), Word(text="b", start=0.5, end=1, confidence=0.2))
    line = Utterance(id="u1", speaker="S1", start=0, end=1, text="a b", words=said)
    ax = plots.words(Transcript(language="en", language_confidence=1, utterances=(line,)))
    assert [(b.get_x(), b.get_height()) for b in ax.patches] == [(0, 0.9), (0.5, 0.2)]


def test_timing_shows_slots_dubs_and_outlines_flagged_lines(sound):
    place = Placement(
        id="u1", speaker="S1", text="x", slot_start=1, slot_end=3, start=1.5, end=3.2,
        rate=1.1, stretch=1, borrowed=0.2, drift=0.5, flag="late",
        phrases=(PlacedPhrase(slot_start=1, slot_end=3, start=1.5, end=3.2, clip_start=0, clip_end=1.7),),
    )  # fmt: skip
    ax = plots.timing(Soundtrack(audio=sound, placements=(place,)))
    slot, dub = ax.patches
    assert (slot.get_x(), slot.get_width()) == (1, 2)
    assert dub.get_x() == 1.5 and dub.get_width() == pytest.approx(1.7)
    assert dub.get_linewidth() == 1.5
    assert " 1.10" in [t.get_text() for t in ax.texts]


def test_figures_draw_into_the_axes_given(sound):
    axes = matplotlib.pyplot.subplots()[1]
    assert plots.waveform(sound, axes) is axes

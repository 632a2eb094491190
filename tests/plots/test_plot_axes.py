"""Colours, markers and texts that all figures share."""

from __future__ import annotations

import math
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from builders import (
    VOICE_RATE,
    placement,
    silence,
    soundtrack,
    speaker,
    speakers,
    speech,
    transcript,
    translation,
    turns,
)
from builders import tracks as make_tracks

from dubkit import plots
from dubkit.artefacts import Speech, Transcript, Word
from dubkit.plots.axes import COLOURS, INKS, MARKERS, NOBODY, literal, speaker_colours, speaker_markers

PRICES = "Custa R$ 50 ou R$ 60.", "100% de $5, #1 de $6", "$x_{", "\\$a$"


def test_56_speakers_differ_in_colour_or_marker_and_none_is_yellow() -> None:
    names = [f"S{n}" for n in range(56)]
    looks = {(speaker_colours(names)[name], speaker_markers(names)[name]) for name in names}
    assert len(looks) == 56 == math.lcm(len(INKS), len(MARKERS))
    assert set(COLOURS) - set(speaker_colours(names).values()) == {"#F0E442"}


def test_speakers_have_their_looks_in_order_of_appearance() -> None:
    assert speaker_colours(["b", "a", "b"]) == {"b": COLOURS[0], "a": COLOURS[1]}
    assert speaker_markers(["b", "a", "b"]) == {"b": "o", "a": "s"}


@pytest.mark.parametrize("text", PRICES)
def test_dollars_are_dollars_wherever_they_stand(text: str) -> None:
    ax = plt.subplots()[1]
    ax.text(0.5, 0.5, text)
    ax.annotate(text, (0.2, 0.2))
    ax.set_yticks([0, 1], [text, "a"])
    ax.set(title=text, xlabel=text)
    ax.plot([0, 1], label=text)
    ax.legend()
    written = [t for t in literal(ax).findobj(plt.Text) if t.get_text() == text]
    # Ticks have a label at either side.
    assert len(written) == 7 and not any(t.get_parse_math() for t in written)
    ax.figure.canvas.draw()


def test_every_figure_draws_names_and_texts_with_dollars(tmp_path: Path) -> None:
    """They would be no formulas: `$x_{` cannot be parsed."""
    one, two = "$x_{$", "R$ 5 e R$ 6_"
    said = transcript((one, 0, 2, PRICES[0]), (two, 3, 5, PRICES[1]))
    doubted = (Word(text=one, start=0, end=1, confidence=0.2), Word(text=two, start=3, end=4, confidence=0.1))
    heard = said.but(utterances=tuple(u.but(words=(w,)) for u, w in zip(said.utterances, doubted, strict=True)))
    clips = speech(tmp_path / "clips", said, *[silence(2, VOICE_RATE)] * 2)
    lines = placement("$u$", one, (0, 2), (0.5, 2), flag="late"), placement("u2", two, (3, 5), (3, 5.6), flag="long")
    dub = soundtrack(tmp_path, *lines)
    sounds = make_tracks(tmp_path / "tracks", silence(6))
    found = turns((one, 0, 2), (two, 1, 3))
    vectors = {"t0001": np.array([1.0, 0]), "t0002": np.array([0.0, 1])}
    films = pd.DataFrame({"id": [one], "state": "done", "seconds": 1.0})
    for ax in (
        plots.turns(found),
        plots.speaker_waveform(found, sounds),
        plots.reference_turns(found, found),
        plots.voice_map(found, vectors),
        plots.words(heard),
        plots.words_on_spectrogram(heard, sounds),
        plots.candidates(translation(said, *PRICES[:2]), said),
        plots.clips(clips),
        plots.pace(clips),
        plots.timing(dub),
        plots.drift(dub),
        plots.rates(dub),
        plots.borrowed(dub),
        plots.solved(clips, dub),
        plots.ducking(dub),
        plots.pitches(speakers(speaker(one)), sounds, found),
        plots.batch_timing(films.assign(largest_rate=1.2, largest_drift=0.1, flagged=1)),
    ):
        ax.figure.canvas.draw()
        shown = " ".join(t.get_text() for t in ax.findobj(plt.Text))
        assert one in shown or two in shown or PRICES[0] in shown
        plt.close(ax.figure)


def test_where_nobody_speaks_figures_say_so(tmp_path: Path) -> None:
    silent, nothing = soundtrack(tmp_path), Transcript(language="und", language_confidence=0, utterances=())
    for ax in (
        plots.turns(turns()),
        plots.words(nothing),
        plots.candidates(translation(transcript()), transcript()),
        plots.clips(Speech(clips=())),
        plots.pace(Speech(clips=())),
        plots.timing(silent),
        plots.drift(silent),
        plots.rates(silent),
        plots.borrowed(silent),
        plots.solved(Speech(clips=()), silent),
        plots.ducking(silent),
        plots.pitches(speakers(), make_tracks(tmp_path / "tracks", silence(1)), turns()),
    ):
        assert NOBODY in [t.get_text() for t in ax.texts]
    spoken = soundtrack(tmp_path, placement("u1", "S1", (1, 2), (1, 2)))
    assert NOBODY not in [t.get_text() for t in plots.timing(spoken, 5, 10).texts]

"""What the figure of wordings draws: a dot for each wording where its length is, the chosen one filled."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from builders import speech, transcript, translation

from dubkit import plots
from dubkit.artefacts import Candidate, Speech, Transcript, Translation
from dubkit.plots.wordings import MOST_LINES, RANGE


def said(n: int = 2) -> Transcript:
    return transcript(*((f"S{1 + k % 2}", 4.0 * k, 4.0 * k + 2.0, f"source {k}") for k in range(n)))


def translated(source: Transcript, *lengths: float) -> Translation:
    """Every line has wordings of these lengths."""
    whole = translation(source, *(f"text {k}" for k in range(len(source.utterances))))
    wordings = tuple(Candidate(text=f"wording {n}", duration=d) for n, d in enumerate(lengths))
    return whole.but(lines=tuple(line.but(candidates=wordings) for line in whole.lines))


def spoken(folder: Path, source: Transcript, *chosen: int) -> Speech:
    whole = speech(folder, source, *(np.zeros(24_000, np.float32) for _ in source.utterances))
    return whole.but(clips=tuple(c.but(candidate=n) for c, n in zip(whole.clips, chosen, strict=True)))


def dots(ax) -> list[tuple[float, float, bool]]:  # type: ignore[no-untyped-def]
    """Where the dots are, and whether they are filled."""
    drawn = [line for line in ax.lines if line.get_marker() in "o<>" and len(line.get_xdata())]
    return [(line.get_xdata()[0], line.get_ydata()[0], line.get_markerfacecolor() != "white") for line in drawn]


def test_the_chosen_wording_is_filled(tmp_path):
    source = said()
    ax = plots.candidates(translated(source, 3.0, 2.0), source, spoken(tmp_path, source, 1, 0))
    assert dots(ax) == [(1.5, 0, False), (1.0, 0, True), (1.5, 1, True), (1.0, 1, False)]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["u0001 S1  wording 1", "u0002 S2  wording 0"]
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["comfortable rate", "spoken", "other wordings"]


def test_before_it_is_spoken_the_first_wording_is_filled():
    source = said(1)
    ax = plots.candidates(translated(source, 3.0, 2.0), source)
    assert dots(ax) == [(1.5, 0, True), (1.0, 0, False)]
    assert "the translator's first" in [t.get_text() for t in ax.get_legend().get_texts()]


def test_lengths_off_the_axis_are_arrows_at_its_edges():
    source = said(1)
    ax = plots.candidates(translated(source, 20.0, 0.1, 0.0), source)
    markers = {line.get_marker(): line.get_xdata()[0] for line in ax.lines if line.get_marker() in "<>"}
    assert markers == {">": RANGE[1], "<": RANGE[0]}
    assert len(dots(ax)) == 2


def test_speakers_have_their_colours():
    source = said(2)
    ax = plots.candidates(translated(source, 2.0), source)
    coloured = [line.get_color() for line in ax.lines if line.get_marker() == "o" and len(line.get_xdata())]
    assert coloured == [plots.COLOURS[0], plots.COLOURS[1]]


def test_of_many_lines_the_first_are_drawn_and_a_stretch_can_be_chosen():
    source = said(60)
    every = plots.candidates(translated(source, 2.0), source)
    assert len(every.get_yticks()) == MOST_LINES and every.get_title("left") == "the first 40 of 60 lines"
    some = plots.candidates(translated(source, 2.0), source, start=8.0, end=16.0)
    assert [t.get_text().split()[0] for t in some.get_yticklabels()] == ["u0003", "u0004"]


def test_no_lines_are_drawn():
    assert plots.candidates(translation(transcript()), transcript()).get_yticklabels() == []


@pytest.mark.parametrize("length", [46, 47, 200])
def test_long_texts_are_cut(length):
    source = said(1)
    whole = translated(source, 2.0)
    long = whole.but(lines=(whole.lines[0].but(candidates=(Candidate(text="a" * length, duration=2.0),)),))
    (label,) = (t.get_text() for t in plots.candidates(long, source).get_yticklabels())
    assert len(label) == len("u0001 S1  ") + min(length, 46)

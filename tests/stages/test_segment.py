from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from builders import SPEECH_RATE, sine, turns
from builders import tracks as make_tracks
from hypothesis import given, settings
from hypothesis import strategies as st

from dubkit.artefacts import Segments, Tracks
from dubkit.progress import Report
from dubkit.stages.segment import SegmentSettings, segment

LENGTH = 120.0
PAUSES = (22.0, 41.5, 66.0, 90.25)


@pytest.fixture(scope="module")
def tracks(tmp_path_factory: pytest.TempPathFactory) -> Tracks:
    """Two minutes of sound at 16 kHz with four pauses of a fifth of a second."""
    heard = sine(LENGTH, rate=SPEECH_RATE)
    for at in PAUSES:
        heard[int((at - 0.1) * SPEECH_RATE) : int((at + 0.1) * SPEECH_RATE)] = 0
    return make_tracks(tmp_path_factory.mktemp("tracks"), np.zeros(10, np.float32), speech=heard)


def spans(found: Segments) -> list[tuple[str, float, float]]:
    return [(s.speaker, s.start, s.end) for s in found.segments]


def cut(tracks: Tracks, *spoken: tuple[str, float, float], **options: float) -> list[tuple[str, float, float]]:
    return spans(segment(tracks, turns(*spoken), settings=SegmentSettings(**options), report=Report("segment")))


def test_turns_close_together_become_one_segment_with_padding(tracks: Tracks) -> None:
    assert cut(tracks, ("S1", 1, 2), ("S1", 2.9, 4)) == [("S1", 0.8, 4.2)]
    assert cut(tracks, ("S1", 1, 2), ("S1", 3.1, 4)) == [("S1", 0.8, 2.2), ("S1", 2.9, 4.2)]


def test_turns_with_somebody_else_between_are_not_joined(tracks: Tracks) -> None:
    found = cut(tracks, ("S1", 1, 2), ("S2", 2.1, 2.6), ("S1", 2.7, 4), padding=0)
    assert found == [("S1", 1, 2), ("S2", 2.1, 2.6), ("S1", 2.7, 4)]


def test_breaths_and_clicks_are_dropped(tracks: Tracks) -> None:
    assert cut(tracks, ("S1", 1, 1.2), ("S2", 5, 6), padding=0) == [("S2", 5, 6)]


def test_a_long_turn_is_cut_in_the_middle_of_its_pauses(tracks: Tracks) -> None:
    found = cut(tracks, ("S1", 0, 100), padding=0)
    assert [s for _, s, _ in found[1:]] == pytest.approx(PAUSES, abs=0.06)
    assert all(end - start <= 28 for _, start, end in found)
    assert [end for *_, end in found[:-1]] == [start for _, start, _ in found[1:]]


def test_sound_without_a_pause_is_cut_away_from_the_edges_too(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    # Steady noise, a little softer for a moment at 20 s.
    heard = rng.normal(0, 0.1, 40 * SPEECH_RATE).astype(np.float32)
    heard[int(19.9 * SPEECH_RATE) : int(20.1 * SPEECH_RATE)] *= 0.9
    steady = make_tracks(tmp_path, np.zeros(10, np.float32), speech=heard)
    found = cut(steady, ("S1", 0, 40), padding=0)
    assert found[0][2] == pytest.approx(20.0, abs=0.1)


def test_the_short_rest_of_a_long_turn_is_speech_and_kept(tracks: Tracks) -> None:
    found = cut(tracks, ("S1", 20.0, 42.05), padding=0, max_length=22, min_length=0.6)
    assert found == [("S1", 20.0, pytest.approx(41.5, abs=0.06)), ("S1", found[0][2], 42.05)]


def test_padding_stops_half_way_to_a_neighbour_and_at_the_ends_of_the_film(tracks: Tracks) -> None:
    assert cut(tracks, ("S1", 0.1, 1), ("S2", 1.2, 119.9), max_length=29)[0] == ("S1", 0.0, 1.1)
    assert cut(tracks, ("S1", 0.1, 1), ("S2", 100, 119.9))[-1] == ("S2", 99.8, 120.0)


def test_padding_never_makes_one_speaker_overlap_even_under_another(tracks: Tracks) -> None:
    found = cut(tracks, ("S1", 1, 5), ("S2", 4, 6), ("S1", 5.1, 7))
    own = [span for span in found if span[0] == "S1"]
    assert own == [("S1", 0.8, 5.05), ("S1", 5.05, 7.2)]


def test_overlapping_turns_of_one_speaker_become_one(tracks: Tracks) -> None:
    # As they arise when a turn is given to another speaker by hand.
    found = cut(tracks, ("S1", 1, 5), ("S2", 4, 8), ("S1", 4.5, 7), padding=0)
    assert [span for span in found if span[0] == "S1"] == [("S1", 1, 7)]


@st.composite
def talk(draw: st.DrawFn) -> list[tuple[str, float, float]]:
    found = []
    at = 0.0
    for _ in range(draw(st.integers(0, 10))):
        at += draw(st.sampled_from([0.0, 0.1, 0.5, 1.5, 4.0]))
        length = draw(st.sampled_from([0.1, 0.3, 1.0, 2.5, 31.0]))
        if at + length > LENGTH:
            break
        found.append((draw(st.sampled_from(["S1", "S2", "S3"])), round(at, 3), round(at + length, 3)))
        at += draw(st.sampled_from([0.0, length / 2, length]))
    return found


@given(talk())
@settings(max_examples=60)
def test_whatever_is_said_lies_in_segments_of_its_speaker(
    tracks: Tracks, spoken: list[tuple[str, float, float]]
) -> None:
    found = segment(tracks, turns(*spoken), settings=SegmentSettings(), report=Report("segment"))
    assert [s.id for s in found.segments] == [f"g{n:04}" for n in range(1, len(found.segments) + 1)]
    assert [s.start for s in found.segments] == sorted(s.start for s in found.segments)
    for one, other in combinations(spans(found), 2):
        if one[0] == other[0]:
            assert max(one[1], other[1]) >= min(one[2], other[2]), "segments of one speaker never overlap"
    for _, start, end in spans(found):
        assert 0 <= start < end <= LENGTH
        assert end - start <= 30, "recognisers take up to 30 s"
    for speaker, start, end in spoken:
        covered = sum(max(0.0, min(end, s.end) - max(start, s.start)) for s in found.segments if s.speaker == speaker)
        others = [t for t in spoken if t[0] == speaker and t[1] < end and t[2] > start]
        if end - start > 0.25 and len(others) == 1:
            assert covered == pytest.approx(end - start, abs=0.01)


def test_nobody_speaks(tracks: Tracks) -> None:
    assert cut(tracks) == []

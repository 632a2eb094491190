"""Diarization scores against hand-computed cases and pyannote.metrics itself."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyannote.core import Annotation, Segment, Timeline
from pyannote.metrics.diarization import DiarizationErrorRate, JaccardErrorRate

from dubkit.errors import BadInput
from evaluation.metrics import diarization
from evaluation.statistics import pooled

TRUTH = [(0.0, 10.0, "A"), (10.0, 20.0, "B"), (15.0, 25.0, "A")]


def values(found: diarization.Diarization) -> dict[str, float]:
    samples = found.samples()
    return {
        m.name: float(pooled(np.array([s.parts for s in samples if s.measure == m.name]), m.pool))
        for m in diarization.MEASURES
    }


def annotation(turns: list[diarization.Turn]) -> Annotation:
    made = Annotation()
    for n, (start, end, speaker) in enumerate(turns):
        made[Segment(start, end), n] = speaker
    return made.support()


def test_the_truth_makes_no_errors():
    found = diarization.score(TRUTH, TRUTH, 30.0)
    assert (found.der, found.jer, found.total) == (0, 0, 30)
    assert values(found)["diarization.speakers"] == 1


def test_names_do_not_matter():
    swapped = [(a, b, {"A": "B", "B": "A"}[who]) for a, b, who in TRUTH]
    found = diarization.score(TRUTH, swapped, 30.0)
    assert (found.der, found.jer) == (0, 0)
    assert found.mapping == {"A": "B", "B": "A"}


def test_two_speakers_taken_for_one():
    # One of the two is spoken for by the other: B's five seconds alone are confused, the five at once missed.
    found = diarization.score(TRUTH, [(0.0, 25.0, "x")], 30.0)
    assert (found.confusion, found.missed, found.false_alarm) == pytest.approx((5 / 30, 5 / 30, 0))
    assert found.mapping == {"x": "A"}
    # A: 20 of 25 seconds are theirs. B has nobody.
    assert found.jaccard == pytest.approx({"A": 0.2, "B": 1.0})
    assert (found.jer, found.count_error) == (pytest.approx(0.6), 1)
    assert values(found)["diarization.speakers"] == 0


def test_speech_that_is_missed_and_invented():
    found = diarization.score([(0.0, 8.0, "A")], [(2.0, 9.0, "x")], 10.0)
    assert (found.missed, found.false_alarm, found.confusion) == pytest.approx((2 / 8, 1 / 8, 0))
    assert found.der == pytest.approx(3 / 8)
    # 6 s of 9.
    assert found.jer == pytest.approx(1 / 3)


def test_nobody_found_misses_everything():
    found = diarization.score(TRUTH, [], 30.0)
    assert (found.der, found.missed, found.jer, found.count_error) == (1, 1, 1, 2)


def test_errors_fall_to_their_windows():
    # The last three seconds of a long turn are lost, in the film's third window.
    found = diarization.score([(5.0, 25.0, "A")], [(5.0, 22.0, "x")], 28.0)
    assert [(e.window, round(e.missed, 6), round(e.total, 6)) for e in found.errors] == [
        ("0 s", 0, 5),
        ("10 s", 0, 10),
        ("20 s", 3, 5),
    ]


def test_the_mapping_is_made_once_for_the_film():
    # Each window by itself would be right with another mapping.
    found = diarization.score(
        [(0.0, 10.0, "A"), (10.0, 20.0, "B"), (20.0, 30.0, "B")],
        [(0.0, 10.0, "x"), (10.0, 20.0, "x"), (20.0, 30.0, "y")],
        30.0,
    )
    assert found.der == pytest.approx(1 / 3)
    assert sum(e.confusion == pytest.approx(10) for e in found.errors) == 1


def test_the_collar_lies_on_both_sides_as_in_md_eval():
    # An end that is 0.25 s late is not counted with a collar of 0.25 s; pyannote calls that 0.5.
    truth, late = [(1.0, 5.0, "A")], [(1.0, 5.25, "x")]
    assert diarization.score(truth, late, 10.0).false_alarm == pytest.approx(0.25 / 4)
    found = diarization.score(truth, late, 10.0, collar=0.25)
    assert (found.der, found.total) == (0, pytest.approx(3.5))
    later = diarization.score(truth, [(1.0, 5.5, "x")], 10.0, collar=0.25)
    theirs = DiarizationErrorRate(collar=0.5)(
        annotation(truth), annotation([(1.0, 5.5, "x")]), uem=Timeline([Segment(0, 10)])
    )
    assert later.der == pytest.approx(theirs) == pytest.approx(0.25 / 3.5)


def test_a_speaker_who_is_named_twice_at_once_speaks_once():
    once, twice = [(0.0, 10.0, "A")], [(0.0, 6.0, "A"), (4.0, 10.0, "A")]
    assert diarization.score(twice, once, 10.0).total == pytest.approx(10)
    assert diarization.score(once, twice, 10.0).der == 0


TURNS = st.lists(
    st.builds(
        lambda start, length, who: (start / 10, (start + length) / 10, who),
        st.integers(0, 400),
        st.integers(1, 150),
        st.sampled_from("ABCD"),
    ),
    max_size=12,
)


@given(TURNS.filter(len), TURNS, st.sampled_from([0.0, 0.25]))
@settings(max_examples=60, deadline=None)
def test_agrees_with_pyannote_whatever_the_turns(reference, hypothesis, collar):
    found = diarization.score(reference, hypothesis, 60.0, collar)
    film, truth, guess = Timeline([Segment(0, 60)]), annotation(reference), annotation(hypothesis)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parts = DiarizationErrorRate(collar=2 * collar)(truth, guess, uem=film, detailed=True)
        jer = JaccardErrorRate(collar=2 * collar)(truth, guess, uem=film)
    for mine, theirs in (("missed", "missed detection"), ("false_alarm", "false alarm"), ("confusion", "confusion")):
        assert sum(getattr(e, mine) for e in found.errors) == pytest.approx(parts[theirs], abs=1e-5)
    assert found.total == pytest.approx(parts["total"], abs=1e-5)
    if found.total:
        assert found.jer == pytest.approx(jer, abs=1e-9) and 0 <= found.jer <= 1
        for name in ("der", "missed", "false_alarm", "confusion", "jer"):
            assert values(found)[f"diarization.{name}"] == pytest.approx(getattr(found, name), abs=1e-9)


def test_every_measure_has_samples_and_known_units():
    samples = diarization.score(TRUTH, TRUTH, 30.0).samples()
    assert {s.measure for s in samples} == {m.name for m in diarization.MEASURES}
    assert [s.unit for s in samples if s.measure == "diarization.jer"] == ["A", "B"]
    assert [s.unit for s in samples if s.measure == "diarization.der"] == ["0 s", "10 s", "20 s"]


@pytest.mark.parametrize(
    ("reference", "hypothesis", "duration", "told"),
    [
        ([], [(0.0, 1.0, "x")], 10.0, "reference has no turns"),
        ([(2.0, 1.0, "A")], [], 10.0, "ends before it starts"),
        ([(1.0, 1.0, "A")], [], 10.0, "ends before it starts"),
        ([(1.0, 2.0, "A")], [(9.0, 12.0, "x")], 10.0, "outside of the film"),
        ([(-1.0, 2.0, "A")], [], 10.0, "outside of the film"),
        ([(math.nan, 2.0, "A")], [], 10.0, "has no times"),
        ([(1.0, 2.0, "A")], [], 0.0, "length in seconds"),
    ],
)
def test_what_cannot_be_scored_is_refused(reference, hypothesis, duration, told):
    with pytest.raises(BadInput, match=told):
        diarization.score(reference, hypothesis, duration)


def test_a_negative_collar_is_refused():
    with pytest.raises(BadInput, match=r"collar is -0\.1"):
        diarization.score(TRUTH, TRUTH, 30.0, collar=-0.1)

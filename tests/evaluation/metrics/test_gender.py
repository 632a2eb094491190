import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubkit.artefacts import Gender
from dubkit.errors import BadInput
from evaluation.metrics import gender
from evaluation.statistics import estimate

EXPECTED: list[Gender] = ["female", "female", "male", "male", "male"]
HEARD: list[Gender] = ["female", "male", "male", "unknown", "male"]
IDS = ["s1", "s2", "s3", "s4", "s5"]


def test_abstentions_are_no_errors() -> None:
    found = gender.score(EXPECTED, HEARD, IDS)
    assert (found.accuracy, found.coverage, found.abstained) == (0.75, 0.8, pytest.approx(0.2))


def test_right_verdicts_are_perfect_and_swapped_ones_are_all_wrong() -> None:
    assert gender.score(EXPECTED, EXPECTED, IDS).accuracy == 1
    swapped: list[Gender] = ["male" if e == "female" else "female" for e in EXPECTED]
    found = gender.score(EXPECTED, swapped, IDS)
    assert (found.accuracy, found.abstained) == (0, 0)


def test_without_verdicts_there_is_no_accuracy() -> None:
    found = gender.score(["male"], ["unknown"], ["s1"])
    assert math.isnan(found.accuracy)
    assert found.abstained == 1


@pytest.mark.parametrize("dub", [False, True])
def test_samples_pool_to_the_figures(dub: bool) -> None:
    found = gender.score(EXPECTED, HEARD, IDS, dub=dub)
    accuracy, abstained = gender.MEASURES[2:] if dub else gender.MEASURES[:2]
    pooled = {
        m.name: estimate([s.parts for s in found.samples() if s.measure == m.name], m).value
        for m in (accuracy, abstained)
    }
    prefix = "gender.dub_" if dub else "gender."
    assert pooled == {f"{prefix}accuracy": 0.75, f"{prefix}abstained": pytest.approx(0.2)}
    assert {s.measure for s in found.samples()} == set(pooled)


def test_the_rule_is_that_of_the_stage() -> None:
    odds = (0.0, 0.3, 0.31, 0.5, 0.69, 0.7, 1.0)
    assert [gender.verdict(p) for p in odds] == ["male", "male", "unknown", "unknown", "unknown", "female", "female"]


@given(st.floats(0, 1), st.floats(0.51, 1))
def test_a_voice_and_its_opposite_get_opposite_verdicts(odds: float, certainty: float) -> None:
    opposite = {"female": "male", "male": "female", "unknown": "unknown"}
    # 1 - p is rounded, so a voice on the very edge may fall to either side.
    if abs(odds - certainty) > 1e-9 and abs(1 - odds - certainty) > 1e-9:
        assert gender.verdict(1 - odds, certainty) == opposite[gender.verdict(odds, certainty)]


@pytest.mark.parametrize(
    ("expected", "heard", "ids", "said"),
    [
        ([], [], [], "no voices"),
        (["male"], ["male", "female"], ["s1"], "1 expected genders, 2 heard and 1 ids"),
        (["male", "male"], ["male", "male"], ["s1", "s1"], "same id"),
        (["m"], ["male"], ["s1"], "'m' and 'male'"),
        (["unknown"], ["male"], ["s1"], "leave it out"),
    ],
)
def test_what_cannot_be_scored_is_refused(
    expected: list[Gender], heard: list[Gender], ids: list[str], said: str
) -> None:
    with pytest.raises(BadInput, match=said):
        gender.score(expected, heard, ids)


def test_what_is_no_probability_is_refused() -> None:
    with pytest.raises(BadInput, match=r"1\.2 is no probability"):
        gender.verdict(1.2)
    with pytest.raises(BadInput, match=r"certainty of 0\.5"):
        gender.verdict(0.6, 0.5)

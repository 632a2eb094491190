"""Word times against known damage."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubkit.artefacts import Word
from dubkit.errors import BadInput
from evaluation.metrics import words
from evaluation.statistics import pooled

TEXT = ["the", "quick", "brown", "fox", "jumps", "over", "a", "lazy", "dog", "and", "sleeps"]


def timed(texts: list[str], start: float = 0.0) -> list[Word]:
    return [Word(text=text, start=start + n, end=start + n + 0.5) for n, text in enumerate(texts)]


def moved(one: Word, start: float = 0.0, end: float | None = None) -> Word:
    return Word(text=one.text, start=one.start + start, end=one.end + (start if end is None else end))


REFERENCE = {"u001": timed(TEXT[:5]), "u002": timed(TEXT[5:], start=5.0)}
SAID = REFERENCE["u001"] + REFERENCE["u002"]


def values(found: words.WordTimes) -> dict[str, float]:
    return {
        m.name: float(pooled(np.array([s.parts for s in found.samples() if s.measure == m.name]), m.pool))
        for m in words.MEASURES
    }


def test_right_times_are_right():
    assert values(words.score(REFERENCE, SAID)) == {
        "words.start_error": 0,
        "words.within_100ms": 1,
        "words.within_200ms": 1,
        "words.end_error": 0,
        "words.matched": 1,
    }


@given(st.floats(-3, 3).map(lambda t: round(t, 3)), st.floats(0, 0.4).map(lambda t: round(t, 3)))
def test_a_shift_is_the_error(shift, longer):
    found = words.score(REFERENCE, [moved(one, shift, shift + longer) for one in SAID])
    assert found.start_error == pytest.approx(abs(shift))
    assert found.end_error == pytest.approx(abs(shift + longer))
    assert found.words[0].start_error == pytest.approx(shift)
    assert found.within(0.1) == (abs(shift) <= 0.1) and found.within(0.2) == (abs(shift) <= 0.2)


def test_only_words_that_match_count_and_units_are_theirs():
    heard = [moved(one, 0.15) for one in SAID]
    heard[2] = Word(text="crown", start=9.0, end=9.5).but(start=heard[2].start, end=99.0)
    del heard[6]
    found = words.score(REFERENCE, heard)
    assert [one.id for one in found.words if not one.matched] == ["u001/3", "u002/2"]
    assert found.matched == pytest.approx(9 / 11)
    assert math.isnan(found.words[2].start_error)
    samples = {(s.measure, s.unit): s.parts for s in found.samples()}
    assert ("words.start_error", "u001/3") not in samples
    assert samples["words.start_error", "u001/4"] == pytest.approx((0.15,))
    assert samples["words.matched", "u001"] == (4, 5)
    assert samples["words.within_100ms", "u002"] == (0, 5)
    assert samples["words.within_200ms", "u002"] == (5, 5)
    assert values(found) == pytest.approx(
        {
            "words.start_error": found.start_error,
            "words.within_100ms": found.within(0.1),
            "words.within_200ms": found.within(0.2),
            "words.end_error": found.end_error,
            "words.matched": found.matched,
        }
    )


def test_the_median_is_over_words():
    heard = [moved(one, n / 10) for n, one in enumerate(SAID)]
    found = words.score(REFERENCE, heard)
    assert found.start_error == pytest.approx(0.5)
    # 0 and 0.1; 0.2 too, bounds included
    assert found.within(0.1) == pytest.approx(2 / 11) and found.within(0.2) == pytest.approx(3 / 11)


def test_case_punctuation_and_signs_do_not_keep_words_apart():
    reference = {"u1": [Word(text="Qu’est-ce", start=0, end=1), Word(text="—", start=1, end=1)]}
    found = words.score(reference, [Word(text="qu'est-ce,", start=0.05, end=1)], "fr")
    assert (len(found.words), found.matched) == (1, 1)
    assert found.start_error == pytest.approx(0.05)


def test_utterances_at_once_are_taken_in_order_of_time():
    reference = {"u001": timed(["one", "three"]), "u002": timed(["two", "four"], 0.5)}
    heard = sorted(reference["u001"] + reference["u002"], key=lambda one: one.start)
    assert words.score(reference, heard).matched == 1


def test_nothing_recognised_has_no_error_but_a_share():
    found = words.score(REFERENCE, [])
    assert found.matched == 0 and math.isnan(found.start_error) and math.isnan(found.within(0.1))
    assert {s.unit for s in found.samples()} == {"u001", "u002"}


@pytest.mark.parametrize(
    ("references", "hypotheses", "told"),
    [
        ({}, SAID, "references hold no words"),
        ({"u001": []}, SAID, "references hold no words"),
        ({"u001": [Word(text="…", start=0, end=1)]}, SAID, "only signs"),
        ({"u001": list(reversed(SAID))}, SAID, "utterance u001 has .* sort words"),
        (REFERENCE, list(reversed(SAID)), "the hypothesis has .* sort words"),
        (REFERENCE, [Word(text="a", start=2, end=1)], "'a' from 2.* to 1.* the start first"),
        (REFERENCE, [Word(text="a", start=0, end=math.inf)], "finite times"),
    ],
)
def test_times_that_cannot_be_are_refused(references, hypotheses, told):
    with pytest.raises(BadInput, match=told):
        words.score(references, hypotheses)

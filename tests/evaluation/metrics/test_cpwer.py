"""cpWER by hand, against meeteval's own figures, and by rules that hold for all films."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubkit.errors import BadInput
from evaluation.metrics import asr, cpwer
from evaluation.statistics import pooled

GOLDEN = json.loads(Path(__file__).with_name("cpwer_golden.json").read_text())["cases"]
TEXT = st.lists(st.sampled_from(["alpha", "bravo", "delta", "echo"]), min_size=1, max_size=6).map(" ".join)
FILM = st.dictionaries(st.sampled_from("abcde"), st.lists(st.tuples(st.integers(0, 50), TEXT), max_size=3), min_size=1)


def lines(texts: dict[str, str]) -> dict[str, list[tuple[float, str]]]:
    """Every word a line of its own, the last one first."""
    return {who: [(float(n), word) for n, word in enumerate(text.split())][::-1] for who, text in texts.items()}


def value(found: cpwer.SpeakersErrors) -> float:
    return float(pooled(np.array([s.parts for s in found.samples()]), "ratio"))


@pytest.mark.parametrize("case", GOLDEN, ids=range(len(GOLDEN)))
def test_agrees_with_meeteval(case):
    found = cpwer.score(lines(case["reference"]), lines(case["hypothesis"]))
    assert (found.errors, found.n_words) == (case["errors"], case["length"])
    assert found.cpwer == pytest.approx(case["error_rate"])
    assert sum(partner is None for partner in found.assignment.values()) == case["missed_speaker"]
    assert len(found.extra) == case["falarm_speaker"]
    assert value(found) == pytest.approx(found.cpwer)


def test_by_hand():
    reference = {"anna": [(0.0, "Good evening."), (5.0, "How are you?")], "ben": [(2.0, "Fine, thanks.")]}
    hypothesis = {
        "s1": [(2.1, "fine thanks")],
        "s2": [(5.2, "how are they"), (0.1, "good evening")],
        "s3": [(9.0, "no one")],
    }
    found = cpwer.score(reference, hypothesis)
    assert found.assignment == {"anna": "s2", "ben": "s1"}
    assert found.extra == (("s3", 2),)
    assert found.speakers[0] == cpwer.SpeakerErrors("anna", "s2", 1, 0, 0, 5)
    assert found.cpwer == pytest.approx(3 / 7)
    assert [(s.unit, s.parts) for s in found.samples()] == [("anna", (1, 5)), ("ben", (0, 2)), ("extra/s3", (2, 0))]


def test_a_word_of_the_wrong_speaker_counts_twice():
    found = cpwer.score(
        {"a": [(0, "one two three four")], "b": [(5, "five six seven")]},
        {"x": [(0, "one two three")], "y": [(4, "four"), (5, "five six seven")]},
    )
    assert found.errors == 2


def test_a_speaker_who_was_not_found_is_lost():
    found = cpwer.score({"a": [(0, "one two three")], "b": [(5, "four five")]}, {"x": [(0, "one two three")]})
    assert found.assignment == {"a": "x", "b": None}
    assert found.speakers[1].deletions == found.errors == 2


@given(FILM.filter(lambda film: any(film.values())), st.randoms())
def test_names_and_order_do_not_matter(film, rng):
    names = list(film)
    rng.shuffle(names)
    renamed = {f"other {name}": film[name] for name in names}
    assert cpwer.score(film, renamed).errors == 0


@given(FILM.filter(lambda film: any(film.values())), FILM)
def test_pools_to_the_headline(reference, hypothesis):
    found = cpwer.score(reference, hypothesis)
    assert value(found) == pytest.approx(found.cpwer)
    partners = [one for one in found.assignment.values() if one is not None]
    assert sorted([*partners, *(name for name, _ in found.extra)]) == sorted(hypothesis)


@given(TEXT, TEXT)
def test_one_speaker_has_the_plain_word_error_rate(reference, hypothesis):
    found = cpwer.score({"a": [(0, reference)]}, {"x": [(0, hypothesis)]})
    assert found.cpwer == asr.score([reference], [hypothesis]).wer


@pytest.mark.parametrize(
    ("references", "hypotheses", "told"),
    [
        ({}, {}, "no reference speaker says anything"),
        ({"a": []}, {"x": [(0, "one")]}, "no reference speaker says anything"),
        ({"a": [(0, "…")]}, {}, "only signs"),
        ({"a": [("one", 0)]}, {}, "reference speaker 'a' has .* the start in seconds, then the text"),
        ({"a": "one two"}, {}, "reference speaker 'a' has 'o'"),
        ({"a": [(0, "one")]}, {"x": [(math.nan, "one")]}, "hypothesis speaker 'x'"),
    ],
)
def test_what_is_not_lines_is_refused(references, hypotheses, told):
    with pytest.raises(BadInput, match=told):
        cpwer.score(references, hypotheses)

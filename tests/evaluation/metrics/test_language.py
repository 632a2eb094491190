"""Accuracy of language identification."""

import numpy as np
import pytest

from dubkit.errors import BadInput
from evaluation.metrics import language
from evaluation.statistics import pooled


def test_by_hand():
    found = language.score(["pt-BR", "en", "es", "zh-Hant"], ["pt", "fr", "spa", "zh"], ids=["a", "b", "c", "d"])
    assert found.accuracy == 0.75
    assert [(one.id, one.reference, one.hypothesis) for one in found.items if not one.right] == [("b", "en", "fr")]
    samples = found.samples()
    assert [(s.measure, s.unit, s.parts) for s in samples[:2]] == [
        ("language.accuracy", "a", (1, 1)),
        ("language.accuracy", "b", (0, 1)),
    ]
    assert pooled(np.array([s.parts for s in samples]), "ratio") == found.accuracy


def test_the_same_is_right():
    tags = ["en", "pt", "yue", "sr-Latn"]
    assert language.score(tags, tags).accuracy == 1


@pytest.mark.parametrize("answer", ["", "und", "no such language"])
def test_an_answer_that_is_no_language_is_wrong(answer):
    assert language.score(["no"], [answer]).accuracy == 0


@pytest.mark.parametrize(
    ("references", "hypotheses", "told"),
    [
        ([], [], "no references"),
        (["en"], ["en", "pt"], "1 references but 2 hypotheses"),
        ("en", "en", "references is one text"),
        (["no such language"], ["en"], "not a language"),
    ],
)
def test_what_cannot_be_compared_is_refused(references, hypotheses, told):
    with pytest.raises(BadInput, match=told):
        language.score(references, hypotheses)

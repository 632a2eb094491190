"""BLEU and chrF++ against sacrebleu itself and known ends of the scale; lengths and glossaries by hand."""

import math

import numpy as np
import pytest
import sacrebleu
from hypothesis import given
from hypothesis import strategies as st

from dubkit.errors import BadInput
from evaluation.metrics import translation
from evaluation.statistics import pooled

WORDS = [
    "The",
    "quick",
    "brown",
    "fox",
    "jumps",
    "over",
    "the",
    "lazy",
    "dog",
    ",",
    "all's",
    "well",
    "that",
    "ends",
    "well",
    ".",
    "Olá",
    "我",
    "喜欢",
    "猫",
]
LINE = st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join)
CORPUS = st.lists(st.tuples(LINE, LINE), min_size=1, max_size=8)
REFERENCES = ["The quick brown fox jumps over the lazy dog.", "All is well that ends well."]
READ = ["The fast brown fox jumped over the lazy dog.", "All is well which ends well."]


def value(found: translation.Nearness, measure: translation.Measure) -> float:
    return float(pooled(np.array([s.parts for s in found.samples() if s.measure == measure.name]), measure.pool))


def test_agrees_with_the_reference_implementation():
    found = translation.score(REFERENCES, READ)
    assert found.bleu == pytest.approx(sacrebleu.corpus_bleu(READ, [REFERENCES]).score)
    assert found.chrf == pytest.approx(sacrebleu.corpus_chrf(READ, [REFERENCES], word_order=2).score)
    assert "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp" in found.signatures[0]
    assert "nrefs:1|case:mixed|eff:yes|nc:6|nw:2" in found.signatures[1]


@given(CORPUS, st.sampled_from([("", "13a"), ("pt-BR", "13a"), ("zh", "zh"), ("ja", "char"), ("th", "char")]))
def test_pooled_samples_are_sacrebleus_corpus_scores_exactly(corpus, language):
    references, hypotheses = map(list, zip(*corpus, strict=True))
    found = translation.score(references, hypotheses, language[0])
    bleu = sacrebleu.corpus_bleu(hypotheses, [references], tokenize=language[1]).score
    chrf = sacrebleu.corpus_chrf(hypotheses, [references], word_order=2).score
    assert value(found, translation.BLEU) == found.bleu == bleu
    assert value(found, translation.CHRF) == found.chrf == chrf
    assert f"tok:{language[1]}" in found.signatures[0]


@given(CORPUS)
def test_a_lines_chrf_is_sacrebleus_sentence_score(corpus):
    references, hypotheses = map(list, zip(*corpus, strict=True))
    for line in translation.score(references, hypotheses).lines:
        assert line.chrf == sacrebleu.sentence_chrf(line.hypothesis, [line.reference], word_order=2).score


def test_the_ends_of_the_scale():
    text = ["The quick brown fox jumps over the lazy dog."]
    assert translation.score(text, text).bleu == pytest.approx(100)
    assert translation.score(text, text).chrf == pytest.approx(100)
    assert translation.score(text, ["xxx yyy"]).bleu == 0


def test_the_worst_line_has_the_lowest_chrf():
    found = translation.score([*REFERENCES, "It rained."], [*READ, "Snow fell"], ids=["a", "b", "c"])
    assert min(found.lines, key=lambda line: line.chrf).id == "c"


def test_length_is_counted_in_characters():
    found = translation.score(["four", " ten signs "], ["sixsix", "ten signs"])
    assert found.length_ratio == pytest.approx(15 / 13)
    assert value(found, translation.LENGTH_RATIO) == pytest.approx(15 / 13)
    assert math.isnan(translation.score([""], ["a"]).length_ratio)


def test_glossary_terms_are_found_as_whole_words_in_any_case():
    found = translation.score(
        ["-"] * 4,
        ["Moro em são  paulo, na Consolação", "O banco fechou", "Nada", "我喜欢北京烤鸭"],
        glossary=[["São Paulo", "Consola", "CONSOLAÇÃO"], ["banco"], [], ["北京"]],
    )
    assert [(line.kept, line.lost) for line in found.lines] == [
        (("São Paulo", "CONSOLAÇÃO"), ("Consola",)),
        (("banco",), ()),
        ((), ()),
        (("北京",), ()),
    ]
    assert found.glossary == value(found, translation.GLOSSARY) == pytest.approx(4 / 5)
    units = [s.unit for s in found.samples() if s.measure == "translation.glossary"]
    assert units == ["u001", "u002", "u004"]


def test_without_a_glossary_there_is_no_sample_of_it():
    found = translation.score(REFERENCES, READ)
    assert math.isnan(found.glossary)
    assert {s.measure for s in found.samples()} == {m.name for m in translation.MEASURES} - {"translation.glossary"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (([], []), "at least one line"),
        ((["a"], ["a", "b"]), "1 references but 2 hypotheses"),
        (("a text", "a text"), "references is one text"),
        ((["a"], ["a"], "", []), "0 lists of glossary terms for 1 lines"),
        ((["a"], ["a"], "", ["term"]), "'term' is no list of glossary terms"),
        ((["a"], ["a"], "", [[" "]]), "is no list of glossary terms"),
        ((["a"], ["a"], "", None, ["u1", "u2"]), "2 ids for 1 lines"),
        ((["a"], ["a"], "no such language"), "not a language"),
    ],
)
def test_what_cannot_be_compared_is_refused(arguments, told):
    with pytest.raises(BadInput, match=told):
        translation.score(*arguments)

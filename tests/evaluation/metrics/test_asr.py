"""Word and character error rates against hand-counted cases and jiwer."""

import jiwer
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dubkit.errors import BadInput
from evaluation.metrics import asr
from evaluation.statistics import pooled

LINE = st.lists(st.sampled_from(["o", "rato", "roeu", "a", "roupa", "do", "rei"]), max_size=8).map(" ".join)
PAIRS = st.lists(st.tuples(LINE, LINE), min_size=1, max_size=6)


def value(found: asr.Recognition, name: str) -> float:
    return float(pooled(np.array([s.parts for s in found.samples() if s.measure == name]), "ratio"))


def test_counts_by_hand():
    found = asr.score(["The cat sat on the mat.", "It rained."], ["the cat sat on mat", "it it drained"])
    # one word lost; one put in and one replaced
    assert (found.deletions, found.insertions, found.substitutions) == (1, 1, 1)
    assert found.n_words == 8
    assert found.wer == pytest.approx(3 / 8)
    # "the " lost of 22 characters; "it " and "d" put in beside 9
    assert found.cer == pytest.approx(8 / 31)
    assert [(line.id, line.errors, line.n_words) for line in found.lines] == [("u001", 1, 6), ("u002", 2, 2)]
    assert found.lines[1].reference == "it rained" and found.lines[1].hypothesis == "it it drained"
    assert found.lines[1].wer == 1


def test_perfect_reading_scores_zero_whatever_case_and_punctuation():
    found = asr.score(["Olá, mundo! Não é fácil."], ["olá mundo não é fácil"])
    assert found.wer == found.cer == 0


def test_accents_count():
    assert asr.score(["avó"], ["avô"], "pt").wer == 1


def test_figures_read_for_spelt_numbers_are_right_where_the_language_is_known():
    assert asr.score(["Tenho vinte e um anos."], ["tenho 21 anos"], "pt").wer == 0
    assert asr.score(["Tenho vinte e um anos."], ["tenho 21 anos"]).wer == pytest.approx(3 / 5)


def test_words_where_nothing_was_to_be_said_are_insertions():
    found = asr.score(["one two", "…"], ["one two", "three"])
    assert (found.insertions, found.wer) == (1, 0.5)
    assert found.lines[1].n_words == 0 and np.isnan(found.lines[1].wer)
    assert value(found, "asr.wer") == 0.5


def test_signs_of_scripts_without_spaces_are_words_and_have_no_spaces_between_them():
    found = asr.score(["我喜欢猫。"], ["我喜歡貓"], "zh")
    assert (found.n_words, found.substitutions) == (4, 2)
    assert found.cer == found.wer == 0.5


@given(PAIRS)
def test_agrees_with_jiwer_and_pools_to_the_headline(texts):
    references, hypotheses = map(list, zip(*texts, strict=True))
    assume(any(references))
    found = asr.score(references, hypotheses, "pt", ids=[f"line{n}" for n in range(len(texts))])
    assert found.wer == pytest.approx(jiwer.wer(references, hypotheses))
    assert found.cer == pytest.approx(jiwer.cer(references, hypotheses))
    assert value(found, "asr.wer") == pytest.approx(found.wer)
    assert value(found, "asr.cer") == pytest.approx(found.cer)
    assert {s.measure for s in found.samples()} == {m.name for m in asr.MEASURES}
    assert [s.unit for s in found.samples()] == [f"line{n}" for n in range(len(texts))] * 2


@given(PAIRS, st.integers(0, 5))
def test_a_word_lost_costs_one_error(texts, which):
    references = [reference for reference, _ in texts]
    n = which % len(references)
    assume(references[n])
    damaged = list(references)
    damaged[n] = " ".join(references[n].split()[1:])
    found = asr.score(references, damaged)
    assert found.lines[n].deletions == 1 and found.wer == pytest.approx(1 / found.n_words)


@pytest.mark.parametrize(
    ("references", "hypotheses", "ids", "told"),
    [
        (["a"], [], None, "1 references but 0 hypotheses"),
        ([], [], None, "no references"),
        (["…"], ["a"], None, "references hold no words"),
        ("a text", ["a"], None, "references is one text"),
        (["a", "b"], ["a", "b"], ["u1", "u1"], "ids occur more than once"),
    ],
)
def test_what_cannot_be_compared_is_refused(references, hypotheses, ids, told):
    with pytest.raises(BadInput, match=told):
        asr.score(references, hypotheses, ids=ids)

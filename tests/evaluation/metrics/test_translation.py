"""BLEU and chrF++ against sacrebleu itself and known ends of the scale."""

import pytest
import sacrebleu

from evaluation import translation


def test_agrees_with_the_reference_implementation():
    references = ["The quick brown fox jumps over the lazy dog.", "All is well that ends well."]
    read = ["The fast brown fox jumped over the lazy dog.", "All is well which ends well."]
    found = translation.score(references, read)
    assert found.bleu == pytest.approx(sacrebleu.corpus_bleu(read, [references]).score)
    assert found.chrf == pytest.approx(sacrebleu.corpus_chrf(read, [references], word_order=2).score)
    assert "tok:13a" in found.signatures[0] and "nw:2" in found.signatures[1]


def test_the_ends_of_the_scale():
    text = ["The quick brown fox jumps over the lazy dog."]
    assert translation.score(text, text).bleu == pytest.approx(100)
    assert translation.score(text, text).chrf == pytest.approx(100)
    assert translation.score(text, ["xxx yyy"]).bleu == 0


def test_nothing_to_score_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        translation.score([], [])

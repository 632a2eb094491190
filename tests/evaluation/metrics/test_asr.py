"""Word and character error rates against hand-counted cases."""

import pytest

from evaluation import asr


def test_counts_by_hand():
    found = asr.score(["The cat sat on the mat.", "It rained."], ["the cat sat on mat", "it it drained"])
    # one word lost; one put in and one replaced
    assert (found.deletions, found.insertions, found.substitutions) == (1, 1, 1)
    assert found.n_words == 8
    assert found.wer == pytest.approx(3 / 8)


def test_perfect_reading_scores_zero_whatever_case_and_punctuation():
    found = asr.score(["Olá, mundo! Não é fácil."], ["olá mundo não é fácil"])
    assert found.wer == found.cer == 0


def test_accents_count():
    assert asr.score(["avó"], ["avô"]).wer == 1


def test_words_where_nothing_was_to_be_said_are_insertions():
    found = asr.score(["one two", "…"], ["one two", "three"])
    assert (found.insertions, found.wer) == (1, 0.5)


@pytest.mark.parametrize(("references", "hypotheses"), [(["a"], []), ([], []), (["…"], ["a"])])
def test_what_cannot_be_compared_is_refused(references, hypotheses):
    with pytest.raises(ValueError, match=r"references"):
        asr.score(references, hypotheses)

"""Translation: how near a text is to a reference.

BLEU (Papineni et al. 2002) and chrF++ (Popović 2017) from sacrebleu, on the whole corpus, with sacrebleu's signatures,
which name every convention.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Nearness:
    """Scores in 0-100 and the signatures to quote beside them."""

    bleu: float
    chrf: float
    signatures: tuple[str, str]


def score(references: Sequence[str], hypotheses: Sequence[str]) -> Nearness:
    """Corpus BLEU and chrF++ of hypotheses against one reference each.

    Raises
    ------
    ValueError
        If there is nothing to score, or not as many of one as of the other.
    """
    if not references or len(references) != len(hypotheses):
        raise ValueError(f"{len(references)} references and {len(hypotheses)} hypotheses: give as many, at least one")
    from sacrebleu.metrics.bleu import BLEU
    from sacrebleu.metrics.chrf import CHRF

    bleu, chrf = BLEU(), CHRF(word_order=2)
    return Nearness(
        bleu=bleu.corpus_score(list(hypotheses), [list(references)]).score,
        chrf=chrf.corpus_score(list(hypotheses), [list(references)]).score,
        signatures=(str(bleu.get_signature()), str(chrf.get_signature())),
    )

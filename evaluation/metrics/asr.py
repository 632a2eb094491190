"""Recognition: how many words differ between what was said and what a recogniser read.

Word error rate (WER) = (substitutions + deletions + insertions) / words of the reference; character error rate (CER)
the same over characters. Both texts are normalised first: lower case, no punctuation, single spaces; accents stay.
Counts come from jiwer (Levenshtein alignment). Several texts are scored as one (counts are added, not rates averaged).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Recognition:
    """The scores and the counts that they stand on."""

    wer: float
    cer: float
    substitutions: int
    deletions: int
    insertions: int
    n_words: int


def normalised(text: str) -> str:
    """Lower case, letters, digits and apostrophes inside words only, single spaces."""
    kept = "".join(c if c.isalnum() or c in "'’" else " " for c in text.lower().replace("’", "'"))
    return " ".join(word.strip("'") for word in kept.split() if word.strip("'"))


def score(references: Sequence[str], hypotheses: Sequence[str]) -> Recognition:
    """WER and CER of hypotheses against references, pair by pair.

    Raises
    ------
    ValueError
        If there are not as many of one as of the other, or the references hold no words.
    """
    if len(references) != len(hypotheses):
        raise ValueError(f"{len(references)} references but {len(hypotheses)} hypotheses")
    import jiwer

    wanted, read = [normalised(t) for t in references], [normalised(t) for t in hypotheses]
    if not any(wanted):
        raise ValueError("the references hold no words: there is nothing to compare with")
    pairs = [(w, r) for w, r in zip(wanted, read, strict=True) if w]
    words: Any = jiwer.process_words([w for w, _ in pairs], [r for _, r in pairs])
    letters: Any = jiwer.process_characters([w for w, _ in pairs], [r for _, r in pairs])
    n_words = sum(len(w.split()) for w, _ in pairs)
    # Words read where nothing was to be said are insertions; jiwer takes no empty reference.
    extra = sum(len(r.split()) for w, r in zip(wanted, read, strict=True) if not w)
    errors = words.substitutions + words.deletions + words.insertions + extra
    return Recognition(
        wer=errors / n_words,
        cer=letters.cer,
        substitutions=words.substitutions,
        deletions=words.deletions,
        insertions=words.insertions + extra,
        n_words=n_words,
    )

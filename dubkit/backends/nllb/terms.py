"""Steers a beam search towards words that must stand in the translation.

Every token of a wanted word earns its hypothesis a bonus, and gives it back where the word is not finished: the bonus
is a difference of potentials, after Ng's, Harada's and Russell's reward shaping, so that a hypothesis is helped by what
stands in it and by nothing else, a word counts once, and its true log probability is known afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

BONUS = 3.0
"""Added to the log probability for each token of a wanted word: makes a word twenty times as likely as it was."""

Word = tuple[tuple[int, ...], ...]
"""The token sequences that spell one wanted word."""


def spellings(tokenizer: Any, term: str, *, spaced: bool) -> Word:
    """How a word is spelled in tokens: at a word's beginning and, in languages without spaces, after another word."""
    found = [tuple(tokenizer(term, add_special_tokens=False)["input_ids"])]
    if not spaced:
        stop = tuple(tokenizer("。", add_special_tokens=False)["input_ids"])
        after = tuple(tokenizer("。" + term, add_special_tokens=False)["input_ids"])
        if after[: len(stop)] == stop:
            found.append(after[len(stop) :])
    return tuple(dict.fromkeys(s for s in found if s and tokenizer.unk_token_id not in s))


def potential(said: Sequence[int], words: Sequence[Word]) -> float:
    """What a hypothesis has earned so far: the bonus of each word in it, or of the part that stands at its end."""
    return BONUS * sum(max((_matched(said, spelling) for spelling in word), default=0) for word in words)


def gains(said: Sequence[int], words: Sequence[Word]) -> tuple[float, dict[int, float]]:
    """What the next token earns: any that is not listed, and those that are."""
    now = potential(said, words)
    # A token that is none of the wanted words' keeps only what is finished.
    other = potential([*said, -1], words) - now
    candidates = {token for word in words for spelling in word for token in spelling}
    return other, {token: potential([*said, token], words) - now for token in candidates}


class Steering:
    """A logits processor for :meth:`generate` that has wanted words for each row of the batch.

    Parameters
    ----------
    words : sequence of sequence of Word
        For each text of the batch.
    n_beams : int
        Rows of the search for each text.
    n_prompt : int
        Tokens that are given, not chosen: the start and the language.
    """

    def __init__(self, words: Sequence[Sequence[Word]], n_beams: int, n_prompt: int) -> None:
        self.words = words
        self.n_beams = n_beams
        self.n_prompt = n_prompt

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """The log probabilities with the bonuses added, shape (rows, vocabulary)."""
        if input_ids.shape[1] < self.n_prompt:
            return scores
        scores = scores.clone()
        for n, words in enumerate(self.words):
            if not words:
                continue
            for row in range(n * self.n_beams, (n + 1) * self.n_beams):
                other, listed = gains(input_ids[row, self.n_prompt :].tolist(), words)
                tokens, bonus = list(listed), list(listed.values())
                scores[row] += other
                scores[row, tokens] += scores.new_tensor(bonus) - other
        return scores


def _matched(said: Sequence[int], spelling: tuple[int, ...]) -> int:
    """Tokens of a spelling that are there: all of them anywhere, or those that it begins with at the end."""
    said = tuple(said)
    size = len(spelling)
    if any(said[at : at + size] == spelling for at in range(len(said) - size + 1)):
        return size
    return next((n for n in range(min(size, len(said)), 0, -1) if said[-n:] == spelling[:n]), 0)

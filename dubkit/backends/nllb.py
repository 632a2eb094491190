"""Meta's NLLB-200 through transformers: any pair of its 200 languages, several candidates for each text."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import Any, Self

from dubkit.artefacts import Candidate
from dubkit.backends import flores
from dubkit.backends.devices import batch_size, device
from dubkit.backends.hub import Checkpoint, quietly
from dubkit.backends.protocols import Compute, Hint, ModelCard
from dubkit.errors import BadInput, UnsupportedPair, listed

DEFAULT = "facebook/nllb-200-3.3B"
N_BEST = 5
LONGEST_OUTPUT = 256
"""Tokens after which a translation is cut: some four times the longest utterance, so that only endless loops meet it."""
WINDOW = 8
"""Batches whose texts are sorted by length together; more would make the first result wait longer."""


class Nllb:
    """Translator ``nllb:ID_OR_FOLDER``."""

    def __init__(self, checkpoint: Checkpoint, compute: Compute) -> None:
        self.checkpoint = checkpoint
        self.compute = compute

    @classmethod
    def from_spec(cls, argument: str, compute: Compute) -> Self:
        """Make it for a hub id or a folder; nothing is loaded yet."""
        return cls(Checkpoint.parse(argument or DEFAULT, "m2m_100"), compute)

    @property
    def fingerprint(self) -> str:
        """Checkpoint and revision."""
        return f"nllb:{self.checkpoint.fingerprint}"

    def models(self, source: str | None = None, target: str | None = None) -> list[ModelCard]:
        """The one checkpoint."""
        return [self.checkpoint.card()]

    def fetch(self, source: str | None = None, target: str | None = None) -> None:
        """Download the checkpoint where it is not here."""
        self.checkpoint.fetched()

    def pairs(self) -> frozenset[tuple[str, str]]:
        """Every language to every other."""
        return _pairs()

    def route(self, source: str, target: str) -> tuple[str, ...]:
        """Straight from source to target."""
        return (source, target)

    def translate(
        self, texts: Sequence[str], source: str, target: str, hints: Sequence[Hint] = ()
    ) -> Iterator[tuple[Candidate, ...]]:
        """Up to five distinct candidates for each text, best first; ``score`` is the mean log probability of a token.

        Raises
        ------
        UnsupportedPair
            If a language is not one of NLLB-200's, or not in this checkpoint's vocabulary.
        BadInput
            If a text is longer than the model can read; the message holds its beginning.
        """
        known = flores.codes()
        for language in (source, target):
            if language not in known:
                raise UnsupportedPair(f"NLLB-200 does not know {language!r}. It knows: {listed(list(known), 250)}.")
        return self._translate(texts, known[source], known[target])

    def _translate(self, texts: Sequence[str], source: str, target: str) -> Iterator[tuple[Candidate, ...]]:
        size = batch_size(self.compute)
        forced = self._token(target)
        for n in range(0, len(texts), size * WINDOW):
            window = texts[n : n + size * WINDOW]
            tokens = [self._tokens(text, source) for text in window]
            order = sorted((k for k, text in enumerate(window) if text.strip()), key=lambda k: len(tokens[k]))
            found: dict[int, tuple[Candidate, ...]] = {}
            for start in range(0, len(order), size):
                batch = order[start : start + size]
                found.update(zip(batch, self._search([tokens[k] for k in batch], forced), strict=True))
            for k in range(len(window)):
                yield found.get(k, (Candidate(text=""),))

    def _search(self, batch: list[list[int]], forced: int) -> Iterator[tuple[Candidate, ...]]:
        """Beam search over texts of about one length."""
        import torch

        padded = self._tokenizer.pad({"input_ids": batch}, return_tensors="pt").to(device(self.compute))
        with torch.inference_mode(), quietly():
            out = self._model.generate(
                **padded,
                forced_bos_token_id=forced,
                num_beams=N_BEST,
                num_return_sequences=N_BEST,
                early_stopping=True,
                do_sample=False,
                max_new_tokens=LONGEST_OUTPUT,
                max_length=None,
                return_dict_in_generate=True,
                output_scores=True,
            )
        texts = self._tokenizer.batch_decode(out.sequences, skip_special_tokens=True)
        scores = out.sequences_scores.float().tolist()
        for n in range(0, len(texts), N_BEST):
            yield _distinct(texts[n : n + N_BEST], scores[n : n + N_BEST])

    def _tokens(self, text: str, source: str) -> list[int]:
        self._token(source)
        # The tokenizer puts the code of its current source language before the text.
        self._tokenizer.src_lang = source
        tokens: list[int] = self._tokenizer(text)["input_ids"]
        if len(tokens) > (limit := self._model.config.max_position_embeddings):
            raise BadInput(
                f"A text of {len(tokens)} tokens is longer than the {limit} that NLLB can read; it begins "
                f"{text[:60]!r}. Cut the utterance in two."
            )
        return tokens

    def _token(self, code: str) -> int:
        """The vocabulary's id of a language."""
        token: int = self._tokenizer.convert_tokens_to_ids(code)
        if token == self._tokenizer.unk_token_id:
            raise UnsupportedPair(
                f"The vocabulary of {self.checkpoint.source} has no {code}; it is not a full NLLB-200."
            )
        return token

    @functools.cached_property
    def _model(self) -> Any:
        import torch
        from transformers import AutoModelForSeq2SeqLM

        dtype = torch.float32 if device(self.compute) == "cpu" else torch.float16
        return self.checkpoint.load(AutoModelForSeq2SeqLM, self.compute, dtype=dtype)

    @functools.cached_property
    def _tokenizer(self) -> Any:
        from transformers import NllbTokenizer

        return self.checkpoint.load_processor(NllbTokenizer)


@functools.cache
def _pairs() -> frozenset[tuple[str, str]]:
    known = flores.codes()
    return frozenset((a, b) for a in known for b in known if a != b)


def _distinct(texts: list[str], scores: list[float]) -> tuple[Candidate, ...]:
    """Candidates without repetitions and empty ones; of equal texts the best, which comes first, stays."""
    best: dict[str, float] = {}
    for text, score in zip(texts, scores, strict=True):
        best.setdefault(" ".join(text.split()), round(score, 4))
    if len(best) > 1:
        best.pop("", None)
    return tuple(Candidate(text=text, score=score) for text, score in best.items())

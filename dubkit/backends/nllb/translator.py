"""Meta's NLLB-200 through transformers: any pair of its 200 languages, several candidates for each text."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import Any, Self

from dubkit.backends.devices import Batches, device
from dubkit.backends.hub.checkpoint import Checkpoint, quietly
from dubkit.backends.nllb import terms as nllb_terms
from dubkit.backends.nllb.base import (
    LONGEST_OUTPUT,
    METHOD,
    N_BEST,
    WINDOW,
    Draft,
    NllbTranslator,
    Part,
    has_spaces,
)
from dubkit.backends.protocols import Compute, ModelCard

DEFAULT = "facebook/nllb-200-3.3B"
_PROMPT = 2
"""Tokens of an output that are given: where the decoder starts, and the language."""


class Nllb(NllbTranslator):
    """Translator ``nllb:ID_OR_FOLDER``."""

    def __init__(self, checkpoint: Checkpoint, compute: Compute) -> None:
        self.checkpoint = checkpoint
        self.compute = compute
        self.name = checkpoint.source
        self._batches = Batches(compute, checkpoint.source)

    @classmethod
    def from_spec(cls, argument: str, compute: Compute) -> Self:
        """Make it for a hub id or a folder; nothing is loaded yet."""
        return cls(Checkpoint.parse(argument or DEFAULT, "m2m_100"), compute)

    @property
    def fingerprint(self) -> str:
        """Checkpoint and revision, and the revision of the method around it."""
        return f"nllb:{self.checkpoint.fingerprint}+{METHOD}"

    def models(self, source: str | None = None, target: str | None = None) -> list[ModelCard]:
        """The one checkpoint."""
        return [self.checkpoint.card()]

    def fetch(self, source: str | None = None, target: str | None = None) -> None:
        """Download the checkpoint where it is not here."""
        self.checkpoint.fetched()

    def _search(self, parts: Sequence[Part], target: str, no_repeat: int) -> Iterator[list[Draft]]:
        work = functools.partial(self._beams, target=target, no_repeat=no_repeat)
        return self._batches.of(parts, work)

    def _beams(self, batch: Sequence[Part], target: str, no_repeat: int) -> Iterator[list[Draft]]:
        """Beam search over texts of about one length."""
        import torch
        from transformers import LogitsProcessorList

        spell = functools.partial(nllb_terms.spellings, self._tokenizer, spaced=has_spaces(target))
        words = [[spell(term) for term in part.terms] for part in batch]
        steering = [nllb_terms.Steering(words, N_BEST, _PROMPT)] if any(words) else []
        tokens = [list(part.tokens) for part in batch]
        padded = self._tokenizer.pad({"input_ids": tokens}, return_tensors="pt").to(device(self.compute))
        with torch.inference_mode(), quietly():
            out = self._model.generate(
                **padded,
                forced_bos_token_id=self._token(target),
                num_beams=N_BEST,
                num_return_sequences=N_BEST,
                early_stopping=True,
                do_sample=False,
                no_repeat_ngram_size=no_repeat,
                logits_processor=LogitsProcessorList(steering),
                max_new_tokens=LONGEST_OUTPUT,
                max_length=None,
                return_dict_in_generate=True,
                output_scores=True,
            )
        texts = self._tokenizer.batch_decode(out.sequences, skip_special_tokens=True)
        scores = out.sequences_scores.float().tolist()
        for n, wanted in enumerate(words):
            rows = range(n * N_BEST, (n + 1) * N_BEST)
            yield [self._draft(texts[r], out.sequences[r].tolist(), scores[r], wanted) for r in rows]

    def _draft(self, text: str, sequence: list[int], score: float, words: list[nllb_terms.Word]) -> Draft:
        """What a row says; the bonus for wanted words is no part of its probability."""
        made = [token for token in sequence[1:] if token != self._tokenizer.pad_token_id]
        # transformers divides by all tokens after the start, the language and the end among them.
        earned = nllb_terms.potential(made[_PROMPT - 1 :], words)
        return Draft(text, score * len(made) - earned, len(made))

    @property
    def _window(self) -> int:
        return self._batches.size * WINDOW if self._batches.size > 1 else 1

    @property
    def _readable(self) -> int:
        return int(self._model.config.max_position_embeddings)

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

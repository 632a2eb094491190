"""NLLB-200 through CTranslate2: the same search several times as fast, in 8-bit integers on a processor.

A folder in CTranslate2's format is taken as it is. A checkpoint of transformers is converted once, into the user's
cache folder. On a processor every text is searched alone, one on each thread, so that what comes out depends neither on
the number of threads nor on what else there is to translate; on a GPU texts go in batches of about equal size, in half
precision. That can differ from 8 bits by more than rounding: both have one fingerprint all the same, because by dubkit's
rule nothing in ``Compute`` is part of a key.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

from dubkit.backends.devices import Batches, no_memory, out_of_memory
from dubkit.backends.hub.checkpoint import Checkpoint
from dubkit.backends.in_order import in_order
from dubkit.backends.nllb.base import LONGEST_OUTPUT, METHOD, N_BEST, WINDOW, Draft, NllbTranslator, Part
from dubkit.backends.nllb.conversion import INSTALL, converted, is_converted, packaged
from dubkit.backends.nllb.translator import DEFAULT
from dubkit.backends.protocols import Compute, ModelCard
from dubkit.backends.whisper.faster_model import placed
from dubkit.errors import BadInput, MissingModel

log = logging.getLogger(__name__)

WIDER = 2
"""Times as many hypotheses where a word must stand in the translation, as this engine cannot be steered towards it."""
_TOKENS_PER_TEXT = 64
_READABLE = 1024
"""Places that NLLB-200 was trained with; the converted model does not say."""


@dataclass(frozen=True)
class _Source:
    """Where the model comes from: a checkpoint, or a converted folder and where the tokenizer that belongs to it lies."""

    checkpoint: Checkpoint
    ready: bool = False
    tokenizer: Checkpoint | None = None


class NllbCt2(NllbTranslator):
    """Translator ``nllb-ct2:ID_OR_FOLDER``; ``nllb-ct2:CONVERTED_FOLDER,ID_OR_FOLDER`` names a tokenizer besides."""

    def __init__(self, source: _Source, compute: Compute) -> None:
        self.source = source
        self.compute = compute
        self.name = source.checkpoint.source
        # A batch is a whole window here: the engine itself sorts it and cuts it by tokens.
        self._batches = Batches(replace(compute, batch_size=compute.batch_size * WINDOW), self.name)

    @classmethod
    def from_spec(cls, argument: str, compute: Compute) -> Self:
        """Make it for a hub id or a folder; nothing is loaded yet.

        Raises
        ------
        BadInput
            If it names neither, or a second one without need.
        """
        whole = not argument or Path(argument).expanduser().is_dir()
        model, _, tokenizer = (argument or DEFAULT, "", "") if whole else argument.partition(",")
        checkpoint = Checkpoint.parse(model.strip(), "m2m_100")
        ready = is_converted(Path(checkpoint.source))
        if tokenizer and not ready:
            raise BadInput(
                f"{model!r} is no folder with a CTranslate2 model, so that it needs no tokenizer of its own: "
                f"write nllb-ct2:{model}"
            )
        beside = Checkpoint.parse(tokenizer.strip(), "m2m_100") if tokenizer else None
        return cls(_Source(checkpoint, ready, beside), compute)

    @property
    def fingerprint(self) -> str:
        """Checkpoint and revision, those of a tokenizer named besides, and the revision of the method around them."""
        beside = f",{self._tokenizer_identity(self.source.tokenizer)}" if self.source.tokenizer else ""
        return f"nllb-ct2:{self.source.checkpoint.fingerprint}{beside}+{METHOD}"

    @staticmethod
    def _tokenizer_identity(tokenizer: Checkpoint) -> str:
        """Its name and revision; of a checkpoint on the hub the weights need not be here."""
        file = _tokenizer_file(tokenizer)
        if tokenizer.is_folder or file is None:
            return tokenizer.fingerprint
        return f"{tokenizer.source}@{file.parent.name[:12]}"

    def models(self, source: str | None = None, target: str | None = None) -> list[ModelCard]:
        """The one checkpoint or folder; not present either where the package that runs it is missing."""
        card = self.source.checkpoint.card()
        if self.source.ready:
            folder = Path(self.source.checkpoint.source)
            card = replace(card, size=sum(p.stat().st_size for p in folder.iterdir() if p.is_file()), present=True)
        else:
            card = replace(card, note=", ".join(filter(None, [card.note, "converted at first use"])))
        return [card if find_spec("ctranslate2") else replace(card, present=False, fetch=INSTALL)]

    def fetch(self, source: str | None = None, target: str | None = None) -> None:
        """Download the checkpoint where it is not here.

        Raises
        ------
        MissingModel
            If it, or the package ctranslate2, cannot be had.
        """
        packaged()
        if not self.source.ready:
            self.source.checkpoint.fetched()

    def _search(self, parts: Sequence[Part], target: str, no_repeat: int) -> Iterator[list[Draft]]:
        work = functools.partial(self._beams, target=target, no_repeat=no_repeat)
        if self._placed[0] == "cuda":
            return self._batches.of(parts, work)
        return in_order(lambda part: work([part])[0], parts, int(self._model.num_translators))

    def _beams(self, batch: Sequence[Part], target: str, no_repeat: int) -> list[list[Draft]]:
        """Beam search, wider for the texts that must hold certain words."""
        found: dict[int, list[Draft]] = {}
        for wanted in (False, True):
            chosen = [n for n, part in enumerate(batch) if bool(part.terms) is wanted]
            if not chosen:
                continue
            n_beams = N_BEST * WIDER if wanted else N_BEST
            results = self._model.translate_batch(
                [self._tokenizer.convert_ids_to_tokens(list(batch[n].tokens)) for n in chosen],
                target_prefix=[[target]] * len(chosen),
                # Of a window that was halved, so are the batches that the engine makes of it; a text may be longer.
                max_batch_size=max(1, self._batches.size * _TOKENS_PER_TEXT // WINDOW),
                batch_type="tokens",
                beam_size=n_beams,
                num_hypotheses=n_beams,
                no_repeat_ngram_size=no_repeat,
                max_input_length=0,
                max_decoding_length=LONGEST_OUTPUT,
                return_scores=True,
            )
            for n, result in zip(chosen, results, strict=True):
                found[n] = [self._draft(*pair) for pair in zip(result.hypotheses, result.scores, strict=True)]
        return [found[n] for n in range(len(batch))]

    def _draft(self, tokens: list[str], score: float) -> Draft:
        ids = self._tokenizer.convert_tokens_to_ids(tokens)
        # The end counts where it was reached, as it does in transformers.
        n_tokens = min(len(tokens) + 1, LONGEST_OUTPUT)
        return Draft(self._tokenizer.decode(ids, skip_special_tokens=True), score * n_tokens, n_tokens)

    @property
    def _window(self) -> int:
        return self._batches.size if self._placed[0] == "cuda" else self.compute.n_threads * WINDOW

    @property
    def _readable(self) -> int:
        return _READABLE

    @functools.cached_property
    def _placed(self) -> tuple[str, int]:
        return placed(self.compute)

    @property
    def _compute_type(self) -> str:
        return "int8" if self._placed[0] == "cpu" else "float16"

    @functools.cached_property
    def _folder(self) -> Path:
        """The converted model."""
        checkpoint = self.source.checkpoint
        return Path(checkpoint.source) if self.source.ready else converted(checkpoint, self._compute_type)

    @functools.cached_property
    def _model(self) -> Any:
        kind = self._placed[0]
        try:
            return self._loaded(self._compute_type)
        except RuntimeError as error:
            if not out_of_memory(error):
                raise self._damaged(error) from error
            log.warning("The GPU's memory is too small for %s in half precision: it runs in 8 bits", self.name)
        try:
            return self._loaded("int8_float16")
        except RuntimeError as error:
            raise (no_memory(self.name, kind) if out_of_memory(error) else self._damaged(error)) from error

    def _loaded(self, compute_type: str) -> Any:
        ctranslate2 = packaged()
        kind, index = self._placed
        return ctranslate2.Translator(
            str(self._folder),
            device=kind,
            device_index=index,
            compute_type=compute_type,
            inter_threads=1 if kind == "cuda" else self.compute.n_threads,
            intra_threads=1,
        )

    @functools.cached_property
    def _tokenizer(self) -> Any:
        from transformers import NllbTokenizer

        beside = self.source.tokenizer
        folder = self._folder
        if beside is not None:
            file = _tokenizer_file(beside)
            if file is None:
                raise MissingModel(
                    f"The tokenizer of {beside.source} is not here. Fetch it with: "
                    f"hf download {beside.source} --include '*.json' --include '*.model'"
                )
            folder = file.parent
        if _tokenizer_file(Checkpoint(str(folder), "m2m_100")) is None:
            raise MissingModel(
                f"The folder {folder} has no tokenizer.json beside the model. Copy it there from the checkpoint that the "
                f"model was made of, or name that checkpoint: nllb-ct2:{folder},facebook/nllb-200-3.3B"
            )
        try:
            return NllbTokenizer.from_pretrained(folder, local_files_only=True)
        except Exception as error:
            raise self._damaged(error) from error

    def _damaged(self, error: Exception) -> MissingModel:
        return MissingModel(
            f"The CTranslate2 model in {self._folder} cannot be loaded ({str(error)[:200]}). "
            f"{'Mend' if self.source.ready else 'Delete'} the folder and try again."
        )


def _tokenizer_file(checkpoint: Checkpoint) -> Path | None:
    """What a checkpoint's tokenizer is read from, if it is here."""
    return checkpoint.file("tokenizer.json") or checkpoint.file("sentencepiece.bpe.model")

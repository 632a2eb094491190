"""OpenAI's Whisper through transformers, any size, from the hub or a local folder.

Text comes from batched beam search. Word times and confidences come from a second, teacher-forced pass over the text
found, one waveform apart from the other, as in OpenAI's own implementation: cross-attention taken while searching
would hold every head of every beam in memory, and its times would depend on what else is in the batch.
"""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Self

from dubkit import languages
from dubkit.artefacts import Word
from dubkit.backends.hub import Checkpoint, batch_size, device
from dubkit.backends.protocols import Compute, Heard, ModelCard
from dubkit.backends.word_times import token_times, words
from dubkit.errors import MissingModel, UnsupportedPair, listed

if TYPE_CHECKING:
    import numpy as np
    import torch

DEFAULT = "openai/whisper-large-v3"
SAMPLE_RATE = 16_000
LONGEST = 30.0
# What multilingual checkpoints are trained on; the checkpoint's own list counts where it is here.
_TRAINED = """
en zh de es ru ko fr ja pt tr pl ca nl ar sv it id hi fi vi he uk el ms cs ro da hu ta no th ur hr bg lt la mi ml cy
sk te fa lv bn sr az sl kn et mk br eu is hy ne mn bs kk sq sw gl mr pa si km sn yo so af oc ka be tg sd gu am yi lo
uz fo ht ps tk nn mt sa lb my bo tl mg as tt haw ln ha ba jw su yue
"""


class Whisper:
    """Transcriber ``whisper:ID_OR_FOLDER``."""

    def __init__(self, checkpoint: Checkpoint, compute: Compute) -> None:
        self.checkpoint = checkpoint
        self.compute = compute

    @classmethod
    def from_spec(cls, argument: str, compute: Compute) -> Self:
        """Make it for a hub id or a folder; nothing is loaded yet."""
        return cls(Checkpoint.parse(argument or DEFAULT, "whisper"), compute)

    @property
    def fingerprint(self) -> str:
        """Checkpoint and revision."""
        return f"whisper:{self.checkpoint.fingerprint}"

    def models(self) -> list[ModelCard]:
        """The one checkpoint."""
        return [self.checkpoint.card()]

    def languages(self) -> frozenset[str]:
        """BCP-47 codes that it understands; English alone for the ``.en`` checkpoints."""
        return frozenset(self._codes)

    @functools.cached_property
    def _codes(self) -> dict[str, str]:
        """Whisper's own language codes by canonical code."""
        config = self.checkpoint.file("generation_config.json")
        told = json.loads(config.read_text(encoding="utf-8")) if config else {}
        if told.get("is_multilingual") is False or (not told and self.checkpoint.source.endswith(".en")):
            return {"en": "en"}
        spoken = [token.strip("<|>") for token in told.get("lang_to_id", ())] or _TRAINED.split()
        return {languages.parse(code): code for code in spoken}

    def detect_language(self, waveforms: Sequence[np.ndarray]) -> tuple[str, float]:
        """The language of 16 kHz waveforms of up to 30 s: the mean of what each alone would say."""
        if not self._multilingual:
            return "en", 1.0
        import torch

        ids = self._config.lang_to_id
        tokens = torch.tensor([ids[f"<|{code}|>"] for code in self._codes.values()], device=self._device)
        total = torch.zeros(len(tokens), dtype=torch.float64)
        for batch in self._batches(waveforms):
            encoded = self._encode(batch)
            start = torch.full((len(batch), 1), self._config.decoder_start_token_id, device=self._device)
            with torch.inference_mode():
                logits = self._model(encoder_outputs=(encoded,), decoder_input_ids=start, use_cache=False).logits[:, -1]
            total += logits[:, tokens].float().softmax(-1).double().sum(0).cpu()
        best = int(total.argmax())
        return list(self._codes)[best], round(float(total[best]) / len(waveforms), 4)

    def transcribe(self, waveforms: Sequence[np.ndarray], language: str, *, beam_size: int = 5) -> Iterator[Heard]:
        """What is said in 16 kHz waveforms of up to 30 s, with word times and probabilities.

        Raises
        ------
        UnsupportedPair
            If the checkpoint does not know the language.
        """
        if language not in self._codes:
            raise UnsupportedPair(
                f"{self.checkpoint.source} does not understand {language!r}. It knows: {listed(self.languages())}."
            )
        return self._transcribe(waveforms, language, beam_size)

    def _transcribe(self, waveforms: Sequence[np.ndarray], language: str, beam_size: int) -> Iterator[Heard]:
        for batch in self._batches(waveforms):
            audible = [w for w in batch if len(w)]
            found = iter(self._hear(audible, language, beam_size) if audible else ())
            for waveform in batch:
                yield next(found) if len(waveform) else Heard(())

    def _hear(self, batch: list[np.ndarray], language: str, beam_size: int) -> Iterator[Heard]:
        encoded = self._encode(batch)
        texts = self._search(encoded, language, beam_size)
        prompt = self._prompt(language)
        attentions, chances = self._read_again(encoded, prompt, texts)
        for n, (waveform, text) in enumerate(zip(batch, texts, strict=True)):
            # Row k of the attention is of the step that chose token k + 1: the prompt's last step chose the first.
            rows = slice(len(prompt) - 1, len(prompt) + len(text))
            seconds = len(waveform) / SAMPLE_RATE
            times = token_times(attentions[n][:, rows], seconds, self._model.config.median_filter_width)
            yield Heard(tuple(self._words(text, times, chances[n], language)))

    def _search(self, encoded: torch.Tensor, language: str, beam_size: int) -> list[list[int]]:
        """Beam search: the text tokens of each waveform, without special ones."""
        import torch
        from transformers.modeling_outputs import BaseModelOutput

        wanted = {"language": f"<|{self._codes[language]}|>", "task": "transcribe"} if self._multilingual else {}
        with torch.inference_mode():
            found = self._model.generate(
                # Beam search widens what it is given in place.
                encoder_outputs=BaseModelOutput(last_hidden_state=encoded),
                num_beams=beam_size,
                do_sample=False,
                return_timestamps=False,
                **wanted,
            )
        return [[token for token in row if token < self._end] for row in found.tolist()]

    def _read_again(
        self, encoded: torch.Tensor, prompt: list[int], texts: list[list[int]]
    ) -> tuple[list[np.ndarray], list[list[float]]]:
        """Per waveform, cross-attention (heads, tokens, frames) of prompt and text, and each text token's probability."""
        import torch

        width = max(len(text) for text in texts)
        fill = [prompt + text + [self._end] * (width - len(text)) for text in texts]
        tokens = torch.tensor(fill, device=self._device)
        with torch.inference_mode(), _attention(self._model, self._alignment_heads) as kept:
            logits = self._model(encoder_outputs=(encoded,), decoder_input_ids=tokens, use_cache=False).logits
        weights = torch.cat(kept, dim=1).numpy()
        sure = logits[:, len(prompt) - 1 :, : self._end].float().softmax(-1).cpu()
        chances = [[float(sure[n, k, token]) for k, token in enumerate(text)] for n, text in enumerate(texts)]
        return list(weights), chances

    def _words(self, text: list[int], times: list[float], chances: list[float], language: str) -> Iterator[Word]:
        tokenizer = self._processor.tokenizer

        def decode(tokens: list[int]) -> str:
            return str(tokenizer.decode(tokens, clean_up_tokenization_spaces=False))

        for word, first, last in words(text, decode, language):
            yield Word(
                text=word,
                start=round(times[first], 2),
                end=round(times[last + 1], 2),
                confidence=round(sum(chances[first : last + 1]) / (last + 1 - first), 4),
            )

    def _batches(self, waveforms: Sequence[np.ndarray]) -> Iterator[list[np.ndarray]]:
        """In order, checked.

        Raises
        ------
        ValueError
            If a waveform is longer than the 30 s that the model takes in.
        """
        for waveform in waveforms:
            if len(waveform) > LONGEST * SAMPLE_RATE:
                raise ValueError(
                    f"a waveform of {len(waveform) / SAMPLE_RATE:.1f} s; Whisper takes up to {LONGEST:.0f} s"
                )
        size = batch_size(self.compute)
        for n in range(0, len(waveforms), size):
            yield list(waveforms[n : n + size])

    def _encode(self, batch: list[np.ndarray]) -> torch.Tensor:
        import torch

        features = self._processor.feature_extractor(batch, sampling_rate=SAMPLE_RATE, return_tensors="pt")
        spectra = features.input_features.to(self._device, self._model.dtype)
        with torch.inference_mode():
            encoded: torch.Tensor = self._model.get_encoder()(spectra).last_hidden_state
        return encoded

    def _prompt(self, language: str) -> list[int]:
        """The tokens before the text: start, language, task, no timestamps."""
        config = self._config
        prompt = [config.decoder_start_token_id]
        if self._multilingual:
            prompt += [config.lang_to_id[f"<|{self._codes[language]}|>"], config.task_to_id["transcribe"]]
        return [*prompt, config.no_timestamps_token_id]

    @functools.cached_property
    def _model(self) -> Any:
        import torch
        from transformers import WhisperForConditionalGeneration

        dtype = torch.float32 if self._device == "cpu" else torch.float16
        return self.checkpoint.load(WhisperForConditionalGeneration, self.compute, dtype=dtype)

    @functools.cached_property
    def _processor(self) -> Any:
        from transformers import WhisperProcessor

        return self.checkpoint.load_processor(WhisperProcessor)

    @functools.cached_property
    def _config(self) -> Any:
        """The checkpoint's generation settings.

        Raises
        ------
        MissingModel
            If they are of the old kind, without the tokens of languages and tasks.
        """
        config = self._model.generation_config
        needed = ["no_timestamps_token_id"] + (["lang_to_id", "task_to_id"] if self._multilingual else [])
        if lacking := [n for n in needed if not getattr(config, n, None)]:
            raise MissingModel(
                f"generation_config.json of {self.checkpoint.source} has no {lacking[0]}. Take the file from the OpenAI "
                "checkpoint that it was made from, for example: hf download openai/whisper-large-v3 generation_config.json"
            )
        return config

    @functools.cached_property
    def _device(self) -> str:
        return device(self.compute)

    @property
    def _multilingual(self) -> bool:
        return bool(getattr(self._model.generation_config, "is_multilingual", True))

    @property
    def _end(self) -> int:
        """The end-of-text token; text tokens are below it, special ones above."""
        return int(self._processor.tokenizer.eos_token_id)

    @property
    def _alignment_heads(self) -> list[tuple[int, int]]:
        """(layer, head) pairs whose attention follows the sound; all of the upper half where the checkpoint names none."""
        config = self._model.config
        named = getattr(self._model.generation_config, "alignment_heads", None)
        upper = range(config.decoder_layers // 2, config.decoder_layers)
        return [(a, b) for a, b in named or [(n, h) for n in upper for h in range(config.decoder_attention_heads)]]


@contextlib.contextmanager
def _attention(model: Any, heads: list[tuple[int, int]]) -> Iterator[list[torch.Tensor]]:
    """Keep the cross-attention of some heads during one pass: a list of (batch, heads, tokens, frames), layer by layer."""
    kept: list[torch.Tensor] = []
    fast = model.config._attn_implementation
    # Only plain attention computes the weights; the fused kernels never hold them.
    model.set_attn_implementation("eager")
    hooks = []
    for layer in sorted({layer for layer, _ in heads}):
        chosen = [head for at, head in heads if at == layer]

        def keep(_module: Any, _inputs: Any, outputs: Any, chosen: list[int] = chosen) -> None:
            kept.append(outputs[1][:, chosen].float().cpu())

        hooks.append(model.get_decoder().layers[layer].encoder_attn.register_forward_hook(keep))
    try:
        yield kept
    finally:
        for hook in hooks:
            hook.remove()
        model.set_attn_implementation(fast)

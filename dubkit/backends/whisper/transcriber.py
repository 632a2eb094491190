"""OpenAI's Whisper through transformers, any size, from the hub or a local folder.

Text comes from beam search, word times and confidences from a second reading of it; edges at pauses then move onto the
sound. What the model writes on silence is dropped, and loops are read once more with repetitions barred.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Self

from dubkit import languages
from dubkit.artefacts import Word
from dubkit.backends.devices import Batches, device
from dubkit.backends.hub.checkpoint import Checkpoint, quietly
from dubkit.backends.protocols import Compute, Heard, ModelCard
from dubkit.backends.whisper import guard as whisper_guard
from dubkit.backends.whisper.guard import Draft, audible, longest_text
from dubkit.backends.whisper.reading import Reading, read_again
from dubkit.backends.whisper.word_edges import onto_sound
from dubkit.backends.whisper.word_times import token_times, words
from dubkit.errors import MissingModel, UnsupportedPair, listed

if TYPE_CHECKING:
    import numpy as np
    import torch
    from transformers import EncoderDecoderCache

DEFAULT = "openai/whisper-large-v3"
SAMPLE_RATE = 16_000
LONGEST = 30.0
SHORTEST = 0.1
# Raised whenever the method below changes what comes out.
_METHOD = 3
_TRAINED = """
en zh de es ru ko fr ja pt tr pl ca nl ar sv it id hi fi vi he uk el ms cs ro da hu ta no th ur hr bg lt la mi ml cy
sk te fa lv bn sr az sl kn et mk br eu is hy ne mn bs kk sq sw gl mr pa si km sn yo so af oc ka be tg sd gu am yi lo
uz fo ht ps tk nn mt sa lb my bo tl mg as tt haw ln ha ba jw su yue
"""
TRAINED = _TRAINED.split()
"""Whisper's own codes of the languages that multilingual models are trained on; a model's own list counts where it is here."""


class Whisper:
    """Transcriber ``whisper:ID_OR_FOLDER``."""

    def __init__(self, checkpoint: Checkpoint, compute: Compute) -> None:
        self.checkpoint = checkpoint
        self.compute = compute
        self._batches = Batches(compute, checkpoint.source)

    @classmethod
    def from_spec(cls, argument: str, compute: Compute) -> Self:
        """Make it for a hub id or a folder; nothing is loaded yet."""
        return cls(Checkpoint.parse(argument or DEFAULT, "whisper"), compute)

    @property
    def fingerprint(self) -> str:
        """Checkpoint and revision, and the revision of the method."""
        return f"whisper:{self.checkpoint.fingerprint}+{_METHOD}"

    def models(self, source: str | None = None, target: str | None = None) -> list[ModelCard]:
        """The one checkpoint."""
        return [self.checkpoint.card()]

    def fetch(self, source: str | None = None, target: str | None = None) -> None:
        """Download the checkpoint where it is not here."""
        self.checkpoint.fetched()

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
        spoken = [token.strip("<|>") for token in told.get("lang_to_id", ())] or TRAINED
        return {languages.parse(code): code for code in spoken}

    def detect_language(self, waveforms: Sequence[np.ndarray]) -> tuple[str, float]:
        """The language of 16 kHz waveforms of up to 30 s.

        Returns
        -------
        tuple of (str, float)
            BCP-47 code and probability: the mean over the waveforms, weighted by length. ``("en", 0.0)`` where there is
            nothing to hear.
        """
        import numpy as np

        heard = [w for w in _checked(waveforms) if audible(w, SHORTEST * SAMPLE_RATE)]
        if not heard:
            return "en", 0.0
        if not self._multilingual:
            return "en", 1.0
        odds = np.stack(list(self._batches.of(heard, self._language_odds)))
        mean = np.average(odds, axis=0, weights=[len(w) for w in heard])
        best = int(mean.argmax())
        return list(self._codes)[best], round(float(mean[best]), 4)

    def _language_odds(self, batch: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Each waveform's probabilities of the languages, in the order of the codes."""
        import torch

        ids = self._config.lang_to_id
        tokens = torch.tensor([ids[f"<|{code}|>"] for code in self._codes.values()], device=self._device)
        encoded = self._encode(batch)
        start = torch.full((len(batch), 1), self._config.decoder_start_token_id, device=self._device)
        with torch.inference_mode():
            logits = self._model(encoder_outputs=(encoded,), decoder_input_ids=start, use_cache=False).logits[:, -1]
        return list(logits[:, tokens].float().softmax(-1).double().cpu().numpy())

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
        hear = functools.partial(self._hear, language=language, beam_size=beam_size)
        return self._batches.of(_checked(waveforms), hear)

    def _hear(self, batch: Sequence[np.ndarray], language: str, beam_size: int) -> list[Heard]:
        heard = [w for w in batch if audible(w, SHORTEST * SAMPLE_RATE)]
        drafts = self._draft(heard, language, beam_size) if heard else []

        def read(waveform: np.ndarray, /, *, otherwise: bool = False, **search: Any) -> Draft:
            lead = 0.0
            if otherwise and not search:
                waveform, lead = whisper_guard.later(waveform, SAMPLE_RATE, LONGEST)
            (draft,) = self._draft([waveform], language, beam_size, **search)
            return whisper_guard.earlier(draft, lead)

        settled = (whisper_guard.settled(d, w, SAMPLE_RATE, read) for d, w in zip(drafts, heard, strict=True))
        return [Heard(_believed(next(settled), w) if audible(w, SHORTEST * SAMPLE_RATE) else ()) for w in batch]

    def _draft(self, batch: Sequence[np.ndarray], language: str, beam_size: int, **search: Any) -> list[Draft]:
        """Search, read again and align."""
        encoded, prompt, end = self._encode(batch), self._prompt(language), self._end
        seconds = [len(w) / SAMPLE_RATE for w in batch]
        most = longest_text(max(seconds), len(prompt), self._model.config.max_target_positions)
        texts = self._search(encoded, language, num_beams=beam_size, max_new_tokens=most - len(prompt), **search)
        readings = read_again(self._model, encoded, prompt, texts, end)
        return [
            Draft(
                tuple(self._words(text, reading, length, language)), length, reading.no_speech, reading.log_probability
            )
            for text, reading, length in zip(texts, readings, seconds, strict=True)
        ]

    def _search(self, encoded: torch.Tensor, language: str, **search: Any) -> list[list[int]]:
        """Beam search: the text tokens of each waveform, without special ones."""
        import torch
        from transformers.modeling_outputs import BaseModelOutput

        wanted = {"language": f"<|{self._codes[language]}|>", "task": "transcribe"} if self._multilingual else {}
        with torch.inference_mode(), quietly():
            found = self._model.generate(
                # Beam search widens what it is given in place.
                encoder_outputs=BaseModelOutput(last_hidden_state=encoded),
                # As OpenAI's own search ends; to go on costs several times the steps and finds loops.
                early_stopping=search["num_beams"] > 1,
                past_key_values=_one_cross_attention(),
                do_sample=False,
                return_timestamps=False,
                **wanted,
                **search,
            )
        end = self._end
        return [[token for token in row if token < end] for row in found.tolist()]

    def _words(
        self, text: list[int], reading: Reading, seconds: float, language: str
    ) -> Iterator[tuple[str, float, float, float]]:
        """Text, start, end and mean probability of each word."""
        tokenizer = self._processor.tokenizer
        times = token_times(reading.attention, seconds, self._model.config.median_filter_width)

        def decode(tokens: list[int]) -> str:
            return str(tokenizer.decode(tokens, clean_up_tokenization_spaces=False))

        for word, first, last in words(text, decode, language):
            chances = reading.chances[first : last + 1]
            yield word, times[first], times[last + 1], sum(chances) / len(chances)

    def _encode(self, batch: Sequence[np.ndarray]) -> torch.Tensor:
        import torch

        features = self._processor.feature_extractor(list(batch), sampling_rate=SAMPLE_RATE, return_tensors="pt")
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


def _checked(waveforms: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
    for waveform in waveforms:
        if len(waveform) > LONGEST * SAMPLE_RATE:
            raise ValueError(f"a waveform of {len(waveform) / SAMPLE_RATE:.1f} s; Whisper takes up to {LONGEST:.0f} s")
    return waveforms


def _one_cross_attention() -> EncoderDecoderCache:
    """A cache for beam search that leaves the attention to the sound alone where beams change places.

    All beams of a waveform hear the same, so that nothing changes; copying it at every step took 13 % of the search
    with a model of base's size on a processor.
    """
    from transformers import DynamicCache, EncoderDecoderCache

    cache = EncoderDecoderCache(DynamicCache(), DynamicCache())
    cache.reorder_cache = cache.self_attention_cache.reorder_cache  # type: ignore[method-assign]
    return cache


def _believed(draft: Draft, waveform: np.ndarray) -> tuple[Word, ...]:
    """A draft's words with their edges on the sound; none where nothing was said."""
    if draft.nothing_said:
        return ()
    heard = [Word(text=text, start=a, end=b, confidence=round(p, 4)) for text, a, b, p in draft.words]
    return onto_sound(heard, waveform, SAMPLE_RATE)

"""Whisper in CTranslate2 form (faster-whisper): quick on an ordinary processor, in 8-bit integers there.

On a processor every waveform is decoded alone, several side by side on one thread each: as quick as batches, and what
comes out does not depend on the number of threads or on what else is in the batch, so that a killed run goes on to the
same words. On a GPU waveforms go in batches, in half precision, which can differ from 8 bits by more than rounding:
they have one fingerprint all the same, because by dubkit's rule nothing in ``Compute`` is part of a key.

The package's own ``transcribe`` is for long files; the waveforms here are cut already, so that a plain encode, search and
align does, with no second seek loop, no sampling and no state between waveforms.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Self, TypeVar

from dubkit import languages
from dubkit.artefacts import Word
from dubkit.backends.devices import Batches
from dubkit.backends.in_order import in_order
from dubkit.backends.protocols import Compute, Heard, ModelCard
from dubkit.backends.whisper import guard as whisper_guard
from dubkit.backends.whisper.faster_model import PACKAGED, WhisperSource, placed
from dubkit.backends.whisper.guard import Draft
from dubkit.backends.whisper.word_edges import onto_sound
from dubkit.backends.whisper.word_times import continues
from dubkit.errors import UnsupportedPair, listed

if TYPE_CHECKING:
    import numpy as np

Made = TypeVar("Made")
SAMPLE_RATE = 16_000
LONGEST = 30.0
SHORTEST = 0.1
# Raised whenever the method below changes what comes out.
_METHOD = 5
_FRAMES_PER_SECOND = 100
# Whose tokens faster-whisper takes for words, each by itself.
_UNSPACED = frozenset({"zh", "ja", "th", "lo", "my", "yue"})
_OPENING, _CLOSING = "\"'“¿([{-", "\"'.。,，!！?？:：”)]}、"


class FasterWhisper:
    """Transcriber ``faster-whisper:packaged-base``, ``:SIZE`` (such as ``large-v3``), ``:HUB_ID`` or ``:FOLDER``."""

    def __init__(self, source: WhisperSource, compute: Compute) -> None:
        self.source = source
        self.compute = compute
        self._batches = Batches(compute, f"faster-whisper:{source.name}")

    @classmethod
    def from_spec(cls, argument: str, compute: Compute) -> Self:
        """Make it for the packaged model (no argument), a size, a hub id or a CTranslate2 folder; nothing is loaded."""
        return cls(WhisperSource(argument or PACKAGED), compute)

    @property
    def fingerprint(self) -> str:
        """Model and revision, and the revision of the decoding method."""
        return f"faster-whisper:{self.source.identity}+{_METHOD}"

    def models(self, source: str | None = None, target: str | None = None) -> list[ModelCard]:
        """The one model."""
        return [self.source.card()]

    def fetch(self, source: str | None = None, target: str | None = None) -> None:
        """Download the model where it is not here."""
        self.source.fetched()

    def languages(self) -> frozenset[str]:
        """BCP-47 codes that it understands; English alone for the ``.en`` models."""
        return frozenset(self._codes)

    def detect_language(self, waveforms: Sequence[np.ndarray]) -> tuple[str, float]:
        """The language spoken in 16 kHz waveforms of up to 30 s.

        Returns
        -------
        tuple of (str, float)
            BCP-47 code and probability: the mean over the waveforms, weighted by length. ``("en", 0.0)`` where there is
            nothing to hear.
        """
        audible = [w for w in _checked(waveforms) if whisper_guard.audible(w, SHORTEST * SAMPLE_RATE)]
        if not audible:
            return "en", 0.0
        if not self._model.model.is_multilingual:
            return "en", 1.0
        canonical = {code: ours for ours, code in self._codes.items()}
        total = dict.fromkeys(self._codes, 0.0)
        for waveform, odds in zip(audible, self._each_batch(audible, self._languages_of), strict=True):
            for token, probability in odds:
                if (ours := canonical.get(token.strip("<|>"))) is not None:
                    total[ours] += probability * len(waveform)
        best = max(total, key=lambda code: total[code])
        return best, round(total[best] / sum(map(len, audible)), 4)

    def transcribe(self, waveforms: Sequence[np.ndarray], language: str, *, beam_size: int = 5) -> Iterator[Heard]:
        """What is said in 16 kHz waveforms of up to 30 s, with word times and probabilities.

        Raises
        ------
        UnsupportedPair
            If the model does not know the language.
        """
        if language in self._codes:
            # What its own files say may be less than what such models are trained on.
            self.source.fetched()
        if language not in self._codes:
            raise UnsupportedPair(
                f"The Whisper model {self.source.name} does not understand {language!r}. It knows: {listed(self.languages())}."
            )
        return self._transcribe(_checked(waveforms), language, beam_size)

    def _transcribe(self, waveforms: Sequence[np.ndarray], language: str, beam_size: int) -> Iterator[Heard]:
        hear = functools.partial(self._hear, language=language, beam_size=beam_size)
        yield from self._each_batch(waveforms, hear)

    def _each_batch(
        self, waveforms: Sequence[np.ndarray], work: Callable[[Sequence[np.ndarray]], list[Made]]
    ) -> Iterator[Made]:
        """What `work` makes of each waveform, in order, on a processor a few computed ahead."""
        import torch

        # The memory of the GPU is watched through PyTorch; where that does not see it, one at a time is sure to fit.
        if self._device[0] == "cuda" and torch.cuda.is_available():
            yield from self._batches.of(waveforms, work)
            return
        for made in in_order(work, [[waveform] for waveform in waveforms], int(self._model.model.num_workers)):
            yield from made

    def _languages_of(self, batch: Sequence[np.ndarray]) -> list[list[tuple[str, float]]]:
        found: list[list[tuple[str, float]]] = self._model.model.detect_language(
            self._encode(batch, self._window(batch))
        )
        return found

    def _hear(self, batch: Sequence[np.ndarray], language: str, beam_size: int) -> list[Heard]:
        audible = [w for w in batch if whisper_guard.audible(w, SHORTEST * SAMPLE_RATE)]
        if not audible:
            return [Heard(()) for _ in batch]
        tokenizer = self._tokenizer(language)

        def read(waveform: np.ndarray, /, *, otherwise: bool = False, **search: Any) -> Draft:
            # As the model was trained: in a full half minute; where it was read so already, a little later in it.
            usual = self._window([waveform])
            lead = 0.0
            if otherwise and usual == LONGEST and not search:
                waveform, lead = whisper_guard.later(waveform, SAMPLE_RATE, LONGEST)
            (draft,) = self._draft([waveform], LONGEST if otherwise else usual, tokenizer, beam_size, **search)
            return whisper_guard.earlier(draft, lead)

        drafts = self._draft(audible, self._window(audible), tokenizer, beam_size)
        settled = (whisper_guard.settled(d, w, SAMPLE_RATE, read) for d, w in zip(drafts, audible, strict=True))
        return [
            Heard(self._words(next(settled), w)) if whisper_guard.audible(w, SHORTEST * SAMPLE_RATE) else Heard(())
            for w in batch
        ]

    def _draft(
        self, batch: Sequence[np.ndarray], window: float, tokenizer: Any, beam_size: int, **search: Any
    ) -> list[Draft]:
        """Search and align, all in a window of that many seconds."""
        from faster_whisper.transcribe import get_suppressed_tokens, merge_punctuations

        encoded = self._encode(batch, window)
        prompt = [*tokenizer.sot_sequence, tokenizer.no_timestamps]
        seconds = max(map(len, batch)) / SAMPLE_RATE
        results = self._model.model.generate(
            encoded,
            [prompt] * len(batch),
            beam_size=beam_size,
            max_length=whisper_guard.longest_text(seconds, len(prompt), self._model.max_length),
            suppress_tokens=get_suppressed_tokens(tokenizer, [-1]),
            return_scores=True,
            return_no_speech_prob=True,
            **search,
        )
        texts = [[token for token in r.sequences_ids[0] if token < tokenizer.eot] for r in results]
        frames = [min(round(window * _FRAMES_PER_SECOND), len(w) * _FRAMES_PER_SECOND // SAMPLE_RATE) for w in batch]
        drafts = []
        for waveform, result, words in zip(
            batch, results, self._model.find_alignment(tokenizer, texts, encoded, frames), strict=True
        ):
            if tokenizer.language_code in _UNSPACED:
                words = _with_whole_words(words)
            merge_punctuations(words, _OPENING, _CLOSING)
            n_tokens = len(result.sequences_ids[0])
            drafts.append(
                Draft(
                    words=tuple(
                        (w["word"].strip(), float(w["start"]), float(w["end"]), float(w["probability"]))
                        for w in words
                        if w["word"].strip()
                    ),
                    seconds=len(waveform) / SAMPLE_RATE,
                    no_speech=float(result.no_speech_prob),
                    # The score is a mean over the tokens without the end of text.
                    log_probability=float(result.scores[0]) * n_tokens / (n_tokens + 1),
                )
            )
        return drafts

    def _words(self, draft: Draft, waveform: np.ndarray) -> tuple[Word, ...]:
        if draft.nothing_said:
            return ()
        heard = [Word(text=text, start=a, end=b, confidence=round(p, 4)) for text, a, b, p in draft.words]
        return onto_sound(heard, waveform, SAMPLE_RATE)

    def _window(self, batch: Sequence[np.ndarray]) -> float:
        """Seconds of sound to encode, silence after the waveforms included.

        Whisper was trained on half minutes, and encoding one is most of the work for a short line. The packaged model
        reads as well in 15 s as long as a few seconds of silence follow: WER on 40 English prompts .053 and .056, on
        40 Spanish ones .101 and .114, at 0.4 of the time. Other models are not measured, so they get their half minute.
        """
        if not self.source.packaged:
            return LONGEST
        seconds = max(map(len, batch)) / SAMPLE_RATE
        return min(LONGEST, max(15.0, 5.0 * -(-(seconds + 4.0) // 5.0)))

    def _encode(self, batch: Sequence[np.ndarray], window: float) -> Any:
        import numpy as np

        n_samples, n_frames = round(window * SAMPLE_RATE), round(window * _FRAMES_PER_SECOND)
        extract = self._model.feature_extractor
        padded = (np.pad(w.astype(np.float32), (0, n_samples - len(w))) for w in batch)
        return self._model.encode(np.stack([extract(p, padding=0)[:, :n_frames] for p in padded]))

    def _tokenizer(self, language: str) -> Any:
        from faster_whisper.tokenizer import Tokenizer

        model = self._model
        return Tokenizer(model.hf_tokenizer, model.model.is_multilingual, "transcribe", self._codes[language])

    @property
    def _codes(self) -> dict[str, str]:
        """Whisper's own language codes by canonical code."""
        return {languages.parse(code): code for code in self.source.spoken}

    @functools.cached_property
    def _device(self) -> tuple[str, int]:
        return placed(self.compute)

    @functools.cached_property
    def _model(self) -> Any:
        device, index = self._device
        threads = self.compute.n_threads
        n_workers = 1 if device == "cuda" else min(threads, self.compute.batch_size)
        return self.source.load(device, index, n_workers, threads // n_workers)


def _with_whole_words(words: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Names in Latin letters and numbers put together again, which come in pieces like the words around them."""
    whole: list[dict[str, Any]] = []
    for word in words:
        if whole and continues(whole[-1]["word"], word["word"]):
            before = whole[-1]
            n_before, n_after = len(before["tokens"]), len(word["tokens"])
            sure = (before["probability"] * n_before + word["probability"] * n_after) / max(1, n_before + n_after)
            whole[-1] = {
                "word": before["word"] + word["word"],
                "tokens": [*before["tokens"], *word["tokens"]],
                "start": before["start"],
                "end": word["end"],
                "probability": sure,
            }
        else:
            whole.append(word)
    return whole


def _checked(waveforms: Sequence[np.ndarray]) -> Sequence[np.ndarray]:
    for waveform in waveforms:
        if len(waveform) > LONGEST * SAMPLE_RATE:
            raise ValueError(f"a waveform of {len(waveform) / SAMPLE_RATE:.1f} s; Whisper takes up to {LONGEST:.0f} s")
    return waveforms

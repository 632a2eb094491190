"""Meta's MMS text-to-speech through transformers' VITS: one model and one voice per language, loaded when it is needed.

The one voice is also offered moved in pitch and formants, as two women and two men
(:mod:`dubkit.backends.mms.voice_shift`), so that speakers can be told apart. What gender the models' own voices have is not
documented: it is heard from words of the language when a model is loaded.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from dubkit import languages
from dubkit.artefacts import Voice
from dubkit.backends import devices
from dubkit.backends.devices import Batches
from dubkit.backends.hub.checkpoint import Checkpoint
from dubkit.backends.in_order import in_order
from dubkit.backends.mms import languages as mms_languages
from dubkit.backends.mms import text as mms_text
from dubkit.backends.mms import vits, voice_shift
from dubkit.backends.mms.text import Reader, remedy, version
from dubkit.backends.protocols import Compute, ModelCard, Request
from dubkit.errors import BadInput, UnsupportedPair, listed
from dubkit.record import Seconds

if TYPE_CHECKING:
    import numpy as np

log = logging.getLogger(__name__)

HUB = "facebook/mms-tts-"
EXAMPLE = "en"
QUIET = 40
"""Decibels below the loudest part of a clip at which its ends count as silence."""
WORDLESS = 0.05
"""Seconds of silence in place of a text with nothing that the model can say."""
WINDOW = 8
"""Batches whose lines are sorted by length together; more would make the first clip wait longer."""
# Raised whenever the method changes what comes out.
_METHOD = 3
_NAMES = {"female": "female", "male": "male", "female2": "second female", "male2": "second male"}


@dataclass(frozen=True)
class _Spoken:
    """A language in memory.

    Parameters
    ----------
    model : transformers.VitsModel
        In evaluation mode, on the device.
    reader : Reader
        From a line to its tokens.
    silence : float
        Seconds of silence that its voice leaves at both ends of a clip together.
    pitch : float or None
        Median pitch of its voice in Hz; None where none is heard.
    """

    model: Any
    reader: Reader
    silence: Seconds = 0.0
    pitch: float | None = None

    def line(self, text: str, rate: float = 1.0) -> tuple[vits.Line | None, str]:
        """A text as the model takes it, None where it has no sounds for it; and what of it cannot be said."""
        tokens, lacking = self.reader.tokens(text)
        return (None if tokens is None else vits.Line(tokens.to(self.model.device), rate)), lacking


class Mms:
    """Synthesizer ``mms``, or ``mms:FOLDER`` with one subfolder per ISO 639-3 code."""

    sample_rate = 16_000
    rates = (0.85, 1.3)

    def __init__(self, sources: dict[str, Checkpoint], compute: Compute) -> None:
        self.sources = sources
        self.compute = compute
        self._loaded: dict[str, _Spoken] = {}
        self._batches = Batches(compute, "MMS")

    @classmethod
    def from_spec(cls, argument: str, compute: Compute) -> Self:
        """Make it for the hub's models or those in a folder; nothing is loaded yet.

        Raises
        ------
        BadInput
            If the folder is not there or holds no model under a language's code.
        """
        if not argument:
            return cls({k: Checkpoint(HUB + code, "vits") for k, code in mms_languages.codes().items()}, compute)
        home = Path(argument).expanduser()
        found = {p.name: p for p in sorted(home.iterdir()) if (p / "config.json").is_file()} if home.is_dir() else {}
        if not found:
            raise BadInput(
                f"{argument!r} is not a folder with MMS models. Give one that holds a subfolder per ISO 639-3 code, for "
                f"example {argument}/por made by: hf download {HUB}por --local-dir {argument}/por ; or leave it out: mms"
            )
        return cls({mms_languages.language(k): Checkpoint(str(path), "vits") for k, path in found.items()}, compute)

    @property
    def fingerprint(self) -> str:
        """What turns figures, letters and voices into others; see :meth:`revision` for the checkpoint of a language.

        It does not change when the model of another language comes.
        """
        readers = ",".join(f"{name}-{version(name)}" for name in ("num2words", "uroman", "babel"))
        return f"mms-{_METHOD}:{readers}+{voice_shift.shifter()}"

    def revision_of(self, language: str) -> str:
        """Checkpoint and revision that speak a language; empty for one that it does not speak."""
        return self.sources[language].fingerprint if language in self.sources else ""

    def models(self, source: str | None = None, target: str | None = None) -> list[ModelCard]:
        """The target language's model and the package that it needs, if any; none for languages that it does not speak.

        Without a target, those that are here, or an example where there are none.
        """
        if target is not None:
            # Beside other synthesizers it is asked about languages that it leaves to them.
            wanted = [self.sources[target]] if target in self.sources else []
        else:
            wanted = [c for c in self.sources.values() if c.folder] or [self._example()]
        romanizer = [mms_text.romanizer_card()] if any(map(mms_text.reads_romanized, wanted)) else []
        return [c.card() for c in wanted] + romanizer

    def fetch(self, source: str | None = None, target: str | None = None) -> None:
        """Download the target language's model where it is not here; without one, an example if there is none at all."""
        if target in self.sources:
            self.sources[target].fetched()
        elif target is None and not any(c.folder for c in self.sources.values()):
            self._example().fetched()

    def languages(self) -> frozenset[str]:
        """BCP-47 codes that it can speak."""
        return frozenset(self.sources)

    def voices(self, language: str) -> tuple[Voice, ...]:
        """A language's voice as two women and two men, and last as it is, since its gender is not known beforehand.

        The first of the gender that the voice has is the voice as it is; see :func:`dubkit.backends.mms.voice_shift.shift`.
        """
        if language not in self.sources:
            return ()
        name = f"MMS {languages.name(language)}"
        plain = Voice(
            id=f"mms:{language}", language=language, gender="unknown", name=name, model=self.revision_of(language)
        )
        variants = (
            plain.but(id=f"{plain.id}+{k}", gender=v.gender, name=f"{name}, {_NAMES[k]}")
            for k, v in voice_shift.VARIANTS.items()
        )
        return *variants, plain

    def predict(self, request: Request) -> Seconds:
        """What VITS's duration predictor says, exactly, less the silence that the voice usually leaves at the ends.

        Raises
        ------
        UnsupportedPair
            If there is no model for the voice's language.
        """
        spoken = self._spoken(request.voice.language)
        line, _ = spoken.line(request.text, request.rate)
        if line is None:
            return WORDLESS
        whole = vits.n_samples(spoken.model, line) / float(spoken.model.config.sampling_rate)
        return max(WORDLESS, whole - spoken.silence / request.rate)

    def synthesize(self, requests: Sequence[Request]) -> Iterator[np.ndarray]:
        """A mono clip at 16 kHz per request, in order, without silence at either end.

        Raises
        ------
        UnsupportedPair
            If there is no model for a voice's language.
        BadInput
            If a voice is none of MMS's.
        """
        variants = [_variant(request.voice) for request in requests]
        if any(variants) and not voice_shift.has_rubberband():
            log.warning(voice_shift.NO_RUBBERBAND)
        size = devices.batch_size(self.compute)
        window = size * WINDOW if size > 1 else 1
        told: set[tuple[str, str]] = set()
        for n in range(0, len(requests), window):
            yield from self._speak(requests[n : n + window], told)

    def _speak(self, requests: Sequence[Request], told: set[tuple[str, str]]) -> Iterator[np.ndarray]:
        """Clips of a window of requests, batches of each language sorted by length."""
        lines = [self._checked(request, told) for request in requests]
        order = sorted(
            (k for k, line in enumerate(lines) if line),
            key=lambda k: (requests[k].voice.language, lines[k].tokens.shape[1] / lines[k].rate),  # type: ignore[union-attr]
        )
        sounds: dict[int, np.ndarray] = {}
        for language, members in groupby(order, key=lambda k: requests[k].voice.language):
            model, numbers = self._spoken(language).model, list(members)
            made = self._batches.of(
                numbers,
                lambda batch, model=model: vits.waveforms(model, [lines[k] for k in batch]),  # type: ignore[misc]
            )
            sounds.update(zip(numbers, made, strict=True))
        yield from in_order(
            lambda k: self._finished(requests[k], sounds.get(k)), range(len(requests)), self.compute.n_threads
        )

    def _checked(self, request: Request, told: set[tuple[str, str]]) -> vits.Line | None:
        """The line, after telling of what cannot be said of it unless that is told; None where it has no sounds at all."""
        line, lacking = self._spoken(request.voice.language).line(request.text, request.rate)
        known = (request.voice.language, request.text)
        if known not in told and (lacking or line is None):
            told.add(known)
            if line is None:
                log.warning("MMS has no sounds for %r: the line stays silent", request.text)
            else:
                log.warning("MMS leaves out %s of %r%s", " ".join(lacking), request.text, remedy(lacking))
        return line

    def _finished(self, request: Request, sound: np.ndarray | None) -> np.ndarray:
        """The clip in the wanted voice."""
        import numpy as np

        if sound is None:
            return np.zeros(round(WORDLESS * self.sample_rate), np.float32)
        spoken = self._spoken(request.voice.language)
        clip = self._trimmed(sound, spoken.model.config.sampling_rate)
        if variant := _variant(request.voice):
            clip = voice_shift.shifted(clip, self.sample_rate, voice_shift.shift(variant, spoken.pitch))
        limited: np.ndarray = np.clip(clip, -1.0, 1.0).astype(np.float32)
        return limited

    def _trimmed(self, sound: np.ndarray, sample_rate: int) -> np.ndarray:
        import librosa

        if sample_rate != self.sample_rate:
            sound = librosa.resample(sound, orig_sr=sample_rate, target_sr=self.sample_rate)
        trimmed: np.ndarray = librosa.effects.trim(sound, top_db=QUIET, frame_length=512, hop_length=128)[0]
        return trimmed

    def _spoken(self, language: str) -> _Spoken:
        if language not in self._loaded:
            from transformers import VitsModel, VitsTokenizer

            source = self._source(language)
            tokenizer = source.load_processor(VitsTokenizer)
            # Its flows lose precision in half floats, and it is small.
            model = source.load(VitsModel, self.compute)
            self._loaded[language] = self._heard(_Spoken(model, Reader(tokenizer, language)), language)
        return self._loaded[language]

    def _heard(self, spoken: _Spoken, language: str) -> _Spoken:
        """The language with its voice's pitch and silence, heard from words that it can say."""
        line = spoken.line(mms_languages.known_words(language))[0] or spoken.line(spoken.reader.letters())[0]
        if line is None:
            return spoken
        rate = spoken.model.config.sampling_rate
        (sound,) = vits.waveforms(spoken.model, [line])
        clip = self._trimmed(sound, rate)
        silence = max(0.0, len(sound) / rate - len(clip) / self.sample_rate)
        pitch = voice_shift.median_pitch([clip], self.sample_rate)
        return replace(spoken, silence=silence, pitch=pitch)

    def _example(self) -> Checkpoint:
        return self.sources.get(EXAMPLE) or next(iter(self.sources.values()))

    def _source(self, language: str) -> Checkpoint:
        if language not in self.sources:
            raise UnsupportedPair(f"MMS has no voice for {language!r}. It speaks: {listed(self.languages(), 150)}.")
        return self.sources[language]


def _variant(voice: Voice) -> voice_shift.Variant | None:
    """What the model's voice is to become; None for the voice as it is."""
    base, _, name = voice.id.partition("+")
    if base != f"mms:{voice.language}" or (name and name not in voice_shift.VARIANTS):
        known = [f"mms:{voice.language}", *(f"mms:{voice.language}+{k}" for k in voice_shift.VARIANTS)]
        raise BadInput(f"{voice.id!r} is not a voice of MMS. For {voice.language!r} it has: {listed(known)}.")
    return voice_shift.VARIANTS.get(name)

"""Kyutai's Pocket TTS: natural speech in seven languages on a processor, in stock voices or in the speaker's own.

It is used through the ``pocket-tts`` package rather than through transformers: the package says which revision of which
weights belongs to each language and brings the stock voices, and its loader takes plain local files. It speaks one line
at a time; transformers would batch, but draws one block of random numbers for a batch, so that a line would sound
different beside other lines.

Its terms allow copying a voice with the explicit consent of its owner only; the stage that casts asks for it.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
import logging
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from dubkit import languages
from dubkit.artefacts import Voice
from dubkit.backends.devices import device, no_memory, out_of_memory
from dubkit.backends.hub.download import explained, knock
from dubkit.backends.pocket import voices as pocket_voices
from dubkit.backends.pocket.files import LanguageFiles, library_config
from dubkit.backends.pocket.library import load, one_thread, seeded, warnings_told
from dubkit.backends.pocket.voices import LANGUAGES, OWN
from dubkit.backends.protocols import Compute, ModelCard, Request
from dubkit.backends.silence import nothing
from dubkit.backends.speakable import speakable
from dubkit.durations import natural_duration
from dubkit.errors import BadInput, MissingModel, UnsupportedPair, listed
from dubkit.record import Seconds

if TYPE_CHECKING:
    import numpy as np
    import torch

log = logging.getLogger(__name__)

EXAMPLE = "en"
QUIET = 45
"""Decibels below the loudest part of a clip at which its ends count as silence: its codec leaves a little noise there."""
LONGEST_REFERENCE = 30.0
"""Seconds; to which the library itself cuts longer prompts."""
KEPT_VOICES = 16
_REVISION = "1"


class Pocket:
    """Synthesizer ``pocket``, or ``pocket:FOLDER`` with one subfolder per language (``fr``, or ``french`` as on the hub).

    A folder's weights are taken to be those that can copy voices.
    """

    sample_rate = 24_000
    rates = (1.0, 1.0)
    """It has no control over its rate."""

    def __init__(self, sources: dict[str, LanguageFiles], compute: Compute) -> None:
        self.sources = sources
        self.compute = compute
        self._models: dict[tuple[str, bool], Any] = {}
        self._voices: OrderedDict[tuple[str, str], Any] = OrderedDict()

    @classmethod
    def from_spec(cls, argument: str, compute: Compute) -> Self:
        """Make it for the hub's models or those in a folder; nothing is loaded yet.

        Raises
        ------
        BadInput
            If the folder is not there or holds no model of a language.
        MissingModel
            If the library is not installed.
        """
        if not argument:
            found = {code: (name, library_config(name)) for code, name in LANGUAGES.items()}
            return cls({c: LanguageFiles(name, config) for c, (name, config) in found.items() if config}, compute)
        home = Path(argument).expanduser()
        folders = [p for p in sorted(home.iterdir()) if p.is_dir()] if home.is_dir() else []
        sources = {code: files for folder in folders for code, files in _in_folder(folder)}
        if not sources:
            raise BadInput(
                f"{argument!r} is not a folder with Pocket TTS models. Give one that holds a subfolder per language "
                "(fr, or french) with model.safetensors, tokenizer.json and embeddings, for example the folder "
                "'languages' of kyutai/pocket-tts on the hub; or leave it out: pocket"
            )
        return cls(sources, compute)

    @functools.cached_property
    def fingerprint(self) -> str:
        """The library's version, which determines the hub's files; of a folder, a digest of its content."""
        name = f"pocket-tts-{importlib.metadata.version('pocket-tts')}-{_REVISION}"
        return ":".join([name, *sorted(f.fingerprint for f in self.sources.values() if f.folder)])

    def models(self, source: str | None = None, target: str | None = None) -> list[ModelCard]:
        """The target language's models; without one, those that are here, or an example where there are none."""
        if target is not None:
            # Beside other synthesizers it is asked about languages that it leaves to them.
            return self._cards(target) if target in self.sources else []
        all_cards = [self._cards(code) for code in self.sources]
        here = [card for cards in all_cards if any(c.present for c in cards) for card in cards]
        return here or self._cards(EXAMPLE if EXAMPLE in self.sources else next(iter(self.sources)))

    def _cards(self, language: str) -> list[ModelCard]:
        return self.sources[language].cards(self._names(language))

    def _names(self, language: str) -> list[str]:
        """The stock voices' own names."""
        return [v.id.partition(":")[2] for v in self.voices(language)]

    def fetch(self, source: str | None = None, target: str | None = None) -> None:
        """Download a language's model and stock voices, and the weights that copy voices where the hub gives them.

        Raises
        ------
        MissingModel
            If the model or a stock voice cannot be had. Where the weights that copy voices cannot, a warning tells it.
        """
        language = target or EXAMPLE
        files = self.sources.get(language)
        if files is None or files.folder or (target is None and any(c.present for c in self.models())):
            return
        needed, cloning = files.needed(self._names(language)), files.cloning()
        lacking = [file for file in [*needed, cloning] if file and not file.local()]
        if lacking:
            # Once: without a network the library would wait for it anew with every file.
            with explained(f"{lacking[0].repository} ({lacking[0].path})", lacking[0].command):
                knock()
        for file in needed:
            file.fetched()
        try:
            if cloning:
                cloning.fetched()
        except MissingModel as error:
            log.warning("%s", error)

    def languages(self) -> frozenset[str]:
        """BCP-47 codes that it can speak."""
        return frozenset(self.sources)

    def voices(self, language: str) -> tuple[Voice, ...]:
        """The stock voices for a language, its native one first."""
        if language not in self.sources:
            return ()
        files = self.sources[language]
        known = pocket_voices.names(language)
        names = sorted(files.voices, key=lambda n: (n not in known, known.index(n) if n in known else 0, n))
        return tuple(pocket_voices.voice(name, language) for name in (names if files.folder else known))

    def own_voice(self, language: str) -> Voice | None:
        """The voice that stands for a copy of the one in :attr:`Request.reference`; None for other languages."""
        if language not in self.sources:
            return None
        return Voice(id=OWN, language=language, gender="unknown", name="the speaker's own voice")

    def predict(self, request: Request) -> Seconds:
        """What the text takes in its language at the usual pace: the model decides its rhythm while it speaks."""
        expected = natural_duration(speakable(request.text), request.voice.language, request.voice.id)
        return max(expected, len(nothing(self.sample_rate)) / self.sample_rate)

    def synthesize(self, requests: Sequence[Request]) -> Iterator[np.ndarray]:
        """A mono clip at 24 kHz per request, in order, without silence at either end.

        Raises
        ------
        BadInput
            If a voice is none of its own, or a voice is to be copied without a reference.
        MissingModel
            If a model or a voice is not here and cannot be fetched.
        OutOfMemory
            If the model does not fit the GPU.
        """
        for request in requests:
            self._check(request)
        for request in requests:
            try:
                with one_thread():
                    clip = self._speak(request)
            except RuntimeError as error:
                if out_of_memory(error):
                    raise no_memory("Pocket TTS", device(self.compute)) from error
                raise
            yield clip

    def _speak(self, request: Request) -> np.ndarray:
        import librosa
        import numpy as np

        from dubkit.audio import resample

        text = speakable(request.text)
        if not any(c.isalnum() for c in text):
            log.warning("Pocket TTS has no sounds for %r: the line stays silent", request.text)
            return nothing(self.sample_rate)
        voice = self._voice(request)
        model = self._model(request.voice)
        with warnings_told(log, text), seeded(model.device):
            sound = model.generate_audio(voice, text)
        samples = resample(sound.float().cpu().numpy(), model.sample_rate, self.sample_rate)
        spoken, _ = librosa.effects.trim(samples, top_db=QUIET, frame_length=512, hop_length=128)
        clip: np.ndarray = np.clip(spoken, -1.0, 1.0).astype(np.float32)
        return clip

    def _voice(self, request: Request) -> Any:
        """The model's state after it has heard the voice; a recording is listened to once."""
        language, name = request.voice.language, request.voice.id.partition(":")[2]
        key = (language, request.reference.sha256 if request.voice.id == OWN and request.reference else name)
        if key not in self._voices:
            model = self._model(request.voice)
            heard = self._recording(request, model.sample_rate) if request.voice.id == OWN else self._stock(request)
            self._voices[key] = model.get_state_for_audio_prompt(heard)
            if len(self._voices) > KEPT_VOICES:
                self._voices.popitem(last=False)
        self._voices.move_to_end(key)
        return self._voices[key]

    def _stock(self, request: Request) -> Path:
        return self._source(request.voice.language).voice(request.voice.id.partition(":")[2])

    def _recording(self, request: Request, sample_rate: int) -> torch.Tensor:
        """The reference as the model takes it, shape (1, n_samples)."""
        import torch

        from dubkit.audio import resample

        assert request.reference is not None
        samples = request.reference.load(0.0, LONGEST_REFERENCE)
        mono = samples if samples.ndim == 1 else samples.mean(axis=1)
        return torch.from_numpy(resample(mono, request.reference.sample_rate, sample_rate))[None]

    def _model(self, voice: Voice) -> Any:
        """The language's model; for copied voices another, so that stock voices do not depend on what is here."""
        files = self._source(voice.language)
        key = (voice.language, voice.id == OWN and files.folder is None)
        if key not in self._models:
            with files.local_config(cloning=key[1]) as config:
                try:
                    model = load(config)
                except MemoryError:
                    raise
                except Exception as error:
                    raise MissingModel(
                        f"The files of Pocket TTS for {languages.name(voice.language)} are damaged or do not fit the "
                        f"installed pocket-tts ({type(error).__name__}: {str(error)[:300]}). Fetch them again: "
                        f"{files.cards()[-1 if key[1] else 0].fetch}"
                    ) from error
            self._models[key] = model.to(device(self.compute))
        return self._models[key]

    def _check(self, request: Request) -> None:
        names = [v.id for v in self.voices(self._language(request.voice.language))]
        if request.voice.id == OWN and request.reference is None:
            raise BadInput("The voice 'pocket:own' copies a recording, but the line came without one.")
        if request.voice.id != OWN and request.voice.id not in names:
            raise BadInput(
                f"{request.voice.id!r} is not a voice of Pocket TTS. For {request.voice.language!r} it has: {listed(names)}."
            )

    def _language(self, language: str) -> str:
        if language not in self.sources:
            raise UnsupportedPair(f"Pocket TTS does not speak {language!r}. It speaks: {listed(self.languages())}.")
        return language

    def _source(self, language: str) -> LanguageFiles:
        return self.sources[self._language(language)]


def _in_folder(folder: Path) -> Iterator[tuple[str, LanguageFiles]]:
    """The language and files of a user's subfolder, where it is one: ``fr``, ``french``, ``french_24l``."""
    by_name = {name: code for code, name in LANGUAGES.items()}
    code = by_name.get(folder.name.partition("_")[0], folder.name)
    own = folder / "config.yaml"
    config = own if own.is_file() else library_config(folder.name) or library_config(LANGUAGES.get(code, ""))
    if config and (folder / "model.safetensors").is_file():
        with contextlib.suppress(BadInput):
            yield languages.parse(code), LanguageFiles(folder.name, config, folder)

"""Meta's MMS text-to-speech through transformers' VITS: one model and one voice per language, loaded when it is needed.

VITS draws random numbers for rhythm and timbre. They are seeded for every line alone, so that a line always sounds the
same; for that reason lines are not synthesized in batches, where each would get its neighbours' numbers.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import logging
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from dubkit import languages
from dubkit.artefacts import Voice
from dubkit.backends.hub import Checkpoint
from dubkit.backends.protocols import Compute, ModelCard, Request
from dubkit.errors import BadInput, MissingModel, UnsupportedPair, listed
from dubkit.record import Seconds

if TYPE_CHECKING:
    import numpy as np
    import torch

log = logging.getLogger(__name__)

HUB = "facebook/mms-tts-"
EXAMPLE = "en"
SEED = 1
QUIET = 40
"""Decibels below the loudest part of a clip at which its ends count as silence."""
WORDLESS = 0.05
"""Seconds of silence in place of a text with nothing that the model can say."""

# Of the 1107 languages that the hub has as facebook/mms-tts-CODE, those that NLLB-200 translates into. There is no
# Italian, Chinese or Japanese among them.
_CODES = """
ace aka amh ara asm awa ayr azj-script_latin azb bak ban bem bul bam ben bod cat ceb cym deu dik dyu dzo ewe ell eng spa
eus fas ful fin tgl fij fao fon fra grn guj hau heb hin hne hat hun ind ilo isl jav kab kac kbp kik kaz khm kan kor
kmr-script_latin kir lug lao lav mag mai mlg min mal mon mos mar zlm mya nld nus nya orm ory pan pag pap pol por quy run
ron rus kin sag shn smo sna som sqi sun swe swh tam taq tel tgk tha tir tuk-script_latin tpi tur tso tat
uig-script_arabic ukr urd-script_arabic vie war yor
"""
_SCRIPTS = {"arabic": "Arab", "cyrillic": "Cyrl", "devanagari": "Deva", "ethiopic": "Ethi", "latin": "Latn"}
# MMS and NLLB-200 name the same variety, which dubkit calls by its language.
_VARIETIES = {"zlm": "ms", "quy": "qu"}


class Mms:
    """Synthesizer ``mms``, or ``mms:FOLDER`` with one subfolder per ISO 639-3 code."""

    sample_rate = 16_000
    rates = (0.85, 1.3)

    def __init__(self, sources: dict[str, Checkpoint], compute: Compute) -> None:
        self.sources = sources
        self.compute = compute
        self._loaded: dict[str, tuple[Any, Any]] = {}

    @classmethod
    def from_spec(cls, argument: str, compute: Compute) -> Self:
        """Make it for the hub's models or those in a folder; nothing is loaded yet.

        Raises
        ------
        BadInput
            If the folder is not there or holds no model under a language's code.
        """
        if not argument:
            return cls({_language(c): Checkpoint(HUB + c, "vits") for c in _CODES.split()}, compute)
        home = Path(argument).expanduser()
        found = {p.name: p for p in sorted(home.iterdir()) if (p / "config.json").is_file()} if home.is_dir() else {}
        if not found:
            raise BadInput(
                f"{argument!r} is not a folder with MMS models. Give one that holds a subfolder per ISO 639-3 code, for "
                f"example {argument}/por made by: hf download {HUB}por --local-dir {argument}/por ; or leave it out: mms"
            )
        return cls({_language(code): Checkpoint(str(path), "vits") for code, path in found.items()}, compute)

    @functools.cached_property
    def fingerprint(self) -> str:
        """Checkpoints and revisions of the languages that are here."""
        here = [c.fingerprint for c in self.sources.values() if c.folder]
        return "mms:" + (",".join(sorted(here)) or HUB.rstrip("-"))

    def models(self, source: str | None = None, target: str | None = None) -> list[ModelCard]:
        """The model of the target language; without one, those that are here, or an example where there are none."""
        if target is not None:
            return [self._source(target).card()]
        here = [c.card() for c in self.sources.values() if c.folder]
        return here or [self._source(EXAMPLE).card()]

    def fetch(self, source: str | None = None, target: str | None = None) -> None:
        """Download the target language's model where it is not here; without one, an example if there is none at all."""
        if target or not any(c.folder for c in self.sources.values()):
            self._source(target or EXAMPLE).fetched()

    def languages(self) -> frozenset[str]:
        """BCP-47 codes that it can speak."""
        return frozenset(self.sources)

    def voices(self, language: str) -> tuple[Voice, ...]:
        """The one voice of a language; what gender it has is not documented."""
        if language not in self.sources:
            return ()
        return (
            Voice(id=f"mms:{language}", language=language, gender="unknown", name=f"MMS {languages.name(language)}"),
        )

    def predict(self, request: Request) -> Seconds:
        """What VITS's duration predictor says, silence at the ends included; no sound is made."""
        model, tokens = self._tokens(request)
        if tokens is None:
            return WORDLESS
        return _n_samples(model, tokens, request.rate) / float(model.config.sampling_rate)

    def synthesize(self, requests: Sequence[Request]) -> Iterator[np.ndarray]:
        """A mono clip at 16 kHz per request, in order, without silence at either end."""
        for request in requests:
            yield self._speak(request)

    def _speak(self, request: Request) -> np.ndarray:
        import librosa
        import numpy as np
        import torch

        model, tokens = self._tokens(request)
        if tokens is None:
            log.warning("MMS has no sounds for %r: the line stays silent", request.text)
            return np.zeros(round(WORDLESS * self.sample_rate), np.float32)
        with torch.inference_mode(), _seeded(model.device):
            sound = model(input_ids=tokens, speaking_rate=request.rate * model.config.speaking_rate).waveform
        samples: np.ndarray = sound[0].float().cpu().numpy()
        if model.config.sampling_rate != self.sample_rate:
            samples = librosa.resample(samples, orig_sr=model.config.sampling_rate, target_sr=self.sample_rate)
        spoken, _ = librosa.effects.trim(samples, top_db=QUIET, frame_length=512, hop_length=128)
        clip: np.ndarray = np.clip(spoken, -1.0, 1.0).astype(np.float32)
        return clip

    def _tokens(self, request: Request) -> tuple[Any, torch.Tensor | None]:
        """The language's model and the text's tokens; None where nothing of the text is in its vocabulary."""
        model, tokenizer = self._model(request.voice.language)
        text = " ".join(request.text.split())
        if tokenizer.is_uroman and not text.isascii():
            text = _romanizer().romanize_string(text.lower())
        tokens = tokenizer(text, return_tensors="pt")["input_ids"].long()
        said = tokens[:, 1::2] if tokenizer.add_blank else tokens
        return model, tokens.to(model.device) if said.shape[1] else None

    def _model(self, language: str) -> tuple[Any, Any]:
        if language not in self._loaded:
            from transformers import VitsModel, VitsTokenizer

            source = self._source(language)
            tokenizer = source.load_processor(VitsTokenizer)
            # Its flows lose precision in half floats, and it is small.
            self._loaded[language] = source.load(VitsModel, self.compute), tokenizer
        return self._loaded[language]

    def _source(self, language: str) -> Checkpoint:
        if language not in self.sources:
            raise UnsupportedPair(f"MMS has no voice for {language!r}. It speaks: {listed(self.languages(), 150)}.")
        return self.sources[language]


def _language(code: str) -> str:
    """The canonical language of an MMS code such as ``por`` or ``uig-script_arabic``."""
    iso, _, script = code.partition("-script_")
    return _VARIETIES.get(iso) or languages.parse(f"{iso}-{_SCRIPTS[script]}" if script in _SCRIPTS else iso)


def _n_samples(model: Any, tokens: torch.Tensor, rate: float) -> int:
    """Length of the clip that the model would make: its own forward pass up to the duration predictor."""
    import torch

    config = model.config
    with torch.inference_mode(), _seeded(model.device):
        mask = torch.ones_like(tokens, dtype=model.dtype)
        hidden = model.text_encoder(input_ids=tokens, padding_mask=mask.unsqueeze(-1)).last_hidden_state.transpose(1, 2)
        if config.use_stochastic_duration_prediction:
            noise = model.noise_scale_duration
            told = model.duration_predictor(hidden, mask.unsqueeze(1), None, reverse=True, noise_scale=noise)
        else:
            told = model.duration_predictor(hidden, mask.unsqueeze(1), None)
        frames = int(torch.ceil(torch.exp(told) / (rate * config.speaking_rate)).sum())
    hop: int = math.prod(config.upsample_rates)
    return max(1, frames) * hop


@contextlib.contextmanager
def _seeded(place: torch.device) -> Iterator[None]:
    """Draw from the fixed seed, and leave the process's own random state as it was."""
    import torch

    with torch.random.fork_rng(devices=[place] if place.type == "cuda" else []):
        torch.manual_seed(SEED)
        yield


@functools.cache
def _romanizer() -> Any:
    try:
        uroman = importlib.import_module("uroman")
    except ImportError as error:
        raise MissingModel(
            "The MMS voice of this language reads romanized text, which needs the Python package 'uroman'. "
            "Install it with: pip install uroman"
        ) from error
    return uroman.Uroman()

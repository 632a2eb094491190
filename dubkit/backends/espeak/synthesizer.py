"""espeak-ng: robotic, intelligible speech in over 100 languages, for those that no natural voice speaks.

The library travels in the pip package ``espeakng-loader``. Every voice's name says that it is a robot's.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Self

from dubkit.artefacts import Gender, Voice
from dubkit.backends.espeak import library as espeak_library
from dubkit.backends.protocols import Compute, ModelCard, Request
from dubkit.backends.silence import nothing, trim
from dubkit.backends.speakable import speakable
from dubkit.errors import BadInput, MissingModel
from dubkit.languages import parse
from dubkit.record import Seconds

if TYPE_CHECKING:
    import numpy as np

_INSTALL = "pip install 'dubkit[embedded]'"
_NATURAL = 175
_REVISION = "1"

# One of each gender in turn, the more pleasant ones first.
_VARIANTS: dict[str, Gender] = {
    "f3": "female",
    "m3": "male",
    "f2": "female",
    "m7": "male",
    "f4": "female",
    "m1": "male",
    "f5": "female",
    "m8": "male",
    "f1": "female",
    "m4": "male",
}
_ACCENTS = {"en": "en-us", "fr": "fr-fr", "pt": "pt-br"}
"""Which of several national forms speaks for a language; elsewhere the one with the shortest code."""


class Espeak:
    """Synthesizer of robotic speech; constructing it loads nothing."""

    sample_rate = espeak_library.SAMPLE_RATE
    rates = (0.7, 1.6)

    @classmethod
    def from_spec(cls, argument: str, compute: Compute) -> Self:
        """Make it; the spec ``espeak`` takes no argument.

        Raises
        ------
        BadInput
            If there is one.
        """
        if argument:
            raise BadInput(f"The synthesizer 'espeak' takes no argument, but got {argument!r}. Write: espeak")
        return cls()

    @property
    def fingerprint(self) -> str:
        """The library's version and the revision of what is done around it."""
        return f"espeak-{_REVISION}@{espeak_library.version()}"

    def models(self, source: str | None = None, target: str | None = None) -> list[ModelCard]:
        """The library with its data."""
        note = "robotic speech in over 100 languages"
        return [ModelCard("espeak-ng", "GPL-3.0-or-later", 21_000_000, espeak_library.installed(), _INSTALL, note)]

    def languages(self) -> frozenset[str]:
        """BCP-47 codes that it can speak; none where it is not installed."""
        return frozenset(_codes()) if espeak_library.installed() else frozenset()

    def voices(self, language: str) -> tuple[Voice, ...]:
        """Ten voices for each language, female and male in turn.

        Raises
        ------
        MissingModel
            If espeak-ng is not installed.
        """
        code = _codes().get(language)
        if code is None:
            return ()
        return tuple(
            Voice(
                id=f"espeak:{code}+{variant}",
                language=language,
                gender=gender,
                name=f"espeak-ng robot {variant.upper()}",
            )
            for variant, gender in _VARIANTS.items()
        )

    def predict(self, request: Request) -> Seconds:
        """How long the clip will be: it is quicker to make one than to guess."""
        return len(_spoken(request)) / self.sample_rate

    def synthesize(self, requests: Sequence[Request]) -> Iterator[np.ndarray]:
        """A clip for each request, in order; a tenth of a second of silence where there is nothing to say.

        Raises
        ------
        BadInput
            If a voice is none of espeak's.
        MissingModel
            If espeak-ng is not installed.
        """
        yield from map(_spoken, requests)


@functools.cache
def _codes() -> dict[str, str]:
    """espeak-ng's code for each BCP-47 one; spellings in another script (Shavian English, Pinyin) are left out."""
    found: dict[str, str] = {}
    for code in sorted(espeak_library.languages(), key=lambda c: (len(c), c)):
        try:
            language = parse(code)
        except BadInput:
            continue
        if "-" not in language:
            found.setdefault(language, code)
    return {**found, **_ACCENTS}


def _spoken(request: Request) -> np.ndarray:
    """The clip, as near to its natural length divided by the rate as espeak-ng's whole words a minute allow."""
    code, variant = _voice(request.voice)
    text = speakable(request.text)
    natural = _trimmed(text, code, variant, _NATURAL)
    if not len(natural):
        return nothing(espeak_library.SAMPLE_RATE)
    if request.rate == 1.0:
        return natural.copy()
    wanted = len(natural) / request.rate
    pace = _NATURAL * request.rate
    clip = _trimmed(text, code, variant, round(pace))
    # Pauses do not follow the pace in proportion; one correction brings most clips within a hundredth.
    return _trimmed(text, code, variant, round(pace * len(clip) / wanted)).copy()


@functools.lru_cache(maxsize=64)
def _trimmed(text: str, code: str, variant: str, words_per_minute: int) -> np.ndarray:
    return trim(espeak_library.speak(text, code, variant, words_per_minute), espeak_library.SAMPLE_RATE)


def _voice(voice: Voice) -> tuple[str, str]:
    """espeak-ng's code and variant for a voice."""
    member, _, name = voice.id.partition(":")
    code, _, variant = name.partition("+")
    if not espeak_library.installed():
        raise MissingModel(f"espeak-ng is not installed. Install it with: {_INSTALL}, or run: make setup")
    if member != "espeak" or variant not in _VARIANTS or code not in espeak_library.languages():
        raise BadInput(
            f"{voice.id!r} is not a voice of espeak. Write espeak:LANGUAGE+VARIANT, for example espeak:pt-br+f3, with one "
            f"of the variants {', '.join(_VARIANTS)}."
        )
    return code, variant

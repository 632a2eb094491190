"""What somebody wants to have of a film: languages, a profile, options by plain names, a stretch of it."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from dubkit import languages
from dubkit.errors import BadInput, UnsupportedPair, listed
from dubkit.record import Seconds
from dubkit.service.jobs.pairs import Pair
from dubkit.settings import Settings, profiles
from dubkit.store import digest

OPTIONS = {
    "audio_track": "validate.audio_track",
    "bilingual": "combine.bilingual",
    "glossary": "translate.glossary",
    "keep_original": "combine.keep_original",
    "n_speakers": "diarize.n_speakers",
    "slow_picture": "synthesize.slow_picture",
    "vocal_sounds": "assemble.vocal_sounds.keep",
}
"""By its name outside: the setting. Others, such as those of back ends, could name hosts and files of the operator's."""
MOST = {"audio_track": 1000, "n_speakers": 100, "slow_picture": 2}
"""Of options that are numbers from 1."""
SHORTEST: Seconds = 1.0
MOST_TERMS, LONGEST_TERM = 200, 200
"""Of a glossary."""


@dataclass(frozen=True)
class Wanted:
    """What is wanted of a film.

    Parameters
    ----------
    target, source : str
        Languages, as codes or English names; the source is detected where it is None.
    profile : str or None
        One that ships with dubkit; None for the service's own.
    options : mapping
        By the names of :data:`OPTIONS`.
    start, duration : float or None
        A stretch of the film, in seconds; None for all of it.
    """

    target: str
    source: str | None = None
    profile: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    start: Seconds | None = None
    duration: Seconds | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """The options as settings by dotted name."""
        return {OPTIONS[name]: value for name, value in self.options.items()}

    @property
    def digest(self) -> str:
        """The same for all that want the same."""
        return digest(asdict(self))

    def checked(self, pairs: Sequence[Pair]) -> Wanted:
        """The same with languages as codes.

        Parameters
        ----------
        pairs : sequence of Pair
            What can be dubbed here; empty where that is not known yet, and then the worker will find out.

        Raises
        ------
        BadInput
            If something is unknown or does not fit.
        UnsupportedPair
            If these languages cannot be dubbed here.
        """
        target, source = languages.parse(self.target), languages.parse(self.source) if self.source else None
        _check_pair(source, target, pairs)
        if self.profile is not None and self.profile not in profiles():
            raise BadInput(f"There is no profile {self.profile!r}. Choose one of {listed(list(profiles()))}.")
        _check_options(self.options)
        for name, value, least in (("start", self.start, 0.0), ("duration", self.duration, SHORTEST)):
            if value is not None and not least <= value < math.inf:
                raise BadInput(f"The {name} of a stretch must be at least {least:g} s, not {value:g}.")
        return replace(self, target=target, source=source, options=dict(self.options))

    def stretch(self, length: Seconds) -> tuple[Seconds | None, Seconds | None]:
        """Start and duration within a film of that length; None for all of it.

        Raises
        ------
        BadInput
            If the film ends before the stretch begins.
        """
        if self.start is None and self.duration is None:
            return None, None
        start = self.start or 0.0
        if start > length - SHORTEST:
            raise BadInput(
                f"The film lasts {length:.1f} s: a stretch cannot begin at {start:g} s. Choose an earlier start."
            )
        return start, min(length - start, self.duration or math.inf)


def _check_options(options: Mapping[str, Any]) -> None:
    if unknown := sorted(set(options) - set(OPTIONS)):
        raise BadInput(f"There is no option {unknown[0]!r}. The options are: {listed(list(OPTIONS))}.")
    terms = options.get("glossary") or {}
    if not isinstance(terms, Mapping):
        raise BadInput('A glossary is an object of terms, such as {"cutting board": "tábua de corte"}.')
    if len(terms) > MOST_TERMS or any(len(str(text)) > LONGEST_TERM for pair in terms.items() for text in pair):
        raise BadInput(f"A glossary has up to {MOST_TERMS} terms of up to {LONGEST_TERM} characters.")
    if any(_is_odd(str(text)) for pair in terms.items() for text in pair):
        raise BadInput("A glossary has no control characters in it.")
    for name, value in options.items():
        try:
            # Text is never read as TOML here: what comes as JSON has its type already.
            if isinstance(value, str):
                raise BadInput("it is a text")
            most = MOST.get(name)
            if most is not None and isinstance(value, int | float) and (value is True or not 1 <= value <= most):
                raise BadInput(f"it must be a number from 1 to {most}")
            Settings().but({OPTIONS[name]: value})
        except BadInput as error:
            raise BadInput(f"The option {name!r} cannot be {value!r}: {error}") from error


def _is_odd(text: str) -> bool:
    return any(unicodedata.category(character) in ("Cc", "Cs") for character in text)


def _check_pair(source: str | None, target: str, pairs: Sequence[Pair]) -> None:
    if source == target:
        raise BadInput(f"Source and target are both {languages.name(target)}: choose another target language.")
    if not pairs:
        return
    into = sorted({pair.source for pair in pairs if pair.target == target})
    if not into:
        targets = sorted({pair.target for pair in pairs})
        raise UnsupportedPair(f"Nothing can be dubbed into {languages.name(target)} here, only into {_named(targets)}.")
    if source is not None and source not in into:
        raise UnsupportedPair(
            f"{languages.name(source)} cannot be dubbed into {languages.name(target)} here, only {_named(into)} can."
        )


def _named(codes: Sequence[str]) -> str:
    return listed([languages.name(code) for code in codes])

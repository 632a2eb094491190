"""Several synthesizers as one: for each language, the first that speaks it.

The spec is ``first:kokoro,espeak``: natural voices where there are some, robotic ones elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Self

from dubkit.artefacts import Voice
from dubkit.backends import registry
from dubkit.backends.protocols import Compute, ModelCard, Request, Synthesizer
from dubkit.errors import BadInput, MissingModel, listed
from dubkit.record import Seconds

if TYPE_CHECKING:
    import numpy as np


class First:
    """Synthesizer that hands each request to the member that its voice belongs to.

    Parameters
    ----------
    members : dict
        Synthesizers by their specs, the one to prefer first.
    """

    def __init__(self, members: dict[str, Synthesizer]) -> None:
        self._members = members
        self._owners: dict[tuple[str, str], str] = {}

    @classmethod
    def from_spec(cls, argument: str, compute: Compute) -> Self:
        """Make it from its members' specs, separated by commas.

        Raises
        ------
        BadInput
            If there is no member, one is named twice, or one is not known.
        MissingModel
            If a member's packages are not installed.
        """
        specs = member_specs("synthesizer", argument, "first:kokoro,espeak")
        return cls({name: registry.get("synthesizer", spec, compute) for name, spec in specs.items()})

    @property
    def sample_rate(self) -> int:
        """That of the first member; the others' clips are resampled to it."""
        return next(iter(self._members.values())).sample_rate

    @property
    def rates(self) -> tuple[float, float]:
        """What sounds natural with every member."""
        slowest, fastest = zip(*(m.rates for m in self._members.values()), strict=True)
        return max(slowest), min(fastest)

    @property
    def fingerprint(self) -> str:
        """Those of all members, in order."""
        return "first(" + ";".join(m.fingerprint for m in self._members.values()) + ")"

    def models(self, source: str | None = None, target: str | None = None) -> list[ModelCard]:
        """Those of all members; for a target language, of those that it takes.

        What is needed for nothing but copies of voices is needed only where these were agreed to.
        """
        cards = []
        for member, copies in self._taken(target):
            found = member.models(source, target)
            cards += [replace(c, optional=True, copies_voices=True) for c in found] if copies else found
        return cards

    def fetch(self, source: str | None = None, target: str | None = None) -> None:
        """Let every member, for a target language each that it takes, bring what it knows how to bring."""
        for member, _ in self._taken(target):
            if hasattr(member, "fetch"):
                member.fetch(source, target)

    def languages(self) -> frozenset[str]:
        """What any member speaks."""
        return frozenset().union(*(m.languages() for m in self._members.values()))

    def voices(self, language: str) -> tuple[Voice, ...]:
        """The voices of the first member that speaks the language."""
        return next((v for m in self._members.values() if (v := m.voices(language))), ())

    def own_voice(self, language: str) -> Voice | None:
        """What stands for a copy of the speaker's voice with the first member that copies voices in this language."""
        return next((voice for m in self._members.values() if (voice := _own_voice(m, language))), None)

    def revision_of(self, language: str) -> str:
        """Which models speak the language, with those members that have one for each."""
        told = (m.revision_of(language) for m in self._members.values() if hasattr(m, "revision_of"))
        return ";".join(one for one in told if one)

    def predict(self, request: Request) -> Seconds:
        """What the voice's member predicts."""
        return self._members[self._member(request)].predict(request)

    def marks(self, request: Request) -> tuple[tuple[Seconds, Seconds], ...]:
        """Where the clip pauses, from a member that knows; else nothing."""
        member = self._members[self._member(request)]
        found: tuple[tuple[Seconds, Seconds], ...] = member.marks(request) if hasattr(member, "marks") else ()
        return found

    def synthesize(self, requests: Sequence[Request]) -> Iterator[np.ndarray]:
        """A clip for each request, in order, all at :attr:`sample_rate`.

        Raises
        ------
        BadInput
            If a voice belongs to no member.
        """
        from dubkit.audio import resample

        owners = [self._member(request) for request in requests]
        for name, run in groupby(zip(owners, requests, strict=True), key=lambda pair: pair[0]):
            member = self._members[name]
            for clip in member.synthesize([request for _, request in run]):
                yield resample(clip, member.sample_rate, self.sample_rate)

    def _member(self, request: Request) -> str:
        """The first member that offers the voice, else the one that its id names."""
        voice, language = request.voice.id, request.voice.language
        # Once for each voice: a remote member would be asked for every line.
        if (language, voice) not in self._owners:
            offering = (n for n, m in self._members.items() if voice in _voices(m, language))
            named = (n for n in self._members if n.partition(":")[0] == voice.partition(":")[0])
            owner = next(offering, None) or next(named, None)
            if owner is None:
                known = {v for m in self._members.values() for v in _voices(m, language)}
                raise BadInput(
                    f"The voice {voice!r} belongs to no synthesizer in use. For {language!r} there are: "
                    f"{listed(list(known)) or 'none'}."
                )
            self._owners[language, voice] = owner
        return self._owners[language, voice]

    def _taken(self, target: str | None) -> list[tuple[Synthesizer, bool]]:
        """The members that a target language needs, and whether just to copy voices; all where nobody speaks it."""
        members = list(self._members.values())
        speaker = next((m for m in members if _may_speak(m, target)), None) if target else None
        if target is None or speaker is None:
            return [(m, False) for m in members]
        copier = next((m for m in members if _own_voice(m, target)), speaker)
        return [(speaker, False)] if copier is speaker else [(speaker, False), (copier, True)]


def member_specs(task: str, argument: str, example: str) -> dict[str, str]:
    """The specs of members in what follows ``first:``, by the names to tell of them: without options and passwords.

    Parameters
    ----------
    task : str
        ``synthesizer`` or ``translator``.
    argument : str
        Specs with commas between them.
    example : str
        Of a whole spec, for the message.

    Raises
    ------
    BadInput
        If there is none, one is given twice, or one is not known. What was given may be a piece of an address with a
        password, so the message never repeats it.
    """
    specs = [s.strip() for s in argument.split(",") if s.strip()]
    known = set(registry.available(task)) - {"first"}
    strangers = [n for n, s in enumerate(specs, 1) if s.partition(":")[0] not in known]
    named = {re.sub(r"(?<=://).*@", "", s).partition("?")[0]: s for s in specs}
    if specs and not strangers and len(named) == len(specs):
        return named
    wrong = "None is given."
    if strangers:
        wrong = f"Number {strangers[0]} of {len(specs)} is none."
    elif specs:
        wrong = f"Of the {len(specs)} given, one is there twice."
    raise BadInput(
        f"The {task} 'first' needs the {task}s to try, each once, with commas between them (an address that holds a comma "
        f"cannot be used here), for example {example}. {wrong} Installed ones: {listed(list(known))}."
    )


def _voices(member: Synthesizer, language: str) -> list[str]:
    """The ids of stock voices, and of the speaker's own."""
    own = _own_voice(member, language)
    return [v.id for v in (*member.voices(language), *([own] if own else []))]


def _own_voice(member: Synthesizer, language: str) -> Voice | None:
    own: Voice | None = member.own_voice(language) if hasattr(member, "own_voice") else None
    return own


def _may_speak(member: Synthesizer, language: str) -> bool:
    """Whether it speaks a language, as far as it can tell without what is missing: its card says what that is."""
    try:
        return bool(member.voices(language))
    except MissingModel:
        return True

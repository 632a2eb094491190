"""Several synthesizers as one: for each language, the first that speaks it.

The spec is ``first:kokoro,espeak``: natural voices where there are some, robotic ones elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Self

from dubkit.artefacts import Voice
from dubkit.backends import registry
from dubkit.backends.protocols import Compute, ModelCard, Request, Synthesizer
from dubkit.errors import BadInput, listed
from dubkit.record import Seconds

if TYPE_CHECKING:
    import numpy as np


class First:
    """Synthesizer that hands each request to the member that its voice belongs to.

    Parameters
    ----------
    members : dict
        Synthesizers by name, the one to prefer first. A voice's id begins with its member's name.
    """

    def __init__(self, members: dict[str, Synthesizer]) -> None:
        self._members = members

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
        specs = [s.strip() for s in argument.split(",") if s.strip()]
        names = [s.partition(":")[0] for s in specs]
        if not specs or len(set(names)) < len(names) or "first" in names:
            raise BadInput(
                f"The synthesizer 'first' got {argument!r}: write the synthesizers to try, each once, "
                f"for example first:kokoro,espeak. Installed ones: {listed(list(registry.available('synthesizer')))}."
            )
        return cls({n: registry.get("synthesizer", s, compute) for n, s in zip(names, specs, strict=True)})

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
        """Those of all members."""
        return [card for m in self._members.values() for card in m.models(source, target)]

    def fetch(self, source: str | None = None, target: str | None = None) -> None:
        """Let every member bring what it knows how to bring."""
        for member in self._members.values():
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
        owns = (m.own_voice(language) for m in self._members.values() if hasattr(m, "own_voice"))
        return next((voice for voice in owns if voice), None)

    def predict(self, request: Request) -> Seconds:
        """What the voice's member predicts."""
        return self._members[self._member(request)].predict(request)

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
        name = request.voice.id.partition(":")[0]
        if name in self._members:
            return name
        # A remote one's voices bear the name of what it serves.
        for name, member in self._members.items():
            if request.voice.id in {v.id for v in _voices(member, request.voice.language)}:
                return name
        raise BadInput(
            f"The voice {request.voice.id!r} belongs to no synthesizer in use. It has to begin with one of: "
            f"{listed([f'{n}:' for n in self._members])}."
        )


def _voices(member: Synthesizer, language: str) -> list[Voice]:
    """Stock voices, and the speaker's own."""
    own = member.own_voice(language) if hasattr(member, "own_voice") else None
    return [*member.voices(language), *([own] if own else [])]

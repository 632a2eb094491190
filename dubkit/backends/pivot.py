"""Translation by the best measured chain of small translators: Bergamot's neural models and apertium's rules.

English reaches the other Romance languages better through the neural English-Portuguese pair and rules between close
relatives than through rules alone, so that a direct pair is not always the best route.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Literal, Self

from dubkit.artefacts import Candidate
from dubkit.backends.apertium import PACKAGES, Apertium, install
from dubkit.backends.bergamot import PAIRS, Bergamot
from dubkit.backends.protocols import Compute, Hint, ModelCard, Translator
from dubkit.errors import BadInput, UnsupportedPair

Quality = Literal["good", "fair", "draft"]
Pair = tuple[str, str]

MAX_LEGS = 3

# chrF on 20 spoken sentences with one reference, and what the runner-up had.
ROUTES: tuple[tuple[str, ...], ...] = (
    ("en", "pt"),  # 81.8
    ("pt", "en"),  # 80.2
    ("en", "pt", "es"),  # 65.2, direct 59.1
    ("es", "pt", "en"),  # 72.4, direct 57.9
    ("en", "pt", "ca", "fr"),  # 60.4, by es 57.1
    ("en", "pt", "es", "it"),  # 56.2, by ca 54.9
    ("fr", "ca", "pt", "en"),  # 62.4, by es 59.2
    ("it", "ca", "pt", "en"),  # 59.2, by es 57.7
    ("pt", "es"),  # 68
    ("es", "pt"),  # 66
    ("es", "fr"),  # 67
    ("es", "it"),  # 66
    ("fr", "ca", "it"),  # 76.4, by es 69.7
    # Not measured by themselves, but the part of a measured route that differs from its runner-up.
    ("pt", "ca", "fr"),
    ("fr", "ca", "pt"),
    ("it", "ca", "pt"),
    ("pt", "es", "it"),
)
_QUALITY: dict[Pair, Quality] = {
    ("en", "pt"): "good",
    ("pt", "en"): "good",
    ("es", "en"): "fair",
    ("pt", "es"): "fair",
    ("es", "pt"): "fair",
}
_BATCH = 128


class Pivot:
    """Translator over the legs of other ones; constructing it loads nothing."""

    def __init__(self, neural: Translator, rules: Translator) -> None:
        self._neural = neural
        self._rules = rules
        self._routes: dict[Pair, tuple[str, ...]] | None = None

    @classmethod
    def from_spec(cls, argument: str, compute: Compute) -> Self:
        """Make it; the spec ``pivot`` takes no argument.

        Raises
        ------
        BadInput
            If there is one.
        """
        if argument:
            raise BadInput(f"The translator 'pivot' takes no argument, but got {argument!r}. Write: pivot")
        return cls(Bergamot.from_spec("", compute), Apertium.from_spec("", compute))

    @property
    def fingerprint(self) -> str:
        """Those of its members; the routes follow from them and from this module's revision."""
        return f"pivot-1({self._neural.fingerprint};{self._rules.fingerprint})"

    def models(self, source: str | None = None, target: str | None = None) -> list[ModelCard]:
        """Those of its members; the rule-based pairs are for further languages and may be absent."""
        return [*self._neural.models(), *(replace(card, optional=True) for card in self._rules.models())]

    def pairs(self) -> frozenset[Pair]:
        """Every (source, target) that the installed legs reach in three steps at most."""
        return frozenset(self._known_routes())

    def route(self, source: str, target: str) -> tuple[str, ...]:
        """The languages that the text goes through.

        Raises
        ------
        UnsupportedPair
            If the installed legs do not reach; the message says what to install where that would help.
        """
        route = self._known_routes().get((source, target))
        if route is None:
            raise UnsupportedPair(
                f"No installed translator leads from {source} to {target}. {self.missing(source, target)}"
            )
        return route

    def quality(self, source: str, target: str) -> Quality:
        """How good to expect it: ``good`` to be followed without effort, ``fair``, or a ``draft`` to be edited.

        The grades are for the measured routes; where one of their legs is missing it is a draft.
        """
        measured = (source, target) in self.pairs() and self.route(source, target) in ROUTES
        return _QUALITY.get((source, target), "draft") if measured else "draft"

    def missing(self, source: str, target: str) -> str:
        """What would make a pair possible: a sentence with the command, or one that says where else to look.

        Empty where it is possible already.
        """
        if (source, target) in self.pairs():
            return ""
        rules = {pair for has in PACKAGES.values() for pair in has}
        route = _routes(rules | PAIRS).get((source, target))
        if route is None:
            return "The small models have no such pair: take the hub profile, which needs a GPU (--profile hub)."
        absent = [leg for leg in itertools.pairwise(route) if leg not in self._legs()]
        packages = [name for name, has in PACKAGES.items() if set(has) & set(absent)]
        commands = [install(packages)] if packages else []
        commands += ["make setup"] if set(absent) & PAIRS else []
        return f"It becomes possible with: {' && '.join(commands)}"

    def translate(
        self, texts: Sequence[str], source: str, target: str, hints: Sequence[Hint] = ()
    ) -> Iterator[tuple[Candidate, ...]]:
        """One candidate for each text; its score is the sum of its legs'.

        Texts go through all legs a hundred or so at a time, so that a long film's finished lines come out on the way.

        Raises
        ------
        UnsupportedPair
            If the installed legs do not reach.
        """
        legs = list(itertools.pairwise(self.route(source, target)))
        for first in range(0, len(texts), _BATCH):
            said = [Candidate(text=text) for text in texts[first : first + _BATCH]]
            for leg in legs:
                translator = self._neural if leg in self._neural.pairs() else self._rules
                next_said = [best[0] for best in translator.translate([c.text for c in said], *leg)]
                said = [
                    after.but(score=before.score + after.score) for before, after in zip(said, next_said, strict=True)
                ]
            yield from ((candidate,) for candidate in said)

    def _legs(self) -> frozenset[Pair]:
        return self._neural.pairs() | self._rules.pairs()

    def _known_routes(self) -> dict[Pair, tuple[str, ...]]:
        if self._routes is None:
            self._routes = _routes(self._legs())
        return self._routes


def _routes(legs: frozenset[Pair] | set[Pair]) -> dict[Pair, tuple[str, ...]]:
    """The route for every pair that `legs` can do: the measured one, else the shortest, neural legs first."""
    found: dict[Pair, tuple[str, ...]] = {}
    ends = sorted({end for leg in legs for end in leg})
    paths: list[tuple[str, ...]] = [(start,) for start in ends]
    for _ in range(MAX_LEGS):
        paths = [(*path, end) for path in paths for end in ends if end not in path and (path[-1], end) in legs]
        for path in sorted(paths, key=lambda p: (-len(set(itertools.pairwise(p)) & PAIRS), p)):
            found.setdefault((path[0], path[-1]), path)
    measured = {(r[0], r[-1]): r for r in ROUTES if set(itertools.pairwise(r)) <= set(legs)}
    return {**found, **measured}

"""Several translators as one: each line by the first that can do it.

The spec is ``first:llm:qwen3@http://localhost:11434/v1,nllb:facebook/nllb-200-distilled-600M``: a language model, and a
translator that runs here for what it leaves out, or for everything where it cannot be reached.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from dubkit.artefacts import Candidate
from dubkit.backends import registry
from dubkit.backends.first import member_specs
from dubkit.backends.protocols import Compute, Hint, ModelCard, Translator
from dubkit.errors import DubkitError, MissingModel, UnsupportedPair

WINDOW = 16
"""Failed lines in a row that wait, so that the next translator gets them together."""

log = logging.getLogger(__name__)

Said = tuple[Candidate, ...]
Item = tuple[str, Hint]


class FirstTranslator:
    """Translator that tries others in order, line by line.

    Parameters
    ----------
    members : mapping
        Translators by the name to tell of them, the one to prefer first.
    """

    def __init__(self, members: Mapping[str, Translator]) -> None:
        self._members = dict(members)
        self._usage: dict[str, Any] = {}
        self._provisional: set[str] = set()

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
        specs = member_specs("translator", argument, "first:llm:qwen3@http://localhost:11434/v1,pivot")
        return cls({name: registry.get("translator", spec, compute) for name, spec in specs.items()})

    @property
    def heeds(self) -> frozenset[str]:
        """What any member heeds."""
        return frozenset().union(*(getattr(m, "heeds", frozenset()) for m in self._members.values()))

    @property
    def fingerprint(self) -> str:
        """Those of all members, in order."""
        return "first(" + ";".join(m.fingerprint for m in self._members.values()) + ")"

    @property
    def usage(self) -> dict[str, Any]:
        """What the last translation took: the members' figures added up, and ``lines`` by the member that did them.

        ``failed_lines`` are those that no member could do.
        """
        return dict(self._usage)

    @property
    def provisional(self) -> frozenset[str]:
        """The texts of the last translation, as far as it has come, that a member did because a better one failed as a
        whole: that one may do them when it works again, so their translations are not to be kept.

        A text stands here before its translation is given out.
        """
        return frozenset(self._provisional)

    def check(self) -> None:
        """Let the members that can see to it whether they will work; a warning tells of one that will not.

        Raises
        ------
        DubkitError
            If no member will: what is wrong with the only one, or a :class:`dubkit.errors.MissingModel` of them all.
        """
        failed: dict[str, DubkitError] = {}
        for name, member in self._members.items():
            try:
                if hasattr(member, "check"):
                    member.check()
            except DubkitError as error:
                failed[name] = error
        left = [name for name in self._members if name not in failed]
        if not left:
            errors = list(failed.values())
            raise errors[0] if len(errors) == 1 else MissingModel(" ".join(map(str, errors)))
        for name, problem in failed.items():
            log.warning("%s cannot be used now; its lines are left to %s. %s", name, " or ".join(left), problem)

    def models(self, source: str | None = None, target: str | None = None) -> list[ModelCard]:
        """Those of all members."""
        return [card for m in self._members.values() for card in m.models(source, target)]

    def fetch(self, source: str | None = None, target: str | None = None) -> None:
        """Let every member bring what it knows how to bring."""
        for member in self._members.values():
            if hasattr(member, "fetch"):
                member.fetch(source, target)

    def pairs(self) -> frozenset[tuple[str, str]]:
        """What any member can do."""
        return frozenset().union(*(m.pairs() for m in self._members.values()))

    def route(self, source: str, target: str) -> tuple[str, ...]:
        """That of the first member that can do the pair.

        Raises
        ------
        UnsupportedPair
            If none can.
        """
        return next(iter(self._able(source, target).values())).route(source, target)

    def quality(self, source: str, target: str) -> str:
        """What the first member that can do the pair says of itself; ``as the model`` where it says nothing."""
        member = next((m for m in self._members.values() if (source, target) in m.pairs()), None)
        rate = getattr(member, "quality", None)
        return str(rate(source, target)) if rate else "as the model"

    def missing(self, source: str, target: str) -> str:
        """What would make a pair possible, as the first member says that knows; empty where it is possible already."""
        if (source, target) in self.pairs():
            return ""
        told = (m.missing(source, target) for m in self._members.values() if hasattr(m, "missing"))
        return next((text for text in told if text), "")

    def translate(self, texts: Sequence[str], source: str, target: str, hints: Sequence[Hint] = ()) -> Iterator[Said]:
        """For each text the candidates of the first member that has some; none where no member has.

        A member that fails as a whole is not asked again: the next one does what is left.

        Raises
        ------
        UnsupportedPair
            If no member can do the pair.
        DubkitError
            What the last member failed with, if all did.
        """
        self._usage, self._provisional = {}, set()
        relay = _Relay(self._able(source, target), source, target, self._usage, self._provisional)
        given = hints or [Hint()] * len(texts)
        return relay.run(list(zip(texts, given, strict=True)))

    def _able(self, source: str, target: str) -> dict[str, Translator]:
        able = {name: m for name, m in self._members.items() if (source, target) in m.pairs()}
        if not able:
            raise UnsupportedPair(
                f"None of the translators {', '.join(self._members)} can do {source} > {target}. "
                f"{self.missing(source, target)}".strip()
            )
        return able


@dataclass
class _Relay:
    """One translation, handed from member to member."""

    members: dict[str, Translator]
    source: str
    target: str
    usage: dict[str, Any]
    provisional: set[str]
    failed: dict[str, DubkitError] = field(default_factory=dict)
    lines: Counter[str] = field(default_factory=Counter)

    def run(self, items: Sequence[Item]) -> Iterator[Said]:
        preferred, *others = self.members
        n_undone = 0
        try:
            for said in self._by(list(self.members), items):
                n_undone += not said
                yield said
        finally:
            for name in others:
                if n_lines := self.lines[name]:
                    log.warning("%d of %d lines were done by %s, not by %s", n_lines, len(items), name, preferred)
            self.usage["lines"] = dict(self.lines)
            self.usage["failed_lines"] = n_undone

    def _by(self, names: Sequence[str], items: Sequence[Item]) -> Iterator[Said]:
        """What the first of some members says; where it has nothing, what those after it say."""
        waiting: list[Item] = []
        n_answered = 0
        for said in self._alone(names[0], items):
            item = items[n_answered]
            n_answered += 1
            done = _is_done(item, said)
            if not done:
                waiting.append(item)
            if done or len(waiting) == WINDOW:
                yield from self._handed_on(names[1:], waiting)
                waiting = []
            if done:
                self.lines[names[0]] += 1
                yield said
        left = items[n_answered:]
        if names[0] in self.failed:
            self.provisional.update(text for text, _ in left)
        yield from self._handed_on(names[1:], [*waiting, *left])

    def _handed_on(self, names: Sequence[str], items: Sequence[Item]) -> Iterator[Said]:
        if items and names:
            yield from self._by(names, items)
        elif items and len(self.failed) == len(self.members):
            raise list(self.failed.values())[-1]
        else:
            yield from (() for _ in items)

    def _alone(self, name: str, items: Sequence[Item]) -> Iterator[Said]:
        """What one member says, until it fails as a whole; nothing once it has."""
        if name in self.failed:
            return
        member = self.members[name]
        texts = [text for text, _ in items]
        # Translators that heed nothing need not know that there are hints.
        hints = ([hint for _, hint in items],) if getattr(member, "heeds", None) else ()
        try:
            yield from member.translate(texts, self.source, self.target, *hints)
        except DubkitError as error:
            self.failed[name] = error
            if left := [n for n in self.members if n not in self.failed]:
                log.warning("%s failed and is not asked again; %s goes on. %s", name, " or ".join(left), error)
        finally:
            self._count(getattr(member, "usage", {}))

    def _count(self, usage: Mapping[str, Any]) -> None:
        """Add what a member used; each call of its ``translate`` counts from nought."""
        for what, amount in usage.items():
            if isinstance(amount, int | float):
                self.usage[what] = round(self.usage.get(what, 0) + amount, 6)


def _is_done(item: Item, said: Said) -> bool:
    """Whether there is something to say, or nothing was asked for (a line without letters)."""
    return any(c.text.strip() for c in said) or (bool(said) and not any(c.isalnum() for c in item[0]))

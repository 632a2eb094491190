"""The same sentence in fewer or more syllables: contractions, optional words, plainer phrases.

Nothing that is said is dropped and nothing is added: a rule only exchanges wordings that mean the same, and only where
its context shows that the result is grammatical. The rules are data, one table per language in ``dubkit/wordings/``;
where a context is doubtful they leave the text alone. Text in quotation marks and terms that are to be kept stay as they
are. ``dubkit/wordings/README.md`` says how a table is written.
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from dubkit import glossary

MOST = 6
"""Variants of a text, at most."""
DEAREST = 0.15
"""The most that a variant costs, however much is exchanged."""

_TABLES = Path(__file__).parent / "wordings"
_ENDS = re.compile(r"[.!?…]+[\"”»)\]]*\s+")
_END = re.compile(r"[.!?…]+(?=[\"”»)\]]*(?:\s|$))")
_OPENING = " \t\n¿¡—–-("
# An apostrophe is no quotation mark; a single quote is one only in the form that opens.
_QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”|„[^“”]*[“”]|«[^»]*»|‘[^‘’]*’(?!\w)")
_WORD = r"[\w'-]"

Direction = Literal["shorter", "longer"]


@dataclass(frozen=True)
class Variant:
    """Another wording.

    Parameters
    ----------
    text : str
        The wording.
    how : str
        What was done to come to it.
    cost : float
        How much worse it is than the text that it was made of, in a translator's units: log probability per token.
    """

    text: str
    how: str
    cost: float


@dataclass(frozen=True)
class _Rule:
    """What may be exchanged, and the context in which it may; see ``dubkit/wordings/README.md``."""

    how: str
    cost: float
    find: re.Pattern[str]
    said: Mapping[str, str]
    context: Mapping[str, re.Pattern[str]]


@dataclass(frozen=True)
class _Exchange:
    """``text[start:end]`` becomes ``new``."""

    start: int
    end: int
    new: str
    how: str
    cost: float


def variants(text: str, language: str, keep: Iterable[str] = ()) -> tuple[Variant, ...]:
    """Other wordings of a text, the cheapest first.

    Each kind of exchange alone, all together that shorten, and all together that lengthen; at most :data:`MOST`.

    Parameters
    ----------
    text : str
        One sentence or more.
    language : str
        BCP-47; languages without a table have no variants.
    keep : iterable of str
        Terms that must stand as they are.

    Returns
    -------
    tuple of Variant
        Distinct, none equal to `text`.
    """
    terms = tuple(keep)
    text = glossary.composed(text)
    # With typographic apostrophes made straight the text has the same length, so that places stay places.
    plain = text.replace("’", "'")
    held = [m.span() for m in _QUOTED.finditer(text)]
    held += [(o.start, o.end) for o in glossary.occurrences(text, terms)]
    single: list[Variant] = []
    together: list[Variant] = []
    for rules in _rules(language.partition("-")[0]):
        exchanges = list(_exchanges(plain, rules))
        kinds = dict.fromkeys(e.how for e in exchanges)
        alone = [_apart([e for e in exchanges if e.how == kind], held) for kind in kinds]
        single += [_variant(text, chosen) for chosen in alone if chosen]
        together.append(_variant(text, _apart(exchanges, held)))
    distinct: dict[str, Variant] = {}
    for variant in [*sorted(single, key=lambda v: v.cost), *together]:
        if variant.text != text and not _lost(text, variant.text, terms):
            distinct.setdefault(variant.text, variant)
    ends = [v for v in distinct.values() if v in together]
    chosen = [*ends, *(v for v in distinct.values() if v not in ends)][:MOST]
    return tuple(sorted(chosen, key=lambda v: v.cost))


def _lost(before: str, after: str, terms: Sequence[str]) -> bool:
    return bool(set(glossary.missing(after, terms)) - set(glossary.missing(before, terms)))


def _variant(text: str, exchanges: Sequence[_Exchange]) -> Variant:
    made, at = "", 0
    for exchange in sorted(exchanges, key=lambda e: e.start):
        made += text[at : exchange.start] + _typed(exchange.new, text)
        at = exchange.end
    how = ", ".join(dict.fromkeys(e.how for e in exchanges))
    return Variant(made + text[at:], how, round(min(DEAREST, sum(e.cost for e in exchanges)), 4))


def _typed(new: str, text: str) -> str:
    """A new wording with the apostrophes that the text has."""
    return new.replace("'", "’") if "’" in text else new


def _apart(exchanges: Iterable[_Exchange], held: Sequence[tuple[int, int]]) -> list[_Exchange]:
    """Those that touch nothing that is held, nor each other; the earlier rule goes first."""
    taken, found = list(held), []
    for exchange in exchanges:
        if all(exchange.end <= start or end <= exchange.start for start, end in taken):
            taken.append((exchange.start, exchange.end))
            found.append(exchange)
    return sorted(found, key=lambda e: e.start)


def _exchanges(text: str, rules: Sequence[_Rule]) -> Iterator[_Exchange]:
    for rule in rules:
        for match in rule.find.finditer(text):
            before, after = _around(text, *match.span())
            if _fits(rule.context, before, match[0], after):
                yield _exchange(text, match, rule)


def _around(text: str, start: int, end: int) -> tuple[str, str]:
    """What of the same sentence stands before a place, without marks that open it, and after it."""
    before = _ENDS.split(text[:start])[-1].lstrip(_OPENING)
    closing = _END.search(text, end)
    return before.rstrip(), text[end : closing.end() if closing else len(text)].lstrip()


def _fits(context: Mapping[str, re.Pattern[str]], before: str, found: str, after: str) -> bool:
    sides = {"previous": before, "next": after, "sentence": f"{before} {found} {after}"}
    return all(
        bool(pattern.search(sides[key.removeprefix("not_")])) is ("not_" not in key) for key, pattern in context.items()
    )


def _exchange(text: str, match: re.Match[str], rule: _Rule) -> _Exchange:
    """The exchange at a match; where a word goes or comes at a sentence's start, the capital moves."""
    start, end = match.span()
    new = rule.said[" ".join(match[0].lower().split())]
    if not match[0]:
        return _Exchange(start, end + 1, f"{_raised(new)} {text[end].lower()}", rule.how, rule.cost)
    raised = match[0][0].isupper()
    if not new:
        while text[end : end + 1].isspace():
            end += 1
        first = text[end : end + 1]
        return _Exchange(start, end + 1, first.upper() if raised else first, rule.how, rule.cost)
    shouted = match[0].isupper() and text.isupper() and len(match[0]) > 1
    return _Exchange(start, end, new.upper() if shouted else _raised(new) if raised else new, rule.how, rule.cost)


def _raised(words: str) -> str:
    return words[:1].upper() + words[1:]


@functools.cache
def _rules(language: str) -> tuple[tuple[_Rule, ...], ...]:
    """A language's rules: those that shorten, those that lengthen."""
    path = _TABLES / f"{language}.toml"
    if not path.is_file():
        return ()
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    words: dict[str, str] = table.get("words", {})
    directions: tuple[Direction, ...] = ("shorter", "longer")
    return tuple(tuple(_rule(entry, words) for entry in table.get(direction, ())) for direction in directions)


def _rule(entry: Mapping[str, Any], words: Mapping[str, str]) -> _Rule:
    said = {found.lower(): new for found, new in entry["pairs"]}
    places = {"previous": r"(?:{})$", "next": r"^(?:{})", "sentence": "{}"}
    context = {}
    for key in ("previous", "not_previous", "next", "not_next", "sentence", "not_sentence"):
        if key in entry:
            pattern = re.sub(r"<(\w+)>", lambda m: f"(?:{'|'.join(words[m[1]].split())})", entry[key])
            context[key] = re.compile(places[key.removeprefix("not_")].format(pattern), re.IGNORECASE)
    return _Rule(entry["how"], float(entry["cost"]), _found(said), said, context)


def _found(phrases: Iterable[str]) -> re.Pattern[str]:
    """Where whole phrases stand, the longest first; the empty phrase stands before every word."""
    longest_first = sorted(phrases, key=len, reverse=True)
    if longest_first == [""]:
        return re.compile(rf"(?<!{_WORD})(?=\w)")
    spaced = [
        r"\s+".join(map(re.escape, p.split())) + (rf"(?!{_WORD})" if p[-1].isalnum() else "") for p in longest_first
    ]
    return re.compile(rf"(?<!{_WORD})(?:{'|'.join(spaced)})", re.IGNORECASE)

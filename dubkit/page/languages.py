"""What a film can be dubbed from and into, as choices of a list: the name of a language and how good it will be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from dubkit import languages
from dubkit.page.words import QUALITIES, counted
from dubkit.service.jobs.pairs import Pair

Choice = tuple[str, str]
AUTOMATIC: Choice = ("Find out from the film", "")
NONE: Choice = ("Choose a language", "")
_BEST = ("good", "fair", "draft")


def sources(pairs: Sequence[Pair], target: str = "") -> list[Choice]:
    """What may be spoken, in order of name; only what can become `target` where one is given."""
    found = {pair.source: pair.source_name for pair in pairs if target in ("", pair.target)}
    return [AUTOMATIC, *((name, code) for code, name in sorted(found.items(), key=lambda one: one[1]))]


def targets(pairs: Sequence[Pair], source: str = "") -> list[Choice]:
    """What a film can be dubbed into, the best first, and then in order of name.

    Parameters
    ----------
    pairs : sequence of Pair
    source : str
        What is spoken; empty where that is still to be found out: then a language is as good as its best pair.
    """
    best: dict[str, Pair] = {}
    for pair in pairs:
        if source in ("", pair.source) and (pair.target not in best or _rank(pair) < _rank(best[pair.target])):
            best[pair.target] = pair
    ordered = sorted(best.values(), key=lambda pair: (_rank(pair) if source else 0, pair.target_name))
    return [NONE, *((_told(pair, sure=bool(source)), pair.target) for pair in ordered)]


def note(pairs: Sequence[Pair], source: str, target: str) -> str:
    """What to expect of a pair, in a sentence or two; empty where nothing is chosen."""
    if not target:
        return ""
    fitting = [pair for pair in pairs if pair.target == target and source in ("", pair.source)]
    if not fitting:
        return ""
    voices = _voices(fitting[0])
    if source:
        return f"{QUALITIES.get(fitting[0].translation, 'Translation').capitalize()}; {voices}."
    grades = Counter(pair.translation for pair in fitting)
    good = sorted(pair.source_name for pair in fitting if pair.translation == "good")
    heard = f"{voices[0].upper()}{voices[1:]}."
    if not good or len(grades) == 1:
        return heard
    return f"{heard} The translation is best from {_listed(good)}."


def pair(source: str | None, target: str) -> str:
    """From what into what, as far as it is known."""
    into = languages.name(target)
    return f"{languages.name(source)} → {into}" if source else f"Into {into}"


def _rank(pair: Pair) -> int:
    return _BEST.index(pair.translation) if pair.translation in _BEST else 0


def _told(pair: Pair, sure: bool) -> str:
    quality = QUALITIES.get(pair.translation, "")
    return f"{pair.target_name}, {quality}" if sure and quality else pair.target_name


def _voices(pair: Pair) -> str:
    """``2 female, 1 male`` as ``3 voices (2 female, 1 male)``."""
    numbers = [
        int(part.split()[0]) for part in pair.voices.split(", ") if part.split()[:1] and part.split()[0].isdigit()
    ]
    return f"{counted(sum(numbers), 'voice')} to choose from ({pair.voices})" if numbers else "voices are there"


def _listed(names: Sequence[str]) -> str:
    shown = list(names[:6]) + ([f"{len(names) - 6} others"] if len(names) > 6 else [])
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"

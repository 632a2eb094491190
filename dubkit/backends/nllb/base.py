"""What is the same for NLLB-200 whatever engine runs it: languages, parts of long texts, and a guard over what comes out.

An utterance goes through the model as one text, so that its sentences are each other's context. Three things are known
to go wrong with this model, and are put right here: beyond some hundred tokens it leaves out sentences, so that longer
texts are cut at sentence ends; of several sentences it may say only one, so that a translation that is too short is done
again sentence by sentence; and it may go round in circles, so that candidates which do stand behind the others.
"""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from dubkit import glossary
from dubkit.artefacts import Candidate
from dubkit.backends import flores
from dubkit.backends.nllb import guard as translation_guard
from dubkit.backends.protocols import Hint
from dubkit.backends.sentences import clauses
from dubkit.errors import BadInput, UnsupportedPair, listed

N_BEST = 5
LONGEST_PART = 128
"""Tokens that are translated as one text."""
LONGEST_OUTPUT = 256
"""Tokens after which a translation is cut: twice the longest part, so that only endless loops meet it."""
WINDOW = 8
"""Batches whose texts are sorted by length together; more would make the first result wait longer."""
METHOD = 3
"""Raised whenever what is done around the model changes what comes out."""
NO_REPEAT = 4
"""Tokens that may not come twice in one translation, where all its candidates went round in circles."""
# Scripts of languages with no space between sentences, and of those that have one there but none between words.
_NEVER_SPACED = frozenset({"Hans", "Hant", "Jpan"})
_UNSPACED = _NEVER_SPACED | {"Thai", "Laoo", "Khmr", "Mymr", "Tibt"}


@dataclass(frozen=True)
class Part:
    """A text for the model: its tokens, and the target's words that must stand in its translation."""

    text: str
    tokens: tuple[int, ...]
    terms: tuple[str, ...] = ()


@dataclass(frozen=True)
class Draft:
    """A translation found by search, with its total log probability, and the tokens that this is a sum over."""

    text: str
    log_probability: float
    n_tokens: int

    @property
    def score(self) -> float:
        """Mean log probability of a token."""
        return self.log_probability / max(1, self.n_tokens)


class NllbTranslator(ABC):
    """The part of a translator that does not depend on the engine."""

    heeds = frozenset({"terms"})
    name: str
    """The model, for messages."""

    def pairs(self) -> frozenset[tuple[str, str]]:
        """Every language to every other."""
        return _pairs()

    def route(self, source: str, target: str) -> tuple[str, ...]:
        """Straight from source to target."""
        return (source, target)

    def translate(
        self, texts: Sequence[str], source: str, target: str, hints: Sequence[Hint] = ()
    ) -> Iterator[tuple[Candidate, ...]]:
        """Up to five distinct candidates for each text, best first; ``score`` is the mean log probability of a token.

        Candidates that hold all terms of the text's hint come first; those that go round in circles come last.

        Raises
        ------
        UnsupportedPair
            If a language is not one of NLLB-200's, or not in this checkpoint's vocabulary.
        BadInput
            If a single word is longer than the model can read; the message holds its beginning.
        """
        known = flores.codes()
        for language in (source, target):
            if language not in known:
                raise UnsupportedPair(f"NLLB-200 does not know {language!r}. It knows: {listed(list(known), 250)}.")
        terms = [hint.terms for hint in hints] or [()] * len(texts)
        return self._translate(list(zip(texts, terms, strict=True)), known[source], known[target])

    @abstractmethod
    def _search(self, parts: Sequence[Part], target: str, no_repeat: int) -> Iterator[list[Draft]]:
        """The best translations of each part, best first, in order; `no_repeat` as in :data:`NO_REPEAT`, 0 for none."""

    @property
    @abstractmethod
    def _window(self) -> int:
        """How many texts are sorted by length together."""

    @property
    @abstractmethod
    def _tokenizer(self) -> Any:
        """NLLB's tokenizer."""

    @property
    @abstractmethod
    def _readable(self) -> int:
        """The most tokens that the model has places for."""

    def _translate(
        self, texts: Sequence[tuple[str, tuple[str, ...]]], source: str, target: str
    ) -> Iterator[tuple[Candidate, ...]]:
        for code in (source, target):
            self._token(code)
        for n in range(0, len(texts), self._window):
            window = texts[n : n + self._window]
            lines = [self._parts(text, terms, source) for text, terms in window]
            found = iter(self._guarded([part for line in lines for part in line], source, target))
            for line, (text, terms) in zip(lines, window, strict=True):
                drafts = _joined([next(found) for _ in line], target)
                yield _candidates(_ranked(drafts, Part(text, (), terms)))

    def _guarded(self, parts: Sequence[Part], source: str, target: str) -> list[list[Draft]]:
        """Translations of each part, the good ones first; those that went wrong are done again in another way."""
        found = [_ranked(drafts, part) for drafts, part in zip(self._sorted(parts, target), parts, strict=True)]
        astray = [n for n, part in enumerate(parts) if translation_guard.strays(part.text, found[n][0].text)]
        for n, drafts in zip(astray, self._sorted([parts[n] for n in astray], target, NO_REPEAT), strict=True):
            strayed_again = all(translation_guard.strays(parts[n].text, draft.text) for draft in drafts)
            # The bar makes a translation worse, so that what it did not mend comes last.
            found[n] = _ranked([*found[n], *drafts] if strayed_again else [*drafts, *found[n]], parts[n])
        short = [n for n, p in enumerate(parts) if translation_guard.lacks_a_sentence(p.text, found[n][0].text)]
        alone = {n: self._sentences(parts[n], source) for n in short}
        made = iter(self._sorted([sentence for n in short for sentence in alone[n]], target))
        for n in short:
            drafts = _joined([_ranked(next(made), sentence) for sentence in alone[n]], target)
            if translation_guard.says_more(drafts[0].text, than=found[n][0].text):
                found[n] = _ranked([*drafts, *found[n]], parts[n])
        return found

    def _sorted(self, parts: Sequence[Part], target: str, no_repeat: int = 0) -> list[list[Draft]]:
        """The search over parts sorted by length, so that batches hold little padding; results in the order given."""
        order = sorted(range(len(parts)), key=lambda k: len(parts[k].tokens))
        found = dict(zip(order, self._search([parts[k] for k in order], target, no_repeat), strict=True))
        return [found[k] for k in range(len(parts))]

    def _parts(self, text: str, terms: tuple[str, ...], source: str) -> list[Part]:
        """A text in as few parts as the model reads well, cut at sentence ends, else at clauses."""
        whole = self._part(text, source, terms)
        if not text.strip():
            return []
        if len(whole.tokens) <= min(LONGEST_PART, self._readable):
            return [whole]
        packed: list[str] = []
        for sentence in translation_guard.parts(text):
            for piece in self._pieces(sentence, source):
                joined = f"{packed[-1]} {piece}" if packed else piece
                if packed and self._fits(joined, source):
                    packed[-1] = joined
                else:
                    packed.append(piece)
        return [self._part(piece, source, terms, only_own=True) for piece in packed]

    def _pieces(self, sentence: str, source: str) -> list[str]:
        """A sentence, at its clauses where it is too long, else between words; a single word may be as long as it can.

        Raises
        ------
        BadInput
            If a word is longer than the model has places for.
        """
        longest = len(sentence)
        pieces = [sentence]
        while not all(self._fits(piece, source) for piece in pieces) and longest > 1:
            longest //= 2
            pieces = clauses(sentence, longest)
        for piece in pieces:
            if (n := len(self._part(piece, source).tokens)) > self._readable:
                raise BadInput(
                    f"A text of {n} tokens without a space is longer than the {self._readable} that NLLB can read; it "
                    f"begins {piece[:60]!r}. Cut the utterance in two."
                )
        return pieces

    def _sentences(self, part: Part, source: str) -> list[Part]:
        return [self._part(s, source, part.terms, only_own=True) for s in translation_guard.parts(part.text)]

    def _fits(self, text: str, source: str) -> bool:
        return len(self._part(text, source).tokens) <= min(LONGEST_PART, self._readable)

    def _part(self, text: str, source: str, terms: tuple[str, ...] = (), *, only_own: bool = False) -> Part:
        """A text and its tokens; of the terms, all or only those that stand in it."""
        # The tokenizer puts the code of its current source language before the text.
        self._tokenizer.src_lang = source
        own = tuple(term for term in terms if not only_own or glossary.keeps(text, [term]))
        return Part(text, tuple(self._tokenizer(text)["input_ids"]), own)

    def _token(self, code: str) -> int:
        """The vocabulary's id of a language."""
        token: int = self._tokenizer.convert_tokens_to_ids(code)
        if token == self._tokenizer.unk_token_id:
            raise UnsupportedPair(f"The vocabulary of {self.name} has no {code}; it is not a full NLLB-200.")
        return token


def has_spaces(code: str) -> bool:
    """Whether words are written apart in a language, by its FLORES-200 code."""
    return code.partition("_")[2] not in _UNSPACED


@functools.cache
def _pairs() -> frozenset[tuple[str, str]]:
    known = flores.codes()
    return frozenset((a, b) for a in known for b in known if a != b)


def _joined(parts: Sequence[Sequence[Draft]], target: str) -> list[Draft]:
    """The translations of a text from those of its parts: the n-th best with the n-th best, or with the last there is."""
    space = "" if target.partition("_")[2] in _NEVER_SPACED else " "
    found = []
    for n in range(max(map(len, parts), default=0)):
        chosen = [drafts[min(n, len(drafts) - 1)] for drafts in parts if drafts]
        found.append(
            Draft(
                space.join(draft.text for draft in chosen if draft.text),
                sum(draft.log_probability for draft in chosen),
                sum(draft.n_tokens for draft in chosen),
            )
        )
    return found


def _ranked(drafts: Sequence[Draft], part: Part) -> list[Draft]:
    """Those that stray last, before them those that lack a term; otherwise as they were."""
    return sorted(
        drafts,
        key=lambda d: (translation_guard.strays(part.text, d.text), not glossary.keeps(d.text, part.terms)),
    )


def _candidates(drafts: Sequence[Draft]) -> tuple[Candidate, ...]:
    """Up to five different ones; none is empty if another is not."""
    best: dict[str, float] = {}
    for draft in drafts:
        best.setdefault(" ".join(draft.text.split()), round(draft.score, 4))
    if len(best) > 1:
        best.pop("", None)
    chosen = list(best.items())[:N_BEST] or [("", 0.0)]
    return tuple(Candidate(text=text, score=score) for text, score in chosen)

"""Translation by a language model behind any OpenAI-compatible address: it heeds context, length and required words.

The key comes from the environment: ``DUBKIT_LLM_KEY``; for https://api.openai.com, and for that alone, else
``OPENAI_API_KEY``. The film's lines leave this machine where the address does.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Self

from dubkit.artefacts import Candidate
from dubkit.backends import flores
from dubkit.backends.in_order import in_order
from dubkit.backends.llm.client import Client, Refused
from dubkit.backends.llm.endpoint import Endpoint, Usage
from dubkit.backends.llm.prompt import REVISION, SCHEMA, Asked, Reading, messages, read
from dubkit.backends.protocols import Compute, Hint, ModelCard
from dubkit.errors import BadInput, UnsupportedPair, listed

BATCH = 12
"""Lines in a request: enough to be understood together, few enough that none is forgotten."""
BATCH_CHARACTERS = 3000
"""Of source text in a request; some servers cut what is longer than a small context without a word."""
AGAIN = 2
"""How often a line is asked again alone when nothing of its answer can be used."""
# The model gives the most natural wording first, and no probabilities: each later one is taken to be so much worse, in
# the units of other translators' scores (log probability of a token).
LESS_NATURAL = -0.1

log = logging.getLogger(__name__)


class Llm:
    """Translator ``llm:MODEL@BASE_URL``, for example ``llm:qwen3:32b@http://localhost:11434/v1``.

    Behind the address, ``?price_in=0.15&price_out=0.60`` are US dollars for a million tokens, and ``parallel=4`` the
    requests to send at once: 4 to another machine if nothing is said, 1 to this one.
    """

    heeds = frozenset({"before", "after", "seconds", "terms"})

    def __init__(self, client: Client) -> None:
        self._client = client
        self._failed = 0

    @classmethod
    def from_spec(cls, argument: str, compute: Compute) -> Self:
        """Make it for a model at an address; nothing is asked yet.

        Raises
        ------
        BadInput
            If the spec is not of this form, or its address holds a password.
        """
        return cls(Client(Endpoint.parse(argument)))

    @property
    def fingerprint(self) -> str:
        """Model, address, and the revision of what it is asked; no price, no key, not how many requests go at once."""
        endpoint = self._client.endpoint
        return f"llm-{REVISION}:{endpoint.model}@{endpoint.url}"

    @property
    def usage(self) -> dict[str, Any]:
        """What the last translation took: requests, tokens, lines that failed; dollars where a price is known."""
        return {**self._client.usage.as_dict(), "failed_lines": self._failed}

    def models(self, source: str | None = None, target: str | None = None) -> list[ModelCard]:
        """The one model; whether its server runs is not asked here, see :meth:`check`."""
        endpoint = self._client.endpoint
        note = f"lines are sent to {endpoint.host}"
        return [ModelCard(f"{endpoint.model}@{endpoint.host}", "as its provider says", 0, True, "", note)]

    def check(self) -> None:
        """See, before any work, whether the server answers and takes the key; the model itself is not asked.

        Raises
        ------
        MissingModel
            If it does not answer within five seconds, or wants another key.
        """
        self._client.check()

    def pairs(self) -> frozenset[tuple[str, str]]:
        """Every pair of the 200 languages of FLORES-200; how well the model knows them is not known here."""
        return _pairs()

    def route(self, source: str, target: str) -> tuple[str, ...]:
        """Straight from source to target."""
        return (source, target)

    def quality(self, source: str, target: str) -> str:
        """Not measured: ``as the model``."""
        return "as the model"

    def translate(
        self, texts: Sequence[str], source: str, target: str, hints: Sequence[Hint] = ()
    ) -> Iterator[tuple[Candidate, ...]]:
        """Up to three candidates for each text: natural, shorter, shortest; none where no answer could be used.

        ``score`` is 0, -1, -2, ... in the model's order: it ranks, and measures nothing. Lines go out by the dozen, so
        that an answer may depend a little on what else is asked; a finished line is kept by the stage.

        Raises
        ------
        UnsupportedPair
            If a language is none of those known here.
        MissingModel
            If the server cannot be reached or wants another key.
        BadInput
            If it knows no such model, or refuses whatever is asked.
        StageFailed
            If it stays busy or broken.
        """
        if (source, target) not in _pairs():
            raise UnsupportedPair(
                f"The translator 'llm' cannot do {source} > {target}. It takes two different ones of: "
                f"{listed(list(flores.codes()), 250)}."
            )
        self._client.usage, self._failed = Usage(), 0
        self._client.warn_of_readable_key()
        given = hints or [Hint()] * len(texts)
        return self._translate([Asked(t, h) for t, h in zip(texts, given, strict=True)], source, target)

    def _translate(self, lines: Sequence[Asked], source: str, target: str) -> Iterator[tuple[Candidate, ...]]:
        first_failed = ""
        n_threads = self._client.endpoint.parallel

        def asked(batch: list[Asked]) -> tuple[list[Asked], Iterable[tuple[str, ...]]]:
            spoken = [line for line in batch if line.text.strip()]
            answers = self._batch(spoken, source, target) if spoken else ()
            # Alone, a line is handed on before the next is asked again; of several threads each finishes its batch.
            return batch, answers if n_threads == 1 else list(answers)

        try:
            for batch, answers in in_order(asked, _batches(lines), n_threads):
                found = iter(answers)
                for line in batch:
                    said = next(found) if line.text.strip() else ("",)
                    if not said:
                        self._failed += 1
                        first_failed = first_failed or line.text
                    yield tuple(Candidate(text=text, score=n * LESS_NATURAL) for n, text in enumerate(said))
        finally:
            if self._failed:
                log.warning(
                    "%s gave no translation that can be used for %d of %d lines; the first: %r",
                    self._client.endpoint.model,
                    self._failed,
                    len(lines),
                    first_failed[:60],
                )

    def _batch(self, lines: Sequence[Asked], source: str, target: str) -> Iterator[tuple[str, ...]]:
        """What is said for each line: asked together, and alone where that gave nothing."""
        try:
            readings = self._ask(lines, 0, source, target)
        except Refused:
            # One line of a dozen may be what the server will not hear, or all may be too much at once.
            readings = [Reading() for _ in lines]
        refused = 0
        for line, reading in zip(lines, readings, strict=True):
            try:
                yield self._again(line, reading, source, target)
            except Refused as error:
                refused += 1
                if not self._client.answered and refused == min(2, len(lines)):
                    raise BadInput(
                        f"The server of {self._client.endpoint} refuses what it is asked. {error}".strip()
                    ) from error
                yield reading.candidates

    def _again(self, line: Asked, reading: Reading, source: str, target: str) -> tuple[str, ...]:
        """A line's candidates, asked for again alone while there are none, and once where all are too long."""
        for attempt in range(1, AGAIN + 1):
            if not reading.problem or (reading.candidates and attempt > 1):
                break
            asked = replace(line, problem=f"An earlier answer cannot be used: {reading.problem}.")
            (new,) = self._ask([asked], attempt, source, target)
            reading = Reading(tuple(dict.fromkeys(reading.candidates + new.candidates)), new.problem)
        return reading.candidates

    def _ask(self, lines: Sequence[Asked], attempt: int, source: str, target: str) -> list[Reading]:
        # The same seed would give the same answer again.
        answer = self._client.complete(messages(lines, source, target), SCHEMA, seed=attempt)
        return read(answer, lines, target)


@functools.cache
def _pairs() -> frozenset[tuple[str, str]]:
    known = flores.codes()
    return frozenset((a, b) for a in known for b in known if a != b)


def _batches(lines: Sequence[Asked]) -> Iterator[list[Asked]]:
    """Lines by the dozen, fewer where they are long."""
    batch: list[Asked] = []
    length = 0
    for line in lines:
        if batch and (len(batch) == BATCH or length + len(line.text) > BATCH_CHARACTERS):
            yield batch
            batch, length = [], 0
        batch.append(line)
        length += len(line.text)
    if batch:
        yield batch

"""A translation memory as a dubkit translator: what people translated before is said the same way again.

The spec is ``memory:FILE.csv``; the file's header names its languages, e.g. ``en,pt``, and every row is one sentence in
all of them. A sentence that is not in it is left to the next translator: ``first:memory:talks.csv,pivot``.
"""

import csv
import hashlib
from collections.abc import Iterator, Sequence
from itertools import permutations
from pathlib import Path
from typing import Self

from dubkit.artefacts import Candidate
from dubkit.backends.protocols import Compute, Hint, ModelCard
from dubkit.errors import BadInput


class Memory:
    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open(newline="", encoding="utf-8-sig") as stream:
            self.rows = list(csv.DictReader(stream, strict=True))

    @classmethod
    def from_spec(cls, argument: str, compute: Compute) -> Self:
        if not Path(argument).is_file():
            raise BadInput(f"There is no translation memory {argument!r}. Write memory:FILE.csv")
        return cls(Path(argument))

    @property
    def fingerprint(self) -> str:
        return f"memory:{hashlib.sha256(self.path.read_bytes()).hexdigest()[:12]}"

    def models(self, source: str | None = None, target: str | None = None) -> list[ModelCard]:
        return []

    def pairs(self) -> frozenset[tuple[str, str]]:
        return frozenset(permutations(self.rows[0], 2)) if self.rows else frozenset()

    def route(self, source: str, target: str) -> tuple[str, ...]:
        return (source, target)

    def translate(
        self, texts: Sequence[str], source: str, target: str, hints: Sequence[Hint] = ()
    ) -> Iterator[tuple[Candidate, ...]]:
        known = {_plain(row[source]): row[target] for row in self.rows if row[target]}
        for text in texts:
            found = known.get(_plain(text))
            yield (Candidate(text=found),) if found else ()


def _plain(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip(".!?…")

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
    def __init__(self, rows: list[list[str]], fingerprint: str) -> None:
        self.languages, *self.rows = rows
        self.fingerprint = fingerprint

    @classmethod
    def from_spec(cls, argument: str, compute: Compute) -> Self:
        try:
            data = Path(argument).read_bytes()
            rows = [[c.strip() for c in row] for row in csv.reader(data.decode("utf-8-sig").splitlines(), strict=True)]
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise BadInput(f"{argument!r} cannot be read as a CSV file in UTF-8 ({error}).") from error
        if not rows or len(rows[0]) < 2 or not all(2 <= len(code) <= 12 for code in rows[0]):
            raise BadInput(f"The first line of {argument} must be language codes with commas between them, e.g. en,pt")
        return cls(rows, f"memory:{hashlib.sha256(data).hexdigest()[:12]}")

    def models(self, source: str | None = None, target: str | None = None) -> list[ModelCard]:
        return []

    def pairs(self) -> frozenset[tuple[str, str]]:
        return frozenset(permutations(self.languages, 2))

    def route(self, source: str, target: str) -> tuple[str, ...]:
        return (source, target)

    def translate(
        self, texts: Sequence[str], source: str, target: str, hints: Sequence[Hint] = ()
    ) -> Iterator[tuple[Candidate, ...]]:
        said, meant = self.languages.index(source), self.languages.index(target)
        known = {_plain(row[said]): row[meant] for row in self.rows if len(row) > max(said, meant)}
        for text in texts:
            found = known.get(_plain(text))
            yield (Candidate(text=found),) if found else ()


def _plain(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip(".!?…")

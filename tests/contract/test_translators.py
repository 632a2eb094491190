"""What every translator promises."""

from typing import Any

import pytest

from contract.subjects import Subject
from dubkit import languages
from dubkit.artefacts import Candidate
from dubkit.backends.protocols import Hint
from dubkit.errors import UnsupportedPair

TEXTS = [
    "A bad cab.",
    "",
    "He had a bag and a cap.",
    "😀 <b>fed</b> \"a\" & 'b'\n--set",
    "a",
    "He had a bag and a cap.",
]


@pytest.fixture(autouse=True)
def short_outputs(monkeypatch: pytest.MonkeyPatch, subject: Subject) -> None:
    """Random weights never end."""
    if subject.tiny:
        monkeypatch.setattr("dubkit.backends.nllb.translator.LONGEST_OUTPUT", 12)
        monkeypatch.setattr("dubkit.backends.nllb.ct2.LONGEST_OUTPUT", 12)


def test_pairs_are_canonical_and_their_routes_lead_there(backend: Any, subject: Subject) -> None:
    pair = (subject.language, subject.other)
    assert pair in backend.pairs()
    assert all(a != b for a, b in backend.pairs())
    assert all(languages.parse(code) == code for code in {code for both in backend.pairs() for code in both})
    route = backend.route(*pair)
    assert (route[0], route[-1]) == pair


def test_candidates_for_each_text_the_best_first(backend: Any, subject: Subject) -> None:
    found = list(backend.translate(TEXTS, subject.language, subject.other))
    assert len(found) == len(TEXTS)
    assert all(candidates and all(isinstance(c, Candidate) for c in candidates) for candidates in found)
    assert found[1][0].text == ""
    assert found[2] == found[5]
    for candidates in found:
        texts = [c.text for c in candidates]
        assert len(texts) == len(set(texts))
        assert all("\n" not in text for text in texts)


def test_batches_change_nothing(backend: Any, subject: Subject, batched: Any) -> None:
    together = list(batched.translate(TEXTS, subject.language, subject.other))
    alone = [c for text in TEXTS for c in backend.translate([text], subject.language, subject.other)]
    assert [[c.text for c in line] for line in together] == [[c.text for c in line] for line in alone]
    for line, other in zip(together, alone, strict=True):
        assert [c.score for c in line] == pytest.approx([c.score for c in other], abs=1e-3)


def test_hints_that_are_not_heeded_change_nothing(backend: Any, subject: Subject) -> None:
    plain = list(backend.translate(TEXTS[:3], subject.language, subject.other))
    hints = [Hint(before=("a",), after=("b",), seconds=1.0)] * 3
    hinted = list(backend.translate(TEXTS[:3], subject.language, subject.other, hints))
    heeds = getattr(backend, "heeds", frozenset())
    assert heeds <= {"before", "after", "seconds", "terms"}
    assert heeds & {"before", "after", "seconds"} or hinted == plain


def test_what_it_cannot_do_is_refused(backend: Any, subject: Subject) -> None:
    with pytest.raises(UnsupportedPair):
        list(backend.translate(["a"], subject.language, "tlh"))
    assert list(backend.translate([], subject.language, subject.other)) == []

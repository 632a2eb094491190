"""Terms found, written in, and looked for again."""

import itertools
import string
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubkit.glossary import STAND_INS, keeps, missing, occurrences, unveiled, veiled, written

words = st.text(string.ascii_letters, min_size=1, max_size=6)
sentences = st.lists(words | st.sampled_from([",", ".", "—", "'s"]), max_size=12).map(" ".join)
glossaries = st.dictionaries(words, words, max_size=4)


@pytest.mark.parametrize(
    ("text", "terms", "found"),
    [
        ("Word and words, in Word.", ["Word"], ["Word", "Word"]),
        ("my word", ["Word"], []),
        ("WORD 2, Word2, Word_2, Wörd", ["Word"], []),
        ("Cutting Boards; a cutting\nboard!", ["cutting board"], ["cutting\nboard"]),
        ("New York City Hall", ["New York", "York City Hall"], ["York City Hall"]),
        ("Blender's, Blender-based (Blender)", ["Blender"], ["Blender"] * 3),
        ("我用Blender做", ["Blender"], ["Blender"]),
        ("我用混合器做", ["混合器"], ["混合器"]),
        ("블렌더는 좋다", ["블렌더"], ["블렌더"]),
        ("C++ is C.", ["C++", "C"], ["C++", "C"]),
        ("Cafe\u0301", ["Cafe", "Caf\u00e9"], ["Caf\u00e9"]),
    ],
)
def test_terms_are_whole_words_longest_first(text: str, terms: list[str], found: list[str]) -> None:
    composed = unicodedata.normalize("NFC", text)
    assert [composed[o.start : o.end] for o in occurrences(text, terms)] == found


def test_the_targets_terms_are_written_in() -> None:
    glossary = {"cutting board": "tábua de corte", "Word": "Word", "phone": "iPhone"}
    assert written("Cutting boards and a cutting board.", glossary) == (
        "Cutting boards and a tábua de corte.",
        ("tábua de corte",),
    )
    assert written("Cutting board? Word!", glossary) == ("Tábua de corte? Word!", ("tábua de corte", "Word"))
    assert written("Phone me.", glossary) == ("iPhone me.", ("iPhone",)), "a name keeps its case"
    assert written("用混合器Pro做", {"混合器": "Mixer"})[0] == "用Mixer Pro做", "words stay apart"
    assert written("Cafe\u0301 as it was", glossary) == ("Cafe\u0301 as it was", ())


def test_what_is_lost_is_told() -> None:
    assert missing("Abra o Word.", ["Word", "Blender"]) == ("Blender",)
    assert keeps("A Tábua de corte", ["tábua de corte"])
    assert not keeps("Abra a palavra", ["Word"])
    assert keeps("nothing wanted", [])


def test_made_up_names_stand_for_terms_on_the_way() -> None:
    glossary = {"The Office": "The Office", "cutting board": "tábua", "board": "tábua"}
    said, names = veiled("Cutting board, board: The Office", glossary)
    assert said == "Zeltron, Zeltron: Wolvarth"
    assert names == {"Zeltron": "tábua", "Wolvarth": "The Office"}
    assert unveiled("Wolvarth não é Zeltron.", names) == "The Office não é tábua."
    assert veiled("Zeltron has a board", glossary) == ("Zeltron has a tábua", {}), "a name in use stands for nothing"
    many = {f"Term{c}": f"Termo{c}" for c in "abcdefghijk"}
    said, names = veiled(" ".join(many), many)
    assert said.split() == [*STAND_INS, "Termoi", "Termoj", "Termok"]


@given(sentences, glossaries)
def test_what_was_veiled_comes_back(text: str, glossary: dict[str, str]) -> None:
    said, names = veiled(text, glossary)
    assert keeps(unveiled(said, names), written(text, glossary)[1])


@given(sentences, glossaries)
def test_what_is_written_in_is_kept(text: str, glossary: dict[str, str]) -> None:
    said, terms = written(text, glossary)
    assert keeps(said, terms)
    assert set(terms) <= set(glossary.values())
    if not terms:
        assert said == text


@given(sentences, glossaries)
def test_found_terms_lie_apart_and_what_is_between_them_stays(text: str, glossary: dict[str, str]) -> None:
    found = occurrences(text, glossary)
    assert all(a.end <= b.start for a, b in itertools.pairwise(found))
    assert all(text[o.start : o.end].casefold() == o.term.casefold() for o in found)
    said = written(text, dict.fromkeys(glossary, "Ω"))[0]
    rest, at = "", 0
    for occurrence in found:
        rest += text[at : occurrence.start] + "Ω"
        at = occurrence.end
    assert said == rest + text[at:]


@given(sentences, glossaries)
def test_a_name_that_is_kept_changes_no_text(text: str, glossary: dict[str, str]) -> None:
    assert written(text, {term: term for term in glossary if term != term.lower()})[0] == text


@given(st.text(max_size=20), st.text(max_size=6))
def test_any_text_can_be_looked_through(text: str, term: str) -> None:
    assert all(o.start < o.end for o in occurrences(text, [term]))

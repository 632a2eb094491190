"""What is told apart: mistranslations that a model is sure of, and translations that only look odd."""

from collections.abc import Iterator, Sequence

import pytest

from dubkit.backends.nllb import guard as guard
from dubkit.backends.nllb.base import NO_REPEAT, Draft, NllbTranslator, Part


@pytest.mark.parametrize(
    ("text", "n"),
    [
        ("", 0),
        ("one two", 1),
        ("No, no, no!", 3),
        ("a b a b a b a", 3),
        ("我来我来我来", 3),
        ("the the end end end", 3),
    ],
)
def test_repetitions(text: str, n: int) -> None:
    assert guard.repetitions(text) == n


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("and then we left", "e depois, e depois, e depois, e depois fomos"),
        ("Yes.", "Sim, eu acho que é uma boa ideia e que devemos ir para casa agora"),
        ("Go.", "去去去去去去"),
    ],
)
def test_what_strays(source: str, said: str) -> None:
    assert guard.strays(source, said)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("No, no, no, no, no!", "Não, não, não, não, não!"),
        ("I was there.", "Я был там, и это было давно."),
        ("Straight through.", "まっすぐ進んでください。"),
        ("", ""),
        ("Hm.", "Humm, sim."),
        ("123 456", "cento e vinte e três mil, quatrocentos e cinquenta e seis"),
        ("1984", "mil novecentos e oitenta e quatro"),
    ],
)
def test_what_does_not(source: str, said: str) -> None:
    assert not guard.strays(source, said)


def test_a_missing_sentence() -> None:
    two = "He opened the door. A red cat ran out."
    assert guard.lacks_a_sentence(two, "Ele abriu a porta.")
    assert guard.lacks_a_sentence(two, "")
    assert not guard.lacks_a_sentence(two, "Ele abriu a porta e um gato vermelho saiu.")
    assert not guard.lacks_a_sentence(two, "Abriu. Saiu."), "as many sentences, only shorter"
    assert not guard.lacks_a_sentence("He opened the door that was red.", "Abriu.")
    assert guard.says_more("Ele abriu a porta. Um gato saiu.", than="Ele abriu a porta.")
    assert not guard.says_more("Ele abriu a porta.", than="Ele abriu uma porta.")


def test_sentences_without_spaces_between() -> None:
    assert guard.parts("我来。你呢？好！ He came. Yes.") == ["我来。", "你呢？", "好！", "He came.", "Yes."]
    assert guard.parts("「好。」他说。") == ["「好。」他说。"]


def test_syllables_in_any_script() -> None:
    assert guard.syllables("caterpillar") == 4
    assert guard.syllables("你好") == 2
    assert guard.syllables("мама") == pytest.approx(1.8)
    assert guard.syllables("我用Word") == 3
    assert guard.syllables("25 men") == 5


class Searches(NllbTranslator):
    """Finds what it is told: first in the usual search, then with repetitions barred."""

    name = "searches"
    _window, _tokenizer, _readable = 8, None, 100

    def __init__(self, usual: list[str], barred: list[str]) -> None:
        self.found = {0: usual, NO_REPEAT: barred}

    def _search(self, parts: Sequence[Part], target: str, no_repeat: int) -> Iterator[list[Draft]]:
        return iter([[Draft(text, -1.0, 1) for text in self.found[no_repeat]] for _ in parts])


@pytest.mark.parametrize(
    ("barred", "best"),
    [
        (["ir ir ir ir ir", "fomos"], "fomos"),
        (["ir ir ir ir ir", "eu eu eu eu eu"], "e e e e e"),
    ],
)
def test_a_search_with_repetitions_barred_counts_where_it_mended_something(barred: list[str], best: str) -> None:
    translator = Searches(["e e e e e", "a a a a a"], barred)
    (found,) = translator._guarded([Part("We left.", (1,))], "eng_Latn", "por_Latn")
    assert found[0].text == best
    assert {draft.text for draft in found} == {"e e e e e", "a a a a a", *barred}

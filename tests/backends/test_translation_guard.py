"""What is told apart: mistranslations that a model is sure of, and translations that only look odd."""

import pytest

from dubkit.backends import translation_guard as guard


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

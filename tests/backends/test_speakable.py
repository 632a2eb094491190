import pytest

from dubkit.backends.speakable import speakable


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("¿Qué haces, señor?", "Qué haces, señor?"),
        ("Hi 👍🏽 there\u200d \ufe0f!", "Hi there !"),
        ("a *unknown word", "a unknown word"),
        ("one\ntwo\tthree\x00four", "one two three four"),
        ('He said "yes" (twice).', "He said “yes” (twice)."),
        ("l’été [à] Paris", "l'été (à) Paris"),
        ("20 °C, 5 % & 3 €", "20 °C, 5 % & 3 €"),
        ("bad \ud800 half", "bad half"),
        ("e\u0301", "é"),
        ("😀🎉", ""),
    ],
)
def test_keeps_what_can_be_read_and_nothing_else(text: str, said: str) -> None:
    assert speakable(text) == said

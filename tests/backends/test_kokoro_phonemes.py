import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dubkit.backends.kokoro.phonemes import (
    ESPEAK_CODES,
    LONGEST_PART,
    MAX_TOKENS,
    chunks,
    symbols,
    tokens,
    vocabulary,
)


def test_vocabulary_is_the_models() -> None:
    assert len(vocabulary()) == 114
    assert (vocabulary()[","], vocabulary()[" "], vocabulary()["ᵻ"]) == (3, 16, 177)


@pytest.mark.parametrize(
    ("accent", "text", "written"),
    [
        ("pt", "Olá, tudo bem?", "olˈa, tˈudʊ bˈAŋ?"),
        ("es", "¿Qué haces, señor?", "kˈe ˈaθes, seɲˈoɾ?"),
        ("it", "Ciao, zia!", "ʧˈao, ʣˈia!"),
        ("fr", "« Oui », dit-il…", "“wˈi”, dˈitˈil…"),
        ("en-us", "The judge chose a boy.", "ðə ʤˈʌʤ ʧˈOz ɐ bˈY.".replace("ɐ", "ə")),
        ("en-gb", "Go home.", "ɡˌQ hˈQm."),
    ],
)
def test_writes_as_the_model_was_taught(accent: str, text: str, written: str) -> None:
    assert symbols(text, accent) == written


def test_foreign_words_lose_their_flags() -> None:
    assert "(" not in symbols("O Facebook e o weekend", "pt")


def test_numbers_stay_whole_and_marks_stay() -> None:
    assert symbols("3.5, 10:30", "en-us").count(",") == 1
    assert "." not in symbols("3.5, 10:30", "en-us")
    assert symbols("Wait... what?!", "en-us").count("…") == 1
    assert symbols("Wait... what?!", "en-us").endswith("?!")


@pytest.mark.parametrize("text", ["", " ", "...", "?!", "😀", "“”", "—", "()", "*"])
def test_nothing_to_say(text: str) -> None:
    assert symbols(text, "pt") == ""


def test_long_text_is_cut_at_sentences_into_equal_parts() -> None:
    parts = chunks(symbols("Esta é uma frase bem comprida, que não acaba nunca. " * 24, "pt"))
    assert len(parts) == 6
    assert all(part.endswith(".") for part in parts)
    assert max(map(len, parts)) <= LONGEST_PART <= MAX_TOKENS
    assert max(map(len, parts)) < 1.3 * min(map(len, parts))


@given(st.text(alphabet="ab ,.", max_size=300))
def test_chunks_lose_no_symbol(written: str) -> None:
    parts = chunks(written, 20)
    assert "".join("".join(parts).split()) == "".join(written.split())
    assert all(0 < len(part) <= 20 for part in parts)


@settings(max_examples=60)
@given(st.text(max_size=40), st.sampled_from(sorted(ESPEAK_CODES)))
def test_any_text_becomes_known_symbols(text: str, accent: str) -> None:
    written = symbols(text, accent)
    assert len(tokens(written)) == len(written)
    assert 0 not in tokens(written)

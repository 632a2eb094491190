"""What is made equal before texts are compared, and what stays different."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from num2words import num2words
from whisper_normalizer.basic import BasicTextNormalizer
from whisper_normalizer.english import EnglishTextNormalizer

from dubkit.errors import BadInput
from evaluation.texts.normalisation import normalised


@pytest.mark.parametrize(
    ("language", "written", "compared"),
    [
        ("pt", "Olá, mundo! Não é fácil.", "olá mundo não é fácil"),
        ("es", "¿Qué tal, señor? ¡Bien!", "qué tal señor bien"),
        ("fr", "L’été, c'est qu’il", "l été c est qu il"),
        ("de", "Straße", "straße"),
        ("hi", "नमस्ते दुनिया।", "नमस्ते दुनिया"),
        ("", "Any text; 21", "any text 21"),
        ("en", "The colour won't change, Mr. Smith", "the color will not change mister smith"),
        ("en", "He’s twenty-one", "he is 21"),
        ("en", "Uh, hmm, well… I mean... no", "well i mean no"),
        ("zh", "我有iPhone 15，你呢？", "我 有 iphone 15 你 呢"),
        ("ja", "私は21歳です。", "私 は 二 十 一 歳 で す"),
        ("th", "ที่นี่", "ที่ นี่"),
        ("ko", "한국어 텍스트.", "한국어 텍스트"),
        ("", "in 東京 we", "in 東 京 we"),
    ],
)
def test_by_hand(language, written, compared):
    assert normalised(written, language) == compared


@pytest.mark.parametrize(
    ("language", "figures", "spelt"),
    [
        ("es", "Tengo 21 años y 80 libros", "tengo veintiuno años y ochenta libros"),
        ("pt", "Há 16 e 1.000 e 50%", "há dezesseis e mil e cinquenta por cento"),
        ("pt-BR", "Há 16", "há dezesseis"),
        ("fr", "80 ans, 1 000 mots", "quatre-vingts ans, mille mots"),
        ("it", "Ho 23 anni e 1.984 libri", "ho ventitré anni e millenovecentottantaquattro libri"),
        ("de", "Es sind 23", "es sind dreiundzwanzig"),
        ("en", "I have 23 books", "I have twenty-three books"),
    ],
)
def test_figures_and_spelt_numbers_are_equal(language, figures, spelt):
    assert normalised(figures, language) == normalised(spelt, language)


@given(st.integers(0, 99_999), st.sampled_from(["es", "fr", "it", "cs"]))
def test_every_number_is_said_as_num2words_says_it(number, language):
    assert normalised(str(number), language) == normalised(num2words(number, lang=language), language)


@pytest.mark.parametrize("pair", [("avó", "avô"), ("el", "él"), ("ou", "où"), ("schon", "schön"), ("की", "का")])
def test_marks_tell_words_apart_outside_english(pair):
    assert normalised(pair[0], "pt") != normalised(pair[1], "pt")


def test_composed_and_decomposed_letters_are_equal():
    assert normalised("e\u0301te\u0301", "fr") == normalised("été", "fr")


@given(
    st.lists(
        st.sampled_from(
            ["don't", "the", "cat's", "colour", "21", "(noise)", "[music]", "café", "Mr.", "five", "hundred", "U.S.A."]
        )
    )
)
def test_english_is_whispers(words):
    text = " ".join(words)
    assert normalised(text, "en") == " ".join(EnglishTextNormalizer()(text).split())


@given(st.text(alphabet="abcñéÇßо ,.!?-'()[]"))
def test_other_languages_are_whispers_with_their_marks(text):
    expected = BasicTextNormalizer(preserve_marks=True)(text).split()
    assert normalised(text, "es") == " ".join(expected)


@given(st.text(), st.sampled_from(["", "en", "pt", "it", "zh", "th"]))
def test_any_text_becomes_words_with_single_spaces(text, language):
    found = normalised(text, language)
    assert found == " ".join(found.split())
    assert all(any(c.isalnum() for c in word) for word in found.split())


def test_what_is_no_language_is_refused():
    with pytest.raises(BadInput, match="not a language"):
        normalised("text", "klingonese")

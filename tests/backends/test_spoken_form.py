import pytest

from dubkit.backends.mms import spoken_form
from dubkit.backends.mms.spoken_form import can_say_numbers, fitted, spoken


@pytest.mark.parametrize(
    ("language", "text", "words"),
    [
        ("pt", "3 caixas", "três caixas"),
        ("pt", "Custa R$ 5,50.", "Custa cinco Reais brasileiros cinquenta."),
        ("pt", "12,5% de 1.000.000", "doze vírgula cinco por cento de um milhão"),
        ("pt", "a 2ª e o 3º", "a segunda e o terceiro"),
        ("en", "In 1984, 1,500 came.", "In nineteen eighty-four, one thousand five hundred came."),
        ("en", "the 21st, in 3D", "the twenty-first, in three D"),
        ("en", "-3.14 and 0800", "minus three point one four and zero eight zero zero"),
        ("en", "€5 million for $1", "five million euros for one US dollar"),
        (
            "de",
            "1984 kamen 1.500 für 3,14 €",
            "neunzehnhundertvierundachtzig kamen eintausendfünfhundert für drei Euro vierzehn",
        ),
        ("fr", "1er, 1re, 1 000 €", "premier, première, mille euros"),
        ("es", "3,5 la 1ª", "tres coma cinco la primera"),
        ("ru", "5% и 1 000 ₽", "пять процентов и одна тысяча российских рублей"),
        ("tr", "%5, 3,05", "yüzde beş, üç virgül sıfır beş"),
        ("vi", "-5", "âm năm"),
        ("pl", "-5", "minus pięć"),
        ("ar", "٣ كتب", "ثلاثة كتب"),
        ("th", "มี3คน", "มีสามคน"),
        ("kk", "21", "жиырма бір"),
    ],
)
def test_figures_are_said_as_the_language_says_them(language: str, text: str, words: str) -> None:
    assert spoken(text, language) == words


def test_what_only_looks_like_one_number_is_several() -> None:
    assert spoken("at 10:30", "en") == "at ten:thirty"
    assert spoken("2,5 or 3", "en") == "two,five or three"
    assert spoken("1.2.3", "en") == "one two three"
    assert spoken("12.05.2024", "de") == "zwölf null fünf zweitausendvierundzwanzig"
    assert spoken("12345678901234567", "en").split()[:3] == ["one", "two", "three"]


def test_a_hyphen_between_two_numbers_is_no_minus() -> None:
    assert spoken("5%-10% mais", "pt") == "cinco por cento-dez por cento mais"
    assert spoken("5€-10€", "de") == "fünf Euro-zehn Euro"
    assert spoken("$5-$10", "en") == "five US dollars-ten US dollars"
    assert spoken("5°-10°", "de") == "fünf°-zehn°"
    assert spoken("-5% (-10%)", "pt") == "menos cinco por cento (menos dez por cento)"


def test_words_never_become_one_with_what_stands_beside_them() -> None:
    assert spoken("5%€10", "de") == "fünf Prozent zehn Euro"
    assert spoken("5%10%", "de") == "fünf Prozent zehn Prozent"
    assert spoken("কে5কে", "bn") == "কে পাঁচ কে", "a vowel sign is part of a word"


def test_texts_without_figures_and_languages_without_numerals_stay_as_they_are() -> None:
    assert spoken("No figures  here.", "en") == "No figures  here."
    assert spoken("3 ilé", "yo") == "3 ilé"
    assert not can_say_numbers("yo")
    assert can_say_numbers("pt")


def test_without_num2words_figures_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "num2words", None)
    spoken_form._num2words.cache_clear()
    try:
        assert spoken("3 boxes", "en") == "3 boxes"
    finally:
        monkeypatch.undo()
        spoken_form._num2words.cache_clear()


def test_every_language_that_is_listed_can_count_in_words_only() -> None:
    for language in spoken_form._KNOWN:
        for text in ("0", "1", "21", "1984", "2,50", "3.05", "-7", "100000"):
            words = spoken(text, language)
            assert words
            assert not any(c.isdigit() for c in words), (language, text, words)
            assert "(" not in words, (language, text, words)


def test_letters_that_are_lacking_become_their_neighbours_or_are_reported() -> None:
    def latin(character: str) -> bool:
        return character.lower() in "abcdefghijklmnopqrstuvwxyz'-"

    assert fitted("Café l’été — bem-vindo", latin) == ("Cafe l'ete bem-vindo", "")
    assert fitted("yes/no…maybe", latin) == ("yes no maybe", "")
    assert fitted("7 Москва 7 €", latin) == ("", "7Москва€")

    def french(character: str) -> bool:
        return character.lower() in "abcdefghijklmnopqrstuvwxyzé’"

    assert fitted("l'été", french) == ("l’été", "")
    assert fitted("l'e\u0301t", lambda c: c in "lét") == ("lét", ""), "accents that stand alone join their letters"

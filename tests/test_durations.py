import json
import re
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dubkit
from dubkit.durations import FEATURES, OTHER, counted, expected_duration, natural_duration

MODEL = json.loads((Path(dubkit.__file__).parent / "durations.json").read_text(encoding="utf-8"))


def test_expected_duration_counts_syllables_and_pauses() -> None:
    assert expected_duration("banana") == round(3 / 5.5, 3)
    assert expected_duration("banana, banana") == round(6 / 5.5 + 0.15, 3)
    assert expected_duration("ação") == round(2 / 5.5, 3)
    assert expected_duration("") == 0.0


def test_expected_duration_of_other_scripts_counts_letters_beside_what_else_there_is() -> None:
    assert expected_duration("Это IBM") == round((3 / 2 + 1) / 5.5, 3)
    assert expected_duration("5 машин") == round((2 + 5 / 2) / 5.5, 3)
    assert expected_duration("2024年に") == round((8 + 2 / 2) / 5.5, 3)
    assert expected_duration("1984") == round(8 / 5.5, 3)
    assert expected_duration("Mr Smith") == round((2 / 2 + 1) / 5.5, 3)
    assert expected_duration("một ba") == expected_duration(unicodedata.normalize("NFD", "một ba")) == round(2 / 5.5, 3)
    assert expected_duration("привет мир") == round(9 / 2 / 5.5, 3)
    assert expected_duration("こんにちは") == round(5 / 2 / 5.5, 3)


def test_what_is_counted_in_a_text() -> None:
    assert dict(zip(FEATURES, counted("Olá, mundo! Até já.", "pt") or (), strict=True)) == {
        "syllables": 7,
        "letters": 13,
        "words": 4,
        "clauses": 1,
        "sentences": 1,
        "line": 1,
    }
    assert counted("Привет", "ru") is None
    assert counted("…", "en") is None


@pytest.mark.parametrize(
    ("word", "language", "syllables"),
    [
        ("make", "en", 1),
        ("leaves", "en", 1),
        ("talked", "en", 1),
        ("places", "en", 2),
        ("wanted", "en", 2),
        ("table", "en", 2),
        ("the", "en", 1),
        ("femme", "fr", 1),
        ("pommes", "fr", 1),
        ("attendent", "fr", 2),
        ("vraiment", "fr", 2),
        ("fermé", "fr", 2),
        ("le", "fr", 1),
        ("make", "pt", 2),
        ("1984", "en", 8),
    ],
)
def test_vowels_that_are_only_written_are_no_syllables(word: str, language: str, syllables: int) -> None:
    assert (counted(word, language) or (0,))[0] == syllables


def test_the_length_is_the_fitted_sum_of_the_counts_times_a_factor_of_the_voice() -> None:
    text = "Nós precisamos conversar, agora. Venha!"
    usual = float(np.dot(MODEL["coefficients"]["pt"], counted(text, "pt") or ()))
    assert natural_duration(text, "pt") == natural_duration(text, "pt-BR") == round(usual, 3)
    voice, factor = "kokoro:am_santa", MODEL["voices"]["kokoro:am_santa"]
    assert factor != 1.0
    assert natural_duration(text, "pt", voice) == round(usual * factor, 3)
    assert natural_duration(text, "pt", "nobody's") == round(usual, 3)


def test_other_languages_take_the_common_set_and_other_scripts_the_syllable_rule() -> None:
    text = "Wie geht es dir heute?"
    common = float(np.dot(MODEL["coefficients"][OTHER], counted(text, "de") or ()))
    assert natural_duration(text, "de") == round(common, 3)
    assert natural_duration("привет мир", "ru") == expected_duration("привет мир")
    assert natural_duration("", "en") == natural_duration("…", "pt") == 0.0


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Сегодня мы поедем в город на машине IBM.", "ru"),
        ("2024年に東京へ行きました", "ja"),
        ("在2024年我们去了北京", "zh"),
    ],
)
def test_a_latin_word_or_digits_in_another_script_only_add_to_it(text: str, language: str) -> None:
    assert natural_duration(text, language) == expected_duration(text)
    without = re.sub("[0-9A-Z]+", "", text)
    assert natural_duration(text, language) > natural_duration(without, language) > 0.6


def test_a_word_of_another_script_changes_little_in_latin_script() -> None:
    plain, mixed = (natural_duration(f"Wir haben {x} gestern in der Stadt gesehen.", "de") for x in ("Ivan", "Иван"))
    assert mixed == pytest.approx(plain, rel=0.1)
    assert natural_duration("1º lugar", "pt") == round(
        float(np.dot(MODEL["coefficients"]["pt"], counted("1º lugar", "pt") or ())), 3
    )


def test_sentences_in_latin_script_take_what_the_model_says() -> None:
    import benchmarks.durations as benchmark

    for row in json.loads(benchmark.KEPT.read_text(encoding="utf-8"))["lengths"]:
        text, language = row["text"], row["language"]
        says = float(np.dot(MODEL["coefficients"][language], counted(text, language) or ()))
        assert natural_duration(text, language) == round(says, 3)


def test_nothing_that_is_counted_takes_time_away() -> None:
    for language, coefficients in MODEL["coefficients"].items():
        assert len(coefficients) == len(FEATURES) and min(coefficients) >= 0, language
        assert min(coefficients[:3]) > 0.01 and coefficients[-1] > 0.1, language
    assert all(0.7 < factor < 1.6 for factor in MODEL["voices"].values())


def test_the_committed_model_is_what_the_committed_measurements_give() -> None:
    import benchmarks.durations as benchmark

    lengths = json.loads(benchmark.KEPT.read_text(encoding="utf-8"))["lengths"]
    fitted = benchmark.fitted(lengths)
    assert fitted["voices"] == MODEL["voices"]
    for language, coefficients in fitted["coefficients"].items():
        assert coefficients == pytest.approx(MODEL["coefficients"][language], abs=2e-5)


def test_the_model_is_nearer_to_what_was_spoken_than_the_syllable_rule() -> None:
    import benchmarks.durations as benchmark

    lengths = json.loads(benchmark.KEPT.read_text(encoding="utf-8"))["lengths"]
    spoken = [r for r in lengths if "spoken" in r]
    assert len(spoken) == 90
    rule, model = (
        np.median([abs(foretell(r) / r["spoken"] - 1) for r in spoken])
        for foretell in (
            lambda r: expected_duration(r["text"]),
            lambda r: natural_duration(r["text"], r["language"], f"kokoro:{r['style']}"),
        )
    )
    assert (rule, model) == (pytest.approx(0.164, abs=0.005), pytest.approx(0.06, abs=0.015))


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80), st.sampled_from(["en", "fr", "pt", "ja", "de-AT", "und"]))
def test_any_text_has_a_finite_length_that_more_words_make_longer(text: str, language: str) -> None:
    length = natural_duration(text, language)
    assert 0.0 <= length < 60.0
    if counted(text, language):
        assert natural_duration(f"{text} banana", language) > length


WORDS = [
    "banana",
    "make",
    "Mr",
    "Pst,",
    "l'a",
    "IBM",
    "A,",
    "một",
    "Иван",
    "мы,",
    "в",
    "東京へ",
    "你好，",
    "3D",
    "한국어",
    "—",
    "5",
]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from(WORDS), max_size=12),
    st.sampled_from(WORDS),
    st.sampled_from(["en", "fr", "pt", "ru", "ja", "und"]),
)
def test_another_word_or_digits_never_make_a_text_shorter(words: list[str], more: str, language: str) -> None:
    text = " ".join(words)
    for longer in (f"{text} {more}", f"{more} {text}", f"{text}7", f"{text} 7", f"{text}，2024"):
        assert natural_duration(longer, language) >= natural_duration(text, language)
        assert expected_duration(longer) >= expected_duration(text)

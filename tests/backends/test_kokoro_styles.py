import numpy as np
import pytest

from dubkit.backends.kokoro import styles as kokoro_styles
from dubkit.backends.kokoro import voices as kokoro_voices
from dubkit.backends.kokoro.phonemes import ESPEAK_CODES


@pytest.mark.parametrize(("language", "native"), [("es", 3), ("fr", 1), ("it", 2), ("pt", 3)])
def test_enough_voices_of_each_gender_and_native_ones_first(language: str, native: int) -> None:
    voices = kokoro_styles.voices(language)
    genders = [v.gender for v in voices]
    assert genders.count("female") >= 4
    assert genders.count("male") >= 4
    assert not any("+" in v.id for v in voices[:native])
    assert all("+" in v.id for v in voices[native:])


def test_english_has_the_models_28_voices() -> None:
    voices = kokoro_styles.voices("en")
    assert len({v.id for v in voices}) == 28
    assert (voices[0].id, voices[0].gender, voices[0].name) == ("kokoro:af_heart", "female", "Heart")
    assert (voices[1].id, voices[1].gender) == ("kokoro:am_michael", "male")


def test_names_and_ids_are_unique() -> None:
    for language in kokoro_styles.STYLES:
        voices = kokoro_styles.voices(language)
        assert len({v.id for v in voices}) == len({v.name for v in voices}) == len(voices)
        assert {v.language for v in voices} == {language}
    assert kokoro_styles.voices("ja") == ()


def test_every_part_of_a_voice_is_a_style_of_the_model() -> None:
    with np.load(kokoro_voices.fetch()) as archive:
        styles = set(archive.files)
    for offered in kokoro_styles.STYLES.values():
        for style in offered:
            assert set(style.split("+")) <= styles
            assert kokoro_styles.known(style)
            assert kokoro_styles.accent(style) in ESPEAK_CODES


@pytest.mark.parametrize("style", ["", "+", "pf_dora+", "xx_nobody", "pf_dora+xx_nobody", "../voices"])
def test_other_names_are_not_known(style: str) -> None:
    assert not kokoro_styles.known(style)

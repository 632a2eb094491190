import hashlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from dubkit.backends.espeak import library as espeak_library
from dubkit.errors import MissingModel

TEXT = "Olá, tudo bem com você?"


def digest(clip: np.ndarray) -> str:
    return hashlib.sha256(clip.tobytes()).hexdigest()


def test_lists_languages_that_it_speaks_by_itself() -> None:
    languages = espeak_library.languages()
    assert len(languages) > 100
    assert languages["pt-br"].identifier.lower() == "roa/pt-br"
    assert languages["de"].name == "German"
    assert not any(x.identifier.startswith("mb/") for x in languages.values())
    assert espeak_library.version() == "1.52.0"


def test_phonemes_are_ipa_with_stress_and_ties() -> None:
    assert espeak_library.phonemes("Bom dia, João", "pt-br") == "bˈoŋ d^ʒˈiæ ʒoˈɐ̃^ʊ̃"
    assert espeak_library.phonemes("", "en-us") == ""


def test_speech_is_the_same_whatever_was_said_before() -> None:
    first = espeak_library.speak(TEXT, "pt-br", "f3", 175)
    espeak_library.speak("algo muy distinto", "es", "m1", 120)
    espeak_library.phonemes("und noch etwas", "de")
    assert digest(espeak_library.speak(TEXT, "pt-br", "f3", 175)) == digest(first)
    assert first.dtype == np.float32
    assert 0.3 < np.abs(first).max() <= 1.0
    assert 1.0 < len(first) / espeak_library.SAMPLE_RATE < 2.5


def test_speech_is_the_same_in_another_process() -> None:
    here = digest(espeak_library.speak(TEXT, "pt-br", "m3", 200))
    program = (
        "import hashlib; from dubkit.backends.espeak.library import speak;"
        f"print(hashlib.sha256(speak({TEXT!r}, 'pt-br', 'm3', 200).tobytes()).hexdigest())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == here


def test_threads_do_not_mix_languages_up() -> None:
    alone = {code: espeak_library.phonemes("chance importante", code) for code in ("fr-fr", "pt-br", "en-us")}
    assert len(set(alone.values())) == 3
    codes = [*alone] * 8
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda code: espeak_library.phonemes("chance importante", code), codes))
    assert found == [alone[code] for code in codes]


@pytest.mark.parametrize("phonemizer_first", [True, False])
def test_works_beside_phonemizer_in_either_order(phonemizer_first: bool) -> None:
    pytest.importorskip("phonemizer", reason="phonemizer is not part of dubkit; this is for those who have it, too")
    ours = "from dubkit.backends.espeak import library as e; print(e.phonemes('bom dia', 'pt-br'));"
    theirs = (
        "import espeakng_loader as l; from phonemizer.backend.espeak.wrapper import EspeakWrapper as W;"
        "from phonemizer import phonemize;"
        "W.set_library(l.get_library_path()); W.set_data_path(l.get_data_path());"
        "print(phonemize('bon jour', 'fr-fr', with_stress=True).strip());"
    )
    order = [theirs, ours, theirs, ours] if phonemizer_first else [ours, theirs, ours, theirs]
    done = subprocess.run([sys.executable, "-c", "".join(order)], capture_output=True, text=True, check=True)
    said = {ours: "bˈoŋ d^ʒˈiæ", theirs: "bˈɔ̃ ʒˈuʁ"}
    assert done.stdout.split("\n")[:4] == [said[part] for part in order]


def test_says_how_to_install_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    espeak_library._private_copy.cache_clear()
    try:
        with pytest.raises(MissingModel, match=r"espeakng-loader.*pip install 'dubkit\[embedded\]'"):
            espeak_library.phonemes("x", "de")
    finally:
        monkeypatch.undo()
        espeak_library._private_copy.cache_clear()

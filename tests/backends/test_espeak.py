import numpy as np
import pytest

from dubkit.artefacts import Voice
from dubkit.backends.espeak import library as espeak_library
from dubkit.backends.espeak.synthesizer import Espeak
from dubkit.backends.protocols import Backend, Compute, Request
from dubkit.errors import BadInput, MissingModel


@pytest.fixture
def espeak() -> Espeak:
    return Espeak.from_spec("", Compute())


def say(espeak: Espeak, text: str, voice: Voice, rate: float = 1.0) -> np.ndarray:
    return next(espeak.synthesize([Request(text, voice, rate)]))


def test_is_described_without_work(espeak: Espeak) -> None:
    assert isinstance(espeak, Backend)
    assert espeak.fingerprint == "espeak-1@1.52.0"
    (card,) = espeak.models()
    assert (card.name, card.present) == ("espeak-ng", True)


def test_speaks_over_a_hundred_languages_by_canonical_code(espeak: Espeak) -> None:
    languages = espeak.languages()
    assert len(languages) > 100
    assert {"de", "pt", "en", "no", "zh", "ru", "hi", "ar", "sw"} <= languages
    assert not any("-" in code for code in languages)
    assert espeak.voices("de")[0].id == "espeak:de+f3"
    assert espeak.voices("pt")[0].id == "espeak:pt-br+f3"
    assert espeak.voices("zh")[1].id == "espeak:cmn+m3"
    assert espeak.voices("tlh") == ()


def test_voices_differ_and_say_that_they_are_robots(espeak: Espeak) -> None:
    voices = espeak.voices("it")
    assert [v.gender for v in voices].count("female") == 5
    assert [v.gender for v in voices].count("male") == 5
    assert all("robot" in v.name for v in voices)
    clips = {say(espeak, "Buongiorno a tutti", v).tobytes() for v in voices}
    assert len(clips) == len(voices)


@pytest.mark.parametrize("rate", [0.7, 0.85, 1.2, 1.5])
def test_keeps_the_rate(espeak: Espeak, rate: float) -> None:
    voice = espeak.voices("de")[1]
    text = "Wir müssen über das sprechen, was gestern Abend geschehen ist."
    natural, changed = (len(say(espeak, text, voice, r)) for r in (1.0, rate))
    assert natural / changed == pytest.approx(rate, rel=0.03)


def test_prediction_is_the_length(espeak: Espeak) -> None:
    request = Request("Guten Morgen zusammen!", espeak.voices("de")[0], 1.3)
    (clip,) = espeak.synthesize([request])
    assert espeak.predict(request) == len(clip) / espeak.sample_rate
    assert clip.dtype == np.float32
    assert np.abs(clip[:800]).max() > 0
    assert np.abs(clip[-800:]).max() > 0


@pytest.mark.parametrize("text", ["", "   ", "...", "😀", "?!", "*"])
def test_nothing_to_say_is_a_short_silence(espeak: Espeak, text: str) -> None:
    clip = say(espeak, text, espeak.voices("fr")[0])
    assert len(clip) == espeak.sample_rate // 10
    assert not clip.any()


@pytest.mark.parametrize("text", ["a\x00b", "1234567890", "*unknown", "<speak>&amp;[[h@l'oU]]", "你好", "\ud800x"])
def test_odd_text_is_spoken(espeak: Espeak, text: str) -> None:
    assert np.abs(say(espeak, text, espeak.voices("en")[0])).max() > 0.05


def test_a_clip_is_the_callers_own(espeak: Espeak) -> None:
    voice = espeak.voices("es")[0]
    clip = say(espeak, "Buenos días", voice)
    kept = clip.copy()
    clip[:] = 0
    assert np.array_equal(say(espeak, "Buenos días", voice), kept)


@pytest.mark.parametrize("name", ["espeak:pt-br+x9", "espeak:klingon+f3", "kokoro:pf_dora", "espeak:"])
def test_refuses_unknown_voices(espeak: Espeak, name: str) -> None:
    voice = Voice(id=name, language="pt", gender="female", name="?")
    with pytest.raises(BadInput, match=r"is not a voice of espeak.*espeak:pt-br\+f3"):
        say(espeak, "Olá", voice)


def test_refuses_an_argument() -> None:
    with pytest.raises(BadInput, match="takes no argument"):
        Espeak.from_spec("loud", Compute())


def test_absent_library(espeak: Espeak, monkeypatch: pytest.MonkeyPatch) -> None:
    voice = espeak.voices("de")[0]
    monkeypatch.setattr(espeak_library, "installed", lambda: False)
    assert espeak.languages() == frozenset()
    assert not espeak.models()[0].present
    with pytest.raises(MissingModel, match="make setup"):
        say(espeak, "Hallo", voice)

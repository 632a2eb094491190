"""VITS's real classes, a few numbers wide, saved and loaded as the real MMS checkpoints are."""

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny import mms as tiny

from dubkit.artefacts import Voice
from dubkit.backends.mms import languages as mms_languages
from dubkit.backends.mms import text as mms_text
from dubkit.backends.mms import vits, voice_shift
from dubkit.backends.mms.synthesizer import WORDLESS, Mms
from dubkit.backends.protocols import Compute, Request, Synthesizer
from dubkit.errors import BadInput, MissingModel, UnsupportedPair

CPU = Compute(device="cpu", threads=1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mms")
    tiny.save(folder)
    tiny.save_vits(folder / "uig-script_arabic", seed=2, is_uroman=True)
    (folder / "notes").mkdir()
    return folder


@pytest.fixture(scope="module")
def mms(folder: Path) -> Mms:
    return Mms.from_spec(str(folder), CPU)


def say(mms: Mms, text: str, language: str = "pt", rate: float = 1.0, variant: str = "") -> Request:
    name = f"mms:{language}+{variant}".rstrip("+")
    (voice,) = (v for v in mms.voices(language) if v.id == name)
    return Request(text, voice, rate)


@pytest.fixture
def untrimmed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Mms:
    monkeypatch.setattr("librosa.effects.trim", lambda samples, **_: (samples, None))
    return Mms.from_spec(str(folder), CPU)


def test_it_is_a_synthesizer_that_needs_no_weights_to_describe_itself(folder: Path) -> None:
    fresh = Mms.from_spec(str(folder), CPU)
    backend: Synthesizer = fresh
    assert backend.languages() == {"pt", "en", "ug"}
    voices = backend.voices("pt")
    assert [(v.id, v.gender) for v in voices] == [
        ("mms:pt+female", "female"),
        ("mms:pt+male", "male"),
        ("mms:pt+female2", "female"),
        ("mms:pt+male2", "male"),
        ("mms:pt", "unknown"),
    ]
    assert voices[2].name == "MMS Portuguese, second female"
    assert {v.language for v in voices} == {"pt"}
    assert backend.voices("de") == ()
    assert {v.model for v in voices} == {fresh.revision_of("pt")}
    assert fresh.revision_of("pt").startswith("por@")
    assert backend.fingerprint.startswith("mms-3:num2words-")
    assert [c.present for c in backend.models()] == [True] * 4, "three models and the package that one of them needs"
    assert fresh._loaded == {}


@pytest.mark.parametrize("language", ["pt", "en"])
def test_a_clip_is_as_long_as_predicted_less_its_silence(mms: Mms, language: str) -> None:
    request = say(mms, "Bom dia, meu amigo!", language)
    (clip,) = mms.synthesize([request])
    assert clip.dtype == np.float32
    assert clip.ndim == 1
    assert 0 < np.abs(clip).max() <= 1
    predicted = mms.predict(request)
    assert len(clip) / 16_000 == pytest.approx(predicted, abs=0.1)


def test_prediction_is_exactly_the_length_where_nothing_is_trimmed(untrimmed: Mms) -> None:
    mms = untrimmed
    for request in (say(mms, "a dog"), say(mms, "a dog and a cat", rate=1.3), say(mms, "a dog", "en", 0.8)):
        (clip,) = mms.synthesize([request])
        assert len(clip) / 16_000 == mms.predict(request)


def test_the_silence_that_a_voice_usually_leaves_is_not_predicted(
    untrimmed: Mms, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = untrimmed.predict(say(untrimmed, "a rather long line", rate=1.25))
    monkeypatch.setattr("librosa.effects.trim", lambda samples, **_: (samples[1_000:-600], None))
    mms = Mms.from_spec(str(folder), CPU)
    assert mms.predict(say(mms, "a rather long line", rate=1.25)) == pytest.approx(whole - 0.1 / 1.25)
    assert mms.predict(say(mms, "a", rate=1.3)) >= WORDLESS


def test_a_higher_rate_is_shorter(mms: Mms) -> None:
    lengths = [mms.predict(say(mms, "a rather long line to be spoken", rate=rate)) for rate in (0.85, 1.0, 1.3)]
    assert lengths == sorted(lengths, reverse=True)
    assert len(set(lengths)) == 3
    assert lengths[0] / lengths[2] == pytest.approx(1.3 / 0.85, rel=0.2)


def test_silence_at_the_ends_is_cut(mms: Mms, monkeypatch: pytest.MonkeyPatch) -> None:
    request = say(mms, "a dog")
    (plain,) = mms.synthesize([request])
    made = vits.waveforms
    monkeypatch.setattr(vits, "waveforms", lambda *given: [np.pad(w, (8_000, 4_000)) for w in made(*given)])
    (padded,) = mms.synthesize([request])
    assert len(plain) <= len(padded) < len(plain) + 1_024


def test_batches_sound_as_single_lines_do_and_come_in_order(
    mms: Mms, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = ["um", "uma frase longa para dizer", "", "dois tres", "a", "quatro palavras mais ou menos"]
    requests = [say(mms, text, "en" if n % 3 == 1 else "pt", 1.0 + 0.1 * (n % 2)) for n, text in enumerate(texts)]
    alone = [next(mms.synthesize([request])) for request in requests]
    sizes = []
    made = vits.waveforms
    monkeypatch.setattr(vits, "waveforms", lambda model, lines: sizes.append(len(lines)) or made(model, lines))
    monkeypatch.setattr("dubkit.backends.devices.batch_size", lambda compute: 3)
    together = list(Mms.from_spec(str(folder), CPU).synthesize(requests))
    assert max(sizes) == 3
    for one, other in zip(alone, together, strict=True):
        assert len(one) == len(other)
        assert np.abs(one - other).max() < 1e-4


def test_a_batch_too_large_for_the_gpu_is_halved(
    mms: Mms, folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    requests = [say(mms, text) for text in ("um", "dois", "tres", "quatro", "cinco")]
    expected = [len(clip) for clip in mms.synthesize(requests)]
    made = vits.waveforms

    def full(model: object, lines: list[vits.Line]) -> list[np.ndarray]:
        if len(lines) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return made(model, lines)

    monkeypatch.setattr(vits, "waveforms", full)
    monkeypatch.setattr("dubkit.backends.devices.batch_size", lambda compute: 4)
    assert [len(clip) for clip in Mms.from_spec(str(folder), CPU).synthesize(requests)] == expected
    assert "too small for 4 items at once in MMS: going on with 2" in caplog.text


def test_variants_are_the_voice_moved_by_what_its_pitch_asks_for(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard, moves = [], []

    def measured(waveforms: list[np.ndarray], sample_rate: int) -> float:
        heard.append(sum(map(len, waveforms)) / sample_rate)
        return 110.0

    def moved(samples: np.ndarray, sample_rate: int, by: voice_shift.Shift) -> np.ndarray:
        moves.append(by)
        return samples[::-1]

    monkeypatch.setattr(voice_shift, "median_pitch", measured)
    monkeypatch.setattr(voice_shift, "shifted", moved)
    mms = Mms.from_spec(str(folder), CPU)
    (plain,), (female,) = (mms.synthesize([say(mms, "um dois", variant=v)]) for v in ("", "female"))
    assert len(heard) == 1
    assert heard[0] > 1.0, "a second of the language's words at least"
    assert moves == [voice_shift.shift(voice_shift.VARIANTS["female"], 110.0)]
    assert np.array_equal(female, plain[::-1])
    assert mms.predict(say(mms, "um dois", variant="male2")) == mms.predict(say(mms, "um dois"))


def test_a_variant_is_really_moved_and_as_long(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice_shift, "median_pitch", lambda *_: 110.0)
    mms = Mms.from_spec(str(folder), CPU)
    plain, female, male = (next(mms.synthesize([say(mms, "um dois", variant=v)])) for v in ("", "female", "male"))
    assert len(plain) == len(female)
    assert np.array_equal(plain, male), "the voice is of that gender already"
    assert not np.allclose(plain, female, atol=0.01)
    with pytest.raises(BadInput, match=r"'mms:pt\+child' is not a voice of MMS.*mms:pt\+female2"):
        list(mms.synthesize([Request("um", Voice(id="mms:pt+child", language="pt", gender="unknown", name=""))]))


def test_figures_are_spoken_and_what_cannot_be_is_told_once_for_each_film(
    mms: Mms, caplog: pytest.LogCaptureFixture
) -> None:
    (figures,), (words,) = mms.synthesize([say(mms, "3 Caixas")]), mms.synthesize([say(mms, "três caixas")])
    assert np.array_equal(figures, words)
    assert not caplog.records
    mms.predict(say(mms, "a Жук dog"))
    assert not caplog.records, "candidates that are only measured are not worth a warning"
    for _film in range(2):
        caplog.clear()
        list(mms.synthesize([say(mms, "a Жук dog"), say(mms, "a Жук dog", rate=1.2)]))
        assert caplog.messages == ["MMS leaves out Ж у к of 'a Жук dog'"]


def test_figures_in_a_language_without_known_numerals_are_told(mms: Mms, caplog: pytest.LogCaptureFixture) -> None:
    list(mms.synthesize([say(mms, "salam 7 dost", "ug")]))
    assert "MMS leaves out 7 of 'salam 7 dost'" in caplog.text


def test_the_voice_is_heard_from_words_of_its_language() -> None:
    assert mms_languages.known_words("pt").startswith("segunda-feira terça-feira")
    assert mms_languages.known_words("en").endswith("Sunday January February March April May June")
    assert mms_languages.known_words("min") == mms_languages.known_words("hne") == ""


def test_the_same_line_always_sounds_the_same(mms: Mms, folder: Path) -> None:
    lines = [say(mms, "um"), say(mms, "dois tres"), say(mms, "um")]
    mms.predict(lines[0])
    state = torch.random.get_rng_state()
    first, second, third = mms.synthesize(lines)
    assert torch.equal(state, torch.random.get_rng_state()), "the process's own random numbers stay as they are"
    assert np.array_equal(first, third)
    assert not np.array_equal(first, second[: len(first)])
    (alone,) = mms.synthesize(lines[1:2])
    assert np.array_equal(alone, second), "in company and alone"
    program = (
        "import sys, hashlib; from dubkit.backends.mms.synthesizer import Mms; from dubkit.backends.protocols import *; "
        "m = Mms.from_spec(sys.argv[1], Compute('cpu', 1)); (c,) = m.synthesize([Request('dois tres', m.voices('pt')[-1])]); "
        "print(hashlib.sha256(c.tobytes()).hexdigest())"
    )
    other = subprocess.run([sys.executable, "-c", program, str(folder)], capture_output=True, text=True, check=True)
    assert other.stdout.split()[-1] == hashlib.sha256(second.tobytes()).hexdigest(), "in another process"


def test_a_text_with_nothing_to_say_is_a_short_silence(mms: Mms, caplog: pytest.LogCaptureFixture) -> None:
    request = say(mms, "Ѣ …")
    (clip,) = mms.synthesize([request])
    assert not clip.any()
    assert len(clip) / 16_000 == mms.predict(request) == WORDLESS
    assert "no sounds for 'Ѣ …'" in caplog.text


def test_other_sample_rates_are_converted(tmp_path: Path, mms: Mms) -> None:
    tiny.save_vits(tmp_path / "por", rate=22_050)
    faster = Mms.from_spec(str(tmp_path), CPU)
    request = say(faster, "a dog and a cat")
    assert faster.predict(request) == pytest.approx(mms.predict(request) * 16_000 / 22_050)
    (clip,) = faster.synthesize([request])
    assert len(clip) / 16_000 == pytest.approx(faster.predict(request), abs=0.1)


def test_other_scripts_are_romanized(mms: Mms) -> None:
    pytest.importorskip("uroman")
    arabic, latin = say(mms, "سالام", "ug"), say(mms, "salam", "ug")
    (heard,), (expected,) = mms.synthesize([arabic]), mms.synthesize([latin])
    assert np.array_equal(heard, expected)


def card_names(mms: Mms, target: str) -> list[tuple[str, bool]]:
    return [(c.name.rpartition("/")[2], c.present) for c in mms.models(target=target)]


def test_the_romanizer_is_among_the_models_of_the_languages_that_need_it(
    mms: Mms, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert card_names(mms, "pt") == [("por", True)]
    monkeypatch.setitem(sys.modules, "uroman", None)
    assert card_names(mms, "ug") == [("uig-script_arabic", True), ("Python package uroman", False)]
    assert mms.models(target="ug")[1].fetch == "pip install uroman"
    assert [c.name for c in mms.models()][-1] == "Python package uroman"


def test_without_the_romanizer_its_install_line_is_told(mms: Mms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uroman", None)
    mms_text._romanizer.cache_clear()
    with pytest.raises(MissingModel, match="pip install uroman"):
        mms.predict(say(mms, "سالام", "ug"))


def test_what_is_not_there_is_said(mms: Mms, tmp_path: Path) -> None:
    german = Voice(id="mms:de", language="de", gender="unknown", name="")
    with pytest.raises(UnsupportedPair, match=r"MMS has no voice for 'de'. It speaks: en, pt, ug"):
        mms.predict(Request("a", german))
    with pytest.raises(BadInput, match=r"subfolder per ISO 639-3 code.*hf download facebook/mms-tts-por"):
        Mms.from_spec(str(tmp_path), CPU)
    with pytest.raises(BadInput, match="is not a folder with MMS models"):
        Mms.from_spec(str(tmp_path / "nowhere"), CPU)


def test_the_hub_has_a_model_for_each_language(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    mms = Mms.from_spec("", CPU)
    assert {"pt", "en", "es", "fr", "de", "hi", "ms", "ug", "ku"} <= mms.languages()
    assert not {"it", "zh", "ja"} & mms.languages()
    assert len(mms.languages()) == 112
    (card,) = mms.models(target="ug")
    assert card.name == "facebook/mms-tts-uig-script_arabic"
    assert not card.present
    assert card.licence == "CC-BY-NC-4.0"
    assert "non-commercial" in card.note
    assert card.fetch.startswith("hf download facebook/mms-tts-uig-script_arabic ")
    assert [c.present for c in mms.models()] == [False]
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    for language, code in (("pt", "por"), (None, "eng")):
        with pytest.raises(MissingModel, match=f"facebook/mms-tts-{code} is not here"):
            mms.fetch(target=language)


def test_languages_that_it_does_not_speak_need_no_models(mms: Mms, tmp_path: Path) -> None:
    """Beside other synthesizers it is asked about them as well."""
    assert mms.models(target="it") == []
    mms.fetch(target="it")
    assert mms.revision_of("it") == ""
    (tmp_path / "por").mkdir()
    (tmp_path / "por" / "config.json").write_text("{}")
    lacking = Mms.from_spec(str(tmp_path), CPU)
    assert [(c.name, c.present) for c in lacking.models()] == [(str(tmp_path / "por"), False)]
    with pytest.raises(MissingModel, match="por holds no whole checkpoint"):
        lacking.fetch()


def in_cache(cache: Path, code: str, revision: str) -> None:
    """A checkpoint as the hub's cache holds it, empty."""
    home = cache / f"models--facebook--mms-tts-{code}"
    for name in ("config.json", "model.safetensors"):
        (home / "snapshots" / revision).mkdir(parents=True, exist_ok=True)
        (home / "snapshots" / revision / name).write_text("{}")
    (home / "refs").mkdir(exist_ok=True)
    (home / "refs" / "main").write_text(revision)


def test_a_language_that_comes_later_has_its_revision_and_leaves_the_others_theirs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    in_cache(tmp_path, "por", "a" * 40)
    mms = Mms.from_spec("", CPU)
    whole, portuguese = mms.fingerprint, mms.voices("pt")
    assert {v.model for v in portuguese} == {"facebook/mms-tts-por@" + "a" * 12}
    assert {v.model for v in mms.voices("es")} == {"facebook/mms-tts-spa"}
    in_cache(tmp_path, "spa", "b" * 40)
    for process in (mms, Mms.from_spec("", CPU)):
        assert {v.model for v in process.voices("es")} == {"facebook/mms-tts-spa@" + "b" * 12}
        assert process.voices("pt") == portuguese
        assert process.fingerprint == whole
    in_cache(tmp_path, "por", "c" * 40)
    assert {v.model for v in mms.voices("pt")} == {"facebook/mms-tts-por@" + "c" * 12}


def test_other_weights_in_a_folder_are_another_model(folder: Path, tmp_path: Path) -> None:
    tiny.save_vits(tmp_path / "por", seed=7)
    given, other = Mms.from_spec(str(folder), CPU), Mms.from_spec(str(tmp_path), CPU)
    assert given.voices("pt")[0].model != other.voices("pt")[0].model
    assert given.fingerprint == other.fingerprint


def test_the_shifter_in_use_is_in_the_fingerprint_and_a_poor_one_is_told(
    mms: Mms, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert mms.fingerprint.endswith("+rubberband")
    monkeypatch.setattr(voice_shift, "has_rubberband", lambda: False)
    assert mms.fingerprint.endswith("+atempo")
    list(mms.synthesize([say(mms, "um")]))
    assert caplog.messages == [], "the voice as it is needs none"
    for _film in range(2):
        caplog.clear()
        list(mms.synthesize([say(mms, "um", variant="female"), say(mms, "dois", variant="male")]))
        assert caplog.messages == [voice_shift.NO_RUBBERBAND]


def test_weights_under_their_old_names_are_understood(mms: Mms, folder: Path, tmp_path: Path) -> None:
    """The checkpoints on the hub were saved before PyTorch renamed the parts of a normalised weight."""
    from safetensors.torch import load_file, save_file

    (tmp_path / "por").mkdir()
    for file in (folder / "por").iterdir():
        (tmp_path / "por" / file.name).write_bytes(file.read_bytes())
    weights = load_file(folder / "por" / "model.safetensors")
    old = {
        name.replace("parametrizations.weight.original0", "weight_g").replace(
            "parametrizations.weight.original1", "weight_v"
        ): tensor
        for name, tensor in weights.items()
    }
    assert set(old) != set(weights)
    save_file(old, tmp_path / "por" / "model.safetensors", metadata={"format": "pt"})
    (expected,), (clip,) = (m.synthesize([say(m, "a dog")]) for m in (mms, Mms.from_spec(str(tmp_path), CPU)))
    assert np.array_equal(clip, expected)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_on_cuda_lines_sound_in_a_batch_as_they_do_alone(folder: Path) -> None:
    mms = Mms.from_spec(str(folder), Compute("cuda"))
    requests = [say(mms, "um"), say(mms, "uma frase longa"), say(mms, "um")]
    together = list(mms.synthesize(requests))
    for request, clip in zip(requests, together, strict=True):
        (alone,) = mms.synthesize([request])
        (again,) = mms.synthesize([request])
        assert np.array_equal(alone, again)
        assert len(clip) == pytest.approx(len(alone), abs=128), "a hop of the search for silence"
        assert len(clip) / 16_000 == pytest.approx(mms.predict(request), abs=0.1)

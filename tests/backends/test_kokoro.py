import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dubkit.artefacts import Voice
from dubkit.backends.kokoro import graph as kokoro_graph
from dubkit.backends.kokoro import voices as kokoro_voices
from dubkit.backends.kokoro.synthesizer import Kokoro
from dubkit.backends.protocols import Backend, Compute, Request
from dubkit.errors import BadInput, MissingModel

TEXT = "Bom dia, tudo bem?"


@pytest.fixture(scope="module")
def kokoro() -> Kokoro:
    kokoro_voices.fetch()
    return Kokoro.from_spec("", Compute(threads=2))


@pytest.fixture(scope="module")
def dora(kokoro: Kokoro) -> Voice:
    return kokoro.voices("pt")[0]


@pytest.fixture(scope="module")
def natural(kokoro: Kokoro, dora: Voice) -> np.ndarray:
    return next(kokoro.synthesize([Request(TEXT, dora)]))


def test_is_described_without_loading() -> None:
    fresh = Kokoro.from_spec("", Compute())
    assert isinstance(fresh, Backend)
    assert fresh.fingerprint.startswith("kokoro-2:kokoro@")
    assert "kokoro-voices@1f0d0383ef03" in fresh.fingerprint
    assert [(m.name, m.licence) for m in fresh.models()] == [("kokoro", "Apache-2.0"), ("kokoro-voices", "Apache-2.0")]
    assert fresh.languages() == {"en", "es", "fr", "it", "pt"}
    assert fresh._in_memory == {}


def test_speaks_and_predicts_its_length(kokoro: Kokoro, dora: Voice, natural: np.ndarray) -> None:
    assert natural.dtype == np.float32
    assert 0.1 < np.abs(natural).max() <= 1.0
    assert 0.9 < len(natural) / kokoro.sample_rate < 1.8
    assert kokoro.predict(Request(TEXT, dora)) == pytest.approx(len(natural) / kokoro.sample_rate, rel=0.06)


def test_there_is_no_silence_at_the_ends(natural: np.ndarray) -> None:
    peak = np.abs(natural).max()
    assert np.abs(natural[:480]).max() > 1e-3 * peak
    assert np.abs(natural[-480:]).max() > 1e-3 * peak


@pytest.mark.parametrize("rate", [0.85, 1.25])
def test_keeps_the_rate(kokoro: Kokoro, dora: Voice, natural: np.ndarray, rate: float) -> None:
    request = Request(TEXT, dora, rate)
    (clip,) = kokoro.synthesize([request])
    assert len(natural) / len(clip) == pytest.approx(rate, rel=0.06)
    assert kokoro.predict(request) == pytest.approx(len(clip) / kokoro.sample_rate, abs=0.15)


def test_is_the_same_with_other_threads_other_company_and_in_another_process(
    kokoro: Kokoro, dora: Voice, natural: np.ndarray
) -> None:
    mixed = kokoro.voices("pt")[-1]
    requests = [Request("Sim.", mixed), Request(TEXT, dora), Request("Não.", dora, 1.1)]
    several = list(kokoro.synthesize(requests))
    assert np.array_equal(several[1], natural)
    program = (
        "import hashlib; from dubkit.backends.kokoro.synthesizer import Kokoro; from dubkit.backends.protocols import *;"
        f"from dubkit.artefacts import Voice; k = Kokoro.from_spec('', Compute(threads=1));"
        f"v = Voice(id={mixed.id!r}, language='pt', gender='male', name='x');"
        "print(hashlib.sha256(next(k.synthesize([Request('Sim.', v)])).tobytes()).hexdigest())"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == hashlib.sha256(several[0].tobytes()).hexdigest()


def test_voices_differ(kokoro: Kokoro) -> None:
    clips = kokoro.synthesize([Request("Oi.", v) for v in kokoro.voices("pt")[:4]])
    assert len({c.tobytes() for c in clips}) == 4


@pytest.mark.parametrize("text", ["", " ", "...", "😀", "?!", "*", "¿"])
def test_nothing_to_say_is_a_short_silence(kokoro: Kokoro, dora: Voice, text: str) -> None:
    (clip,) = kokoro.synthesize([Request(text, dora)])
    assert (len(clip), clip.any()) == (2400, False)
    assert kokoro.predict(Request(text, dora)) == 0.1


def test_odd_text_is_spoken(kokoro: Kokoro, dora: Voice) -> None:
    for text in ("*sim", "4", "a\x00b"):
        (clip,) = kokoro.synthesize([Request(text, dora)])
        assert np.abs(clip).max() > 0.05, text


def test_long_text_is_predicted_in_parts(kokoro: Kokoro, dora: Voice) -> None:
    sentence = "Esta é uma frase bem comprida, que não acaba nunca. "
    one, many = (kokoro.predict(Request(sentence * n, dora)) for n in (1, 12))
    assert many == pytest.approx(12 * one, rel=0.15)


def test_long_text_is_joined_with_pauses(kokoro: Kokoro, dora: Voice, monkeypatch: pytest.MonkeyPatch) -> None:
    from dubkit.backends.kokoro import phonemes as kokoro_phonemes

    apart = list(kokoro.synthesize([Request("Bom dia.", dora), Request("Boa noite.", dora)]))
    chunks = kokoro_phonemes.chunks
    monkeypatch.setattr(kokoro_phonemes, "chunks", lambda written, limit=12: chunks(written, limit))
    (joined,) = kokoro.synthesize([Request("Bom dia. Boa noite.", dora)])
    pause = np.zeros(round(0.3 * 24000), np.float32)
    assert np.array_equal(joined, np.concatenate([apart[0], pause, apart[1]]))


@pytest.mark.parametrize("name", ["kokoro:nobody", "kokoro:pf_dora+nobody", "espeak:pt-br+f3", "kokoro:"])
def test_refuses_unknown_voices(kokoro: Kokoro, name: str) -> None:
    stranger = Voice(id=name, language="pt", gender="female", name="?")
    with pytest.raises(BadInput, match=r"is not a voice of Kokoro.*kokoro:pf_dora"):
        next(kokoro.synthesize([Request("Oi.", stranger)]))


def test_refuses_an_argument() -> None:
    with pytest.raises(BadInput, match=r"takes no argument"):
        Kokoro.from_spec("large", Compute())


def test_absent_voices_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dora: Voice) -> None:
    fresh = Kokoro.from_spec("", Compute())
    monkeypatch.setattr(kokoro_voices, "archive", lambda: tmp_path / "voices.npz")
    with pytest.raises(MissingModel, match=r"python -m dubkit.backends.kokoro.voices"):
        next(fresh.synthesize([Request("Oi.", dora)]))


def test_absent_packages_are_named(monkeypatch: pytest.MonkeyPatch, dora: Voice) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingModel, match=r"'onnxruntime', which is not installed.*pip install 'dubkit\[embedded\]'"):
        Kokoro.from_spec("", Compute()).predict(Request("Oi.", dora))


def test_the_halves_are_the_whole_model(kokoro: Kokoro, dora: Voice) -> None:
    import onnxruntime

    from dubkit.backends.weights import folder

    (part,) = kokoro._parts(Request("Oi.", dora))
    inputs = {**part.inputs, kokoro_graph.FEATURES: part.features, kokoro_graph.FRAMES: part.frames[None]}
    halves = kokoro._loaded("sound").run(["audio"], inputs)[0]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    whole = onnxruntime.InferenceSession(str(folder("kokoro") / "kokoro.onnx"), options)
    assert np.array_equal(halves, whole.run(["audio"], {**part.inputs, "speed": np.ones(1, np.float32)})[0])

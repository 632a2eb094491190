"""VITS's real classes, a few numbers wide, saved and loaded as the real MMS checkpoints are."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from dubkit.artefacts import Voice
from dubkit.backends.mms import WORDLESS, Mms
from dubkit.backends.protocols import Compute, Request, Synthesizer
from dubkit.errors import BadInput, MissingModel, UnsupportedPair

CPU = Compute(device="cpu", threads=1)


def save_tiny_vits(
    folder: Path, *, seed: int = 0, stochastic: bool = True, is_uroman: bool = False, rate: int = 16_000
) -> None:
    from transformers import VitsConfig, VitsModel, VitsTokenizer

    folder.mkdir(parents=True)
    vocab = {"<pad>": 0, **{letter: n for n, letter in enumerate("abcdefghijklmnopqrstuvwxyz '", 1)}, "<unk>": 29}
    (folder / "vocab.json").write_text(json.dumps(vocab))
    VitsTokenizer(str(folder / "vocab.json"), phonemize=False, is_uroman=is_uroman).save_pretrained(folder)
    torch.manual_seed(seed)
    config = VitsConfig(
        vocab_size=len(vocab),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        ffn_dim=16,
        flow_size=16,
        spectrogram_bins=33,
        use_stochastic_duration_prediction=stochastic,
        duration_predictor_flow_bins=4,
        duration_predictor_num_flows=2,
        duration_predictor_filter_channels=16,
        depth_separable_num_layers=1,
        prior_encoder_num_flows=1,
        prior_encoder_num_wavenet_layers=1,
        posterior_encoder_num_wavenet_layers=1,
        upsample_initial_channel=32,
        upsample_rates=[8, 8, 4],
        upsample_kernel_sizes=[16, 16, 8],
        resblock_kernel_sizes=[3],
        resblock_dilation_sizes=[[1, 3]],
        sampling_rate=rate,
    )
    VitsModel(config).save_pretrained(folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mms")
    save_tiny_vits(folder / "por")
    save_tiny_vits(folder / "eng", seed=1, stochastic=False)
    save_tiny_vits(folder / "uig-script_arabic", seed=2, is_uroman=True)
    (folder / "notes").mkdir()
    return folder


@pytest.fixture(scope="module")
def mms(folder: Path) -> Mms:
    return Mms.from_spec(str(folder), CPU)


def say(mms: Mms, text: str, language: str = "pt", rate: float = 1.0) -> Request:
    return Request(text, mms.voices(language)[0], rate)


def test_it_is_a_synthesizer_that_needs_no_weights_to_describe_itself(folder: Path) -> None:
    fresh = Mms.from_spec(str(folder), CPU)
    backend: Synthesizer = fresh
    assert backend.languages() == {"pt", "en", "ug"}
    assert backend.voices("pt") == (Voice(id="mms:pt", language="pt", gender="unknown", name="MMS Portuguese"),)
    assert backend.voices("de") == ()
    assert backend.fingerprint.startswith("mms:eng@")
    assert "por@" in backend.fingerprint
    assert [c.present for c in backend.models()] == [True] * 3
    assert fresh._loaded == {}


@pytest.mark.parametrize("language", ["pt", "en"])
def test_a_clip_is_as_long_as_predicted_less_its_silence(mms: Mms, language: str) -> None:
    request = say(mms, "Bom dia, meu amigo!", language)
    (clip,) = mms.synthesize([request])
    assert clip.dtype == np.float32
    assert clip.ndim == 1
    assert 0 < np.abs(clip).max() <= 1
    predicted = mms.predict(request)
    assert predicted - 0.1 < len(clip) / 16_000 <= predicted


def test_prediction_is_exactly_the_untrimmed_length(mms: Mms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("librosa.effects.trim", lambda samples, **_: (samples, None))
    for request in (say(mms, "a dog"), say(mms, "a dog and a cat", rate=1.3), say(mms, "a dog", "en", 0.8)):
        (clip,) = mms.synthesize([request])
        assert len(clip) / 16_000 == mms.predict(request)


def test_a_higher_rate_is_shorter(mms: Mms) -> None:
    lengths = [mms.predict(say(mms, "a rather long line to be spoken", rate=rate)) for rate in (0.85, 1.0, 1.3)]
    assert lengths == sorted(lengths, reverse=True)
    assert len(set(lengths)) == 3
    assert lengths[0] / lengths[2] == pytest.approx(1.3 / 0.85, rel=0.2)


def test_silence_at_the_ends_is_cut(mms: Mms, monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers import VitsModel

    forward = VitsModel.forward

    def with_silence(self: VitsModel, **inputs: object) -> object:
        out = forward(self, **inputs)
        out.waveform = torch.nn.functional.pad(out.waveform, (8_000, 4_000))
        return out

    request = say(mms, "a dog")
    (plain,) = mms.synthesize([request])
    monkeypatch.setattr(VitsModel, "forward", with_silence)
    (padded,) = mms.synthesize([request])
    assert len(plain) <= len(padded) < len(plain) + 1_024


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
        "import sys, hashlib; from dubkit.backends.mms import Mms; from dubkit.backends.protocols import *; "
        "m = Mms.from_spec(sys.argv[1], Compute('cpu', 1)); (c,) = m.synthesize([Request('dois tres', m.voices('pt')[0])]); "
        "print(hashlib.sha256(c.tobytes()).hexdigest())"
    )
    other = subprocess.run([sys.executable, "-c", program, str(folder)], capture_output=True, text=True, check=True)
    assert other.stdout.split()[-1] == hashlib.sha256(second.tobytes()).hexdigest(), "in another process"


def test_a_text_with_nothing_to_say_is_a_short_silence(mms: Mms, caplog: pytest.LogCaptureFixture) -> None:
    request = say(mms, "1984 …")
    (clip,) = mms.synthesize([request])
    assert not clip.any()
    assert len(clip) / 16_000 == mms.predict(request) == WORDLESS
    assert "no sounds for '1984 …'" in caplog.text


def test_other_sample_rates_are_converted(tmp_path: Path, mms: Mms) -> None:
    save_tiny_vits(tmp_path / "por", rate=22_050)
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


def test_without_the_romanizer_its_install_line_is_told(mms: Mms, monkeypatch: pytest.MonkeyPatch) -> None:
    from dubkit.backends import mms as module

    monkeypatch.setitem(sys.modules, "uroman", None)
    module._romanizer.cache_clear()
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
    assert mms.fingerprint == "mms:facebook/mms-tts"
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
def test_on_cuda_the_same_line_sounds_the_same(folder: Path) -> None:
    mms = Mms.from_spec(str(folder), Compute("cuda"))
    first, second = mms.synthesize([say(mms, "um"), say(mms, "um")])
    assert np.array_equal(first, second)

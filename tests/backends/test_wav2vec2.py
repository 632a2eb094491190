"""Voice classifiers of transformers' real classes, a few numbers wide, saved and loaded as the real ones are."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny import wav2vec2

from dubkit.backends.protocols import Compute, GenderClassifier
from dubkit.backends.wav2vec2 import Wav2Vec2
from dubkit.errors import BadInput, MissingModel

CPU = Compute(device="cpu", threads=1)
RATE = 16_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wav2vec2")
    wav2vec2.save(folder)
    return folder


@pytest.fixture(scope="module")
def voices() -> list[np.ndarray]:
    noise = np.random.default_rng(0)
    return [
        np.convolve(noise.standard_normal(round(RATE * seconds)), np.ones(width) / width, "same").astype(np.float32)
        for seconds, width in ((0.5, 1), (2.3, 40), (1.1, 9), (3.0, 3))
    ]


def expected(folder: Path, windows: list[np.ndarray]) -> list[float]:
    """Log-odds as transformers' own classes give them."""
    from transformers import AutoFeatureExtractor, AutoModelForAudioClassification

    model = AutoModelForAudioClassification.from_pretrained(folder).eval()
    extract = AutoFeatureExtractor.from_pretrained(folder)
    with torch.no_grad():
        logits = [model(**extract(w, sampling_rate=RATE, return_tensors="pt")).logits[0] for w in windows]
    columns = {label: int(n) for n, label in model.config.id2label.items()}
    return [float(x[columns["female"]] - x[columns["male"]]) for x in logits]


def sigmoid(x: float) -> float:
    return float(1 / (1 + np.exp(-x)))


def test_it_is_a_classifier_that_needs_no_weights_to_describe_itself(folder: Path) -> None:
    fresh = Wav2Vec2.from_spec(str(folder), CPU)
    backend: GenderClassifier = fresh
    assert backend.fingerprint.startswith(f"wav2vec2:{folder.name}@")
    assert [c.present for c in backend.models()] == [True]
    assert "_model" not in vars(fresh)


@pytest.mark.parametrize(("kind", "norm"), [("Wav2Vec2", "layer"), ("Hubert", "group"), ("WavLM", "group")])
def test_a_probability_is_what_transformers_itself_finds(
    kind: str, norm: str, tmp_path: Path, voices: list[np.ndarray]
) -> None:
    wav2vec2.save(tmp_path, kind=kind, norm=norm, labels=("male", "female"))
    found = Wav2Vec2.from_spec(str(tmp_path), CPU).female_probability(voices)
    assert found == pytest.approx([sigmoid(x) for x in expected(tmp_path, voices)], abs=1e-5)
    assert len({round(p, 5) for p in found}) == len(voices), "the sounds tell in the result"


@pytest.mark.parametrize(("kind", "norm"), [("Wav2Vec2", "layer"), ("Hubert", "group"), ("WavLM", "layer")])
def test_batched_and_one_by_one_agree(
    kind: str, norm: str, tmp_path: Path, voices: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    wav2vec2.save(tmp_path, kind=kind, norm=norm)
    alone = Wav2Vec2.from_spec(str(tmp_path), CPU).female_probability(voices)
    monkeypatch.setattr("dubkit.backends.devices.batch_size", lambda compute: 3)
    together = Wav2Vec2.from_spec(str(tmp_path), CPU).female_probability(voices)
    assert together == pytest.approx(alone, abs=1e-5)


def test_a_long_voice_is_the_mean_of_its_windows_by_length(folder: Path, voices: list[np.ndarray]) -> None:
    long = np.concatenate([voices[3], voices[1]] * 4)[: 20 * RATE + 1]
    windows = np.array_split(long, 3)
    assert [len(w) for w in windows] == [106_667, 106_667, 106_667]
    mean = np.average(expected(folder, windows), weights=[len(w) for w in windows])
    assert Wav2Vec2.from_spec(str(folder), CPU).female_probability([long]) == pytest.approx([sigmoid(mean)], abs=1e-5)


def test_where_there_is_nothing_to_hear_both_are_as_likely(folder: Path, voices: list[np.ndarray]) -> None:
    quiet = [np.zeros(0, np.float32), np.zeros(RATE, np.float32), voices[3][: RATE // 10]]
    found = Wav2Vec2.from_spec(str(folder), CPU).female_probability([*quiet, voices[1]])
    assert found[:3] == [0.5, 0.5, 0.5]
    assert found[3] != 0.5
    fresh = Wav2Vec2.from_spec(str(folder), CPU)
    assert fresh.female_probability([]) == []
    assert "_model" not in vars(fresh)


@pytest.mark.parametrize("labels", [("F", "M"), ("Man", "WOMAN"), ("child", "masculine", "Feminine")])
def test_labels_have_many_spellings(labels: tuple[str, ...], tmp_path: Path, voices: list[np.ndarray]) -> None:
    wav2vec2.save(tmp_path, labels=labels)
    female = [label[0].casefold() in "fw" for label in labels].index(True)
    male = [label[0].casefold() == "m" for label in labels].index(True)
    assert Wav2Vec2.from_spec(str(tmp_path), CPU)._columns == (female, male)


@pytest.mark.parametrize("labels", [("happy", "sad"), ("female", "male", "woman"), ("LABEL_0", "LABEL_1")])
def test_a_classifier_of_something_else_is_refused(
    labels: tuple[str, ...], tmp_path: Path, voices: list[np.ndarray]
) -> None:
    wav2vec2.save(tmp_path, labels=labels)
    with pytest.raises(BadInput, match=f"does not tell female from male voices: its labels are '{labels[0]}', "):
        Wav2Vec2.from_spec(str(tmp_path), CPU).female_probability(voices)


def test_a_model_of_another_kind_is_refused(tmp_path: Path, voices: list[np.ndarray]) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "whisper"}))
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(BadInput, match="of type 'whisper'; 'wav2vec2' or 'hubert' or 'wavlm' is needed"):
        Wav2Vec2.from_spec(str(tmp_path), CPU).female_probability(voices)


def test_a_checkpoint_of_an_older_transformers_loads_whole(
    folder: Path, tmp_path: Path, voices: list[np.ndarray]
) -> None:
    from safetensors.torch import load_file

    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    weights = load_file(tmp_path / "model.safetensors")
    (tmp_path / "model.safetensors").unlink()
    renamed = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}
    old = {}
    for name, value in weights.items():
        for now, then in renamed.items():
            name = name.replace(now, then)
        old[name] = value
    assert any(name.endswith("weight_g") for name in old)
    torch.save(old, tmp_path / "pytorch_model.bin")
    now, then = (Wav2Vec2.from_spec(str(path), CPU).female_probability(voices) for path in (folder, tmp_path))
    assert then == now


def test_the_default_is_not_asked_for_before_it_is_used(
    tmp_path: Path, voices: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    classifier = Wav2Vec2.from_spec("", CPU)
    (card,) = classifier.models()
    assert (card.present, card.licence) == (False, "Apache-2.0")
    assert card.fetch == "hf download alefiury/wav2vec2-large-xlsr-53-gender-recognition-librispeech"
    with pytest.raises(MissingModel, match=f"run: {card.fetch} ;"):
        classifier.fetch()
    with pytest.raises(MissingModel, match="is not here"):
        classifier.female_probability(voices)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_on_cuda_the_probabilities_are_those_of_the_processor(folder: Path, voices: list[np.ndarray]) -> None:
    here = Wav2Vec2.from_spec(str(folder), CPU).female_probability(voices)
    there = Wav2Vec2.from_spec(str(folder), Compute("cuda", 0, 4)).female_probability(voices)
    assert there == pytest.approx(here, abs=1e-3)

"""NLLB through CTranslate2: a tiny checkpoint of transformers, really converted, searched by the real engine."""

import json
import logging
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tiny import nllb as tiny_nllb

from dubkit.backends.hub.checkpoint import Checkpoint
from dubkit.backends.nllb import conversion as ct2_conversion
from dubkit.backends.nllb.base import METHOD
from dubkit.backends.nllb.conversion import converted, is_converted
from dubkit.backends.nllb.ct2 import NllbCt2
from dubkit.backends.nllb.translator import Nllb
from dubkit.backends.protocols import Compute, Hint, Translator
from dubkit.errors import BadInput, MissingModel, OutOfMemory, UnsupportedPair

CPU = Compute(device="cpu", threads=2)
TEXTS = ["a bad cab", "", "dab", "a cab had a bad dad and a dab of jam", "dab", "face"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nllb")
    tiny_nllb.save(folder, n_positions=512)
    return folder


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    cache = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DUBKIT_CACHE", str(cache))
        yield cache


@pytest.fixture(scope="module")
def exact(folder: Path, cache: Path) -> Path:
    """The converted model with its numbers as they are."""
    return converted(Checkpoint(str(folder), "m2m_100"), "float32")


@pytest.fixture(autouse=True)
def short_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dubkit.backends.nllb.translator.LONGEST_OUTPUT", 12)
    monkeypatch.setattr("dubkit.backends.nllb.ct2.LONGEST_OUTPUT", 12)


@pytest.fixture
def float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NllbCt2, "_compute_type", "float32")


def test_it_is_a_translator_that_needs_no_weights_to_describe_itself(folder: Path, exact: Path) -> None:
    fresh = NllbCt2.from_spec(str(folder), CPU)
    backend: Translator = fresh
    assert ("en", "pt") in backend.pairs()
    assert backend.fingerprint.startswith(f"nllb-ct2:{folder.name}@")
    assert [(c.present, c.note) for c in backend.models()] == [(True, "converted at first use")]
    (card,) = NllbCt2.from_spec(str(exact), CPU).models()
    assert card.present
    assert card.size == sum(p.stat().st_size for p in exact.iterdir())
    assert "_model" not in vars(fresh)


@pytest.mark.usefixtures("float32")
def test_it_agrees_with_transformers(folder: Path, exact: Path) -> None:
    texts = ["a bad cab", "", "dab", "face", "We came.", "No, it is he.", "jam", "Is it?", "a man ran"]
    theirs = list(Nllb.from_spec(str(folder), CPU).translate(texts, "en", "pt"))
    for spec in (exact, folder):
        ours = list(NllbCt2.from_spec(str(spec), CPU).translate(texts, "en", "pt"))
        assert [[c.text for c in r] for r in ours] == [[c.text for c in r] for r in theirs]
        for a, b in zip(ours, theirs, strict=True):
            assert [c.score for c in a] == pytest.approx([c.score for c in b], abs=2e-4)


@pytest.mark.usefixtures("float32")
def test_where_it_searches_on_after_transformers_ends_it_finds_no_worse(folder: Path, exact: Path) -> None:
    text = "a cab had a bad dad and a dab of jam"
    ours = next(NllbCt2.from_spec(str(exact), CPU).translate([text], "en", "pt"))
    theirs = next(Nllb.from_spec(str(folder), CPU).translate([text], "en", "pt"))
    assert [c.text for c in ours] != [c.text for c in theirs]
    assert ours[1] == theirs[0]
    assert ours[0].score > theirs[0].score


def test_in_8_bits_it_still_says_something_like_it(folder: Path, cache: Path) -> None:
    backend = NllbCt2.from_spec(str(folder), CPU)
    found = list(backend.translate(TEXTS, "en", "pt"))
    assert backend._model.compute_type.startswith("int8")
    assert all(r[0].text for r, text in zip(found, TEXTS, strict=True) if text)
    assert all(-2 < c.score < 0 for r, text in zip(found, TEXTS, strict=True) if text for c in r)


@pytest.mark.usefixtures("float32")
def test_threads_and_neighbours_do_not_tell_in_the_result(exact: Path) -> None:
    alone = [next(NllbCt2.from_spec(str(exact), Compute("cpu", 1)).translate([t], "en", "pt")) for t in TEXTS]
    assert list(NllbCt2.from_spec(str(exact), Compute("cpu", 3)).translate(TEXTS, "en", "pt")) == alone


@pytest.mark.usefixtures("float32")
def test_batches_as_on_a_gpu_give_the_same_in_order(
    exact: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    hints = [Hint(terms=("D",)) if text == "face" else Hint() for text in TEXTS]
    alone = list(NllbCt2.from_spec(str(exact), CPU).translate(TEXTS, "en", "pt", hints))
    batched = NllbCt2.from_spec(str(exact), CPU)
    model = batched._model
    monkeypatch.setattr("dubkit.backends.devices.batch_size", lambda compute: compute.batch_size)
    batched._placed = ("cuda", 0)
    sizes: list[int] = []
    tokens: list[int] = []

    class Cramped:
        def translate_batch(self, texts: list[list[str]], **options: Any) -> Any:
            sizes.append(len(texts))
            tokens.append(options["max_batch_size"])
            if len(texts) > 3:
                raise RuntimeError("CUDA failed with error out of memory")
            return model.translate_batch(texts, **options)

    batched._model = Cramped()
    with caplog.at_level(logging.WARNING, "dubkit.backends"):
        found = list(batched.translate(TEXTS, "en", "pt", hints))
    assert sizes == [4, 2, 1, 1, 1], "those with wanted words go alone"
    assert tokens == [512, 16, 16, 16, 16], "what the engine takes at once is halved as well"
    assert [[c.text for c in r] for r in found] == [[c.text for c in r] for r in alone]
    assert "going on with 2" in caplog.text


@pytest.mark.usefixtures("float32")
def test_wanted_words_are_looked_for_in_more_hypotheses_and_come_first(exact: Path) -> None:
    backend = NllbCt2.from_spec(str(exact), CPU)
    plain = next(backend.translate(["face"], "en", "pt"))
    found = next(backend.translate(["face"], "en", "pt", [Hint(terms=("DM",))]))
    assert plain[0].text != found[0].text
    assert ["DM" in c.text.split() for c in plain] == [False, False, True, True, False]
    assert ["DM" in c.text.split() for c in found] == [True, True, True, False, False]


def test_the_conversion_is_made_once_and_whole(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUBKIT_CACHE", str(tmp_path))
    checkpoint = Checkpoint(str(folder), "m2m_100")
    work = ct2_conversion._convert

    def interrupted(*args: Any) -> None:
        work(*args)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ct2_conversion, "_convert", interrupted)
        with pytest.raises(KeyboardInterrupt):
            converted(checkpoint, "int8")
    assert list((tmp_path / "ctranslate2").iterdir()) == []
    made = converted(checkpoint, "int8")
    assert made.name == f"{checkpoint.fingerprint}-int8"
    assert is_converted(made)
    with monkeypatch.context() as patch:
        patch.setattr(ct2_conversion, "_convert", interrupted)
        assert converted(checkpoint, "int8") == made
    assert converted(checkpoint, "float16") != made
    assert len(list((tmp_path / "ctranslate2").iterdir())) == 2


def test_a_tokenizer_may_lie_elsewhere(exact: Path, folder: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    for name in ("model.bin", "config.json", "shared_vocabulary.json"):
        shutil.copy(exact / name, bare)
    with pytest.raises(MissingModel, match=r"bare has no tokenizer.json beside the model.*nllb-ct2:.*bare,facebook"):
        next(NllbCt2.from_spec(str(bare), CPU).translate(["dab"], "en", "pt"))
    named = next(NllbCt2.from_spec(f"{bare},{folder}", CPU).translate(["dab"], "en", "pt"))
    assert named == next(NllbCt2.from_spec(str(exact), CPU).translate(["dab"], "en", "pt"))


def test_what_a_person_can_get_wrong_is_said(exact: Path, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="neither a folder nor a model on the Hugging Face hub"):
        NllbCt2.from_spec("no such thing", CPU)
    with pytest.raises(BadInput, match="needs no tokenizer of its own: write nllb-ct2:"):
        NllbCt2.from_spec(f"{folder},{exact}", CPU)
    with pytest.raises(UnsupportedPair, match="does not know 'tlh'"):
        NllbCt2.from_spec(str(exact), CPU).translate(["a"], "en", "tlh")
    damaged = tmp_path / "damaged"
    shutil.copytree(exact, damaged)
    (damaged / "model.bin").write_bytes(b"none")
    with pytest.raises(MissingModel, match=r"model in .*damaged cannot be loaded .*\. Mend the folder"):
        next(NllbCt2.from_spec(str(damaged), CPU).translate(["dab"], "en", "pt"))
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps({**config, "model_type": "marian"}))
    with pytest.raises(BadInput, match="is a model of type 'marian'; 'm2m_100' is needed"):
        next(NllbCt2.from_spec(str(other), CPU).translate(["dab"], "en", "pt"))


def test_a_gpu_too_small_for_half_precision_gets_8_bits(exact: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NllbCt2, "_placed", ("cuda", 0))
    tried: list[str] = []

    def load(self: NllbCt2, compute_type: str) -> str:
        tried.append(compute_type)
        if compute_type == "float16":
            raise RuntimeError("CUDA failed with error out of memory")
        return "loaded"

    monkeypatch.setattr(NllbCt2, "_loaded", load)
    assert NllbCt2.from_spec(str(exact), CPU)._model == "loaded"
    assert tried == ["float16", "int8_float16"]

    def full(self: NllbCt2, compute_type: str) -> str:
        raise RuntimeError("CUDA failed with error out of memory")

    monkeypatch.setattr(NllbCt2, "_loaded", full)
    with pytest.raises(OutOfMemory, match="too small for"):
        next(NllbCt2.from_spec(str(exact), CPU).translate(["dab"], "en", "pt"))


def test_a_tokenizer_that_lies_elsewhere_is_in_the_fingerprint(
    exact: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    alone = NllbCt2.from_spec(str(exact), CPU).fingerprint
    own = tmp_path / "own"
    shutil.copytree(folder, own)
    beside = NllbCt2.from_spec(f"{exact},{own}", CPU).fingerprint
    assert beside.startswith(alone.replace(f"+{METHOD}", f",{own.name}@"))
    (own / "tokenizer.json").write_text("{}")
    assert NllbCt2.from_spec(f"{exact},{own}", CPU).fingerprint != beside
    named = NllbCt2.from_spec(f"{exact},owner/nllb", CPU)
    assert named.fingerprint == alone.replace("+", ",owner/nllb+")
    snapshot = tmp_path / "models--owner--nllb" / "snapshots" / ("0123" * 10)
    snapshot.mkdir(parents=True)
    (tmp_path / "models--owner--nllb" / "refs").mkdir()
    (tmp_path / "models--owner--nllb" / "refs" / "main").write_text("0123" * 10)
    for name in ("config.json", "tokenizer.json"):
        shutil.copy(folder / name, snapshot)
    assert named.fingerprint == alone.replace("+", ",owner/nllb@012301230123+"), "without weights, and in one instance"


def test_without_its_package_it_says_what_to_install(
    exact: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DUBKIT_CACHE", str(tmp_path))
    monkeypatch.setitem(sys.modules, "ctranslate2", None)
    monkeypatch.setitem(sys.modules, "ctranslate2.converters", None)
    for spec in (str(exact), str(folder), "facebook/nllb-200-3.3B"):
        bare = NllbCt2.from_spec(spec, CPU)
        assert [(c.present, c.fetch) for c in bare.models()] == [(False, "pip install 'dubkit[hub]'")]
        for work in (bare.fetch, lambda bare=bare: next(bare.translate(["dab"], "en", "pt"))):
            with pytest.raises(MissingModel, match=r"need the package ctranslate2.*pip install 'dubkit\[hub\]'"):
                work()
    with pytest.raises(MissingModel, match="need the package ctranslate2"):
        converted(Checkpoint(str(folder), "m2m_100"), "int8")

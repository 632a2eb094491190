"""Demucs' real hybrid transformer, a few numbers wide, saved and loaded as the real models are."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny import demucs as tiny

from dubkit.backends.demucs.model import DemucsSource
from dubkit.backends.demucs.separator import Demucs
from dubkit.backends.protocols import Compute, Separator
from dubkit.errors import BadInput, MissingModel

CPU = Compute(device="cpu", threads=1)
WINDOW = 22_050


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny-demucs")
    tiny.save(folder)
    return folder


@pytest.fixture(scope="module")
def demucs(folder: Path) -> Demucs:
    return Demucs.from_spec(str(folder), CPU)


@pytest.fixture(scope="module")
def sound() -> np.ndarray:
    noise = np.random.default_rng(0).standard_normal(3 * WINDOW).astype(np.float32)
    return 0.2 * noise * np.sin(np.linspace(0, 9, len(noise), dtype=np.float32))


def heard(separator: Demucs, *blocks: np.ndarray) -> np.ndarray:
    return np.concatenate([np.zeros(0, np.float32), *separator.speech(blocks)])


def whole(folder: Path, sound: np.ndarray) -> np.ndarray:
    """What demucs' own program makes of a sound that it holds in memory as a whole."""
    import yaml
    from demucs.apply import BagOfModels, apply_model
    from demucs.hf import load_safetensors_model

    told = yaml.safe_load(next(folder.glob("*.yaml")).read_text())
    models = [load_safetensors_model(folder / f"{name}.safetensors") for name in told["models"]]
    bag = BagOfModels(models, told.get("weights"), told.get("segment"))
    mix = torch.from_numpy(sound)[None, None].expand(1, bag.audio_channels, -1)
    found: np.ndarray = apply_model(bag, mix, shifts=0)[0, bag.sources.index("vocals")].mean(0).numpy()
    return found


def test_it_is_a_separator_that_needs_no_weights_to_describe_itself(folder: Path) -> None:
    fresh = Demucs.from_spec(str(folder), CPU)
    backend: Separator = fresh
    assert backend.sample_rate == 44_100
    assert backend.fingerprint.startswith(f"demucs:{folder.name}@")
    (card,) = backend.models()
    assert card.present
    assert card.size == (folder / "00000001.safetensors").stat().st_size
    assert "_voices" not in vars(fresh)


@pytest.mark.parametrize("n_samples", [1, 100, 16_000, WINDOW, 33_075, 40_000, 3 * WINDOW])
def test_speech_is_what_demucs_finds_in_the_whole_sound(
    demucs: Demucs, folder: Path, sound: np.ndarray, n_samples: int
) -> None:
    expected = whole(folder, sound[:n_samples])
    found = heard(demucs, sound[:n_samples])
    assert found.shape == (n_samples,)
    assert found == pytest.approx(expected, abs=1e-5 * float(np.abs(expected).max()) + 1e-9)


def test_what_is_heard_depends_on_the_sound(demucs: Demucs, sound: np.ndarray) -> None:
    found = heard(demucs, sound)
    assert 1e-3 < found.std() < 10
    assert np.abs(found - heard(demucs, sound[::-1].copy())[::-1]).max() > 0.1 * found.std()


@settings(max_examples=6, deadline=None)
@given(st.lists(st.integers(0, 50_000), max_size=6))
def test_how_the_sound_is_cut_changes_nothing(demucs: Demucs, sound: np.ndarray, cuts: list[int]) -> None:
    part = sound[:50_000]
    blocks = np.split(part, sorted(cuts))
    assert np.array_equal(heard(demucs, *blocks), heard(demucs, part))


def test_speech_comes_before_the_sound_has_ended_and_little_is_held(demucs: Demucs, sound: np.ndarray) -> None:
    read = 0
    held = []

    def blocks() -> Iterator[np.ndarray]:
        nonlocal read
        for n in range(0, len(sound), 2000):
            read += 2000
            yield sound[n : n + 2000]

    given_back = 0
    for part in demucs.speech(blocks()):
        given_back += len(part)
        held.append(read - given_back)
    assert given_back == len(sound)
    assert len(held) >= 4
    assert max(held) < 2 * WINDOW


def test_batched_and_one_by_one_agree(
    demucs: Demucs, folder: Path, sound: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = heard(demucs, sound)
    monkeypatch.setattr("dubkit.backends.devices.batch_size", lambda compute: 3)
    together = heard(Demucs.from_spec(str(folder), CPU), *np.split(sound, 7))
    assert together == pytest.approx(alone, abs=1e-5 * float(np.abs(alone).max()))


def test_of_a_bag_those_run_that_have_a_say_in_the_voices(tmp_path: Path, sound: np.ndarray) -> None:
    tiny.save(tmp_path, weights=[[1, 0, 0, 0], [0, 1, 0, 0.5], [0, 0, 1, 1.5]])
    bag = Demucs.from_spec(str(tmp_path), CPU)
    expected = whole(tmp_path, sound[:40_000])
    assert heard(bag, sound[:40_000]) == pytest.approx(expected, abs=1e-5 * float(np.abs(expected).max()))
    assert [weight for weight, _ in bag._voices.members] == [0.5, 1.5]


def test_a_model_that_takes_any_length(tmp_path: Path, sound: np.ndarray) -> None:
    tiny.save(tmp_path, use_train_segment=False, audio_channels=1)
    expected = whole(tmp_path, sound[:40_000])
    found = heard(Demucs.from_spec(str(tmp_path), CPU), *np.array_split(sound[:40_000], 3))
    assert found == pytest.approx(expected, abs=1e-5 * float(np.abs(expected).max()))


def test_silence_stays_silence_and_nothing_stays_nothing(demucs: Demucs) -> None:
    assert np.abs(heard(demucs, np.zeros(30_000, np.float32))).max() < 1e-3
    assert heard(demucs).shape == (0,)
    assert heard(demucs, np.zeros(0, np.float32)).shape == (0,)


@pytest.mark.parametrize("name", ["htdemucs", "htdemucs_ft", "htdemucs_6s", "hdemucs_mmi", "mdx_extra"])
def test_a_name_is_the_repository_that_demucs_itself_asks_for(name: str) -> None:
    from demucs.hf import DEFAULT_NAMESPACE, hf_repo_name

    assert DemucsSource.parse(name).repository == f"{DEFAULT_NAMESPACE}/{hf_repo_name(name)}"
    assert DemucsSource.parse(f"somebody/{name}").repository == f"somebody/{hf_repo_name(name)}"


def test_what_is_in_the_hubs_cache_is_whole_or_not_here(
    folder: Path, tmp_path: Path, sound: np.ndarray, demucs: Demucs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    fresh = Demucs.from_spec("", CPU)
    (card,) = fresh.models()
    assert (card.present, card.licence, card.size) == (False, "MIT", 84_000_000)
    assert card.fetch == "hf download adefossez/HTDemucs"
    assert fresh.fingerprint == "demucs:htdemucs+1"
    with pytest.raises(MissingModel, match=r"HTDemucs is not here .* run: hf download adefossez/HTDemucs ;"):
        fresh.fetch()

    revision = "0123456789abcdef0123456789abcdef01234567"
    home = tmp_path / "models--adefossez--HTDemucs"
    snapshot = home / "snapshots" / revision
    snapshot.mkdir(parents=True)
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text(revision)
    (snapshot / "htdemucs.yaml").write_bytes((folder / "htdemucs.yaml").read_bytes())
    assert not Demucs.from_spec("", CPU).models()[0].present
    with pytest.raises(MissingModel, match="is no whole Demucs model"):
        heard(Demucs.from_spec("", CPU), sound[:100])
    (snapshot / "00000001.safetensors").write_bytes((folder / "00000001.safetensors").read_bytes())
    found = Demucs.from_spec("", CPU)
    assert found.models()[0].present
    assert found.fingerprint == f"demucs:htdemucs@{revision[:12]}+1"
    assert np.array_equal(heard(found, sound[:100]), heard(demucs, sound[:100]))


def test_without_the_package_the_command_that_installs_it_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dubkit.backends.demucs.model.find_spec", lambda _: None)
    without = Demucs.from_spec(str(folder), CPU)
    assert [(c.present, c.fetch) for c in without.models()] == [(False, "pip install 'dubkit[separation]'")]
    with pytest.raises(MissingModel, match=r"pip install 'dubkit\[separation\]'"):
        list(without.speech([]))


@pytest.mark.parametrize("argument", ["htdemux", "mdx_q", "/no/such/folder", "a/b/c"])
def test_what_is_no_model_is_refused(argument: str) -> None:
    with pytest.raises(BadInput, match=r"names no Demucs model\. Give one of .*htdemucs_ft"):
        Demucs.from_spec(argument, CPU)


def test_a_model_that_cannot_be_used_here_is_refused(tmp_path: Path, sound: np.ndarray) -> None:
    tiny.save(tmp_path / "slow", samplerate=22_050)
    tiny.save(tmp_path / "drums", sources=["drums", "other"])
    with pytest.raises(BadInput, match=r"works at 22050 Hz .* Needed are 44100 Hz"):
        heard(Demucs.from_spec(str(tmp_path / "slow"), CPU), sound)
    with pytest.raises(BadInput, match="tells apart drums, other"):
        heard(Demucs.from_spec(str(tmp_path / "drums"), CPU), sound)


def test_a_file_may_name_no_class_but_demucs_own(folder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    described = {"klass": "pathlib.Path", "args": json.dumps([str(tmp_path)]), "kwargs": "{}"}
    save_file(load_file(folder / "00000001.safetensors"), tmp_path / "00000001.safetensors", metadata=described)
    (tmp_path / "x.yaml").write_text("models: ['00000001']")
    with pytest.raises(BadInput, match=r"must be one of demucs\.htdemucs\.HTDemucs, .* says \"pathlib\.Path\""):
        list(Demucs.from_spec(str(tmp_path), CPU).speech([]))
    (tmp_path / "x.yaml").write_text("models: ['../00000001']")
    assert not Demucs.from_spec(str(tmp_path), CPU).models()[0].present


def test_damaged_files_are_told(folder: Path, tmp_path: Path) -> None:
    for file in folder.iterdir():
        content = file.read_bytes()
        (tmp_path / file.name).write_bytes(content if file.suffix == ".yaml" else content[: len(content) // 2])
    with pytest.raises(MissingModel, match=r"is damaged .*mend the folder"):
        list(Demucs.from_spec(str(tmp_path), CPU).speech([]))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_on_cuda_the_speech_is_that_of_the_processor(demucs: Demucs, folder: Path, sound: np.ndarray) -> None:
    alone = heard(demucs, sound)
    there = heard(Demucs.from_spec(str(folder), Compute("cuda", 0, 2)), *np.split(sound, 5))
    assert there == pytest.approx(alone, abs=1e-3 * float(np.abs(alone).max()))

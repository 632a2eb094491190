import logging
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError
from speech_sounds import RATE
from tiny import pyannote as tiny

from dubkit.backends import weights
from dubkit.backends.protocols import Backend, Compute, Diarization
from dubkit.backends.pyannote.diarizer import Pyannote, levelled
from dubkit.errors import BadInput, MissingModel, OutOfMemory

CPU = Compute(device="cpu", threads=2)
REVISION = "0123456789abcdef0123456789abcdef01234567"
MODELS = [
    "segmentation/pytorch_model.bin",
    "embedding/pytorch_model.bin",
    "plda/xvec_transform.npz",
    "plda/plda.npz",
]
Turns = list[tuple[float, float, str]]


@pytest.fixture(scope="module")
def diarizer() -> Pyannote:
    return Pyannote.from_spec("packaged", Compute(device="cpu", threads=2))


@pytest.fixture(scope="module")
def found(diarizer: Pyannote, conversation: tuple[np.ndarray, Turns]) -> Diarization:
    return diarizer.diarize(conversation[0])


@pytest.fixture(scope="module")
def excerpt(conversation: tuple[np.ndarray, Turns]) -> np.ndarray:
    """Six seconds in which both speak."""
    return conversation[0][7 * RATE : 13 * RATE]


def error_rate(reference: Turns, found: Diarization) -> float:
    """Diarization error rate, overlaps scored, no collar."""
    from pyannote.core import Annotation, Segment
    from pyannote.metrics.diarization import DiarizationErrorRate

    def annotation(turns: Turns) -> Annotation:
        made = Annotation()
        for n, (start, end, label) in enumerate(turns):
            made[Segment(start, end), n] = label
        return made

    return float(DiarizationErrorRate()(annotation(reference), annotation(list(found.turns))))


def test_is_described_without_loading() -> None:
    fresh = Pyannote.from_spec("", Compute())
    assert isinstance(fresh, Backend)
    assert weights.fingerprint("pyannote-segmentation") in fresh.fingerprint
    assert weights.fingerprint("campplus") in fresh.fingerprint
    assert [(m.name, m.licence) for m in fresh.models()] == [
        ("pyannote-segmentation", "MIT"),
        ("campplus", "Apache-2.0"),
    ]
    assert "_pipeline" not in vars(fresh)


def test_tells_two_people_apart(found: Diarization, conversation: tuple[np.ndarray, Turns]) -> None:
    # .052 to .056 as measured, by how an odd frame falls.
    assert error_rate(conversation[1], found) < 0.07
    assert len(found.centroids) == 2


def test_turns_are_in_order_and_inside(found: Diarization) -> None:
    assert list(found.turns) == sorted(found.turns)
    assert all(0 <= start < end <= 30 for start, end, _ in found.turns)
    assert {label for *_, label in found.turns} == set(found.centroids)


def test_voices_are_unit_vectors_that_differ(found: Diarization) -> None:
    one, other = found.centroids.values()
    assert np.linalg.norm(one) == pytest.approx(1, abs=1e-5)
    assert np.linalg.norm(other) == pytest.approx(1, abs=1e-5)
    assert float(one @ other) < 0.5


def test_a_voice_is_known_again(diarizer: Pyannote, found: Diarization, conversation: tuple[np.ndarray, Turns]) -> None:
    waveform, turns = conversation
    start, end, speaker = max(turns, key=lambda t: t[1] - t[0])
    (voice,) = diarizer.diarize(waveform[round(start * RATE) : round(end * RATE)], n_speakers=1).centroids.values()
    named = max(found.centroids, key=lambda label: float(found.centroids[label] @ voice))
    seconds = {
        label: sum(max(0.0, min(b, end) - max(a, start)) for a, b, name in found.turns if name == label)
        for label in found.centroids
    }
    assert named == max(seconds, key=lambda label: seconds[label]), speaker


@pytest.mark.parametrize("decibels", [-20, -60])
def test_the_level_does_not_matter(diarizer: Pyannote, excerpt: np.ndarray, decibels: float) -> None:
    quiet = (excerpt * 10 ** (decibels / 20)).astype(np.float32)
    assert diarizer.diarize(quiet).turns == diarizer.diarize(excerpt).turns


def test_levelled_speech_has_one_level(excerpt: np.ndarray) -> None:
    assert np.allclose(levelled(excerpt), levelled(excerpt * np.float32(0.01)), rtol=1e-3, atol=1e-6)
    assert np.abs(levelled(np.zeros(RATE, np.float32))).max() == 0


@pytest.mark.parametrize(
    ("limits", "n"),
    [({"n_speakers": 1}, 1), ({"max_speakers": 1}, 1), ({"n_speakers": 2}, 2)],
)
def test_the_number_of_speakers_is_kept(
    diarizer: Pyannote, excerpt: np.ndarray, limits: dict[str, int], n: int
) -> None:
    assert len(diarizer.diarize(excerpt, **limits).centroids) == n


def test_nobody_speaks(diarizer: Pyannote) -> None:
    rng = np.random.default_rng(0)
    white = rng.standard_normal(5 * RATE)
    for sound in (np.zeros(0), np.zeros(5 * RATE), 0.05 * white, 0.0005 * white, 1e-4 * np.cumsum(white)):
        assert diarizer.diarize(sound.astype(np.float32)) == Diarization(())


def test_short_sounds(diarizer: Pyannote, excerpt: np.ndarray) -> None:
    assert diarizer.diarize(excerpt[: RATE - 1]) == Diarization(())
    brief = diarizer.diarize(excerpt[: round(1.5 * RATE)])
    assert sum(end - start for start, end, _ in brief.turns) > 0.5
    assert all(np.linalg.norm(voice) == pytest.approx(1, abs=1e-5) for voice in brief.centroids.values())


def test_same_turns_whatever_the_threads_and_batches(diarizer: Pyannote, excerpt: np.ndarray, tmp_path: Path) -> None:
    here = diarizer.diarize(excerpt)
    np.save(tmp_path / "excerpt.npy", excerpt)
    program = (
        "import sys, numpy as np\n"
        "from dubkit.backends.pyannote.diarizer import Pyannote\n"
        "from dubkit.backends.protocols import Compute\n"
        "d = Pyannote.from_spec('', Compute(device='cpu', threads=1, batch_size=3)).diarize(np.load(sys.argv[1]))\n"
        "print(d.turns, *(v.tobytes().hex() for v in d.centroids.values()))\n"
    )
    other = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program, str(tmp_path / "excerpt.npy")],
        capture_output=True,
        text=True,
        check=True,
    )
    voices = " ".join(v.tobytes().hex() for v in here.centroids.values())
    assert other.stdout.strip().splitlines()[-1] == f"{here.turns} {voices}"


def test_segments_as_its_parent_does(diarizer: Pyannote, conversation: tuple[np.ndarray, Turns]) -> None:
    import torch

    sound = torch.from_numpy(conversation[0][: 11 * RATE + 123])[None]
    pipeline = diarizer._pipeline
    ours = pipeline.get_segmentations({"waveform": sound, "sample_rate": RATE})
    theirs = super(type(pipeline), pipeline).get_segmentations({"waveform": sound, "sample_rate": RATE})
    assert ours.data.shape == theirs.data.shape
    assert np.mean(ours.data != theirs.data) < 1e-3
    assert (ours.sliding_window.step, ours.sliding_window.duration) == (1.0, 10.0)


def test_the_threads_asked_for_are_given_back(diarizer: Pyannote) -> None:
    import torch

    diarizer.diarize((0.05 * np.random.default_rng(0).standard_normal(RATE)).astype(np.float32))
    assert torch.get_num_threads() == 2


def test_reports_nothing_to_anybody(diarizer: Pyannote) -> None:
    assert diarizer._pipeline is not None
    from pyannote.audio.telemetry.metrics import is_metrics_enabled

    assert not is_metrics_enabled()


def test_what_is_no_pipeline() -> None:
    with pytest.raises(BadInput, match="'nonsense' is no diarization pipeline: give 'packaged', an id"):
        Pyannote.from_spec("nonsense", Compute())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tiny-pipeline")
    tiny.save(folder)
    return folder


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty hub cache, and no way to the network."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    return tmp_path / "cache"


def put_in_cache(cache: Path, folder: Path, name: str, *paths: str) -> Path:
    home = cache / f"models--{name.replace('/', '--')}"
    snapshot = home / "snapshots" / REVISION
    (home / "refs").mkdir(parents=True, exist_ok=True)
    (home / "refs" / "main").write_text(REVISION)
    for path in paths:
        (snapshot / path).parent.mkdir(parents=True, exist_ok=True)
        (snapshot / path).write_bytes((folder / path).read_bytes())
    return snapshot


NOISE = np.random.default_rng(0).standard_normal(5 * RATE).astype(np.float32)


def test_a_folder_runs_with_its_own_models(folder: Path) -> None:
    local = Pyannote.from_spec(str(folder), CPU)
    (card,) = local.models()
    assert card.present
    assert card.size > 1e6
    assert local.fingerprint.startswith(f"pyannote:{folder.name}@")
    found = local.diarize(NOISE)
    ((start, end, speaker),) = found.turns
    assert (start, end) == (pytest.approx(0, abs=0.05), pytest.approx(5, abs=0.05))
    assert found.centroids[speaker].shape == (tiny.DIMENSION,)
    assert np.linalg.norm(found.centroids[speaker]) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("limits", [{"n_speakers": 2}, {"min_speakers": 2}, {"min_speakers": 2, "max_speakers": 2}])
def test_a_pipeline_of_the_hub_kind_is_told_how_many_speak(folder: Path, limits: dict[str, int]) -> None:
    assert len(Pyannote.from_spec(str(folder), CPU).diarize(NOISE, **limits).centroids) == 2


def test_a_larger_threshold_joins_voices_and_is_forgotten_again(
    diarizer: Pyannote, found: Diarization, conversation: tuple[np.ndarray, Turns]
) -> None:
    def speaking(made: Diarization) -> list[float]:
        labels = {label for *_, label in made.turns}
        return sorted((sum(b - a for a, b, who in made.turns if who == label) for label in labels), reverse=True)

    one, two = speaking(diarizer.diarize(conversation[0], threshold=1.9)), speaking(found)
    # Who talks at the same time as somebody is never the same voice.
    assert one[0] > 0.85 * sum(one) and two[0] < 0.7 * sum(two)
    assert len(speaking(diarizer.diarize(conversation[0], threshold=0.3))) == 4
    assert diarizer.diarize(conversation[0]).turns == found.turns
    assert diarizer._pipeline.parameters(instantiated=True)["clustering"]["threshold"] == 0.6


def test_a_pipeline_whose_clustering_has_no_threshold_says_so(excerpt: np.ndarray) -> None:
    class Oracle:
        def parameters(self, instantiated: bool) -> dict[str, Any]:
            return {"segmentation": {"min_duration_off": 0.0}}

    without = Pyannote.from_spec("packaged", CPU)
    without.__dict__["_pipeline"] = Oracle()
    with pytest.raises(BadInput, match=r"clustering of pyannote:packaged has no threshold.*diarize\.n_speakers"):
        without.diarize(excerpt, threshold=0.5)


def test_overlaps_are_kept(found: Diarization) -> None:
    together = sum(max(0.0, min(a[1], b[1]) - b[0]) for a, b in zip(found.turns, found.turns[1:], strict=False))
    assert together > 0.5


@pytest.mark.parametrize("lacking", ["config.yaml", *MODELS])
def test_half_a_folder_is_not_a_pipeline(folder: Path, tmp_path: Path, lacking: str) -> None:
    for path in {"config.yaml", *MODELS} - {lacking}:
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes((folder / path).read_bytes())
    half = Pyannote.from_spec(str(tmp_path), CPU)
    assert [m.present for m in half.models()] == [False]
    assert str(tmp_path) not in half.fingerprint
    with pytest.raises(MissingModel, match=f"is not whole: {lacking}.* is missing.*mend the folder"):
        half.diarize(NOISE)


def test_a_damaged_model_is_told(folder: Path, tmp_path: Path) -> None:
    for path in ("config.yaml", *MODELS):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes((folder / path).read_bytes()[:3000])
    with pytest.raises(MissingModel, match=r"cannot be loaded .*use pyannote:packaged"):
        Pyannote.from_spec(str(tmp_path), CPU).diarize(NOISE)


def test_a_configuration_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("- nothing")
    broken = Pyannote.from_spec(str(tmp_path), CPU)
    assert [m.present for m in broken.models()] == [False]
    with pytest.raises(MissingModel, match=r"config\.yaml is no configuration of a pipeline"):
        broken.diarize(NOISE)


def test_what_is_in_the_hubs_cache_is_whole_or_not_here(folder: Path, cache: Path) -> None:
    name = "pyannote/speaker-diarization-community-1"
    fresh = Pyannote.from_spec(name, CPU)
    (card,) = fresh.models()
    assert (card.present, card.licence, card.size, card.fetch) == (
        False,
        "CC-BY-4.0",
        33_000_000,
        f"hf download {name}",
    )
    assert "hf auth login" in card.note
    assert fresh.fingerprint == f"pyannote:{name}+3"
    with pytest.raises(MissingModel, match=f"{name} is not here and the Hugging Face hub cannot be reached"):
        fresh.fetch()
    put_in_cache(cache, folder, name, "config.yaml", MODELS[0])
    assert not Pyannote.from_spec(name, CPU).models()[0].present
    with pytest.raises(MissingModel, match=r"is not whole: embedding/pytorch_model\.bin of .*To bring it: hf download"):
        Pyannote.from_spec(name, CPU).fetch()
    put_in_cache(cache, folder, name, *MODELS[1:])
    here = Pyannote.from_spec(name, CPU)
    assert here.models()[0].present
    assert here.fingerprint == f"pyannote:{name}@{REVISION[:12]}+3"
    here.fetch()
    assert here.diarize(NOISE).turns == Pyannote.from_spec(str(folder), CPU).diarize(NOISE).turns


def test_models_that_a_pipeline_takes_from_other_repositories_are_needed_too(folder: Path, cache: Path) -> None:
    name, other = "somebody/pipeline", "somebody/segmentation"
    snapshot = put_in_cache(cache, folder, name, "config.yaml", *MODELS[1:])
    tiny.configure(snapshot, segmentation=other)
    (card,) = Pyannote.from_spec(name, CPU).models()
    assert (card.present, card.fetch) == (False, f"hf download {name} && hf download {other}")
    assert Pyannote.from_spec(name, CPU).fingerprint == f"pyannote:{name}@{REVISION[:12]}+{other}+3"
    with pytest.raises(MissingModel, match=f"{other} is not here"):
        Pyannote.from_spec(name, CPU).fetch()
    (folder / "pytorch_model.bin").write_bytes((folder / MODELS[0]).read_bytes())
    put_in_cache(cache, folder, other, "pytorch_model.bin")
    here = Pyannote.from_spec(name, CPU)
    assert here.models()[0].present
    assert here.fingerprint == f"pyannote:{name}@{REVISION[:12]}+{other}@{REVISION[:12]}+3"
    assert len(here.diarize(NOISE).turns) == 1


def test_an_older_pipeline_needs_what_pyannote_takes_from_the_community_one(folder: Path, cache: Path) -> None:
    name = "pyannote/speaker-diarization-3.1"
    snapshot = put_in_cache(cache, folder, name, "config.yaml", *MODELS)
    config = snapshot / "config.yaml"
    config.write_text("".join(x for x in config.read_text().splitlines(True) if "plda" not in x))
    (card,) = Pyannote.from_spec(name, CPU).models()
    assert not card.present
    assert card.fetch == f"hf download {name} && hf download pyannote/speaker-diarization-community-1"


@pytest.mark.parametrize(
    ("status", "kind", "token", "said"),
    [
        (403, GatedRepoError, None, r"is gated: accept its terms .*hf auth login .*Nobody is logged in"),
        (403, GatedRepoError, "hf_x", r"is gated: accept its terms .*The account that is logged in may not read it"),
        (401, HfHubHTTPError, "hf_x", r"refused the access token .*revoked or has expired"),
        (404, RepositoryNotFoundError, None, r"The hub has no model"),
    ],
)
def test_what_the_hub_refuses_is_told(
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    kind: type[HfHubHTTPError],
    token: str | None,
    said: str,
) -> None:
    import httpx

    asked = []

    def refused(name: str, **_: object) -> str:
        asked.append(name)
        raise kind("refused", response=httpx.Response(status, request=httpx.Request("GET", "https://hub")))

    monkeypatch.setattr("huggingface_hub.snapshot_download", refused)
    monkeypatch.setattr("huggingface_hub.get_token", lambda: token)
    name = "pyannote/speaker-diarization-community-1"
    with pytest.raises(MissingModel, match=said) as caught:
        Pyannote.from_spec(name, CPU).diarize(NOISE)
    assert asked == [name]
    assert "hf_x" not in str(caught.value)


def test_a_folders_fingerprint_tells_weights_apart_wherever_they_differ(folder: Path, tmp_path: Path) -> None:
    own = tmp_path / "own"
    shutil.copytree(folder, own)
    weights_file = own / MODELS[0]
    size = 40 << 20
    os.truncate(weights_file, size)
    before = Pyannote.from_spec(str(own), CPU).fingerprint
    with weights_file.open("r+b") as stream:
        stream.seek(32 << 20)
        stream.write(b"trained on")
    assert weights_file.stat().st_size == size
    assert Pyannote.from_spec(str(own), CPU).fingerprint != before


def test_a_folders_fingerprint_holds_the_models_that_it_takes_from_elsewhere(
    folder: Path, tmp_path: Path, cache: Path
) -> None:
    own, other = tmp_path / "own", tmp_path / "other"
    shutil.copytree(folder, own)
    shutil.copytree(folder / "embedding", other)
    alone = Pyannote.from_spec(str(own), CPU).fingerprint
    tiny.configure(own, embedding=str(other), segmentation="somebody/segmentation")
    named = Pyannote.from_spec(str(own), CPU).fingerprint
    assert (alone.count("@"), named.count("@")) == (1, 2)
    assert "+other@" in named
    assert named.endswith("+somebody/segmentation+3")
    assert str(tmp_path) not in named
    (other / "pytorch_model.bin").write_bytes(b"another")
    assert Pyannote.from_spec(str(own), CPU).fingerprint != named


def cramped(work: Callable[..., Any], error: Exception, fits: int, tried: list[int]) -> Callable[..., Any]:
    """A network's forward where memory is too small for more than `fits` items."""

    def forward(self: Any, waveforms: Any, *rest: Any, **more: Any) -> Any:
        tried.append(len(waveforms))
        if len(waveforms) > fits:
            raise error
        return work(self, waveforms, *rest, **more)

    return forward


@pytest.mark.parametrize("network", ["PyanNet", "XVectorMFCC"])
def test_batches_too_large_for_the_memory_are_halved(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, network: str
) -> None:
    import torch
    from pyannote.audio.models.embedding import XVectorMFCC
    from pyannote.audio.models.segmentation import PyanNet

    roomy = Pyannote.from_spec(str(folder), CPU).diarize(NOISE)
    kind: Any = {"PyanNet": PyanNet, "XVectorMFCC": XVectorMFCC}[network]
    small = Pyannote.from_spec(str(folder), CPU)
    assert (small._pipeline.segmentation_batch_size, small._pipeline.embedding_batch_size) == (4, 4)
    tried: list[int] = []
    full = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING, "dubkit.backends"):
        patch.setattr(kind, "forward", cramped(kind.forward, full, 1, tried))
        found = small.diarize(NOISE)
    assert found.turns == roomy.turns
    assert [n for n in tried if n > 1] == [4, 2]
    assert (small._pipeline.segmentation_batch_size, small._pipeline.embedding_batch_size) == (1, 1)
    assert [r.getMessage().rpartition(": ")[2] for r in caplog.records] == ["going on with 2", "going on with 1"]
    tried.clear()
    with monkeypatch.context() as patch:
        patch.setattr(kind, "forward", cramped(kind.forward, full, 0, tried))
        with pytest.raises(OutOfMemory, match=f"too small for pyannote:{folder}"):
            small.diarize(NOISE)
    assert set(tried) == {1}


def test_an_error_that_is_not_about_memory_is_not_hidden(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pyannote.audio.models.segmentation import PyanNet

    local = Pyannote.from_spec(str(folder), CPU)
    assert local._pipeline is not None
    monkeypatch.setattr(PyanNet, "forward", cramped(PyanNet.forward, RuntimeError("size mismatch"), 0, []))
    with pytest.raises(RuntimeError, match="size mismatch"):
        local.diarize(NOISE)


def test_models_that_the_memory_has_no_room_for_are_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch
    from pyannote.audio import Pipeline

    def full(self: Pipeline, place: torch.device) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(Pipeline, "to", full)
    for spec in ("packaged", str(folder)):
        with pytest.raises(OutOfMemory, match=f"This machine.s memory is too small for pyannote:{spec}"):
            Pyannote.from_spec(spec, CPU).diarize(NOISE)


@pytest.mark.parametrize(("asked", "used"), [(2, 4), (16, 16)])
def test_a_gpu_gets_the_batches_asked_for_but_no_smaller_than_the_pipelines_own(
    folder: Path, asked: int, used: int
) -> None:
    local = Pyannote.from_spec(str(folder), Compute(batch_size=asked))
    pipeline = local._from_elsewhere()
    local._widen(pipeline)
    assert (pipeline.segmentation_batch_size, pipeline.embedding_batch_size) == (used, used)


def test_a_gpu_has_one_batch_at_once(diarizer: Pyannote, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    pipeline = diarizer._pipeline
    threads: list[object] = []
    infer = pipeline._segmentation.infer

    def watched(chunks: Any) -> Any:
        threads.append(threading.get_ident())
        return infer(chunks)

    def embed(*_: object) -> dict[tuple[int, int], np.ndarray]:
        threads.append(torch.get_num_threads())
        return {}

    card = SimpleNamespace(
        device=torch.device("cuda"), dimension=4, embed=embed, spectrum=lambda waveform: torch.zeros(2100, 80)
    )
    monkeypatch.setattr(pipeline._segmentation, "infer", watched)
    monkeypatch.setattr(pipeline, "_embedding", card)
    torch.set_num_threads(2)
    file = {"waveform": torch.from_numpy(np.tile(NOISE, 4))[None], "sample_rate": RATE}
    active = pipeline.get_segmentations(file)
    pipeline.get_embeddings(file, active)
    assert threads == [threading.get_ident()] * 2 + [1], "two batches of eight chunks, then the voices"
    assert torch.get_num_threads() == 2

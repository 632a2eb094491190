import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from speech_sounds import RATE

from dubkit.backends import weights
from dubkit.backends.protocols import Backend, Compute, Diarization
from dubkit.backends.pyannote import Pyannote, levelled
from dubkit.errors import BadInput, MissingModel

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


@pytest.mark.parametrize(("limits", "n"), [({"n_speakers": 1}, 1), ({"max_speakers": 1}, 1), ({"n_speakers": 2}, 2)])
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
        "from dubkit.backends.pyannote import Pyannote\n"
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


def test_a_folder_without_a_pipeline(tmp_path: Path) -> None:
    empty = Pyannote.from_spec(str(tmp_path), Compute(device="cpu"))
    assert [m.present for m in empty.models()] == [False]
    assert str(tmp_path) not in empty.fingerprint
    with pytest.raises(MissingModel, match=r"cannot be loaded.*folder with config\.yaml"):
        empty.diarize(np.ones(2 * RATE, np.float32))


@pytest.mark.parametrize(("token", "said"), [(None, "HF_TOKEN is not set"), ("hf_x", "HF_TOKEN is set, but may not")])
def test_a_gated_pipeline(monkeypatch: pytest.MonkeyPatch, token: str | None, said: str) -> None:
    import httpx
    from huggingface_hub.errors import GatedRepoError
    from pyannote.audio import Pipeline

    given: list[object] = []

    def gated(*_: object, **options: object) -> None:
        given.append(options["token"])
        raise GatedRepoError("gated", response=httpx.Response(403, request=httpx.Request("GET", "https://hf.co")))

    monkeypatch.setattr(Pipeline, "from_pretrained", gated)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    if token:
        monkeypatch.setitem(os.environ, "HF_TOKEN", token)
    name = "pyannote/speaker-diarization-community-1"
    hub = Pyannote.from_spec(name, Compute(device="cpu"))
    assert hub.fingerprint.startswith(f"pyannote:{name}")
    with pytest.raises(MissingModel, match=f"{said}.*Accept its terms at https://hf.co/{name}") as caught:
        hub.diarize(np.ones(2 * RATE, np.float32))
    assert given == [token]
    assert "hf_x" not in str(caught.value)

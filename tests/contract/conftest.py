"""The back end of each test, and what it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from contract.subjects import Bench, Subject, subjects
from dubkit.backends.devices import Batches

TASKS = {"test_separators": "separator", "test_diarizers": "diarizer", "test_transcribers": "transcriber"}
TASKS |= {"test_gender_classifiers": "gender_classifier", "test_translators": "translator"}
TASKS |= {"test_synthesizers": "synthesizer"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test of a task's module runs for each of its back ends."""
    task = TASKS.get(metafunc.module.__name__.rpartition(".")[2])
    if task and "subject" in metafunc.fixturenames:
        metafunc.parametrize("subject", subjects(task), ids=str, scope="module")


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """Where back ends come from."""
    return Bench(tmp_path_factory)


@pytest.fixture(scope="module")
def backend(request: pytest.FixtureRequest, subject: Subject, bench: Bench) -> Any:
    """The subject, of the task that the module tests."""
    return bench.backend(_task(request), subject)


@pytest.fixture
def batched(
    request: pytest.FixtureRequest, subject: Subject, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    """The subject once more, in batches of three, as on a GPU; that it had such batches is seen to."""
    sizes: list[int] = []
    of = Batches.of

    def watched(self: Batches, items: Sequence[Any], work: Callable[[Sequence[Any]], Iterable[Any]]) -> Iterator[Any]:
        def noted(batch: Sequence[Any]) -> Iterable[Any]:
            sizes.append(len(batch))
            return work(batch)

        return of(self, items, noted)

    monkeypatch.setattr(Batches, "of", watched)
    monkeypatch.setattr("dubkit.backends.devices.batch_size", lambda compute: 3)
    yield bench.fresh(_task(request), subject)
    if subject.batches:
        assert max(sizes) > 1


def _task(request: pytest.FixtureRequest) -> str:
    return TASKS[request.module.__name__.rpartition(".")[2]]


@pytest.fixture
def trusting(monkeypatch: pytest.MonkeyPatch, subject: Subject) -> None:
    """Random weights are never sure: the guards against text on silence would drop all that they write."""
    if subject.tiny:
        for limit in ("UNLIKELY", "VERY_UNLIKELY"):
            monkeypatch.setattr(f"dubkit.backends.whisper.guard.{limit}", -1e9)
        monkeypatch.setattr("dubkit.backends.whisper.guard.FASTEST", 1e9)


def noise(seconds: float, rate: int = 16_000, seed: int = 0) -> np.ndarray:
    """Noise that swells."""
    n = round(seconds * rate)
    swell = np.linspace(0.02, 0.3, n)
    return (swell * np.random.default_rng(seed).standard_normal(n)).astype(np.float32).clip(-1, 1)

"""Where models run, and batches that shrink."""

import logging
from collections.abc import Sequence

import pytest
import torch

from dubkit.backends import devices
from dubkit.backends.devices import Batches
from dubkit.backends.protocols import Compute
from dubkit.errors import BadInput, OutOfMemory
from dubkit.settings import Settings


def test_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert devices.device(Compute("auto")) == "cpu"
    assert devices.batch_size(Compute("auto", batch_size=8)) == 1
    with pytest.raises(BadInput, match="'cuda:1' was asked for, but PyTorch finds no CUDA here"):
        devices.device(Compute("cuda:1"))
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    assert devices.device(Compute("auto")) == "cuda"
    assert devices.device(Compute("cuda:1")) == "cuda:1"
    assert devices.batch_size(Compute("cuda:1", batch_size=8)) == 8


def test_devices_that_are_none_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    with pytest.raises(BadInput, match="'cuda:2' was asked for, but there are 2 GPUs here, numbered from cuda:0"):
        devices.device(Compute("cuda:2"))
    for name in ("gpu", "mps", "CUDA", "cuda:x"):
        with pytest.raises(BadInput, match=r"compute\.device"):
            Settings().but({"compute.device": name})


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> Compute:
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.empty_cache", lambda: None)
    return Compute("cuda", batch_size=8)


def test_a_batch_that_does_not_fit_is_halved_and_said_so(gpu: Compute, caplog: pytest.LogCaptureFixture) -> None:
    tried: list[int] = []

    def work(batch: Sequence[int]) -> list[int]:
        tried.append(len(batch))
        if len(batch) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return [2 * n for n in batch]

    batches = Batches(gpu, "a model")
    with caplog.at_level(logging.WARNING, "dubkit.backends"):
        assert list(batches.of(range(9), work)) == [2 * n for n in range(9)]
    assert tried == [8, 4, 2, 2, 2, 2, 1]
    assert [r.getMessage().rpartition(": ")[2] for r in caplog.records] == ["going on with 4", "going on with 2"]
    tried.clear()
    assert list(batches.of([1, 2, 3], work)) == [2, 4, 6]
    assert tried == [2, 1], "what was learned stays"


def test_an_item_too_large_for_the_memory_is_an_error(gpu: Compute) -> None:
    def work(batch: Sequence[int]) -> list[int]:
        # CTranslate2 has no type of its own for it.
        raise RuntimeError("CUDA failed with error out of memory")

    with pytest.raises(OutOfMemory, match=r"memory of cuda is too small for a model\. .*compute\.device=cpu"):
        list(Batches(gpu, "a model").of([1, 2, 3], work))


def test_other_errors_pass(gpu: Compute) -> None:
    def work(batch: Sequence[int]) -> list[int]:
        raise RuntimeError("device-side assert triggered")

    with pytest.raises(RuntimeError, match="device-side assert"):
        list(Batches(gpu, "a model").of([1, 2, 3], work))


def test_what_is_ready_comes_before_the_next_batch_is_begun() -> None:
    begun: list[int] = []

    def work(batch: Sequence[int]) -> list[int]:
        begun.extend(batch)
        return list(batch)

    results = Batches(Compute("cpu"), "a model").of([1, 2, 3], work)
    assert (next(results), begun) == (1, [1])


class Model:
    """Fits only once others are gone."""

    def __init__(self, fits_at: int) -> None:
        self.tries = 0
        self.fits_at = fits_at

    def to(self, place: str) -> str:
        self.tries += 1
        if self.tries < self.fits_at:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return place


def test_other_models_make_room_for_one_that_does_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    dropped: list[bool] = []
    monkeypatch.setattr("dubkit.backends.registry.release", lambda idle: dropped.append(idle))
    assert devices.placed(Model(fits_at=1), "cuda", "a model") == "cuda"
    assert dropped == []
    assert devices.placed(Model(fits_at=2), "cuda", "a model") == "cuda"
    assert dropped == [True]
    with pytest.raises(OutOfMemory, match="too small for a model"):
        devices.placed(Model(fits_at=3), "cuda", "a model")


def test_a_full_machine_is_told_apart_from_a_full_gpu() -> None:
    assert "nvidia-smi" in str(devices.no_memory("a model", "cuda:1"))
    assert str(devices.no_memory("a model", "cpu")).startswith("This machine's memory is too small for a model: ")

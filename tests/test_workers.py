"""How many workers a machine holds, and how they share its cores."""

import pytest

from dubkit import workers
from dubkit.settings import Settings
from dubkit.workers import room, shared_threads


class TestRoom:
    @pytest.fixture
    def machine(self, monkeypatch):
        from dubkit.backends import devices

        def made(cores: int, gigabytes: float, device: str = "cpu") -> int:
            sizes = {"SC_AVPHYS_PAGES": int(gigabytes * 1e9 / 4096), "SC_PAGE_SIZE": 4096}
            monkeypatch.setattr(workers.os, "sched_getaffinity", lambda process: set(range(cores)))
            monkeypatch.setattr(workers.os, "sysconf", sizes.__getitem__)
            monkeypatch.setattr(devices, "device", lambda compute: device)
            return room(Settings())

        return made

    @pytest.mark.parametrize(
        ("cores", "gigabytes", "workers"), [(2, 64, 1), (16, 64, 8), (16, 10, 3), (1, 64, 1), (16, 1, 1)]
    )
    def test_a_worker_takes_two_cores_and_three_gigabytes(self, machine, cores, gigabytes, workers):
        assert machine(cores, gigabytes) == workers

    def test_a_gpu_has_one(self, machine):
        assert machine(64, 500, "cuda") == 1


def test_several_workers_share_the_cores():
    settings = Settings().but({"compute.threads": 5})
    assert shared_threads(settings, 1) == {}
    assert shared_threads(settings, 2) == {"compute.threads": 2}
    assert shared_threads(settings, 9) == {"compute.threads": 1}

"""What the API's tests share: services of several kinds, and a job that is done."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from api_served import Served, serving
from runs import OwnBackends

from dubkit.backends import registry
from dubkit.service.config import Config


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A service that asks for no key."""
    with serving(Config.at(tmp_path / "home", workers=0)) as client:
        yield client


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """``opened(**changed)``: a service that is configured in another way."""
    with contextlib.ExitStack() as stack:
        yield lambda **changed: stack.enter_context(
            serving(dataclasses.replace(Config.at(tmp_path / "other", workers=0), **changed))
        )


@pytest.fixture(scope="session")
def done(tmp_path_factory: pytest.TempPathFactory, talk: Path) -> Path:
    """The home of a service with one job, which stand-ins have done."""
    home = tmp_path_factory.mktemp("done") / "home"
    with pytest.MonkeyPatch.context() as patched, serving(Config.at(home, workers=0)) as client:
        patched.setattr(registry, "get", OwnBackends().get)
        client.work(client.submit(talk)["id"])
    return home


@pytest.fixture
def dubbed(done: Path, tmp_path: Path) -> Iterator[Served]:
    """A service with one job that is done."""
    with serving(Config.at(Path(shutil.copytree(done, tmp_path / "copy")), workers=0)) as client:
        client.job = client.get("/api/v1/jobs").json()["jobs"][0]
        yield client

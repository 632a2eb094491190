"""What many tests share: a factory of tiny films, and a stage's folder, items and report."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from builders import FILM_RATE, silence, sine, sound
from films import TONE, make_film
from runs import OwnBackends, opened

from dubkit.backends import registry
from dubkit.media import ffmpeg_program
from dubkit.progress import Event, Report
from dubkit.store import Items

# The same examples on every run: a red test means a change, not luck. HYPOTHESIS_PROFILE=default looks for new ones.
hypothesis.settings.register_profile("dubkit", derandomize=True, deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dubkit"))


@pytest.fixture
def film(tmp_path: Path) -> Callable[..., Path]:
    """``film(name, **what)`` makes a film in the test's folder; see :func:`make_film`."""
    return lambda name="film.mp4", **what: make_film(tmp_path / name, **what)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One plain film for all tests that just read it."""
    return make_film(tmp_path_factory.mktemp("tiny") / "tiny.mp4")


@pytest.fixture(scope="session")
def tone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds of a 440 Hz tone, standing in for speech where nobody listens to words."""
    target = tmp_path_factory.mktemp("tone") / "tone.wav"
    command = [ffmpeg_program(), "-v", "error", "-nostdin", "-f", "lavfi", "-i", f"{TONE}:duration=4", str(target)]
    subprocess.run(command, check=True, capture_output=True)
    return target


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a stage may write."""
    made = tmp_path / "stage"
    made.mkdir()
    return made


@pytest.fixture
def items(tmp_path: Path) -> Items:
    """The finished parts of a stage; none at first."""
    return Items(tmp_path / "items")


@pytest.fixture
def events() -> list[Event]:
    """What :func:`report` was told."""
    return []


@pytest.fixture
def report(events: list[Event]) -> Report:
    """A stage's report that fills :func:`events`."""
    return Report("stage", (events.append,))


@pytest.fixture(scope="session")
def talking_head() -> Path:
    """The real talking video, built where it is not there yet."""
    from data.samples import built

    return built("talking-head").video


@pytest.fixture(scope="session")
def speech(tmp_path_factory: pytest.TempPathFactory, talking_head: Path) -> Path:
    """Real speech as a sound file: the talking head's."""
    target = tmp_path_factory.mktemp("speech") / "speech.wav"
    command = [ffmpeg_program(), "-v", "error", "-nostdin", "-i", f"file:{talking_head}", "-vn", str(target)]
    subprocess.run(command, check=True, capture_output=True)
    return target


@pytest.fixture(scope="session")
def shared_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One store for all tests that dub real films: what one has made, the others reuse.

    Whoever runs a few of them again and again may keep it, in the folder that ``DUBKIT_TEST_STORE`` names.
    """
    kept = os.environ.get("DUBKIT_TEST_STORE")
    return Path(kept) if kept else tmp_path_factory.mktemp("shared") / "store"


@pytest.fixture(scope="session")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of six seconds: a low voice, a high one, the low one again."""
    folder = tmp_path_factory.mktemp("talk")
    low, high, pause = sine(1.5, hz=200), sine(1.5, hz=500), silence(0.5)
    heard = sound(folder / "talk.flac", np.concatenate([pause, low, pause, high, pause, low[:FILM_RATE], pause]))
    return make_film(folder / "talk.mp4", seconds=6, fps=10, size="64x48", sound=heard.path)


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """The address of an S3 server of this machine."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def backends(monkeypatch: pytest.MonkeyPatch) -> OwnBackends:
    """Stand-ins for every model, in place of the registry's."""
    own = OwnBackends()
    monkeypatch.setattr(registry, "get", own.get)
    return own


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, talk: Path) -> Path:
    """A store that holds the film's whole run into Portuguese, for tests that change nothing in it."""
    store = tmp_path_factory.mktemp("finished") / "store"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(registry, "get", OwnBackends().get)
        opened(talk, store).until("combine")
    return store


@pytest.fixture
def store(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished store."""
    return Path(shutil.copytree(finished, tmp_path / "store"))


# For a module and no longer: as long as it is there, this thread has a running event loop, which others' tests cannot start anew.
@pytest.fixture(scope="module")
def chromium():
    """The system's Chromium, for tests of the page; they are skipped where there is none."""
    sync_api = pytest.importorskip("playwright.sync_api")
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("chromium is not installed (Debian package chromium)")
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync"]
    quiet += ["--disable-component-update", "--autoplay-policy=no-user-gesture-required"]
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=quiet)
        yield browser
        browser.close()

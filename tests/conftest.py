"""What many tests share: a factory of tiny films, and a stage's folder, items and report."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import hypothesis
import pytest

from dubkit.media import ffmpeg_program
from dubkit.progress import Event, Report
from dubkit.store import Items

# The same examples on every run: a red test means a change, not luck. HYPOTHESIS_PROFILE=default looks for new ones.
hypothesis.settings.register_profile("dubkit", derandomize=True, deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dubkit"))

TONE = "sine=frequency=440:sample_rate=48000"
QUICK = {"libx264": ["-preset", "ultrafast"], "libvpx": ["-deadline", "realtime", "-cpu-used", "8"]}


def make_film(
    target: Path,
    *,
    seconds: float = 2.0,
    fps: int = 25,
    size: str = "160x120",
    sound: str | Path = TONE,
    picture_codec: str = "libx264",
    sound_codec: str = "aac",
    options: Sequence[str] = (),
) -> Path:
    """A moving test picture with a sound, encoded by ffmpeg; the name's ending names the container.

    `sound` is a sound file as long as the film, or an ffmpeg source.
    """
    command = [ffmpeg_program(), "-v", "error", "-nostdin", "-y"]
    command += ["-f", "lavfi", "-i", f"testsrc=size={size}:rate={fps}:duration={seconds}"]
    source = ["-i", str(sound)] if isinstance(sound, Path) else ["-f", "lavfi", "-i", f"{sound}:duration={seconds}"]
    command += [*source, "-map", "0:v", "-map", "1:a", "-c:v", picture_codec, "-c:a", sound_codec, "-pix_fmt", "yuv420p"]
    command += QUICK.get(picture_codec, [])
    subprocess.run([*command, *options, f"file:{target}"], check=True, capture_output=True)
    return target


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
    """One store for all tests that dub the talking head: what one has made, the others reuse."""
    return tmp_path_factory.mktemp("shared") / "store"

"""Films of strangers are looked into where they can harm nothing: crashes, hangs and hunger end that process alone."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import odd_videos
import pytest

from dubkit.errors import BadInput
from dubkit.service.config import Config
from dubkit.service.films import inspection
from dubkit.service.films.inspection import Inspector, TooLong


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inspector]:
    inspector = Inspector(Config.at(tmp_path_factory.mktemp("home")))
    yield inspector
    inspector.close()


def crash(path: Path) -> None:
    """Dies as libraries in C do."""
    os.abort()


def hang(path: Path) -> None:
    """Never comes to an end."""
    time.sleep(1000)


def feast(path: Path) -> None:
    """Wants more memory than anybody has."""
    bytearray(2**40)


def stumble(path: Path) -> None:
    """Fails in a way that nobody thought of."""
    raise ZeroDivisionError("integer division by zero")


def imported(path: Path) -> list[str]:
    """What such a process has loaded."""
    import dubkit.media

    assert dubkit.media.probe(path).duration
    return [name for name in ("torch", "transformers", "fastapi", "gradio") if name in sys.modules]


def test_it_tells_what_is_in_a_film(shared: Inspector, tiny: Path) -> None:
    media = shared.inspect(tiny)
    assert media.container == "mov"
    assert media.duration == pytest.approx(2.0, abs=0.1)


def test_its_processes_stay(shared: Inspector, tiny: Path) -> None:
    def processes() -> set[int]:
        return set(shared._pool._pool_manager.worker_manager.workers)

    shared.inspect(tiny)
    before = processes()
    for _ in range(5):
        shared.inspect(tiny)
    assert processes() == before


def test_its_processes_load_no_models(shared: Inspector, tiny: Path) -> None:
    assert shared._pool.schedule(imported, args=[tiny]).result() == []


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("not_a_video", "'Holiday.mp4' is not a video that dubkit can read"),
        ("zero_bytes", "'Holiday.mp4' is not a video"),
        ("truncated", "'Holiday.mp4' looks like MP4 or MOV but cannot be read: it is damaged"),
        ("truncated_after_index", "'Holiday.mp4' is cut short"),
        ("picture_as_video", "'Holiday.mp4' is not a video"),
        ("no_audio", "'Holiday.mp4' has no sound"),
        ("no_picture", "'Holiday.mp4' has no picture"),
    ],
)
def test_bad_films_are_refused_by_their_own_name(
    shared: Inspector, speech: Path, tmp_path: Path, kind: str, message: str
) -> None:
    film = getattr(odd_videos, kind)(speech, tmp_path)
    with pytest.raises(BadInput) as told:
        shared.inspect(film, "Holiday.mp4")
    assert message in str(told.value)
    assert film.name not in str(told.value)
    assert str(tmp_path) not in str(told.value)


def test_a_film_may_be_too_long(tmp_path: Path, tiny: Path) -> None:
    inspector = Inspector(Config.at(tmp_path, max_seconds=0.6))
    with pytest.raises(TooLong, match=r"'a\.mp4' plays for 0\.0 minutes; up to 0\.01 are taken"):
        inspector.inspect(tiny, "a.mp4")
    inspector.close()


@pytest.mark.parametrize(
    ("look", "message"),
    [
        (crash, "'a.mp4' cannot be read: it is damaged"),
        (feast, "'a.mp4' cannot be read"),
        (stumble, "'a.mp4' cannot be read"),
    ],
)
def test_a_film_that_brings_a_process_down_harms_no_other(
    shared: Inspector, tiny: Path, monkeypatch: pytest.MonkeyPatch, look: Callable[[Path], None], message: str
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(inspection, "_look", look)
        for _ in range(3):
            with pytest.raises(BadInput, match=message):
                shared.inspect(tiny, "a.mp4")
    assert shared.inspect(tiny).duration == pytest.approx(2.0, abs=0.1)


def test_a_film_that_takes_for_ever_is_given_up(tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inspector = Inspector(Config.at(tmp_path), most_seconds=0.5)
    with monkeypatch.context() as patched:
        patched.setattr(inspection, "_look", hang)
        with pytest.raises(BadInput, match=r"'a.mp4' could not be read within 0 s"):
            inspector.inspect(tiny, "a.mp4")
    inspector._most_seconds = 30
    assert inspector.inspect(tiny).duration == pytest.approx(2.0, abs=0.1)
    inspector.close()


def test_many_at_once_wait_their_turn(shared: Inspector, tiny: Path, speech: Path, tmp_path: Path) -> None:
    bad = odd_videos.truncated(speech, tmp_path)

    def seen(n: int) -> bool:
        try:
            return bool(shared.inspect(bad if n % 2 else tiny).duration)
        except BadInput:
            return False

    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(seen, range(40))) == [True, False] * 20


def test_its_processes_end_with_a_server_that_is_killed(tmp_path: Path, tiny: Path) -> None:
    script = tmp_path / "server.py"
    script.write_text(
        "import sys, time\nfrom pathlib import Path\nfrom dubkit.service.config import Config\n"
        "from dubkit.service.films.inspection import Inspector\n"
        "if __name__ == '__main__':\n"
        "    inspector = Inspector(Config.at(Path(sys.argv[1])))\n    inspector.inspect(Path(sys.argv[2]))\n"
        "    print(*inspector._pool._pool_manager.worker_manager.workers, flush=True)\n    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, script, tmp_path, tiny], stdout=subprocess.PIPE) as server:
        assert server.stdout
        processes = [int(word) for word in server.stdout.readline().split()]
        server.kill()
    assert len(processes) == inspection.PROCESSES
    over = threading.Event()
    for _ in range(200):
        if not any(
            Path(f"/proc/{process}/cmdline").exists() and Path(f"/proc/{process}/cmdline").read_bytes()
            for process in processes
        ):
            over.set()
            break
        time.sleep(0.05)
    assert over.is_set()

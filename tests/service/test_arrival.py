"""Films that come in: what is refused, when, and that nothing of it is left."""

from __future__ import annotations

import hashlib
import resource
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dubkit.errors import BadInput, OutOfSpace
from dubkit.service.config import Config
from dubkit.service.films import arrival
from dubkit.service.films.arrival import (
    ENDINGS,
    FORM_BYTES,
    LONGEST_NAME,
    Arrival,
    Empty,
    NoRoom,
    NotAFilm,
    TooLarge,
    cleaned_name,
    sweep,
)

MP4 = b"\0\0\0\x20ftypisom" + bytes(1000)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config.at(tmp_path, max_bytes=100_000)


@pytest.fixture(autouse=True)
def _nothing_left(config: Config) -> Iterator[None]:
    yield
    assert left(config) == []


def left(config: Config) -> list[Path]:
    return [path for path in config.home.rglob("*") if path.is_file()]


@pytest.mark.parametrize("size", [1, 5, 11, 12, 1012])
def test_a_film_arrives_in_pieces_of_any_size(config: Config, size: int) -> None:
    coming = Arrival(config, "Holiday.MP4", len(MP4))
    for start in range(0, len(MP4), size):
        coming.write(MP4[start : start + size])
    film = coming.close()
    assert (film.name, film.n_bytes, film.sha256) == ("Holiday.MP4", len(MP4), hashlib.sha256(MP4).hexdigest())
    assert film.path.read_bytes() == MP4
    assert film.path.parent == config.home / "incoming"
    assert film.path.stat().st_mode & 0o777 == 0o600
    assert "Holiday" not in str(film.path), "no name of a stranger is part of a path"
    film.discard()
    film.discard()


@pytest.mark.parametrize(
    ("head", "is_film"),
    [
        (b"\0\0\0\x20ftypisom", True),
        (b"\0\0\0\x08wide\0\0\0\0", True),
        (b"RIFF\0\0\0\0AVI ", True),
        (b"\x1aE\xdf\xa3" + bytes(8), True),
        (b"RIFF\0\0\0\0WAVE", False),
        (b"ID3\x03" + bytes(8), False),
        (b"\x7fELF" + bytes(8), False),
        (b"<html><script>", False),
        (b"Dear diary, this is no film", False),
        (bytes(100), False),
    ],
)
def test_the_first_bytes_decide(config: Config, head: bytes, is_film: bool) -> None:
    coming = Arrival(config, "film.mp4")
    if is_film:
        coming.write(head)
        coming.discard()
        return
    coming.write(head[:11])
    with pytest.raises(NotAFilm, match=r"'film.mp4' is not a film that dubkit can read: its content is none of MP4"):
        coming.write(head[11:])
    assert left(config) == []


@pytest.mark.parametrize("name", ["film", "film.txt", "film.mp4.exe", "film.mp3", "mp4", "", "film.mp4\0.php"])
def test_the_ending_must_be_a_films(config: Config, name: str) -> None:
    with pytest.raises(NotAFilm, match=r"its name must end in one of \.mp4, \.m4v"):
        Arrival(config, name)


@pytest.mark.parametrize("ending", ENDINGS)
def test_each_ending_is_taken_in_any_case(config: Config, ending: str) -> None:
    Arrival(config, f"a{ending.upper()}").discard()


def test_what_is_too_large_is_refused_as_soon_as_that_is_known(config: Config) -> None:
    with pytest.raises(TooLarge, match=r"'a.mp4' is too large: up to 0\.1 MB are taken"):
        Arrival(config, "a.mp4", 100_001 + FORM_BYTES)
    coming = Arrival(config, "a.mp4", 100_000 + FORM_BYTES)
    coming.write(MP4)
    coming.write(bytes(100_000 - len(MP4)))
    with pytest.raises(TooLarge):
        coming.write(b"\0")
    assert left(config) == []


def test_nothing_is_no_film(config: Config) -> None:
    with pytest.raises(Empty, match=r"'a.mp4' is empty \(0 bytes\)"):
        Arrival(config, "a.mp4", 0).close()
    short = Arrival(config, "a.mp4")
    short.write(MP4[:11])
    with pytest.raises(NotAFilm):
        short.close()


def test_films_leave_room_for_everything_else(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    coming = Arrival(config, "a.mp4")
    monkeypatch.setattr(arrival, "RESERVE", 10**18)
    with pytest.raises(NoRoom, match="no room for this film"):
        Arrival(config, "a.mp4", 1000)
    with pytest.raises(NoRoom):
        coming.write(MP4)
    assert left(config) == []


def test_a_disk_that_is_full_in_the_middle(config: Config) -> None:
    """A limit on file size stands in for the full disk: writing fails in the same way."""
    coming = Arrival(config, "a.mp4")
    coming.write(MP4)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    try:
        with pytest.raises(OutOfSpace) as told:
            coming.write(bytes(90_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert str(told.value) == "The server's disk is full. Try again later."
    assert left(config) == []


def test_what_a_killed_server_left_is_swept_and_what_is_coming_in_is_not(config: Config) -> None:
    code = (
        "import sys, time; from pathlib import Path; from dubkit.service.films.arrival import Arrival; "
        "from dubkit.service.config import Config; "
        "films = [Arrival(Config.at(Path(sys.argv[1])), 'a.mp4') for _ in range(2)]; "
        "films[0].write(bytes.fromhex(sys.argv[2])); kept = films[0].close(); print('here', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", code, str(config.home), MP4.hex()]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as server:
        assert server.stdout
        assert server.stdout.readline() == b"here\n"
        assert sweep(config) == 0
        assert len(left(config)) == 2
        server.kill()
    own = Arrival(config, "a.mp4")
    assert sweep(config) == 2
    assert left(config) == [own.path]
    own.discard()
    assert sweep(config) == 0


NAMES = {
    "../../etc/passwd": "passwd",
    "..\\..\\Windows\\film.mp4": "film.mp4",
    "/": "film",
    "..": "film",
    ".mp4": "film.mp4",
    " . .mp4": "film.mp4",
    "": "film",
    "nul\0byte.mp4": "nulbyte.mp4",
    "two\nlines\r\n.mp4": "two lines.mp4",
    "gpj\u202e4pm.mp4": "gpj4pm.mp4",
    "CON.mp4": "_CON.mp4",
    "com1.tar.mp4": "_com1.tar.mp4",
    "console.mp4": "console.mp4",
    "<script>alert(1)</script>.mp4": "script_.mp4",
    "\"quoted\" & 'so' 100%.mp4": "_quoted_ & 'so' 100%.mp4",
    "cafe\u0301 日本語 👨\u200d👩\u200d👧.mp4": "caf\u00e9 日本語 👨\u200d👩\u200d👧.mp4",
    "\ud800.mp4": "film.mp4",
    "holiday 3.5 years.mp4": "holiday 3.5 years.mp4",
    "x" * 5000 + ".mp4": "x" * 115 + ".mp4",
    "x.mp4" + "y" * 5000: "x.mp4" + "y" * 114,
    "🎬" * 100 + ".webm": "🎬" * 50 + ".webm",
}


@pytest.mark.parametrize("name", NAMES)
def test_names_are_made_safe_to_show_and_to_save(name: str) -> None:
    assert cleaned_name(name) == NAMES[name]


@given(st.text() | st.text(alphabet="./\\ _\u0301\u202e\u200dacon🎬\0:\n", max_size=300))
def test_any_name_becomes_a_good_one(name: str) -> None:
    cleaned = cleaned_name(name)
    assert 0 < len(cleaned) <= LONGEST_NAME
    assert len(cleaned.encode()) <= 230
    assert not set(cleaned) & set('/\\<>:"|?*\0\n\r\t')
    assert not [c for c in cleaned if unicodedata.category(c)[0] == "C" and c not in "\u200c\u200d"]
    assert cleaned == cleaned.strip()
    assert cleaned not in (".", "..")
    assert cleaned_name(cleaned) == cleaned


def test_each_reason_is_an_input_that_can_be_mended() -> None:
    assert all(issubclass(kind, BadInput) for kind in (TooLarge, NotAFilm, Empty))
    assert issubclass(NoRoom, OutOfSpace)

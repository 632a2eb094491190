"""Uploads in pieces: exact offsets, one sender at a time, nothing lost by a kill and nothing kept of bad bytes."""

from __future__ import annotations

import base64
import hashlib
import os
import resource
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dubkit.errors import BadInput, OutOfSpace
from dubkit.service.config import Config
from dubkit.service.films import arrival, sending, uploads
from dubkit.service.films.arrival import Empty, NoRoom, NotAFilm, TooLarge
from dubkit.service.films.sending import BadChecksum, Busy, read_metadata, written_metadata
from dubkit.service.films.uploads import KEEP, NoSuchUpload, TooManyOpen, Unfinished, Upload, Uploads, WrongOffset
from dubkit.service.storage import storage

MP4 = b"\0\0\0\x20ftypisom" + bytes(range(256)) * 4
NAME = {"filename": "Holiday.mp4"}


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config.at(tmp_path, max_bytes=100_000)


@pytest.fixture
def kept(config: Config) -> Uploads:
    return Uploads(config)


def checksum(content: bytes, algorithm: str = "sha1") -> str:
    return f"{algorithm} {base64.b64encode(hashlib.new(algorithm, content).digest()).decode()}"


def files(config: Config) -> list[str]:
    return sorted(p.name for p in (config.home / "uploads").rglob("*") if p.is_file())


def begun(kept: Uploads, sent: bytes = b"") -> Upload:
    upload = kept.create("anna", len(MP4), NAME)
    return kept.append(upload.id, "anna", 0, [sent]) if sent else upload


def test_a_film_comes_in_pieces_and_is_used_up(kept: Uploads, config: Config) -> None:
    upload = kept.create("anna", len(MP4), {**NAME, "note": "é"})
    assert (upload.name, upload.length, upload.offset, upload.metadata["note"]) == ("Holiday.mp4", len(MP4), 0, "é")
    assert not upload.is_whole
    for start in range(0, len(MP4), 100):
        assert kept.find(upload.id, "anna").offset == start
        upload = kept.append(upload.id, "anna", start, [MP4[start : start + 60], MP4[start + 60 : start + 100]])
    assert upload.is_whole
    film = kept.finish(upload.id, "anna")
    assert (film.name, film.n_bytes, film.sha256) == ("Holiday.mp4", len(MP4), hashlib.sha256(MP4).hexdigest())
    home = storage(str(config.home / "files"))
    home.keep(film.path, "films/7/film.mp4")
    film.discard()
    with home.local("films/7/film.mp4") as path:
        assert path.read_bytes() == MP4
    kept.delete(upload.id, "anna")
    assert files(config) == []


@given(st.lists(st.integers(0, 400), max_size=8))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_pieces_of_any_size_make_the_same_film(kept: Uploads, sizes: list[int]) -> None:
    upload, offset = begun(kept), 0
    for size in [*sizes, len(MP4)]:
        piece = MP4[offset : offset + size]
        offset += len(piece)
        assert kept.append(upload.id, "anna", offset - len(piece), [piece]).offset == offset
    film = kept.finish(upload.id, "anna")
    assert film.sha256 == hashlib.sha256(MP4).hexdigest()
    film.discard()


@pytest.mark.parametrize(
    ("length", "name", "kind"),
    [
        (0, "a.mp4", Empty),
        (-1, "a.mp4", Empty),
        (100_001, "a.mp4", TooLarge),
        (100, "a.txt", NotAFilm),
        (100, "", NotAFilm),
    ],
)
def test_what_cannot_be_taken_is_refused_before_it_comes(
    kept: Uploads, config: Config, length: int, name: str, kind: type[BadInput]
) -> None:
    with pytest.raises(kind):
        kept.create("anna", length, {"filename": name})
    assert files(config) == []


def test_a_film_for_which_there_is_no_room_is_refused_before_it_comes(
    kept: Uploads, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrival, "RESERVE", 10**18)
    with pytest.raises(NoRoom):
        begun(kept)
    assert files(config) == []


def test_a_disk_that_is_full_at_the_beginning(kept: Uploads, config: Config) -> None:
    (config.home / "uploads").mkdir()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        with pytest.raises(OutOfSpace, match="cannot be written"):
            begun(kept)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list((config.home / "uploads").iterdir()) == []


def test_a_sender_may_not_tell_novels(kept: Uploads) -> None:
    with pytest.raises(BadInput, match="Too much is said about this upload"):
        kept.create("anna", 100, {**NAME, "note": "x" * 5000})


@pytest.mark.parametrize("offset", [0, 99, 101, -1, 10**12])
def test_bytes_for_another_place_are_refused(kept: Uploads, offset: int) -> None:
    upload = begun(kept, MP4[:100])
    with pytest.raises(WrongOffset, match=f"The upload is at byte 100, not {offset}"):
        kept.append(upload.id, "anna", offset, [MP4[100:]])
    assert kept.append(upload.id, "anna", 100, [MP4[100:]]).is_whole


def test_no_more_is_taken_than_was_announced(kept: Uploads) -> None:
    upload = begun(kept)
    with pytest.raises(TooLarge, match=f"More bytes came than the {len(MP4)} that were announced"):
        kept.append(upload.id, "anna", 0, [MP4, b"\0"])
    assert kept.find(upload.id, "anna").is_whole, "what was announced may stay"


@pytest.mark.parametrize("sizes", [[20], [5, 15], [11, 1, 8]])
def test_of_what_is_no_film_nothing_is_left(kept: Uploads, config: Config, sizes: list[int]) -> None:
    upload, offset = begun(kept), 0
    with pytest.raises(NotAFilm):
        for size in sizes:
            kept.append(upload.id, "anna", offset, [b"x" * size])
            offset += size
    assert files(config) == []
    with pytest.raises(NoSuchUpload):
        kept.find(upload.id, "anna")


def test_what_is_too_short_for_a_film_is_none(kept: Uploads, config: Config) -> None:
    upload = kept.create("anna", 5, NAME)
    with pytest.raises(NotAFilm):
        kept.append(upload.id, "anna", 0, [MP4[:5]])
    assert files(config) == []


def test_nobody_else_gets_at_it(kept: Uploads) -> None:
    upload = begun(kept, MP4[:100])
    attempts: list[Any] = [
        lambda id: kept.find(id, "bert"),
        lambda id: kept.append(id, "bert", 100, [MP4[100:]]),
        lambda id: kept.finish(id, "bert"),
        lambda id: kept.delete(id, "bert"),
    ]
    for attempt in attempts:
        for id in (upload.id, "0" * 32, "../../etc/passwd", "", "x\n", upload.id + "\n", upload.id + "/bytes"):
            with pytest.raises(NoSuchUpload, match="There is no upload"):
                attempt(id)
    assert kept.find(upload.id, "anna").offset == 100


def test_two_cannot_send_at_once(kept: Uploads, config: Config) -> None:
    upload = begun(kept)
    sender = kept.sender(upload.id, "anna", 0)
    sender.write(MP4[:50])
    for other in (kept, Uploads(config)):
        with pytest.raises(Busy):
            other.sender(upload.id, "anna", 50)
        assert other.find(upload.id, "anna").offset == 50, "how far it is may be asked"
    sender.close()
    sender.close()
    with pytest.raises(Busy, match="taken over by another sender, or removed"):
        sender.write(MP4[50:])
    assert kept.append(upload.id, "anna", 50, [MP4[50:]]).is_whole


def test_of_many_at_once_one_gets_through(kept: Uploads) -> None:
    upload, start = begun(kept), threading.Barrier(8)

    def send(n: int) -> int:
        start.wait()
        try:
            return kept.append(upload.id, "anna", 0, (MP4[i : i + 10] for i in range(0, len(MP4), 10))).offset
        except (Busy, WrongOffset):
            return 0

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(send, range(8))) == [0] * 7 + [len(MP4)]
    film = kept.finish(upload.id, "anna")
    assert film.path.read_bytes() == MP4


def test_a_sender_who_fell_silent_is_taken_over(config: Config) -> None:
    kept = Uploads(config, silence=0.0)
    upload = begun(kept)
    lost = kept.sender(upload.id, "anna", 0)
    lost.write(MP4[:50])
    assert kept.append(upload.id, "anna", 50, [MP4[50:]]).is_whole
    with pytest.raises(Busy):
        lost.write(MP4[50:])
    with pytest.raises(Busy):
        lost.end()
    assert kept.finish(upload.id, "anna").sha256 == hashlib.sha256(MP4).hexdigest()


def test_removing_it_stops_its_sender(kept: Uploads, config: Config) -> None:
    upload = begun(kept)
    sender = kept.sender(upload.id, "anna", 0)
    kept.delete(upload.id, "anna")
    with pytest.raises(Busy, match="removed"):
        sender.write(MP4)
    assert files(config) == []


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_bytes_are_compared_with_their_checksum(kept: Uploads, config: Config, algorithm: str) -> None:
    upload = begun(kept, MP4[:100])
    for wrong in (MP4[100:250], MP4[101:200] + b"\xff"):
        with pytest.raises(BadChecksum, match="not those that the checksum is of"):
            kept.append(upload.id, "anna", 100, [wrong], checksum(MP4[100:200], algorithm))
        assert kept.find(upload.id, "anna").offset == 100
        assert (config.home / "uploads" / upload.id / "bytes").read_bytes() == MP4[:100]
    assert (
        kept.append(upload.id, "anna", 100, [MP4[100:150], MP4[150:200]], checksum(MP4[100:200], algorithm)).offset
        == 200
    )
    assert files(config) == ["bytes", "upload.json"]


def test_of_a_piece_with_a_checksum_all_stays_or_nothing(kept: Uploads) -> None:
    upload = begun(kept, MP4[:100])
    sender = kept.sender(upload.id, "anna", 100, checksum(MP4[100:200]))
    sender.write(MP4[100:150])
    assert kept.find(upload.id, "anna").offset == 100
    sender.close()
    assert kept.append(upload.id, "anna", 100, [MP4[100:]]).is_whole


@pytest.mark.parametrize(
    "text",
    ["md5 " + "A" * 22 + "==", "sha1", "sha1 ", "sha1 !!!", checksum(b"", "sha256").replace("256", "1"), "sha1  x"],
)
def test_a_checksum_that_cannot_be_read_is_told(kept: Uploads, text: str) -> None:
    upload = begun(kept)
    with pytest.raises(BadInput, match="A checksum is one of sha1, sha256"):
        kept.append(upload.id, "anna", 0, [MP4], text)
    assert kept.find(upload.id, "anna").offset == 0


@pytest.mark.parametrize(("said", "offset"), [("", 300), (checksum(MP4[100:]), 100)], ids=["plain", "with a checksum"])
def test_a_killed_server_loses_nothing_that_came(kept: Uploads, config: Config, said: str, offset: int) -> None:
    upload = begun(kept, MP4[:100])
    code = (
        "import sys, time; from pathlib import Path; from dubkit.service.config import Config; "
        "from dubkit.service.films.uploads import Uploads; home, id, sent, said = sys.argv[1:]; "
        "sender = Uploads(Config.at(Path(home))).sender(id, 'anna', 100, said); "
        "sender.write(bytes.fromhex(sent)); print('here', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", code, str(config.home), upload.id, MP4[100:300].hex(), said]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as server:
        assert server.stdout
        assert server.stdout.readline() == b"here\n"
        with pytest.raises(Busy):
            kept.sender(upload.id, "anna", offset)
        server.kill()
    assert kept.find(upload.id, "anna").offset == offset
    assert arrival.sweep(config) == 0
    assert kept.append(upload.id, "anna", offset, [MP4[offset:]]).is_whole
    assert kept.finish(upload.id, "anna").sha256 == hashlib.sha256(MP4).hexdigest()


def test_a_full_disk_keeps_what_fitted(kept: Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = begun(kept)

    def fill(stream: Any, chunk: bytes) -> None:
        stream.write(chunk[:30])
        raise OutOfSpace("The server's disk is full. Try again later.")

    with monkeypatch.context() as patched:
        patched.setattr(sending, "write_all", fill)
        with pytest.raises(OutOfSpace):
            kept.append(upload.id, "anna", 0, [MP4])
    assert kept.append(upload.id, "anna", 30, [MP4[30:]]).is_whole
    assert kept.finish(upload.id, "anna").sha256 == hashlib.sha256(MP4).hexdigest()


def test_a_film_is_made_one_job_and_only_when_it_is_whole(kept: Uploads) -> None:
    upload = begun(kept, MP4[:100])
    with pytest.raises(Unfinished, match=f"Of {len(MP4)} bytes 100 have come"):
        kept.finish(upload.id, "anna")
    kept.append(upload.id, "anna", 100, [MP4[100:]])
    film = kept.finish(upload.id, "anna")
    with pytest.raises(Busy):
        kept.finish(upload.id, "anna")
    film.discard()
    with pytest.raises(NoSuchUpload):
        kept.finish(upload.id, "anna")


def test_what_nobody_goes_on_with_ends(kept: Uploads, config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    old, young, used = begun(kept, MP4[:100]), begun(kept, MP4[:100]), begun(kept, MP4)
    kept.finish(used.id, "anna").discard()
    before = time.time() - KEEP - 10
    for path in (config.home / "uploads" / old.id / "bytes", config.home / "uploads" / used.id):
        os.utime(path, (before, before))
    assert kept.find(young.id, "anna").expires == pytest.approx(time.time() + KEEP, abs=60)
    with pytest.raises(NoSuchUpload):
        kept.find(old.id, "anna")
    assert kept.expire() == 2
    assert [p.name for p in (config.home / "uploads").iterdir()] == [young.id]
    assert Uploads(Config.at(config.home / "none")).expire() == 0
    now = time.time()
    monkeypatch.setattr(uploads.time, "time", lambda: now + KEEP + 10)
    assert kept.expire() == 1


def test_what_is_said_about_an_upload_goes_there_and_back() -> None:
    text = "filename d29ybGQucGRm,is_confidential, note w6k="
    assert read_metadata(text) == {"filename": "world.pdf", "is_confidential": "", "note": "é"}
    assert read_metadata(written_metadata(read_metadata(text))) == read_metadata(text)
    assert read_metadata("") == {}
    assert read_metadata("name /w==") == {"name": "\ufffd"}
    for wrong in ("filename !", "a YQ==,a YQ==", ",", "é YQ==", "a YQ== b"):
        with pytest.raises(BadInput, match="metadata of an upload"):
            read_metadata(wrong)


def test_an_owner_begins_only_so_many_at_a_time(kept: Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dubkit.service.films.uploads.MOST_OPEN", 2)
    first = begun(kept)
    begun(kept)
    with pytest.raises(TooManyOpen, match="2 of your uploads are unfinished"):
        begun(kept)
    assert kept.create("ben", len(MP4), {"filename": "a.mp4"}).owner == "ben"
    kept.delete(first.id, "anna")
    begun(kept)

"""S3 against a server that checks signatures, keeps what it has on disk, and goes away in the middle."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import servers

from dubkit.errors import BadInput
from dubkit.service.s3 import PART, S3
from dubkit.service.storage import storage

CONTENT = bytes(range(256)) * 40


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.S3]:
    with servers.s3(tmp_path_factory.mktemp("s3")) as running:
        yield running


@pytest.fixture
def films(server: servers.S3, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> S3:
    for name in [n for n in os.environ if n.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "dubkit")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "kept-secret-too")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.url)
    kept = storage(f"s3://{server.bucket}/of/anna")
    assert isinstance(kept, S3)
    (tmp_path / "in").write_bytes(CONTENT)
    kept.upload(tmp_path / "in", "a.mp4")
    return kept


def test_a_link_gives_the_file_and_any_part_of_it(films: S3) -> None:
    link = films.link("a.mp4", 60, file_name="Olá.mp4", media_type="video/mp4")
    assert httpx.get(link).content == CONTENT
    part = httpx.get(link, headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, CONTENT[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{len(CONTENT)}"


def test_a_link_is_for_that_file_that_use_and_that_time(films: S3) -> None:
    link = films.link("a.mp4", 60)
    assert httpx.put(link, content=b"other").status_code == 403
    assert httpx.delete(link).status_code == 403
    assert httpx.get(link.replace("a.mp4", "b.mp4")).status_code == 403
    assert httpx.get(link.replace("X-Amz-Expires=60", "X-Amz-Expires=6000")).status_code == 403
    last = link[-1]
    assert httpx.get(link[:-1] + ("0" if last != "0" else "1")).status_code == 403
    assert httpx.get(link.split("?")[0]).status_code == 403
    ended = films.link("a.mp4", 1)
    time.sleep(2.1)
    assert httpx.get(ended).status_code == 403
    assert httpx.get(link).status_code == 200


def test_wrong_credentials_are_told_without_the_secret(films: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "guessed-secret")
    assert httpx.get(S3(films.bucket, films.prefix).link("a.mp4", 60)).status_code == 403
    for attempt in (lambda kept: kept.exists("a.mp4"), S3.check, lambda kept: list(kept.names())):
        with pytest.raises(BadInput, match=r"was refused \(.*\)\. Check the credentials") as told:
            attempt(S3(films.bucket, films.prefix))
        assert "guessed" not in str(told.value)


def test_a_link_to_send_a_film_takes_just_the_announced_size(films: S3) -> None:
    link = films.upload_link("sent.mp4", 1000, 60)
    assert httpx.put(link.url, content=b"x" * 1001, headers={"Content-Type": "video/mp4"}).status_code == 403
    assert httpx.put(link.url, content=b"x" * 999, headers={"Content-Type": "video/mp4"}).status_code == 403
    assert httpx.put(link.url, content=b"x" * 1000, headers={"Content-Type": "text/html"}).status_code == 403
    assert not films.exists("sent.mp4")
    assert httpx.request(link.method, link.url, content=b"x" * 1000, headers=dict(link.headers)).status_code == 200
    assert films.size("sent.mp4") == 1000
    assert httpx.get(link.url).status_code == 403


def test_what_is_not_encrypted_as_asked_is_not_taken(films: S3) -> None:
    link = S3(films.bucket, films.prefix, encryption="AES256").upload_link("sent2.mp4", 4, 60)
    assert link.headers["x-amz-server-side-encryption"] == "AES256"
    assert httpx.put(link.url, content=b"film", headers={"Content-Type": "video/mp4"}).status_code == 403
    assert httpx.put(link.url, content=b"film", headers=dict(link.headers)).status_code == 200


@contextlib.contextmanager
def starting_again(server: servers.S3, client: Any, method: str, part: int) -> Iterator[None]:
    """A server that is killed as soon as that part is asked for, and is back a second later."""
    asked, at_part = threading.Event(), getattr(client, method)

    def ask(**what: Any) -> Any:
        if what.get("PartNumber") == part or what.get("Range", "").startswith(f"bytes={part * PART}-"):
            asked.set()
        return at_part(**what)

    def start_again() -> None:
        asked.wait(20)
        server.stop()
        time.sleep(1.0)
        server.start()

    setattr(client, method, ask)
    thread = threading.Thread(target=start_again)
    thread.start()
    try:
        yield
    finally:
        thread.join()
    assert asked.is_set()


def test_the_server_may_start_again_in_the_middle(films: S3, server: servers.S3, tmp_path: Path) -> None:
    content = os.urandom(12 * PART + 3)
    (tmp_path / "big").write_bytes(content)
    with starting_again(server, films._mover, "upload_part", 5):
        films.upload(tmp_path / "big", "big.mp4")
    assert films.size("big.mp4") == len(content)
    with starting_again(server, films._mover, "get_object", 5):
        films.download("big.mp4", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == content

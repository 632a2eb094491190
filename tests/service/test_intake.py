"""Films become jobs once; what fails for a passing reason costs nobody the film, and what is useless is not kept."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from dubkit.database import DatabaseAway
from dubkit.errors import BadInput, OutOfSpace
from dubkit.service.config import Config
from dubkit.service.films.arrival import Empty, NotAFilm, TooLarge, received
from dubkit.service.films.inspection import NotDubbed
from dubkit.service.films.intake import NotOffered
from dubkit.service.films.uploads import NoSuchUpload
from dubkit.service.jobs.job import Conflict
from dubkit.service.service import Service
from dubkit.service.storage import StorageAway
from dubkit.service.wanted import Wanted
from dubkit.service.workers.retention import ORPHANED, sweep

PT = Wanted("pt")


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    made = Service(Config.at(tmp_path / "home", workers=0))
    yield made
    made.close()


@pytest.fixture
def in_bucket(tmp_path: Path, aws: str) -> Iterator[Service]:
    """One that keeps films in a bucket."""
    made = Service(Config.at(tmp_path / "home", workers=0, storage="s3://films/here"))
    yield made
    made.close()


def sent(service: Service, content: bytes, name: str = "tiny.mp4", owner: str = "anna") -> str:
    """The id of an upload that is whole."""
    upload = service.uploads.create(owner, len(content), {"filename": name})
    return service.uploads.append(upload.id, owner, 0, [content]).id


def sent_directly(service: Service, content: bytes, name: str = "tiny.mp4") -> str:
    """The id of an upload that went to the bucket."""
    direct = service.intake.direct("anna", name, len(content))
    answer = httpx.request(direct.link.method, direct.link.url, content=content, headers=dict(direct.link.headers))
    assert answer.status_code == 200
    return direct.id


def kept(service: Service) -> list[str]:
    """What the storage holds, by the first part of the names."""
    return [file.name.split("/")[0] for file in service.storage.names()]


PASSING: dict[str, tuple[str, str, Exception]] = {
    "the database is away": ("jobs", "add", DatabaseAway("gone")),
    "the storage is away": ("storage", "keep", StorageAway("gone")),
    "the disk is full": ("storage", "keep", OutOfSpace("full")),
}


@pytest.mark.parametrize("case", PASSING)
@pytest.mark.parametrize("send", [sent, sent_directly])
def test_a_film_is_still_there_after_what_passes(
    request: pytest.FixtureRequest, tiny: Path, send: Callable[..., str], case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    service: Service = request.getfixturevalue("service" if send is sent else "in_bucket")
    upload = send(service, tiny.read_bytes())
    part, method, error = PASSING[case]

    def fail(*given: object) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(getattr(service, part), method, fail)
        with pytest.raises(type(error)):
            service.submit_upload("anna", upload, PT)
    assert "films" not in kept(service)
    job, is_new = service.submit_upload("anna", upload, PT)
    assert (is_new, job.film.name, job.film.n_bytes) == (True, "tiny.mp4", tiny.stat().st_size)
    assert kept(service) == ["films"]
    with service.storage.local(job.film.place) as path:
        assert path.read_bytes() == tiny.read_bytes()
    with pytest.raises(NoSuchUpload):
        service.submit_upload("anna", upload, PT)
    assert [*(service.config.home / "uploads").glob("*"), *(service.config.home / "incoming").glob("*")] == []


@pytest.mark.parametrize("send", [sent, sent_directly])
def test_a_wish_can_be_mended_and_a_damaged_film_cannot(
    request: pytest.FixtureRequest, tiny: Path, send: Callable[..., str]
) -> None:
    service: Service = request.getfixturevalue("service" if send is sent else "in_bucket")
    upload = send(service, tiny.read_bytes())
    with pytest.raises(BadInput, match="cannot begin at 60 s"):
        service.submit_upload("anna", upload, Wanted("pt", start=60.0))
    assert service.submit_upload("anna", upload, PT)[1]
    damaged = send(service, tiny.read_bytes()[:2000])
    with pytest.raises(NotDubbed):
        service.submit_upload("anna", damaged, PT)
    with pytest.raises(NoSuchUpload):
        service.submit_upload("anna", damaged, PT)
    assert kept(service) == ["films"]


def test_a_key_is_for_one_film_and_one_wish(service: Service, tiny: Path) -> None:
    film = tiny.read_bytes()
    upload = sent(service, film)
    first, is_new = service.submit_upload("anna", upload, PT, "k")
    assert is_new
    assert service.submit_upload("anna", upload, PT, "k") == (first, False), "its answer was lost"
    with pytest.raises(Conflict):
        service.submit_upload("anna", upload, Wanted("es"), "k")
    assert service.submit_upload("anna", sent(service, film), Wanted("Portuguese"), "k") == (first, False)
    for other in (sent(service, film, "other.mp4"), sent(service, film + b"\0\0\0\x08free")):
        with pytest.raises(Conflict, match="This idempotency key came with another request before"):
            service.submit_upload("anna", other, PT, "k")
        assert service.uploads.find(other, "anna").is_whole
    assert kept(service) == ["films"]
    assert service.submit_upload("anna", other, PT, "k2")[1]


def test_a_folder_is_reached_through_the_server_alone(service: Service) -> None:
    with pytest.raises(NotOffered, match="POST /api/v1/uploads"):
        service.intake.direct("anna", "a.mp4", 1000)


def test_what_is_sent_past_the_server_is_looked_at_as_all_else(in_bucket: Service, tiny: Path) -> None:
    for name, n_bytes, error in (("a.txt", 9, NotAFilm), ("a.mp4", 0, Empty), ("a.mp4", 10**9, TooLarge)):
        with pytest.raises(error):
            in_bucket.intake.direct("anna", name, n_bytes)
    text = sent_directly(in_bucket, b"hello " * 100)
    with pytest.raises(NotAFilm):
        in_bucket.submit_upload("anna", text, PT)
    # A server that does not see to the size that was signed.
    other = in_bucket.intake.direct("anna", "a.mp4", 1000).id
    in_bucket.storage.upload(tiny, in_bucket.signer.open_upload(other).place)
    with pytest.raises(NoSuchUpload, match=f"{tiny.stat().st_size} bytes came, and 1000 were announced"):
        in_bucket.submit_upload("anna", other, PT)
    assert kept(in_bucket) == []


def test_what_was_sent_past_the_server_is_its_owners_and_becomes_one_job(in_bucket: Service, tiny: Path) -> None:
    early = in_bucket.intake.direct("anna", "a.mp4", 1000)
    assert 3500 < early.expires - time.time() <= 3600
    with pytest.raises(NoSuchUpload, match="has not come yet"):
        in_bucket.submit_upload("anna", early.id, PT)
    upload = sent_directly(in_bucket, tiny.read_bytes())
    with pytest.raises(NoSuchUpload):
        in_bucket.submit_upload("bert", upload, PT)
    for wrong in ("x", upload[:-1], upload.replace(".", "_")):
        with pytest.raises(NoSuchUpload):
            in_bucket.submit_upload("anna", wrong, PT)
    job, _ = in_bucket.submit_upload("anna", upload, PT, "k")
    assert in_bucket.submit_upload("anna", upload, PT, "k") == (job, False)
    assert kept(in_bucket) == ["films"]


def test_what_no_job_was_made_of_is_swept_up(service: Service, tiny: Path) -> None:
    service.storage.upload(tiny, "arriving/a/film.mp4")
    service.storage.upload(tiny, "arriving/b/film.mp4")
    long_ago = time.time() - ORPHANED - 60
    os.utime(Path(service.config.storage) / "arriving/a/film.mp4", (long_ago, long_ago))
    assert sweep(service.jobs, service.config, service.storage).orphans == 1
    assert [file.name for file in service.storage.names()] == ["arriving/b/film.mp4"]


def test_a_film_of_this_machine_is_copied_and_looked_at(service: Service, tiny: Path, tmp_path: Path) -> None:
    arrived = received(service.config, tiny, "../a b.mp4")
    assert (arrived.name, arrived.path.read_bytes()) == ("a b.mp4", tiny.read_bytes())
    job, _ = service.submit("anna", arrived, PT)
    arrived.discard()
    assert (job.film.name, kept(service)) == ("a b.mp4", ["films"])
    (tmp_path / "a.mp4").write_bytes(b"no film at all")
    with pytest.raises(NotAFilm):
        received(service.config, tmp_path / "a.mp4", "a.mp4")
    assert [*(service.config.home / "incoming").iterdir()] == []

"""The service as one object: links that stay for a while, stretches of slowed dubs, removal, and what begins with it."""

from __future__ import annotations

import logging
import multiprocessing
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dubkit import players
from dubkit.errors import BadInput
from dubkit.service.config import DAY, Config
from dubkit.service.jobs.job import Conflict, Film, Job, NewJob, Output, TooManyWaiting
from dubkit.service.lines.document import Document, DocumentLine
from dubkit.service.links import Link
from dubkit.service.service import Service
from dubkit.service.storage import StorageAway

SLOWED = Document(
    source="en",
    target="pt",
    duration=4.0,
    lines=(DocumentLine("u0001", "S1", 0.5, 1.5, "Yes.", "Sim."),),
    knots=((0.0, 0.0), (1.0, 1.0), (2.0, 3.0), (4.0, 5.0)),
)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    made = Service(Config.at(tmp_path / "home", workers=0))
    yield made
    made.close()


@pytest.fixture
def in_bucket(tmp_path: Path, aws: str) -> Iterator[Service]:
    """One that keeps films in a bucket."""
    made = Service(Config.at(tmp_path / "home", workers=0, storage="s3://films/here", keep_dubs=0.0))
    yield made
    made.close()


def added(service: Service, tiny: Path) -> Job:
    """A job that waits."""
    service.storage.upload(tiny, "films/a/film.mp4")
    return service.jobs.add(NewJob("anna", Film("a.mp4", "films/a/film.mp4", tiny.stat().st_size, 4.0), "pt"))[0]


def done(service: Service, tiny: Path, document: Document = SLOWED) -> Job:
    """A job that is done."""
    job = added(service, tiny)
    claim = service.claims.take(job.id, "w", 60.0)
    assert claim is not None
    place = f"dubs/{job.id}/0-1"
    texts = {"lines.json": document.to_json(), "a.vtt": "WEBVTT\n", "poster.jpg": "a still"}
    for name, text in texts.items():
        (service.config.home / "text").write_text(text)
        service.storage.upload(service.config.home / "text", f"{place}/{name}")
    service.storage.upload(tiny, f"{place}/video.mp4")
    outputs = [
        Output("video", "a.pt.mp4", f"{place}/video.mp4", tiny.stat().st_size, "video/mp4", "pt"),
        Output("subtitles", "a.pt.vtt", f"{place}/a.vtt", 7, "text/vtt", "pt"),
        Output("poster", "a.pt.jpg", f"{place}/poster.jpg", 7, "image/jpeg"),
        Output("lines", "a.lines.json", f"{place}/lines.json", 9, "application/json"),
    ]
    assert service.claims.finish(claim, outputs, {}, "en")
    return service.jobs.find(job.id)


def test_a_link_stays_the_same_for_a_while_and_ends(
    service: Service, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, now = done(service, tiny), 600.0 * 3_000_000
    poster = next(output for output in job.outputs if output.kind == "poster")

    def at(seconds: float) -> Link:
        monkeypatch.setattr(time, "time", lambda: now + seconds)
        return service.link(job, poster)

    first = at(1)
    assert {at(seconds).url for seconds in (1, 200, 599)} == {first.url}
    assert at(601).url != first.url
    assert first.expires == now + 600 + 3600
    token = first.url.split("/")[-2]
    monkeypatch.setattr(time, "time", lambda: first.expires - 1)
    assert service.signer.open_file(token).place == poster.place
    monkeypatch.setattr(time, "time", lambda: first.expires + 1)
    with pytest.raises(BadInput, match="This link has ended"):
        service.signer.open_file(token)


def test_a_stretch_of_a_slowed_dub_is_cut_where_it_is_heard(
    service: Service, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut: list[tuple[float, float]] = []

    def small_copy(film: Path, start: float, end: float, target: Path, width: int) -> Path:
        cut.append((start, end))
        target.write_bytes(b"clip")
        return target

    monkeypatch.setattr(players, "small_copy", small_copy)
    job = done(service, tiny)
    for start, duration in ((0.0, 1.0), (1.5, 1.0), (2.0, 2.0), (1.5, 1.0)):
        assert isinstance(service.preview("anna", job.id, start, duration), Link)
    assert cut == [(0.0, 1.0), (2.0, 3.5), (3.0, 5.0)], "the last was there"


def test_a_job_whose_film_has_gone_can_be_removed_and_not_dubbed(service: Service, tiny: Path) -> None:
    job = done(service, tiny)
    service.storage.upload(tiny, "films/b/film.mp4")
    service.storage.delete(job.film.place)
    assert service.jobs.forget_film(job.id)
    with pytest.raises(Conflict, match=r"no longer kept here\. Hand it in again"):
        service.again("anna", job.id)
    service.delete("anna", job.id)
    assert [file.name for file in service.storage.names()] == ["films/b/film.mp4"]


def test_a_job_goes_also_where_its_files_must_wait(
    service: Service, tiny: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    job = done(service, tiny)

    def away(prefix: str) -> int:
        raise StorageAway("gone")

    monkeypatch.setattr(service.storage, "delete_all", away)
    with caplog.at_level(logging.WARNING):
        service.delete("anna", job.id)
    assert "files of a removed job stay for now" in caplog.text
    assert service.list("anna") == []


def test_a_job_at_work_is_removed_when_it_has_stopped(service: Service, tiny: Path) -> None:
    job = added(service, tiny)
    claim = service.claims.take(job.id, "w", 60.0)
    assert claim is not None
    with pytest.raises(Conflict, match="is being worked on"):
        service.delete("anna", job.id, patience=0.0)
    assert service.claims.beat(claim, 60.0) == "cancel"
    stopping = threading.Timer(0.3, service.claims.cancelled, [claim])
    stopping.start()
    service.delete("anna", job.id)
    stopping.join()
    assert [*service.storage.names()] == []


def test_a_bucket_is_told_what_it_may_remove(in_bucket: Service) -> None:
    in_bucket.begin()
    storage: Any = in_bucket.storage
    rules = storage._client.get_bucket_lifecycle_configuration(Bucket="films")["Rules"]
    found = {rule["Filter"]["Prefix"]: rule["Expiration"]["Days"] for rule in rules if "Expiration" in rule}
    assert in_bucket.config.keep_films == 7 * DAY
    assert found == {"here/arriving/": 1, "here/films/": 14}, "dubs are kept for ever"
    storage._client.delete_bucket_lifecycle(Bucket="films")


def test_a_storage_without_rules_is_no_hindrance(
    service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(days: dict[str, int]) -> None:
        raise BadInput("Access was refused.")

    monkeypatch.setattr(service.storage, "expire", refuse)
    before = {process.pid for process in multiprocessing.active_children()}
    with caplog.at_level(logging.WARNING):
        service.begin()
    assert "removes nothing by itself: Access was refused." in caplog.text
    assert len({process.pid for process in multiprocessing.active_children()} - before) == 2


def test_texts_come_from_this_server_and_films_from_the_bucket(in_bucket: Service, tiny: Path) -> None:
    job = done(in_bucket, tiny)
    urls = {link.output.kind: link.url for link in in_bucket.files("anna", job.id)}
    assert set(urls) == {"video", "subtitles", "poster"}
    assert urls["video"].startswith("http://") and "X-Amz-Signature" in urls["video"]
    assert urls["subtitles"].startswith("/api/v1/files/") and urls["subtitles"].endswith("/a.pt.vtt")
    assert urls["poster"].startswith("/api/v1/files/")


def test_an_owner_has_only_so_many_jobs_in_the_queue(tmp_path: Path, tiny: Path) -> None:
    service = Service(Config.at(tmp_path / "home", workers=0, max_waiting=2))
    first = added(service, tiny)
    service.jobs.cancel(first.id, None)
    second = added(service, tiny)
    third = added(service, tiny)
    with pytest.raises(TooManyWaiting, match="2 of your jobs wait already"):
        service.again(first.owner, first.id)
    service.cancel(second.owner, second.id)
    assert service.again(first.owner, first.id).status == "queued"
    assert {one.id for one in service.list(third.owner, ["queued"])} == {first.id, third.id}
    service.close()

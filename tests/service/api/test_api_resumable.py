"""Films in pieces: the tus protocol as its text has it, over lines that break."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from api_served import Served, broken_off, shown

from dubkit.service.api.resumable import PIECE
from dubkit.service.api.uploading import BLOCK

UPLOADS = "/api/v1/uploads"
TUS = {"Tus-Resumable": "1.0.0"}


def begun(served: Served, film: Path, content: bytes = b"", **headers: str) -> str:
    """The address of a new upload."""
    name = base64.b64encode(film.name.encode()).decode()
    told = {**TUS, "Upload-Length": str(film.stat().st_size), "Upload-Metadata": f"filename {name}", **headers}
    answer = served.post(UPLOADS, content=content, headers={**({"Content-Type": PIECE} if content else {}), **told})
    assert answer.status_code == 201, answer.text
    assert answer.headers["upload-offset"] == str(len(content))
    return str(answer.headers["location"])


def send(served: Served, where: str, content: bytes, offset: int, **headers: str) -> Any:
    """The answer to some bytes."""
    told = {**TUS, "Content-Type": PIECE, "Upload-Offset": str(offset), **headers}
    return served.patch(where, content=content, headers=told)


def kind(answer: Any) -> tuple[int, str]:
    """Status and kind of a problem."""
    assert answer.headers["tus-resumable"] == "1.0.0"
    return answer.status_code, answer.json()["type"].removeprefix("urn:dubkit:problem:")


def test_what_is_spoken_is_told(served: Served) -> None:
    answer = served.options(UPLOADS)
    assert answer.status_code == 204
    assert answer.headers["tus-version"] == "1.0.0"
    assert set(answer.headers["tus-extension"].split(",")) == {
        *("creation", "creation-with-upload", "checksum", "expiration", "termination")
    }
    assert answer.headers["tus-max-size"] == str(served.service.config.max_bytes)
    assert answer.headers["tus-checksum-algorithm"] == "sha1,sha256"


def test_a_film_in_pieces_becomes_a_job(served: Served, tiny: Path) -> None:
    film = tiny.read_bytes()
    where = begun(served, tiny)
    assert send(served, where, film[:1000], 0).headers["upload-offset"] == "1000"
    head = served.head(where, headers=TUS)
    assert (head.headers["upload-offset"], head.headers["upload-length"]) == ("1000", str(len(film)))
    assert (head.headers["cache-control"], head.headers["tus-resumable"]) == ("no-store", "1.0.0")
    assert "GMT" in head.headers["upload-expires"]
    last = send(served, where, film[1000:], 1000)
    assert (last.status_code, last.content, last.headers["upload-offset"]) == (204, b"", str(len(film)))
    body = {"upload": where.rpartition("/")[2], "target_language": "pt"}
    answer = served.post("/api/v1/jobs", json=body, headers={"Idempotency-Key": "one"})
    assert (answer.status_code, answer.json()["film"]["name"]) == (202, "tiny.mp4")
    assert answer.json()["film"]["bytes"] == len(film)
    again = served.post("/api/v1/jobs", json=body, headers={"Idempotency-Key": "one"})
    assert (again.status_code, again.json()["id"]) == (200, answer.json()["id"])
    assert kind(send(served, where, b"", 0)) == (404, "no-such-upload")
    assert [path.parts[-3] for path in served.left()] == ["films"]


def test_the_first_bytes_come_with_the_announcement(served: Served, tiny: Path) -> None:
    film = tiny.read_bytes()
    where = begun(served, tiny, film[:5000])
    assert send(served, where, film[5000:], 5000).status_code == 204


def test_an_unfinished_film_is_no_job_yet(served: Served, tiny: Path) -> None:
    where = begun(served, tiny, tiny.read_bytes()[:5000])
    body = {"upload": where.rpartition("/")[2], "target_language": "pt"}
    answer = served.post("/api/v1/jobs", json=body)
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:dubkit:problem:conflict")
    assert served.head(where, headers=TUS).headers["upload-offset"] == "5000"
    unknown = served.post("/api/v1/jobs", json={**body, "target_language": "xx"})
    assert unknown.status_code == 422
    assert served.head(where, headers=TUS).status_code == 200


def test_bytes_for_another_place_are_refused(served: Served, tiny: Path) -> None:
    where = begun(served, tiny, tiny.read_bytes()[:5000])
    assert kind(send(served, where, b"x", 4000)) == (409, "wrong-offset")
    assert kind(send(served, where, bytes(1 << 20), 5000)) == (413, "too-large")
    assert served.head(where, headers=TUS).headers["upload-offset"] == "5000"


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_bytes_that_changed_on_the_way_are_forgotten(served: Served, tiny: Path, algorithm: str) -> None:
    film, where = tiny.read_bytes(), begun(served, tiny)
    right = f"{algorithm} {base64.b64encode(hashlib.new(algorithm, film[:900]).digest()).decode()}"
    assert kind(send(served, where, b"x" + film[1:900], 0, **{"Upload-Checksum": right})) in (
        (460, "wrong-checksum"),
        (415, "not-a-film"),
    )
    where = begun(served, tiny)
    wrong = film[:899] + b"x"
    assert kind(send(served, where, wrong, 0, **{"Upload-Checksum": right})) == (460, "wrong-checksum")
    assert served.head(where, headers=TUS).headers["upload-offset"] == "0"
    assert send(served, where, film[:900], 0, **{"Upload-Checksum": right}).headers["upload-offset"] == "900"
    assert kind(send(served, where, b"x", 900, **{"Upload-Checksum": "crc32 AAAA"})) == (400, "unreadable")


def test_what_is_no_request_of_the_protocol(served: Served, tiny: Path) -> None:
    where = begun(served, tiny)
    old = served.patch(where, headers={"Tus-Resumable": "0.2.2"})
    assert (*kind(old), old.headers["tus-version"]) == (412, "wrong-protocol", "1.0.0")
    assert kind(served.post(UPLOADS, headers={"Upload-Length": "5"})) == (412, "wrong-protocol")
    assert kind(send(served, where, b"x", 0, **{"Content-Type": "video/mp4"})) == (415, "wrong-media-type")
    assert kind(send(served, where, b"x", -1)) == (422, "invalid")
    assert kind(served.post(UPLOADS, headers=TUS)) == (422, "invalid")
    assert kind(served.post(UPLOADS, headers={**TUS, "Upload-Length": "5", "Upload-Metadata": "filename ***"})) == (
        400,
        "unreadable",
    )


def test_films_that_cannot_be_taken_are_refused_at_once(served: Served, tiny: Path) -> None:
    mp4 = "filename " + base64.b64encode(b"a.mp4").decode()
    for length, name, expected in (
        (201 << 20, mp4, (413, "too-large")),
        (0, mp4, (400, "empty")),
        (100, "filename " + base64.b64encode(b"a.txt").decode(), (415, "not-a-film")),
        (100, "", (415, "not-a-film")),
    ):
        told = {**TUS, "Upload-Length": str(length), "Upload-Metadata": name}
        assert kind(served.post(UPLOADS, headers=told)) == expected
    where = begun(served, tiny)
    assert kind(send(served, where, b"<html>" * 20, 0)) == (415, "not-a-film")
    assert served.left() == []


def test_an_upload_is_given_up(served: Served, tiny: Path) -> None:
    where = begun(served, tiny, tiny.read_bytes()[:5000])
    assert served.delete(where, headers=TUS).status_code == 204
    assert served.head(where, headers=TUS).status_code == 404
    assert served.left() == []
    assert served.head(f"{UPLOADS}/..%2F..%2Fetc", headers=TUS).status_code == 404


def test_an_upload_is_its_owners(opened: Callable[..., Served], tiny: Path) -> None:
    served = opened(require_key=True)
    anna, bert = shown(served.service.keys.add("anna")), shown(served.service.keys.add("bert"))
    where = begun(served, tiny, tiny.read_bytes(), **anna)
    assert kind(send(served, where, b"x", 0, **bert)) == (404, "no-such-upload")
    assert kind(send(served, where, b"x", 0)) == (401, "no-key")
    assert served.delete(where, headers={**TUS, **bert}).status_code == 404
    body = {"upload": where.rpartition("/")[2], "target_language": "pt"}
    assert served.post("/api/v1/jobs", json=body, headers=bert).status_code == 404
    assert served.post("/api/v1/jobs", json=body, headers=anna).status_code == 202


def test_a_server_that_is_killed_loses_little(served: Served, tiny: Path, tmp_path: Path) -> None:
    film, on_disk = tmp_path / "large.mp4", list[int]()
    film.write_bytes(tiny.read_bytes() + bytes(1 << 20))
    where = begun(served, film)
    headers = {**TUS, "content-type": PIECE, "upload-offset": "0"}

    def look() -> None:
        on_disk.append(next(path.stat().st_size for path in served.left() if path.name == "bytes"))

    sending = {"size": 10_000, "most": 900_000, "method": "PATCH", "path": where, "then": look}
    asyncio.run(broken_off(served, film.read_bytes(), headers, **sending))
    assert 900_000 - 2 * BLOCK < on_disk[0] < 900_000
    assert served.head(where, headers=TUS).headers["upload-offset"] == "900000", "of a line that broke nothing is lost"

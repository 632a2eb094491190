"""Films that are handed in: in any order, once, and nothing is left of those that cannot be taken."""

from __future__ import annotations

import asyncio
import shutil
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from api_served import UPLOAD, Served, broken_off

from dubkit.service.api import multipart
from dubkit.service.films import arrival

MP4 = b"\0\0\0\x18ftypisom" + bytes(4096)


def kind(answer: Any) -> tuple[int, str]:
    """Status and kind of a problem."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    told = answer.json()
    assert told["status"] == answer.status_code
    assert told["request_id"] == answer.headers["x-request-id"]
    return answer.status_code, told["type"].removeprefix("urn:dubkit:problem:")


def form(*parts: tuple[str, str | None, bytes], boundary: str = "b0", end: bool = True) -> tuple[bytes, dict[str, str]]:
    """A form of (name, file name, content), and the headers that go with it."""
    body = b""
    for name, file_name, content in parts:
        named = f'; filename="{file_name}"' if file_name is not None else ""
        body += (
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n'.encode() + content + b"\r\n"
        )
    return body + (f"--{boundary}--\r\n".encode() if end else b""), {
        "Content-Type": f"multipart/form-data; boundary={boundary}"
    }


def sent(served: Served, *parts: tuple[str, str | None, bytes], **headers: str) -> Any:
    """The answer to a form."""
    body, told = form(*parts)
    return served.post(UPLOAD, content=body, headers={**told, **headers})


@pytest.mark.parametrize("order", [("file", "target_language", "options"), ("options", "file", "target_language")])
def test_fields_come_in_any_order(served: Served, tiny: Path, order: tuple[str, ...]) -> None:
    contents = {"file": tiny.read_bytes(), "target_language": b"pt", "options": b'{"n_speakers": 2}'}
    answer = sent(served, *[(name, "tiny.mp4" if name == "file" else None, contents[name]) for name in order])
    assert answer.status_code == 202
    job = served.service.jobs.find(answer.json()["id"])
    assert (job.target, job.settings) == ("pt", {"diarize.n_speakers": 2})
    assert [path.stat().st_size for path in served.left()] == [tiny.stat().st_size]


def test_a_stretch_is_what_was_asked_for(served: Served, talk: Path) -> None:
    job = served.submit(talk, start_time="1.5", duration="3", source_language="English", profile="embedded")
    assert (job["start_time"], job["duration"], job["source_language"], job["profile"]) == (1.5, 3.0, "en", "embedded")


REFUSED: dict[str, tuple[list[tuple[str, str | None, bytes]], tuple[int, str]]] = {
    "an empty film": ([("target_language", None, b"pt"), ("file", "a.mp4", b"")], (400, "empty")),
    "no film": ([("target_language", None, b"pt")], (422, "bad-input")),
    "a film as a plain field": ([("target_language", None, b"pt"), ("file", None, MP4)], (422, "invalid")),
    "no language": ([("file", "a.mp4", MP4)], (422, "invalid")),
    "text called a film": ([("target_language", None, b"pt"), ("file", "a.mp4", b"hello " * 99)], (415, "not-a-film")),
    "a wrong ending": ([("target_language", None, b"pt"), ("file", "a.txt", MP4)], (415, "not-a-film")),
    "a damaged film": ([("target_language", None, b"pt"), ("file", "a.mp4", MP4)], (422, "bad-input")),
    "an unknown language": ([("target_language", None, b"xx"), ("file", "a.mp4", MP4)], (422, "bad-input")),
    "a language after the film": ([("file", "a.mp4", MP4), ("target_language", None, b"xx")], (422, "bad-input")),
    "an unknown field": ([("target", None, b"pt"), ("file", "a.mp4", MP4)], (422, "invalid")),
    "options that are no JSON": (
        [("target_language", None, b"pt"), ("options", None, b"{n: 2"), ("file", "a.mp4", MP4)],
        (400, "unreadable"),
    ),
    "options without end": (
        [("target_language", None, b"pt"), ("options", None, b"[" * 60000), ("file", "a.mp4", MP4)],
        (400, "unreadable"),
    ),
    "options of the operator's": (
        [
            ("target_language", None, b"pt"),
            ("options", None, b'{"backends.translator": "llm:http://evil"}'),
            ("file", "a.mp4", MP4),
        ],
        (422, "bad-input"),
    ),
    "a field twice": (
        [("target_language", None, b"pt"), ("target_language", None, b"en"), ("file", "a.mp4", MP4)],
        (400, "unreadable"),
    ),
    "a field without end": ([("target_language", None, b"p" * 70000), ("file", "a.mp4", MP4)], (413, "too-large")),
    "two films": (
        [("target_language", None, b"pt"), ("file", "a.mp4", MP4), ("file", "b.mp4", MP4)],
        (422, "bad-input"),
    ),
    "a film by another name": ([("target_language", None, b"pt"), ("film", "a.mp4", MP4)], (422, "bad-input")),
    "no number": (
        [("target_language", None, b"pt"), ("start_time", None, b"nan"), ("file", "a.mp4", MP4)],
        (422, "invalid"),
    ),
    "an endless stretch": (
        [("target_language", None, b"pt"), ("duration", None, b"1e999"), ("file", "a.mp4", MP4)],
        (422, "invalid"),
    ),
    "too many fields": ([(f"f{n}", None, b"x") for n in range(40)], (400, "unreadable")),
    "no bytes of text": ([("target_language", None, b"\xff\xfe\0"), ("file", "a.mp4", MP4)], (422, "bad-input")),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_taken_leaves_nothing(served: Served, case: str) -> None:
    parts, expected = REFUSED[case]
    answer = sent(served, *parts)
    assert kind(answer) == expected
    assert str(served.service.config.home) not in answer.text
    assert served.left() == []
    assert served.get("/api/v1/jobs").json()["jobs"] == []


def test_what_is_no_form(served: Served) -> None:
    assert kind(served.post(UPLOAD, content=b"hello")) == (415, "wrong-media-type")
    assert kind(served.post(UPLOAD, json={"target_language": "pt"})) == (415, "wrong-media-type")
    multi = {"Content-Type": "multipart/form-data"}
    assert kind(served.post(UPLOAD, content=b"hello", headers=multi)) == (415, "wrong-media-type")
    assert kind(
        served.post(UPLOAD, content=b"hello", headers={"Content-Type": f"{multi['Content-Type']}; boundary=b0"})
    ) == (
        400,
        "unreadable",
    )
    body, headers = form(("target_language", None, b"pt"), ("file", "a.mp4", MP4), end=False)
    assert kind(served.post(UPLOAD, content=body, headers=headers)) == (400, "unreadable")
    assert served.left() == []


def test_too_large_a_film_is_refused_before_and_while_it_comes(opened: Callable[..., Served]) -> None:
    served = opened(max_bytes=100_000)
    big = MP4 + bytes(300_000)
    body, headers = form(("target_language", None, b"pt"), ("file", "a.mp4", big))
    assert kind(served.post(UPLOAD, content=body, headers=headers)) == (413, "too-large")
    # Without a length, it is found out on the way.
    pieces = (body[n : n + 10_000] for n in range(0, len(body), 10_000))
    assert kind(served.post(UPLOAD, content=pieces, headers=headers)) == (413, "too-large")
    assert served.left() == []


def test_too_long_a_film(opened: Callable[..., Served], tiny: Path) -> None:
    served = opened(max_seconds=1.0)
    answer = sent(served, ("target_language", None, b"pt"), ("file", "a.mp4", tiny.read_bytes()))
    assert kind(answer) == (422, "too-long")
    assert served.left() == []


def test_a_disk_without_room(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(1, 1, arrival.RESERVE))
    answer = sent(served, ("target_language", None, b"pt"), ("file", "a.mp4", MP4))
    assert kind(answer) == (507, "no-room")
    assert int(answer.headers["retry-after"]) > 0
    assert served.left() == []


def test_hostile_names_are_cleaned(served: Served, tiny: Path) -> None:
    for name in (
        "../../etc/passwd.mp4",
        "..\\..\\a.mp4",
        "a\x00b.mp4",
        "<script>alert(1)</script>.mp4",
        "x" * 5000 + ".mp4",
    ):
        answer = sent(served, ("target_language", None, b"pt"), ("file", name, tiny.read_bytes()))
        assert answer.status_code == 202, answer.text
        shown = answer.json()["film"]["name"]
        assert len(shown) <= 120 and not set(shown) & set('/\\\0<>"')
        assert shown.endswith(".mp4")


def test_the_same_key_gives_the_same_job(served: Served, tiny: Path) -> None:
    parts = [("target_language", None, b"pt"), ("file", "a.mp4", tiny.read_bytes())]
    first = sent(served, *parts, **{"Idempotency-Key": "one"})
    second = sent(served, *parts, **{"Idempotency-Key": "one"})
    late = sent(served, *parts[::-1], **{"Idempotency-Key": "one"})
    assert (first.status_code, second.status_code, late.status_code) == (202, 200, 200)
    assert first.json()["id"] == second.json()["id"] == late.json()["id"]
    assert len(served.left()) == 1
    other = sent(served, ("target_language", None, b"fr"), *parts[1:], **{"Idempotency-Key": "one"})
    assert kind(other) == (409, "conflict")
    later = sent(served, *parts, ("duration", None, b"1"), **{"Idempotency-Key": "one"})
    assert kind(later) == (409, "conflict")
    renamed = ("file", "b.mp4", tiny.read_bytes())
    changed = ("file", "a.mp4", tiny.read_bytes() + b"\0\0\0\x08free")
    for film in (renamed, changed):
        assert kind(sent(served, parts[0], film, **{"Idempotency-Key": "one"})) == (409, "conflict")
    assert len(served.left()) == 1
    assert sent(served, *parts, **{"Idempotency-Key": "two"}).json()["id"] != first.json()["id"]
    assert kind(sent(served, *parts, **{"Idempotency-Key": "a key"}))[0] == 422
    assert len(served.get("/api/v1/jobs").json()["jobs"]) == 2


def test_languages_are_looked_at_before_the_film_is_read(served: Served) -> None:
    body, headers = form(("target_language", None, b"xx"), ("file", "a.mp4", MP4 + bytes(1 << 20)))
    status, taken = asyncio.run(broken_off(served, body, headers, size=1000, most=5000))
    assert status == 422
    assert taken <= 5000
    assert served.left() == []


@pytest.mark.parametrize("after", [50, 2000, 1 << 20])
def test_a_line_that_breaks_leaves_nothing(served: Served, after: int) -> None:
    body, headers = form(("target_language", None, b"pt"), ("file", "a.mp4", MP4 + bytes(3 << 20)))
    asyncio.run(broken_off(served, body, headers, size=60_000, most=after))
    assert served.left() == []


def test_silence_ends_an_upload(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multipart, "SILENCE", 0.05)
    body, headers = form(("target_language", None, b"pt"), ("file", "a.mp4", MP4 + bytes(3 << 20)))
    status, _ = asyncio.run(broken_off(served, body, headers, size=60_000, most=200_000, then_silent=True))
    assert status == 408
    assert served.left() == []

"""Films that are dubbed already, with all that an editor works on, made as workers make them but without models."""

from __future__ import annotations

import functools
import secrets
import tempfile
from dataclasses import replace
from pathlib import Path

from films import make_film
from page_films import running

from dubkit.progress import Event
from dubkit.service.jobs.job import Claim, Film, Job, Output
from dubkit.service.lines.document import Document, DocumentLine, DocumentSpeaker, DocumentVoice
from dubkit.service.service import Service

SAID = (
    ("S1", "Good morning.", "Bom dia.", ""),
    ("S2", "That smells wonderful.", "Isso cheira maravilhoso.", "long"),
    ("S1", "Shall we eat?", "Vamos comer?", ""),
    ("S3", "<b>Yes</b> & no", "<img src=x onerror=alert(1)>", "late"),
)
"""Speaker, source, translation and flag, a second each; the last one is what somebody might write to do harm."""
VOICES = (
    DocumentVoice("stand-in:dora", "Dora", "female", "pt"),
    DocumentVoice("stand-in:alex", "Alex", "male", "pt"),
    DocumentVoice("stand-in:santa", "Santa", "male", "pt"),
)


def a_document(n_lines: int = len(SAID)) -> Document:
    """Lines of a second each, the words of :data:`SAID` over and over."""
    lines = []
    for n in range(n_lines):
        speaker, source, text, flag = SAID[n % len(SAID)]
        lines.append(
            DocumentLine(
                id=f"u{n + 1:04d}",
                speaker=speaker,
                start=n + 0.1,
                end=n + 0.9,
                source_text=source,
                text=text,
                candidates=(text, f"{text} ou não"),
                dub_start=n + 0.1,
                dub_end=n + 0.95,
                rate=1.1,
                drift=0.0,
                flag=flag,
                reason="spoken 10% faster",
                of=f"digest {n}",
            )
        )
    speakers = [
        DocumentSpeaker(id, name, gender, 0.9, 200.0, 10.0, voice, "heard as such", 1, of=f"digest {id}")
        for id, name, gender, voice in (
            ("S1", "Speaker 1", "female", "stand-in:dora"),
            ("S2", "Speaker 2", "male", "stand-in:alex"),
            ("S3", "Speaker 3", "male", "stand-in:alex"),
        )
    ]
    return Document("en", "pt", float(n_lines or 1), tuple(lines), tuple(speakers), VOICES)


def dubbed(service: Service, document: Document | None = None, **changed: object) -> Job:
    """A job that is done, with a film of a few seconds, subtitles and lines."""
    document = document or a_document()
    place = f"films/{secrets.token_urlsafe(8)}/film.mp4"
    film = service.config.home / "film.mp4"
    film.write_bytes(a_film())
    service.storage.upload(film, place)
    wanted = {"film": Film("holiday <1>.mp4", place, len(a_film()), document.duration), **changed}
    claim = running(service, "combine", **wanted)  # type: ignore[arg-type]
    finish(service, claim, document)
    return service.jobs.find(claim.job.id)


def dub_again(service: Service, **facts: float) -> Job:
    """What a worker does to the next job: an editor's dub, or a preview."""
    claim = service.claims.next("worker", 3600.0)
    assert claim is not None
    job = claim.job
    made = service.lines(job.owner, job.parent or job.id)
    lines = tuple(replace(line, pending=()) for line in made.lines)
    finish(
        service,
        claim,
        replace(made, lines=lines, speakers=tuple(replace(s, pending=()) for s in made.speakers)),
        **facts,
    )
    return service.jobs.find(job.id)


def finish(service: Service, claim: Claim, document: Document, **facts: float) -> None:
    """Publish what a dub leaves."""
    home, prefix = service.config.home, f"dubs/{claim.job.id}/{claim.job.revision}-{claim.fence}"
    outputs = []
    cues = "WEBVTT\n\n00:00.100 --> 00:00.900\nBom dia.\n"
    for kind, name, content, media_type, language in (
        ("video", "holiday.pt.mp4", a_film(), "video/mp4", "pt"),
        ("subtitles", "holiday.pt.vtt", cues.encode(), "text/vtt", "pt"),
        ("subtitles", "holiday.pt.en.vtt", cues.encode(), "text/vtt", "en"),
        ("subtitles", "holiday.pt.srt", b"1", "application/x-subrip", "pt"),
        ("audio", "holiday.pt.m4a", b"sound", "audio/mp4", "pt"),
        ("transcript", "holiday.pt.transcript.txt", b"words", "text/plain", ""),
        ("timing", "holiday.pt.timing.csv", b"id", "text/csv", ""),
        ("lines", "lines.json", document.to_json().encode(), "application/json", ""),
    ):
        path = home / "output"
        path.write_bytes(content)
        service.storage.upload(path, f"{prefix}/{name}")
        outputs.append(Output(kind, name, f"{prefix}/{name}", len(content), media_type, language))
    service.claims.tell(claim, [Event("combine", "done", seconds=4.0)])
    service.claims.finish(claim, outputs, {"lines": len(document.lines), **facts}, "en")


@functools.cache
def a_film() -> bytes:
    """An MP4 of six seconds with sound."""
    with tempfile.TemporaryDirectory() as folder:
        return make_film(Path(folder) / "film.mp4", seconds=6.0).read_bytes()

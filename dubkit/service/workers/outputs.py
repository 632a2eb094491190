"""The files that a finished job leaves: film, sound, subtitles, transcript, timing, the editor's data, a still."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dubkit import certificate
from dubkit.clock import clock
from dubkit.media import address, run_ffmpeg
from dubkit.record import Seconds
from dubkit.run import Run
from dubkit.service.jobs.job import Job, Output
from dubkit.service.storage import Storage

POSTER_AT = 0.1
"""Where the still is taken from, as a part of the film: its first frames are often black."""
POSTER_WIDTH = 1280
"""Pixels, at most."""
MEDIA_TYPES = {
    ".mp4": "video/mp4",
    ".m4a": "audio/mp4",
    ".srt": "application/x-subrip",
    ".vtt": "text/vtt",
    ".txt": "text/plain; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".json": "application/json",
    ".jpg": "image/jpeg",
}


@dataclass(frozen=True)
class Written:
    """A file that is to be published: what it is, what it is called in the storage, and how a download's name ends."""

    kind: str
    path: Path
    place: str
    ending: str
    language: str = ""


def prefix(job: Job, fence: int) -> str:
    """Where the files of one attempt at a job lie in the storage: apart from those of all others."""
    if job.parent is None:
        return f"dubs/{job.id}/{job.revision}-{fence}"
    return f"dubs/{job.parent}/{job.id}-{fence}"


def publish(run: Run, job: Job, storage: Storage, prefix: str) -> tuple[Output, ...]:
    """Put a finished run's files into the storage.

    Parameters
    ----------
    run : Run
        Done up to its last stage.
    job : Job
        Of a preview just film and subtitles are published.
    storage : Storage
    prefix : str
        What their names in the storage begin with.

    Raises
    ------
    OutOfSpace
        If they cannot be written.
    DubkitError
        If the storage cannot be reached.
    """
    with tempfile.TemporaryDirectory(prefix="dubkit-outputs-") as folder:
        found = [*_film(run)] if job.kind == "preview" else [*_film(run), *_more(run, Path(folder))]
        stem = _stem(job)
        published = []
        for file in found:
            place = f"{prefix}/{file.place}"
            storage.upload(file.path, place)
            size = file.path.stat().st_size
            kind = MEDIA_TYPES[file.path.suffix]
            published.append(Output(file.kind, f"{stem}{file.ending}", place, size, kind, file.language))
    return tuple(published)


def _stem(job: Job) -> str:
    """What all downloads' names begin with."""
    from dubkit.service.films.arrival import cleaned_name

    stretch = "" if job.start is None else f".{job.start:.0f}-{job.start + job.length:.0f}s"
    return f"{Path(cleaned_name(job.film.name)).stem}{stretch}.{job.target}"


def _film(run: Run) -> Iterator[Written]:
    """The film, and its subtitles: the target's have the film's name, so that players find them."""
    target = run.translation.target
    yield Written("video", run.dub.video.path, "video.mp4", ".mp4", target)
    for file in run.dub.subtitles:
        languages = file.path.name.split(".")[1]
        suffix = file.path.suffix
        ending = suffix if languages == target else f".{languages}{suffix}"
        yield Written("subtitles", file.path, f"subtitles.{languages}{suffix}", ending, languages)


def _more(run: Run, folder: Path) -> Iterator[Written]:
    from dubkit.service.lines.lines import document

    target = run.translation.target
    yield Written("audio", sound(run.dub.video.path, folder / "audio.m4a"), "audio.m4a", ".m4a", target)
    lines = run.soundtrack.placements
    texts = {
        ("transcript", "transcript.txt"): transcript(run),
        ("transcript", "transcript.json"): _json(rows(run)),
        ("timing", "timing.csv"): certificate.table(lines),
        ("timing", "timing.json"): certificate.as_json(lines),
        ("lines", "lines.json"): _json(document(run).to_json()),
    }
    for (kind, name), text in texts.items():
        path = folder / name
        path.write_text(text, encoding="utf-8")
        yield Written(kind, path, name, f".{name}")
    yield Written("poster", poster(run.dub.video.path, run.dub.duration, folder / "poster.jpg"), "poster.jpg", ".jpg")


def sound(film: Path, target: Path) -> Path:
    """The dub's sound alone, the same bytes as in the film."""
    import ffmpeg

    graph = ffmpeg.output(
        ffmpeg.input(address(film), f="mov")["a:0"], str(target), c="copy", f="ipod", fflags="+bitexact"
    )
    run_ffmpeg(graph, "writing the sound")
    return target


def poster(film: Path, duration: Seconds, target: Path) -> Path:
    """A still of the film; of one too short for it, its first frame."""
    import ffmpeg

    for at in (POSTER_AT * duration, 0.0):
        picture = ffmpeg.input(address(film), f="mov", ss=at).video
        picture = picture.filter("scale", f"min({POSTER_WIDTH},iw)", -2)
        run_ffmpeg(ffmpeg.output(picture, str(target), vframes=1, f="image2", update=1, **{"q:v": 4}), "making a still")
        if target.exists():
            break
    return target


def rows(run: Run) -> dict[str, Any]:
    """The transcript in both languages as plain values; times in seconds of the film, and of the dub."""
    names = {speaker.id: speaker.name for speaker in run.speakers.speakers}
    placed = {line.id: line for line in run.soundtrack.placements}
    texts = {line.id: line.text for line in run.translation.lines}
    return {
        "source": run.translation.source,
        "target": run.translation.target,
        "duration": run.dub.duration,
        "lines": [
            {
                "id": said.id,
                "speaker": names.get(said.speaker, said.speaker),
                "start": said.start,
                "end": said.end,
                "source_text": said.text,
                "text": placed[said.id].text if said.id in placed else texts.get(said.id, ""),
                "dub_start": placed[said.id].start if said.id in placed else None,
                "dub_end": placed[said.id].end if said.id in placed else None,
            }
            for said in run.transcript.utterances
        ],
    }


def transcript(run: Run) -> str:
    """The transcript in both languages as a text to read."""
    lines = rows(run)["lines"]
    if not lines:
        return "Nobody speaks in this film.\n"
    blocks = (f"{clock(x['start'])} {x['speaker']}\n{x['source_text']}\n{x['text']}\n" for x in lines)
    return "\n".join(blocks)


def _json(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1)

"""What can be taken away of a finished dub, and what the players play."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import Any

from dubkit import languages
from dubkit.page import words
from dubkit.service.jobs.job import Job, Output
from dubkit.service.links import Link
from dubkit.service.service import Service

KINDS = {
    "video": "Dubbed film",
    "audio": "Sound of the dub",
    "subtitles": "Subtitles",
    "transcript": "Transcript",
    "timing": "Timing report",
}
"""In the order in which they are shown."""


def downloads(service: Service, owner: str, job: Job) -> dict[str, Any]:
    """Links to the files of a job, to its subtitles as tracks, and to its film, where that is still kept."""
    links = service.files(owner, job.id)
    return {
        "files": [*_files(links)],
        "video": next((link.url for link in links if link.output.kind == "video"), ""),
        "poster": next((link.url for link in links if link.output.kind == "poster"), ""),
        "tracks": [*_tracks(links)],
        "film": _film(service, job),
        "expires": min((link.expires for link in links), default=0.0),
    }


def archive(service: Service, owner: str, id: str) -> dict[str, Any]:
    """A link to all files in one."""
    link = service.archive(owner, id)
    return {"url": link.url, "name": link.output.name}


def _files(links: Sequence[Link]) -> Iterator[dict[str, str]]:
    for kind, title in KINDS.items():
        for output, url in ((link.output, link.url) for link in links if link.output.kind == kind):
            # What it is written in, and in which language where there are several.
            told = [PurePath(output.name).suffix[1:].upper(), words.size(output.n_bytes)]
            if kind == "subtitles":
                told.insert(0, _named(output.language))
            yield {"title": title, "told": ", ".join(told), "name": output.name, "url": url}


def _tracks(links: Sequence[Link]) -> Iterator[dict[str, str]]:
    for link in links:
        if link.output.kind == "subtitles" and link.output.name.endswith(".vtt"):
            code = link.output.language
            yield {"label": _named(code), "language": code.partition("+")[0], "url": link.url}


def _film(service: Service, job: Job) -> dict[str, Any] | None:
    """The film as it was handed in, what kind of file that is, and where in it the dub begins, in seconds."""
    if not service.storage.exists(job.film.place):
        return None
    kind = mimetypes.guess_type(job.film.place)[0] or "application/octet-stream"
    output = Output("film", job.film.name, job.film.place, job.film.n_bytes, kind)
    ending = PurePath(job.film.place).suffix[1:].upper()
    return {"url": service.link(job, output).url, "kind": ending, "start": job.start or 0.0}


def _named(codes: str) -> str:
    return " and ".join(languages.name(code) for code in codes.split("+") if code)

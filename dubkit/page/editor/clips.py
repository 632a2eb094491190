"""Stretches of the dub to look at before the whole is dubbed again, and how far a dub is."""

from __future__ import annotations

from typing import Any

from dubkit.page import words
from dubkit.record import Seconds
from dubkit.service.jobs.job import Job
from dubkit.service.lines.line_changes import LineChanges
from dubkit.service.previews import SHORTEST
from dubkit.service.service import Service


def preview(
    service: Service, owner: str, id: str, start: Seconds, end: Seconds, changes: LineChanges | None = None
) -> dict[str, Any]:
    """A stretch of the dub with the corrections made so far, and with `changes` that are not saved: a link, or how far it is."""
    made = service.preview(owner, id, start, max(end - start, SHORTEST), changes)
    return progress(service, owner, made.id) if isinstance(made, Job) else {"url": made.url, "shown": made.shown}


def progress(service: Service, owner: str, id: str) -> dict[str, Any]:
    """How far a dub or a preview is, in plain words; of a finished preview, the link to it and what it shows."""
    now = service.status(owner, id)
    job = now.job
    told: dict[str, Any] = {"job": job.id, "status": job.status, "percent": round(now.percent)}
    if job.kind == "preview" and job.status == "completed":
        url = next(link.url for link in service.files(owner, id) if link.output.kind == "video")
        return {**told, "url": url, "shown": job.shown}
    if job.status == "failed":
        told["told"] = words.reason(job)
    elif now.place:
        told["told"] = words.queued(now.place)
    elif not job.is_over:
        left = "" if now.seconds_left is None else f", {words.span(now.seconds_left)} left"
        told["told"] = f"{words.stage(job.stage)}{left}" if job.stage else "Starting"
    return told

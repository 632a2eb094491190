"""Jobs as the API tells them: plain data, straight to JSON. What is made here is ours, and not checked again on its way out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from dubkit.service.jobs.job import Job

if TYPE_CHECKING:
    from dubkit.service.links import Link
    from dubkit.service.service import JobStatus

BASE = "/api/v1"


def written(content: Mapping[str, Any]) -> bytes:
    """Plain data as JSON."""
    return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8", "replace")


def answer(content: Mapping[str, Any] | bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Plain data as JSON, or what was :func:`written`; no cache keeps it."""
    body = content if isinstance(content, bytes) else written(content)
    return Response(body, status, {"Cache-Control": "no-store", **(headers or {})}, "application/json")


def when(seconds: float | None) -> str | None:
    """A time since 1970 as RFC 3339 writes it, in UTC."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def address(job: Job) -> str:
    """Where a job is."""
    return f"{BASE}/jobs/{job.id}"


def job_answer(job: Job) -> dict[str, Any]:
    """A job; see :class:`dubkit.service.api.schemas.JobAnswer`."""
    here = address(job)
    return {
        "id": job.id,
        "kind": job.kind,
        "parent": job.parent,
        "status": job.status,
        "cancelling": job.cancelling,
        "film": {"name": job.film.name, "bytes": job.film.n_bytes, "duration": job.film.duration},
        "source_language": job.source,
        "target_language": job.target,
        "profile": job.profile,
        "start_time": job.start,
        "duration": job.duration,
        "revision": job.revision,
        "dubbed_revision": job.dubbed,
        "stage": job.stage,
        "error": _error(job),
        "attempts": job.attempts,
        "facts": job.facts,
        "sequence": job.sequence,
        "created": when(job.created),
        "started": when(job.started),
        "finished": when(job.finished),
        "changed": when(job.changed),
        "links": {name: here + path for name, path in PATHS.items()},
    }


PATHS = {"self": "", "status": "/status", "files": "/files", "lines": "/lines", "progress": "/progress"}


def status_answer(found: JobStatus) -> dict[str, Any]:
    """How far a job is; see :class:`dubkit.service.api.schemas.StatusAnswer`."""
    job = found.job
    return {
        "id": job.id,
        "status": job.status,
        "cancelling": job.cancelling,
        "percentage": round(found.percent, 1),
        "stage": job.stage,
        "stages": [
            {
                "number": row.number,
                "stage": row.stage,
                "status": row.status,
                "done": row.done,
                "total": row.total,
                "note": row.note,
                "seconds": round(row.seconds, 3),
                "warnings": row.warnings,
            }
            for row in found.stages
        ],
        "place": found.place or None,
        "seconds_left": None if found.seconds_left is None else round(found.seconds_left, 1),
        "estimated_completion": when(found.expected_end),
        "error": _error(job),
        "revision": job.revision,
        "dubbed_revision": job.dubbed,
        "sequence": job.sequence,
        "created": when(job.created),
        "started": when(job.started),
        "finished": when(job.finished),
    }


def file_answer(link: Link) -> dict[str, Any]:
    """A file with its link; see :class:`dubkit.service.api.schemas.FileAnswer`."""
    output = link.output
    return {
        "kind": output.kind,
        "name": output.name,
        "bytes": output.n_bytes,
        "media_type": output.media_type,
        "language": output.language,
        "url": link.url,
        "expires": when(link.expires),
    }


def _error(job: Job) -> dict[str, str] | None:
    return {"type": job.error_type, "detail": job.error} if job.error or job.error_type else None

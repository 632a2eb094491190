"""Stretches of a dub to look at: cut from what is finished, or a job of their own where corrections are not dubbed yet."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from dubkit.errors import BadInput, is_final
from dubkit.record import Seconds
from dubkit.service.jobs.job import Conflict, Job, NewJob, Output
from dubkit.service.storage import Storage
from dubkit.store import digest

SHORTEST: Seconds = 1.0
LONGEST: Seconds = 120.0
WIDTH = 854
"""Pixels."""
AT_ONCE = 2
"""Clips that are cut at the same time."""
PASSING: Seconds = 60.0
"""How long a failure that may pass is told, before the same is tried again."""


def stretch(job: Job, start: Seconds, duration: Seconds) -> tuple[Seconds, Seconds]:
    """A stretch within the job's film, to tenths of a second, so that there are not endlessly many; its end may be the film's.

    Raises
    ------
    BadInput
        If it is too short or too long, or the film has ended before.
    """
    if not SHORTEST <= duration <= LONGEST:
        raise BadInput(f"A preview lasts {SHORTEST:g} to {LONGEST:g} s, not {duration:g} s.")
    if not 0 <= start < math.inf:
        raise BadInput(f"A preview cannot begin at {start:g} s: give 0 or more.")
    start = round(start, 1)
    # A hundredth, so that rounding keeps the end within the film.
    end = min(round(start + duration, 1), math.floor(job.length * 100) / 100)
    if end - start < min(SHORTEST, job.length) - 0.01:
        raise BadInput(
            f"The film lasts {job.length:.1f} s: a preview cannot begin at {start:g} s. Choose an earlier start."
        )
    return start, round(end - start, 2)


def of_dub(
    job: Job, film: tuple[Seconds, Seconds], heard: tuple[Seconds, Seconds], storage: Storage, home: Path
) -> Output:
    """A stretch of a finished dub, as a small MP4 that is cut when it is first asked for.

    Parameters
    ----------
    job : Job
    film : (float, float)
        Start and duration, in seconds of the film.
    heard : (float, float)
        Start and end of the same in seconds of the dub, whose picture may be slowed.
    storage : Storage
    home : Path
        A folder of this machine with room for it.
    """
    from dubkit.players import small_copy

    place = f"previews/{job.id}/{job.dubbed}-{film[0]:.2f}-{film[1]:.2f}.mp4"
    name = f"{Path(job.film.name).stem}.{job.target}.preview.mp4"
    n_bytes = storage.size(place)
    if n_bytes is None:
        dub = next(output.place for output in job.outputs if output.kind == "video")
        with tempfile.TemporaryDirectory(dir=home, prefix="preview-") as folder, storage.local(dub) as whole:
            clip = small_copy(whole, *heard, Path(folder) / "clip.mp4", WIDTH)
            n_bytes = clip.stat().st_size
            storage.upload(clip, place)
    return Output("video", name, place, n_bytes, "video/mp4", job.target)


def wanted(job: Job, start: Seconds, duration: Seconds) -> NewJob:
    """The preview job of a stretch, with the corrections made so far."""
    return NewJob(
        owner=job.owner,
        film=job.film,
        target=job.target,
        source=job.asked,
        profile=job.profile,
        settings=job.settings,
        kind="preview",
        parent=job.id,
        start=start,
        duration=duration,
        edits=job.edits,
        correlation=job.correlation,
    )


def earlier(previews: Iterable[Job], job: Job, start: Seconds, duration: Seconds) -> Job | None:
    """A preview of the same stretch with the same corrections that waits, runs, or is done and still kept.

    Raises
    ------
    Conflict
        If it failed, and the same again would, too.
    """
    for preview in previews:
        if (preview.start, preview.duration) != (start, duration) or digest(preview.edits) != digest(job.edits):
            continue
        if preview.status == "failed" and _fails_again(preview):
            raise Conflict(f"This preview failed: {preview.error}")
        if preview.status in ("queued", "running") and not preview.cancelling:
            return preview
        if preview.status == "completed" and clip(preview) is not None:
            return preview
    return None


def clip(preview: Job) -> Output | None:
    """What a preview job has made; None where that is no longer kept."""
    return next((output for output in preview.outputs if output.kind == "video"), None)


def _fails_again(preview: Job) -> bool:
    return is_final(preview.error_type) or time.time() < (preview.finished or 0.0) + PASSING

"""All that a job made, in one ZIP."""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path, PurePosixPath

from dubkit.service.jobs.job import Job, Output
from dubkit.service.storage import Storage

INSIDE = ("video", "audio", "subtitles", "transcript", "timing")
"""Kinds of files that go into it."""


def archive(job: Job, storage: Storage, home: Path) -> Output:
    """The ZIP of a job's files, put together where it is not there yet.

    Films and sounds are compressed already, so that nothing is compressed again.

    Parameters
    ----------
    job : Job
        With outputs.
    storage : Storage
        That holds them; the ZIP goes beside them.
    home : Path
        A folder of this machine with room for it.
    """
    place = str(PurePosixPath(job.outputs[0].place).parent / "all.zip")
    stem = f"{Path(job.film.name).stem}.{job.target}"
    n_bytes = storage.size(place)
    if n_bytes is None:
        with tempfile.TemporaryDirectory(dir=home, prefix="archive-") as folder:
            whole = Path(folder) / "all.zip"
            with zipfile.ZipFile(whole, "w", zipfile.ZIP_STORED) as target:
                for output in job.outputs:
                    if output.kind in INSIDE:
                        with storage.local(output.place) as path:
                            target.write(path, f"{stem}/{output.name}")
            n_bytes = whole.stat().st_size
            storage.upload(whole, place)
    return Output("zip", f"{stem}.zip", place, n_bytes, "application/zip")

"""Links to a job's files: from this server for a while, or a bucket's own."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from dubkit.record import Seconds
from dubkit.service.access.signing import FileLink, Signer
from dubkit.service.config import Config
from dubkit.service.films.arrival import cleaned_name
from dubkit.service.folder import Folder
from dubkit.service.jobs.job import Job, Output
from dubkit.service.storage import Storage

LARGE = ("video/", "audio/", "application/zip")
"""Media types of files that a bucket's own links lead to; pages take subtitles from this server alone."""
STEPS = 6
"""A link stays the same for that part of the time for which it works."""


@dataclass(frozen=True)
class Link:
    """An address from which anybody who has it can read a file until it `expires` (seconds since 1970).

    Of a preview, `shown` is begin and end of what is in it, in seconds of the film.
    """

    output: Output
    url: str
    expires: float
    shown: tuple[Seconds, Seconds] | None = None


class Links:
    """Gives links to what lies in a storage.

    Parameters
    ----------
    config : Config
    storage : Storage
    signer : Signer
    """

    def __init__(self, config: Config, storage: Storage, signer: Signer) -> None:
        self._seconds, self._storage, self._signer = config.link_seconds, storage, signer

    def link(self, job: Job, output: Output) -> Link:
        """A link to one of a job's files.

        One from this server works a little longer than it says in the configuration. Who asks every few seconds gets the same for
        a while, and so loads what it leads to but once.
        """
        now, seconds = time.time(), self._seconds
        if not isinstance(self._storage, Folder) and output.media_type.startswith(LARGE):
            url = self._storage.link(output.place, seconds, file_name=output.name, media_type=output.media_type)
            return Link(output, url, now + seconds)
        step = seconds / STEPS
        until = math.ceil(now / step) * step + seconds
        token = self._signer.sign_file(FileLink(job.id, output.place, output.name, output.media_type, until))
        return Link(output, f"/api/v1/files/{token}/{cleaned_name(output.name)}", until)

"""What becomes too old is removed: films, dubs and the results of stages, each after its own time, and what nobody refers to."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from dubkit.record import Seconds
from dubkit.service.config import Config
from dubkit.service.jobs.jobs import Jobs
from dubkit.service.storage import Storage, Stored
from dubkit.store import Store

log = logging.getLogger(__name__)

PREFIXES = ("arriving/", "films/", "dubs/", "previews/")
"""What names in the storage begin with: of films that are sent to it past the server, of films, and of what is made of them."""
ORPHANED: Seconds = 24 * 3600.0
"""Age from which a file that no job refers to is removed: a younger one may belong to a job that is just being added, or to
one that somebody still plays."""


@dataclass(frozen=True)
class Swept:
    """How many films, dubs and orphaned files were removed, and how many bytes of stages' results."""

    films: int
    dubs: int
    orphans: int
    result_bytes: int


def sweep(jobs: Jobs, config: Config, storage: Storage) -> Swept:
    """Remove what is too old. Nothing of a job that waits or runs is touched.

    Raises
    ------
    DatabaseAway
        If the database does not answer.
    DubkitError
        If the storage does not; what is removed until then stays removed.
    """
    _sweep_previews(jobs, storage)
    films = _sweep_films(jobs, config, storage) if config.keep_films else 0
    dubs = _sweep_dubs(jobs, config, storage) if config.keep_dubs else 0
    orphans = _sweep_orphans(jobs, storage)
    freed = Store(config.store).expire(config.keep_results) if config.keep_results else 0
    return Swept(films, dubs, orphans, freed)


def _sweep_previews(jobs: Jobs, storage: Storage) -> None:
    """Previews are for the moment: whoever wants one again has it made again."""
    for job in jobs.expired_previews(ORPHANED):
        jobs.delete(job.id, None)
        for output in job.outputs:
            storage.delete(output.place)


def _sweep_films(jobs: Jobs, config: Config, storage: Storage) -> int:
    gone = [job.film.place for job in jobs.expired_films(config.keep_films) if jobs.forget_film(job.id)]
    # Several jobs may have been asked of one film.
    places = set(gone) - jobs.places()
    for place in places:
        storage.delete(place)
    return len(places)


def _sweep_dubs(jobs: Jobs, config: Config, storage: Storage) -> int:
    old = [job for job in jobs.expired_dubs(config.keep_dubs) if jobs.forget_outputs(job.id)]
    for job in old:
        for output in job.outputs:
            storage.delete(output.place)
    return len(old)


def _sweep_orphans(jobs: Jobs, storage: Storage) -> int:
    """Files that no job refers to: of an attempt that died, of a dub that was made anew, of a film that was not taken."""
    # Listed before the jobs are asked: a film that comes in between is then not in the list.
    found = [file for prefix in PREFIXES for file in storage.names(prefix)]
    # What is put beside a job's files belongs to them, such as an archive of all.
    used = {_folder(place) for place in jobs.places()}
    return _delete(storage, (file for file in found if _folder(file.name) not in used))


def _delete(storage: Storage, files: Iterable[Stored]) -> int:
    before = time.time() - ORPHANED
    old = [file.name for file in files if file.modified < before]
    for name in old:
        storage.delete(name)
    return len(old)


def _folder(place: str) -> str:
    return str(PurePosixPath(place).parent)

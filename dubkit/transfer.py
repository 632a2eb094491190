"""Films that live in a bucket: brought here before a run, and the dub taken back after it."""

from __future__ import annotations

from pathlib import Path

from dubkit.output import default_target
from dubkit.service.storage import locate
from dubkit.store import default_root, digest


def is_remote(place: str) -> bool:
    """Whether a film or target is given as an address such as ``s3://bucket/film.mp4``."""
    return "://" in place


def fetch(video: str, store: str | Path | None = None) -> Path:
    """The film as a local file; one from a bucket is kept in the store, so that its run can be opened again.

    Raises
    ------
    BadInput
        If it is not there.
    """
    if not is_remote(video):
        return Path(video)
    storage, name = locate(video)
    home = Path(store or default_root()) / "films" / digest(video)[:12]
    return storage.download(name, home / name)


def local_target(out: str | None, film: Path, target: str, remote_film: bool, folder: Path) -> Path:
    """Where the dub is written first: `out` itself, or a file in `folder` that is handed over afterwards.

    Without `out` it is beside the film, or in the current folder for a film from a bucket.
    """
    if out is None:
        beside = default_target(film, target)
        return Path(beside.name) if remote_film else beside
    return folder / locate(out)[1] if is_remote(out) else Path(out)


def hand_over(written: Path, out: str | None) -> str:
    """Take the film and the subtitles beside it to where `out` says; gives the film's address."""
    if out is None or not is_remote(out):
        return str(written)
    storage, name = locate(out)
    for path in sorted(written.parent.glob(f"{written.stem}*.[sv]t[rt]")):
        storage.upload(path, path.name)
    return storage.upload(written, name)

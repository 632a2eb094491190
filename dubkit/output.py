"""Finished films leave the store: where to, what must not be overwritten, and the copying."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from pathlib import Path

from dubkit.artefacts import Dub
from dubkit.errors import BadInput
from dubkit.store import told

SUBTITLES = (".srt", ".vtt")
# What file systems allow, and the most that a subtitle's name adds to the film's.
NAME_BYTES, LONGEST_TAIL = 255, ".zh-Hant+sr-Latn.srt"


def default_target(video: Path, target: str) -> Path:
    """Beside the film: ``talk.mp4`` in Portuguese is ``talk.pt.mp4``."""
    return video.with_name(f"{video.stem}.{target}.mp4")


def check_target(out: Path, video: Path) -> None:
    """Refuse, before any work, a target that would harm something or cannot be written.

    Raises
    ------
    BadInput
        If `out` is the film itself, a folder, or would replace a file that dubkit did not make.
    OutOfSpace
        If its folder cannot be written.
    """
    if out.suffix.lower() in SUBTITLES:
        raise BadInput(f"{out} would be the name of subtitles. Give the name of a video file, such as {out.stem}.mp4.")
    if len(os.fsencode(f"{out.stem}{LONGEST_TAIL}")) > NAME_BYTES:
        raise BadInput(f"The name {out.name!r} is too long to add a subtitle's ending to. Choose a shorter --out.")
    if out.exists():
        if out.samefile(video):
            raise BadInput(f"{out} is the film itself, which is never changed. Choose another --out.")
        if not out.is_file():
            raise BadInput(f"{out} is a folder. Give the name of a file, such as {out / 'dub.mp4'}.")
        if not made_here(out):
            raise BadInput(f"{out} exists and was not made by dubkit. Remove it or choose another --out.")
    else:
        _check_free([out.with_suffix(s) for s in SUBTITLES])
    folder = next(p for p in out.absolute().parents if p.exists())
    with told(folder), tempfile.TemporaryFile(dir=folder):
        pass


def save(dub: Dub, out: Path) -> Path:
    """Copy the film to `out` and its subtitles beside it; each appears when it is whole.

    The target language's subtitles take the film's name (``talk.pt.srt`` for ``talk.pt.mp4``), so that players find
    them; the others get their languages added (``talk.pt.en.srt``, ``talk.pt.pt+en.srt``).

    Raises
    ------
    BadInput
        If subtitles that dubkit did not make are in the way.
    OutOfSpace
        If it cannot be written there.
    """
    copies = {dub.video.path: out}
    for number, file in enumerate(dub.subtitles):
        language = "" if number < 2 else file.path.suffixes[0]
        copies[file.path] = out.with_name(out.stem + language + file.path.suffix)
    if not out.exists():
        _check_free(list(copies.values()))
    with told(out.parent):
        out.parent.mkdir(parents=True, exist_ok=True)
        for source, target in copies.items():
            partial = target.with_name(f".{uuid.uuid4().hex}{target.suffix}")
            try:
                shutil.copyfile(source, partial)
                partial.replace(target)
            finally:
                partial.unlink(missing_ok=True)
    return out


def _check_free(paths: list[Path]) -> None:
    """Refuse to replace what lies there without a film of dubkit's beside it.

    Raises
    ------
    BadInput
        The message names the first.
    """
    if taken := [path for path in paths if path.exists()]:
        raise BadInput(f"{taken[0]} exists and would be replaced. Remove it or choose another --out.")


def made_here(path: Path) -> bool:
    """Whether the container says that dubkit wrote it."""
    import av

    try:
        with av.open(f"file:{path.absolute()}", format="mov") as container:
            return "dubkit" in container.metadata.get("comment", "")
    except av.error.FFmpegError:
        return False

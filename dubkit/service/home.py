"""The folder of a service on this machine, which is closed to its other users: it holds films, keys' digests and the secret."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from dubkit.errors import BadInput, OutOfSpace

FULL = (errno.ENOSPC, errno.EDQUOT)
OWN = ("secret", "service.sqlite")
"""What tells that a folder is a service's already."""


def settle(home: Path) -> None:
    """Make the folder, or see that the one there is can be written and is closed to others.

    Raises
    ------
    BadInput
        If it cannot be had, or others can read it and it is not a service's own to be closed.
    OutOfSpace
        If the disk is full.
    """
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        _close(home)
    except OSError as error:
        if error.errno in FULL:
            raise OutOfSpace(f"DUBKIT_HOME {home} cannot be made: {error.strerror}. Free room.") from error
        said = "it is a file" if isinstance(error, FileExistsError) else error.strerror
        raise BadInput(
            f"DUBKIT_HOME {home} cannot be the service's folder: {said}. Name another that you may write."
        ) from error
    if not os.access(home, os.R_OK | os.W_OK | os.X_OK):
        raise BadInput(f"DUBKIT_HOME {home} cannot be read and written by this user. Name another folder.")


def _close(home: Path) -> None:
    found = home.stat()
    if not stat.S_IMODE(found.st_mode) & 0o077:
        return
    if found.st_uid != os.geteuid():
        why = "belongs to another user"
    elif any(home.iterdir()) and not any((home / name).exists() for name in OWN):
        why = "holds other things"
    else:
        home.chmod(0o700)
        return
    raise BadInput(
        f"DUBKIT_HOME {home} can be read by other users of this machine, and {why}: it is not closed to them unasked. "
        f"Name a folder inside it, such as {home / 'dubkit'}, which is then made; or close it: chmod 700 {home}"
    )


@contextlib.contextmanager
def private() -> Iterator[None]:
    """Make files in the block for this user alone."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)

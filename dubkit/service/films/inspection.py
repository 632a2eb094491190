"""Look into films of strangers, in processes of their own: a film that brings one down harms nothing else."""

from __future__ import annotations

import logging
import multiprocessing
import os
import resource
import threading
import time
from concurrent.futures import CancelledError
from pathlib import Path
from typing import TYPE_CHECKING

from pebble import ProcessPool

from dubkit.errors import BadInput

if TYPE_CHECKING:
    from dubkit.artefacts import Media
    from dubkit.service.config import Config

log = logging.getLogger(__name__)

PROCESSES = 2
"""Films that are looked into at once; others wait their turn."""
MOST_SECONDS = 30.0
"""For one film: reading 200 MiB takes a second or two."""
MOST_MEMORY = 4 * 2**30
"""Bytes of addresses that such a process may have."""


class NotDubbed(BadInput):
    """A film cannot be dubbed here, now or later: it is damaged, or lacks something."""


class TooLong(NotDubbed):
    """A film plays for longer than this service takes."""


class Inspector:
    """Tells what is in a film, or why it cannot be dubbed.

    Parameters
    ----------
    config : Config
    most_seconds : float
        How long looking into one film may take.
    """

    def __init__(self, config: Config, most_seconds: float = MOST_SECONDS) -> None:
        self._longest, self._most_seconds = config.max_seconds, most_seconds
        # Its processes start with the first film, or before, and stay.
        self._pool = ProcessPool(PROCESSES, initializer=_confine, context=multiprocessing.get_context("spawn"))

    def begin(self) -> None:
        """Start its processes, so that nobody waits for that."""
        self._pool.schedule(_nothing)

    def inspect(self, path: Path, name: str = "") -> Media:
        """What is in a film.

        Parameters
        ----------
        path : Path
        name : str
            What errors call it; empty for the path's own name.

        Raises
        ------
        NotDubbed
            If it is damaged, cut, lacks picture or sound, or cannot be looked into within the time or the memory for that.
        TooLong
            If it plays for too long.
        """
        shown = repr(name or path.name)
        looking = self._pool.schedule(_look, args=[path], timeout=self._most_seconds)
        try:
            media = looking.result()
        except BadInput as error:
            raise NotDubbed(str(error).replace(repr(path.name), shown)) from None
        except TimeoutError:
            raise NotDubbed(
                f"{shown} could not be read within {self._most_seconds:.0f} s. Convert it to MP4 first."
            ) from None
        except CancelledError:
            raise
        except Exception as error:
            # A crash of the process, no memory, or whatever else a library makes of bytes that nobody foresaw.
            log.warning("a film could not be looked into", exc_info=error)
            raise NotDubbed(f"{shown} cannot be read: it is damaged. Convert it to MP4 first.") from None
        if media.duration > self._longest:
            raise TooLong(
                f"{shown} plays for {media.duration / 60:.1f} minutes; up to {self._longest / 60:g} are taken. Cut it first."
            )
        return media

    def close(self) -> None:
        """End its processes; films that are being looked into are given up."""
        self._pool.stop()
        self._pool.join()


def _nothing() -> None:
    """What a process is asked to do that is merely to be there."""


def _look(path: Path) -> Media:
    from dubkit.media import probe

    return probe(path)


def _confine() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Those who ask how far their films are go first.
    os.nice(5)
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    # Whoever hands in a film should not wait for this.
    import dubkit.media  # noqa: F401


def _end_with(parent: int) -> None:
    """A server that was killed cannot end its processes."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)

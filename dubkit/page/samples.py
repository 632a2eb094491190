"""Films to try the page with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dubkit.record import Seconds


@dataclass(frozen=True)
class Sample:
    """A film that is there for everybody.

    Parameters
    ----------
    id : str
    title, what : str
        Its name, and a sentence on what is in it.
    language : str
        What is spoken, as a code.
    duration : float
        In seconds.
    path : Path
    licence : str
    """

    id: str
    title: str
    what: str
    language: str
    duration: Seconds
    path: Path
    licence: str

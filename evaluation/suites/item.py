"""A film to be dubbed, with what is known about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from data.truth import Truth

REPLACEABLE = ("separate", "diarize", "segment", "transcribe", "detect_gender", "translate")
"""The stages that the truth can replace: :mod:`evaluation.oracle` does."""


@dataclass(frozen=True)
class Item:
    """A film to be dubbed, and what is known about it.

    Parameters
    ----------
    id : str
        ``SAMPLE>TARGET``; its units are those of the reference, whatever the system.
    video : Path
        The film.
    truth : Truth or None
        Who says what and when, and reference translations; None where that is not known exactly.
    text : str
        All that is said; empty where that is not known.
    language, target : str
        BCP-47 codes; the language is ``und`` where several are spoken, and empty where it is not known.
    folder : Path
        Where the film lies, with ``audio.wav`` and, for some, the stems ``speech.wav`` and ``music.wav``.
    licence : str
        Of the film.
    given : tuple of str
        Stages of :data:`REPLACEABLE` that the truth replaces, the suite's included.
    changes : mapping
        Settings by dotted name.
    """

    id: str
    video: Path
    truth: Truth | None
    text: str
    language: str
    target: str
    folder: Path
    licence: str
    given: tuple[str, ...] = ()
    changes: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of_film(
        cls, name: str, video: Path, target: str, *, truth: Truth | None = None, folder: Path | None = None
    ) -> Item:
        """Any film as an item; `folder` is where its stems would lie, by default its own."""
        return cls(
            id=f"{name}>{target}",
            video=video,
            truth=truth,
            text=truth.text if truth else "",
            language=truth.language if truth else "",
            target=target,
            folder=folder or video.parent,
            licence="",
        )

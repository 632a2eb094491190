"""Everything that is known about one dub: the truth, what each stage made, and what the judges heard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dubkit.artefacts import (
    Casting,
    Dub,
    Media,
    Segments,
    Soundtrack,
    Speakers,
    Speech,
    Tracks,
    Transcript,
    Translation,
    Turns,
)
from dubkit.record import AudioFile
from dubkit.settings import Settings
from evaluation.judging.screening import Appraisal, DubbedLines, Reading, Screening

if TYPE_CHECKING:
    from evaluation.suites import Item


@dataclass(frozen=True)
class Evidence:
    """What metrics may look at; all but the item may be missing, and then the metrics that need it are left out.

    Parameters
    ----------
    item : Item
        The film, its languages, and the truth.
    settings : Settings, optional
        Of the run.
    given : tuple of str
        Stages that the truth replaced: they are not scored.
    records : mapping
        The store's record of each stage, by its name.
    media ... dub
        What the stages made.
    screening, reading, dubbedlines, appraisal
        The finished film as it was heard; see :mod:`evaluation.judging.screening`.
    film : Path, optional
        The finished film.
    original : AudioFile, optional
        The source's sound, where no stage took it apart.
    """

    item: Item
    settings: Settings | None = None
    given: tuple[str, ...] = ()
    records: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    media: Media | None = None
    tracks: Tracks | None = None
    turns: Turns | None = None
    segments: Segments | None = None
    transcript: Transcript | None = None
    speakers: Speakers | None = None
    translation: Translation | None = None
    casting: Casting | None = None
    speech: Speech | None = None
    soundtrack: Soundtrack | None = None
    dub: Dub | None = None
    screening: Screening | None = None
    reading: Reading | None = None
    dubbedlines: DubbedLines | None = None
    appraisal: Appraisal | None = None
    film: Path | None = None
    original: AudioFile | None = None

    @property
    def spoken_language(self) -> str:
        """The one language of the film, by which texts are normalised; empty where it is not known or there are several."""
        return "" if self.item.language == "und" else self.item.language

    @property
    def source_sound(self) -> AudioFile | None:
        """The source's whole sound."""
        return self.tracks.full if self.tracks else self.original

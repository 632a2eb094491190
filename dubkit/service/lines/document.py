"""The editor's document as plain values: the lines, speakers and voices of a dub, and what was corrected by hand."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dubkit.artefacts import Gender
from dubkit.record import Seconds

if TYPE_CHECKING:
    from pydantic import TypeAdapter


@dataclass(frozen=True)
class DocumentLine:
    """A line of the film and of the dub.

    Parameters
    ----------
    id : str
    speaker : str
        The id of who says it.
    start, end : float
        When the original sounds, in seconds of the film.
    source_text, text : str
        What was said, and what is said in the dub.
    candidates : tuple of str
        Other wordings that the translator offers.
    dub_start, dub_end : float or None
        When the dub sounds, in seconds of the dub; None where it does not.
    rate, drift : float or None
        How fast it is spoken, 1 being natural, and how many seconds late it starts.
    flag, reason : str
        As in :class:`dubkit.artefacts.Placement`.
    dropped : bool
        Whether it was removed: it is neither spoken nor shown, and what the original says there is left as it is.
    corrected : tuple of str
        The fields that were changed by hand.
    pending : tuple of str
        Those that the dub does not have yet.
    found : dict
        What the corrected fields were before.
    note : str
        What a user must know about its corrections.
    of : str
        Digest of the row of the transcript.
    """

    id: str
    speaker: str
    start: Seconds
    end: Seconds
    source_text: str
    text: str = ""
    candidates: tuple[str, ...] = ()
    dub_start: Seconds | None = None
    dub_end: Seconds | None = None
    rate: float | None = None
    drift: Seconds | None = None
    flag: str = ""
    reason: str = ""
    dropped: bool = False
    corrected: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    found: dict[str, Any] = field(default_factory=dict)
    note: str = ""
    of: str = ""


@dataclass(frozen=True)
class DocumentSpeaker:
    """Somebody who speaks in the film, and who speaks for them.

    Parameters
    ----------
    id, name : str
    gender : str
        ``female``, ``male`` or ``unknown``; ``confidence`` is how sure that was when it was heard, in [0, 1].
    pitch : float or None
        Median, in Hz.
    speech_seconds : float
    voice, voice_reason : str
        The voice's id, and why it was chosen; empty where somebody has no lines.
    n_lines : int
        How many lines they have.
    merged_into : str
        The speaker who has all of their lines now.
    corrected, pending, found, of
        As those of a line.
    """

    id: str
    name: str
    gender: Gender
    confidence: float
    pitch: float | None
    speech_seconds: Seconds
    voice: str = ""
    voice_reason: str = ""
    n_lines: int = 0
    merged_into: str = ""
    corrected: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    found: dict[str, Any] = field(default_factory=dict)
    of: str = ""


@dataclass(frozen=True)
class DocumentVoice:
    """A voice that may be chosen; ``model`` is as in :class:`dubkit.artefacts.Voice`."""

    id: str
    name: str
    gender: Gender
    language: str
    model: str = ""


@dataclass(frozen=True)
class Stretches:
    """Where a line sounds: (start, end) in seconds of the film, and in seconds of the dub."""

    film: tuple[Seconds, Seconds]
    dub: tuple[Seconds, Seconds]


@dataclass(frozen=True)
class Document:
    """All that an editor shows of a dub.

    Parameters
    ----------
    source, target : str
        Languages.
    duration : float
        The film's, in seconds.
    lines : tuple of DocumentLine
        In the order of the film.
    speakers : tuple of DocumentSpeaker
        In order of appearance.
    voices : tuple of DocumentVoice
        Of the target language, best first.
    knots : tuple of (float, float)
        As in :class:`dubkit.artefacts.Soundtrack`.
    revision : int
        Of the corrections that are shown.
    """

    source: str
    target: str
    duration: Seconds
    lines: tuple[DocumentLine, ...] = ()
    speakers: tuple[DocumentSpeaker, ...] = ()
    voices: tuple[DocumentVoice, ...] = ()
    knots: tuple[tuple[Seconds, Seconds], ...] = ()
    revision: int = 0

    def to_json(self) -> str:
        """What :meth:`from_json` reads."""
        return _adapter().dump_json(self, exclude_defaults=True).decode()

    @classmethod
    def from_json(cls, text: str) -> Document:
        """A document that was written down.

        Raises
        ------
        ValueError
            If it is none.
        """
        return _adapter().validate_json(text)


@functools.cache
def _adapter() -> TypeAdapter[Document]:
    from pydantic import TypeAdapter

    return TypeAdapter(Document)

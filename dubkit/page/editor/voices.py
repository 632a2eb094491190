"""Who speaks in a film, which voices there are for them, and how a voice sounds."""

from __future__ import annotations

from typing import Any

from dubkit.errors import BadInput
from dubkit.page.editor import clips
from dubkit.record import Seconds
from dubkit.service.lines.line_changes import LineChanges
from dubkit.service.lines.lines import Document
from dubkit.service.service import Service

HEARD: Seconds = 3.5
"""Long enough to know a voice by."""


def cast(document: Document) -> dict[str, Any]:
    """The speakers, and the voices that they could have."""
    return {
        "speakers": [
            {
                "id": speaker.id,
                "name": speaker.name,
                "gender": speaker.gender,
                "voice": speaker.voice,
                "reason": speaker.voice_reason,
                "seconds": speaker.speech_seconds,
                "merge_into": speaker.merged_into,
                "corrected": bool(speaker.corrected or speaker.merged_into),
                "pending": speaker.pending,
            }
            for speaker in document.speakers
        ],
        "voices": [{"id": voice.id, "name": voice.name, "gender": voice.gender} for voice in document.voices],
    }


def audition(service: Service, owner: str, id: str, speaker: str, voice: str) -> dict[str, Any]:
    """A voice saying one of a speaker's lines, in the film: a link to it, or how far it is.

    Raises
    ------
    BadInput
        If the speaker says nothing.
    """
    lines = [line for line in service.lines(owner, id).lines if line.speaker == speaker and not line.dropped]
    if not lines:
        raise BadInput("This speaker has no line that the voice could say.")
    line = min(lines, key=lambda line: abs(line.end - line.start - HEARD))
    changes = LineChanges.model_validate({"speakers": {speaker: {"voice": voice}}})
    return clips.preview(service, owner, id, line.start, line.end, changes)

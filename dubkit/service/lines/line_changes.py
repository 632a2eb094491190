"""Corrections as an editor sends them, checked against its document and turned into those that runs keep."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FiniteFloat, StringConstraints

from dubkit.artefacts import Gender
from dubkit.edits import Edits
from dubkit.service.lines.draft import Draft, known
from dubkit.service.lines.lines import Document

LONGEST_TEXT = 2000
LONGEST_NAME = 60


def _clean(text: str) -> str:
    """One line of text, as it is spoken and shown."""
    text = " ".join(text.split())
    if any(unicodedata.category(sign) in ("Cc", "Cs") for sign in text):
        raise ValueError("it holds control characters")
    return text


Text = Annotated[str, AfterValidator(_clean), StringConstraints(max_length=LONGEST_TEXT)]
Name = Annotated[str, AfterValidator(_clean), StringConstraints(max_length=LONGEST_NAME)]


class LineChange(BaseModel):
    """New values of a line; null takes a correction back, and what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    source_text: Text | None = Field(
        None, description="What was said. Without a text of its own it is translated anew."
    )
    text: Text | None = Field(None, description="What the dub says.")
    speaker: str | None = Field(None, description="The id of who says it.")
    start: FiniteFloat | None = Field(None, description="When the original begins, in seconds of the film.")
    end: FiniteFloat | None = Field(None, description="When it is over, in seconds of the film.")


class SpeakerChange(BaseModel):
    """New values of a speaker; null takes a correction back, and what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    name: Name | None = Field(None, description="As subtitles show it.")
    gender: Gender | None = Field(None, description="The voice follows it, unless one is chosen.")
    voice: str | None = Field(None, description="The id of one of the document's voices.")
    merge_into: str | None = Field(None, description="The id of the speaker who gets all lines of this one.")


class LineChanges(BaseModel):
    """Corrections of a document: first those are taken back that are to be, then lines are changed, then speakers."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "lines": {"u0003": {"text": "Muito bem."}, "u0007": None},
                    "speakers": {"S1": {"name": "Ana", "gender": "female"}, "S3": {"merge_into": "S2"}},
                    "reset": ["u0005"],
                }
            ]
        },
    )

    lines: dict[str, LineChange | None] = Field(
        default_factory=dict, description="By id; null removes a line and takes its other corrections back."
    )
    speakers: dict[str, SpeakerChange] = Field(default_factory=dict, description="By id.")
    reset: list[str] = Field(
        default_factory=list,
        description="Ids of lines and speakers that are to be as they were found, or `all`. A speaker gets back the lines "
        "that were given to others.",
    )


def changed(document: Document, edits: Mapping[str, Edits], changes: LineChanges) -> dict[str, Edits]:
    """The corrections with some changes made to them; nothing is kept if one of these cannot be.

    A value that is shown already changes nothing. A translation written by hand stays where just its source text is changed.
    Speakers keep the voices that they have, unless their own gender or voice is corrected: who else is cast does not matter.

    Parameters
    ----------
    document : Document
        As the worker made it.
    edits : mapping
        The corrections made before, by stage.
    changes : LineChanges

    Raises
    ------
    BadInput
        If there is no such line, speaker or voice, or it cannot be so; the message names it.
    """
    draft = Draft(document, edits)
    for name in dict.fromkeys(changes.reset):
        draft.reset(name)
    lines = {line.id: line for line in draft.shown.lines}
    for name, change in changes.lines.items():
        draft.change_line(known(lines, name, "line"), change)
    for name, wanted in changes.speakers.items():
        draft.change_speaker(name, wanted)
    draft.cast()
    return {stage: rows for stage, rows in draft.edits.items() if rows}

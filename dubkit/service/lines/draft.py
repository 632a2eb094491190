"""Corrections of a document while they are being changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from dubkit.artefacts import Casting, Role, Speaker, Speakers, Transcript, Translation, Voice
from dubkit.edits import Edits
from dubkit.edits import edits as checked
from dubkit.errors import BadInput, listed
from dubkit.record import Artefact, Seconds
from dubkit.service.lines.lines import (
    BY_HAND,
    GENDER_BY_HAND,
    HEARD,
    Document,
    DocumentLine,
    DocumentSpeaker,
    by_hand,
    fields_of,
    heard,
    shown,
    shown_line,
    translated,
)
from dubkit.stages.assign_voices import AssignVoicesSettings, choose, wanted_gender

if TYPE_CHECKING:
    from dubkit.service.lines.line_changes import LineChange, SpeakerChange

SHORTEST: Seconds = 0.1
"""A line that is to be spoken takes some time."""
MIDDLE_PITCH = AssignVoicesSettings().middle_pitch
ROUNDED = 5e-4
"""Times that differ by less are the same."""

Stages = dict[str, Edits]
Row = TypeVar("Row")


class Draft:
    """Corrections that are being changed."""

    def __init__(self, document: Document, edits: Mapping[str, Edits]) -> None:
        self.document = document
        self.edits: Stages = {stage: dict(rows) for stage, rows in edits.items()}
        self.lines = {line.id: line for line in document.lines}
        self.speakers = {one.id: one for one in document.speakers}
        self.voices = {
            one.id: Voice(id=one.id, language=one.language, gender=one.gender, name=one.name, model=one.model)
            for one in document.voices
        }

    @property
    def shown(self) -> Document:
        """The document with the corrections so far."""
        return shown(self.document, self.edits)

    def reset(self, name: str) -> None:
        """Take back all corrections of a line or speaker, or all there are."""
        if name == "all":
            self.edits.clear()
        elif name in self.speakers:
            self._drop(name, "detect_gender", "assign_voices")
            self._take_back_lines(name)
        else:
            self._drop(known(self.lines, name, "line").id, "transcribe", "translate")

    def change_line(self, line: DocumentLine, change: LineChange | None) -> None:
        """Correct a line that is shown so, or remove it."""
        if change is None:
            self._drop(line.id, "translate")
            self._put("transcribe", line.id, {"of": line.of, "fields": None})
            return
        if line.dropped:
            raise BadInput(f"Line {line.id} was removed: take that back first ('reset'), or in the same request.")
        fields = change.model_dump(exclude_unset=True)
        new = {name: value for name, value in fields.items() if value is None or not _same(value, getattr(line, name))}
        for name in ("source_text", "text"):
            if new.get(name) == "":
                raise BadInput(f"The {name} of line {line.id} is empty. Write what is said, or remove the line.")
        if new.get("speaker") is not None:
            known(self.speakers, new["speaker"], "speaker")
        text = new.pop("text", _UNCHANGED)
        if new:
            self._change_heard(line, new)
        if text is None:
            self._drop(line.id, "translate")
        elif text is not _UNCHANGED or "text" in line.corrected:
            self._write(line.id, line.text if text is _UNCHANGED else text)

    def change_speaker(self, name: str, change: SpeakerChange) -> None:
        """Correct a speaker, or give all of their lines to another."""
        one = known({s.id: s for s in self.shown.speakers}, name, "speaker")
        new: dict[str, Any] = change.model_dump(exclude_unset=True)
        if new.get("name") == "":
            raise BadInput(f"The name of speaker {name} is empty. Give one, or null for the name that was found.")
        if new.get("merge_into") is not None:
            self._merge(one, known(self.speakers, new["merge_into"], "speaker"))
        elif "merge_into" in new:
            self._take_back_lines(name)
        if found := {key: value for key, value in new.items() if key in ("name", "gender")}:
            self._change_cast(one, found)
        if "voice" in new and (new["voice"] != one.voice or "voice" in one.pending):
            self._choose(one, new["voice"])

    def cast(self) -> None:
        """Hold every voice that nobody asked to change, where corrections would make the roles be cast anew."""
        roles = self.edits.setdefault("assign_voices", {})
        for name in [name for name, role in roles.items() if not by_hand(role)]:
            del roles[name]
        if not self._casts_anew():
            return
        before = {one.id: one for one in self.document.speakers}
        cast = [one for one in self.shown.speakers if one.n_lines]
        taken = [one.voice for one in cast if one.id in roles]
        others = [one for one in cast if one.id not in roles]
        kept = {one.id: before[one.id].voice for one in others if self._keeps(one, before[one.id])}
        taken += kept.values()
        for one in others:
            if one.id in kept:
                self._give(one, kept[one.id], before[one.id].voice_reason)
            else:
                role = choose(
                    tuple(self.voices.values()), wanted_gender(_speaker(one), MIDDLE_PITCH), taken, _speaker(one)
                )
                taken.append(role.voice.id)
                self._give(one, role.voice.id, GENDER_BY_HAND if "gender" in one.found else role.reason)

    def _casts_anew(self) -> bool:
        genders = any("gender" in (change["fields"] or {}) for change in self.edits.get("detect_gender", {}).values())
        moved = (change["fields"] for change in self.edits.get("transcribe", {}).values())
        return genders or any(fields is None or "speaker" in fields for fields in moved)

    def _keeps(self, one: DocumentSpeaker, before: DocumentSpeaker) -> bool:
        """Whether a speaker's voice in the dub is the one to keep: it was found for them as they are."""
        return one.gender == before.gender and before.voice in self.voices and before.voice_reason != BY_HAND

    def _take_back_lines(self, name: str) -> None:
        """Give a speaker the lines that were theirs and are another's now."""
        for line in self.shown.lines:
            if heard(line).speaker == name and line.speaker != name:
                self._change_heard(line, {"speaker": None})

    def _change_heard(self, line: DocumentLine, new: Mapping[str, Any]) -> None:
        row = heard(line)
        before = fields_of(row)
        now = {name: getattr(line, name) for name in before}
        now |= {name: before[name] if value is None else _rounded(value) for name, value in new.items()}
        if not (now["start"] >= 0 and now["end"] - now["start"] >= SHORTEST - ROUNDED):
            raise BadInput(
                f"Line {line.id} cannot last from {now['start']:g} to {now['end']:g} s: it begins at 0 s or later, and ends "
                f"at least {SHORTEST:g} s after that."
            )
        if now["end"] > max(self.document.duration, row.end) + ROUNDED:
            raise BadInput(
                f"Line {line.id} cannot end at {now['end']:g} s: the film lasts {self.document.duration:.2f} s."
            )
        fields = {HEARD[name]: value for name, value in now.items() if not _same(value, before[name])}
        transcript = Transcript(language=self.document.source, language_confidence=1.0, utterances=(row,))
        self._keep("transcribe", transcript, line.id, fields, line.of)

    def _write(self, name: str, text: str) -> None:
        """Put a translation written by hand under its line as that is now."""
        source, target = self.document.source, self.document.target
        row = translated(shown_line(self.lines[name], self.edits))
        self._keep("translate", Translation(source=source, target=target, route=(), lines=(row,)), name, {"text": text})

    def _change_cast(self, one: DocumentSpeaker, new: Mapping[str, Any]) -> None:
        before = {name: one.found.get(name, getattr(one, name)) for name in ("name", "gender")}
        now = {name: getattr(one, name) for name in before}
        now |= {name: before[name] if value is None else value for name, value in new.items()}
        row = _speaker(one).but(**before)
        fields = {name: value for name, value in now.items() if value != before[name]}
        self._keep("detect_gender", Speakers(speakers=(row,)), one.id, fields, one.of)

    def _choose(self, one: DocumentSpeaker, voice: str | None) -> None:
        if voice is None:
            self._drop(one.id, "assign_voices")
            return
        self._give(one, known(self.voices, voice, "voice").id, BY_HAND)

    def _give(self, one: DocumentSpeaker, voice: str, reason: str) -> None:
        row = Role(id=one.id, voice=self.voices[voice], reason=reason)
        self._keep("assign_voices", Casting(roles=(row,)), one.id, {"voice": row.voice, "reason": reason})

    def _merge(self, one: DocumentSpeaker, other: DocumentSpeaker) -> None:
        if one.id == other.id:
            raise BadInput(f"Speaker {one.id} cannot be merged into themselves. Name another speaker.")
        for line in self.shown.lines:
            if line.speaker == one.id and not line.dropped:
                self._change_heard(line, {"speaker": other.id})
        # Nobody speaks for somebody without lines.
        self._drop(one.id, "assign_voices")

    def _keep(
        self, stage: str, artefact: Artefact, name: str, fields: Mapping[str, Any], of: str | None = None
    ) -> None:
        """Keep new values of a row, or none where there are none; `of` where the document's row is not the whole one."""
        if not fields:
            self._drop(name, stage)
            return
        change = checked(artefact, {name: fields})[name]
        self._put(stage, name, {**change, "of": of} if of else change)

    def _put(self, stage: str, name: str, change: dict[str, Any]) -> None:
        self.edits.setdefault(stage, {})[name] = change

    def _drop(self, name: str, *stages: str) -> None:
        for stage in stages:
            self.edits.get(stage, {}).pop(name, None)


_UNCHANGED: Any = object()


def _speaker(one: DocumentSpeaker) -> Speaker:
    return Speaker(
        id=one.id,
        name=one.name,
        gender=one.gender,
        confidence=one.confidence,
        pitch=one.pitch,
        speaking_rate=0.0,
        speech_seconds=one.speech_seconds,
    )


def known(rows: Mapping[str, Row], name: str, what: str) -> Row:
    """The row of that name.

    Raises
    ------
    BadInput
        If there is none; the message says what there is.
    """
    if name not in rows:
        raise BadInput(f"There is no {what} {name!r}. There are: {listed(list(rows)) or 'none'}.")
    return rows[name]


def _same(value: object, other: object) -> bool:
    if isinstance(value, float) and isinstance(other, int | float):
        return abs(value - other) < ROUNDED
    return value == other


def _rounded(value: Any) -> Any:
    return round(value, 3) if isinstance(value, float) else value

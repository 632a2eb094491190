"""The lines of a dub for an editor: as they are dubbed, and as they were corrected since.

A worker makes the document from a finished run (:func:`document`) and keeps it beside the dub. It holds all that corrections
are checked against, so that they can be made (:mod:`dubkit.service.lines.line_changes`) and shown (:func:`shown`) without
the run, its models or its store.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dubkit.artefacts import Line, Placement, Speaker, Utterance
from dubkit.edits import Edits, identity
from dubkit.retiming import TimeMap
from dubkit.service.lines.document import Document, DocumentLine, DocumentSpeaker, DocumentVoice, Stretches

if TYPE_CHECKING:
    from dubkit.run import Run

__all__ = ["Document", "DocumentLine", "DocumentSpeaker", "DocumentVoice", "Stretches", "clips", "document", "shown"]

SET_ASIDE = "A correction was set aside: what it was made for has changed since."
ANEW = "It will be translated anew."
KEPT = "The translation stays as it was written by hand."
BY_HAND = "chosen by hand"
GENDER_BY_HAND = "by the gender that was given"
HEARD = {"speaker": "speaker", "start": "start", "end": "end", "source_text": "text"}
"""The fields of a line that are corrected in the transcript, and what they are called there."""

Edit = Mapping[str, Any]


def clips(document: Document) -> dict[str, Stretches]:
    """Where each line sounds, by id; one that the dub does not have has the place of its original."""
    times = TimeMap.of(document.knots, document.duration)

    def stretches(line: DocumentLine) -> Stretches:
        film = (line.start, line.end)
        if line.dub_start is not None and line.dub_end is not None:
            return Stretches(film, (line.dub_start, line.dub_end))
        return Stretches(film, (times.dub(line.start), times.dub(line.end)))

    return {line.id: stretches(line) for line in document.lines}


def document(run: Run) -> Document:
    """The document of a finished run, with its corrections."""
    from dubkit import execution
    from dubkit.stages.synthesize import synthesize

    target = run.settings.translate.target
    voices = execution.backend(synthesize, run.settings).voices(target)
    found = Document(
        source=run.transcript.language,
        target=target,
        duration=run.media.duration,
        lines=_lines(run),
        speakers=_speakers(run),
        voices=tuple(DocumentVoice(v.id, v.name, v.gender, v.language, v.model) for v in voices),
        knots=run.soundtrack.knots,
    )
    return shown(found, run.log.edits)


def shown(document: Document, edits: Mapping[str, Edits]) -> Document:
    """A document with corrections as they are now; what the dub does not have of them is told as pending.

    Parameters
    ----------
    document : Document
        As the worker made it: not one that was changed by this function since.
    edits : mapping
        Corrections by stage.
    """
    lines = tuple(shown_line(line, edits) for line in document.lines)
    count = Counter(line.speaker for line in lines if not line.dropped)
    genders, voices = edits.get("detect_gender", {}), edits.get("assign_voices", {})
    speakers = tuple(
        replace(_cast(one, genders.get(one.id), voices.get(one.id)), n_lines=count[one.id], merged_into=into)
        for one in document.speakers
        for into in [_merged(one.id, lines) if not count[one.id] else ""]
    )
    return replace(document, lines=lines, speakers=speakers)


def shown_line(line: DocumentLine, edits: Mapping[str, Edits]) -> DocumentLine:
    """A line of the worker's document with corrections as they are now."""
    change, wording = edits.get("transcribe", {}).get(line.id), edits.get("translate", {}).get(line.id)
    if not (change or wording or line.found or line.dropped):
        return line
    before = fields_of(heard(line))
    fits = change is not None and change["of"] == line.of
    fields = (change["fields"] or {}) if change and fits else {}
    after = before | {name: fields[field] for name, field in HEARD.items() if field in fields}
    now = replace(line, **after)
    written = wording is not None and wording["of"] == identity(translated(now))
    texts = (wording["fields"] or {}) if wording and written else {}
    now = replace(
        now,
        text=texts.get("text", line.found.get("text", line.text)),
        dropped=any(good and one and one["fields"] is None for one, good in ((change, fits), (wording, written))),
    )
    found = {name: value for name, value in before.items() if value != after[name]}
    if "text" in texts:
        found["text"] = line.found.get("text", line.text)
    anew = "text" not in texts and now.source_text != line.source_text
    pending = {name for name in (*HEARD, "text", "dropped") if getattr(now, name) != getattr(line, name)}
    notes = [
        SET_ASIDE if (change and not fits) or (wording and not written) else "",
        ANEW if anew and not now.dropped else "",
        KEPT if "text" in texts and "source_text" in pending and "text" not in pending else "",
    ]
    return replace(
        now,
        corrected=(*found, "dropped") if now.dropped else tuple(found),
        pending=tuple(sorted(pending | ({"text"} if anew or (line.dropped and not now.dropped) else set()))),
        found=found,
        note=" ".join(filter(None, notes)),
    )


def heard(line: DocumentLine) -> Utterance:
    """The row of the transcript before corrections, without its words."""
    speaker, start, end, text = (line.found.get(name, getattr(line, name)) for name in HEARD)
    return Utterance(id=line.id, speaker=speaker, start=start, end=end, text=text)


def fields_of(row: Utterance) -> dict[str, Any]:
    """What corrections of a row of the transcript may change, by the names of a line's fields."""
    return {name: getattr(row, field) for name, field in HEARD.items()}


def translated(line: DocumentLine) -> Line:
    """The row of the translation that a text written for this line is a correction of."""
    return Line(id=line.id, speaker=line.speaker, source_text=line.source_text, text=line.text, duration=0.0)


def _lines(run: Run) -> tuple[DocumentLine, ...]:
    said = {u.id: u for u in run.transcript.utterances}
    offered = {line.id: line for line in run.uncorrected("translate").lines}
    spoken = {line.id: line for line in run.translation.lines}
    placed = {place.id: place for place in run.soundtrack.placements}
    by_hand = {
        id
        for id, change in run.log.edits.get("translate", {}).items()
        if id in offered and change["of"] == identity(offered[id]) and "text" in (change["fields"] or {})
    }

    def line(u: Utterance) -> DocumentLine:
        now, place = said.get(u.id, u), placed.get(u.id)
        first = offered[u.id].text if u.id in offered else ""
        before, after = fields_of(u), fields_of(now)
        found = {name: value for name, value in before.items() if value != after[name]}
        text = place.text if place else spoken[u.id].text if u.id in spoken else ""
        wordings = (c.text for c in (offered[u.id].candidates if u.id in offered else ()))
        return DocumentLine(
            id=u.id,
            **after,
            text=text,
            candidates=tuple(wording for wording in dict.fromkeys([first, *wordings]) if wording not in ("", text)),
            **(_certificate(place) if place else {}),
            dropped=u.id not in spoken,
            found={**found, "text": first} if u.id in by_hand else found,
            of=identity(u),
        )

    return tuple(line(u) for u in run.uncorrected("transcribe").utterances)


def _certificate(place: Placement) -> dict[str, Any]:
    kept = {name: getattr(place, name) for name in ("rate", "drift", "flag", "reason")}
    return {"dub_start": place.start, "dub_end": place.end, **kept}


def _speakers(run: Run) -> tuple[DocumentSpeaker, ...]:
    now = {speaker.id: speaker for speaker in run.speakers.speakers}
    roles = {role.id: role for role in run.casting.roles}
    plain = {role.id: role for role in run.uncorrected("assign_voices").roles}

    def speaker(one: Speaker) -> DocumentSpeaker:
        known, role = now.get(one.id, one), roles.get(one.id)
        found = {name: getattr(one, name) for name in ("name", "gender") if getattr(one, name) != getattr(known, name)}
        if role and role.voice != plain[one.id].voice:
            found["voice"] = plain[one.id].voice.id
        return DocumentSpeaker(
            id=one.id,
            name=known.name,
            gender=known.gender,
            confidence=one.confidence,
            pitch=one.pitch,
            speech_seconds=one.speech_seconds,
            voice=role.voice.id if role else "",
            voice_reason=role.reason if role else "",
            found=found,
            of=identity(one),
        )

    return tuple(speaker(one) for one in run.uncorrected("detect_gender").speakers)


def by_hand(role: Edit) -> bool:
    """Whether a correction of a role is a voice that a person chose, and not one that is just kept."""
    return (role["fields"] or {}).get("reason") == BY_HAND


def _cast(one: DocumentSpeaker, change: Edit | None, role: Edit | None) -> DocumentSpeaker:
    if not (change or role or one.found):
        return one
    before = {name: one.found.get(name, getattr(one, name)) for name in ("name", "gender", "voice")}
    fields = (change["fields"] or {}) if change and change["of"] == one.of else {}
    given = (role["fields"] or {}) if role else {}
    after = before | fields | ({"voice": given["voice"]["id"]} if "voice" in given else {})
    now = replace(one, name=after["name"], gender=after["gender"], voice=after["voice"])
    pending = {name for name in before if getattr(now, name) != getattr(one, name)}
    found = {name: before[name] for name in ("name", "gender") if after[name] != before[name]}
    chosen = role is not None and by_hand(role)
    if chosen:
        found["voice"] = before["voice"]
    corrected = tuple(found)
    if given and not chosen and after["voice"] != before["voice"]:
        found["voice"] = before["voice"]
    reason = given.get("reason", one.voice_reason)
    return replace(now, voice_reason=reason, corrected=corrected, pending=tuple(sorted(pending)), found=found)


def _merged(speaker: str, lines: tuple[DocumentLine, ...]) -> str:
    """Who has all the lines that were this speaker's."""
    now = {line.speaker for line in lines if heard(line).speaker == speaker and not line.dropped}
    return now.pop() if len(now) == 1 else ""

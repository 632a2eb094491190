"""A dub of the talking film on stand-in back ends that is corrected and dubbed again, as the service does it."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from runs import OwnBackends, opened

from dubkit.edits import Edits
from dubkit.progress import Event
from dubkit.run import Run
from dubkit.service.document import Document, DocumentLine, DocumentSpeaker
from dubkit.service.line_changes import LineChanges, changed
from dubkit.service.lines import document, shown


class Edited:
    """The corrections so far, the document that the last dub left, and what its back ends were asked."""

    def __init__(self, film: Path, store: Path, backends: OwnBackends, **options: Any) -> None:
        self.film, self.store, self.backends, self.options = film, store, backends, options
        self.edits: dict[str, Edits] = {}
        self.warnings: list[str] = []
        self.made: list[str] = []
        self.dub()

    def dub(self) -> Run:
        """Dub with the corrections, in a process of its own as it were; as after a crash, all is read from the store."""
        self.backends.renew()
        events: list[Event] = []
        self.run = opened(self.film, self.store, observers=(events.append,), name="job", **self.options)
        self.run.log.edits = copy.deepcopy(self.edits)
        self.run.until("combine")
        self.made = [e.stage for e in events if e.status == "done"]
        self.warnings = [e.note for e in events if e.status == "warning" and "set aside" in e.note]
        self.document = Document.from_json(document(self.run).to_json())
        return self.run

    def change(self, **changes: Any) -> Document:
        """Make changes; the document as it is shown then."""
        self.edits = changed(self.document, self.edits, LineChanges.model_validate(changes))
        return self.shown

    @property
    def shown(self) -> Document:
        """What an editor shows."""
        return shown(self.document, self.edits)

    def line(self, id: str) -> DocumentLine:
        """A line as it is shown."""
        return next(line for line in self.shown.lines if line.id == id)

    def speaker(self, id: str) -> DocumentSpeaker:
        """A speaker as they are shown."""
        return next(speaker for speaker in self.shown.speakers if speaker.id == id)

    @property
    def spoken(self) -> list[tuple[str, str, str]]:
        """Speaker, voice and text of every line of the dub."""
        voices = {role.id: role.voice.name for role in self.run.casting.roles}
        return [(p.speaker, voices[p.speaker], p.text) for p in self.run.soundtrack.placements]

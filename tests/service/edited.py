"""A dub of the talking film on stand-in back ends that is corrected and dubbed again, as the service does it."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from runs import OwnBackends, opened

from dubkit.edits import Edits
from dubkit.progress import Event
from dubkit.run import Run
from dubkit.service.lines.document import Document, DocumentLine, DocumentSpeaker, DocumentVoice
from dubkit.service.lines.line_changes import LineChanges, changed
from dubkit.service.lines.lines import document, shown


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


def long(n_lines: int) -> Document:
    """A document of a long film with lines as real ones are."""
    text = "Ele poderia trazer dois amigos de sua banda, e eles não pediriam muito."
    lines = tuple(
        DocumentLine(
            id=f"u{n:04}",
            speaker=f"S{n % 4 + 1}",
            start=3.6 * n,
            end=3.6 * n + 3,
            source_text="He could bring two friends from his band, and they would not ask for much.",
            text=text,
            candidates=(text.replace("dois", "uns"), text.replace("muito", "nada")),
            dub_start=3.6 * n,
            dub_end=3.6 * n + 3,
            rate=1.16,
            drift=0.02,
            flag="",
            reason="wording 2 (shorter); spoken 16% faster; 0.09 s of silence borrowed",
            of="0" * 64,
        )
        for n in range(1, n_lines + 1)
    )
    cast = tuple(DocumentSpeaker(f"S{n}", f"Speaker {n}", "female", 0.9, 190.0, 900.0, "tone:ana") for n in range(1, 5))
    return Document("en", "pt", 3.6 * n_lines + 10, lines, cast, (DocumentVoice("tone:ana", "ana", "female", "pt"),))

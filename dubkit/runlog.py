"""What the store remembers of a run: its film, settings, corrections, and which results it used."""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from dubkit.artefacts import Video
from dubkit.edits import Edits
from dubkit.errors import BadInput, listed
from dubkit.settings import Settings
from dubkit.store import digest, told


@dataclass
class RunLog:
    """One file, ``<store>/runs/<id>.json``: the same film, target language and name are the same run.

    ``results`` holds, by stage, the key of the result and whether the last call reused it.
    """

    path: Path
    video: str
    settings: dict[str, Any]
    edits: dict[str, Edits] = field(default_factory=dict)
    results: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """``<film>-<target>-<digest>``."""
        return self.path.stem

    @classmethod
    def of(cls, root: Path, video: Video, settings: Settings, name: str = "") -> RunLog:
        """The log of a film in a target language, under that name: the one that is there, or a new one."""
        target = settings.translate.target
        mark = digest([video.file.sha256, target, *([name] if name else [])])[:8]
        slug = re.sub(r"[^a-z0-9]+", "-", video.file.path.stem.lower()).strip("-")[:32] or "film"
        earlier = sorted((root / "runs").glob(f"*-{target}-{mark}.json"))
        path = earlier[0] if earlier else root / "runs" / f"{slug}-{target}-{mark}.json"
        log = cls.read(path) if earlier else cls(path, "", {})
        log.video, log.settings = str(video.file.path), asdict(settings)
        return log

    @classmethod
    def read(cls, path: Path) -> RunLog:
        """The log in a file; one that cannot be read counts as new."""
        try:
            return cls(path, **json.loads(path.read_text()))
        except (ValueError, TypeError):
            return cls(path, "", {})

    @classmethod
    def find(cls, root: Path, name: str) -> RunLog:
        """The log of a run by its id or the beginning of it; ``last`` is the newest.

        Raises
        ------
        BadInput
            If there is no such run, or several.
        """
        paths = sorted((root / "runs").glob("*.json"), key=lambda p: p.stat().st_mtime)
        found = paths[-1:] if name == "last" else [p for p in paths if p.stem.startswith(name)]
        if len(found) != 1:
            several = "Several runs begin" if found else "No run begins"
            raise BadInput(
                f"{several} with {name!r} in {root}. Runs: {listed([p.stem for p in found or paths]) or 'none'}."
            )
        return cls.read(found[0])

    def note(self, stage: str, key: str, *, reused: bool) -> None:
        """Remember which result a stage gave."""
        self.results[stage] = {"key": key, "reused": reused}
        self.write()

    def write(self) -> None:
        """Save; the file is replaced as a whole.

        Raises
        ------
        OutOfSpace
            If it cannot be written.
        """
        content = {"video": self.video, "settings": self.settings, "edits": self.edits, "results": self.results}
        partial = self.path.with_name(f".{uuid.uuid4().hex}.part")
        with told(self.path.parent):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            try:
                partial.write_text(json.dumps(content, indent=1))
                partial.replace(self.path)
            finally:
                partial.unlink(missing_ok=True)

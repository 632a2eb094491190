"""Which back ends the contract suite runs over: packaged ones, tiny models of the hub's real classes, real ones.

With ``DUBKIT_TEST_HUB=1`` the checkpoints of the hub profile are taken, too; they are downloaded where they are not here.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from dubkit.backends import registry
from dubkit.backends.protocols import Compute

COMPUTE = Compute(device="cpu", threads=2)


@dataclass(frozen=True)
class Subject:
    """A back end under test.

    Parameters
    ----------
    spec : str
        As in the settings; ``{}`` stands for the folder of a tiny model.
    tiny : str
        The module in ``tests/tiny`` that saves that model; empty for others.
    language, other : str
        Languages that it knows; a translator goes from the first to the second.
    inside : str
        The folder of the tiny model inside the one that the spec names.
    batches : bool
        Whether it has batches on a GPU, which the suite makes it have here.
    """

    spec: str
    tiny: str = ""
    language: str = "en"
    other: str = "pt"
    inside: str = ""
    batches: bool = False

    def __str__(self) -> str:
        return self.spec.replace(":{}", "-tiny")


SUBJECTS: dict[str, list[Subject]] = {
    "separator": [Subject("deepfilter"), Subject("demucs:{}", "demucs", batches=True)],
    "diarizer": [Subject("pyannote:packaged"), Subject("pyannote:{}", "pyannote")],
    "transcriber": [Subject("faster-whisper:packaged-base"), Subject("whisper:{}", "whisper", batches=True)],
    "gender_classifier": [Subject("voice-gender"), Subject("wav2vec2:{}", "wav2vec2", batches=True)],
    "translator": [
        Subject("bergamot"),
        Subject("pivot"),
        Subject("first:pivot"),
        Subject("nllb:{}", "nllb", batches=True),
        Subject("nllb-ct2:{}", "nllb"),
    ],
    "synthesizer": [
        Subject("kokoro"),
        Subject("espeak"),
        Subject("first:kokoro,espeak"),
        Subject("mms:{}", "mms", batches=True),
        Subject("pocket:{}", "pocket", language="fr", inside="fr"),
    ],
}
HUB: dict[str, list[Subject]] = {
    "separator": [Subject("demucs")],
    "diarizer": [Subject("pyannote:pyannote/speaker-diarization-community-1")],
    "transcriber": [Subject("whisper:openai/whisper-large-v3"), Subject("faster-whisper:large-v3")],
    "gender_classifier": [Subject("wav2vec2")],
    "translator": [Subject("nllb:facebook/nllb-200-3.3B"), Subject("nllb-ct2:facebook/nllb-200-distilled-600M")],
    "synthesizer": [Subject("mms"), Subject("pocket")],
}


def subjects(task: str) -> list[Subject]:
    """Those of a task."""
    return SUBJECTS[task] + (HUB[task] if os.environ.get("DUBKIT_TEST_HUB") == "1" else [])


def everyone() -> list[tuple[str, Subject]]:
    """All of all tasks."""
    return [(task, subject) for task in registry.TASKS for subject in subjects(task)]


def saver(tiny: str) -> Callable[[Path], None]:
    """What saves a tiny model."""
    return import_module(f"tiny.{tiny}").save  # type: ignore[no-any-return]


class Bench:
    """Makes back ends, each once."""

    def __init__(self, folders: pytest.TempPathFactory) -> None:
        self._folders = folders
        self._saved: dict[str, Path] = {}

    def backend(self, task: str, subject: Subject) -> Any:
        """The subject, with its model brought where it is one of the hub's."""
        made = registry.get(task, self.spec(subject), COMPUTE)
        if subject in HUB[task]:
            made.fetch(subject.language, subject.other if task == "translator" else subject.language)
        return made

    def fresh(self, task: str, subject: Subject) -> Any:
        """The subject as if it had never been used."""
        spec = self.spec(subject)
        return registry.available(task)[spec.partition(":")[0]].load().from_spec(spec.partition(":")[2], COMPUTE)

    def spec(self, subject: Subject) -> str:
        """The subject's spec with its folder, which is saved at first use."""
        if not subject.tiny:
            return subject.spec
        if subject.tiny not in self._saved:
            folder = self._folders.mktemp(subject.tiny)
            saver(subject.tiny)(folder / subject.inside)
            self._saved[subject.tiny] = folder
        return subject.spec.format(self._saved[subject.tiny])

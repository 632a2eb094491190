"""What is really said in a sample, by whom and when: the yardstick that every stage can be held against."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from dubkit.artefacts import Gender, Turn, Utterance
from dubkit.record import Artefact, Record, Seconds


class CastMember(Record):
    """A person in a sample. ``voice`` is the synthetic voice that speaks for them, empty in a recording."""

    id: str
    name: str
    gender: Gender
    voice: str = ""


class SpokenLine(Utterance):
    """A sentence with its exact times. ``words``, where they are known, have times that are right to about 0.05 s."""

    gender: Gender


class Truth(Artefact):
    """The exact content of a sample.

    Utterances are single sentences in order of their starts; consecutive ones of a speaker form a turn, which is on
    through the pauses between them. ``may_overlap`` tells whether turns of different speakers do; those of one speaker
    never do. ``translations`` holds reference translations by language, one text for each utterance in the same order.
    """

    ROWS = "utterances"
    TEXT = "text"
    id: str
    title: str
    language: str
    duration: Seconds
    may_overlap: bool
    speakers: tuple[CastMember, ...]
    turns: tuple[Turn, ...]
    utterances: tuple[SpokenLine, ...]
    translations: dict[str, tuple[str, ...]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _parallel(self) -> Self:
        for language, texts in self.translations.items():
            if language == self.language:
                raise ValueError(f"{self.id!r} is in {language!r}: it needs no translation into that")
            if len(texts) != len(self.utterances) or not all(text.strip() for text in texts):
                raise ValueError(
                    f"{self.id!r} has {len(self.utterances)} utterances, and {len(texts)} translations into {language!r}: "
                    "give one for each, none empty"
                )
        return self

    @property
    def text(self) -> str:
        """All that is said."""
        return " ".join(utterance.text for utterance in self.utterances)

    def rttm(self) -> str:
        """The turns in the form that diarization is scored with (NIST Rich Transcription)."""
        return "".join(
            f"SPEAKER {self.id} 1 {turn.start:.4f} {turn.end - turn.start:.4f} <NA> <NA> {turn.speaker} <NA> <NA>\n"
            for turn in self.turns
        )

    def save(self, folder: Path) -> None:
        """Write ``truth.json`` and ``truth.rttm`` into a folder."""
        (folder / "truth.json").write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")
        (folder / "truth.rttm").write_text(self.rttm(), encoding="utf-8")

    @classmethod
    def open(cls, folder: Path) -> Truth:
        """Read it back."""
        return cls.model_validate_json((folder / "truth.json").read_text(encoding="utf-8"))


def turns_of(utterances: tuple[SpokenLine, ...]) -> tuple[Turn, ...]:
    """Consecutive utterances of one speaker, joined; turns are in order of their starts."""
    turns: list[Turn] = []
    for one in utterances:
        if turns and turns[-1].speaker == one.speaker:
            turns[-1] = turns[-1].but(end=one.end)
        else:
            turns.append(Turn(id=f"t{len(turns) + 1:03}", speaker=one.speaker, start=one.start, end=one.end))
    return tuple(turns)

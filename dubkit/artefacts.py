"""What the stages hand on: typed, immutable, JSON-able.

Conventions: times are seconds (float) from the start of the film, named ``start``, ``end``, ``duration``;
sample rates are Hz; languages are BCP-47 codes; levels are LUFS. An artefact that refers to files holds
:class:`File` handles; on disk their paths are relative to the artefact's folder.
"""

from __future__ import annotations

import hashlib
import html
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, SerializationInfo, ValidationInfo, field_serializer, field_validator

if TYPE_CHECKING:
    import numpy as np

Seconds = float
Gender = Literal["female", "male", "unknown"]


class Record(BaseModel):
    """A frozen value with named fields; unknown fields are refused."""

    # Built at first use: importing dubkit stays quick.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    def but(self, **changes: Any) -> Self:
        """The same record with some fields changed (and checked again)."""
        return type(self).model_validate({**dict(self), **changes})


class File(Record):
    """A file on disk and the digest of its content.

    Parameters
    ----------
    path : Path
        Where it lies; no part of an artefact's identity.
    sha256 : str
        Hex digest of the content.
    size : int
        Bytes.
    """

    path: Path
    sha256: str
    size: int

    @classmethod
    def of(cls, path: Path, **fields: Any) -> Self:
        """The handle of an existing file."""
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        return cls(path=path, sha256=digest, size=path.stat().st_size, **fields)

    @field_serializer("path")
    def _path_out(self, path: Path, info: SerializationInfo) -> str:
        context = info.context or {}
        if context.get("identity"):
            return ""
        if "from" in context and path.is_relative_to(context["from"]):
            path = context["to"] / path.relative_to(context["from"])
        folder = context.get("folder")
        return str(path.relative_to(folder)) if folder and path.is_relative_to(folder) else str(path)

    @field_validator("path", mode="after")
    @classmethod
    def _path_in(cls, path: Path, info: ValidationInfo) -> Path:
        folder = (info.context or {}).get("folder")
        return folder / path if folder and not path.is_absolute() else path


class AudioFile(File):
    """A sound file, read lazily: nothing is decoded until :meth:`load`."""

    sample_rate: int
    n_channels: int
    n_samples: int

    @property
    def duration(self) -> Seconds:
        """Length in seconds."""
        return self.n_samples / self.sample_rate

    def load(self, start: Seconds = 0.0, end: Seconds | None = None) -> np.ndarray:
        """Samples between two times.

        Returns
        -------
        np.ndarray, shape (n_samples,) for mono or (n_samples, n_channels)
            float32 in [-1, 1].
        """
        from dubkit.audio import read

        return read(self.path, start, end)


class Artefact(Record):
    """What one stage makes. ``ROWS`` names the field that holds its table, ``TEXT`` the column edited by default."""

    ROWS: ClassVar[str] = ""
    TEXT: ClassVar[str] = ""

    def digest(self) -> str:
        """SHA-256 over the content: equal for equal results wherever their files lie."""
        return hashlib.sha256(self.model_dump_json(context={"identity": True}).encode()).hexdigest()

    @property
    def rows(self) -> tuple[Any, ...]:
        """The table's rows, in time order where they have times."""
        return getattr(self, self.ROWS) if self.ROWS else ()

    def _repr_html_(self) -> str:
        """A compact table for notebooks; every value is escaped."""
        rows = self.rows or (self,)
        names = [n for n in type(rows[0]).model_fields if n not in {"words", "candidates", "sha256"}]
        head = "".join(f"<th>{html.escape(n)}</th>" for n in names)
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(_cell(getattr(r, n)))}</td>" for n in names) + "</tr>"
            for r in rows[:50]
        )
        more = f"<p>… and {len(rows) - 50} more</p>" if len(rows) > 50 else ""
        return f"<b>{type(self).__name__}</b><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}"
    if isinstance(value, File):
        return value.path.name
    text = str(value)
    return text if len(text) <= 120 else text[:119] + "…"


class Video(Artefact):
    """The user's file as it was given; its name and place are no part of its identity."""

    file: File


class VideoStream(Record):
    """The picture stream that is dubbed. ``fps`` is the average rate; ``rotation`` is in degrees."""

    index: int
    codec: str
    width: int
    height: int
    fps: float
    rotation: int = 0
    variable_frame_rate: bool = False


class AudioStream(Record):
    """One audio track of the source. ``start`` is when its first sample sounds, in seconds of the film."""

    index: int
    codec: str
    sample_rate: int
    n_channels: int
    start: Seconds = 0.0
    language: str | None = None
    default: bool = False


class Media(Artefact):
    """What is in the file. ``audio`` is the track that is dubbed, ``audio_tracks`` all of them."""

    container: str
    duration: Seconds
    video: VideoStream
    audio: AudioStream
    audio_tracks: tuple[AudioStream, ...]


class Tracks(Artefact):
    """The sound, taken apart. All three start at 0 s of the film and last as long as it does.

    ``speech`` is 16 kHz mono for analysis, ``full`` the whole sound at 48 kHz, ``background`` the 48 kHz bed without
    the speech.
    """

    speech: AudioFile
    full: AudioFile
    background: AudioFile


class Turn(Record):
    """One speaker talking without a break."""

    id: str
    speaker: str
    start: Seconds
    end: Seconds


class Turns(Artefact):
    """Who speaks when; turns of different speakers may overlap."""

    ROWS = "turns"
    TEXT = "speaker"
    turns: tuple[Turn, ...]

    @property
    def speakers(self) -> tuple[str, ...]:
        """Speaker ids in order of first appearance."""
        return tuple(dict.fromkeys(t.speaker for t in self.turns))


class Segment(Record):
    """A stretch of one speaker's speech, short enough to transcribe in one go."""

    id: str
    speaker: str
    start: Seconds
    end: Seconds


class Segments(Artefact):
    """The speech regions to transcribe, in time order."""

    ROWS = "segments"
    TEXT = "speaker"
    segments: tuple[Segment, ...]


class Word(Record):
    """A recognised word. ``confidence`` is the recogniser's probability in [0, 1]."""

    text: str
    start: Seconds
    end: Seconds
    confidence: float = 1.0


class Utterance(Record):
    """One or more whole sentences by one speaker: the unit of translation and dubbing."""

    id: str
    speaker: str
    start: Seconds
    end: Seconds
    text: str
    words: tuple[Word, ...] = ()
    confidence: float = 1.0


class Transcript(Artefact):
    """What was said. ``language_confidence`` is in [0, 1]; 1 where the language was given; ``model`` who heard it."""

    ROWS = "utterances"
    TEXT = "text"
    language: str
    language_confidence: float
    utterances: tuple[Utterance, ...]
    model: str = ""


class Speaker(Record):
    """A voice in the film. ``pitch`` is the median F0 in Hz, ``speaking_rate`` syllable onsets per second of speech."""

    id: str
    name: str
    gender: Gender
    confidence: float
    pitch: float | None
    speaking_rate: float
    speech_seconds: Seconds


class Speakers(Artefact):
    """The cast of the source, in order of first appearance."""

    ROWS = "speakers"
    TEXT = "gender"
    speakers: tuple[Speaker, ...]


class Candidate(Record):
    """One possible translation. ``score`` is the back end's, higher is better; ``duration`` is predicted, in seconds."""

    text: str
    score: float = 0.0
    duration: Seconds = 0.0


class Line(Record):
    """A translated utterance, with the id of its source. ``duration`` is predicted at natural rate."""

    id: str
    speaker: str
    source_text: str
    text: str
    duration: Seconds
    candidates: tuple[Candidate, ...] = ()


class Translation(Artefact):
    """What is to be said. ``route`` is the chain of languages that the text went through, ``model`` what did it."""

    ROWS = "lines"
    TEXT = "text"
    source: str
    target: str
    route: tuple[str, ...]
    lines: tuple[Line, ...]
    model: str = ""


class Voice(Record):
    """A synthetic voice. ``id`` is ``<back end>:<name>``."""

    id: str
    language: str
    gender: Gender
    name: str


class Role(Record):
    """Which voice speaks for a speaker, and why."""

    id: str
    voice: Voice
    reason: str


class Casting(Artefact):
    """The voices of the dub, one role per speaker (``id`` is the speaker's)."""

    ROWS = "roles"
    TEXT = "voice"
    roles: tuple[Role, ...]


class Clip(Record):
    """The synthesized line. ``rate`` is the native speaking rate asked for (1 = natural), ``slot`` the room in seconds."""

    id: str
    speaker: str
    audio: AudioFile
    rate: float
    slot: Seconds


class Speech(Artefact):
    """One clip per line, in line order; ``model`` is what spoke them."""

    ROWS = "clips"
    clips: tuple[Clip, ...]
    model: str = ""


class Placement(Record):
    """The timing certificate of a line.

    ``slot_start`` and ``slot_end`` are the source line's times; ``start`` and ``end`` the dub's; ``rate`` the native
    rate times the stretch; ``stretch`` the pitch-preserving speed-up (> 1 is shorter); ``borrowed`` the seconds used
    beyond the slot; ``drift`` how late the line starts (negative is early); ``flag`` is empty for a good fit.
    """

    id: str
    speaker: str
    slot_start: Seconds
    slot_end: Seconds
    start: Seconds
    end: Seconds
    rate: float
    stretch: float
    borrowed: Seconds
    drift: Seconds
    flag: str = ""


class Soundtrack(Artefact):
    """The dub's sound at 48 kHz stereo, as long as the film, and where each line lies in it."""

    ROWS = "placements"
    audio: AudioFile
    placements: tuple[Placement, ...]


class Dub(Artefact):
    """The finished film and its subtitles. ``picture`` says whether the stream was copied or re-encoded."""

    video: File
    duration: Seconds
    picture: Literal["copied", "re-encoded"]
    subtitles: tuple[File, ...]

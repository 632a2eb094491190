"""What the stages hand on: typed, immutable, JSON-able.

Conventions: times are seconds (float) from the start of the film, named ``start``, ``end``, ``duration``;
sample rates are Hz; languages are BCP-47 codes; levels are LUFS. An artefact that refers to files holds
:class:`File` handles; on disk their paths are relative to the artefact's folder.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from dubkit.record import Artefact, AudioFile, File, Record, Seconds
from dubkit.timing import TimingSettings

Gender = Literal["female", "male", "unknown"]


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
    """A voice in the film. ``pitch`` is the median F0 in Hz, ``speaking_rate`` syllable onsets per second of speech.

    ``sample`` is how they sound, for synthesizers that copy a voice: 24 kHz mono, a few seconds of clean speech; None
    where there is too little of it.
    """

    id: str
    name: str
    gender: Gender
    confidence: float
    pitch: float | None
    speaking_rate: float
    speech_seconds: Seconds
    sample: AudioFile | None = None


class Speakers(Artefact):
    """The cast of the source, in order of first appearance."""

    ROWS = "speakers"
    TEXT = "gender"
    speakers: tuple[Speaker, ...]


class Candidate(Record):
    """One possible translation. ``score`` is the back end's, higher is better; ``duration`` is predicted, in seconds.

    ``how`` tells what was done to the translator's own wording to come to this one; it is empty for the translator's.
    """

    text: str
    score: float = 0.0
    duration: Seconds = 0.0
    # Translations from before there were variants keep their digest.
    how: str = Field(default="", exclude_if=lambda how: not how)


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
    """A synthetic voice. ``id`` is ``<back end>:<name>``.

    ``model`` is the checkpoint and revision that speaks it, where a back end has one per language.
    """

    id: str
    language: str
    gender: Gender
    name: str
    # Castings without one keep the digest that they had before there was this field.
    model: str = Field(default="", exclude_if=lambda model: not model)


class Role(Record):
    """Which voice speaks for a speaker, and why.

    ``consent`` says that the speaker agreed to it that their own voice is copied; no other voice needs it.
    """

    id: str
    voice: Voice
    reason: str
    # Castings of stock voices keep the digest that they had before there was this field.
    consent: bool = Field(default=False, exclude_if=lambda consent: not consent)


class Casting(Artefact):
    """The voices of the dub, one role per speaker (``id`` is the speaker's)."""

    ROWS = "roles"
    TEXT = "voice"
    roles: tuple[Role, ...]


class Phrase(Record):
    """A stretch of a line between two pauses: ``start`` and ``end`` in its clip, and the slot in the film that it fills."""

    start: Seconds
    end: Seconds
    slot_start: Seconds
    slot_end: Seconds


class Clip(Record):
    """The synthesized line.

    ``text`` is the wording that was chosen for its length, candidate number ``candidate`` of the translation, and ``how`` it
    came about; ``spoken`` that wording as the synthesizer got it, with commas for the original's pauses; ``rate`` the native
    speaking rate asked for (1 = natural); ``natural`` the length at natural rate, and ``slot`` the source line's.
    """

    id: str
    speaker: str
    text: str
    audio: AudioFile
    rate: float
    natural: Seconds
    slot: Seconds
    candidate: int = 0
    how: str = ""
    spoken: str = ""
    phrases: tuple[Phrase, ...]


class Speech(Artefact):
    """One clip per line, in line order; ``model`` is what spoke them, ``timing`` what they were made for.

    ``knots`` is as in :class:`Soundtrack`; the phrases' slots are in times of the film.
    """

    ROWS = "clips"
    clips: tuple[Clip, ...]
    model: str = ""
    timing: TimingSettings = TimingSettings()
    knots: tuple[tuple[Seconds, Seconds], ...] = ()


class PlacedPhrase(Record):
    """A phrase where it sounds in the film: its slot, its times, and the part of the clip that is heard."""

    slot_start: Seconds
    slot_end: Seconds
    start: Seconds
    end: Seconds
    clip_start: Seconds
    clip_end: Seconds


class Placement(Record):
    """The timing certificate of a line.

    ``slot_start`` and ``slot_end`` are the source line's times; ``start`` and ``end`` the dub's; ``rate`` the native
    rate times the stretch; ``stretch`` the pitch-preserving speed-up (> 1 is shorter); ``borrowed`` the seconds used
    beyond the slot; ``drift`` how late the line starts (negative is early); ``candidate`` which translation is spoken;
    ``reason`` says in words how the line was fitted; ``flag`` is empty for a good fit.
    """

    id: str
    speaker: str
    text: str
    slot_start: Seconds
    slot_end: Seconds
    start: Seconds
    end: Seconds
    rate: float
    stretch: float
    borrowed: Seconds
    drift: Seconds
    candidate: int = 0
    reason: str = ""
    flag: str = ""
    phrases: tuple[PlacedPhrase, ...] = ()


class Soundtrack(Artefact):
    """The dub's sound at 48 kHz stereo, as long as the dub, and where each line lies in it.

    ``knots`` is empty unless the picture is slowed down: then it maps times of the film to times of the dub, piecewise
    linearly, as (film, dub) pairs. Placements, slots included, are in times of the dub.
    """

    ROWS = "placements"
    audio: AudioFile
    placements: tuple[Placement, ...]
    knots: tuple[tuple[Seconds, Seconds], ...] = ()


class Dub(Artefact):
    """The finished film and its subtitles. ``picture`` says whether the stream was copied or re-encoded."""

    video: File
    duration: Seconds
    picture: Literal["copied", "re-encoded"]
    subtitles: tuple[File, ...]

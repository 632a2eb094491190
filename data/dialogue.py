"""A scripted conversation, spoken by synthetic voices of known gender over music: everything about it is exact."""

from __future__ import annotations

import functools
import itertools
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from data.faces import Person, conversation
from data.music import compose
from data.narrator import Narrator, Said
from data.picture import (
    BAR_PITCH,
    FAINT_COLOUR,
    FPS,
    STRIP_PIXELS_PER_SECOND,
    background,
    loudness,
    n_frames,
    stage,
)
from data.truth import CastMember, SpokenLine, Truth, turns_of
from dubkit.audio import resample, speech_level
from dubkit.backends.protocols import Request

SAMPLE_RATE = 48_000
SPEECH_LEVEL = 0.07
"""RMS of the sounding parts of every line: -23 dBFS, so that peaks have room."""
MUSIC_BELOW_SPEECH = 18.0
"""How far the music lies under the speech, in dB."""
PAUSE_BETWEEN_SENTENCES = 0.28
SILENCE_AT_THE_END = 2.4


@dataclass(frozen=True)
class Line:
    """What one person says without a break: sentences, and the silence before them in seconds (may be negative)."""

    speaker: str
    pause: float
    text: tuple[str, ...]


@dataclass(frozen=True)
class Script:
    """A conversation before it is spoken."""

    title: str
    subtitle: str
    language: str
    cast: tuple[CastMember, ...]
    people: Mapping[str, Person]
    lines: tuple[Line, ...]
    translations: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def open(cls, path: Path) -> Script:
        """Read a script from TOML, and its reference translations from the file of its name in ``translations``.

        Raises
        ------
        ValueError
            If there are not as many translations into a language as the script has sentences.
        """
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        looks = {one["id"]: one.pop("look") for one in table["speakers"]}
        cast = tuple(CastMember(**one) for one in table["speakers"])
        people = {
            one.id: Person(
                name=one.name,
                colour=tuple(looks[one.id]["colour"]),
                skin=tuple(looks[one.id]["skin"]),
                hair=tuple(looks[one.id]["hair"]),
                hair_style=looks[one.id]["hair_style"],
            )
            for one in cast
        }
        lines = tuple(Line(one["speaker"], one["pause"], tuple(one["text"])) for one in table["lines"])
        script = cls(table["title"], table["subtitle"], table["language"], cast, people, lines, _translations(path))
        n_sentences = len(list(script.sentences()))
        for language, texts in script.translations.items():
            if len(texts) != n_sentences:
                raise ValueError(
                    f"{path.name} has {n_sentences} sentences, but {len(texts)} translations into {language!r}: give one each"
                )
        return script

    def sentences(self) -> Iterator[tuple[str, str]]:
        """(speaker id, text) of each sentence, in order."""
        return ((line.speaker, sentence) for line in self.lines for sentence in line.text)


def translations_of(script: Path) -> Path:
    """The file that may hold a script's translations."""
    return script.parent / "translations" / script.name


def _translations(script: Path) -> dict[str, tuple[str, ...]]:
    path = translations_of(script)
    table = tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return {language: tuple(texts) for language, texts in table.items()}


@dataclass(frozen=True)
class Recording:
    """A conversation with its stems: 16-bit integers at SAMPLE_RATE. ``mix`` is exactly ``speech`` + ``music``.

    ``speech`` has shape (n_samples,), ``music`` and ``mix`` (n_samples, 2); ``voices`` holds each speaker alone.
    """

    truth: Truth
    speech: np.ndarray
    music: np.ndarray
    mix: np.ndarray
    voices: Mapping[str, np.ndarray]


def speak(script: Script, narrator: Narrator) -> list[Said]:
    """Let the script's voices say every sentence, all equally loud, at SAMPLE_RATE."""
    known = {voice.id: voice for voice in narrator.voices(script.language)}
    voices = {member.id: known[member.voice] for member in script.cast}
    said = []
    for one in narrator.say([Request(sentence, voices[speaker]) for speaker, sentence in script.sentences()]):
        gain = SPEECH_LEVEL / speech_level(one.samples, narrator.sample_rate)
        said.append(Said(resample(one.samples * gain, narrator.sample_rate, SAMPLE_RATE), one.words))
    return said


def record(name: str, script: Script, said: Sequence[Said], music: np.ndarray | None = None) -> Recording:
    """Put spoken sentences one after another, and music under them.

    Parameters
    ----------
    name : str
        The sample's id.
    said : sequence of Said
        One for each sentence of the script.
    music : np.ndarray, shape (n_samples, 2), optional
        Music to use instead of the computed one; repeated and cut as needed.

    Returns
    -------
    Recording
        As long as a whole number of picture frames.
    """
    utterances, end = _arrange(script, said)
    frames = n_frames((end / SAMPLE_RATE) + SILENCE_AT_THE_END)
    n_samples = frames * SAMPLE_RATE // FPS
    stems = {member.id: np.zeros(n_samples, np.int16) for member in script.cast}
    for utterance, one in zip(utterances, said, strict=True):
        start = round(utterance.start * SAMPLE_RATE)
        stems[utterance.speaker][start : start + len(one.samples)] = _sixteen_bit(one.samples)
    speech = _sum(stems.values())
    bed = compose(n_samples / SAMPLE_RATE, SAMPLE_RATE) if music is None else np.resize(music, (n_samples, 2))
    gain = SPEECH_LEVEL * 10 ** (-MUSIC_BELOW_SPEECH / 20) / max(float(np.sqrt(np.mean(bed**2))), 1e-9)
    quiet = _sixteen_bit(bed * gain)
    turns = turns_of(utterances)
    truth = Truth(
        id=name,
        title=script.title,
        language=script.language,
        duration=frames / FPS,
        may_overlap=any(b.start < a.end for a, b in itertools.pairwise(turns)),
        speakers=script.cast,
        turns=turns,
        utterances=utterances,
        translations=dict(script.translations),
    )
    return Recording(truth, speech, quiet, _sum([speech[:, None], quiet]), stems)


def _arrange(script: Script, said: Sequence[Said]) -> tuple[tuple[SpokenLine, ...], int]:
    """When each sentence sounds, and the sample at which the last one ends."""
    genders = {member.id: member.gender for member in script.cast}
    utterances: list[SpokenLine] = []
    clips = iter(said)
    at = 0
    for line in script.lines:
        for k, sentence in enumerate(line.text):
            clip = next(clips)
            at += round((PAUSE_BETWEEN_SENTENCES if k else line.pause) * SAMPLE_RATE)
            start, at = at, at + len(clip.samples)
            offset = start / SAMPLE_RATE
            words = tuple(word.but(start=offset + word.start, end=offset + word.end) for word in clip.words)
            utterances.append(
                SpokenLine(
                    id=f"u{len(utterances) + 1:03}",
                    speaker=line.speaker,
                    gender=genders[line.speaker],
                    start=offset,
                    end=at / SAMPLE_RATE,
                    text=sentence,
                    words=words,
                )
            )
    return tuple(utterances), at


def _sixteen_bit(samples: np.ndarray) -> np.ndarray:
    return np.clip(np.round(samples * 32767), -32768, 32767).astype(np.int16)


def _sum(stems: Iterable[np.ndarray]) -> np.ndarray:
    """The exact sum of 16-bit stems."""
    mixed: np.ndarray = functools.reduce(np.add, (stem.astype(np.int32) for stem in stems))
    if np.abs(mixed).max(initial=0) > 32767:
        raise ValueError("the stems clip when they are added; lower SPEECH_LEVEL")
    return mixed.astype(np.int16)


def frames(script: Script, recording: Recording) -> Iterator[np.ndarray]:
    """The picture: the speakers, opening their mouths in time, and the waveform in their colours."""
    count = round(recording.truth.duration * FPS)
    bars_per_second = STRIP_PIXELS_PER_SECOND // BAR_PITCH
    still = background(script.title, script.subtitle)
    sound = {speaker: voice / 32768 for speaker, voice in recording.voices.items()}
    bars = {speaker: loudness(voice, SAMPLE_RATE, bars_per_second) for speaker, voice in sound.items()}
    heard = np.stack(list(bars.values()))
    colours = [
        script.people[list(bars)[int(i)]].colour if level > 0 else FAINT_COLOUR
        for i, level in zip(heard.argmax(axis=0), heard.max(axis=0), strict=True)
    ]
    voices = {speaker: loudness(voice, SAMPLE_RATE, FPS)[:count] for speaker, voice in sound.items()}
    scene = stage(still, heard.max(axis=0), colours)
    return conversation(scene, still, script.people, voices, count)

"""A finished dub as a viewer gets it, and what judges hear in it.

Judges know nothing of how a dub was made: they get the film's own sound, decoded, and the lines that are said in it. So a
dub of any maker is judged in the same way. They are stages like the pipeline's, so the store keeps what they heard.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from dubkit import audio, media
from dubkit.artefacts import Dub, Soundtrack, Translation, Word
from dubkit.backends.protocols import GenderClassifier, Transcriber
from dubkit.progress import Report
from dubkit.record import Artefact, AudioFile, Record, Seconds
from dubkit.stage import stage

HEARING_RATE = 16_000
# A recogniser takes up to 30 s; a cut is made in the quietest moment of a window's last seconds.
WINDOW, CHOICE, QUIET = 28.0, 10.0, 0.3
# Shorter lines say too little about a voice.
SHORTEST_VOICE: Seconds = 1.0


class Screening(Artefact):
    """The dub's sound as it comes out of the finished film (48 kHz), and the language that it should be in."""

    sound: AudioFile
    language: str


class Reading(Artefact):
    """The words that a recogniser hears in a dub, in times of the dub; ``model`` is who heard them."""

    ROWS = "words"
    words: tuple[Word, ...]
    model: str


class DubbedLine(Record):
    """A line of a dub: what is to be said, in which slot, and where it lies. Times are of the dub.

    ``unit`` is the spoken sentence of the reference that it stands for, or its own id where there is no reference. A line
    of no length is not in the dub.
    """

    id: str
    unit: str
    speaker: str
    source_text: str
    text: str
    slot_start: Seconds
    slot_end: Seconds
    start: Seconds
    end: Seconds


class DubbedLines(Artefact):
    """All lines of a dub, in the order of their starts."""

    ROWS = "lines"
    lines: tuple[DubbedLine, ...]


class Heard(Record):
    """What a line sounds like: probability of a female voice, DNSMOS, and an embedding of the voice.

    ``quality`` is (signal, background, overall); ``print`` is empty for lines under a second.
    """

    id: str
    female: float
    quality: tuple[float, float, float]
    print: tuple[float, ...]


class Appraisal(Artefact):
    """What judges of voice and sound quality say of each line."""

    ROWS = "lines"
    lines: tuple[Heard, ...]
    model: str


@stage(version=1)
def screen(dub: Dub, translation: Translation, *, folder: Path) -> Screening:
    """Decode the finished film's default sound track."""
    return screened(dub.video.path, translation.target, folder)


def screened(film: Path, language: str, folder: Path) -> Screening:
    """The sound of any film; see :func:`screen`.

    Raises
    ------
    BadInput
        If the file cannot be read or has no sound.
    """
    facts = media.probe(film)
    sound = audio.write(folder / "screened.flac", media.sound(film, facts), media.SAMPLE_RATE)
    return Screening(sound=sound, language=language)


@stage(version=1, task="transcriber")
def read_back(screening: Screening, *, backend: Transcriber, report: Report) -> Reading:
    """Have the whole dub read, music included, in windows that are cut where it is quiet."""
    spans = windows(screening.sound)
    waveforms = [_mono(screening.sound, start, end) for start, end in spans]
    words: list[Word] = []
    for n, ((start, _), heard) in enumerate(
        zip(spans, backend.transcribe(waveforms, screening.language), strict=True), 1
    ):
        words += [w.but(start=round(start + w.start, 3), end=round(start + w.end, 3)) for w in heard.words]
        report(n, len(spans), "windows")
    return Reading(words=tuple(words), model=backend.fingerprint)


@stage(version=1, task="gender_classifier")
def appraise(screening: Screening, dubbedlines: DubbedLines, *, backend: GenderClassifier, report: Report) -> Appraisal:
    """Judge each line by its sound alone, as it lies in the mix."""
    from dubkit import voice_prints
    from evaluation.judging import quality_model

    lines = [line for line in dubbedlines.lines if line.end > line.start]
    sounds = [_mono(screening.sound, line.start, line.end) for line in lines]
    odds = backend.female_probability(sounds)
    report(1, 3, "voice gender")
    qualities = quality_model.rated(sounds, HEARING_RATE)
    report(2, 3, "quality")
    long_enough = [n for n, sound in enumerate(sounds) if len(sound) >= SHORTEST_VOICE * HEARING_RATE]
    found = voice_prints.prints([sounds[n] for n in long_enough], HEARING_RATE)
    prints = dict(zip(long_enough, found, strict=True))
    report(3, 3, "voices")
    return Appraisal(
        lines=tuple(
            Heard(
                id=line.id,
                female=round(float(odds[n]), 4),
                quality=(qualities[n].signal, qualities[n].background, qualities[n].overall),
                print=tuple(round(float(x), 5) for x in prints.get(n, ())),
            )
            for n, line in enumerate(lines)
        ),
        model=f"{backend.fingerprint}, {quality_model.FINGERPRINT}, {voice_prints.fingerprint()}",
    )


def lined_up(soundtrack: Soundtrack, translation: Translation, units: dict[str, str]) -> DubbedLines:
    """The lines of a run's dub.

    Parameters
    ----------
    soundtrack, translation
        Of the run.
    units : dict
        The unit of each line, by its id; see :class:`DubbedLine`.
    """
    said = {line.id: line.source_text for line in translation.lines}
    return DubbedLines(
        lines=tuple(
            DubbedLine(
                id=p.id,
                unit=units.get(p.id, p.id),
                speaker=p.speaker,
                source_text=said.get(p.id, ""),
                text=p.text,
                slot_start=p.slot_start,
                slot_end=p.slot_end,
                start=p.start,
                end=p.end,
            )
            for p in sorted(soundtrack.placements, key=lambda p: p.start)
        )
    )


def windows(sound: AudioFile) -> list[tuple[Seconds, Seconds]]:
    """The sound in windows of at most :data:`WINDOW` seconds, cut in the quietest moment of each window's last ten."""
    found, at = [], 0.0
    while sound.duration - at > WINDOW:
        low = at + WINDOW - CHOICE
        cut = low + _quietest(_mono(sound, low, at + WINDOW))
        found.append((at, cut))
        at = cut
    return [*found, (at, sound.duration)] if sound.duration > at else found


def _quietest(samples: np.ndarray) -> Seconds:
    """The middle of the quietest :data:`QUIET` seconds."""
    size = HEARING_RATE // 100
    power = np.mean(samples[: len(samples) // size * size].reshape(-1, size) ** 2, axis=1)
    span = round(QUIET * 100)
    smooth = np.convolve(power, np.ones(span) / span, mode="valid")
    return float((int(np.argmin(smooth)) + span / 2) / 100)


def _mono(sound: AudioFile, start: Seconds, end: Seconds) -> np.ndarray:
    samples = sound.load(start, end)
    middle = samples if samples.ndim == 1 else samples.mean(axis=1)
    return audio.resample(middle, sound.sample_rate, HEARING_RATE)

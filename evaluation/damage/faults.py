"""Known damage to a perfect dub, to see which measures it moves: :mod:`evaluation.damage.effects`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from dubkit import audio, media
from dubkit.artefacts import Gender, Turn, Utterance, Word
from dubkit.record import AudioFile, Seconds
from evaluation.judging.evidence import Evidence

LATE: Seconds = 0.2
EVERY = 10
QUIETER = -6.0
STEP = 0.1
CLIPPED = 0.25

Damaging = Callable[[Evidence, Path], Evidence]


@dataclass(frozen=True)
class Damage:
    """A fault: what it is called, and how it is made."""

    name: str
    make: Damaging


def words_lost(e: Evidence, folder: Path) -> Evidence:
    """Every tenth word of the transcript is gone."""
    assert e.transcript is not None
    count, said = 0, []
    for utterance in e.transcript.utterances:
        words = utterance.words or _as_words(utterance.text, utterance.start, utterance.end)
        kept = [w for n, w in enumerate(words, count) if n % EVERY != EVERY - 1]
        count += len(words)
        said.append(utterance.but(words=tuple(kept), text=" ".join(w.text for w in kept)))
    return replace(e, transcript=e.transcript.but(utterances=tuple(said)))


def words_late(e: Evidence, folder: Path) -> Evidence:
    """The transcript's words are 200 ms late."""
    assert e.transcript is not None
    said = [
        u.but(words=tuple(w.but(start=w.start + LATE, end=w.end + LATE) for w in u.words))
        for u in e.transcript.utterances
    ]
    return replace(e, transcript=e.transcript.but(utterances=tuple(said)))


def wrong_language(e: Evidence, folder: Path) -> Evidence:
    """The language is taken for another."""
    assert e.transcript is not None
    return replace(e, transcript=e.transcript.but(language="und"))


def speakers_swapped(e: Evidence, folder: Path) -> Evidence:
    """In every fifth turn the first two speakers are taken for each other, in its words as well."""
    assert e.turns is not None and e.transcript is not None and e.item.truth is not None
    a, b = e.turns.speakers[:2]
    other = {a: b, b: a}
    # By the truth: the turns found may be cut at pauses.
    wrong = [(t.start, t.end) for t in e.item.truth.turns[::5]]

    def said_by(one: Turn | Utterance) -> str:
        middle = (one.start + one.end) / 2
        return other.get(one.speaker, one.speaker) if any(x <= middle < y for x, y in wrong) else one.speaker

    turns = [t.but(speaker=said_by(t)) for t in e.turns.turns]
    said = [u.but(speaker=said_by(u)) for u in e.transcript.utterances]
    return replace(e, turns=e.turns.but(turns=tuple(turns)), transcript=e.transcript.but(utterances=tuple(said)))


def genders_wrong(e: Evidence, folder: Path) -> Evidence:
    """Every speaker is taken for the other gender."""
    assert e.speakers is not None
    other: dict[Gender, Gender] = {"female": "male", "male": "female", "unknown": "unknown"}
    found = [s.but(gender=other[s.gender]) for s in e.speakers.speakers]
    return replace(e, speakers=e.speakers.but(speakers=tuple(found)))


def separation_leaks(e: Evidence, folder: Path) -> Evidence:
    """A tenth of the speech (-20 dB) stays in the separated background."""
    assert e.tracks is not None
    full, bed = e.tracks.full.load(), e.tracks.background.load()
    leaky = bed + 0.1 * (full - bed)
    return replace(e, tracks=e.tracks.but(background=audio.write(folder / "bed.flac", [leaky], media.SAMPLE_RATE)))


def translation_garbled(e: Evidence, folder: Path) -> Evidence:
    """Every fourth line says what the line before it should."""
    assert e.translation is not None
    lines = e.translation.lines
    said = [x.but(text=lines[n - 1].text) if n % 4 == 3 else x for n, x in enumerate(lines)]
    return replace(e, translation=e.translation.but(lines=tuple(said)))


def speech_lost(e: Evidence, folder: Path) -> Evidence:
    """Every tenth word of the dub is not heard; first and last words of lines are."""
    assert e.reading is not None and e.dubbedlines is not None
    edges = {t for line in e.dubbedlines.lines for t in (line.start, line.end)}
    inner = [w for w in e.reading.words if not _near(w, edges)]
    lost = {id(w) for w in inner[:: max(1, round(len(inner) / (len(e.reading.words) / EVERY)))]}
    return replace(e, reading=e.reading.but(words=tuple(w for w in e.reading.words if id(w) not in lost)))


def lines_late(e: Evidence, folder: Path) -> Evidence:
    """Every line of the dub lies 200 ms late."""
    assert e.soundtrack is not None
    late = [
        p.but(
            start=p.start + LATE,
            end=p.end + LATE,
            drift=p.drift + LATE,
            phrases=tuple(x.but(start=x.start + LATE, end=x.end + LATE) for x in p.phrases),
        )
        for p in e.soundtrack.placements
    ]
    return replace(e, soundtrack=e.soundtrack.but(placements=tuple(late)))


def voices_swapped(e: Evidence, folder: Path) -> Evidence:
    """Every third line of the first two speakers has the other's voice."""
    assert e.appraisal is not None and e.dubbedlines is not None
    people = list(dict.fromkeys(line.speaker for line in e.dubbedlines.lines))[:2]
    first = {
        p: next(h for h, x in zip(e.appraisal.lines, e.dubbedlines.lines, strict=True) if x.speaker == p)
        for p in people
    }
    other = dict(zip(people, reversed(people), strict=True))
    heard, seen = [], 0
    for own, line in zip(e.appraisal.lines, e.dubbedlines.lines, strict=True):
        seen += line.speaker in other
        wrong = first[other[line.speaker]] if line.speaker in other and seen % 3 == 0 else own
        heard.append(own.but(print=wrong.print, female=wrong.female))
    return replace(e, appraisal=e.appraisal.but(lines=tuple(heard)))


def six_db_down(e: Evidence, folder: Path) -> Evidence:
    """The whole dub is 6 dB quieter."""
    return _heard_as(e, folder, lambda x: x * np.float32(10 ** (QUIETER / 20)))


def clipped(e: Evidence, folder: Path) -> Evidence:
    """The dub is driven 12 dB over full scale."""
    return _heard_as(e, folder, lambda x: np.clip(x / CLIPPED, -1, 1))


def clicks_at_ends(e: Evidence, folder: Path) -> Evidence:
    """A step of a tenth of full scale, 5 ms before the end of every line, that dies away until there."""
    assert e.dubbedlines is not None
    tail = STEP * np.linspace(1, 0, round(0.005 * media.SAMPLE_RATE), dtype=np.float32)
    ends = [round(line.end * media.SAMPLE_RATE) for line in e.dubbedlines.lines]

    def with_steps(x: np.ndarray) -> np.ndarray:
        damaged = x.copy()
        for at in ends:
            damaged[at - len(tail) : at] += tail[:, None] if x.ndim == 2 else tail
        return damaged

    return _heard_as(e, folder, with_steps)


def bed_missing(e: Evidence, folder: Path) -> Evidence:
    """The dub has no background."""
    assert e.tracks is not None
    bed = e.tracks.background.load()
    return _heard_as(e, folder, lambda x: x - bed[: len(x)])


def film_late(e: Evidence, folder: Path) -> Evidence:
    """In the finished film the sound comes 200 ms after the picture."""
    import ffmpeg

    assert e.film is not None
    source = media.address(e.film)
    late = ffmpeg.output(
        ffmpeg.input(source).video,
        ffmpeg.input(source).audio.filter("adelay", delays=round(LATE * 1000), all=1),
        media.address(folder / "late.mp4"),
        vcodec="copy",
        acodec="aac",
    )
    media.run_ffmpeg(late, "delaying the sound")
    return replace(e, film=folder / "late.mp4")


DAMAGES: tuple[Damage, ...] = (
    Damage("1 word in 10 of the transcript lost", words_lost),
    Damage("the transcript's words 200 ms late", words_late),
    Damage("another language detected", wrong_language),
    Damage("two speakers swapped in every fifth turn", speakers_swapped),
    Damage("every speaker's gender wrong", genders_wrong),
    Damage("speech in the separated background (-20 dB)", separation_leaks),
    Damage("every fourth line translated as the one before", translation_garbled),
    Damage("1 word in 10 of the dub not heard", speech_lost),
    Damage("every line 200 ms late", lines_late),
    Damage("two voices swapped in every third line", voices_swapped),
    Damage("the dub 6 dB quieter", six_db_down),
    Damage("the dub driven 12 dB into clipping", clipped),
    Damage("a step of 0.1 at the end of every line", clicks_at_ends),
    Damage("no background in the dub", bed_missing),
    Damage("sound 200 ms after the picture", film_late),
)
"""The faults of the table in docs/evaluation.md."""


def _heard_as(e: Evidence, folder: Path, change: Callable[[np.ndarray], np.ndarray]) -> Evidence:
    """The same dub with another sound."""
    assert e.screening is not None
    sound: AudioFile = audio.write(folder / "dub.flac", [change(e.screening.sound.load())], media.SAMPLE_RATE)
    return replace(e, screening=e.screening.but(sound=sound))


def _as_words(text: str, start: Seconds, end: Seconds) -> list[Word]:
    words = text.split()
    step = (end - start) / max(1, len(words))
    return [Word(text=w, start=start + n * step, end=start + (n + 1) * step) for n, w in enumerate(words)]


def _near(word: Word, edges: set[Seconds]) -> bool:
    return any(abs(t - edge) < 1e-6 for t in (word.start, word.end) for edge in edges)

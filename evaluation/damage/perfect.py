"""A dub that is perfect by its truth, made without any model: what every measure must give its best score."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit import media
from dubkit.artefacts import (
    PlacedPhrase,
    Placement,
    Soundtrack,
    Speaker,
    Speakers,
    Turn,
    Turns,
    Word,
)
from dubkit.record import Seconds
from dubkit.settings import Settings
from evaluation import oracle
from evaluation.judging.evidence import Evidence
from evaluation.judging.screening import Appraisal, DubbedLine, DubbedLines, Heard, Reading, Screening
from evaluation.times import slots
from evaluation.times.spans import Span, tidied

if TYPE_CHECKING:
    from data.truth import SpokenLine, Truth
    from evaluation.suites import Item

GOOD_QUALITY = (4.0, 4.0, 4.0)


def perfect(item: Item, folder: Path) -> Evidence:
    """Evidence of a dub in which every stage gives the truth: the film itself, with the translation heard in place of its words.

    Parameters
    ----------
    item : Item
        A film whose truth has stems and a translation into the target.
    folder : Path
        Where sounds may be written.

    Raises
    ------
    BadInput
        If the truth lacks something.
    """
    truth = oracle.truth_of(item)
    facts = media.probe(item.video)
    tracks = oracle.true_tracks(item, facts.duration, folder)
    # Not the film's own, which is coded with losses.
    screening = Screening(sound=tracks.full, language=item.target)
    texts = oracle.translations_of(item)
    lines = tuple(_line(u, t) for u, t in zip(truth.utterances, texts, strict=True))
    words = [w for u, t in zip(truth.utterances, texts, strict=True) for w in _spread(t, u.start, u.end)]
    return Evidence(
        item=item,
        settings=Settings(),
        media=facts,
        tracks=tracks,
        turns=_turns(truth),
        transcript=oracle.true_transcript(truth),
        speakers=_speakers(truth),
        translation=oracle.true_translation(item, oracle.true_transcript(truth)),
        soundtrack=Soundtrack(
            audio=screening.sound,
            placements=tuple(_placement(u, t) for u, t in zip(truth.utterances, texts, strict=True)),
        ),
        screening=screening,
        reading=Reading(words=tuple(words), model="truth"),
        dubbedlines=DubbedLines(lines=lines),
        appraisal=_appraisal(truth),
        film=item.video,
    )


def _turns(truth: Truth) -> Turns:
    found = slots.turns(truth, slots.pieces(truth, None))
    return Turns(
        turns=tuple(Turn(id=f"t{n:03}", speaker=who, start=a, end=b) for n, (a, b, who) in enumerate(found, 1))
    )


def _line(said: SpokenLine, text: str) -> DubbedLine:
    return DubbedLine(
        id=said.id,
        unit=said.id,
        speaker=said.speaker,
        source_text=said.text,
        text=text,
        slot_start=said.start,
        slot_end=said.end,
        start=said.start,
        end=said.end,
    )


def _placement(said: SpokenLine, text: str) -> Placement:
    """The line exactly on the phrases that are really said."""
    phrases = phrases_of(said)
    return Placement(
        id=said.id,
        speaker=said.speaker,
        text=text,
        slot_start=said.start,
        slot_end=said.end,
        start=said.start,
        end=said.end,
        rate=1.0,
        stretch=1.0,
        borrowed=0.0,
        drift=0.0,
        phrases=tuple(
            PlacedPhrase(slot_start=a, slot_end=b, start=a, end=b, clip_start=a - said.start, clip_end=b - said.start)
            for a, b in phrases
        ),
    )


def phrases_of(said: SpokenLine) -> Sequence[Span]:
    """When a sentence sounds, without its pauses."""
    return tidied((w.start, w.end) for w in said.words) if said.words else [(said.start, said.end)]


def _spread(text: str, start: Seconds, end: Seconds) -> list[Word]:
    """The words of a text, evenly over a stretch of time."""
    words = text.split()
    step = (end - start) / len(words)
    return [Word(text=w, start=start + n * step, end=start + (n + 1) * step) for n, w in enumerate(words)]


def _speakers(truth: Truth) -> Speakers:
    found = []
    for person in truth.speakers:
        seconds = sum(t.end - t.start for t in truth.turns if t.speaker == person.id)
        found.append(
            Speaker(
                id=person.id,
                name=person.name,
                gender=person.gender,
                confidence=1.0,
                pitch=None,
                speaking_rate=4.0,
                speech_seconds=seconds,
            )
        )
    return Speakers(speakers=tuple(found))


def _appraisal(truth: Truth) -> Appraisal:
    """Each voice is unlike all others and sounds as its gender should; quality is a good score for every line."""
    people = [p.id for p in truth.speakers]
    genders = {p.id: p.gender for p in truth.speakers}
    return Appraisal(
        lines=tuple(
            Heard(
                id=u.id,
                female=float(genders[u.speaker] == "female"),
                quality=GOOD_QUALITY,
                print=tuple(float(u.speaker == person) for person in people),
            )
            for u in truth.utterances
        ),
        model="truth",
    )

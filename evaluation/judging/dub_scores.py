"""How good a finished dub is: what is understood, timing, voices, sound, and all of it end to end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from dubkit.artefacts import Gender
from dubkit.spacing import spaced
from evaluation.judging.evidence import Evidence
from evaluation.judging.stage_scores import FILM, references, spoken
from evaluation.measures import Sample
from evaluation.metrics import (
    background,
    clicks,
    end_to_end,
    gender,
    intelligibility,
    loudness,
    quality,
    sync,
    timing,
    voices,
)
from evaluation.metrics.quality import Rating
from evaluation.texts.cutting import cut_like, texts_like
from evaluation.texts.normalisation import normalised
from evaluation.times import slots
from evaluation.times.spans import Span, complement
from evaluation.times.timed_lines import Line, words_cut

if TYPE_CHECKING:
    from data.truth import SpokenLine, Truth

# Shorter silences say nothing about a bed.
QUIET = 0.5


def heard_lines(e: Evidence) -> dict[str, list[int]]:
    """The heard words (their indexes) that fall to each line of the dub."""
    if e.dubbedlines is None or e.reading is None or not e.dubbedlines.lines or e.screening is None:
        return {}
    lines = e.dubbedlines.lines
    cut = cut_like([x.text for x in lines], [w.text for w in e.reading.words], e.screening.language)
    return {line.id: found for line, found in zip(lines, cut, strict=True)}


def understood(e: Evidence) -> list[Sample]:
    """What is heard against what was to be said."""
    heard = heard_lines(e)
    if not heard or e.dubbedlines is None or e.reading is None or e.screening is None:
        return []
    words = [w.text for w in e.reading.words]
    said = [line.text for line in e.dubbedlines.lines]
    read = [spaced(words[n] for n in heard[line.id]) for line in e.dubbedlines.lines]
    ids = [line.id for line in e.dubbedlines.lines]
    return _by_unit(intelligibility.score(said, read, e.screening.language, ids).samples(), e)


def whole(e: Evidence) -> list[Sample]:
    """What is heard against a human's translation of what was really said."""
    ids, _ = spoken(e)
    wanted = references(e)
    if e.reading is None or not wanted:
        return []
    heard = texts_like(wanted, spaced(w.text for w in e.reading.words), e.item.target)
    return end_to_end.score(wanted, heard, e.item.target, ids).samples()


def on_time(e: Evidence) -> list[Sample]:
    """How lines lie on what is really said; sentences that were not dubbed at all are lines that are not there."""
    if e.dubbedlines is None or e.screening is None:
        return []
    lines = _placed(e) if e.soundtrack else _as_heard(e)
    return _by_unit(timing.score(lines, e.screening.sound.duration).samples(), e) if lines else []


def _placed(e: Evidence) -> list[Line]:
    """Lines where their certificates put them, on slots by the truth where that is known."""
    assert e.soundtrack is not None
    # With a slowed picture, certificates are in times of the dub, and so are the slots in them.
    known = e.item.truth if e.transcript and not e.soundtrack.knots else None
    true_slots, left_out = _true_slots(known, e)
    cut = _cut_words(e)
    lines = [Line.placed(p, true_slots.get(p.id, ()), *cut.get(p.id, (0, None))) for p in e.soundtrack.placements]
    for said in left_out:
        n = len(normalised(said.text, e.spoken_language).split())
        lines.append(Line(said.id, said.speaker, ((said.start, said.end),), (), words=n, cut=n))
    return lines


def _true_slots(known: Truth | None, e: Evidence) -> tuple[dict[str, tuple[Span, ...]], tuple[SpokenLine, ...]]:
    if known is None or e.transcript is None:
        return {}, ()
    return slots.slots(known, slots.pieces(known, e.source_sound), e.transcript.utterances)


def _as_heard(e: Evidence) -> list[Line]:
    """Lines where a recogniser hears them."""
    if e.reading is None or e.dubbedlines is None:
        return []
    own, cut, words = heard_lines(e), _cut_words(e), e.reading.words
    return [
        Line.heard(
            x.id,
            x.speaker,
            ((x.slot_start, x.slot_end),),
            [(words[n].start, words[n].end) for n in own[x.id]],
            *cut[x.id],
        )
        for x in e.dubbedlines.lines
    ]


def _cut_words(e: Evidence) -> dict[str, tuple[int, int]]:
    """By line, how many words it has, and how many are cut off at its end."""
    if e.dubbedlines is None or e.reading is None or e.screening is None:
        return {}
    language, found = e.screening.language, {}
    heard = heard_lines(e)
    for line in e.dubbedlines.lines:
        said = normalised(line.text, language).split()
        read = normalised(" ".join(e.reading.words[n].text for n in heard[line.id]), language).split()
        found[line.id] = len(said), words_cut(said, read)
    return found


def sounding(e: Evidence) -> list[Sample]:
    """Voices and their quality, line by line."""
    if e.appraisal is None or e.dubbedlines is None or not e.dubbedlines.lines:
        return []
    people = speakers_of(e)
    said = {x.id: x for x in e.appraisal.lines}
    lines = [line for line in e.dubbedlines.lines if line.id in said]
    ids = [line.id for line in lines]
    if not ids:
        return []
    found = quality.score(ids, [Rating(*said[name].quality) for name in ids]).samples()
    long_enough = [name for name in ids if said[name].print]
    if long_enough:
        prints = [said[name].print for name in long_enough]
        found += voices.score(prints, [people[name] for name in long_enough], long_enough).samples()
    genders = {p.id: p.gender for p in e.item.truth.speakers} if e.item.truth else _casting(e)
    rated = [name for name in long_enough if genders.get(people[name], "unknown") != "unknown"]
    if rated:
        verdicts = [gender.verdict(said[name].female) for name in rated]
        found += gender.score([genders[people[name]] for name in rated], verdicts, rated, dub=True).samples()
    return _by_unit(found, e)


def speakers_of(e: Evidence) -> dict[str, str]:
    """Who speaks each line of the dub: the real speaker where that is known."""
    lines = e.dubbedlines.lines if e.dubbedlines else ()
    real = {u.id: u.speaker for u in e.item.truth.utterances} if e.item.truth else {}
    return {line.id: real.get(line.unit, line.speaker) for line in lines}


def _casting(e: Evidence) -> dict[str, Gender]:
    return {role.id: role.voice.gender for role in e.casting.roles} if e.casting else {}


def sound(e: Evidence) -> list[Sample]:
    """The film's sound as a whole: level, clicks where lines begin and end, and what became of the background."""
    if e.screening is None or e.dubbedlines is None:
        return []
    found = loudness.score(e.screening.sound.path, unit=FILM).samples()
    there = [x for x in e.dubbedlines.lines if x.end > x.start]
    joins = [(f"{x.id}/{side}", at) for x in there for side, at in (("start", x.start), ("end", x.end))]
    if joins:
        units = {f"{x.id}/{side}": f"{x.unit}/{side}" for x in there for side in ("start", "end")}
        found += [replace(s, unit=units[s.unit]) for s in clicks.score(e.screening.sound, joins).samples()]
    if e.source_sound is not None and (quiet := quiet_spans(e)):
        found += background.kept(e.screening.sound, e.source_sound, quiet).samples()
    return found


def in_sync(e: Evidence) -> list[Sample]:
    """Sound against picture in the finished file."""
    if e.film is None or not (quiet := quiet_spans(e)):
        return []
    return sync.score(e.film, e.item.video, quiet).samples()


def quiet_spans(e: Evidence) -> list[Span]:
    """Where nobody speaks, neither in the film nor in its dub; none where the picture was slowed down."""
    if e.dubbedlines is None or e.media is None or (e.soundtrack is not None and e.soundtrack.knots):
        return []
    turns = e.item.truth.turns if e.item.truth else e.turns.turns if e.turns else ()
    said = [(t.start, t.end) for t in turns] + [(x.start, x.end) for x in e.dubbedlines.lines]
    return [(start, end) for start, end in complement(said, e.media.duration) if end - start >= QUIET]


def _by_unit(samples: Iterable[Sample], e: Evidence) -> list[Sample]:
    """Samples of lines as samples of the sentences that they stand for."""
    units = {line.id: line.unit for line in e.dubbedlines.lines} if e.dubbedlines else {}
    return [replace(s, unit=units.get(s.unit, s.unit)) for s in samples]

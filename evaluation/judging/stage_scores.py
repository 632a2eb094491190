"""How good the stages before synthesis are, by the truth: separation, turns, words, voice gender, translation, cost."""

from __future__ import annotations

from collections.abc import Sequence

from dubkit.artefacts import Word
from dubkit.backends.sentences import sentences
from dubkit.errors import MissingModel
from dubkit.spacing import spaced
from evaluation.judging.evidence import Evidence
from evaluation.measures import Sample
from evaluation.metrics import asr, background, cost, cpwer, diarization, gender, language, meaning, translation, words
from evaluation.texts.cutting import texts_like
from evaluation.times import slots
from evaluation.times.overlaps import greatest_overlap, spans_of

FILM = "film"
"""The unit of what is measured once for a whole film."""


def separation(e: Evidence) -> list[Sample]:
    """The stems against those that the film was mixed from."""
    stems = {name: e.item.folder / f"{name}.wav" for name in ("speech", "music")}
    if e.tracks is None or "separate" in e.given or not all(p.is_file() for p in stems.values()):
        return []
    return background.separation(e.tracks, speech=stems["speech"], bed=stems["music"]).samples()


def turns(e: Evidence) -> list[Sample]:
    """Who speaks when, and how many there are."""
    if e.turns is None or e.media is None or e.item.truth is None or "diarize" in e.given:
        return []
    reference = slots.turns(e.item.truth, slots.pieces(e.item.truth, e.source_sound))
    found = [(t.start, t.end, t.speaker) for t in e.turns.turns]
    return diarization.score(reference, found, e.media.duration).samples()


def recognition(e: Evidence) -> list[Sample]:
    """Words, by line, by speaker, with their times; and the language, where nobody told it."""
    if e.transcript is None or "transcribe" in e.given:
        return []
    ids, said = spoken(e)
    found = []
    if said:
        heard = texts_like(said, spaced(w.text for w in _heard(e)), e.spoken_language)
        found += asr.score(said, heard, e.spoken_language, ids).samples()
    if e.settings is not None and e.settings.transcribe.language is None and e.spoken_language:
        found += language.score([e.spoken_language], [e.transcript.language], [FILM]).samples()
    if e.item.truth is not None:
        found += _by_speaker(e)
        timed = {u.id: u.words for u in e.item.truth.utterances if u.words}
        if timed:
            found += words.score(timed, _heard(e), e.spoken_language).samples()
    return found


def _by_speaker(e: Evidence) -> list[Sample]:
    assert e.item.truth is not None and e.transcript is not None
    reference: dict[str, list[tuple[float, str]]] = {}
    found: dict[str, list[tuple[float, str]]] = {}
    for line in e.item.truth.utterances:
        reference.setdefault(line.speaker, []).append((line.start, line.text))
    for utterance in e.transcript.utterances:
        found.setdefault(utterance.speaker, []).append((utterance.start, utterance.text))
    return cpwer.score(reference, found, e.spoken_language).samples()


def voice_gender(e: Evidence) -> list[Sample]:
    """What each real speaker is taken for: the verdict on the voice that shares most of their time."""
    if e.speakers is None or e.turns is None or e.item.truth is None or "detect_gender" in e.given:
        return []
    verdicts = {s.id: s.gender for s in e.speakers.speakers}
    labelled = [(t.start, t.end, t.speaker) for t in e.turns.turns]
    expected, heard, ids = [], [], []
    for person in e.item.truth.speakers:
        own = [t for t in e.item.truth.turns if t.speaker == person.id]
        found = greatest_overlap(spans_of(own), labelled)
        if own and person.gender != "unknown":
            ids.append(person.id)
            expected.append(person.gender)
            heard.append(verdicts.get(found, "unknown") if found else "unknown")
    return gender.score(expected, heard, ids).samples() if ids else []


def text(e: Evidence) -> list[Sample]:
    """The translation as it stands, before its wording is fitted: nearness to a reference, and in meaning to the source."""
    if e.translation is None or "translate" in e.given:
        return []
    ids, said = spoken(e)
    if not said or not e.translation.lines:
        return []
    wanted = references(e)
    written = " ".join(line.text for line in e.translation.lines)
    if not wanted:
        return _meaning([x.source_text for x in e.translation.lines], [x.text for x in e.translation.lines])
    found = texts_like(wanted, written, e.item.target)
    terms = _terms(e, said)
    return [
        *translation.score(wanted, found, e.item.target, terms, ids).samples(),
        *_meaning(said, found, wanted, ids),
    ]


def _meaning(
    sources: Sequence[str], found: Sequence[str], wanted: Sequence[str] | None = None, ids: Sequence[str] | None = None
) -> list[Sample]:
    """Nothing where the embedding is not installed, as on other machines than Linux on x86-64."""
    try:
        return meaning.score(sources, found, wanted, ids).samples()
    except MissingModel:
        return []


def _terms(e: Evidence, said: Sequence[str]) -> list[tuple[str, ...]]:
    """Per line the glossary's terms that must stand in its translation."""
    from dubkit.glossary import occurrences

    glossary = e.settings.translate.glossary if e.settings else {}
    return [tuple(glossary[o.term] for o in occurrences(line, glossary)) for line in said]


def stage_cost(e: Evidence) -> list[Sample]:
    """Seconds and memory of the stages that were really done."""
    if e.media is None or not e.records:
        return []
    return cost.score(e.records, e.media.duration).samples()


def spoken(e: Evidence) -> tuple[list[str], list[str]]:
    """Ids and texts of what is really said, sentence by sentence; nothing where that is not known."""
    if e.item.truth is not None:
        said = [(u.id, u.text) for u in e.item.truth.utterances if u.text]
        return [name for name, _ in said], [line for _, line in said]
    said_here = sentences(e.item.text) if e.item.text else []
    return [f"s{n:03}" for n in range(1, len(said_here) + 1)], said_here


def references(e: Evidence) -> list[str]:
    """Reference translations of what :func:`spoken` gives, in its order; empty where there are none."""
    truth = e.item.truth
    if truth is None or e.item.target not in truth.translations:
        return []
    texts = zip(truth.utterances, truth.translations[e.item.target], strict=True)
    return [translated for line, translated in texts if line.text]


def _heard(e: Evidence) -> list[Word]:
    assert e.transcript is not None
    return sorted((w for u in e.transcript.utterances for w in u.words), key=lambda w: w.start)

"""The truth in place of a stage: what would the dub be if this stage made no mistakes?

Replacing one stage at a time tells what each costs. A stage that is replaced hides the mistakes of those before it as far
as they reach the dub through its result only: true words stand whatever was heard.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile

from dubkit import audio, media
from dubkit.artefacts import (
    Candidate,
    Line,
    Segment,
    Segments,
    Speakers,
    Tracks,
    Transcript,
    Translation,
    Turns,
    Utterance,
)
from dubkit.durations import natural_duration
from dubkit.errors import BadInput
from dubkit.record import Artefact, AudioFile, Seconds
from dubkit.run import PIPELINE, Run
from dubkit.stages.separate import ANALYSIS_RATE
from evaluation.suites import REPLACEABLE, Item
from evaluation.times.overlaps import greatest_overlap, spans_of

STEMS = ("audio", "speech", "music")

if TYPE_CHECKING:
    from data.truth import SpokenLine, Truth


def supply(run: Run, item: Item, stages: Sequence[str]) -> None:
    """Give a run the truth of an item in place of some stages.

    Parameters
    ----------
    run : Run
        Of the item's film.
    item : Item
        What is known about it.
    stages : sequence of str
        Of :data:`evaluation.suites.REPLACEABLE`.

    Raises
    ------
    BadInput
        If a stage has no truth, or the item does not tell it.
    """
    if unknown := set(stages) - set(REPLACEABLE):
        raise BadInput(f"{sorted(unknown)[0]!r} cannot be replaced by the truth. These can: {', '.join(REPLACEABLE)}.")
    for stage in (s.name for s in PIPELINE):
        if stage in stages:
            run.supply(_MAKERS[stage](run, item))


def possible(item: Item) -> tuple[str, ...]:
    """The stages that this item's truth can replace."""
    if item.truth is None:
        return ()
    lacking = set()
    if not all((item.folder / f"{name}.wav").is_file() for name in STEMS):
        lacking.add("separate")
    if item.target not in item.truth.translations:
        lacking.add("translate")
    return tuple(stage for stage in REPLACEABLE if stage not in lacking)


def truth_of(item: Item) -> Truth:
    """What is exactly known of an item.

    Raises
    ------
    BadInput
        If it is not.
    """
    if item.truth is None:
        raise BadInput(f"The truth of {item.id} is not known exactly, so it can replace no stage.")
    return item.truth


def true_tracks(item: Item, duration: Seconds, folder: Path) -> Tracks:
    """The stems that a film's sound was mixed from, as long as the film.

    Raises
    ------
    BadInput
        If it has none.
    """
    stems = {name: item.folder / f"{name}.wav" for name in STEMS}
    if missing := [p.name for p in stems.values() if not p.is_file()]:
        raise BadInput(f"{item.id} has no stems ({', '.join(missing)}), so `separate` cannot be replaced by the truth.")
    full, short = (round(duration * rate) for rate in (media.SAMPLE_RATE, ANALYSIS_RATE))
    return Tracks(
        speech=_stem(stems["speech"], folder / "speech.flac", ANALYSIS_RATE, short),
        full=_stem(stems["audio"], folder / "full.flac", media.SAMPLE_RATE, full),
        background=_stem(stems["music"], folder / "background.flac", media.SAMPLE_RATE, full),
    )


def true_transcript(truth: Truth) -> Transcript:
    """What is really said, sentence by sentence."""
    fields = set(Utterance.model_fields)
    said = tuple(Utterance(**{k: v for k, v in dict(u).items() if k in fields}) for u in truth.utterances)
    return Transcript(language=truth.language, language_confidence=1.0, utterances=said, model="truth")


def translations_of(item: Item) -> tuple[str, ...]:
    """The reference translation into the item's target, sentence by sentence.

    Raises
    ------
    BadInput
        If there is none.
    """
    known = truth_of(item).translations
    if item.target not in known:
        raise BadInput(
            f"{item.id} has no reference translation into {item.target!r}, so `translate` cannot be replaced by the truth. "
            f"There is one into: {', '.join(known) or 'no language'}."
        )
    return known[item.target]


def true_translation(item: Item, transcript: Transcript) -> Translation:
    """The reference translation, each sentence in the line of a transcript that it mostly lies in."""
    spans = [(u.start, u.end, u.id) for u in transcript.utterances]
    texts: dict[str, list[str]] = {u.id: [] for u in transcript.utterances}
    for said, text in zip(truth_of(item).utterances, translations_of(item), strict=True):
        if line := greatest_overlap(spans_of([said]), spans):
            texts[line].append(text)
    lines = tuple(
        _line(u.id, u.speaker, u.text, " ".join(texts[u.id]), item.target) for u in transcript.utterances if texts[u.id]
    )
    route = (transcript.language, item.target)
    return Translation(source=transcript.language, target=item.target, route=route, lines=lines, model="truth")


def _tracks(run: Run, item: Item) -> Tracks:
    """Made aside and renamed into place: the same film into another language may be read from there at the same time."""
    with run.store.scratch() as folder:
        made = true_tracks(item, run.media.duration, folder)
        home = run.store.root / "given" / made.digest()[:16]
        home.mkdir(parents=True, exist_ok=True)
        stems = {name: getattr(made, name) for name in Tracks.model_fields}
        return Tracks(**{name: one.but(path=one.path.replace(home / one.path.name)) for name, one in stems.items()})


def _stem(source: Path, target: Path, rate: int, n_samples: int) -> AudioFile:
    """A stem at a rate, cut or filled up to a length; the analysis rate is mono."""
    samples, given = soundfile.read(source, dtype="float32")
    if rate == ANALYSIS_RATE and samples.ndim == 2:
        samples = samples.mean(axis=1)
    samples = audio.resample(samples, given, rate)[:n_samples]
    missing = [(0, n_samples - len(samples))] + [(0, 0)] * (samples.ndim - 1)
    return audio.write(target, [np.pad(samples, missing)], rate)


def _turns(run: Run, item: Item) -> Turns:
    return Turns(turns=truth_of(item).turns)


def _segments(run: Run, item: Item) -> Segments:
    """Each sentence is a segment."""
    said = truth_of(item).utterances
    return Segments(
        segments=tuple(
            Segment(id=f"g{n:04}", speaker=who, start=u.start, end=u.end)
            for n, (u, who) in enumerate(zip(said, _found_speakers(run, item), strict=True), 1)
        )
    )


def _transcript(run: Run, item: Item) -> Transcript:
    made = true_transcript(truth_of(item))
    named = zip(made.utterances, _found_speakers(run, item), strict=True)
    return made.but(utterances=tuple(u.but(speaker=who) for u, who in named))


def _found_speakers(run: Run, item: Item) -> list[str]:
    """Who says each sentence, by the run's own turns: voices are given to those whom it found, by the names it gave them."""
    truth = truth_of(item)
    found = [(t.start, t.end, t.speaker) for t in run.turns.turns]

    def name(said: SpokenLine) -> str:
        return greatest_overlap(spans_of([said]), found) or said.speaker

    true_turns = run.turns.turns == truth.turns
    return [said.speaker if true_turns else name(said) for said in truth.utterances]


def _speakers(run: Run, item: Item) -> Speakers:
    """The speakers as they were found, each with the gender of whom they mostly are."""
    truth = truth_of(item)
    genders = {one.id: one.gender for one in truth.speakers}
    found = []
    for speaker in run.speakers.speakers:
        own = [t for t in run.turns.turns if t.speaker == speaker.id]
        who = greatest_overlap(spans_of(own), [(t.start, t.end, t.speaker) for t in truth.turns])
        found.append(speaker.but(gender=genders[who], confidence=1.0) if who else speaker)
    return Speakers(speakers=tuple(found))


def _translation(run: Run, item: Item) -> Translation:
    return true_translation(item, run.transcript)


def _line(name: str, speaker: str, source: str, text: str, language: str) -> Line:
    seconds = natural_duration(text, language)
    only = (Candidate(text=text, duration=seconds),)
    return Line(id=name, speaker=speaker, source_text=source, text=text, duration=seconds, candidates=only)


_MAKERS: dict[str, Callable[[Run, Item], Artefact]] = {
    "separate": _tracks,
    "diarize": _turns,
    "segment": _segments,
    "transcribe": _transcript,
    "detect_gender": _speakers,
    "translate": _translation,
}

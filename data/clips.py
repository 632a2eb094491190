"""Which recordings a reel is made of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import soundfile

from data import crowd, prompts
from data.manifest import Manifest, Sample
from data.packages import take, take_all
from data.reel import Clip, even
from data.truth import CastMember
from dubkit.errors import BadInput

# Stretches of the sample two-cities between pauses, in seconds, and what is read in them.
DICKENS = (
    (1.20, 4.54, "It was the best of times, it was the worst of times,"),
    (5.02, 8.20, "it was the age of wisdom, it was the age of foolishness,"),
    (8.82, 12.78, "it was the epoch of belief, it was the epoch of incredulity,"),
    (13.48, 16.68, "it was the season of Light, it was the season of Darkness,"),
    (17.56, 20.46, "it was the spring of hope, it was the winter of despair,"),
    (21.24, 24.00, "we had everything before us, we had nothing before us,"),
    (24.66, 28.28, "we were all going direct to Heaven, we were all going direct the other way."),
    (29.10, 32.22, "In short, the period was so far like the present period,"),
    (32.78, 36.58, "that some of its noisiest authorities insisted on its being received,"),
    (36.96, 41.64, "for good or for evil, in the superlative degree of comparison only."),
)
PROMPTS_OF = {"allison": "en", "june": "fr", "carlo": "it"}
"""Allison Smith speaks the Spanish prompts too: only one of her languages may be in a conversation of strangers."""


def of(sample: Sample, known: Manifest, cache: Path) -> tuple[list[Clip], list[float]]:
    """A reel's clips in order, and the silence before each in seconds.

    Raises
    ------
    MissingModel
        If a package that they lie in cannot be had.
    """
    if sample.clips == "crowd":
        voices = {one.id: voice(one.id, known, cache) for one in sample.cast}
        return crowd.draw(voices, sample.seed)
    found = (
        prompts.clips(sample.language, known.sources, cache)
        if sample.clips == "prompts"
        else read(sample, known, cache)
    )
    return found, even(len(found))


def voice(name: str, known: Manifest, cache: Path) -> Sequence[Clip]:
    """What a voice of the conversations can say.

    Raises
    ------
    BadInput
        If there is no such voice.
    """
    if name in PROMPTS_OF:
        return prompts.clips(PROMPTS_OF[name], known.sources, cache)
    readers = {one.cast[0].id: one for one in known.samples if one.id in ("librivox", "two-cities")}
    if name not in readers:
        raise BadInput(f"There is no voice {name!r}; there are: {', '.join([*PROMPTS_OF, *readers])}.")
    reader = readers[name]
    if reader.clips:
        return read(reader, known, cache)
    samples, rate = soundfile.read(take(known.sources[reader.source], cache), dtype="float32")
    speaker = person(reader)
    return [Clip(samples[round(a * rate) : round(b * rate)], rate, text, speaker) for a, b, text in DICKENS]


def read(sample: Sample, known: Manifest, cache: Path) -> list[Clip]:
    """The files that one person has read, each with its text."""
    files = take_all(known.sources[sample.sources[0]], [line.file for line in sample.lines], cache)
    found = []
    for line in sample.lines:
        samples, rate = soundfile.read(files[line.file], dtype="float32")
        found.append(Clip(samples, rate, line.text, person(sample), line.translations))
    return found


def person(sample: Sample) -> CastMember:
    """The one who speaks in a sample that only one person speaks in."""
    (one,) = sample.cast
    return CastMember(id=one.id, name=one.name, gender=one.gender)

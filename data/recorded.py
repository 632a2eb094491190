"""What is known about a recording: from the annotations that come with it, or from those of the manifest."""

from __future__ import annotations

from pathlib import Path

from data.manifest import Sample
from data.truth import CastMember, SpokenLine, Truth, turns_of
from dubkit.artefacts import Turn


def truth(sample: Sample, duration: float, words: Path, turns: Path) -> Truth:
    """The truth of a recording.

    Parameters
    ----------
    sample : Sample
        Its ``cast`` says who is behind each label.
    duration : float
        Seconds.
    words : Path
        Who says what, as NIST STM: recording, channel, speaker, start, end, text.
    turns : Path
        Who speaks when, as RTTM.
    """
    people = {one.name: one for one in sample.cast}
    by_label = {one.label: one.id for one in sample.cast}
    utterances: list[SpokenLine] = []
    for line in words.read_text(encoding="utf-8").splitlines():
        _, _, name, start, end, text = line.split(maxsplit=5)
        person = people[name]
        utterances.append(
            SpokenLine(
                id=f"u{len(utterances) + 1:03}",
                speaker=person.id,
                gender=person.gender,
                start=float(start),
                end=float(end),
                text=text,
            )
        )
    spoken: list[Turn] = []
    for line in turns.read_text(encoding="utf-8").splitlines():
        fields = line.split()
        begins, lasts = float(fields[3]), float(fields[4])
        speaker = by_label[fields[7]]
        spoken.append(
            Turn(id=f"t{len(spoken) + 1:03}", speaker=speaker, start=begins, end=min(begins + lasts, duration))
        )
    return Truth(
        id=sample.id,
        title=sample.title,
        language=sample.language,
        duration=duration,
        may_overlap=True,
        speakers=tuple(CastMember(id=one.id, name=one.name, gender=one.gender) for one in sample.cast),
        turns=tuple(spoken),
        utterances=tuple(utterances),
    )


def reading(sample: Sample, duration: float) -> Truth:
    """The truth of a sample that one person speaks in, from its ``lines``, whose times are right to about 0.05 s.

    Parameters
    ----------
    sample : Sample
        Its ``cast`` says who speaks.
    duration : float
        Seconds; no line ends later.
    """
    (person,) = sample.cast
    utterances = tuple(
        SpokenLine(
            id=f"u{n:03}",
            speaker=person.id,
            gender=person.gender,
            start=line.start,
            end=min(line.end, duration),
            text=line.text,
        )
        for n, line in enumerate(sample.lines, 1)
    )
    languages = set.intersection(*(set(line.translations) for line in sample.lines))
    return Truth(
        id=sample.id,
        title=sample.title,
        language=sample.language,
        duration=duration,
        may_overlap=False,
        speakers=(CastMember(id=person.id, name=person.name, gender=person.gender),),
        turns=turns_of(utterances),
        utterances=utterances,
        translations={each: tuple(line.translations[each] for line in sample.lines) for each in sorted(languages)},
    )

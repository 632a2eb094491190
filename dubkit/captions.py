"""Subtitles of a dub: the target text by the times of the dub, the source text by those of the original, and both.

Times of words are exact where a recogniser gave them; elsewhere a text is shared over the stretches in which it sounds, in
proportion to their lengths and best at punctuation, and over each stretch by its characters.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from dubkit import cue_times
from dubkit.artefacts import Placement, Utterance
from dubkit.cue_cuts import Piece, Spoken, Timed, in_order, pieces, together
from dubkit.line_breaks import AFTER_LABEL, Measured, Norm, costs, lines, norm, shared, units
from dubkit.phrases import spans
from dubkit.record import Seconds
from dubkit.retiming import TimeMap
from dubkit.subtitles import DASH, Cue, Said, plain

# So many characters, or seconds, sound from the first time to the second.
Stretch = tuple[int, Seconds, Seconds]
# Shorter silences, in seconds, are closures of consonants and what a recogniser's times are off by.
SHORTEST_PAUSE = 0.3
# A reader does not notice that a cue is faster than the limit by as little as this.
TOLERANCE = 1.02


def spoken(placements: Sequence[Placement], names: Mapping[str, str], target: str) -> list[Spoken]:
    """The dub's lines with the times of their words, by start; a placement's text is shared over its phrases."""
    found = []
    for place in placements:
        parts = units(plain(place.text))
        heard = [(p.start, p.end) for p in place.phrases] or [(place.start, place.end)]
        found += _line(place.id, names.get(place.speaker, place.speaker), parts, _shared(parts, heard, target))
    return in_order(found)


def original(
    utterances: Sequence[Utterance],
    names: Mapping[str, str],
    source: str,
    knots: Sequence[tuple[Seconds, Seconds]] = (),
) -> list[Spoken]:
    """The source's lines with the times of their words, by start.

    Parameters
    ----------
    utterances : sequence of Utterance
        A text that was edited no longer matches its words: it is shared over the stretches between their pauses.
    names : mapping
        Of the speakers, by id; one without a name goes by the id.
    source : str
        The language.
    knots : sequence of (film, dub)
        Where the picture was slowed: the times are then those of the dub (see :class:`dubkit.artefacts.Soundtrack`).
    """
    found = []
    for said in utterances:
        parts = units(plain(said.text))
        stretches = [(_signs(word.text), word.start, word.end) for word in said.words]
        if "".join("".join(parts).split()) != "".join("".join(w.text for w in said.words).split()):
            stretches = _shared(parts, spans(said, SHORTEST_PAUSE), source)
        if knots:
            times = TimeMap.of(knots, knots[-1][0])
            stretches = [(n, times.dub(start), times.dub(end)) for n, start, end in stretches]
        found += _line(said.id, names.get(said.speaker, said.speaker), parts, stretches)
    return in_order(found)


def _shared(parts: Sequence[str], heard: Sequence[tuple[Seconds, Seconds]], language: str) -> list[Stretch]:
    """A text over the spans in which it sounds, in proportion to their lengths."""
    bounds = shared(parts, costs(parts, language), [end - start for start, end in heard], norm(language))
    return [
        (_signs("".join(parts[a:b])), start, end)
        for (a, b), (start, end) in zip(itertools.pairwise([0, *bounds]), heard, strict=True)
    ]


def _signs(text: str) -> int:
    return sum(not sign.isspace() for sign in text)


def _line(name: str, speaker: str, parts: Sequence[str], stretches: Sequence[Stretch]) -> list[Spoken]:
    """The line, its units timed by their share of the characters of all stretches; none where there is no text."""
    sounding = [stretch for stretch in stretches if stretch[0]]
    if not parts or not sounding:
        return []
    counts, starts, ends = (np.array(column, float) for column in zip(*sounding, strict=True))
    starts = np.maximum.accumulate(starts)
    ends = np.maximum.accumulate(np.maximum(ends, starts))
    reached = np.concatenate([[0.0], np.cumsum(counts)])
    own = np.concatenate([[0.0], np.cumsum([_signs(part) for part in parts])])
    own *= reached[-1] / (own[-1] or 1.0)
    timed, last = [], len(counts) - 1

    def when(at: float, side: str) -> Seconds:
        # At the seam of two stretches a unit begins with the later one and ends with the earlier one.
        n = int(np.searchsorted(reached, at + (1e-6 if side == "start" else -1e-6), side="right")) - 1
        n = min(max(n, 0), last)
        return float(starts[n] + (ends[n] - starts[n]) * min(max((at - reached[n]) / counts[n], 0.0), 1.0))

    for part, (a, b) in zip(parts, itertools.pairwise(own), strict=True):
        timed.append(Timed(part, when(a, "start"), when(b, "end")))
    return [Spoken(name, speaker, tuple(timed))]


def cues(found: Sequence[Spoken], language: str, duration: Seconds) -> list[Cue]:
    """The subtitles of one language.

    Parameters
    ----------
    found : sequence of Spoken
        Lines by start, with names as speakers. Where more than one speaks, names are shown as the speaker changes.
    language : str
        Of the text.
    duration : float
        The film's length in seconds; what would begin after it is left out.

    Returns
    -------
    list of Cue
        In order and without overlap, within the limits of :mod:`dubkit.line_breaks` and :mod:`dubkit.cue_times` as far
        as the speech allows.
    """
    limits = norm(language)
    heard = [line for line in found if line.start < duration]
    labels = _labels(heard, limits)
    groups = together(pieces(heard, language, duration, labels), limits)
    said, last = [], ""
    for group in groups:
        said.append(_dialogue(group, labels, limits) if len(group) > 1 else (_single(group[0], labels, last, limits),))
        last = group[0].speaker if len(group) == 1 else ""
    shown = [
        Cue(min(p.start for p in group), max(p.end for p in group), s) for group, s in zip(groups, said, strict=True)
    ]
    return _timed(shown, [_reading(cue.lines, limits) for cue in shown], duration)


def bilingual(
    target: Sequence[Spoken], source: Sequence[Spoken], languages: tuple[str, str], duration: Seconds
) -> list[Cue]:
    """Subtitles of both languages at the times of the dub: a line of the target text above one of the source text.

    A line that is too long for that in either language is cut into as many cues as it needs, in both alike.
    """
    sources = {line.id: line for line in source}
    heard = [line for line in target if line.start < duration]
    labels = _labels(heard, norm(languages[0]))
    shown: list[Cue] = []
    reading: list[Seconds] = []
    last = ""
    for line in heard:
        label = labels.get(line.speaker, "") if line.speaker != last else ""
        other = sources[line.id].units if line.id in sources else ()
        for (above, start, end), below in _side_by_side(line, other, label, languages):
            shown.append(Cue(start, end, (Said(line.speaker, f"{above}\n{below}", label),)))
            texts = (f"{label}{above}", below)
            reading.append(max(_reading([t], norm(x)) for t, x in zip(texts, languages, strict=True)))
            label = ""
        last = line.speaker
    return _timed(shown, reading, duration)


def _side_by_side(
    line: Spoken, other: Sequence[Timed], label: str, languages: tuple[str, str]
) -> list[tuple[tuple[str, Seconds, Seconds], str]]:
    """Both texts in as few parts as fit a line each: (target text, start, end) and source text."""
    ours, theirs = [u.text for u in line.units], [u.text for u in other]
    limits, other_limits = map(norm, languages)
    above, below = Measured(ours, limits), Measured(theirs, other_limits)
    first = limits.width - limits.length(label)
    n = max(int((line.end - line.start) // cue_times.LONGEST) + 1, above.rows(first), below.rows())
    widths = [first, *[float(limits.width)] * (n - 1)]
    cuts = [0, *shared(ours, costs(ours, languages[0]), [1.0] * n, limits, widths)]
    sizes = [above.length(a, b) for a, b in itertools.pairwise(cuts)]
    other_widths = [float(other_limits.width)] * n
    other_cuts = [0, *shared(theirs, costs(theirs, languages[1]), sizes, other_limits, other_widths)]
    found, at = [], line.start
    for (a, b), (c, d) in zip(itertools.pairwise(cuts), itertools.pairwise(other_cuts), strict=True):
        start, end = (line.units[a].start, line.units[b - 1].end) if b > a else (at, at)
        found.append((("".join(ours[a:b]).rstrip(), start, end), "".join(theirs[c:d]).rstrip()))
        at = end
    return found


def _labels(found: Sequence[Spoken], limits: Norm) -> dict[str, str]:
    """By speaker the name that is shown; none where a single one speaks. At most half a line goes to a name."""
    speakers = dict.fromkeys(line.speaker for line in found)
    if len(speakers) < 2:
        return {}
    labels = {}
    for speaker in speakers:
        name = plain(speaker)
        while limits.length(f"{name}: ") > limits.width / 2:
            name = f"{name[:-2].rstrip()}…"
        labels[speaker] = f"{name}: " if name else ""
    return labels


def _single(piece: Piece, labels: Mapping[str, str], last: str, limits: Norm) -> Said:
    """One speaker's cue, with the name where the speaker changed and there is room for it."""
    label = labels.get(piece.speaker, "") if piece.speaker != last else ""
    named = [label, *piece.units]
    if not label or not Measured(named, limits).fits(0, len(named)):
        return Said(piece.speaker, "\n".join(lines(piece.units, piece.weights, limits)))
    text = "\n".join(lines(named, [AFTER_LABEL, *piece.weights], limits))
    return Said(piece.speaker, text.removeprefix(label.rstrip()).lstrip(" "), label)


def _dialogue(group: Sequence[Piece], labels: Mapping[str, str], limits: Norm) -> tuple[Said, ...]:
    """A line for each, with names where there is room for both."""
    texts = ["".join(piece.units).rstrip() for piece in group]
    named = [labels.get(piece.speaker, "") for piece in group]
    if any(limits.length(f"{DASH}{a}{b}") > limits.width for a, b in zip(named, texts, strict=True)):
        named = [""] * len(group)
    return tuple(Said(p.speaker, text, label) for p, text, label in zip(group, texts, named, strict=True))


def _reading(shown: Sequence[str], limits: Norm) -> Seconds:
    return sum(map(limits.length, shown)) / limits.speed


def _timed(shown: Sequence[Cue], reading: Sequence[Seconds], duration: Seconds) -> list[Cue]:
    order = sorted(range(len(shown)), key=lambda n: shown[n].start)
    ordered = [shown[n] for n in order]
    spans = cue_times.times([c.start for c in ordered], [c.end for c in ordered], [reading[n] for n in order], duration)
    return [replace(cue, start=start, end=end) for cue, (start, end) in zip(ordered, spans, strict=True)]


def too_fast(shown: Sequence[Cue], language: str) -> list[Cue]:
    """The cues whose words, names aside, cannot be read at the usual speed: every one is kept, however fast they come."""
    limits = norm(language)
    return [
        cue
        for cue in shown
        if _reading([said.text.replace("\n", "") for said in cue.said], limits) > TOLERANCE * (cue.end - cue.start)
    ]

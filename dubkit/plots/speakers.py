"""Who speaks when, how surely, and whether their voices differ."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from dubkit.artefacts import Tracks, Turns
from dubkit.plots.axes import INKS, literal, new_axes, say_nobody, speaker_colours, speaker_markers, stretch
from dubkit.plots.sound import PALE, envelope
from dubkit.record import Seconds
from dubkit.speaking_times import Stretch, overlaps, stretches

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from pyannote.core import Annotation

HATCH = "////"
ERRORS = {"missed": ("#FFFFFF", "...."), "false alarm": ("#BBBBBB", "////"), "confusion": ("#000000", "")}
"""Colour and hatch of each kind of error."""
_KINDS = {"missed detection": "missed", "false alarm": "false alarm", "confusion": "confusion"}


def turns(found: Turns, duration: Seconds | None = None, ax: Axes | None = None) -> Axes:
    """Who speaks when: a lane per speaker, in order of first appearance; hatched where several talk at once.

    Parameters
    ----------
    found : Turns
    duration : float, optional
        Of the film, in seconds, for a time axis like those of other figures; by default it ends with the last turn.
    ax : Axes, optional
    """
    ax = new_axes(ax, (10, 0.8 + 0.4 * max(1, len(found.speakers))))
    of = speaker_colours(found.speakers)
    for lane, (speaker, colour) in enumerate(of.items()):
        ax.broken_barh(_spans(found, speaker), (lane - 0.35, 0.7), color=colour, linewidth=0)
    together = overlaps(found)
    for lane, (speaker, colour) in enumerate(of.items()):
        spans = [(part.start, part.duration) for part in together if speaker in part.speakers]
        if spans:
            ax.broken_barh(spans, (lane - 0.35, 0.7), facecolor="white", edgecolor=colour, hatch=HATCH, linewidth=0.8)
    if together:
        seconds = sum(part.duration for part in together)
        ax.set_title(f"hatched: several talk at once ({seconds:.1f} s)", fontsize=10)
    ax.set_yticks(range(len(found.speakers)), found.speakers)
    ax.set(xlabel="time (s)", ylim=(max(1, len(found.speakers)) - 0.5, -0.5))
    ax.set_xlim(0, duration)
    if not found.turns:
        say_nobody(ax)
    return literal(ax)


def speaker_waveform(
    found: Turns, tracks: Tracks, start: Seconds = 0.0, end: Seconds | None = None, ax: Axes | None = None
) -> Axes:
    """The sound in the colours of who speaks, with their names above; grey where nobody does.

    Where several talk at once it is hatched, the first one's colour above the middle and the last one's below. Where there is
    no room for a name, it is left out.

    Parameters
    ----------
    found : Turns
    tracks : Tracks
    start, end : float
        The stretch that is shown, in seconds; see :func:`dubkit.plots.axes.stretch`.
    ax : Axes, optional
    """
    import numpy as np

    ax = new_axes(ax, (10, 2.2))
    start, end, part = stretch(tracks.full.duration, start, end)
    sound, of = envelope(tracks.full, start, end), speaker_colours(found.speakers)
    loudest = 1.05 * float(sound.peaks.max(initial=0)) or 1.0
    ax.fill_between(sound.times, -sound.peaks, sound.peaks, color=PALE, linewidth=0, step="mid")
    talk = [one for one in stretches(found) if one.end > start and one.start < end]
    first, last = (_whose(sound.times, talk, place) for place in (0, -1))
    for speaker, colour in of.items():
        low, high = np.where(last == speaker, -sound.peaks, 0), np.where(first == speaker, sound.peaks, 0)
        if low.any() or high.any():
            ax.fill_between(sound.times, low, high, color=colour, linewidth=0, step="mid")
    together = [(one.start, one.duration) for one in talk if len(one.speakers) > 1]
    if together:
        # In long films, frames around what is short would hide all else.
        ax.broken_barh(together, (-loudest, 2 * loudest), facecolor="none", edgecolor="black", hatch=HATCH, linewidth=0)
    ax.set(xlim=(start, end), ylim=(-loudest, loudest), xlabel=f"time (s){part}", ylabel="amplitude")
    _write_names(ax, found, of)
    return literal(ax)


def reference_turns(
    found: Turns, reference: Turns, mapping: Mapping[str, str] | None = None, ax: Axes | None = None
) -> Axes:
    """Who was found to speak when against who does, a lane for each pair, with the errors in lanes of their own.

    What was found is in the upper half of a lane, the reference in the lower, paler half. Errors are those that the
    diarization error rate counts, without a collar; their seconds are of all speakers together.

    Parameters
    ----------
    found, reference : Turns
    mapping : mapping, optional
        Whom each found speaker is taken for, by the reference's names: ``Diarization.mapping`` of
        :mod:`evaluation.metrics.diarization`. Those who are not in it have a lane of their own. By default, speakers of the
        same name are the same.
    ax : Axes, optional
    """
    if mapping is None:
        mapping = {s: s for s in found.speakers if s in reference.speakers}
    alone = [s for s in reference.speakers if s not in mapping.values()]
    lanes: list[tuple[str, str]] = [(s, mapping.get(s, "")) for s in found.speakers] + [("", s) for s in alone]
    names = [_pair(mine, real) for mine, real in lanes]
    ax = new_axes(ax, (10, 1.6 + 0.5 * len(lanes)))
    for row, (mine, real) in enumerate(lanes):
        colour = INKS[row % len(INKS)]
        ax.broken_barh(_spans(found, mine), (row - 0.4, 0.4), color=colour, linewidth=0)
        ax.broken_barh(_spans(reference, real), (row, 0.4), color=colour, alpha=0.4, linewidth=0)
    wrong = _errors(found, reference, mapping)
    for row, (kind, (colour, hatch)) in enumerate(ERRORS.items(), len(lanes)):
        # An edge keeps the shortest errors visible.
        ax.broken_barh(wrong[kind], (row - 0.25, 0.5), facecolor=colour, hatch=hatch, edgecolor="black", linewidth=0.4)
        names.append(f"{kind}, {sum(length for _, length in wrong[kind]):.1f} s")
    ax.axhline(len(lanes) - 0.5, color="black", linewidth=0.8)
    ax.set_yticks(range(len(names)), names)
    ax.set(xlabel="time (s)", ylim=(len(names) - 0.5, -0.5))
    ax.set_xlim(left=0)
    ax.set_title("found above, reference below (pale); what is wrong at the bottom", fontsize=10)
    return literal(ax)


def voice_map(found: Turns, prints: Mapping[str, np.ndarray], ax: Axes | None = None) -> Axes:
    """The voice of each turn as a point, near those that sound alike: principal components of voice prints.

    Points are larger for longer turns and have a speaker's colour and marker. How alike the turns of one speaker are, and those
    of two, is told as mean cosine similarity. Two speakers whose turns are as alike as those of one may be one; one whose
    turns lie in two places, less alike than others', may be two.

    Parameters
    ----------
    found : Turns
    prints : mapping of str to np.ndarray, shape (n_dimensions,)
        Unit vectors by turn id, as :func:`dubkit.voice_prints.of_turns` gives them; turns without one are left out.
    ax : Axes, optional
    """
    import numpy as np

    ax = new_axes(ax, (8, 4.5))
    shown = [t for t in found.turns if t.id in prints]
    if not shown:
        ax.set(title="no turn is long enough for a voice print", xticks=[], yticks=[])
        return ax
    vectors = np.stack([prints[t.id] for t in shown])
    cosines = vectors @ vectors.T
    places, shares = _principal(vectors)
    whose = np.array([t.speaker for t in shown])
    sizes = np.array([20 + 15 * min(10.0, t.end - t.start) for t in shown])
    markers = speaker_markers(found.speakers)
    for speaker, colour in speaker_colours(found.speakers).items():
        own = whose == speaker
        if own.any():
            alike = f" turns, {_mean(cosines[np.ix_(own, own)]):.2f} alike" if own.sum() > 1 else " turn"
            ax.scatter(
                places[own, 0], places[own, 1], s=sizes[own], color=colour, marker=markers[speaker], edgecolor="black",
                linewidth=0.5, alpha=0.8, label=f"{speaker}: {own.sum()}{alike}",
            )  # fmt: skip
    ax.set_title(_likeness(cosines, whose), fontsize=10)
    ax.set(
        xlabel=f"first component ({100 * shares[0]:.0f} % of the variance)",
        ylabel=f"second component ({100 * shares[1]:.0f} %)",
    )
    ax.set_aspect("equal", adjustable="datalim")
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False, fontsize=9)
    return literal(ax)


def _spans(found: Turns, speaker: str) -> list[tuple[Seconds, Seconds]]:
    """Start and length of each turn of a speaker."""
    return [(t.start, t.end - t.start) for t in found.turns if t.speaker == speaker]


def _pair(mine: str, real: str) -> str:
    """What a lane is called: who was found, and who that is."""
    if mine and real:
        return mine if mine == real else f"{mine} = {real}"
    return f"{mine} (found only)" if mine else f"{real} (real only)"


def _whose(times: np.ndarray, talk: Sequence[Stretch], place: int) -> np.ndarray:
    """Who talks at each time, the one at a place of those who do; empty where nobody does."""
    import numpy as np

    who = np.full(len(times), "", object)
    for one in talk:
        first, last = np.searchsorted(times, (one.start, one.end))
        # At least one step, or what is short would not show.
        who[first : max(last, first + 1)] = one.speakers[place]
    return who


def _write_names(ax: Axes, found: Turns, of: Mapping[str, str]) -> None:
    """Names above the axes where a speaker begins, as far as each has room."""
    start, end = ax.get_xlim()
    # About what a letter is wide at this size, in seconds of the axis.
    letter = 0.085 * (end - start) / (ax.bbox.width / ax.figure.dpi)
    free, before, named = start, "", ""
    for turn in found.turns:
        if turn.end <= start or turn.start >= end:
            continue
        at = max(turn.start, start)
        if {turn.speaker} != {before, named} and at >= free:
            ax.text(at, 1.03, turn.speaker, transform=ax.get_xaxis_transform(), color=of[turn.speaker], fontsize=9)
            free, named = at + letter * (len(turn.speaker) + 1), turn.speaker
        before = turn.speaker


def _errors(found: Turns, reference: Turns, mapping: Mapping[str, str]) -> dict[str, list[tuple[Seconds, Seconds]]]:
    """Start and length of every error by its kind; one that counts twice is there twice."""
    from pyannote.core import Segment, Timeline
    from pyannote.metrics.errors.identification import IdentificationErrorAnalysis

    wrong: dict[str, list[tuple[Seconds, Seconds]]] = {kind: [] for kind in ERRORS}
    mine = _annotation(found, {s: mapping.get(s, f"{s} of nobody") for s in found.speakers})
    real = _annotation(reference, {s: s for s in reference.speakers})
    film = Timeline([Segment(0, max((t.end for t in (*found.turns, *reference.turns)), default=0.0))])
    errors = IdentificationErrorAnalysis().difference(real, mine, uem=film)
    for span, _, (status, *_) in errors.itertracks(yield_label=True):
        if status in _KINDS:
            wrong[_KINDS[status]].append((span.start, span.duration))
    return wrong


def _annotation(found: Turns, names: Mapping[str, str]) -> Annotation:
    from pyannote.core import Annotation, Segment

    made = Annotation()
    for turn in found.turns:
        made[Segment(turn.start, turn.end), turn.id] = names[turn.speaker]
    return made.support()


def _principal(vectors: np.ndarray) -> tuple[np.ndarray, tuple[float, float]]:
    """Places on the first two principal components, shape (n, 2), and their shares of the variance."""
    import numpy as np

    centred = vectors - vectors.mean(axis=0)
    left, weights, _ = np.linalg.svd(centred, full_matrices=False)
    places = np.zeros((len(vectors), 2))
    n = min(2, len(weights))
    places[:, :n] = left[:, :n] * weights[:n]
    shares = np.zeros(2)
    if (total := float((weights**2).sum())) > 0:
        shares[:n] = weights[:n] ** 2 / total
    return places, (float(shares[0]), float(shares[1]))


def _likeness(cosines: np.ndarray, whose: np.ndarray) -> str:
    """How alike turns are within and between speakers, in words."""
    import numpy as np

    speakers = list(dict.fromkeys(whose))
    same = np.equal.outer(whose, whose)
    alone = np.eye(len(whose), dtype=bool)
    told = [f"within a speaker {cosines[same & ~alone].mean():.2f}"] if (same & ~alone).any() else []
    if len(speakers) > 1:
        told.append(f"between speakers {round(float(cosines[~same].mean()), 2) + 0.0:.2f}")
    text = "mean cosine similarity: " + ", ".join(told) if told else "one turn alone"
    if len(speakers) < 3:
        return text
    between = {(a, b): cosines[np.ix_(whose == a, whose == b)].mean() for a, b in itertools.combinations(speakers, 2)}
    nearest = max(between, key=lambda pair: between[pair])
    return f"{text}\nmost alike: {nearest[0]} and {nearest[1]}, {between[nearest]:.2f}"


def _mean(cosines: np.ndarray) -> float:
    """Of all pairs, without those of a turn with itself."""
    n = len(cosines)
    return float((cosines.sum() - cosines.trace()) / (n * (n - 1)))

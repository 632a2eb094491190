"""Where the lines of a dub lie beside the original's, and what it took to put them there.

Times are seconds of the dub, slots included (see :class:`dubkit.artefacts.Placement`). All take ``start`` and ``end``, to look
at a stretch of a long film; without an end they show no more of it than can be read, and their titles say so.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from dubkit.artefacts import Placement, Soundtrack
from dubkit.certificate import LATE
from dubkit.plots.axes import literal, new_axes, say_nobody, speaker_colours, speaker_markers, stretch
from dubkit.record import Seconds
from dubkit.timing import TimingSettings

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GREY = "#999999"
ON_BAR: dict[str, Any] = {"va": "center", "ha": "center", "fontsize": 7, "clip_on": True}
# Earlier than this, and later, viewers begin to notice that sound and picture are apart (ITU-R BT.1359-1).
NOTICED = -0.045, 0.125
# More names than this would cover each other: the worst have one.
MOST_NAMES = 12


def timing(soundtrack: Soundtrack, start: Seconds = 0.0, end: Seconds | None = None, ax: Axes | None = None) -> Axes:
    """The original's phrases above, the dub's below, joined at their starts, with the rate of each line.

    Lines that do not fit are hatched and say how. Rates are left out where a line is too short on the paper.
    """
    start, end, part = stretch(soundtrack.audio.duration, start, end)
    colours = speaker_colours(p.speaker for p in soundtrack.placements)
    lanes = {speaker: lane for lane, speaker in enumerate(colours)}
    ax = new_axes(ax, (12, 1.0 + 0.85 * max(1, len(lanes))))
    ax.set(xlim=(start, end), xlabel="time (s)")
    width, told = _width(ax, 4), dict.fromkeys(lanes, (start, 0))
    for p in _within(soundtrack.placements, start, end):
        lane, colour = lanes[p.speaker], colours[p.speaker]
        look: dict[str, Any] = {"hatch": "////", "edgecolor": "black", "linewidth": 1.0} if p.flag else {"linewidth": 0}
        for phrase in p.phrases:
            original, dubbed = phrase.slot_end - phrase.slot_start, phrase.end - phrase.start
            ax.barh(lane - 0.18, original, 0.3, phrase.slot_start, color=colour, alpha=0.35, linewidth=0)
            ax.barh(lane + 0.18, dubbed, 0.3, phrase.start, color=colour, **look)
            ax.plot([phrase.slot_start, phrase.start], [lane - 0.03, lane + 0.03], color="black", linewidth=0.8)
        if p.end - p.start >= width:
            paper = {"boxstyle": "square,pad=0.1", "facecolor": "white", "linewidth": 0}
            ax.text((p.start + p.end) / 2, lane + 0.18, f"{p.rate:.2f}", bbox=paper, **ON_BAR)
        if p.flag:
            # On two levels, where names would run into each other.
            reach, level = told[p.speaker]
            level = 1 - level if p.start < reach else 0
            told[p.speaker] = p.start + _width(ax, len(p.flag)), level
            ax.text(p.start, lane + 0.35 + 0.11 * level, p.flag, va="top", fontsize=7, clip_on=True)
    ax.set_yticks(range(len(lanes)), list(lanes))
    ax.set_ylim(max(len(lanes), 1) - 0.35, -0.45)
    return _finished(ax, soundtrack, f"original (pale) and dub (strong) with its rate; hatched: does not fit{part}")


def drift(soundtrack: Soundtrack, start: Seconds = 0.0, end: Seconds | None = None, ax: Axes | None = None) -> Axes:
    """How late each line starts and ends, in seconds over the film; below 0 is early.

    Starts are filled, ends hollow, with a marker for each speaker. The white band is what viewers do not notice (ITU-R
    BT.1359-1), dashed lines are the limit from which a start is flagged. Flagged lines are named.
    """
    start, end, part = stretch(soundtrack.audio.duration, start, end)
    lines = _within(soundtrack.placements, start, end)
    ax = new_axes(ax, (12, 2.6))
    ends = [p.end - p.slot_end for p in lines]
    shown = [-1.15 * LATE, 1.15 * LATE, *(1.1 * x for x in [*ends, *(p.drift for p in lines)])]
    for low, high in ((min(shown), NOTICED[0]), (NOTICED[1], max(shown))):
        ax.axhspan(low, high, color="#EEEEEE", linewidth=0)
    for limit in (-LATE, LATE):
        ax.axhline(limit, color=GREY, linewidth=0.8, linestyle="--")
    for speaker, colour, marker, theirs in _by_speaker(soundtrack, lines):
        late = [p.end - p.slot_end for p in theirs]
        ax.vlines([p.end for p in theirs], 0, late, color=colour, linewidth=0.8)
        ax.scatter([p.start for p in theirs], [p.drift for p in theirs], s=22, c=colour, marker=marker, label=speaker)
        ax.scatter([p.end for p in theirs], late, s=22, c="white", marker=marker, edgecolor=colour)
    starting = {"late", "early"}
    _name(ax, [(p, (p.start, p.drift)) for p in lines if p.flag in starting])
    _name(ax, [(p, (p.end, p.end - p.slot_end)) for p in lines if p.flag and p.flag not in starting])
    ax.set(xlim=(start, end), ylim=(min(shown), max(shown)), xlabel="time (s)", ylabel="late (s)")
    told = f"when lines start (filled) and end (hollow); white: not noticed; dashed: flagged from {LATE} s on{part}"
    return _finished(ax, soundtrack, told)


def rates(
    soundtrack: Soundtrack,
    settings: TimingSettings = TimingSettings(),
    start: Seconds = 0.0,
    end: Seconds | None = None,
    ax: Axes | None = None,
) -> Axes:
    """How fast each line is spoken, over the film: a bar as long as the line; 1 is the voice's natural rate.

    Where a clip was stretched as well, a hollow dot is the rate at which the synthesizer spoke it. Bars are as long as lines, so
    that a long hurried one shows as what it is.

    Parameters
    ----------
    soundtrack : Soundtrack
    settings : TimingSettings
        Of the run (``run.speech.timing``), for its limits.
    """
    start, end, part = stretch(soundtrack.audio.duration, start, end)
    lines = _within(soundtrack.placements, start, end)
    ax = new_axes(ax, (12, 2.6))
    ax.axhline(1.0, color="black", linewidth=0.8)
    for limit, name in ((settings.slowest, "slowest"), (settings.fastest, "fastest")):
        ax.axhline(limit, color=GREY, linewidth=1, linestyle="--")
        ax.annotate(f" {name}", (1, limit), xycoords=("axes fraction", "data"), va="center", fontsize=8)
    ax.annotate(" natural", (1, 1), xycoords=("axes fraction", "data"), va="center", fontsize=8)
    for speaker, colour, marker, theirs in _by_speaker(soundtrack, lines):
        starts, paces = [p.start for p in theirs], [p.rate for p in theirs]
        ax.hlines(paces, starts, [p.end for p in theirs], color=colour, linewidth=4)
        ax.scatter(
            starts, paces, s=40, c=colour, marker=marker, edgecolor="white", linewidth=0.5, zorder=3, label=speaker
        )
    stretched = [p for p in lines if p.stretch != 1]
    if stretched:
        middles, native = [(p.start + p.end) / 2 for p in stretched], [p.rate / p.stretch for p in stretched]
        ax.vlines(middles, native, [p.rate for p in stretched], color="black", linewidth=0.8)
        ax.scatter(middles, native, s=18, c="white", edgecolor="black", zorder=4, label="before stretch")
    _name(ax, [(p, (p.end, p.rate)) for p in lines if p.flag == "squeezed"])
    shown = [settings.slowest, settings.fastest, *(p.rate for p in lines), *(p.rate / p.stretch for p in stretched)]
    ax.set(xlim=(start, end), ylim=(min(shown) - 0.05, max(shown) + 0.05))
    ax.set(xlabel="time (s)", ylabel="rate")
    return _finished(ax, soundtrack, f"how fast lines are spoken{part}")


def borrowed(soundtrack: Soundtrack, start: Seconds = 0.0, end: Seconds | None = None, ax: Axes | None = None) -> Axes:
    """The silence that lines take around their slots, in seconds over the film: after it upwards, before it downwards.

    Grey is what they leave unused of their own time, at either side.
    """
    start, end, part = stretch(soundtrack.audio.duration, start, end)
    lines = _within(soundtrack.placements, start, end)
    ax = new_axes(ax, (12, 2.6))
    shown = [-0.1, 0.1]
    for speaker, colour, marker, theirs in _by_speaker(soundtrack, lines):
        after = [(p.slot_end, p.end - p.slot_end) for p in theirs]
        before = [(p.slot_start, p.start - p.slot_start) for p in theirs]
        # After a slot borrowed time is above 0, before it below.
        spare = [(t, -x) for t, x in after if x < 0] + [(t, -x) for t, x in before if x > 0]
        taken = [(t, x) for t, x in after if x > 0] + [(t, x) for t, x in before if x < 0]
        ax.vlines([t for t, _ in spare], 0, [x for _, x in spare], color="#CCCCCC", linewidth=6)
        ax.vlines([t for t, _ in taken], 0, [x for _, x in taken], color=colour, linewidth=3)
        ax.scatter([t for t, _ in taken], [x for _, x in taken], s=22, c=colour, marker=marker, zorder=3, label=speaker)
        shown += [1.15 * x for _, x in spare + taken]
    _name(ax, [(p, (p.slot_end, p.end - p.slot_end)) for p in lines if p.flag == "long"])
    ax.axhline(0, color="black", linewidth=0.8)
    total = sum(p.borrowed for p in soundtrack.placements)
    ax.set(xlim=(start, end), ylim=(min(shown), max(shown)), xlabel="time (s)")
    ax.set_ylabel("before ↓  after ↑ (s)")
    return _finished(
        ax, soundtrack, f"silence borrowed around lines, {total:.1f} s in all; grey: own time not used{part}"
    )


def _by_speaker(soundtrack: Soundtrack, lines: Sequence[Placement]) -> Iterator[tuple[str, str, str, list[Placement]]]:
    """Each speaker of the film who has some of the lines, with colour, marker and those lines."""
    markers = speaker_markers(p.speaker for p in soundtrack.placements)
    for speaker, colour in speaker_colours(markers).items():
        if theirs := [p for p in lines if p.speaker == speaker]:
            yield speaker, colour, markers[speaker], theirs


def _within(lines: Sequence[Placement], start: Seconds, end: Seconds) -> list[Placement]:
    """The lines of which something sounds between two times, in the original or in the dub."""
    return [p for p in lines if max(p.end, p.slot_end) > start and min(p.start, p.slot_start) < end]


def _width(ax: Axes, letters: int) -> Seconds:
    """About how long a line must be for so many small letters to fit on it."""
    low, high = ax.get_xlim()
    inches = ax.bbox.width / ax.figure.dpi
    return letters * 0.05 * (high - low) / inches


def _name(ax: Axes, lines: Sequence[tuple[Placement, tuple[float, float]]]) -> None:
    """The lines' ids and flags beside points of theirs; of many, those farthest up or down."""
    for line, at in sorted(lines, key=lambda one: -abs(one[1][1]))[:MOST_NAMES]:
        ax.annotate(f" {line.id} {line.flag}", at, fontsize=7, va="center", annotation_clip=True)


def _finished(ax: Axes, soundtrack: Soundtrack, title: str) -> Axes:
    """A title to the left and the legend beside it, or under it, where both have no room in one line."""
    names = ax.get_legend_handles_labels()[1]
    low, high = ax.get_xlim()
    letters = int((high - low) / _width(ax, 1))
    # A marker and the space around a name are as wide as some letters; those of the title are larger.
    entry = max(map(len, names), default=0) + 7
    columns = max(1, min(len(names), letters // entry))
    rows = math.ceil(len(names) / columns)
    beside = rows <= 1 and 1.5 * len(title) + columns * entry < letters
    if names:
        ax.legend(
            loc="lower right", bbox_to_anchor=(1, 1), ncols=columns, frameon=False, fontsize=8, borderaxespad=0.1,
            columnspacing=1.0, handletextpad=0.3,
        )  # fmt: skip
    ax.set_title(title, fontsize=10, loc="left", pad=None if beside else 6 + 14 * rows)
    if not soundtrack.placements:
        say_nobody(ax)
    return literal(ax)

"""Where the lines of a dub lie beside the original's, and what it took to put them there.

Times are seconds of the dub, slots included (see :class:`dubkit.artefacts.Placement`). All take ``start`` and ``end``, to look
at a stretch of a long film; without an end they show no more of it than can be read, and their titles say so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dubkit.artefacts import Placement, Soundtrack
from dubkit.certificate import LATE
from dubkit.plots.axes import new_axes, speaker_colours, stretch
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
    _titled(ax, f"original (pale) and dub (strong) with its rate; hatched: does not fit{part}")
    return ax


def drift(soundtrack: Soundtrack, start: Seconds = 0.0, end: Seconds | None = None, ax: Axes | None = None) -> Axes:
    """How late each line starts and ends, in seconds over the film; below 0 is early.

    The white band is what viewers do not notice (ITU-R BT.1359-1), dashed lines are the limit from which a start is flagged.
    Flagged lines are named.
    """
    start, end, part = stretch(soundtrack.audio.duration, start, end)
    lines = _within(soundtrack.placements, start, end)
    ax = new_axes(ax, (12, 2.6))
    colours = speaker_colours(p.speaker for p in soundtrack.placements)
    ends = [p.end - p.slot_end for p in lines]
    shown = [-1.15 * LATE, 1.15 * LATE, *(1.1 * x for x in [*ends, *(p.drift for p in lines)])]
    for low, high in ((min(shown), NOTICED[0]), (NOTICED[1], max(shown))):
        ax.axhspan(low, high, color="#EEEEEE", linewidth=0)
    for limit in (-LATE, LATE):
        ax.axhline(limit, color=GREY, linewidth=0.8, linestyle="--")
    tones = [colours[p.speaker] for p in lines]
    ax.vlines([p.end for p in lines], 0, ends, color=tones, linewidth=0.8)
    ax.scatter([p.start for p in lines], [p.drift for p in lines], s=22, c=tones, marker="o", label="start")
    ax.scatter([p.end for p in lines], ends, s=22, c="white", marker="s", edgecolor=tones, label="end")
    starting = {"late", "early"}
    _name(ax, [(p, (p.start, p.drift)) for p in lines if p.flag in starting])
    _name(ax, [(p, (p.end, p.end - p.slot_end)) for p in lines if p.flag and p.flag not in starting])
    ax.set(xlim=(start, end), ylim=(min(shown), max(shown)), xlabel="time (s)", ylabel="late (s)")
    _titled(ax, f"when lines start and end; white: not noticed; dashed: flagged from {LATE} s on{part}")
    return ax


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
    colours = speaker_colours(p.speaker for p in soundtrack.placements)
    ax.axhline(1.0, color="black", linewidth=0.8)
    for limit, name in ((settings.slowest, "slowest"), (settings.fastest, "fastest")):
        ax.axhline(limit, color=GREY, linewidth=1, linestyle="--")
        ax.annotate(f" {name}", (1, limit), xycoords=("axes fraction", "data"), va="center", fontsize=8)
    ax.annotate(" natural", (1, 1), xycoords=("axes fraction", "data"), va="center", fontsize=8)
    for speaker, colour in colours.items():
        theirs = [p for p in lines if p.speaker == speaker]
        ax.hlines(
            [p.rate for p in theirs], [p.start for p in theirs], [p.end for p in theirs], color=colour, linewidth=4
        )
        ax.plot([], [], color=colour, linewidth=4, label=speaker)
    stretched = [p for p in lines if p.stretch != 1]
    if stretched:
        middles, native = [(p.start + p.end) / 2 for p in stretched], [p.rate / p.stretch for p in stretched]
        ax.vlines(middles, native, [p.rate for p in stretched], color="black", linewidth=0.8)
        ax.scatter(middles, native, s=18, c="white", edgecolor="black", zorder=3, label="before stretch")
    _name(ax, [(p, (p.end, p.rate)) for p in lines if p.flag == "squeezed"])
    shown = [settings.slowest, settings.fastest, *(p.rate for p in lines), *(p.rate / p.stretch for p in stretched)]
    ax.set(xlim=(start, end), ylim=(min(shown) - 0.05, max(shown) + 0.05))
    ax.set(xlabel="time (s)", ylabel="rate")
    _titled(ax, f"how fast lines are spoken{part}")
    return ax


def borrowed(soundtrack: Soundtrack, start: Seconds = 0.0, end: Seconds | None = None, ax: Axes | None = None) -> Axes:
    """The silence that lines take around their slots, in seconds over the film: after it upwards, before it downwards.

    Grey is what they leave unused of their own time, at either side.
    """
    start, end, part = stretch(soundtrack.audio.duration, start, end)
    lines = _within(soundtrack.placements, start, end)
    ax = new_axes(ax, (12, 2.6))
    colours = speaker_colours(p.speaker for p in soundtrack.placements)
    shown = [-0.1, 0.1]
    tones = [colours[p.speaker] for p in lines]
    for where, taken, sign in (
        ([p.slot_end for p in lines], [p.end - p.slot_end for p in lines], 1),
        ([p.slot_start for p in lines], [p.slot_start - p.start for p in lines], -1),
    ):
        ax.vlines(where, 0, [sign * max(0.0, -x) for x in taken], color="#CCCCCC", linewidth=6)
        ax.vlines(where, 0, [sign * max(0.0, x) for x in taken], color=tones, linewidth=3)
        shown += [1.15 * sign * abs(x) for x in taken]
    _name(ax, [(p, (p.slot_end, p.end - p.slot_end)) for p in lines if p.flag == "long"])
    ax.axhline(0, color="black", linewidth=0.8)
    total = sum(p.borrowed for p in soundtrack.placements)
    ax.set(xlim=(start, end), ylim=(min(shown), max(shown)), xlabel="time (s)")
    ax.set_ylabel("before ↓  after ↑ (s)")
    _titled(ax, f"silence borrowed around lines, {total:.1f} s in all; grey: own time not used{part}")
    return ax


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


def _titled(ax: Axes, title: str) -> None:
    """A title to the left, and beside it the legend, where it covers nothing."""
    ax.set_title(title, fontsize=10, loc="left")
    if ax.get_legend_handles_labels()[0]:
        ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=9, frameon=False, fontsize=8, borderaxespad=0.1)

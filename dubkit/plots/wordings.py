"""The wordings of each line, beside the time that there is for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dubkit.artefacts import Speech, Transcript, Translation
from dubkit.choices import Choice, choices
from dubkit.plots.axes import literal, new_axes, say_nobody, speaker_colours
from dubkit.record import Seconds
from dubkit.wording import COMFORTABLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_LINES = 40
RANGE = (0.4, 2.5)
"""Of the axis; what lies beyond it is drawn as an arrow at its edge."""
LONGEST_TEXT = 46


def candidates(
    translation: Translation,
    transcript: Transcript,
    speech: Speech | None = None,
    start: Seconds = 0.0,
    end: Seconds | None = None,
    ax: Axes | None = None,
) -> Axes:
    """How long each wording of a line would be, beside its slot: the chosen one is filled.

    Lengths are predicted from the texts. Of more than forty lines the first ones are drawn.

    Parameters
    ----------
    translation : Translation
    transcript : Transcript
        Its source.
    speech : Speech, optional
        Its clips know which wording was chosen; without it that is the translator's first.
    start, end : float, optional
        Draw the lines that start in this stretch of the film, in seconds.
    ax : Axes, optional
    """
    import math

    found = choices(translation, transcript, speech)
    rows = [row for row in found.rows if start <= row.start < (math.inf if end is None else end)]
    drawn = rows[:MOST_LINES]
    ax = new_axes(ax, (10, 1.4 + 0.28 * max(1, len(drawn))))
    ax.axvspan(*COMFORTABLE, color="#DDDDDD", zorder=0.6, label="comfortable rate")
    ax.axvline(1, color="black", linewidth=0.8, zorder=0.7)
    colours = speaker_colours(line.speaker for line in translation.lines)
    for y, row in enumerate(drawn):
        _line(ax, y, row, colours[row.line.speaker])
    ax.set_yticks(range(len(drawn)), [_label(row) for row in drawn], fontsize=8)
    ax.set_xscale("log")
    ticks = (0.4, 0.5, 0.7, 1, 1.4, 2, 2.5)
    ax.set_xticks(ticks, [f"{tick:.0%}" for tick in ticks])
    ax.set_xticks([], minor=True)
    ax.set(xlim=RANGE, ylim=(max(1, len(drawn)) - 0.4, -0.6), xlabel="predicted length as a share of the slot")
    ax.grid(axis="y", color="#DDDDDD", linewidth=0.6)
    ax.set_axisbelow(True)
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(axis="y", length=0)
    if len(drawn) < len(rows):
        ax.set_title(f"the first {len(drawn)} of {len(rows)} lines", loc="left", fontsize=10)
    _legend(ax, found.spoken)
    if not found.rows:
        say_nobody(ax)
    return literal(ax)


def _line(ax: Axes, y: int, row: Choice, colour: str) -> None:
    """A line's row: a ring for each wording, a dot for the chosen one, joined from the shortest to the longest."""
    known = [(n, row.relative(c)) for n, c in enumerate(row.candidates) if c.duration > 0]
    within = [min(max(length, RANGE[0]), RANGE[1]) for _, length in known]
    if within:
        ax.plot([min(within), max(within)], [y, y], color=colour, linewidth=1, alpha=0.6, zorder=1)
    for (n, length), x in zip(known, within, strict=True):
        marker = "<" if length < RANGE[0] else ">" if length > RANGE[1] else "o"
        is_chosen = n == row.chosen
        ax.plot(
            [x],
            [y],
            marker,
            color=colour,
            markerfacecolor=colour if is_chosen else "white",
            markersize=8 if is_chosen else 6,
            clip_on=False,
            zorder=3 if is_chosen else 2,
        )


def _label(row: Choice) -> str:
    text = row.candidates[row.chosen].text
    return f"{row.line.id} {row.line.speaker}  {text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + '…'}"


def _legend(ax: Axes, spoken: bool) -> None:
    grey = {"color": "#555555", "linestyle": "none", "marker": "o"}
    ax.plot([], [], **grey, markersize=8, label="spoken" if spoken else "the translator's first")  # type: ignore[arg-type]
    ax.plot([], [], **grey, markersize=6, markerfacecolor="white", label="other wordings")  # type: ignore[arg-type]
    ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3, frameon=False, fontsize=8)

"""Where the lines of a dub lie beside the original's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dubkit.artefacts import Soundtrack
from dubkit.plots.axes import COLOURS, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def timing(soundtrack: Soundtrack, ax: Axes | None = None) -> Axes:
    """The original's phrases above, the dub's below, joined at their starts, with the rate of each line.

    Lines that do not fit are outlined.
    """
    lines = soundtrack.placements
    speakers = list(dict.fromkeys(p.speaker for p in lines))
    ax = new_axes(ax, (10, 0.8 + 0.9 * max(1, len(speakers))))
    for p in lines:
        lane = speakers.index(p.speaker)
        colour = COLOURS[lane % len(COLOURS)]
        edge, width = ("black", 1.5) if p.flag else (colour, 0)
        for phrase in p.phrases:
            original, dubbed = phrase.slot_end - phrase.slot_start, phrase.end - phrase.start
            ax.barh(lane - 0.2, original, 0.3, phrase.slot_start, color=colour, alpha=0.4)
            ax.barh(lane + 0.2, dubbed, 0.3, phrase.start, color=colour, edgecolor=edge, linewidth=width)
            ax.plot([phrase.slot_start, phrase.start], [lane - 0.05, lane + 0.05], color="black", linewidth=0.8)
        ax.text(p.start, lane + 0.2, f" {p.rate:.2f}", va="center", fontsize=7, color="white", clip_on=True)
    ax.set_yticks(range(len(speakers)), speakers)
    ax.set(xlabel="time (s)", title="original (pale) and dub (strong) with its rate; outlined: does not fit")
    ax.invert_yaxis()
    return ax

"""Who speaks when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dubkit.artefacts import Turns
from dubkit.plots.axes import COLOURS, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def turns(found: Turns, ax: Axes | None = None) -> Axes:
    """Who speaks when: a lane per speaker, in order of first appearance."""
    ax = new_axes(ax, (10, 0.6 + 0.4 * max(1, len(found.speakers))))
    for lane, speaker in enumerate(found.speakers):
        spans = [(t.start, t.end - t.start) for t in found.turns if t.speaker == speaker]
        ax.broken_barh(spans, (lane - 0.35, 0.7), color=COLOURS[lane % len(COLOURS)])
    ax.set_yticks(range(len(found.speakers)), found.speakers)
    ax.set(xlabel="time (s)")
    ax.invert_yaxis()
    return ax

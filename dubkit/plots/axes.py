"""Axes to draw into, and colours that people with any colour vision can tell apart (Okabe and Ito)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from dubkit.record import Seconds

LONGEST = 120.0
"""Seconds of a film that single lines can be told apart in, on a figure as wide as a page."""
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442", "#000000")


def new_axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """The axes given, or those of a new figure of a size in inches."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=size, layout="constrained")[1]


def speaker_colours(speakers: Iterable[str]) -> dict[str, str]:
    """The colour of each speaker, in order of first appearance."""
    return {speaker: COLOURS[n % len(COLOURS)] for n, speaker in enumerate(dict.fromkeys(speakers))}


def stretch(duration: Seconds, start: Seconds = 0.0, end: Seconds | None = None) -> tuple[Seconds, Seconds, str]:
    """The stretch of a film that a figure shows: without an end, at most :data:`LONGEST` seconds.

    Returns
    -------
    (float, float, str)
        Start, end, and words for the title that tell which part of the film it is; none where it is all.
    """
    end = min(duration, start + LONGEST) if end is None else end
    whole = start <= 0 and end >= duration
    return start, end, "" if whole else f" ({start:.0f} to {end:.0f} of {duration:.0f} s)"

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
INKS = tuple(colour for colour in COLOURS if colour != "#F0E442")
"""Those that show as thin lines and letters on white: yellow is too pale."""
MARKERS = "osD^vPX*"
"""One more than there are inks: together they tell 56 speakers apart."""
NOBODY = "nobody speaks in this film"


def new_axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """The axes given, or those of a new figure of a size in inches."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=size, layout="constrained")[1]


def speaker_colours(speakers: Iterable[str]) -> dict[str, str]:
    """The colour of each speaker, in order of first appearance."""
    return {speaker: INKS[n % len(INKS)] for n, speaker in enumerate(dict.fromkeys(speakers))}


def speaker_markers(speakers: Iterable[str]) -> dict[str, str]:
    """The marker of each speaker, in order of first appearance, for those who cannot tell the colours apart."""
    return {speaker: MARKERS[n % len(MARKERS)] for n, speaker in enumerate(dict.fromkeys(speakers))}


def literal(ax: Axes) -> Axes:
    """The axes with all their texts as they are written: two dollar signs are prices in a film, and no formula."""
    from matplotlib.text import Text

    for text in ax.findobj(Text):
        text.set_parse_math(False)
    return ax


def say_nobody(ax: Axes) -> None:
    """Say in the middle of empty axes why they are empty: :data:`NOBODY`."""
    paper = {"boxstyle": "round", "facecolor": "white", "linewidth": 0}
    ax.text(0.5, 0.5, NOBODY, transform=ax.transAxes, ha="center", va="center", style="italic", bbox=paper)


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

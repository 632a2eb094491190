"""What was said, and how sure that is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dubkit.artefacts import Transcript
from dubkit.plots.axes import COLOURS, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def words(transcript: Transcript, ax: Axes | None = None) -> Axes:
    """How sure the recogniser is of each word: a bar over the word's time, as high as its confidence."""
    ax = new_axes(ax, (10, 2))
    speakers = list(dict.fromkeys(u.speaker for u in transcript.utterances))
    for lane, speaker in enumerate(speakers):
        said = [w for u in transcript.utterances if u.speaker == speaker for w in u.words]
        ax.bar(
            [w.start for w in said],
            [w.confidence for w in said],
            [max(0.01, w.end - w.start) for w in said],
            align="edge",
            color=COLOURS[lane % len(COLOURS)],
            label=speaker,
        )
    ax.set(xlabel="time (s)", ylabel="confidence", ylim=(0, 1))
    if len(speakers) > 1:
        ax.legend(loc="lower right")
    return ax

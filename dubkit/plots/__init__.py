"""Every figure, each ``(artefact, ..., ax=None) -> Axes``: draws into `ax`, or into a new figure, and gives the axes back.

Colours are Okabe and Ito's, which people with any colour vision can tell apart; a speaker has the same one in every figure.
"""

from dubkit.plots.axes import COLOURS, new_axes
from dubkit.plots.sound import waveform
from dubkit.plots.speakers import turns
from dubkit.plots.timing import timing
from dubkit.plots.words import words

__all__ = ["COLOURS", "new_axes", "timing", "turns", "waveform", "words"]

"""Every figure, each ``(artefact, ..., ax=None) -> Axes``: draws into `ax`, or into a new figure, and gives the axes back.

Colours are Okabe and Ito's, which people with any colour vision can tell apart; a speaker has the same one in every figure.
"""

from dubkit.plots.axes import COLOURS, new_axes, speaker_colours
from dubkit.plots.batches import batch_stages, batch_timing
from dubkit.plots.clips import clips, pace
from dubkit.plots.collisions import solved
from dubkit.plots.mix import ducking, loudness
from dubkit.plots.sound import spectrogram, stems, waveform
from dubkit.plots.speakers import reference_turns, speaker_waveform, turns, voice_map
from dubkit.plots.timing import borrowed, drift, rates, timing
from dubkit.plots.voices import pitches
from dubkit.plots.wordings import candidates
from dubkit.plots.words import segments, words, words_on_spectrogram

__all__ = [
    "COLOURS",
    "batch_stages",
    "batch_timing",
    "borrowed",
    "candidates",
    "clips",
    "drift",
    "ducking",
    "loudness",
    "new_axes",
    "pace",
    "pitches",
    "rates",
    "reference_turns",
    "segments",
    "solved",
    "speaker_colours",
    "speaker_waveform",
    "spectrogram",
    "stems",
    "timing",
    "turns",
    "voice_map",
    "waveform",
    "words",
    "words_on_spectrogram",
]

"""Every figure, each ``(artefact, ax=None) -> Axes``: draws into `ax`, or into a new figure, and gives the axes back.

Colours are Okabe and Ito's, which people with any colour vision can tell apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dubkit.artefacts import Soundtrack, Transcript, Turns
from dubkit.record import AudioFile

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442", "#000000")
POINTS = 2000


def waveform(sound: AudioFile, ax: Axes | None = None) -> Axes:
    """The envelope of a sound over time, in seconds; long sounds are read in pieces."""
    import numpy as np

    ax = new_axes(ax, (10, 2))
    step = max(1, sound.n_samples // POINTS)
    peaks = []
    for start in range(0, sound.n_samples, step * 200):
        samples = sound.load(start / sound.sample_rate, (start + step * 200) / sound.sample_rate)
        mono = np.abs(samples if samples.ndim == 1 else samples.mean(axis=1))
        usable = mono[: len(mono) // step * step].reshape(-1, step)
        peaks.append(usable.max(axis=1) if len(usable) else np.zeros(0, np.float32))
    envelope = np.concatenate(peaks) if peaks else np.zeros(0)
    times = np.arange(len(envelope)) * step / sound.sample_rate
    ax.fill_between(times, -envelope, envelope, color="#999999", linewidth=0)
    ax.set(xlim=(0, sound.duration), ylim=(-1, 1), xlabel="time (s)", ylabel="amplitude")
    return ax


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


def new_axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """The axes given, or those of a new figure of a size in inches."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=size, layout="constrained")[1]

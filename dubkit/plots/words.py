"""What was said and when, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dubkit.artefacts import Segments, Tracks, Transcript, Word
from dubkit.marked_text import DOUBTFUL
from dubkit.plots.axes import literal, new_axes, say_nobody, speaker_colours, speaker_markers
from dubkit.plots.sound import spectrogram, waveform
from dubkit.record import Seconds

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_NAMED = 14
STRETCH: Seconds = 6.0
TOP = 1.07
"""Where the markers of speakers are, above all confidences."""
LEVELS = 3
"""Rows that words above a spectrogram are spread over."""
CONFIDENCES = "cividis"
# About what a letter is wide and a line high in the figures' small print, in inches.
LETTER, LINE = 0.075, 0.15


def segments(found: Segments, tracks: Tracks, ax: Axes | None = None) -> Axes:
    """The speech with the stretches that are transcribed in one go, by speaker; dashed where one ends and the next begins."""
    ax = waveform(tracks.speech, new_axes(ax, (10, 2.4)))
    colours = speaker_colours(s.speaker for s in found.segments)
    for speaker, colour in colours.items():
        own = [s for s in found.segments if s.speaker == speaker]
        spans = [(s.start, s.end - s.start) for s in own]
        # Edges, lest neighbours that touch look like one.
        ax.broken_barh(
            spans, (-1, 2), facecolor=(colour, 0.25), edgecolor=colour, linewidth=0.8, label=speaker, zorder=0
        )
        wide = (len(speaker) + 1) * LETTER * tracks.speech.duration / _inches(ax)
        for s in own:
            if s.end - s.start >= wide:
                ax.text((s.start + s.end) / 2, 0.93, speaker, ha="center", va="top", fontsize=8)
    cuts = sorted({(s.speaker, s.end) for s in found.segments} & {(s.speaker, s.start) for s in found.segments})
    if cuts:
        times = [time for _, time in cuts]
        ax.vlines(times, -1, 1, color="black", linestyle="dashed", linewidth=1, label="two segments of a speaker meet")
        ax.plot(times, [1] * len(times), "v", color="black", markersize=6, clip_on=False)
    if colours:
        _legend(ax, len(colours) + bool(cuts))
    return literal(ax)


def words(transcript: Transcript, duration: Seconds | None = None, ax: Axes | None = None) -> Axes:
    """How sure the recogniser is of each word: a bar over the word's time, as high as its confidence.

    Of those below the dashed line the most doubtful are named, and markers at the top tell whose line begins where there are
    several speakers, as far as there is room.

    Parameters
    ----------
    transcript : Transcript
    duration : float, optional
        Of the film, in seconds, for a time axis like those of other figures; by default it ends with the last word.
    ax : Axes, optional
    """
    from matplotlib.collections import PolyCollection

    ax = new_axes(ax, (10, 2.6))
    colours = speaker_colours(u.speaker for u in transcript.utterances)
    for speaker, colour in colours.items():
        said = [w for u in transcript.utterances if u.speaker == speaker for w in u.words]
        corners = [[(w.start, 0), (w.start, w.confidence), (w.end, w.confidence), (w.end, 0)] for w in said]
        ax.add_collection(PolyCollection(corners, facecolor=(colour, 0.3), linewidth=0))
        # The tops are seen in long films, too, where a word's bar is thinner than a pixel.
        ax.hlines(
            [w.confidence for w in said],
            [w.start for w in said],
            [w.end for w in said],
            color=colour,
            linewidth=2,
            capstyle="round",
        )
    said = [w for u in transcript.utterances for w in u.words]
    end = max((w.end for w in said), default=1.0) if duration is None else duration
    ax.axhline(DOUBTFUL, color="black", linestyle="dashed", linewidth=0.8)
    if len(colours) > 1:
        _mark_speakers(ax, transcript, end)
    _name_doubtful(ax, said, end)
    doubtful = sum(w.confidence < DOUBTFUL for w in said)
    ax.set(xlabel="time (s)", ylabel="confidence", ylim=(0, TOP + 0.05), xlim=(0, end))
    ax.set_title(f"{doubtful} of {len(said)} words are doubtful (below {DOUBTFUL})", loc="left", fontsize=10)
    if len(colours) > 1:
        _legend(ax, len(colours))
    if not said:
        say_nobody(ax)
    return literal(ax)


def words_on_spectrogram(
    transcript: Transcript,
    tracks: Tracks,
    start: Seconds | None = None,
    end: Seconds | None = None,
    ax: Axes | None = None,
) -> Axes:
    """A stretch of the speech with its words above it, where they begin and end, and how sure the recogniser is of them.

    Words that find no room on any of the rows are drawn without their text.

    Parameters
    ----------
    transcript : Transcript
    tracks : Tracks
    start, end : float, optional
        In seconds of the film; by default six seconds from the first word on.
    ax : Axes, optional
    """
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    said = sorted((w for u in transcript.utterances for w in u.words), key=lambda w: w.start)
    if start is None:
        start = said[0].start - 0.1 if said else 0.0
    start = max(0.0, start)
    end = min(start + STRETCH if end is None else end, tracks.speech.duration)
    ax = new_axes(ax, (10, 3.6))
    spectrogram(tracks.speech, start, end, ax)
    shown = [w for w in said if w.end > start and w.start < end]
    scale = ScalarMappable(Normalize(0, 1), CONFIDENCES)
    edges = sorted({t for w in shown for t in (w.start, w.end) if start < t < end})
    ax.vlines(edges, 0, 1, transform=ax.get_xaxis_transform(), color="white", linewidth=0.8, alpha=0.8)
    _write(ax, shown, scale, (start, end))
    ax.set(xlim=(start, end))
    ax.figure.colorbar(scale, ax=ax, label="confidence", pad=0.01, aspect=20)
    return literal(ax)


def _write(ax: Axes, shown: Sequence[Word], scale: Any, stretch: tuple[Seconds, Seconds]) -> None:
    """Words above a time axis: a strip over each one's time, and its text on the lowest row where it touches no other."""
    start, end = stretch
    above = ax.get_xaxis_transform()
    # The colour bar and the labels beside the axes take some of their width.
    letter = LETTER * (end - start) / (0.88 * _inches(ax))
    taken = [start] * LEVELS
    for word in shown:
        first, last = max(word.start, start), min(word.end, end)
        ax.broken_barh(
            [(first, last - first)],
            (1.01, 0.03),
            transform=above,
            clip_on=False,
            facecolor=scale.to_rgba(word.confidence),
            edgecolor="white",
        )
        half = (len(word.text) + 1.5) * letter / 2
        # Inside the picture's width, or the text would stand beside it.
        middle = min(max((first + last) / 2, start + half), end - half)
        level = next((n for n in range(LEVELS) if taken[n] <= middle - half + 1e-9), None)
        if level is not None:
            taken[level] = middle + half
            ax.annotate(
                word.text,
                (middle, 1),
                (0, 13 + 16 * level),
                xycoords=above,
                textcoords="offset points",
                ha="center",
                va="bottom",
                fontsize=9,
                color="white" if word.confidence < 0.6 else "black",
                bbox={"boxstyle": "round,pad=0.15", "facecolor": scale.to_rgba(word.confidence), "linewidth": 0},
            )


def _mark_speakers(ax: Axes, transcript: Transcript, end: Seconds) -> None:
    """Markers above the words where a speaker's line begins, none over another."""
    markers = speaker_markers(u.speaker for u in transcript.utterances)
    starts: dict[str, list[Seconds]] = {speaker: [] for speaker in markers}
    free = 0.0
    for line in transcript.utterances:
        if line.start >= free:
            starts[line.speaker].append(line.start)
            free = line.start + LETTER * end / _inches(ax)
    for speaker, colour in speaker_colours(markers).items():
        at = starts[speaker]
        ax.plot(at, [TOP] * len(at), markers[speaker], color=colour, markersize=5, label=speaker)


def _name_doubtful(ax: Axes, said: Sequence[Word], end: Seconds) -> None:
    """Write the most doubtful words above their bars, the worst first, where none stands yet."""
    from matplotlib.patheffects import withStroke

    wide = LINE * end / _inches(ax)
    named: list[Seconds] = []
    for word in sorted((w for w in said if w.confidence < DOUBTFUL), key=lambda w: w.confidence):
        middle = min(max((word.start + word.end) / 2, wide / 2), end - wide / 2)
        if len(named) < MOST_NAMED and all(abs(middle - other) >= wide for other in named):
            named.append(middle)
            ax.text(
                middle,
                word.confidence + 0.04,
                word.text if len(word.text) <= 14 else word.text[:13] + "…",
                rotation=90,
                ha="center",
                va="bottom",
                fontsize=8,
                path_effects=[withStroke(linewidth=2, foreground="white")],
                clip_on=True,
            )


def _inches(ax: Axes) -> float:
    """How wide the axes are, in inches."""
    return float(ax.bbox.width / ax.figure.dpi)


def _legend(ax: Axes, n: int) -> None:
    """A legend above the axes to the right, where nothing is drawn."""
    ax.legend(
        loc="lower right",
        bbox_to_anchor=(1, 1.01),
        ncols=min(n, 8),
        frameon=False,
        fontsize=8,
        handlelength=1.2,
        borderaxespad=0.2,
    )

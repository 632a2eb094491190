"""The mix: how the bed gives way to the lines, and how loud it all is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from dubkit.artefacts import Soundtrack, Tracks
from dubkit.mix import MixSettings
from dubkit.plots.axes import COLOURS, literal, new_axes, say_nobody, speaker_colours, stretch
from dubkit.record import Seconds
from dubkit.retiming import TimeMap

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# As many points as a wide figure shows.
POINTS = 4000
# Values per second at most: enough for the steepest ramp that can be heard as one.
FINEST = 100
AT_RIGHT = ("axes fraction", "data")
QUIETEST = -60.0
"""LUFS below which the course of loudness is not drawn, and a whole sound is called silent."""


def ducking(
    soundtrack: Soundtrack,
    settings: MixSettings = MixSettings(),
    start: Seconds = 0.0,
    end: Seconds | None = None,
    ax: Axes | None = None,
) -> Axes:
    """The gain of the bed over time, in dB, above the lines under which it gives way, a lane for each speaker.

    Parameters
    ----------
    soundtrack : Soundtrack
    settings : MixSettings
        Of the run (``run.settings.assemble.mix``).
    start, end : float
        The stretch that is shown, in seconds; see :func:`dubkit.plots.axes.stretch`.
    """
    import numpy as np

    from dubkit import mix

    start, end, part = stretch(soundtrack.audio.duration, start, end)
    rate = max(1, min(FINEST, int(POINTS / max(end - start, 1e-3))))
    first, n = round(start * rate), max(2, round((end - start) * rate))
    phrases = [(p.speaker, phrase) for p in soundtrack.placements for phrase in p.phrases]
    gain = mix.ducking([(phrase.start, phrase.end) for _, phrase in phrases], first, n, settings, rate)
    level, times = 20 * np.log10(gain), np.arange(first, first + n) / rate
    colours = speaker_colours(speaker for speaker, _ in phrases)
    heard = {who for who, phrase in phrases if phrase.end > start and phrase.start < end}
    lanes = [speaker for speaker in colours if speaker in heard]
    ax = new_axes(ax, (12, 2.5 + 0.22 * max(1, len(lanes))))
    lane = 0.13 * max(settings.duck, 1.0)
    floor = -settings.duck - 0.6 * lane
    ax.fill_between(times, level, floor, color="#CCCCCC", linewidth=0)
    ax.plot(times, level, color="black", linewidth=1)
    for n, speaker in enumerate(lanes, 1):
        spans = [(phrase.start, phrase.end - phrase.start) for name, phrase in phrases if name == speaker]
        ax.broken_barh(spans, (floor - n * lane, 0.8 * lane), color=colours[speaker], linewidth=0)
        ax.annotate(f" {speaker}", (1, floor - (n - 0.4) * lane), xycoords=AT_RIGHT, va="center", fontsize=8)
    lowest = floor - (max(1, len(lanes)) + 0.2) * lane
    ax.set(xlim=(start, end), ylim=(lowest, 0.5 * lane), xlabel="time (s)", ylabel="gain of the bed (dB)")
    ax.set_yticks([tick for tick in ax.get_yticks() if floor <= tick <= 0])
    held = f"back in {settings.release:g} s, held in pauses under {settings.hold:g} s"
    ax.set_title(
        f"{settings.duck:g} dB less bed under lines: down in {settings.attack:g} s, {held}{part}",
        fontsize=10,
        loc="left",
    )
    if not phrases:
        say_nobody(ax)
    return literal(ax)


def loudness(
    tracks: Tracks, soundtrack: Soundtrack, settings: MixSettings = MixSettings(), ax: Axes | None = None
) -> Axes:
    """How loud the original and the dub are, over 3 s at a time (short-term loudness of EBU Tech 3341), in LUFS.

    Level lines are the programme loudness of each, dotted the one that was asked for. Times are the dub's.

    Parameters
    ----------
    tracks : Tracks
    soundtrack : Soundtrack
    settings : MixSettings
        Of the run (``run.settings.assemble.mix``), for the loudness asked for.
    """
    import numpy as np

    from dubkit.loudness_course import course

    ax = new_axes(ax, (12, 3.2))
    original, dub = course(tracks.full.path), course(soundtrack.audio.path)
    moved = TimeMap.of(soundtrack.knots, tracks.full.duration).dub(original.times)
    # Of silence, too, there is an axis that people can read.
    highest = QUIETEST + 20
    for name, heard, times, colour, style in (
        ("original", original, moved, "#777777", "--"),
        ("dub", dub, dub.times, COLOURS[0], "-"),
    ):
        ax.plot(times, np.where(heard.short_term < QUIETEST, np.nan, heard.short_term), style, color=colour, label=name)
        if heard.integrated > QUIETEST:
            ax.axhline(heard.integrated, color=colour, linestyle=style, linewidth=0.8, alpha=0.7)
        highest = max([highest, heard.integrated, *heard.short_term])
    if settings.loudness is not None and soundtrack.placements:
        ax.axhline(settings.loudness, color=COLOURS[1], linestyle=":", linewidth=1.5, label="asked for")
        highest = max(highest, settings.loudness)
    low = ax.dataLim.y0 if np.isfinite(ax.dataLim.y0) else QUIETEST
    ax.set(xlim=(0, soundtrack.audio.duration), ylim=(max(QUIETEST, low - 2), highest + 2))
    ax.set(xlabel="time (s)", ylabel="short-term loudness (LUFS)")
    louder = dub.integrated >= original.integrated
    _tell(ax, "original", original.integrated, "top" if louder else "bottom")
    _tell(ax, "dub", dub.integrated, "bottom" if louder else "top")
    ax.set_title("loudness of the original and the dub, and of the whole of each", fontsize=10, loc="left")
    ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3, frameon=False, fontsize=8, borderaxespad=0.1)
    return literal(ax)


def _tell(ax: Axes, name: str, loudness: float, side: Literal["top", "bottom"]) -> None:
    """How loud the whole of a sound is, in LUFS, beside the axes."""
    at = max(loudness, ax.get_ylim()[0])
    told = f"{loudness:.1f}" if loudness > QUIETEST else "silent"
    ax.annotate(f" {name} {told}", (1, at), xycoords=AT_RIGHT, va=side, fontsize=8)

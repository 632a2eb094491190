"""The spoken lines beside the time that the film leaves for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dubkit.artefacts import Clip, Speech
from dubkit.plots.axes import literal, new_axes, say_nobody, speaker_colours, speaker_markers
from dubkit.record import Seconds
from dubkit.wording import COMFORTABLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# More lines than this cannot be told apart on a page.
MOST = 40


def clips(speech: Speech, most: int = MOST, ax: Axes | None = None) -> Axes:
    """Each line's clip against its slot: the slot as a frame, the clip as a bar, its length at natural rate as a tick.

    The rate that the synthesizer was asked for stands beside it. Lines that had to hurry, above the rates at which nobody hears
    a difference (:data:`dubkit.wording.COMFORTABLE`), are hatched and their rate is bold. Of more than `most` lines, those
    farthest from their slots are shown.
    """
    shown = _farthest(speech, most)
    ax = new_axes(ax, (9, 1.1 + 0.24 * max(1, len(shown))))
    colours = speaker_colours(clip.speaker for clip in speech.clips)
    for row, clip in enumerate(shown):
        hurried = _hurried(clip)
        colour, length = colours[clip.speaker], clip.audio.duration
        look: dict[str, Any] = {"hatch": "////", "edgecolor": "white"} if hurried else {}
        ax.barh(row, length, 0.5, color=colour, linewidth=0, **look)
        ax.barh(row, clip.slot, 0.8, fill=False, edgecolor="black", linewidth=1)
        ax.plot([clip.natural, clip.natural], [row - 0.4, row + 0.4], color="black", linewidth=2.5)
        end = max(clip.slot, clip.natural, length)
        weight = "bold" if hurried else "normal"
        ax.text(end, row, f"  {clip.rate:.2f}", va="center", fontsize=8, fontweight=weight)
    ax.set_yticks(range(len(shown)), [f"{clip.id} {clip.speaker}" for clip in shown], fontsize=8)
    longest = max([1.0, *(max(c.slot, c.natural, c.audio.duration) for c in shown)])
    ax.set(xlim=(0, 1.1 * longest), ylim=(max(len(shown), 1) - 0.4, -0.6), xlabel="length (s)")
    part = f"the {len(shown)} of {len(speech.clips)} lines that are farthest from their slots\n"
    told = "frame: slot; bar: clip and its rate; tick: at natural rate; hatched: hurried"
    ax.set_title((part if len(shown) < len(speech.clips) else "") + told, fontsize=10)
    if not shown:
        say_nobody(ax)
    return literal(ax)


def pace(speech: Speech, ax: Axes | None = None) -> Axes:
    """The rate at which each line was spoken against the one at which it would just fill its slot.

    On the diagonal a line fits by its rate alone. Below it the line is longer than its slot and needs silence around it, or the
    stretch after synthesis; above it, it leaves time unused. Markers tell speakers apart.
    """
    ax = new_axes(ax, (5.5, 5))
    asked = [clip.rate for clip in speech.clips]
    needed = [clip.natural / max(clip.slot, 1e-3) for clip in speech.clips]
    limits = speech.timing.slowest, speech.timing.fastest
    # A line of which hardly anything is left in the film would need any rate: it stands at the edge.
    low, high = min([*asked, limits[0]]) - 0.1, max([*asked, limits[1]]) + 0.25
    ax.plot([low, high], [low, high], color="black", linewidth=0.8)
    for limit, name in zip(limits, ("slowest", "fastest"), strict=True):
        ax.axhline(limit, color="#999999", linewidth=1, linestyle="--")
        ax.text(high, limit, f"{name} ", ha="right", va="bottom", fontsize=8)
    markers = speaker_markers(clip.speaker for clip in speech.clips)
    for speaker, colour in speaker_colours(markers).items():
        theirs = [k for k, clip in enumerate(speech.clips) if clip.speaker == speaker]
        at = [min(max(needed[k], low), high) for k in theirs]
        rates, mark = [asked[k] for k in theirs], markers[speaker]
        ax.scatter(at, rates, s=28, c=colour, marker=mark, alpha=0.8, label=speaker, zorder=3, clip_on=False)
    beyond = sum(x > limits[1] for x in needed)
    ax.set(xlim=(low, high), ylim=(low, high), xlabel="rate that would fill the slot", ylabel="rate spoken at")
    ax.set_title(f"{beyond} of {len(needed)} lines do not fit by rate alone", fontsize=10)
    ax.set_aspect("equal")
    if speech.clips:
        ax.legend(loc="upper left", fontsize=8)
    else:
        say_nobody(ax)
    return literal(ax)


def _hurried(clip: Clip) -> bool:
    return clip.rate > COMFORTABLE[1]


def _farthest(speech: Speech, most: int) -> list[Clip]:
    """The clips that are farthest from their slots, in the film's order."""

    def off(n: int) -> Seconds:
        return -abs(speech.clips[n].natural - speech.clips[n].slot)

    worst = sorted(range(len(speech.clips)), key=off)[:most]
    return [speech.clips[n] for n in sorted(worst)]

"""What the schedule is for: the same lines without it and with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dubkit.artefacts import Soundtrack, Speech
from dubkit.mix import held
from dubkit.plots.axes import literal, new_axes, say_nobody, speaker_colours, stretch
from dubkit.record import Seconds

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Two voices together for less than this are no collision: words touch in any conversation.
TOUCH = 0.05


@dataclass(frozen=True)
class Laid:
    """A line on the time line: when it sounds, and when the original did; in seconds."""

    speaker: str
    start: Seconds
    end: Seconds
    slot_start: Seconds
    slot_end: Seconds


def unsolved(speech: Speech, soundtrack: Soundtrack) -> list[Laid]:
    """The lines as they would lie without a schedule: each at its slot's start, at the voice's natural rate."""
    natural = {clip.id: clip.natural for clip in speech.clips}
    return [
        Laid(p.speaker, p.slot_start, p.slot_start + natural[p.id], p.slot_start, p.slot_end)
        for p in soundtrack.placements
        if p.id in natural
    ]


def collisions(lines: Sequence[Laid]) -> list[tuple[int, int, Seconds, Seconds]]:
    """Where lines sound together that did not in the original.

    Returns
    -------
    list of (first, second, start, end)
        The lines by number and the stretch, in seconds; what the original's own overlap accounts for is taken off its end.
    """
    found = []
    order = sorted(range(len(lines)), key=lambda n: (lines[n].start, n))
    for k, n in enumerate(order):
        for m in order[k + 1 :]:
            one, two = lines[n], lines[m]
            if two.start >= one.end:
                break
            before = max(0.0, min(one.slot_end, two.slot_end) - max(one.slot_start, two.slot_start))
            end = min(one.end, two.end) - (before if one.speaker != two.speaker else 0.0)
            if end - two.start > TOUCH:
                found.append((n, m, two.start, end))
    return found


def solved(
    speech: Speech, soundtrack: Soundtrack, start: Seconds = 0.0, end: Seconds | None = None, ax: Axes | None = None
) -> Axes:
    """What the schedule is for: above, every line at its slot's start and natural rate; below, where it was put.

    Hatched is where lines collide that did not in the film. Both titles count them, and the seconds that would have to be cut
    or be talked over, in the whole film, of which ``start`` and ``end`` choose the stretch that is drawn.
    """
    duration = soundtrack.audio.duration
    lines = soundtrack.placements
    colours = speaker_colours(p.speaker for p in lines)
    n = max(1, len(colours))
    ax = new_axes(ax, (12, 1.6 + 0.7 * n))
    ax.set(xlim=stretch(duration, start, end)[:2], ylim=(2 * n + 0.4, -0.9))
    fastest = max((p.rate for p in lines), default=1.0)
    _laid(ax, unsolved(speech, soundtrack), colours, 0.0, "as they come", duration)
    placed = [Laid(p.speaker, p.start, p.end, p.slot_start, p.slot_end) for p in lines]
    _laid(ax, placed, colours, n + 0.8, f"solved, at most {fastest:.2f} times as fast", duration)
    rows = [(lane + top, speaker) for top in (0.0, n + 0.8) for lane, speaker in enumerate(colours)]
    ax.set_yticks([at for at, _ in rows], [speaker for _, speaker in rows])
    ax.set_xlabel(f"time (s){stretch(duration, start, end)[2]}; ticks: where the original starts")
    if not lines:
        say_nobody(ax)
    return literal(ax)


def _laid(
    ax: Axes, lines: Sequence[Laid], colours: Mapping[str, str], top: float, name: str, duration: Seconds
) -> None:
    """A lane per speaker from `top` on, with a title that counts collisions; hatched where they are."""
    lanes = {speaker: top + n for n, speaker in enumerate(colours)}
    for speaker, lane in lanes.items():
        theirs = [x for x in lines if x.speaker == speaker]
        spans = [(x.start, x.end - x.start) for x in theirs]
        ax.broken_barh(spans, (lane - 0.3, 0.6), color=colours[speaker], alpha=0.6, linewidth=0)
        ax.vlines([x.slot_start for x in theirs], lane - 0.4, lane + 0.4, color="black", linewidth=0.6)
    found = collisions(lines)
    for speaker, lane in lanes.items():
        spans = [(a, b - a) for one, two, a, b in found if speaker in (lines[one].speaker, lines[two].speaker)]
        ax.broken_barh(spans, (lane - 0.3, 0.6), facecolor="none", edgecolor="black", hatch="xxxx", linewidth=0.8)
    together = sum(b - a for a, b in held([(a, b) for _, _, a, b in found], 0.0))
    lost = together + max([0.0, *(x.end - duration for x in lines)])
    told = f" {name}: {len(found)} collision{'' if len(found) == 1 else 's'}, {lost:.1f} s to cut or talked over"
    ax.text(ax.get_xlim()[0], top - 0.55, told, fontsize=9, fontweight="bold", va="center")

"""The dub on a time line that can be zoomed, read and listened to: one piece of HTML that needs nothing else.

Without its script, in a page that allows none, it is a picture that still shows every line and names it.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import TYPE_CHECKING

from dubkit.artefacts import Placement, Speech
from dubkit.clock import clock
from dubkit.players import data_url, encoded
from dubkit.plots import speaker_colours
from dubkit.record import Seconds

if TYPE_CHECKING:
    from dubkit.run import Run

MOST_BYTES = 2_000_000
"""Of all sounds in a page together; with more, it has none."""
STEPS = (3600, 600, 300, 60, 30, 10, 5, 1)
"""Seconds between two times on the axis, from which the zoom takes what fits."""
# Time lines of films are read at this many pixels per second without the script, and have this many ticks at most.
SCALE, MOST_TICKS = 8, 1500
AXIS, LANE = 24, 66
"""Heights in pixels: of the axis, and of a speaker's lane with the original's bar, the dub's and the flag under it."""
Span = tuple[Seconds, Seconds]


@dataclass(frozen=True)
class TimedLine:
    """A line on the time line.

    Parameters
    ----------
    id, speaker : str
    original, dubbed : tuple of (start, end)
        Its phrases, in seconds of the dub.
    source_text, text : str
        What was said, and what is said now.
    rate, drift, flag, reason
        As in :class:`dubkit.artefacts.Placement`.
    sound : bytes
        The clip as MP3; empty for none.
    """

    id: str
    speaker: str
    original: tuple[Span, ...]
    dubbed: tuple[Span, ...]
    source_text: str
    text: str
    rate: float
    drift: Seconds
    flag: str = ""
    reason: str = ""
    sound: bytes = b""

    @property
    def told(self) -> str:
        """All that there is to say of it, in lines."""
        late = f"starts {abs(self.drift):.2f} s {'late' if self.drift > 0 else 'early'}"
        facts = [f"rate {self.rate:.2f}", late if abs(self.drift) >= 0.01 else "starts on time"]
        if self.flag:
            facts.append(f"does not fit: {self.flag}")
        when = f"{clock(self.dubbed[0][0])} to {clock(self.dubbed[-1][1])}"
        return "\n".join(
            [f"{self.id}, {self.speaker}, {when}", self.source_text, self.text, "; ".join(facts), self.reason]
        )


@dataclass(frozen=True)
class Timeline:
    """A film's lines over time, a lane per speaker: the original above, the dub below.

    It shows itself in notebooks; :meth:`page` is what goes into any other page, as often as wanted.
    """

    duration: Seconds
    lines: tuple[TimedLine, ...]

    @property
    def page(self) -> str:
        """The piece of HTML."""
        colours = speaker_colours(line.speaker for line in self.lines)
        height = AXIS + LANE * len(colours)
        lanes = {speaker: AXIS + LANE * n for n, speaker in enumerate(colours)}
        bars = [self._line(line, lanes[line.speaker], colours[line.speaker]) for line in self.lines]
        flags = [self._flag(line, until, lanes[line.speaker] + 48) for line, until in self._flagged()]
        names = "".join(
            f'<text x="8" y="{top + 30}" fill="currentColor" font-size="13" font-weight="bold">{html.escape(speaker)}</text>'
            for speaker, top in lanes.items()
        )
        width = max(1000, round(SCALE * self.duration))
        loud = " Click it, or press Enter, to hear it." if any(line.sound for line in self.lines) else ""
        hint = f"Point at a line to read it.{loud} Arrow keys go from line to line; Ctrl and the wheel zoom."
        return (
            f'<div class="dubkit-timeline" data-duration="{self.duration:.3f}"><style>{_asset("timeline.css")}</style>'
            "<div>Above the original, pale; below it the dub; dashed and marked ⚠: does not fit.</div>"
            f'<div class="controls" hidden>{_BUTTONS}</div>'
            '<div class="lanes">'
            f'<svg width="90" height="{height}" style="width:90px;height:{height}px" aria-hidden="true">{names}</svg>'
            f'<div class="view" style="overflow-x:auto"><svg width="{width}" height="{height}" '
            f'style="width:{width}px;height:{height}px" role="group" aria-label="Lines of the film over time">'
            f"{''.join([*self._ticks(width, height), *bars, *flags])}</svg></div></div>"
            f'<div class="told" hidden>{hint}</div><script>{_asset("timeline.js")}</script></div>'
        )

    def _repr_html_(self) -> str:
        return self.page

    def _ticks(self, width: int, height: int) -> Iterator[str]:
        """Times along the axis; those that are too near each other at this width are there, but not shown."""
        finest = next((step for step in STEPS[::-1] if self.duration / step <= MOST_TICKS), STEPS[0])
        shown = next((step for step in STEPS[::-1] if step * width / max(self.duration, 1.0) >= 60), STEPS[0])
        for second in range(0, int(self.duration) + 1, finest):
            step = next(step for step in STEPS if second % step == 0)
            hidden = "" if step >= shown else ' display="none"'
            x = self._at(second)
            yield (
                f'<g class="tick" data-step="{step}" aria-hidden="true"{hidden}>'
                f'<line x1="{x}" x2="{x}" y1="0" y2="{height}" stroke="currentColor" stroke-opacity="0.2"/>'
                f'<text x="{x}" dx="3" y="14" fill="currentColor" font-size="11">{clock(second, 0)}</text></g>'
            )

    def _line(self, line: TimedLine, top: int, colour: str) -> str:
        above, below = top + 4, top + 28
        told = html.escape(line.told)
        sound = f' data-sound="{data_url("audio/mpeg", line.sound)}"' if line.sound else ""
        edge = 'stroke-width="2" stroke-dasharray="4 3"' if line.flag else 'stroke-width="0.5"'
        bars = [
            f'<rect x="{self._at(a)}" width="{self._at(b - a)}" y="{y}" height="20" rx="2" fill="{colour}" {style}/>'
            for spans, y, style in (
                (line.original, above, 'fill-opacity="0.3"'),
                (line.dubbed, below, f'class="dub" stroke="currentColor" {edge}'),
            )
            for a, b in spans
        ]
        return (
            f'<g class="line" data-line="{html.escape(line.id)}" role="img" aria-label="{told}"{sound}>'
            f"<title>{told}</title>{''.join(bars)}"
            f'<line x1="{self._at(line.original[0][0])}" x2="{self._at(line.dubbed[0][0])}" y1="{above + 20}" y2="{below}" '
            'stroke="currentColor"/>'
            f"{self._words(_longest(line.original), above, line.source_text, 'currentColor')}"
            f"{self._words(_longest(line.dubbed), below, line.text, _ink(colour))}</g>"
        )

    def _flagged(self) -> Iterator[tuple[TimedLine, Seconds]]:
        """The lines that do not fit, each with the start of its speaker's next such line."""
        following: dict[str, Seconds] = {}
        for line in reversed([line for line in self.lines if line.flag]):
            yield line, following.get(line.speaker, self.duration)
            following[line.speaker] = line.dubbed[0][0]

    def _flag(self, line: TimedLine, until: Seconds, y: int) -> str:
        return self._words((line.dubbed[0][0], max(until, line.dubbed[0][0])), y, f"⚠ {line.flag}", "currentColor")

    def _words(self, span: Span, y: int, text: str, ink: str) -> str:
        """A text within a span, cut off where that ends; what it says is told by the line's title too."""
        return (
            f'<svg x="{self._at(span[0])}" width="{self._at(span[1] - span[0])}" y="{y}" height="20" pointer-events="none" '
            'aria-hidden="true">'
            f'<text x="3" y="14" fill="{ink}" font-size="12">{html.escape(text)}</text></svg>'
        )

    def _at(self, seconds: Seconds) -> str:
        """A time, or a length, as a share of the whole: the picture may have any width."""
        return f"{100 * seconds / max(self.duration, 1e-3):.4f}%"


def timeline(run: Run) -> Timeline:
    """The time line of a run's dub, with its clips where they are small enough together (:data:`MOST_BYTES`)."""
    said = {line.id: line.source_text for line in run.translation.lines}
    lines = tuple(_timed(placement, said.get(placement.id, "")) for placement in run.soundtrack.placements)
    clips = _clips(run.speech)
    return Timeline(
        run.soundtrack.audio.duration, tuple(replace(line, sound=clips.get(line.id, b"")) for line in lines)
    )


def _timed(line: Placement, source_text: str) -> TimedLine:
    return TimedLine(
        line.id,
        line.speaker,
        tuple((p.slot_start, p.slot_end) for p in line.phrases) or ((line.slot_start, line.slot_end),),
        tuple((p.start, p.end) for p in line.phrases) or ((line.start, line.end),),
        source_text,
        line.text,
        line.rate,
        line.drift,
        line.flag,
        line.reason,
    )


def _clips(speech: Speech) -> dict[str, bytes]:
    """The clips as MP3 by line; none at all where they would make the page too large."""
    found: dict[str, bytes] = {}
    # In a page they are written in base64, which takes four letters for three bytes.
    left = MOST_BYTES * 3 / 4
    for clip in speech.clips:
        found[clip.id] = encoded(clip.audio)
        left -= len(found[clip.id])
        if left < 0:
            return {}
    return found


def _longest(spans: Sequence[Span]) -> Span:
    return max(spans, key=lambda span: span[1] - span[0])


def _asset(name: str) -> str:
    return (files("dubkit") / name).read_text(encoding="utf-8")


def _ink(colour: str) -> str:
    """Black or white, whichever is read better on a colour (relative luminance of WCAG 2)."""
    red, green, blue = (int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (red, green, blue)]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#000000" if luminance > 0.179 else "#FFFFFF"


_BUTTONS = (
    '<button type="button" aria-label="Zoom in">+</button> <button type="button" aria-label="Zoom out">−</button> '
    '<button type="button">Whole film</button>'
)

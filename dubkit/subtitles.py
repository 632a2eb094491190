"""Subtitles as SRT and WebVTT, out and in, with the speaker's name at every cue."""

from __future__ import annotations

import html
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from dubkit.errors import BadInput
from dubkit.record import Seconds

WIDTH = 42
STAMP = re.compile(r"(?:(\d+):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})")


@dataclass(frozen=True)
class Cue:
    """A subtitle: times in seconds, who speaks (may be empty), and what."""

    start: Seconds
    end: Seconds
    speaker: str
    text: str


def srt(cues: Sequence[Cue]) -> str:
    """SubRip text."""
    blocks = []
    for number, cue in enumerate(cues, 1):
        said = _plain(f"{cue.speaker}: {cue.text}" if cue.speaker else cue.text)
        blocks.append(f"{number}\n{_stamp(cue.start, ',')} --> {_stamp(cue.end, ',')}\n{_lines(said)}\n")
    return "\n".join(blocks)


def vtt(cues: Sequence[Cue]) -> str:
    """WebVTT text; speakers are voice tags, and what was said is escaped."""
    blocks = ["WEBVTT\n"]
    for cue in cues:
        said = html.escape(_lines(_plain(cue.text)), quote=False)
        if cue.speaker:
            said = f"<v {html.escape(_plain(cue.speaker), quote=False)}>{said}</v>"
        blocks.append(f"{_stamp(cue.start, '.')} --> {_stamp(cue.end, '.')}\n{said}\n")
    return "\n".join(blocks)


def parse(text: str) -> list[Cue]:
    """Cues of an SRT or WebVTT text.

    Raises
    ------
    BadInput
        If a time cannot be read; the message names the cue.
    """
    cues = []
    text = text.replace("\r\n", "\n").lstrip("\ufeff")
    web = text.startswith("WEBVTT")
    for block in re.split(r"\n\s*\n", text):
        lines = [line for line in block.split("\n") if line.strip()]
        at = next((n for n, line in enumerate(lines) if "-->" in line), None)
        if at is None:
            continue
        stamps = STAMP.findall(lines[at])
        if len(stamps) != 2:
            raise BadInput(f"The subtitle times {lines[at]!r} cannot be read: write 00:00:01,000 --> 00:00:02,000.")
        said = " ".join(lines[at + 1 :])
        voice = re.match(r"<v ([^>]*)>(.*?)(?:</v>)?$", said) if web else None
        speaker, words = (voice[1], voice[2]) if voice else ("", said)
        if web:
            speaker, words = html.unescape(speaker), html.unescape(words)
        cues.append(Cue(_seconds(stamps[0]), _seconds(stamps[1]), speaker, words))
    return cues


def _plain(text: str) -> str:
    """One line without what would end a cue or look like one."""
    return re.sub(r"\s+", " ", text).replace("-->", "→").strip()


def _lines(text: str) -> str:
    return "\n".join(textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)) or " "


def _stamp(seconds: Seconds, comma: str) -> str:
    total = round(max(0.0, seconds) * 1000)
    return f"{total // 3_600_000:02}:{total // 60_000 % 60:02}:{total // 1000 % 60:02}{comma}{total % 1000:03}"


def _seconds(stamp: tuple[str, str, str, str]) -> Seconds:
    hours, minutes, seconds, fraction = stamp
    return int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds) + int(fraction.ljust(3, "0")) / 1000


def fitted(cue: Cue, limit: int = 2 * WIDTH) -> list[Cue]:
    """A cue cut into ones of at most two lines; each gets time in proportion to its letters."""
    room = max(WIDTH, limit - len(cue.speaker) - 2) if cue.speaker else limit
    parts = textwrap.wrap(_plain(cue.text), room, break_on_hyphens=False)
    total = sum(map(len, parts))
    if len(parts) < 2:
        return [cue]
    found, at = [], cue.start
    for part in parts:
        until = at + (cue.end - cue.start) * len(part) / total
        found.append(Cue(at, until, cue.speaker, part))
        at = until
    return found

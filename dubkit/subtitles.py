"""Subtitles as SRT and WebVTT, out and in."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass

from dubkit.errors import BadInput
from dubkit.record import Seconds
from dubkit.spacing import spaced

DASH = "- "
STAMP = re.compile(r"(?:(\d+):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})")
_VOICE = re.compile(r"<v ([^>]*)>(.*?)(?:</v>|(?=<v )|$)", re.DOTALL)


@dataclass(frozen=True)
class Said:
    """What one speaker (may be empty) says in a cue; ``text`` has its line breaks.

    ``label`` is what SRT shows before it, such as ``Ana: ``; WebVTT carries the speaker in a tag.
    """

    speaker: str
    text: str
    label: str = ""


@dataclass(frozen=True)
class Cue:
    """A subtitle: times in seconds, and who says what. Two speakers at once make a dialogue, a line each with a dash."""

    start: Seconds
    end: Seconds
    said: tuple[Said, ...]

    @property
    def speaker(self) -> str:
        """The one who speaks; empty where nobody is named or it is a dialogue."""
        return self.said[0].speaker if len(self.said) == 1 else ""

    @property
    def text(self) -> str:
        """What is said, names left out, as one line."""
        return spaced(line for said in self.said for line in _lines(said.text))

    @property
    def lines(self) -> list[str]:
        """The lines as SRT shows them."""
        return [line for said in self.said for line in _lines(f"{self.dash}{said.label}{said.text}")]

    @property
    def dash(self) -> str:
        """What stands before the words of each speaker of a dialogue."""
        return DASH if len(self.said) > 1 else ""


def srt(cues: Sequence[Cue]) -> str:
    """SubRip text."""
    blocks = []
    for number, cue in enumerate(cues, 1):
        shown = "\n".join(cue.lines) or " "
        blocks.append(f"{number}\n{_stamp(cue.start, ',')} --> {_stamp(cue.end, ',')}\n{shown}\n")
    return "\n".join(blocks)


def vtt(cues: Sequence[Cue]) -> str:
    """WebVTT text; speakers are voice tags, and what was said is escaped."""
    blocks = ["WEBVTT\n"]
    for cue in cues:
        shown = "\n".join(_tagged(said, cue.dash) for said in cue.said)
        blocks.append(f"{_stamp(cue.start, '.')} --> {_stamp(cue.end, '.')}\n{shown}\n")
    return "\n".join(blocks)


def _tagged(said: Said, dash: str) -> str:
    text = html.escape("\n".join(_lines(dash + said.text)) or " ", quote=False)
    speaker = html.escape(plain(said.speaker), quote=False)
    return f"<v {speaker}>{text}</v>" if said.speaker else text


def parse(text: str) -> list[Cue]:
    """Cues of an SRT or WebVTT text; the lines of a cue become one.

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
        shown = "\n".join(lines[at + 1 :])
        voices = _VOICE.findall(shown) if web else []
        said = [Said(*(_read(x, web) for x in voice)) for voice in voices] or [Said("", _read(shown, web))]
        if len(said) > 1:
            said = [Said(s.speaker, s.text.removeprefix(DASH)) for s in said]
        cues.append(Cue(_seconds(stamps[0]), _seconds(stamps[1]), tuple(said)))
    return cues


def _read(text: str, web: bool) -> str:
    return spaced((html.unescape(text) if web else text).split("\n"))


def plain(text: str) -> str:
    """One line without what would end a cue or look like one."""
    return re.sub(r"\s+", " ", text).replace("-->", "→").strip()


def _lines(text: str) -> list[str]:
    return [line for line in map(plain, text.split("\n")) if line]


def _stamp(seconds: Seconds, comma: str) -> str:
    total = round(max(0.0, seconds) * 1000)
    return f"{total // 3_600_000:02}:{total // 60_000 % 60:02}:{total // 1000 % 60:02}{comma}{total % 1000:03}"


def _seconds(stamp: tuple[str, str, str, str]) -> Seconds:
    hours, minutes, seconds, fraction = stamp
    whole = int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds)
    return round(whole + int(fraction.ljust(3, "0")) / 1000, 3)

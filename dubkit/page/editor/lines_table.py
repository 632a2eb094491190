"""The editor's table of lines and its time line, as values for the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dubkit import languages
from dubkit.record import Seconds
from dubkit.retiming import TimeMap
from dubkit.service.jobs.job import Job
from dubkit.service.lines.lines import Document, DocumentLine, Stretches, clips
from dubkit.timeline import TimedLine, Timeline

FLAGS: Mapping[str, str] = {
    "squeezed": "too fast",
    "late": "starts late",
    "early": "starts early",
    "long": "too long",
    "short": "too short",
}
"""What is wrong with a line, in plain words."""
MOST_DRAWN = 600
"""Lines on a time line: one with more is slow to draw, and nobody finds a line on it."""

BEGINNING: Seconds = 8.0
"""What a worker needs to begin, and to bring its models."""
AGAIN = ("assemble", "combine")
HEARD_ANEW = ("detect_gender", "assign_voices", "translate")
"""What is done again in any case, and what where it changes who speaks or what was said; the rest by the second of speech."""


def table(document: Document) -> dict[str, Any]:
    """What the editor shows of a film's lines; times in seconds."""
    heard = clips(document)
    return {
        "source": _language(document.source),
        "target": _language(document.target),
        "duration": document.duration,
        "knots": document.knots,
        "lines": [_row(line, heard[line.id]) for line in document.lines],
    }


def drawn(document: Document) -> str:
    """The time line of the lines that are in the dub, as HTML; empty where there are none, or too many."""
    names = {speaker.id: speaker.name for speaker in document.speakers}
    times = TimeMap.of(document.knots, document.duration)
    lines = tuple(
        TimedLine(
            line.id,
            names.get(line.speaker, line.speaker),
            ((times.dub(line.start), times.dub(line.end)),),
            ((line.dub_start, line.dub_end),),
            line.source_text,
            line.text,
            line.rate or 1.0,
            line.drift or 0.0,
            FLAGS.get(line.flag, line.flag),
            line.reason,
        )
        for line in document.lines
        if line.dub_start is not None and line.dub_end is not None
    )
    return Timeline(times.duration, lines).page if 0 < len(lines) <= MOST_DRAWN else ""


def work(job: Job, document: Document, paces: Mapping[str, Seconds]) -> dict[str, Seconds]:
    """What it takes to dub again, in seconds.

    ``once`` in any case, ``heard`` more where it changes who speaks or what was said, and ``per_second`` of lines that are
    spoken anew: a film's pace, of which most passes without a word, is a line's pace times the share that is speech.
    """
    speech = sum(line.end - line.start for line in document.lines)
    spoken = paces.get("synthesize", 0.0) * job.length

    def of_film(stages: Sequence[str]) -> Seconds:
        return job.length * sum(paces.get(stage, 0.0) for stage in stages)

    return {
        "once": BEGINNING + of_film(AGAIN),
        "heard": of_film(HEARD_ANEW),
        "per_second": spoken / speech if speech else 0.0,
    }


def _row(line: DocumentLine, heard: Stretches) -> dict[str, Any]:
    return {
        "id": line.id,
        "speaker": line.speaker,
        "start": line.start,
        "end": line.end,
        "source_text": line.source_text,
        "text": line.text,
        "wordings": [text for text in dict.fromkeys(line.candidates) if text != line.text],
        "dub": heard.dub,
        "rate": line.rate,
        "flag": FLAGS.get(line.flag, line.flag),
        "reason": line.reason,
        "note": line.note,
        "dropped": line.dropped,
        "corrected": bool(line.corrected or line.dropped),
        "pending": list(line.pending),
    }


def _language(code: str) -> dict[str, str]:
    return {"code": code, "name": languages.name(code)}

"""Which wording of each line is spoken, and which others there were."""

from __future__ import annotations

import html
from dataclasses import dataclass

from dubkit.artefacts import Candidate, Line, Speech, Transcript, Translation
from dubkit.record import Seconds
from dubkit.showing import table

MOST_ROWS = 100


@dataclass(frozen=True)
class Choice:
    """A line's wordings, the translator's first at the head.

    ``slot`` is how long the source line lasts, in seconds; ``chosen`` the number of the wording that is spoken.
    """

    line: Line
    start: Seconds
    slot: Seconds
    candidates: tuple[Candidate, ...]
    chosen: int

    def relative(self, candidate: Candidate) -> float:
        """A wording's predicted length as a share of the slot; 1 fits, 0 where no length is known."""
        return candidate.duration / self.slot


@dataclass(frozen=True)
class Choices:
    """The choices of all lines, in order; ``spoken`` says that they were made, and are not just the translator's first."""

    rows: tuple[Choice, ...]
    spoken: bool

    def _repr_html_(self) -> str:
        """A table: source, chosen wording, and the others to open."""
        rows = [
            [
                html.escape(row.line.id),
                html.escape(row.line.speaker),
                _text(row.line.source_text) + f"<br><small>{row.slot:.2f} s</small>",
                _wording(row, row.chosen),
                _others(row),
            ]
            for row in self.rows[:MOST_ROWS]
        ]
        more = f"<p>… and {len(self.rows) - MOST_ROWS} more lines</p>" if len(self.rows) > MOST_ROWS else ""
        told = "spoken" if self.spoken else "the translator's first"
        return table(("line", "speaker", "source", told, "others"), rows) + more


def choices(translation: Translation, transcript: Transcript, speech: Speech | None = None) -> Choices:
    """What there was to choose from for each line, and what was chosen.

    Parameters
    ----------
    translation : Translation
    transcript : Transcript
        Its source: a line that it does not have is left out.
    speech : Speech, optional
        Its clips know which wording was chosen; without it that is the translator's first.
    """
    said = {u.id: u for u in transcript.utterances}
    clips = {clip.id: clip for clip in speech.clips} if speech else {}
    rows = []
    for line in translation.lines:
        if line.id in said:
            source, clip = said[line.id], clips.get(line.id)
            slot = clip.slot if clip else source.end - source.start
            wordings = line.candidates or (Candidate(text=line.text, duration=line.duration),)
            rows.append(Choice(line, source.start, max(slot, 0.01), wordings, clip.candidate if clip else 0))
    return Choices(tuple(rows), speech is not None)


def _others(row: Choice) -> str:
    others = [n for n in range(len(row.candidates)) if n != row.chosen]
    if not others:
        return "–"
    listed = "".join(f"<li>{_wording(row, n)}</li>" for n in others)
    return f"<details><summary>{len(others)}</summary><ul style='margin:0;padding-left:1.2em'>{listed}</ul></details>"


def _wording(row: Choice, number: int) -> str:
    """A wording with its length, its score and what was done to it."""
    one = row.candidates[number]
    facts = [f"{one.duration:.2f} s, {row.relative(one):.0%} of the slot"] if one.duration else []
    # Adding nothing makes a plain zero of a negative one.
    facts.append(f"score {round(one.score, 2) + 0.0:.2f}")
    facts.append(html.escape(one.how) if one.how else "translator's first" if number == 0 else "")
    return f"{_text(one.text)}<br><small>{'; '.join(filter(None, facts))}</small>"


def _text(text: str) -> str:
    return f"<span dir='auto'>{html.escape(text)}</span>"

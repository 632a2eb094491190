"""How much each speaker talks, alone and over others."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dubkit.artefacts import Turns
from dubkit.record import Seconds

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Stretch:
    """A stretch in which the same people talk; ``speakers`` are in order of first appearance."""

    start: Seconds
    end: Seconds
    speakers: tuple[str, ...]

    @property
    def duration(self) -> Seconds:
        """Length in seconds."""
        return self.end - self.start


def stretches(turns: Turns) -> list[Stretch]:
    """The film cut wherever somebody begins or ends, in time order; where nobody talks there is no stretch."""
    edges = sorted(edge for t in turns.turns for edge in ((t.start, 1, t.speaker), (t.end, -1, t.speaker)))
    order = {speaker: n for n, speaker in enumerate(turns.speakers)}
    talking: Counter[str] = Counter()
    found: list[Stretch] = []
    before = 0.0
    for time, change, speaker in edges:
        now = tuple(sorted((s for s, n in talking.items() if n > 0), key=order.__getitem__))
        if now and time > before:
            if found and found[-1].speakers == now and found[-1].end == before:
                before = found.pop().start
            found.append(Stretch(before, time, now))
        talking[speaker] += change
        before = time
    return found


def overlaps(turns: Turns) -> list[Stretch]:
    """The stretches in which two people or more talk at once."""
    return [s for s in stretches(turns) if len(s.speakers) > 1]


def longest_alone(turns: Turns) -> list[Stretch]:
    """The longest stretch of each speaker in which nobody else talks; of one who is never alone, the longest of all."""
    everything = stretches(turns)
    return [
        max((s for s in everything if speaker in s.speakers), key=lambda s: (len(s.speakers) == 1, s.duration))
        for speaker in turns.speakers
    ]


def speaking_times(turns: Turns, duration: Seconds) -> pd.DataFrame:
    """How much each speaker talks.

    Parameters
    ----------
    turns : Turns
    duration : float
        Length of the film, in seconds.

    Returns
    -------
    pandas.DataFrame
        A row per speaker in order of first appearance, with the columns ``turns``, their number; ``seconds``; ``share``, of
        the film; ``overlapped``, seconds in which others talk, too; ``longest``, seconds of the longest turn.
    """
    import pandas as pd

    everything = stretches(turns)
    rows = {}
    for speaker in turns.speakers:
        own = [s for s in everything if speaker in s.speakers]
        lengths = [t.end - t.start for t in turns.turns if t.speaker == speaker]
        seconds = sum(s.duration for s in own)
        shared = sum((s.duration for s in own if len(s.speakers) > 1), 0.0)
        rows[speaker] = (len(lengths), seconds, seconds / duration, shared, max(lengths))
    columns = ["turns", "seconds", "share", "overlapped", "longest"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    return table.rename_axis("speaker")

"""What a recogniser read, word by word beside what was really said.

Words are compared as for the word error rate (:mod:`evaluation.metrics.asr`): without case and punctuation, aligned with the
fewest edits. A word that was read as another stands struck out before the other; one that was lost is struck out, one that
was put in has a plus.
"""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.errors import BadInput
from dubkit.spacing import spaced
from evaluation.texts.alignment import pairs
from evaluation.texts.normalisation import normalised

if TYPE_CHECKING:
    from dubkit.run import Run

TRUTH = "truth.json"
MOST_LINES = 200
# Blue and orange of Okabe and Ito, on light and on dark pages; the marks tell it without colour.
WRONG = "background:rgba(213,94,0,0.3)"
RIGHT = "background:rgba(0,114,178,0.3)"


@dataclass(frozen=True)
class Pair:
    """A word that was said and the one that was read for it; None where it was lost, or put in."""

    said: str | None
    read: str | None


@dataclass(frozen=True)
class Misreadings:
    """The words of each reference line, aligned; no lines where nothing is known of what was said."""

    lines: tuple[tuple[Pair, ...], ...]

    @property
    def n_words(self) -> int:
        """Words that were said."""
        return sum(pair.said is not None for line in self.lines for pair in line)

    @property
    def substituted(self) -> int:
        """Words read as others."""
        return sum(None not in (p.said, p.read) and p.said != p.read for line in self.lines for p in line)

    @property
    def missing(self) -> int:
        """Words not read."""
        return sum(pair.read is None for line in self.lines for pair in line)

    @property
    def inserted(self) -> int:
        """Words read that were not said."""
        return sum(pair.said is None for line in self.lines for pair in line)

    @property
    def wer(self) -> float:
        """Word error rate."""
        return (self.substituted + self.missing + self.inserted) / self.n_words

    def _repr_html_(self) -> str:
        """The lines as running text with the errors marked, under the counts."""
        if not self.lines:
            return (
                "<p>What is really said is not known: give a text of it as the reference, to see what was misread.</p>"
            )
        counts = (
            f"Word error rate {self.wer:.1%}: of {self.n_words} words {_substituted('said', f'read ({self.substituted})')}, "
            f"{_missing(f'missing ({self.missing})')}, {_inserted(f'put in ({self.inserted})')}"
        )
        lines = "".join(
            f"<p style='margin:0.2em 0' dir='auto'>{' '.join(map(_marked, line))}</p>"
            for line in self.lines[:MOST_LINES]
        )
        more = f"<p>… and {len(self.lines) - MOST_LINES} more</p>" if len(self.lines) > MOST_LINES else ""
        return f"<div style='max-width:60em;line-height:1.7'><p>{counts}</p>{lines}{more}</div>"


def misreadings(run: Run, reference: str | Path = "") -> Misreadings:
    """A run's transcript beside what was really said; without lines where nobody knows.

    Parameters
    ----------
    run : Run
    reference : path, optional
        A text file with a line for each sentence, or the folder of a sample, with its ``truth.json``. By default the film's own
        folder is looked into.

    Raises
    ------
    BadInput
        If there is no such file, or no words are in it.
    """
    path = Path(reference) if reference else run.video.file.path.parent
    if not reference and not (path / TRUTH).is_file():
        return Misreadings(())
    heard = sorted((w for u in run.transcript.utterances for w in u.words), key=lambda w: w.start)
    language = run.transcript.language
    # Where nobody was heard, no language was.
    return compared(said_in(path), spaced(w.text for w in heard), "" if language == "und" else language)


def compared(lines: Sequence[str], text: str, language: str = "") -> Misreadings:
    """A text beside the lines that it should have; words put in between two lines stand at the end of the earlier one.

    Parameters
    ----------
    lines : sequence of str
        What was said, as it is written.
    text : str
        What was read, as it is written.
    language : str
        BCP-47 code of both; empty where it is not known.

    Raises
    ------
    BadInput
        If the lines hold no words.
    """
    words = [normalised(line, language).split() for line in lines]
    homes = [n for n, line in enumerate(words) for _ in line]
    if not homes:
        raise BadInput(
            "The reference holds no words: there is nothing to compare with. Give at least one line with words."
        )
    said, read = [word for line in words for word in line], normalised(text, language).split()
    found: list[list[Pair]] = [[] for _ in lines]
    current = homes[0]
    for i, j in pairs(said, read):
        current = current if i is None else homes[i]
        found[current].append(Pair(None if i is None else said[i], None if j is None else read[j]))
    return Misreadings(tuple(map(tuple, found)))


def said_in(path: Path) -> list[str]:
    """What is said, from a text file with a line for each sentence, or from the folder of a sample.

    Raises
    ------
    BadInput
        If there is no such file, or it cannot be read.
    """
    truth = path / TRUTH
    try:
        if truth.is_file():
            return [row["text"] for row in json.loads(truth.read_text(encoding="utf-8"))["utterances"]]
        return [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(
            f"{str(path)!r} holds no reference: give a text file (UTF-8) with a line for each sentence, or a sample's folder."
        ) from error


def _marked(pair: Pair) -> str:
    if pair.said == pair.read:
        return html.escape(pair.said or "")
    if pair.read is None:
        return _missing(pair.said or "")
    return _inserted(pair.read) if pair.said is None else _substituted(pair.said, pair.read)


def _substituted(said: str, read: str) -> str:
    return f"<del style='{RIGHT}'>{html.escape(said)}</del> <b style='{WRONG}'>{html.escape(read)}</b>"


def _missing(said: str) -> str:
    return f"<del style='{RIGHT}'>{html.escape(said)}</del>"


def _inserted(read: str) -> str:
    return f"<b style='{WRONG}'>+{html.escape(read)}</b>"

"""The timing certificates of a dub as a table to read."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

from dubkit.artefacts import Placement
from dubkit.certificate import summary
from dubkit.showing import table

COLUMNS = (
    "",
    "line",
    "speaker",
    "slot (s)",
    "start (s)",
    "late (s)",
    "rate",
    "borrowed (s)",
    "how it was fitted",
    "text",
)
# A long film's table would push everything else off the page.
SCROLLED = "max-height:32em;overflow:auto"


@dataclass(frozen=True)
class CertificateTable:
    """Where every line lies and how it was made to fit, below a summary of all; flagged lines are bold and say why.

    Parameters
    ----------
    lines : sequence of Placement
        E.g. ``run.soundtrack.placements``.
    """

    lines: Sequence[Placement]

    def _repr_html_(self) -> str:
        rows = [self._row(line) for line in self.lines]
        label = "timing of every line"
        return (
            f"<p>{html.escape(told(self.lines))}</p>"
            f'<div role="region" tabindex="0" aria-label="{label}" style="{SCROLLED}">{table(COLUMNS, rows)}</div>'
        )

    @staticmethod
    def _row(line: Placement) -> list[str]:
        slot = f"{line.slot_start:.2f}\u2060–\u2060{line.slot_end:.2f}"  # word joiners keep it in one piece
        numbers = [f"{value:.2f}" for value in (line.start, line.drift, line.rate, line.borrowed)]
        flag = f"⚠ {line.flag}" if line.flag else ""
        before = [html.escape(cell) for cell in (flag, line.id, line.speaker)]
        after = [html.escape(cell) for cell in (line.reason, line.text)]
        if line.flag:
            before, after = ([f"<b>{cell}</b>" for cell in cells] for cells in (before, after))
        return [*before, slot, *numbers, *after]


def told(lines: Sequence[Placement]) -> str:
    """The summary of :func:`dubkit.certificate.summary` as a sentence or two."""
    found = summary(lines)
    if not lines:
        return "No lines: nobody speaks in this film."
    return (
        f"{found['lines']} lines; {found['adherent']:.0%} are within -10 % and +20 % of their slots' lengths. Starts are off by "
        f"{found['median_drift']:.2f} s in the median and {found['largest_drift']:.2f} s at most; the fastest line is spoken at "
        f"{found['largest_rate']:.2f} times the natural rate; {found['stretched']:.0%} were stretched; {found['flagged']} "
        f"{'is' if found['flagged'] == 1 else 'are'} flagged."
    )

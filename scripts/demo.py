"""Dubs a film into Portuguese and prints what was said and what is now said: ``make demo`` calls it."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from dubkit.display import clock, watcher
from dubkit.errors import DubkitError
from dubkit.run import PIPELINE, Run

OUT = Path(__file__).parent.parent / "out"


def main(film: Path) -> None:
    """Dub the film into ``out/`` and show its lines."""
    run = Run.open(film, "pt")
    console = Console()
    console.print(run.why, markup=False)
    with watcher(tuple(s.name for s in PIPELINE), sys.stdout) as board:
        run.observers = (board,)
        run.until("combine")
    out = run.save(OUT / f"{film.stem}.pt.mp4")
    names = {s.id: s.name for s in run.speakers.speakers}
    table = Table(show_lines=True)
    for title in ("time", "speaker", f"was said ({run.translation.source})", f"is now said ({run.translation.target})"):
        table.add_column(title)
    for place, line in zip(run.soundtrack.placements, run.translation.lines, strict=True):
        table.add_row(clock(place.start), names[line.speaker], line.source_text, line.text)
    console.print(table, markup=False)
    console.print(f"The dubbed film: {out}", markup=False, soft_wrap=True)
    console.print(f"What each stage did: .venv/bin/dubkit show {run.id}", markup=False, soft_wrap=True)


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except DubkitError as error:
        sys.exit(f"error: {error}")

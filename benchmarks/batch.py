"""What a batch costs beside the dubs themselves: the same films in one plain loop, and by ``dubkit batch``.

    python benchmarks/batch.py FILM --to en [--films 4] [--seconds 10]

The film is cut into short ones. Each way is a fresh process with an empty store and one worker. "In stages" is what the
stages' own records say; the rest of a row is the notebook's figure and player, and papermill, the kernel and the page.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

LOOP = """
import json, sys, time
from pathlib import Path
from dubkit import PIPELINE, Run
target, profile, changes, store, folder, *films = json.loads(sys.argv[1])
for film in films:
    begun = time.perf_counter()
    run = Run.open(film, target, profile=profile, set=changes, store=store).until("combine")
    run.save(Path(folder) / Path(film).name)
    stages = sum(run.made(s.name).record["seconds"] for s in PIPELINE)
    print(json.dumps([time.perf_counter() - begun, stages]), flush=True)
"""
COMMAND = [sys.executable, "-c", "from dubkit.cli import main; main()"]
PLAYER, FIGURE = "watch(", "plots."


def cut(film: Path, folder: Path, n_films: int, seconds: float) -> list[str]:
    """The film's first stretches as films of their own."""
    from dubkit.media import ffmpeg_program

    parts = []
    for n in range(n_films):
        parts.append(str(folder / f"part-{n}.mp4"))
        source = ["-ss", str(n * seconds), "-t", str(seconds), "-i", f"file:{film}"]
        encode = ["-c:v", "libx264", "-preset", "veryfast", parts[-1]]
        subprocess.run([ffmpeg_program(), "-v", "error", "-nostdin", *source, *encode], check=True)
    return parts


def by_loop(parts: list[str], chosen: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Seconds of each film, and of its stages, in a plain loop; and of the whole process."""
    changes = dict(one.split("=", 1) for one in chosen.set)
    given = [chosen.to, chosen.profile, changes, str(folder / "store"), str(folder / "out"), *parts]
    begun = time.perf_counter()
    said = subprocess.run([sys.executable, "-c", LOOP, json.dumps(given)], check=True, stdout=subprocess.PIPE)
    whole = time.perf_counter() - begun
    films, stages = zip(*(json.loads(line) for line in said.stdout.splitlines()), strict=True)
    return {"films": films, "stages": stages, "whole": whole}


def by_batch(parts: list[str], chosen: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """The same by ``dubkit batch``, and what the cells of its notebooks took."""
    import pandas as pd

    folder.mkdir()
    manifest = folder / "films.csv"
    manifest.write_text("\n".join(["video", *parts]) + "\n")
    words = ["--to", chosen.to, "--profile", chosen.profile, "--workers", "1", "--store", str(folder / "store")]
    words += ["--out", str(folder / "out"), *(word for one in chosen.set for word in ("--set", one))]
    begun = time.perf_counter()
    subprocess.run([*COMMAND, "batch", str(manifest), *words], check=True, stdout=subprocess.DEVNULL)
    whole = time.perf_counter() - begun
    table = pd.read_parquet(folder / "out" / "results.parquet")
    stages = table[[name for name in table if name.startswith("stage_seconds.")]].sum(axis=1)
    cells = [cell_seconds(folder / "out" / row / f"{row}.ipynb") for row in table["id"]]
    return {"films": [*table["seconds"]], "stages": [*stages], "whole": whole, "cells": cells}


def cell_seconds(notebook: Path) -> float:
    """Seconds of an executed notebook's figure and player."""
    import nbformat

    found = nbformat.read(notebook, as_version=4).cells
    return sum(c.metadata.papermill.duration for c in found if PLAYER in c.source or FIGURE in c.source)


def later(seconds: Any) -> float:
    """The median without the first, which loads the models."""
    return statistics.median([*seconds][1:])


def main() -> None:
    """Measure and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("film", type=Path)
    parser.add_argument("--to", default="en")
    parser.add_argument("--profile", default="embedded")
    parser.add_argument("--films", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--set", action="append", default=[])
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        parts = cut(chosen.film, Path(name), chosen.films, chosen.seconds)
        loop, batch = by_loop(parts, chosen, Path(name) / "loop"), by_batch(parts, chosen, Path(name) / "batch")
    shown = later(batch["cells"])
    rest = later([f - s - c for f, s, c in zip(batch["films"], batch["stages"], batch["cells"], strict=True)])
    outside = later([f - s for f, s in zip(loop["films"], loop["stages"], strict=True)])
    print(f"{chosen.films} films of {chosen.seconds:.0f} s, one after another; seconds.\n")
    print("| | plain loop | `dubkit batch` |\n|---|---:|---:|")
    for title, one, other in (
        ("first film, loading the models", loop["films"][0], batch["films"][0]),
        ("each further film (median)", later(loop["films"]), later(batch["films"])),
        ("- in stages", later(loop["stages"]), later(batch["stages"])),
        ("- figure and player in the notebook", 0.0, shown),
        ("- everything else", outside, rest),
        ("loading, per worker", loop["films"][0] - later(loop["films"]), batch["films"][0] - later(batch["films"])),
        ("start and end of the process", *(w["whole"] - sum(w["films"]) for w in (loop, batch))),
    ):
        print(f"| {title} | {one:.2f} | {other:.2f} |")
    cost, dub = rest - outside, later(loop["films"])
    print(f"\nPapermill, kernel and page: {cost:.2f} s per film, {cost / dub:.1%} of a dub.")
    print(f"With figure and player: {cost + shown:.2f} s per film, {(cost + shown) / dub:.1%} of a dub.")


if __name__ == "__main__":
    main()

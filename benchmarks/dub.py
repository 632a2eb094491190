"""How long a whole dub takes, where the time goes, and what a second run costs.

    python benchmarks/dub.py FILM --to pt [--json FILE]

Three runs of the command in fresh processes: everything new, nothing changed, one line corrected. Times are seconds of
wall clock; the real-time factor (RTF) is seconds per second of film; "in models" counts the time inside back ends, their
loading included. Peak memory is the process's largest resident set, as the system accounts it. ``benchmarks/dub.json`` has
what the README shows, for ``benchmarks/scaling.py``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SHOWN = ("stage", "seconds", "in models", "peak MB")
COMMAND = [sys.executable, "-c", "from dubkit.cli import main; main()"]


def timed(*arguments: str) -> tuple[float, float]:
    """Wall seconds and peak megabytes of one call of dubkit in a fresh process."""
    begun = time.perf_counter()
    process = subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if code := os.waitstatus_to_exitcode(status):
        raise SystemExit(f"dubkit {' '.join(arguments)} ended with {code}")
    return time.perf_counter() - begun, usage.ru_maxrss * 1024 / 1e6


def shown(store: str) -> dict:
    """What ``dubkit show last`` says, as data."""
    said = subprocess.run([*COMMAND, "show", "last", "--store", store, "--json"], capture_output=True, check=True)
    return json.loads(said.stdout)


def items(store: str) -> int:
    """How many clips the store keeps."""
    return sum(1 for _ in (Path(store) / "items" / "synthesize").rglob("*.flac"))


def measured(film: str, target: str, changes: list[str]) -> dict:
    """The three runs, as data: seconds by stage, of the whole command, of doing it again, and with one line corrected."""
    with tempfile.TemporaryDirectory() as folder:
        store = f"{folder}/store"
        extra = [part for item in changes for part in ("--set", item)]
        command = ["dub", film, "--to", target, "--out", f"{folder}/out.mp4", "--store", store, *extra]
        wall, peak = timed(*command)
        stages = [{name: row[name] for name in SHOWN} for row in shown(store)["stages"]]
        length = json.loads(next((Path(store) / "validate").glob("*/artefact.json")).read_text())["duration"]
        again, _ = timed(*command)
        clips = items(store)
        timed("edit", "last", "translate", "u0001", "Esta linha foi corrigida à mão.", "--store", store)
        corrected, _ = timed(*command)
        return {
            "film": length,
            "cores": os.cpu_count(),
            "seconds": round(wall, 2),
            "peak MB": round(peak),
            "stages": stages,
            "again": round(again, 2),
            "corrected": round(corrected, 2),
            "clips spoken again": items(store) - clips,
        }


def main() -> None:
    """Measure and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("film")
    parser.add_argument("--to", default="pt")
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--json", metavar="FILE", help="write the figures there, too")
    chosen = parser.parse_args()
    found = measured(chosen.film, chosen.to, chosen.set)
    film, wall = found["film"], found["seconds"]
    print(f"Film of {film:.1f} s, {found['cores']} cores.\n")
    print("| stage | seconds | RTF | in models | peak MB so far |\n|---|---:|---:|---:|---:|")
    for row in found["stages"]:
        share = f"{row['in models'] / row['seconds']:.0%}" if row["seconds"] > 0.05 else "–"
        print(f"| {row['stage']} | {row['seconds']:.2f} | {row['seconds'] / film:.3f} | {share} | {row['peak MB']} |")
    in_models = sum(row["in models"] for row in found["stages"])
    peak = found["peak MB"]
    print(f"| **whole command** | {wall:.1f} | {wall / film:.2f} | {in_models / wall:.0%} | {peak:.0f} |\n")
    print(f"Nothing changed: {found['again']:.2f} s.")
    print(f"One line corrected: {found['corrected']:.2f} s, {found['clips spoken again']} clip(s) synthesized.")
    if chosen.json:
        Path(chosen.json).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

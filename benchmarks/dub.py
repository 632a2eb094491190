"""How long a whole dub takes, where the time goes, and what a second run costs.

    python benchmarks/dub.py FILM --to pt [--store DIR]

Three runs of the command in fresh processes: everything new, nothing changed, one line corrected. Times are seconds of
wall clock; the real-time factor (RTF) is seconds per second of film; "in models" counts the time inside back ends, their
loading included. Peak memory is the process's largest resident set, as the system accounts it.
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


def main() -> None:
    """Measure and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("film")
    parser.add_argument("--to", default="pt")
    parser.add_argument("--set", action="append", default=[])
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = f"{folder}/store"
        extra = [part for item in chosen.set for part in ("--set", item)]
        command = ["dub", chosen.film, "--to", chosen.to, "--out", f"{folder}/out.mp4", "--store", store, *extra]
        wall, peak = timed(*command)
        first = shown(store)
        film = json.loads(next((Path(store) / "validate").glob("*/artefact.json")).read_text())["duration"]
        print(f"Film of {film:.1f} s, {os.cpu_count()} cores.\n")
        print("| stage | seconds | RTF | in models | peak MB so far |\n|---|---:|---:|---:|---:|")
        in_models = 0.0
        for row in first["stages"]:
            in_models += row["in models"]
            share = f"{row['in models'] / row['seconds']:.0%}" if row["seconds"] > 0.05 else "–"
            print(
                f"| {row['stage']} | {row['seconds']:.2f} | {row['seconds'] / film:.3f} | {share} | {row['peak MB']} |"
            )
        print(f"| **whole command** | {wall:.1f} | {wall / film:.2f} | {in_models / wall:.0%} | {peak:.0f} |\n")
        again, _ = timed(*command)
        print(f"Nothing changed: {again:.2f} s.")
        clips = items(store)
        timed("edit", "last", "translate", "u0001", "Esta linha foi corrigida à mão.", "--store", store)
        edited, _ = timed(*command)
        print(f"One line corrected: {edited:.2f} s, {items(store) - clips} clip(s) synthesized.")


if __name__ == "__main__":
    main()

"""Peers and dubkit side by side on the same lines and clips: docs/timing.md.

    python -m benchmarks.timing [--work FOLDER] [--timelines NAME ...] [--only NAME ...] [--deaf]

Builds the timelines and the peers' environment where they are not there, lets everybody dub, scores, and writes the
page. Results gather in FOLDER/results.json, so that one contestant can be measured anew.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path

from benchmarks.timing import contestants, environment, page, timelines
from benchmarks.timing.judging import judge


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description="Peers and dubkit side by side on the same lines and clips.")
    parser.add_argument("--work", type=Path, default=timelines.WORK, help="folder for timelines, clips and results")
    parser.add_argument("--timelines", nargs="+", default=list(timelines.NAMES), choices=timelines.NAMES)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="parts of the contestants' names")
    parser.add_argument("--deaf", action="store_true", help="leave out the word error rates, which take longest")
    parser.add_argument("--page", type=Path, default=page.PAGE, help="where to write the tables")
    given = parser.parse_args()
    environment.python(given.work / "peers")
    kept = given.work / "results.json"
    results = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    for name in given.timelines:
        timeline = timelines.timeline(name, given.work)
        film = timelines.opened(timeline)
        print(f"{name}: {len(film['lines'])} lines, {film['duration']:.0f} s, {film['longer']:.2f}", flush=True)
        for who, dubber in contestants.contestants(given.work).items():
            if given.only and not any(part in who for part in given.only):
                continue
            folder = given.work / "dubs" / name / who.replace(", ", "-").replace(" ", "-")
            seconds = contestants.dub(who, dubber, timeline, folder)
            started = time.perf_counter()
            judged = asdict(judge(timeline, folder, given.work, listen=not given.deaf))
            (folder / "found.json").write_text(json.dumps(judged.pop("lines"), indent=1, ensure_ascii=False))
            results.setdefault(name, {})[who] = {**judged, "seconds": round(seconds, 2)}
            kept.write_text(json.dumps(results, indent=1), encoding="utf-8")
            print(f"  {who:32} {page.brief(results[name][who])} ({time.perf_counter() - started:.0f} s)", flush=True)
    page.write(results, given.work, given.page)


if __name__ == "__main__":
    main()

"""Measures what the path to many films needs beside times: bytes per minute of film, and what grows with the number of runs.

    python benchmarks/scaling_measured.py STORE

Reads the finished runs of a store, and writes ``benchmarks/scaling_measured.json`` for ``benchmarks/scaling.py``.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import dramatiq

from dubkit.artefacts import Video
from dubkit.batch.dramatiq import QUEUE
from dubkit.batch.work import Task
from dubkit.record import File
from dubkit.run import PIPELINE
from dubkit.runlog import RunLog
from dubkit.settings import Settings

KEPT = Path(__file__).with_suffix(".json")
SHORTEST = 20.0
"""Seconds of film; what is shorter is mostly fixed parts."""

RUNS = 100_000


def finished(store: Path) -> Iterator[tuple[float, dict[str, int]]]:
    """Length in seconds of every finished run's film, and its bytes by stage."""
    for path in sorted((store / "runs").glob("*.json")):
        results = RunLog.read(path).results
        homes = {stage.name: store / stage.name / results.get(stage.name, {}).get("key", "none") for stage in PIPELINE}
        if all((home / "record.json").exists() for home in homes.values()):
            length = json.loads((homes["validate"] / "artefact.json").read_text())["duration"]
            yield length, {name: size(store, home) for name, home in homes.items()}


def size(store: Path, home: Path) -> int:
    """Bytes of a result: its folder's, and those of the items that it refers to."""
    own = sum(path.stat().st_size for path in home.iterdir())
    named = set(_paths(json.loads((home / "artefact.json").read_text())))
    return own + sum((store / name).stat().st_size for name in named if name.startswith("items/"))


def _paths(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("path"), str):
            yield value["path"]
        for inner in value.values():
            yield from _paths(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _paths(inner)


def opening() -> float:
    """Seconds that a run takes to find its log among very many others."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "runs").mkdir()
        for n in range(RUNS):
            (root / "runs" / f"film-{n}-pt-{n:08x}.json").touch()
        film = Video(file=File(path=root / "new.mp4", sha256="0" * 64, size=1))
        settings = Settings().but({"translate.target": "pt"})
        begun = time.perf_counter()
        for _ in range(3):
            RunLog.of(root, film, settings)
        return (time.perf_counter() - begun) / 3


def message() -> int:
    """Bytes of a row in the queue."""
    url, out = "postgresql://dubkit@ledger.internal/dubkit", "s3://a-bucket/a-batch-of-films"
    task = Task(
        url, "batch-of-films", "film-000001-pt", 30.0, 2, "/opt/dubkit/share/dubkit/notebooks/dub.ipynb", out, 2
    )
    sent = dramatiq.Message(
        QUEUE, "work_on_row", (dataclasses.asdict(task), "0" * 32), {}, {"redis_message_id": "0" * 36}
    )
    return len(sent.encode())


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    runs = [run for run in finished(parser.parse_args().store) if run[0] >= SHORTEST]
    if not runs:
        raise SystemExit(f"There is no finished run of a film of {SHORTEST:.0f} s or more in that store.")
    # The largest of all films: rather too much than too little.
    largest = {stage.name: max(round(60 * found[stage.name] / length) for length, found in runs) for stage in PIPELINE}
    measured = {
        "films": len(runs),
        "seconds of film": round(sum(length for length, _ in runs), 1),
        "bytes per minute": largest,
        "seconds to open a run beside 100,000 others": round(opening(), 3),
        "bytes of a message": message(),
    }
    KEPT.write_text(json.dumps(measured, indent=1) + "\n")
    print(KEPT.read_text())


if __name__ == "__main__":
    main()

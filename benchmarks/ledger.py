"""How many claims a second a batch's ledger grants, and what it costs to ask it about 100,000 rows.

    python benchmarks/ledger.py out/ledger.sqlite postgresql://user:password@host/database

Processes of their own claim and finish rows as fast as they can, all in one batch, every row wanted by all of them: the
worst that can happen. A real worker claims one row per film. Writes ``benchmarks/ledger.json`` for ``benchmarks/scaling.py``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
import uuid
from pathlib import Path

from dubkit.batch.ledger import Ledger
from dubkit.database import parsed

KEPT = Path(__file__).with_suffix(".json")
ROWS, CLAIMED = 100_000, 2000
PROCESSES = (1, 2, 6)

WORK = """
import sys
from dubkit.batch.ledger import Ledger
url, batch, rows, worker = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
ledger = Ledger(url)
ledger.entries("none")
print("ready", flush=True)
sys.stdin.readline()
for n in range(rows):
    if claim := ledger.claim(batch, f"row{n}", worker, 60):
        ledger.beat(claim, 60, "at work")
        ledger.finish(claim, {"lines": 10}, 1.0)
"""


def changes(url: str, processes: int) -> float:
    """Granted claims, beats and finishes per second, all processes together."""
    ledger, batch = Ledger(url), f"claims-{uuid.uuid4().hex}"
    ledger.enrol(batch, [(f"row{n}", {"video": f"films/{n}.mp4"}) for n in range(CLAIMED)])
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORK, url, batch, str(CLAIMED), f"w{n}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for n in range(processes)
    ]
    for worker in workers:
        assert worker.stdout
        worker.stdout.readline()
    begun = time.perf_counter()
    for worker in workers:
        worker.communicate(b"go\n")
    taken = time.perf_counter() - begun
    assert all(entry.state == "done" and entry.attempts == 1 for entry in ledger.entries(batch))
    return 3 * CLAIMED / taken


def asked(url: str) -> dict[str, float]:
    """Seconds to enrol a large batch, to read all of it, and to read what changed of it."""
    ledger, batch = Ledger(url), f"rows-{uuid.uuid4().hex}"
    rows = [(f"row{n}", {"video": f"s3://films/{n}.mp4", "target": "pt"}) for n in range(ROWS)]
    begun = time.perf_counter()
    ledger.enrol(batch, rows)
    enrolled = time.perf_counter()
    ledger.entries(batch)
    read = time.perf_counter()
    time.sleep(1.5)
    for n in range(100):
        ledger.claim(batch, f"row{n}", "w", 60)
    again = time.perf_counter()
    assert len(ledger.entries(batch, within=1.0)) == 100
    recent = time.perf_counter()
    return {"enrol": enrolled - begun, "read": read - enrolled, "changed": recent - again}


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url", nargs="+", help="ledgers to measure; batches are added to them")
    measured = {}
    for url in parser.parse_args().url:
        rates = {str(n): round(changes(url, n)) for n in PROCESSES}
        seconds = {name: round(value, 3) for name, value in asked(url).items()}
        measured[parsed(url).get_backend_name()] = {"changes_per_second": rates, "seconds": seconds}
    measured["cores"] = os.cpu_count()
    KEPT.write_text(json.dumps(measured, indent=1) + "\n")
    print(KEPT.read_text())


if __name__ == "__main__":
    main()

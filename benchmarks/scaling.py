"""What 100,000 films cost, from what was measured on one machine: the tables of docs/scaling.md.

    python -m benchmarks.scaling                                  # with the assumptions of the docs
    python -m benchmarks.scaling --videos 5000 --minutes 45 --targets 1 --core-hour 0.03
    python -m benchmarks.scaling --speed-up diarize=20 --speed-up synthesize=4
    python -m benchmarks.scaling --publish                        # into docs/scaling.md

Measured are the stages (``benchmarks/dub.json``, by ``dub.py``), the bytes that they keep (``scaling_measured.json``, by
``scaling_measured.py``) and the ledger (``ledger.json``, by ``ledger.py``); ``scaling_model.py`` computes. All else is
assumed, and may be given here.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.scaling_model import GB, MB, SPEED_UPS, TB, Assumptions, Estimate, read
from dubkit.batch.run import LOOK_BACK, POLL
from dubkit.batch.work import LEASE
from dubkit.workers import WORKER_CORES, WORKER_MEMORY
from evaluation.report.publish import put

DOCS = Path(__file__).resolve().parents[1] / "docs" / "scaling.md"
FLEETS = (10, 100, 1000)


def money(dollars: float) -> str:
    """A sum, with as many places as it needs."""
    return f"${dollars:,.0f}" if dollars >= 100 else f"${dollars:.2f}"


def size(n: float) -> str:
    """A number of bytes, in TB or GB."""
    return f"{n / TB:,.1f} TB" if n >= TB else f"{n / GB:,.1f} GB"


def costs(p: Estimate) -> list[list[str]]:
    """Time and money on processors and on GPUs."""
    g = p.given
    wanted = p.worker_hours / (24 * g.days)
    gpus = p.rows / p.gpu_rows
    alone = p.rows * (p.of_film() + p.of_target() + g.row_seconds) / 3600
    return [
        ["", "two cores, measured", "one GPU, assumed"],
        ["a film's stages that all languages share", f"{p.of_film():.0f} s", f"{p.of_film(True):.0f} s"],
        ["the others, for each language", f"{p.of_target():.0f} s", f"{p.of_target(True):.0f} s"],
        ["mean of a row", f"{p.row():.0f} s", f"{p.row(True):.0f} s"],
        ["workers of a host", "one for two cores", f"{p.gpu_workers} (the GPU works {p.gpu_share:.0f} s of a row)"],
        ["rows in an hour", f"{3600 / p.row():.1f} per worker", f"{p.gpu_rows:.0f} per host"],
        [
            "minutes of dub in an hour",
            f"{60 * p.film / p.row():.0f} per worker",
            f"{p.gpu_rows * g.minutes:.0f} per host",
        ],
        ["work in all", f"{p.worker_hours:,.0f} worker hours", f"{gpus:,.0f} host hours"],
        [f"wanted for {g.days:g} days", f"{math.ceil(wanted)} workers", f"{math.ceil(gpus / 24 / g.days)} hosts"],
        ["money", money(p.worker_hours * WORKER_CORES * g.core_hour), money(gpus * g.gpu_hour)],
        [
            "money per minute of dub",
            f"${p.worker_hours * WORKER_CORES * g.core_hour / p.rows / g.minutes:.4f}",
            f"${gpus * g.gpu_hour / p.rows / g.minutes:.4f}",
        ],
        ["the same where no language shares", money(alone * WORKER_CORES * g.core_hour), "–"],
    ]


def storage(p: Estimate) -> list[list[str]]:
    """What is kept, moved and asked for, and its price."""
    g = p.given
    reads, writes = (n * p.rows for n in p.requests)
    moved = p.rows * 2 * p.film_bytes
    asked = reads / 1000 * g.get_1000 + writes / 1000 * g.put_1000
    once, each = p.stored(False) / g.minutes / MB, p.stored(True) / g.minutes / MB
    return [
        ["what", "how much", "money"],
        ["source films", size(g.videos * p.film_bytes), "–"],
        ["store, per minute of film", f"{once:.1f} MB, and {each:.1f} MB and the dub for each language", ""],
        ["store, in all", size(p.store_bytes), money(p.store_bytes / GB * g.gb_month * g.store_months)],
        ["dubs and pages", size(p.result_bytes), money(p.result_bytes / GB * g.gb_month * g.months)],
        ["moved to and from the bucket", size(moved), "within a region: none"],
        ["requests", f"{reads:,} read, {writes:,} write", money(asked)],
    ]


def loads(p: Estimate) -> list[list[str]]:
    """What so many workers ask of everything that they share, beside what it takes."""
    g, row = p.given, p.row()
    lite, post = (max(p.ledger[k]["changes_per_second"].values()) for k in ("sqlite", "postgresql"))
    worst = {k: min(p.ledger[k]["changes_per_second"].values()) for k in ("sqlite", "postgresql")}
    look = p.ledger["postgresql"]["seconds"]["read"] / 100_000
    reads, writes = p.requests
    written = (p.stored(False) / g.targets + p.stored(True) + p.film_bytes) / row / MB

    def line(what: str, limit: str, value: Any, most: float, form: str) -> list[str]:
        cells = [f"{value(n):{form}}" + (" **over**" if value(n) > most else "") for n in FLEETS]
        return [what, *cells, limit]

    return [
        ["", *(f"{n} workers" for n in FLEETS), "what it takes"],
        ["hosts of 16 cores", *(f"{math.ceil(n * WORKER_CORES / 16)}" for n in FLEETS), ""],
        ["days for all", *(f"{p.worker_hours / n / 24:,.1f}" for n in FLEETS), ""],
        ["rows in an hour", *(f"{n * 3600 / row:,.0f}" for n in FLEETS), ""],
        line(
            "ledger: changes/s",
            f"SQLite {worst['sqlite']:,} to {lite:,}, PostgreSQL {worst['postgresql']:,} to {post:,}",
            p.changes,
            worst["postgresql"],
            ".1f",
        ),
        line("ledger: hosts that reach it", "SQLite 1", lambda n: math.ceil(n * WORKER_CORES / 16), 1, ".0f"),
        line("ledger: connections", f"PostgreSQL {g.connections}", lambda n: n + 1, g.connections, ".0f"),
        line(
            f"ledger: seconds of a look every {POLL:g} s",
            f"changes of {LOOK_BACK:g} s, {look * 1e6:.0f} µs a row",
            lambda n: look * (n + LOOK_BACK * n / row),
            POLL,
            ".3f",
        ),
        line("shared store: MB/s written", f"{g.nfs_mb:.0f}", lambda n: n * written, g.nfs_mb, ".1f"),
        line("bucket: writes/s", f"{g.put_limit:.0f}", lambda n: n * writes / row, g.put_limit, ".2f"),
        line("bucket: reads/s", f"{g.get_limit:.0f}", lambda n: n * reads / row, g.get_limit, ".2f"),
        ["bucket: MB/s", *(f"{n * 2 * p.film_bytes / row / MB:.1f}" for n in FLEETS), ""],
        ["queue: MB in Redis", *(f"{n * p.kept['bytes of a message'] / MB:.3f}" for n in FLEETS), "its memory"],
        ["memory of all workers (GB)", *(f"{n * WORKER_MEMORY / GB:,.0f}" for n in FLEETS), ""],
    ]


def failures(p: Estimate) -> list[list[str]]:
    """What a death costs."""
    g = p.given
    deaths = g.deaths * p.rows * p.row() / 3600
    found = [["", "work lost by a death", f"{deaths:,.0f} deaths", "money"]]
    for what, kept in (("the next worker reaches the same store", True), ("it does not", False)):
        lost = p.lost(kept)
        hours, price = deaths * (lost + LEASE) / 3600, deaths * lost / 3600 * WORKER_CORES * g.core_hour
        found.append([what, f"{lost:.0f} s, after {LEASE:.0f} s of lease", f"{hours:,.0f} worker hours", money(price)])
    return found


def assumptions(p: Estimate) -> list[list[str]]:
    """All that is assumed, and how to give another value."""
    rows = [["assumed", "value", "option"]]
    for one in dataclasses.fields(p.given):
        rows.append([one.metadata["told"], f"{getattr(p.given, one.name):,g}", f"`--{one.name.replace('_', '-')}`"])
    fast = ", ".join(f"{name} {value:g}" for name, value in p.speed_ups.items())
    return [*rows, ["times that models are faster on a GPU: **not measured**", fast, "`--speed-up STAGE=N`"]]


TABLES = {"costs": costs, "storage": storage, "loads": loads, "failures": failures, "assumptions": assumptions}


def table(rows: Iterable[list[str]]) -> str:
    """In Markdown."""
    head, *body = rows
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [head, ["---", *["---:"] * (len(head) - 1)], *body])


def main() -> None:
    """Print the tables, or put them into the docs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for one in dataclasses.fields(Assumptions):
        told = one.metadata["told"]
        parser.add_argument(f"--{one.name.replace('_', '-')}", type=type(one.default), default=one.default, help=told)
    parser.add_argument(
        "--speed-up", action="append", default=[], metavar="STAGE=N", help="of a stage's models on a GPU"
    )
    parser.add_argument("--publish", action="store_true", help="write into docs/scaling.md")
    chosen = vars(parser.parse_args())
    publish, given = chosen.pop("publish"), chosen.pop("speed_up")
    speed_ups = SPEED_UPS | {stage: float(value) for stage, _, value in (one.partition("=") for one in given)}
    path = read(Assumptions(**chosen), speed_ups)
    texts = {name: table(made(path)) for name, made in TABLES.items()}
    if publish:
        put(DOCS, texts)
    else:
        print("\n\n".join(texts.values()))


if __name__ == "__main__":
    main()

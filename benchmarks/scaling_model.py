"""Time, money, bytes and requests of very many films, from what was measured of one film and assumed of the rest."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from dubkit.batch.run import POLL
from dubkit.batch.work import LEASE
from dubkit.service.s3 import PART
from dubkit.workers import WORKER_CORES

HERE = Path(__file__).parent
PER_TARGET = ("translate", "assign_voices", "synthesize", "assemble", "combine")
MB, GB, TB = 1e6, 1e9, 1e12


def assumed(value: Any, told: str) -> Any:
    """A field with what it stands for."""
    return field(default=value, metadata={"told": told})


@dataclass(frozen=True)
class Assumptions:
    """What was not measured. Money is in US dollars, before tax."""

    videos: int = assumed(100_000, "films")
    minutes: float = assumed(5.0, "minutes of each film")
    targets: int = assumed(2, "target languages of each film")
    days: float = assumed(7.0, "days that all may take")
    core_hour: float = assumed(0.04, "price of a core for an hour")
    gpu_hour: float = assumed(1.2, "price of a host with one GPU for an hour")
    gpu_cores: int = assumed(8, "cores of that host")
    film_mb: float = assumed(15.0, "MB per minute of film, source and dub alike (2 Mbit/s)")
    page_mb: float = assumed(2.0, "MB of a row's notebook and page")
    row_seconds: float = assumed(4.0, "seconds that a row takes beside its stages (measured of the whole command: 3.8)")
    gb_month: float = assumed(0.023, "price of a GB kept for a month")
    months: float = assumed(12.0, "months that dubs are kept")
    store_months: float = assumed(1.0, "months that results of stages are kept, for corrections and further languages")
    put_1000: float = assumed(0.005, "price of 1000 writing requests to the bucket")
    get_1000: float = assumed(0.0004, "price of 1000 reading requests to the bucket")
    put_limit: float = assumed(3500.0, "writing requests per second that a bucket's prefix takes (AWS's own figure)")
    get_limit: float = assumed(5500.0, "reading requests per second that it takes (AWS's own figure)")
    nfs_mb: float = assumed(1000.0, "MB per second that a shared file system takes (10 Gbit/s)")
    connections: int = assumed(97, "connections that PostgreSQL takes by default")
    deaths: float = assumed(0.05, "deaths of a worker per hour of work (a spot host that goes, memory that ends)")


SPEED_UPS = {
    "separate": 5.0,
    "diarize": 10.0,
    "transcribe": 10.0,
    "detect_gender": 5.0,
    "translate": 5.0,
    "synthesize": 10.0,
}
"""How many times faster a stage's models are assumed to be on a GPU: not measured."""


@dataclass(frozen=True)
class Estimate:
    """What follows from what was measured and assumed; times in seconds, for one worker of two cores."""

    given: Assumptions
    speed_ups: dict[str, float]
    dub: dict[str, Any]
    kept: dict[str, Any]
    ledger: dict[str, Any]

    @cached_property
    def film(self) -> float:
        """Seconds of each film."""
        return 60 * self.given.minutes

    @cached_property
    def rows(self) -> int:
        """Rows of the batch: a film in one language each."""
        return self.given.videos * self.given.targets

    @cached_property
    def stages(self) -> dict[str, tuple[float, float]]:
        """Seconds per second of film, and those of them inside models, by stage."""
        return {
            r["stage"]: (r["seconds"] / self.dub["film"], r["in models"] / self.dub["film"]) for r in self.dub["stages"]
        }

    def seconds(self, stage: str, gpu: bool = False) -> float:
        """Seconds of a stage for one film."""
        whole, models = self.stages[stage]
        return self.film * (whole - models + models / self.speed_ups.get(stage, 1.0)) if gpu else self.film * whole

    def of_film(self, gpu: bool = False) -> float:
        """Seconds of a film's stages that all its languages share."""
        return sum(self.seconds(s, gpu) for s in self.stages if s not in PER_TARGET)

    def of_target(self, gpu: bool = False) -> float:
        """Seconds of a film's other stages, for each language."""
        return sum(self.seconds(s, gpu) for s in PER_TARGET)

    def row(self, gpu: bool = False) -> float:
        """Mean seconds of a row, where the first of a film's rows makes what the others share."""
        return self.of_film(gpu) / self.given.targets + self.of_target(gpu) + self.given.row_seconds

    def lost(self, kept: bool = True) -> float:
        """Seconds of work that a worker's death costs: half the stage that it was in, or half the row without a store."""
        times = [self.seconds(s) for s in self.stages]
        return sum(t * t for t in times) / (2 * sum(times)) if kept else sum(times) / 2

    @cached_property
    def worker_hours(self) -> float:
        """Hours of one worker for everything, deaths included."""
        plain = self.rows * self.row() / 3600
        return plain * (1 + self.given.deaths * (self.lost() + LEASE) / 3600)

    @cached_property
    def gpu_share(self) -> float:
        """Seconds of a row in which the GPU works."""
        shares = {s: self.film * m / self.speed_ups[s] for s, (_, m) in self.stages.items() if s in self.speed_ups}
        return sum(v if s in PER_TARGET else v / self.given.targets for s, v in shares.items())

    @cached_property
    def gpu_workers(self) -> int:
        """Workers of a GPU host: as its cores allow, and no more than its GPU keeps busy."""
        return max(1, min(self.given.gpu_cores // WORKER_CORES, math.ceil(self.row(gpu=True) / self.gpu_share)))

    @cached_property
    def gpu_rows(self) -> float:
        """Rows that a GPU host does in an hour."""
        return 3600 * min(self.gpu_workers / self.row(gpu=True), 1 / self.gpu_share)

    def stored(self, per_target: bool) -> float:
        """Bytes that the store keeps of a film, once or for each language; the dub itself stands with the results."""
        chosen = [s for s in self.stages if (s in PER_TARGET) == per_target and s != "combine"]
        return self.given.minutes * sum(self.kept["bytes per minute"][s] for s in chosen)

    @cached_property
    def store_bytes(self) -> float:
        """Bytes that the store keeps of all."""
        copies = self.given.film_mb * self.given.minutes * MB * self.rows
        return self.given.videos * self.stored(False) + self.rows * self.stored(True) + copies

    @cached_property
    def film_bytes(self) -> float:
        """Bytes of a film, and of a dub."""
        return self.given.film_mb * self.given.minutes * MB

    @cached_property
    def result_bytes(self) -> float:
        """Bytes of all dubs, notebooks and pages."""
        return self.rows * (self.film_bytes + self.given.page_mb * MB)

    @cached_property
    def requests(self) -> tuple[int, int]:
        """Reading and writing requests of a row: the film in parts; the dub in parts, four subtitles, notebook and page."""
        parts = math.ceil(self.film_bytes / PART)
        return 1 + parts, (parts + 2 if parts > 1 else 1) + 6

    def changes(self, workers: int) -> float:
        """Changes of the ledger per second: beats, claims and ends of rows, and the command's two at every look."""
        return workers * (3 / LEASE + 2 / self.row()) + 2 / POLL


def read(given: Assumptions, speed_ups: dict[str, float]) -> Estimate:
    """The estimate from what was measured on this machine."""
    files = (HERE / f"{name}.json" for name in ("dub", "scaling_measured", "ledger"))
    return Estimate(given, speed_ups, *(json.loads(path.read_text(encoding="utf-8")) for path in files))

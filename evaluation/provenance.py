"""Where a result comes from, so that it can be traced and repeated."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from dubkit.backends import registry
from dubkit.errors import DubkitError
from dubkit.provenance import versions
from dubkit.settings import Backends, Settings
from evaluation import statistics
from evaluation.job import Job
from evaluation.suites import Suite
from evaluation.system import System


def told(
    suite: Suite, system: System, settings: Settings, jobs: Sequence[Job], began: float, seed: int
) -> dict[str, Any]:
    """All that a result's numbers stand on.

    Parameters
    ----------
    began : float
        When the run started, in seconds since the epoch.

    Returns
    -------
    dict
        JSON-able.
    """
    return {
        "suite": suite.id,
        "system": system.label,
        "command": ["python", "-m", "evaluation", *sys.argv[1:]],
        "until": suite.until,
        "judge": suite.judge,
        "judge_model": _fingerprint("transcriber", suite.judge, settings),
        "given": sorted({stage for job in jobs for stage in job.given}),
        "settings": asdict(settings),
        "models": {
            f.name: _fingerprint(f.name, getattr(settings.backends, f.name), settings) for f in fields(Backends)
        },
        "versions": versions(),
        "commit": _commit(),
        "machine": machine(),
        "seed": seed,
        "resamples": statistics.RESAMPLES,
        "level": statistics.LEVEL,
        "began": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(began)),
        "seconds": round(time.time() - began, 1),
    }


def machine() -> dict[str, Any]:
    """What the numbers of seconds were measured on."""
    import torch

    gpu = torch.cuda.get_device_name(0) if torch.cuda.is_available() else ""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gigabytes": round(memory / 1e9, 1),
        "gpu": gpu,
    }


def _processor() -> str:
    facts = Path("/proc/cpuinfo")
    if facts.is_file():
        for line in facts.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


def _fingerprint(task: str, spec: str, settings: Settings) -> str:
    try:
        return str(registry.get(task, spec, settings.compute).fingerprint)
    except DubkitError as error:
        return f"not here: {error}"


def _commit() -> str:
    """The checkout's commit, with a mark where files differ from it; empty outside a checkout."""
    home = Path(__file__).resolve().parents[1]
    command = ["git", "-C", str(home), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()

"""How many processes of work one machine holds, and the threads that each of them gets."""

from __future__ import annotations

import os

from dubkit.settings import Settings

GIGABYTE = 10**9
# A worker with the embedded models takes 1.9 GB; a core more than two makes its models little faster.
WORKER_MEMORY, WORKER_CORES = 3 * GIGABYTE, 2


def room(settings: Settings) -> int:
    """How many workers this machine holds; one, where the models run on a GPU."""
    from dubkit.backends.devices import device

    if device(settings.compute) != "cpu":
        return 1
    cores = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return max(1, min(cores // WORKER_CORES, memory // WORKER_MEMORY))


def shared_threads(settings: Settings, workers: int) -> dict[str, int]:
    """The setting by which several workers share the cores; none for one worker alone."""
    return {} if workers <= 1 else {"compute.threads": max(1, settings.compute.n_threads // workers)}

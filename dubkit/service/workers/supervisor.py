"""The server's workers: started with it, started again when they end, ended with it; and what has to be done now and then."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Self

from dubkit.errors import DubkitError
from dubkit.record import Seconds
from dubkit.service.films import arrival
from dubkit.service.workers.retention import sweep
from dubkit.service.workers.worker import as_line

if TYPE_CHECKING:
    from dubkit.service.service import Service

log = logging.getLogger(__name__)

LOOK: Seconds = 0.25
"""Between two looks at the workers."""
SOON: Seconds = 2.0
"""Between two looks for jobs whose worker is silent, and for jobs that nobody was told of."""
SWEEPS: Seconds = 3600.0
"""Between two sweeps of what is too old."""
STOPPING: Seconds = 15.0
"""How long workers may take to give their jobs back."""
QUICK: Seconds = 5.0
"""A worker that ends sooner after its start is started again after a pause, which doubles up to a minute."""


@dataclass
class _Place:
    """Where one worker at a time is at work."""

    process: subprocess.Popen[str] | None = None
    begun: float = 0.0
    due: float = 0.0
    pauses: int = field(default=0)


class Workers:
    """Keeps ``config.workers`` processes at work as long as its with block lasts.

    Parameters
    ----------
    service : Service
    command : sequence of str, optional
        What starts a worker.
    """

    def __init__(self, service: Service, command: Sequence[str] = ()) -> None:
        self._service = service
        module = "dubkit.service.workers.dramatiq" if service.config.queue else "dubkit.service.workers.worker"
        self._command = [*(command or (sys.executable, "-m", module)), "--watched"]
        self._places = [_Place() for _ in range(service.config.workers)]
        self._over = threading.Event()
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._watch, self._tend, self._sweep)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(STOPPING)
        running = [place.process for place in self._places if place.process]
        for process in running:
            process.terminate()
        until = time.monotonic() + STOPPING
        for process in running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, until - time.monotonic()))
            _end(process)

    @property
    def processes(self) -> list[int]:
        """The ids of those that are running."""
        return [place.process.pid for place in self._places if place.process and place.process.poll() is None]

    def _watch(self) -> None:
        self._regularly(LOOK, self._look_at_all)

    def _look_at_all(self) -> None:
        for place in self._places:
            self._look(place)

    def _look(self, place: _Place) -> None:
        now = time.monotonic()
        if place.process is not None:
            code = place.process.poll()
            if code is None:
                return
            _end(place.process)
            place.process = None
            place.pauses = place.pauses + 1 if now - place.begun < QUICK else 0
            place.due = now + (min(2.0 ** (place.pauses - 1), 60.0) if place.pauses else 0.0)
            log.warning("a worker has ended and is started again", extra={"exit_code": code})
        if now >= place.due:
            place.process, place.begun = self._started(), now

    def _started(self) -> subprocess.Popen[str]:
        # Of its own process group, so that it can end all that it has started. Not of its own session: Linux may share the cores
        # among sessions first, and then it would give way to nobody by being nice.
        process = subprocess.Popen(self._command, stdin=subprocess.PIPE, text=True, process_group=0)  # noqa: S603
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(as_line(self._service.config))
            process.stdin.flush()
        return process

    def _tend(self) -> None:
        self._regularly(SOON, self._remind)

    def _sweep(self) -> None:
        self._regularly(SWEEPS, self._clear)

    def _regularly(self, seconds: Seconds, work: Callable[[], None]) -> None:
        while not self._over.is_set():
            try:
                work()
            except DubkitError as error:
                log.warning("done again later", extra={"error": str(error)})
            except Exception:
                log.exception("done again later")
            self._over.wait(seconds)

    def _remind(self) -> None:
        service = self._service
        for job in service.claims.overdue(service.config.attempts):
            log.warning("a worker has fallen silent", extra={"job": job.id, "status": job.status})
        if service.queue is not None and (due := service.claims.due()):
            service.queue.tell_again(due)

    def _clear(self) -> None:
        service = self._service
        swept = asdict(sweep(service.jobs, service.config, service.storage))
        arrived = arrival.sweep(service.config) + service.uploads.expire()
        log.info("swept", extra={**swept, "arrivals": arrived})


def _end(process: subprocess.Popen[str]) -> None:
    """End what is left of a worker: all in its process group, such as a call of ffmpeg."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        process.stdin.close()

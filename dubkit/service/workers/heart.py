"""The heartbeat of a job at work: keeps the claim, tells how far the job is, and learns that it is to stop.

All of it happens in a thread of its own, so that the work never waits for the database.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from contextvars import copy_context
from typing import Literal

from dubkit.errors import DubkitError
from dubkit.progress import Event
from dubkit.record import Seconds
from dubkit.service.jobs.claims import Claims
from dubkit.service.jobs.job import Claim
from dubkit.service.watching.logs import follow

log = logging.getLogger(__name__)

Why = Literal["cancel", "lost", "end"]
"""Why work stops: its owner does not want it any more, another worker has it, or this worker is to end."""
BEAT: Seconds = 0.4
"""Between two beats, at most: whoever cancels a job waits for one."""
TELLING: Seconds = 0.3
"""Between two messages of progress, at least."""
GRACE: Seconds = 0.8
"""How long work that is to stop may go on to its next step, before its process is killed."""


class Stopped(BaseException):
    """Work that is to stop. No error, so that nobody takes it for one that can be mended."""


class Heart:
    """Beats as long as its with block lasts; all that was observed is told before the block is left.

    Work is stopped where it next tells how far it is: models stay loaded then. Where that takes too long, this process and all
    that it started are killed, after it is written down why.

    Parameters
    ----------
    claims : Claims
    claim : Claim
    lease : float
        Seconds that a beat keeps the claim for.
    ending : threading.Event
        Set where this worker is to end.
    """

    def __init__(self, claims: Claims, claim: Claim, lease: Seconds, ending: threading.Event) -> None:
        self._claims, self._claim, self._lease, self._ending = claims, claim, lease, ending
        self.why: Why | None = None
        self._stopped = 0.0
        self._events: list[Event] = []
        self._lock = threading.Lock()
        self._wake, self._over = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=copy_context().run, args=(self._beat,), daemon=True)

    def __enter__(self) -> Heart:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._wake.set()
        self._thread.join()
        if self.why != "lost":
            # What came of the job is told next, and that fails in its own way where the database is still away.
            try:
                self._tell()
            except Exception as error:
                log.warning("how far the job is could not be told", extra={"error": str(error)})

    def observe(self, event: Event) -> None:
        """An observer of the run."""
        if self.why and event.status == "failed":
            # A stage that was stopped has not failed.
            return
        follow(event)
        with self._lock:
            last = self._events[-1] if self._events else None
            if last and last.status == event.status == "progress" and last.stage == event.stage:
                self._events[-1] = event
            else:
                self._events.append(event)
        self._wake.set()
        if event.status != "failed":
            self.check()

    def check(self) -> None:
        """Go on, or stop where that is wanted.

        Raises
        ------
        Stopped
        """
        if self.why:
            raise Stopped(self.why)

    def wait(self, seconds: Seconds) -> None:
        """Wait before something is tried again; shorter where the work is to stop."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.check()
            time.sleep(0.1)

    def settle(self) -> None:
        """Write down why the work stopped."""
        if self.why == "cancel":
            self._claims.cancelled(self._claim)
        elif self.why == "end":
            self._claims.release(self._claim)

    def _beat(self) -> None:
        beaten = told = time.monotonic()
        every = min(BEAT, self._lease / 4)
        while not self._over.is_set():
            self._wake.wait(TELLING / 3 if self.why else TELLING)
            self._wake.clear()
            now = time.monotonic()
            if self._ending.is_set():
                self._stop("end")
            if self.why and now - self._stopped > GRACE and not self._over.is_set():
                self._kill()
            try:
                if self._events and now - told >= TELLING:
                    told = now
                    self._tell()
                if now - beaten >= every:
                    beaten = now
                    self._listen()
            except DubkitError as error:
                # The work goes on. What could not be told is told by the next beat, or in the end.
                log.warning("the job database does not answer", extra={"error": str(error)})
                self._over.wait(BEAT)
            except Exception:
                # Whatever it is, without beats the job would be given to another.
                log.exception("the job database could not be told")
                self._over.wait(BEAT)
            self._over.wait(TELLING / 3)

    def _listen(self) -> None:
        answer = self._claims.beat(self._claim, self._lease)
        if answer != "held":
            self._stop(answer)

    def _stop(self, why: Why) -> None:
        if self.why is None:
            self.why, self._stopped = why, time.monotonic()
            log.info("the job is to stop", extra={"why": why})

    def _tell(self) -> None:
        with self._lock:
            events, self._events = self._events, []
        if not events:
            return
        try:
            held = self._claims.tell(self._claim, events)
        except Exception:
            with self._lock:
                self._events[:0] = events
            raise
        if not held:
            self._stop("lost")

    def _kill(self) -> None:
        try:
            self.settle()
        except Exception as error:
            log.warning("why the job stops could not be told", extra={"error": str(error)})
        log.warning("the job did not stop by itself: its process is killed", extra={"why": self.why})
        kill()


def kill() -> None:
    """End this process and all that it started, such as a call of ffmpeg; it must lead its process group."""
    os.killpg(os.getpgrp(), signal.SIGKILL)

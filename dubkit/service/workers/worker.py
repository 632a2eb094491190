"""A process that does jobs, one at a time.

The server starts its own; hosts that do nothing else start as many as they have places, each under whatever starts it again
when it ends (systemd, a container)::

    DUBKIT_DATABASE=... DUBKIT_STORAGE=... python -m dubkit.service.workers.worker
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import logging
import os
import platform
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dubkit.database import Database
from dubkit.errors import DubkitError
from dubkit.record import Seconds
from dubkit.service import home
from dubkit.service.config import Config, unknown
from dubkit.service.jobs.claims import Claims
from dubkit.service.jobs.pairs import Pairs
from dubkit.service.jobs.tables import upgrade
from dubkit.service.storage import storage
from dubkit.service.watching.logs import bound, configure
from dubkit.service.workers import heart
from dubkit.service.workers.execute import execute
from dubkit.settings import profile

log = logging.getLogger(__name__)

NICE = 10
"""Workers give way to the server, which has to answer within milliseconds."""
IDLE: Seconds = 0.5
"""Between two looks for a job."""
AWAY: Seconds = 5.0
"""Before the next look, where the database does not answer."""
LAST: Seconds = 10.0
"""How long a process that is to end may take to put its things in order."""
REMEDY = "the worker goes on by itself once it is there"


class Worker:
    """What a process needs to do jobs.

    Parameters
    ----------
    config : Config
    ending : threading.Event
        Set where it is to end: the job at work is given back.
    """

    def __init__(self, config: Config, ending: threading.Event) -> None:
        self.config, self.ending = config, ending
        self.name = f"{platform.node()}-{os.getpid()}"
        home.settle(config.home)
        # One for the work, one for the heart.
        self.database = Database(config.database, "job database", REMEDY, connections=2)
        upgrade(self.database)
        self.claims = Claims(self.database, config.attempts)
        self.storage = storage(config.storage)

    def do_next(self) -> bool:
        """Do the job that is next, where one is due; whether there was one."""
        if self.ending.is_set():
            return False
        with bound(worker=self.name):
            try:
                claim = self.claims.next(self.name, self.config.lease)
                if claim is None:
                    return False
                execute(claim, self.claims, self.config, self.storage, self.ending)
            except DubkitError as error:
                # The database: a job's own fault raises nothing. What was done of it is found done.
                log.warning("tried again soon", extra={"error": str(error)})
                self.ending.wait(AWAY)
        return True

    def introduce(self) -> None:
        """Write down which languages can be dubbed here, for those who have no models, and which models there are."""
        from dubkit.overview import model_table

        begun = time.monotonic()
        n_pairs = Pairs(self.database).fill(self.config.profile)
        models, _ = model_table(profile(self.config.profile)[0])
        here = {row["model"]: row["present"] for row in models if not row["optional"] or row["present"]}
        self.claims.report(self.name, {"models": here, "pairs": n_pairs})
        seconds = round(time.monotonic() - begun, 3)
        log.info("worker is ready", extra={"worker": self.name, "pairs": n_pairs, "seconds": seconds})

    def leave(self) -> None:
        """Say that this worker is not there any more."""
        with contextlib.suppress(DubkitError):
            self.claims.leave(self.name)


def take_turns(worker: Worker) -> None:
    """Do jobs as they come, until the worker is told to end."""
    while not worker.ending.is_set():
        if not worker.do_next():
            worker.ending.wait(IDLE)


def do_all(worker: Worker) -> None:
    """Do the jobs that are due now."""
    while worker.do_next():
        pass


def as_line(config: Config) -> str:
    """A configuration as one line, for :func:`from_line`."""
    return json.dumps(dataclasses.asdict(config), default=str) + "\n"


def from_line(line: str) -> Config:
    """The configuration that a server hands to its workers: not as arguments, which everybody on the machine can read."""
    fields: dict[str, Any] = json.loads(line)
    paths = {name: Path(fields[name]) for name in ("home", "store")}
    lists = {name: tuple(fields[name]) for name in ("origins", "hosts")}
    return Config(**{**fields, **paths, **lists})


def main(loop: Callable[[Worker], None] = take_turns) -> None:
    """The command ``python -m dubkit.service.workers.worker``."""
    parser = argparse.ArgumentParser(prog="python -m dubkit.service.workers.worker", description=__doc__)
    parser.add_argument("--once", action="store_true", help="do the jobs that are due, and end")
    parser.add_argument("--watched", action="store_true", help="a server has started this, and says how on stdin")
    options = parser.parse_args()
    ending = threading.Event()
    _heed_signals(ending)
    try:
        config = from_line(sys.stdin.readline()) if options.watched else Config.from_environment()
        os.umask(0o077)
        configure(form=config.log)
        _make_way()
        if options.watched:
            threading.Thread(target=_end_with_server, args=(ending,), daemon=True).start()
        else:
            for told in unknown():
                log.warning("%s", told)
        raise SystemExit(_run(do_all if options.once else loop, config, ending))
    except DubkitError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None


def _run(loop: Callable[[Worker], None], config: Config, ending: threading.Event) -> int:
    """Work in a thread, so that signals are heard whatever the work is in; the exit code."""
    codes: list[int] = []

    def work() -> None:
        try:
            worker = Worker(config, ending)
            worker.introduce()
            loop(worker)
            worker.leave()
            codes.append(0)
        except DubkitError as error:
            log.error("the worker ends", extra={"error": str(error)})
            codes.append(error.exit_code)
        except Exception:
            log.exception("the worker ends")

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    while thread.is_alive() and not ending.is_set():
        thread.join(0.1)
    thread.join(LAST)
    if thread.is_alive():
        heart.kill()
    return codes[0] if codes else 1


def _heed_signals(ending: threading.Event) -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        # What was started with nohup is to outlive its terminal.
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda *_: ending.set())


def _make_way() -> None:
    """Lead a process group, so that all this starts can be ended with it, and let others go first."""
    if os.getpgrp() != os.getpid():
        os.setpgrp()
    os.nice(max(0, NICE - os.nice(0)))


def _end_with_server(ending: threading.Event) -> None:
    """The server never writes again: its end closes the pipe, also where it was killed."""
    sys.stdin.read()
    ending.set()


if __name__ == "__main__":
    main()

"""The kernel of this process: it stays alive from notebook to notebook, so that models load once.

Between notebooks its variables and figures are cleared; what it has imported stays. One that has died is replaced. It
ends with the process that uses it, also where that is killed: ipykernel looks after its parent. ``python3`` is always this
process's own interpreter, for that is the one that has dubkit.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
from dataclasses import dataclass
from multiprocessing import util
from pathlib import Path
from typing import Any

CLEAR_SECONDS = 30
"""A kernel that cannot be cleared in this time is replaced."""


@dataclass
class _Kernel:
    """A running kernel and the connection to it, of the thread that opened it."""

    name: str
    manager: Any
    client: Any
    thread: int

    def clear(self) -> bool:
        """Whether it lives, and has forgotten the last notebook."""
        from jupyter_core.utils import run_sync

        # One expression: it leaves no name behind.
        code = f"__import__('dubkit.batch.clearing', fromlist=['clear']).clear({str(Path.cwd())!r})"

        async def cleared() -> bool:
            options = {"silent": True, "store_history": False, "allow_stdin": False}
            answer = asyncio.ensure_future(self.client.execute(code, **options, reply=True, timeout=CLEAR_SECONDS))
            while not (await asyncio.wait({answer}, timeout=0.5))[0]:
                if not await self.manager.is_alive():
                    answer.cancel()
                    return False
            return bool(answer.result()["content"]["status"] == "ok")

        try:
            return bool(run_sync(cleared)())
        except (RuntimeError, TimeoutError, asyncio.CancelledError):
            return False

    def kill(self) -> None:
        """End it at once, from any thread."""
        pid = getattr(self.manager.provisioner, "pid", None)
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def forget(self) -> None:
        """End it, and remove what told others how to reach it."""
        self.kill()
        self.client.stop_channels()
        if self.manager.connection_file:
            Path(self.manager.connection_file).unlink(missing_ok=True)


_kept: _Kernel | None = None


def connect(client: Any, name: str) -> None:
    """Give a notebook's client the kept kernel, cleared, or a new one."""
    from jupyter_client.kernelspec import NATIVE_KERNEL_NAME, KernelSpecManager

    global _kept
    # A connection belongs to the event loop of its thread.
    if _kept and _kept.name == name and _kept.thread == threading.get_ident() and _kept.clear():
        client.km, client.kc = _kept.manager, _kept.client
        return
    end()
    client.create_kernel_manager()
    if name == NATIVE_KERNEL_NAME:
        # A kernel of that name may be installed whose interpreter is another.
        client.km.kernel_spec_manager = KernelSpecManager(kernel_dirs=[])
    # It would warn on everybody's terminal that it is reached through this machine's own network.
    client.extra_arguments = ["--Application.log_level=ERROR"]
    client.start_new_kernel()
    client.start_new_kernel_client()
    _kept = _Kernel(name, client.km, client.kc, threading.get_ident())


def end() -> None:
    """End this process's kernel; the next notebook gets a new one."""
    global _kept
    if _kept is not None:
        _kept.forget()
        _kept = None


def kill() -> None:
    """End this process's kernel in the middle of its notebook, from another thread."""
    if _kept is not None:
        _kept.kill()


util.Finalize(None, end, exitpriority=0)

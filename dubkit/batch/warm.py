"""A papermill engine whose kernel stays alive from notebook to notebook, so that models load once per process.

It is papermill's own engine but for that: ``papermill --engine dubkit`` uses it, too. Papermill imports this module by its
entry point; whoever else does must have imported papermill before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, papermill_engines
from papermill.log import logger

from dubkit.batch import kernels
from dubkit.batch.outcome import PROGRESS


class _Client(PapermillNotebookClient):  # type: ignore[misc]
    """Passes on how far the notebook is, and keeps that out of it."""

    def __init__(self, *args: Any, told: Callable[[str], None], **options: Any) -> None:
        super().__init__(*args, **options)
        self._told = told

    def process_message(self, message: dict[str, Any], cell: Any, cell_index: int) -> Any:
        data = message["content"].get("data", {}) if message["msg_type"] == "display_data" else {}
        if PROGRESS in data:
            self._told(str(data[PROGRESS]))
            return None
        return super().process_message(message, cell, cell_index)


class WarmEngine(NBClientEngine):  # type: ignore[misc]
    """Executes notebooks one after another on this process's kernel."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: Any,
        kernel_name: str,
        log_output: bool = False,
        start_timeout: int = 60,
        execution_timeout: int | None = None,
        told: Callable[[str], None] = lambda note: None,
        **_: Any,
    ) -> Any:
        """See :class:`papermill.engines.NBClientEngine`; `told` gets what :func:`dubkit.batch.tell` says."""
        client = _Client(
            nb_man,
            told=told,
            kernel_name=kernel_name,
            timeout=execution_timeout,
            startup_timeout=start_timeout,
            log=logger,
            log_output=log_output,
        )
        kernels.connect(client, kernel_name)
        return client.execute(cleanup_kc=False)


papermill_engines.register("dubkit", WarmEngine)

"""What a notebook says of its row, through its outputs: its result, and how far it is."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from dubkit.errors import BadInput
from dubkit.progress import Event

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from dubkit.run import Run

RESULT = "application/vnd.dubkit.result+json"
PROGRESS = "application/vnd.dubkit.progress+json"
PAUSE = 2.0
"""Seconds between two messages of a stage's progress."""

_told = 0.0


def result(**facts: Any) -> None:
    """Say what goes into this row's line of the batch's table; said again, it is added to what was said before.

    Raises
    ------
    BadInput
        If something has no JSON form, such as an array or a number that is infinite or none.
    """
    from IPython.display import display

    try:
        json.dumps(facts, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise BadInput(f"A row's result takes plain values and finite numbers: {error}.") from error
    told = ", ".join(f"{name} {value}" for name, value in facts.items() if not isinstance(value, dict | list))
    display({RESULT: facts, "text/plain": told}, raw=True)


def tell(event: Event) -> None:
    """An observer of runs: tells whoever runs the batch which stage it is in, and now and then how far; the notebook keeps
    nothing of it."""
    from IPython.display import display

    global _told
    now = time.monotonic()
    if event.status not in ("started", "reused") and (event.status != "progress" or now - _told < PAUSE):
        return
    _told = now
    part = f" {event.done}/{event.total}" if event.total else ""
    display({PROGRESS: event.stage + part}, raw=True)


def facts(run: Run) -> dict[str, Any]:
    """What a batch's table says of a finished run.

    Returns
    -------
    dict
        ``run``, ``source``, ``target``, ``speakers``, ``duration`` in seconds, the summary of its timing (see
        :func:`dubkit.certificate.summary`), ``reused``, the number of stages that the store had, and ``stage_seconds``, by
        stage, of those that it had not.
    """
    from dubkit.certificate import summary
    from dubkit.run import PIPELINE

    made = [s.name for s in PIPELINE if not run.log.results.get(s.name, {}).get("reused", True)]
    return {
        "run": run.id,
        "source": run.translation.source,
        "target": run.translation.target,
        "speakers": len(run.casting.roles),
        "duration": run.dub.duration,
        **summary(run.soundtrack.placements),
        "reused": len(PIPELINE) - len(made),
        "stage_seconds": {name: run.made(name).record["seconds"] for name in made},
    }


def collected(notebook: NotebookNode) -> dict[str, Any]:
    """The facts that an executed notebook said with :func:`result`."""
    found: dict[str, Any] = {}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            found.update(output.get("data", {}).get(RESULT, {}))
    return found

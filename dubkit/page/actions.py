"""What the buttons on jobs do, in the name of whoever pressed them; ``actions.js`` sends the events."""

from __future__ import annotations

import gradio as gr

from dubkit.errors import BadInput
from dubkit.page.access import owner_of
from dubkit.service.service import Service


def done(service: Service, event: gr.EventData, request: gr.Request) -> str:
    """Do what an event asks for; returns what it was.

    Raises
    ------
    BadInput
        If that cannot be done to this job, or nobody knows what it is.
    """
    given = event._data if isinstance(event._data, dict) else {}
    act, id = str(given.get("act", "")), str(given.get("job", ""))[:100]
    owner = owner_of(request)
    match act:
        case "cancel":
            service.cancel(owner, id)
        case "again":
            service.again(owner, id)
        case "delete":
            service.delete(owner, id)
        case _:
            raise BadInput("This cannot be done. Reload the page.")
    return act

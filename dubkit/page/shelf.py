"""The list of an owner's films, kept up to date while one of them is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from dubkit.errors import DubkitError
from dubkit.page import films, look
from dubkit.page.access import owner_of
from dubkit.page.actions import done
from dubkit.service.service import Service


@dataclass(frozen=True)
class Shelf:
    """The parts of the page that show the list; ``before`` is the job after which it begins, empty for the newest."""

    service: Service
    cards: gr.HTML
    problem: gr.HTML
    timer: gr.Timer
    before: gr.State

    @property
    def outputs(self) -> list[Any]:
        """What :meth:`shown` and :meth:`left` give values for."""
        return [self.cards, self.problem, self.timer, self.before]

    def shown(self, before: str, request: gr.Request) -> dict[Any, Any]:
        """The list as it is now."""
        try:
            rows = films.shown(self.service, owner_of(request), before or None)
        except DubkitError as error:
            return {self.problem: look.problem(str(error)), self.timer: gr.Timer(active=True), self.before: before}
        is_live = any(not row.job.is_over for row in rows)
        return {
            self.cards: films.films(rows, before or None),
            self.problem: "",
            self.timer: gr.Timer(active=is_live),
            self.before: before,
        }

    def left(self) -> dict[Any, Any]:
        """Nothing is asked for while the list is not seen."""
        return {self.timer: gr.Timer(active=False)}

    def acted(self, before: str, event: gr.EventData, request: gr.Request) -> dict[Any, Any]:
        """The list after a button on it did its work."""
        try:
            done(self.service, event, request)
        except DubkitError as error:
            return {**self.shown(before, request), self.problem: look.problem(str(error))}
        return self.shown(before, request)


def build(service: Service) -> Shelf:
    """Put the list into the Blocks that are being built."""
    cards = gr.HTML(js_on_load=look.asset("actions.js"), apply_default_css=False)
    shelf = Shelf(service, cards, gr.HTML(), gr.Timer(3.0, active=False), gr.State(""))
    shelf.timer.tick(shelf.shown, shelf.before, shelf.outputs, **look.handler())
    cards.select(shelf.acted, shelf.before, shelf.outputs, **look.handler())
    return shelf

"""The list of an owner's films, kept up to date while one of them is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from dubkit.errors import DubkitError
from dubkit.page import films, look, words
from dubkit.page.access import owner_of
from dubkit.page.actions import done
from dubkit.page.address import HERE, read
from dubkit.service.service import Service


@dataclass(frozen=True)
class Shelf:
    """The parts of the page that show the list."""

    service: Service
    cards: gr.HTML
    problem: gr.HTML
    timer: gr.Timer

    @property
    def outputs(self) -> list[Any]:
        """What :meth:`shown` and :meth:`acted` give values for."""
        return [self.cards, self.problem, self.timer]

    def shown(self, query: str, request: gr.Request) -> dict[Any, Any]:
        """The list as it is now, where an address asks for it; else nothing is looked up."""
        address = read(query)
        if not address.is_list:
            return {self.timer: gr.Timer(active=False)}
        try:
            rows = films.shown(self.service, owner_of(request), address.before or None)
        except DubkitError as error:
            return {self.problem: look.problem(words.told(error)), self.timer: gr.Timer(active=True)}
        is_live = any(not row.job.is_over for row in rows)
        return {
            self.cards: films.films(rows, address.before or None),
            self.problem: "",
            self.timer: gr.Timer(active=is_live),
        }

    def acted(self, query: str, event: gr.EventData, request: gr.Request) -> dict[Any, Any]:
        """The list after a button on it did its work."""
        try:
            done(self.service, event, request)
        except DubkitError as error:
            return {**self.shown(query, request), self.problem: look.problem(words.told(error))}
        return self.shown(query, request)


def build(service: Service, here: gr.Textbox) -> Shelf:
    """Put the list into the Blocks that are being built; `here` brings the browser's address."""
    cards = gr.HTML(js_on_load=look.asset("actions.js"), apply_default_css=False)
    shelf = Shelf(service, cards, gr.HTML(apply_default_css=False), gr.Timer(3.0, active=False))
    shelf.timer.tick(shelf.shown, here, shelf.outputs, js=HERE, **look.handler())
    cards.select(shelf.acted, here, shelf.outputs, js=HERE, **look.handler())
    return shelf

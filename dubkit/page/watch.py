"""One job: how far it is while it is made, why it failed, and the editor once there is a dub."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from dubkit.errors import DubkitError
from dubkit.page import board, look, words
from dubkit.page.access import owner_of
from dubkit.page.actions import done
from dubkit.page.address import HERE, read
from dubkit.page.editor import editor
from dubkit.record import Seconds
from dubkit.service.jobs.job import NoSuchJob
from dubkit.service.service import JobStatus, Service

GONE = "It was deleted, or the link is not complete, or it is somebody else's."

EVERY: Seconds = 1.0
SELDOM: Seconds = 3.0
"""How often a job is looked at that is at work, and one that waits."""


@dataclass(frozen=True)
class Watch:
    """The parts of the page that show a job."""

    service: Service
    way: gr.HTML
    head: gr.HTML
    board: gr.HTML
    heard: gr.HTML
    problem: gr.HTML
    timer: gr.Timer
    editing: gr.Column
    editor: editor.Editor

    @property
    def outputs(self) -> list[Any]:
        """What :meth:`shown` gives values for."""
        return [self.head, self.board, self.heard, self.problem, self.timer, self.editing, self.editor.screen]

    def shown(self, query: str, request: gr.Request) -> dict[Any, Any]:
        """The job that an address asks for, as it is now; nothing where it asks for none."""
        id = read(query).job
        if not id:
            return self._without("", "", request)
        try:
            status = self.service.status(owner_of(request), id)
        except NoSuchJob:
            return self._without(board.unknown(GONE), GONE, request)
        except DubkitError as error:
            told = words.told(error)
            return {self.problem: look.problem(told), self.heard: told, self.timer: gr.Timer(SELDOM, active=True)}
        return self._drawn(status, request)

    def acted(self, query: str, event: gr.EventData, request: gr.Request) -> dict[Any, Any]:
        """What is seen after a button did its work; once the job is deleted, the browser is sent to the list."""
        try:
            act = done(self.service, event, request)
        except DubkitError as error:
            return {self.problem: look.problem(words.told(error))}
        return {self.way: look.going("?films")} if act == "delete" else self.shown(query, request)

    def _without(self, drawn: str, heard: str, request: gr.Request) -> dict[Any, Any]:
        closed = {self.editor.screen: self.editor.shown(None, request)}
        return {**self._parts("", drawn, heard, every=0.0, is_editable=False), **closed}

    def _drawn(self, status: JobStatus, request: gr.Request) -> dict[Any, Any]:
        job = status.job
        is_editable = any(output.kind == "lines" for output in job.outputs)
        # The editor itself tells how the dub that it asked for goes on.
        drawn = board.unchanged(job) if is_editable else board.board(status)
        parts = self._parts(
            board.head(job, is_ready=is_editable),
            drawn,
            "" if is_editable and job.status != "completed" else board.heard(status),
            0.0 if job.is_over or is_editable else EVERY if job.status == "running" else SELDOM,
            is_editable,
        )
        screen = self.editor.shown(job.id if is_editable else None, request)
        return {**parts, self.editor.screen: screen}

    def _parts(self, head: str, drawn: str, heard: str, every: Seconds, is_editable: bool) -> dict[Any, Any]:
        return {
            self.head: head,
            self.board: drawn,
            self.heard: heard,
            self.problem: "",
            self.timer: gr.Timer(every or EVERY, active=every > 0),
            self.editing: gr.Column(visible=True if is_editable else "hidden"),
        }


def build(service: Service, here: gr.Textbox, way: gr.HTML) -> Watch:
    """Put the view of a job into the Blocks that are being built.

    Parameters
    ----------
    service : Service
    here : gr.Textbox
        Brings the browser's address; see :data:`dubkit.page.address.HERE`.
    way : gr.HTML
        Takes where to go once the job is deleted.
    """
    head = gr.HTML(js_on_load=look.asset("actions.js"), apply_default_css=False)
    # It stays while its words change: so they are read out.
    heard = gr.HTML("", html_template='<p role="status">${value}</p>', elem_classes="dk-sr", apply_default_css=False)
    drawn = gr.HTML(js_on_load=look.asset("actions.js"), apply_default_css=False)
    problem = gr.HTML(apply_default_css=False)
    timer = gr.Timer(EVERY, active=False)
    with gr.Column(visible="hidden", elem_id="dk-editing") as editing:
        made = editor.build(service, owner_of)
    watch = Watch(service, way, head, drawn, heard, problem, timer, editing, made)
    timer.tick(watch.shown, here, watch.outputs, js=HERE, **look.handler())
    for buttons in (head, drawn):
        buttons.select(watch.acted, here, [*watch.outputs, way], js=HERE, **look.handler())
    return watch

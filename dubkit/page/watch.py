"""One job: how far it is while it is made, why it failed, and the editor once there is a dub."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from dubkit.errors import DubkitError
from dubkit.page import board, editor, look
from dubkit.page.access import owner_of
from dubkit.page.actions import done
from dubkit.service.job import NoSuchJob
from dubkit.service.service import JobStatus, Service

GONE = "It was deleted, or the link is not complete, or it is somebody else's."
AWAY = "The service does not answer just now. Nothing is lost: this page goes on by itself."


@dataclass(frozen=True)
class Watch:
    """The parts of the page that show a job."""

    service: Service
    address: gr.HTML
    job_id: gr.State
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
        return [
            self.job_id,
            self.head,
            self.board,
            self.heard,
            self.problem,
            self.timer,
            self.editing,
            self.editor.screen,
        ]

    def shown(self, id: str, request: gr.Request) -> dict[Any, Any]:
        """A job as it is now; nothing of it where there is no id."""
        if not id:
            return {
                **self._parts("", "", "", is_live=False, is_editable=False),
                self.job_id: "",
                self.editor.screen: self.editor.shown(None, request),
            }
        try:
            status = self.service.status(owner_of(request), id)
        except NoSuchJob:
            return {**self._parts("", board.unknown(GONE), GONE, is_live=False, is_editable=False), self.job_id: ""}
        except DubkitError:
            notice = look.note(AWAY)
            return {self.job_id: id, self.board: notice, self.heard: AWAY, self.timer: gr.Timer(active=True)}
        return {**self._drawn(status, request), self.job_id: id}

    def moved(self, id: str, request: gr.Request) -> dict[Any, Any]:
        """What has changed of a job since it was shown last; the editor comes once the dub is there."""
        if not id:
            return {self.timer: gr.Timer(active=False)}
        return {part: value for part, value in self.shown(id, request).items() if part is not self.job_id}

    def acted(self, id: str, event: gr.EventData, request: gr.Request) -> dict[Any, Any]:
        """What is seen after a button did its work; once the job is deleted, the browser is sent to the list."""
        try:
            act, _ = done(self.service, event, request)
        except DubkitError as error:
            return {self.problem: look.problem(str(error))}
        return {self.address: look.going("?films")} if act == "delete" else self.moved(id, request)

    def _drawn(self, status: JobStatus, request: gr.Request) -> dict[Any, Any]:
        job = status.job
        is_editable = any(output.kind == "lines" for output in job.outputs)
        # The editor itself tells how the dub that it asked for goes on.
        is_told = not is_editable or job.status in ("failed", "cancelled")
        drawn = board.board(status) if is_told else ""
        parts = self._parts(
            board.head(job, is_ready=is_editable),
            drawn,
            board.heard(status),
            not job.is_over and not is_editable,
            is_editable,
        )
        screen = self.editor.shown(job.id if is_editable else None, request)
        return {**parts, self.editor.screen: screen}

    def _parts(self, head: str, drawn: str, heard: str, is_live: bool, is_editable: bool) -> dict[Any, Any]:
        return {
            self.head: head,
            self.board: drawn,
            self.heard: heard,
            self.problem: "",
            self.timer: gr.Timer(active=is_live),
            self.editing: gr.Column(visible=True if is_editable else "hidden"),
        }


def build(service: Service, address: gr.HTML) -> Watch:
    """Put the view of a job into the Blocks that are being built; `address` takes where to go once it is deleted."""
    job_id = gr.State("")
    head = gr.HTML(js_on_load=look.asset("actions.js"), apply_default_css=False)
    heard = gr.HTML(elem_id="dk-heard", elem_classes="dk-sr", apply_default_css=False)
    drawn = gr.HTML(js_on_load=look.asset("actions.js"), apply_default_css=False)
    problem = gr.HTML(apply_default_css=False)
    timer = gr.Timer(1.0, active=False)
    with gr.Column(visible="hidden", elem_id="dk-editing") as editing:
        made = editor.build(service, owner_of)
    watch = Watch(service, address, job_id, head, drawn, heard, problem, timer, editing, made)
    parts = [part for part in watch.outputs if part is not job_id]
    timer.tick(watch.moved, job_id, parts, **look.handler())
    for buttons in (head, drawn):
        buttons.select(watch.acted, job_id, [*parts, address], **look.handler())
    return watch

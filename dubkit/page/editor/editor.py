"""The editor of a finished dub: films side by side, lines, voices, previews, downloads.

What is on the screen is made by ``editor*.js`` out of one page of HTML that Gradio draws once. The two sides talk in asks
and replies: the script sends an event with a number, the server answers it with that number in the component's value. Every
ask names the job that it is about, and goes to the service in the name of the owner who sent it.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from typing import Annotated, Any, Literal

import gradio as gr
from pydantic import BaseModel, Field, ValidationError

from dubkit.errors import BadInput, DubkitError
from dubkit.page import words
from dubkit.page.editor import clips, downloads, lines_table, voices
from dubkit.record import Seconds
from dubkit.service.jobs.job import Conflict, Job
from dubkit.service.lines.line_changes import LineChanges
from dubkit.service.service import Service

log = logging.getLogger(__name__)

SCRIPTS = (
    "editor_elements.js",
    "editor_asking.js",
    "editor_draft.js",
    "editor_players.js",
    "editor_timeline.js",
    "editor_rows.js",
    "editor_lines.js",
    "editor_speakers.js",
    "editor.js",
)
"""In the order in which each needs those before it."""
Time = Annotated[Seconds, Field(ge=0, allow_inf_nan=False)]


class Ask(BaseModel):
    """What the script asks for; the fields that `what` needs, checked here since anybody may send anything."""

    n: int
    what: Literal["open", "save", "again", "stop", "status", "preview", "audition", "archive", "links"]
    job: str = Field(max_length=100)
    changes: LineChanges | None = None
    revision: int = 0
    start: Time = 0.0
    end: Time = 0.0
    speaker: str = Field(default="", max_length=100)
    voice: str = Field(default="", max_length=200)


@dataclass(frozen=True)
class Editor:
    """The editor inside a page.

    Parameters
    ----------
    screen : gr.HTML
        The output of :meth:`shown`.
    service : Service
    owner_of : callable
    """

    screen: gr.HTML
    service: Service
    owner_of: Callable[[gr.Request], str]

    def shown(self, job_id: str | None, request: gr.Request) -> str:
        """What goes into `screen` to open a finished job, or to close the one that is open where there is no id."""
        if not job_id:
            return written({"n": 0, "close": True})
        return self._answered(Ask(n=0, what="open", job=job_id), request)

    def answer(self, event: gr.EventData, request: gr.Request) -> str:
        """The reply to what the script asks."""
        try:
            return self._answered(Ask.model_validate(event._data), request)
        except ValidationError as error:
            return written({"n": _number(event._data), "error": _told(error)})

    def _answered(self, ask: Ask, request: gr.Request) -> str:
        try:
            reply = _reply(self.service, self.owner_of(request), ask)
        except DubkitError as error:
            reply = {"error": words.told(error), "conflict": isinstance(error, Conflict)}
        except Exception:
            log.exception("the editor failed", extra={"what": ask.what, "job": ask.job})
            reply = {
                "error": "Something went wrong here. Your changes are kept in this browser: try again in a moment."
            }
        return written({"n": ask.n, "what": ask.what, "id": ask.job, **reply})


def build(service: Service, owner_of: Callable[[gr.Request], str]) -> Editor:
    """Put the editor into the Blocks that are being built; it shows nothing until a job is opened.

    Parameters
    ----------
    service : Service
    owner_of : callable
        Whose request it is.
    """
    screen = gr.HTML(
        "",
        # Its style goes with it: Gradio rewrites a page's CSS, and loses container queries.
        html_template=f"<style>{_asset('editor.css')}</style>{_asset('editor.html')}",
        js_on_load=_script(),
        apply_default_css=False,
        elem_id="editor",
    )
    editor = Editor(screen, service, owner_of)
    screen.ask(
        editor.answer,
        outputs=screen,
        show_progress="hidden",
        trigger_mode="multiple",
        queue=False,
        api_visibility="private",
    )
    return editor


def written(reply: dict[str, Any]) -> str:
    """A reply as JSON that is no HTML whatever is in it."""
    return json.dumps(reply, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def _reply(service: Service, owner: str, ask: Ask) -> dict[str, Any]:
    match ask.what:
        case "open":
            return _opened(service, owner, ask.job)
        case "save":
            document = service.change_lines(owner, ask.job, ask.changes or LineChanges(), ask.revision)
            job = service.status(owner, ask.job).job
            return {"job": _job(job), **lines_table.table(document), **voices.cast(document)}
        case "again":
            return clips.progress(service, owner, service.again(owner, ask.job).id)
        case "stop":
            return clips.progress(service, owner, service.cancel(owner, ask.job).id)
        case "status":
            return clips.progress(service, owner, ask.job)
        case "preview":
            return clips.preview(service, owner, ask.job, ask.start, ask.end, ask.changes)
        case "audition":
            return voices.audition(service, owner, ask.job, ask.speaker, ask.voice)
        case "archive":
            return downloads.archive(service, owner, ask.job)
        case "links":
            return downloads.downloads(service, owner, service.status(owner, ask.job).job)


def _opened(service: Service, owner: str, id: str) -> dict[str, Any]:
    job = service.status(owner, id).job
    document = service.lines(owner, id)
    return {
        "job": _job(job),
        **lines_table.table(document),
        **voices.cast(document),
        **downloads.downloads(service, owner, job),
        "drawn": lines_table.drawn(document),
        "work": lines_table.work(job, document, service.jobs.paces()),
    }


def _job(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "name": job.film.name,
        "status": job.status,
        "revision": job.revision,
        "edited": job.is_edited,
    }


def _number(data: Any) -> int:
    number = data.get("n") if isinstance(data, dict) else None
    return number if isinstance(number, int) else -1


def _told(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    return str(BadInput(f"This cannot be: {'.'.join(str(part) for part in first['loc'])}: {first['msg']}."))


def _script() -> str:
    """All that the editor does in the browser; it makes time lines live whenever it has drawn one."""
    timeline = (files("dubkit") / "timeline.js").read_text(encoding="utf-8")
    parts = [f"const bringTimelines = () => {{\n{timeline}\n}};", *(_asset(name) for name in SCRIPTS)]
    return "\n".join([*parts, "editFilm(element, trigger, props, watch);"])


def _asset(name: str) -> str:
    return (files("dubkit.page.editor") / name).read_text(encoding="utf-8")

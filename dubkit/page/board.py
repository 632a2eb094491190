"""How far a job is, as HTML: what is at work, how much is left, the eleven stages, and what can be done about it.

Everything that came from a person or a film is escaped. ``data-do`` names what a button does; ``actions.js`` tells the page.
"""

from __future__ import annotations

import html
import time

from dubkit.page import languages, words
from dubkit.record import Seconds
from dubkit.service.jobs.job import Job, StageRow
from dubkit.service.service import JobStatus

MARKS = {"waiting": "", "running": "", "done": "✓", "reused": "✓", "failed": "✗"}
BRINGING: Seconds = 2.5
MODELS = ("separate", "diarize", "transcribe", "detect_gender", "translate", "synthesize")
"""Stages that first have to bring a model, and how long each takes for that: of a short film most of all it takes."""
_STOP = (
    "Stop the dubbing?",
    "What is finished so far is kept, so starting again later goes faster.",
    "Stop",
)
_DELETE = ("Delete this film?", "The film, its dub and your corrections are removed. This cannot be undone.", "Delete")


def head(job: Job, is_ready: bool, now: float | None = None) -> str:
    """The film's name, its languages and length; where there is a dub, also what can be done with all of it."""
    facts = [
        languages.pair(job.source, job.target),
        words.clock(job.length) + (f", from {words.clock(job.start or 0.0)}" if job.duration is not None else ""),
        words.ago(max(0.0, (time.time() if now is None else now) - job.created)),
    ]
    told = "".join(f"<li>{html.escape(fact)}</li>" for fact in facts)
    actions = f'<div class="dk-actions">{copy_button(job)}{delete_button(job)}</div>' if is_ready else ""
    return (
        f'<header class="dk-head"><h1 tabindex="-1" dir="auto">{html.escape(job.film.name)}</h1>'
        f'<ul class="dk-facts">{told}</ul>{actions}</header>'
    )


def board(status: JobStatus) -> str:
    """All there is to say of a job that has no dub to show yet."""
    job = status.job
    parts = [_now(status), _stages(status.stages), _warnings(status.stages), _footer(job)]
    if job.status == "completed":
        parts = [_now(status), _footer(job)]
    return (
        f'<section class="dk-card dk-board" data-status="{job.status}" aria-label="Progress">{"".join(parts)}</section>'
    )


def unchanged(job: Job) -> str:
    """Why a dub below it was not made again; empty where somebody stopped that, and knows it."""
    if job.status != "failed":
        return ""
    return (
        '<section class="dk-card dk-board" data-status="failed" aria-label="Progress"><div class="dk-now">'
        "<h2>It could not be dubbed again</h2></div>"
        f'<p class="dk-told" dir="auto">{html.escape(words.reason(job))}</p>'
        '<p class="dk-note">The dub below is as it was before.</p>'
        f'<div class="dk-actions">{button("again", "Try again", job, style="primary")}</div></section>'
    )


def heard(status: JobStatus) -> str:
    """What a screen reader tells, in tens of percent so that it does not talk all the time."""
    told = _title(status)
    is_going_on = status.job.status == "running" and not status.job.cancelling
    return f"{told}, {int(status.percent // 10) * 10} percent" if is_going_on else told


def unknown(message: str) -> str:
    """There is nothing to show, and why."""
    return (
        '<section class="dk-card dk-empty"><h1 tabindex="-1">This film is not here</h1>'
        f'<p>{html.escape(message)}</p><p><a class="dk-button primary" href="?films" data-go>My films</a> '
        '<a class="dk-button" href="./" data-go>Dub a film</a></p></section>'
    )


def button(act: str, label: str, job: Job, ask: tuple[str, str, str] | None = None, style: str = "") -> str:
    """A button that does something to a job; with `ask`, after a question (title, text, what the answer is called)."""
    asked = "".join(
        f' data-{name}="{html.escape(text)}"'
        for name, text in zip(("ask", "because", "yes"), ask or (), strict=bool(ask))
    )
    return (
        f'<button type="button" class="dk-button {style}" data-do="{act}" data-job="{job.id}"{asked}>{label}</button>'
    )


def delete_button(job: Job) -> str:
    """Removes a job once the question is answered; says which, for those who cannot see where it stands."""
    label = f'Delete<span class="dk-sr"> {html.escape(job.film.name)}</span>'
    return button("delete", label, job, _DELETE, "quiet danger")


def copy_button(job: Job) -> str:
    """Copies the address under which the job is found again."""
    return button("copy", "Copy link", job, style="quiet")


def _title(status: JobStatus) -> str:
    job = status.job
    if job.cancelling:
        return "Stopping…"
    return {
        "queued": "Waiting to start",
        "running": next((words.stage(row.stage) for row in status.stages if row.status == "running"), "Starting"),
        "completed": "The dub is ready" if job.outputs else "This dub is no longer kept",
        "failed": "This film could not be dubbed",
        "cancelled": "Stopped",
    }[job.status]


def _now(status: JobStatus) -> str:
    job = status.job
    told = ""
    if job.status == "queued":
        told = words.queued(status.place)
    elif job.status == "failed":
        told = words.reason(job)
    elif job.status == "completed":
        told = "Dubs are removed after some time. While the film itself is kept, it can be dubbed again."
    elif job.status == "cancelled":
        told = "You stopped it. What was finished is kept, so starting again goes faster."
    if status.seconds_left is not None and not job.cancelling:
        n_models = sum(row.status == "waiting" and row.stage in MODELS for row in status.stages)
        left = words.span(status.seconds_left + BRINGING * n_models)
        told = f"{told} Ready in {left}." if told else f"{left[0].upper()}{left[1:]} left"
    percent = round(status.percent)
    bar = (
        f'<div class="dk-bar" role="progressbar" aria-label="How much is done" aria-valuemin="0" aria-valuemax="100" '
        f'aria-valuenow="{percent}"><div style="width:{max(percent, 1)}%"></div></div>'
    )
    number = f'<span class="dk-percent">{percent} %</span>' if job.status == "running" else ""
    return (
        f'<div class="dk-now"><h2>{html.escape(_title(status))}</h2>{number}</div>{bar}'
        f'<p class="dk-told" dir="auto">{html.escape(told)}</p>'
    )


def _stages(rows: list[StageRow]) -> str:
    listed = "".join(map(_stage, rows))
    return f'<ol class="dk-stages" aria-label="The steps">{listed}</ol>'


def _stage(row: StageRow) -> str:
    items = f"{row.done} of {row.total}" if row.status == "running" and row.total > 1 else ""
    spent = words.clock(row.seconds) if row.status in ("running", "done", "failed") and row.seconds >= 1 else ""
    if row.status == "reused":
        items = "done before"
    current = ' aria-current="step"' if row.status == "running" else ""
    return (
        f'<li class="{row.status}"{current}><span class="dk-mark" aria-hidden="true">{MARKS[row.status]}</span>'
        f'<span class="dk-name">{html.escape(words.stage(row.stage))}'
        f'<span class="dk-sr">: {words.STATES[row.status]}</span></span>'
        f'<span class="dk-items">{items}</span><span class="dk-time">{spent}</span></li>'
    )


def _warnings(rows: list[StageRow]) -> str:
    told = [*filter(None, (words.plain(warning) for row in rows for warning in row.warnings))]
    if not told:
        return ""
    listed = "".join(f'<li dir="auto">{html.escape(text)}</li>' for text in told)
    return f'<div class="dk-warnings"><h3>Worth knowing</h3><ul>{listed}</ul></div>'


def _footer(job: Job) -> str:
    if job.is_over:
        label = {"cancelled": "Start again", "completed": "Dub it again"}.get(job.status, "Try again")
        buttons = [button("again", label, job, style="primary"), delete_button(job)]
        note = ""
    else:
        buttons = [] if job.cancelling else [button("cancel", "Stop", job, _STOP)]
        note = '<p class="dk-note">You can close this page. The film goes on, and stays under My films.</p>'
    return f'{note}<div class="dk-actions">{"".join(buttons)}{copy_button(job)}</div>'

"""An owner's films as a list of cards: poster, name, languages, state, and what can be done with each."""

from __future__ import annotations

import html
import time
from collections.abc import Sequence
from dataclasses import dataclass

from dubkit.page import board, languages, words
from dubkit.service.jobs.job import Job
from dubkit.service.service import JobStatus, Service

MOST = 24
"""Cards on a page."""


@dataclass(frozen=True)
class Shown:
    """A job of the list: how far it is where it is not over, and the address of its poster where it has one."""

    job: Job
    status: JobStatus | None = None
    poster: str = ""


def shown(service: Service, owner: str, before: str | None = None) -> list[Shown]:
    """The newest films of an owner, or those before the job `before`; one more than are put on a page."""
    found = []
    for job in service.list(owner, limit=MOST + 1, before=before):
        poster = next((output for output in job.outputs if output.kind == "poster"), None)
        status = None if job.is_over else service.status(owner, job.id)
        found.append(Shown(job, status, service.link(job, poster).url if poster else ""))
    return found


def films(rows: Sequence[Shown], before: str | None = None, now: float | None = None) -> str:
    """The list; where there are more than fit, a link to the next."""
    title = '<header class="dk-head"><h1 tabindex="-1">My films</h1></header>'
    if not rows:
        told = "There are no more films." if before else "The films that you dub are kept here, with their progress."
        first = "" if before else "<h2>No films yet</h2>"
        return (
            f'{title}<section class="dk-card dk-empty">{first}<p>{told}</p>'
            '<p><a class="dk-button primary" href="./" data-go>Dub a film</a></p></section>'
        )
    now = time.time() if now is None else now
    cards = "".join(_card(row, now) for row in rows[:MOST])
    more = ""
    if len(rows) > MOST:
        more = f'<p><a class="dk-button" href="?films={rows[MOST - 1].job.id}" data-go>Older films</a></p>'
    return f'{title}<ul class="dk-films">{cards}</ul>{more}'


def _card(row: Shown, now: float) -> str:
    job = row.job
    name = html.escape(job.film.name)
    picture = f'<img src="{html.escape(row.poster)}" alt="" loading="lazy">' if row.poster else "<span>▶</span>"
    pair = languages.pair(job.source, job.target)
    facts = f"{html.escape(pair)} · {words.clock(job.length)} · {words.ago(max(0.0, now - job.created))}"
    again = board.button("again", "Try again", job) if job.status in ("failed", "cancelled") else ""
    return (
        f'<li class="dk-film {job.status}"><a href="?job={job.id}" data-go>'
        f'<span class="dk-poster" aria-hidden="true">{picture}</span>'
        f'<span class="dk-title" dir="auto">{name}</span></a>'
        f'<p class="dk-small">{facts}</p>{_state(row)}'
        f'<div class="dk-actions">{again}{board.delete_button(job)}</div></li>'
    )


def _state(row: Shown) -> str:
    """A word on how it stands, and why where it failed."""
    job, status = row.job, row.status
    label = {
        "queued": "Waiting",
        "running": "At work",
        "completed": "Ready",
        "failed": "Failed",
        "cancelled": "Stopped",
    }
    told = "Stopping" if job.cancelling else label[job.status]
    if job.status == "completed" and not job.outputs:
        told = "No longer kept"
    elif job.status == "completed" and job.is_edited:
        told = "Ready, with changes not dubbed yet"
    if status and job.status == "running" and not job.cancelling:
        told = f"{told}, {round(status.percent)} %"
    bar = (
        f'<div class="dk-bar" aria-hidden="true"><div style="width:{round(status.percent)}%"></div></div>'
        if status
        else ""
    )
    why = (
        f'<p class="dk-small dk-why" dir="auto">{html.escape(words.reason(job))}</p>' if job.status == "failed" else ""
    )
    return f'<p class="dk-state"><span class="dk-badge {job.status}">{told}</span></p>{bar}{why}'

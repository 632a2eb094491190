"""Choosing a film: the box that takes a file, and the samples below it, as HTML that ``chooser.js`` brings to life."""

from __future__ import annotations

import html
from collections.abc import Sequence

from dubkit import languages
from dubkit.page import words
from dubkit.page.samples import Sample
from dubkit.service.config import Config


def chooser(config: Config, endings: Sequence[str], samples: Sequence[Sample]) -> str:
    """The box and the samples.

    Parameters
    ----------
    config : Config
        Its limits are told.
    endings : sequence of str
        Of the files that are taken, without the dot.
    samples : sequence of Sample
    """
    most = words.size(config.max_bytes)
    limits = f"{', '.join(endings).upper()} · up to {most} and {words.span(config.max_seconds).removeprefix('about ')}"
    accepted = ",".join(f".{ending}" for ending in endings)
    return f"""
<div class="dk-chooser" data-state="empty" data-max="{config.max_bytes}" data-most="{most}" data-endings="{" ".join(endings)}">
  <label class="dk-drop">
    <input type="file" data-part="file" accept="{accepted}" aria-describedby="dk-limits dk-problem">
    <span class="dk-arrow" aria-hidden="true">↑</span>
    <span class="dk-title">Drop a film here, or <u>choose a file</u></span>
    <span class="dk-small" id="dk-limits">{limits}</span>
  </label>
  <div class="dk-sending">
    <span class="dk-title" data-part="name" dir="auto"></span>
    <div class="dk-bar" data-part="bar" role="progressbar" aria-label="Upload" aria-valuemin="0" aria-valuemax="100">
    <div></div></div>
    <div class="dk-row"><span class="dk-small" data-part="about"></span>
    <button type="button" class="dk-button quiet" data-part="stop">Stop the upload</button></div>
  </div>
  <div class="dk-chosen">
    <span class="dk-mark" aria-hidden="true">✓</span>
    <span><span class="dk-title" data-part="title" dir="auto"></span> <span class="dk-small" data-part="size"></span></span>
    <button type="button" class="dk-button quiet" data-part="other">Choose another</button>
  </div>
  <p class="dk-problem" id="dk-problem" data-part="problem" role="alert"></p>
</div>{_samples(samples)}"""


def _samples(samples: Sequence[Sample]) -> str:
    if not samples:
        return ""
    cards = "".join(map(_sample, samples))
    licences = "".join(f"<li><b>{html.escape(one.title)}</b>: {html.escape(one.licence)}</li>" for one in samples)
    return f"""
<section class="dk-samples" aria-labelledby="dk-samples-title"><h2 id="dk-samples-title">Or try one of these</h2>
<ul>{cards}</ul>
<details><summary>Where they come from, and their licences</summary><ul>{licences}</ul></details></section>"""


def _sample(one: Sample) -> str:
    about = f"{languages.name(one.language)} · {words.clock(one.duration)}"
    return (
        f'<li><button type="button" class="dk-sample" data-sample="{html.escape(one.id)}" '
        f'data-title="{html.escape(one.title)}" data-about="{about}" '
        f'data-language="{html.escape(one.language)}"><b>{html.escape(one.title)}</b>'
        f"<span>{html.escape(one.what)}</span><small>{about}</small></button></li>"
    )

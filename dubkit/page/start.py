"""The start: choose a film, what is spoken and what it is to become, a few options, and go."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr

from dubkit.errors import BadInput, DubkitError
from dubkit.page import look, pair, words
from dubkit.page.access import owner_of
from dubkit.page.address import LONGEST
from dubkit.page.chooser import chooser
from dubkit.page.pair import PairChoice
from dubkit.page.samples import Sample
from dubkit.page.wishes import Form, wanted
from dubkit.service.access.limits import Kind
from dubkit.service.films.arrival import ENDINGS, received
from dubkit.service.jobs.job import Job
from dubkit.service.service import Service
from dubkit.settings import profiles

PROFILES = {
    "embedded": "Small models: fast, on any computer",
    "hub": "Large models: better, needs a graphics card",
}
HEAD = (
    '<header class="dk-head"><h1 tabindex="-1">Dub a film into another language</h1>'
    "<p>What is said is translated and spoken by new voices, in time with the picture. "
    "You can check and correct every line afterwards.</p></header>"
)
CHOSEN = """(...values) => {
  const chosen = (name) => document.querySelector(name).value;
  const film = document.querySelector(".dk-chooser").dataset.film || "{}";
  const pair = { source: chosen("#dk-source"), target: chosen("#dk-target") };
  return [JSON.stringify({ ...JSON.parse(film), ...pair }), ...values.slice(1)];
}"""
"""Gives the film and the languages as the first input of a handler: the browser knows them, whatever became of the server."""
GO, BUSY = "Dub this film", "Looking into the film…"
WHOLE, PART = "The whole film", "First try a part of it"


def build(service: Service, samples: Sequence[Sample], way: gr.HTML) -> PairChoice:
    """Put the start into the Blocks that are being built.

    Parameters
    ----------
    service : Service
    samples : sequence of Sample
    way : gr.HTML
        Takes where to go once a film is handed in.

    Returns
    -------
    PairChoice
        To be filled when the page is opened, for what can be dubbed may have changed.
    """
    by_id = {sample.id: sample for sample in samples}
    gr.HTML(HEAD, apply_default_css=False)
    chosen = gr.Textbox(visible=False)
    with gr.Row(elem_classes="dk-columns"):
        with gr.Column(scale=6, min_width=300, elem_classes="dk-card"):
            box = gr.HTML(
                chooser(service.config, [ending.lstrip(".") for ending in ENDINGS], samples),
                js_on_load=look.asset("chooser.js"),
                apply_default_css=False,
                elem_id="dk-chooser",
            )
        with gr.Column(scale=5, min_width=300, elem_classes="dk-card dk-form"):
            languages = pair.build(service)
            fields = {**_part(), **_options()}
            go = gr.Button(GO, variant="primary", size="lg", elem_id="dk-dub")
            problem = gr.HTML(elem_id="dk-refused", apply_default_css=False)

    def submit(request: gr.Request, given: str, *values: Any) -> tuple[Any, str]:
        chosen = read_chosen(given)
        try:
            form = Form(chosen.get("source"), chosen.get("target"), **dict(zip(fields, values, strict=True)))
            job = _submitted(service, request, chosen, by_id, form)
        except DubkitError as error:
            return gr.skip(), look.problem(words.told(error))
        return look.going(f"?job={job.id}"), ""

    box.select(None, None, problem, js="() => ''", show_progress="hidden", api_visibility="private")
    # A film is looked into before it is taken: a second or two, and more on a busy machine.
    busy, ready = (f"() => {json.dumps(label)}" for label in (BUSY, GO))
    silent: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    go.click(None, None, go, js=busy, **silent)
    handed_in = go.click(submit, [chosen, *fields.values()], [way, problem], js=CHOSEN, **look.handler())
    handed_in.then(None, None, go, js=ready, **silent)
    return languages


def read_chosen(given: Any) -> dict[str, str]:
    """What the browser tells by :data:`CHOSEN`: ``upload`` or ``sample`` with an id, ``source`` and ``target``."""
    if isinstance(given, str):
        with contextlib.suppress(ValueError):
            given = json.loads(given)
    if not isinstance(given, dict):
        return {}
    return {name: str(given[name])[:LONGEST] for name in ("upload", "sample", "source", "target") if given.get(name)}


def _submitted(
    service: Service, request: gr.Request, film: Mapping[str, str], samples: Mapping[str, Sample], form: Form
) -> Job:
    owner = owner_of(request)
    if not {"upload", "sample"} & film.keys():
        raise BadInput("Choose a film first: drop a file, or take one of the samples.")
    wish = wanted(form)
    # A film that is sent is counted when it begins to come.
    kind: Kind = "job" if "upload" in film else "upload"
    service.limiter.admit(kind, owner if service.config.require_key else request.client.host)
    if "upload" in film:
        return service.submit_upload(owner, film["upload"], wish)[0]
    sample = samples.get(film["sample"])
    if sample is None:
        raise BadInput("This sample is no longer here. Choose another film.")
    service.check(wish)
    arrived = received(service.config, sample.path, f"{sample.title}{sample.path.suffix}")
    try:
        return service.submit(owner, arrived, wish)[0]
    finally:
        arrived.discard()


def _part() -> dict[str, Any]:
    """The choice of a part of the film."""
    how = gr.Radio([WHOLE, PART], value=WHOLE, label="How much", elem_id="dk-part")
    with gr.Row(visible=False, elem_classes="dk-pair") as row:
        begin = gr.Textbox("0:00", label="Starts at", max_lines=1, min_width=120)
        seconds = gr.Number(30, label="Lasts, in seconds", min_width=120)
    how.change(lambda part: gr.Row(visible=part == PART), how, row, **look.handler("always_last"))
    return {"part": how, "begin": begin, "seconds": seconds}


def _options() -> dict[str, Any]:
    """What few need, folded away."""
    with gr.Accordion("More options", open=False, elem_id="dk-options"):
        people = gr.Dropdown(
            [("Find out from the film", 0), *((str(n), n) for n in range(1, 13))],
            value=0,
            label="How many people speak",
        )
        names = gr.Textbox(
            label="Names and words that are settled",
            info="One in each line. A name stays as it is; for a word write what it is to become: cutting board = tábua de corte",
            lines=3,
            max_lines=8,
        )
        sound = gr.Checkbox(label="Keep the original sound as a second track")
        laughs = gr.Checkbox(True, label="Keep laughs, sighs and other sounds of the original voices")
        both = gr.Checkbox(label="Also make subtitles in both languages at once")
        slower = gr.Checkbox(label="Let the picture run a little slower where a line needs more time")
        models = gr.Dropdown(
            [("As set up here (recommended)", ""), *((PROFILES.get(name, name), name) for name in sorted(profiles()))],
            value="",
            label="Quality",
            info="The languages and voices above are those of the first; with another, some may be missing.",
        )
    return {
        "n_speakers": people,
        "names": names,
        "keep_original": sound,
        "vocal_sounds": laughs,
        "bilingual": both,
        "slower": slower,
        "profile": models,
    }

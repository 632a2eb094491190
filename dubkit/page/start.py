"""The start: choose a film, what is spoken and what it is to become, a few options, and go."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from dubkit.errors import BadInput, DubkitError
from dubkit.page import languages, look, words
from dubkit.page.access import owner_of
from dubkit.page.address import LONGEST
from dubkit.page.chooser import chooser
from dubkit.page.samples import Sample
from dubkit.page.wishes import Form, wanted
from dubkit.service.films.arrival import ENDINGS, Arrival, Arrived
from dubkit.service.films.uploads import NoSuchUpload
from dubkit.service.jobs.job import Job
from dubkit.service.service import Service
from dubkit.settings import profiles

CHUNK = 1 << 20
PROFILES = {
    "embedded": "Small models: fast, on any computer",
    "hub": "Large models: better, needs a graphics card",
}
HEAD = (
    '<header class="dk-head"><h1 tabindex="-1">Dub a film into another language</h1>'
    "<p>What is said is translated and spoken by new voices, in time with the picture. "
    "You can check and correct every line afterwards.</p></header>"
)
CHOSEN = "(...values) => [document.querySelector('.dk-chooser').dataset.film || '', ...values.slice(1)]"
"""Gives the film that was chosen as the first input of a handler: the browser knows it, whatever became of the server."""
GO, BUSY = "Dub this film", "Looking into the film…"
WHOLE, PART = "The whole film", "First try a part of it"


@dataclass(frozen=True)
class Start:
    """The start's parts that others give to and take from.

    Parameters
    ----------
    source, target, note : components
        Filled when the page is opened, for what can be dubbed may have changed.
    timer : gr.Timer
        Asks again while that is not known.
    """

    service: Service
    source: gr.Dropdown
    target: gr.Dropdown
    note: gr.HTML
    timer: gr.Timer

    @property
    def outputs(self) -> list[Any]:
        """What :meth:`offered` gives values for."""
        return [self.source, self.target, self.note, self.timer]

    def offered(self, source: Any, target: Any) -> dict[Any, Any]:
        """The languages that can be had together, and what to expect of them.

        A choice that does not fit what was chosen last is taken back.
        """
        source, target = str(source or ""), str(target or "")
        try:
            pairs = self.service.pairs.list()
        except DubkitError:
            return self._later("The service does not answer just now. This page goes on by itself.")
        if not pairs:
            return self._later("Which languages can be dubbed is still being found out: a moment, please.")
        spoken = languages.sources(pairs)
        source = source if source in [code for _, code in spoken] else ""
        into = languages.targets(pairs, source)
        target = target if target in [code for _, code in into] else ""
        return {
            self.source: gr.Dropdown(choices=spoken, value=source),
            self.target: gr.Dropdown(choices=into, value=target),
            self.note: look.note(languages.note(pairs, source, target)),
            self.timer: gr.Timer(active=False),
        }

    def _later(self, told: str) -> dict[Any, Any]:
        return {self.note: look.note(told), self.timer: gr.Timer(active=True)}


def build(service: Service, samples: Sequence[Sample], way: gr.HTML) -> Start:
    """Put the start into the Blocks that are being built; `way` takes where to go once a film is handed in."""
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
            source = gr.Dropdown([languages.AUTOMATIC], value="", label="Spoken in the film", elem_id="dk-source")
            target = gr.Dropdown([languages.NONE], value="", label="Dub into", elem_id="dk-target")
            for choice in (source, target):
                # Gradio checks against the choices of this visit, which a server that was started anew does not know.
                choice.preprocess = _as_it_came  # type: ignore[method-assign]
            note = gr.HTML(elem_id="dk-pair", apply_default_css=False)
            fields = {"source": source, "target": target, **_part(), **_options()}
            go = gr.Button(GO, variant="primary", size="lg", elem_id="dk-dub")
            problem = gr.HTML(elem_id="dk-refused", apply_default_css=False)
    start = Start(service, source, target, note, gr.Timer(3.0, active=False))

    def choose(event: gr.EventData) -> tuple[Any, str]:
        sample = by_id.get(str(read_film(event._data).get("sample")))
        return sample.language if sample else gr.skip(), ""

    def submit(request: gr.Request, film: str, *values: Any) -> tuple[Any, str]:
        try:
            form = Form(**dict(zip(fields, values, strict=True)))
            job = _submitted(service, owner_of(request), read_film(film), by_id, form)
        except DubkitError as error:
            return gr.skip(), look.problem(words.told(error))
        return look.going(f"?job={job.id}"), ""

    box.select(choose, outputs=[source, problem], **look.handler("multiple"))
    changed = [source.change, target.input, start.timer.tick]
    gr.on(changed, start.offered, [source, target], start.outputs, **look.handler("always_last"))
    # A film is looked into before it is taken: a second or two, and more on a busy machine.
    busy, ready = (f"() => {json.dumps(label)}" for label in (BUSY, GO))
    silent: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    go.click(None, None, go, js=busy, **silent)
    handed_in = go.click(submit, [chosen, *fields.values()], [way, problem], js=CHOSEN, **look.handler())
    handed_in.then(None, None, go, js=ready, **silent)
    return start


def _as_it_came(payload: Any) -> Any:
    return payload


def read_film(given: Any) -> dict[str, str]:
    """Which film was chosen, as ``chooser.js`` tells it: ``upload`` or ``sample`` with an id; empty for none."""
    if isinstance(given, str):
        with contextlib.suppress(ValueError):
            given = json.loads(given)
    if not isinstance(given, dict):
        return {}
    return {name: str(given[name])[:LONGEST] for name in ("upload", "sample") if given.get(name)}


def _submitted(service: Service, owner: str, film: Mapping[str, str], samples: Mapping[str, Sample], form: Form) -> Job:
    if not film:
        raise BadInput("Choose a film first: drop a file, or take one of the samples.")
    wish = wanted(form)
    service.check(wish)
    try:
        job, _ = service.submit(owner, _arrived(service, owner, film, samples), wish)
    finally:
        if "upload" in film:
            with contextlib.suppress(NoSuchUpload):
                service.uploads.delete(film["upload"], owner)
    return job


def _arrived(service: Service, owner: str, film: Mapping[str, str], samples: Mapping[str, Sample]) -> Arrived:
    """The film that was chosen, as a file of this service's own."""
    if "upload" in film:
        return service.uploads.finish(film["upload"], owner)
    sample = samples.get(film["sample"])
    if sample is None:
        raise BadInput("This sample is no longer here. Choose another film.")
    arrival = Arrival(service.config, sample.path.name, sample.path.stat().st_size)
    with sample.path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            arrival.write(chunk)
    return arrival.close()


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

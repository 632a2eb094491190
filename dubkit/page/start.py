"""The start: choose a film, what is spoken and what it is to become, a few options, and go."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from dubkit.errors import BadInput, DubkitError
from dubkit.page import languages, look
from dubkit.page.access import owner_of
from dubkit.page.chooser import chooser
from dubkit.page.samples import Sample
from dubkit.page.wishes import Form, wanted
from dubkit.record import Seconds
from dubkit.service.arrival import ENDINGS, Arrival, Arrived
from dubkit.service.job import Job
from dubkit.service.service import Service
from dubkit.service.uploads import NoSuchUpload
from dubkit.settings import profiles

CHUNK = 1 << 20
LONGEST_PART: Seconds = 3600.0
PROFILES = {
    "embedded": "Small models: fast, on any computer",
    "hub": "Large models: better, needs a graphics card",
}
HEAD = (
    '<header class="dk-head"><h1 tabindex="-1">Dub a film into another language</h1>'
    "<p>What is said is translated and spoken by new voices, in time with the picture. "
    "You can check and correct every line afterwards.</p></header>"
)
WHOLE, PART = "The whole film", "First try a part of it"


@dataclass(frozen=True)
class Start:
    """The start's parts that others give to and take from.

    Parameters
    ----------
    source, target, note : components
        Filled when the page is opened, for what can be dubbed may have changed.
    """

    service: Service
    source: gr.Dropdown
    target: gr.Dropdown
    note: gr.HTML

    @property
    def outputs(self) -> list[Any]:
        """What :meth:`offered` gives values for."""
        return [self.source, self.target, self.note]

    def offered(self, source: str | None, target: str | None) -> dict[Any, Any]:
        """The languages that can be had together, and what to expect of them.

        A choice that does not fit what was chosen last is taken back.
        """
        source, target = source or "", target or ""
        try:
            pairs = self.service.pairs.list()
        except DubkitError:
            return {self.note: look.note("The languages could not be looked up just now. Reload the page in a moment.")}
        if not pairs:
            return {
                self.note: look.note(
                    "Which languages can be dubbed is still being found out. Reload the page in a moment."
                )
            }
        into = languages.targets(pairs, source)
        if target not in {code for _, code in into}:
            target = ""
        return {
            self.source: gr.Dropdown(choices=languages.sources(pairs), value=source),
            self.target: gr.Dropdown(choices=into, value=target),
            self.note: look.note(languages.note(pairs, source, target)),
        }


def build(service: Service, samples: Sequence[Sample], address: gr.HTML) -> Start:
    """Put the start into the Blocks that are being built; `address` takes where to go once a film is handed in."""
    by_id = {sample.id: sample for sample in samples}
    gr.HTML(HEAD, apply_default_css=False)
    chosen = gr.State(None)
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
            note = gr.HTML(elem_id="dk-pair", apply_default_css=False)
            fields = {"source": source, "target": target, **_part(), **_options()}
            go = gr.Button("Dub this film", variant="primary", size="lg", elem_id="dk-dub")
            problem = gr.HTML(elem_id="dk-refused", apply_default_css=False)
    start = Start(service, source, target, note)

    def choose(event: gr.EventData) -> tuple[Any, Any, str]:
        given = event._data if isinstance(event._data, dict) else {}
        film = {name: str(given[name])[:200] for name in ("upload", "sample") if name in given} or None
        sample = by_id.get((film or {}).get("sample", ""))
        return film, sample.language if sample else gr.skip(), ""

    def submit(request: gr.Request, film: Mapping[str, str] | None, *values: Any) -> tuple[Any, Any, str]:
        try:
            job = _submitted(service, request, film, by_id, Form(**dict(zip(fields, values, strict=True))))
        except DubkitError as error:
            return gr.skip(), gr.skip(), look.problem(str(error))
        return look.going(f"?job={job.id}"), None, ""

    box.select(choose, outputs=[chosen, source, problem], **look.handler())
    changed = [source.change, target.input]
    gr.on(changed, start.offered, [source, target], [source, target, note], **look.handler())
    # While it is submitted the button waits, so that a second click hands nothing in twice.
    go.click(submit, [chosen, *fields.values()], [address, chosen, problem], **look.handler(waits=True))
    return start


def _submitted(
    service: Service, request: gr.Request, film: Mapping[str, str] | None, samples: Mapping[str, Sample], form: Form
) -> Job:
    owner = owner_of(request)
    wish = wanted(form)
    if not film:
        raise BadInput("Choose a film first: drop a file, or take one of the samples.")
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
        begin = gr.Textbox("0:00", label="From", info="Minutes and seconds, such as 1:30", min_width=120)
        seconds = gr.Number(
            30, label="Seconds", info="How long the part is", minimum=1, maximum=LONGEST_PART, min_width=120
        )
    how.change(lambda part: gr.Row(visible=part == PART), how, row, **look.handler())
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

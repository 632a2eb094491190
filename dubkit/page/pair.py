"""From what into what: two lists of languages that know of each other, and what to expect of the pair.

They are the browser's own lists: a phone shows them as its own, they are searched by typing, and screen readers know them.
``pair.js`` fills them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from dubkit.errors import DubkitError
from dubkit.page import languages, look
from dubkit.service.jobs.pairs import Pair
from dubkit.service.service import Service

TEMPLATE = """
<div class="dk-languages">
<div><label for="dk-source">Spoken in the film</label>
<select id="dk-source"><option value="">Find out from the film</option></select></div>
<div><label for="dk-target">Dub into</label>
<select id="dk-target"><option value="">Choose a language</option></select></div>
<p class="dk-note" id="dk-pair" role="status"></p></div>"""


@dataclass(frozen=True)
class PairChoice:
    """The lists, as parts of the start.

    Parameters
    ----------
    service : Service
    lists : gr.HTML
        Takes what can be chosen, as JSON.
    timer : gr.Timer
        Asks again while that is not known.
    """

    service: Service
    lists: gr.HTML
    timer: gr.Timer

    @property
    def outputs(self) -> list[Any]:
        """What :meth:`offered` gives values for."""
        return [self.lists, self.timer]

    def offered(self) -> dict[Any, Any]:
        """All that can be had: the sources, and by each of them its targets, with what to expect of the pair."""
        try:
            pairs = self.service.pairs.list()
        except DubkitError:
            return self._later("The service does not answer just now. This page goes on by itself.")
        if not pairs:
            return self._later("Which languages can be dubbed is still being found out: a moment, please.")
        sources = languages.sources(pairs)
        told = {"sources": sources, "into": {code: _targets(pairs, code) for _, code in sources}}
        return {self.lists: json.dumps(told, ensure_ascii=False), self.timer: gr.Timer(active=False)}

    def _later(self, told: str) -> dict[Any, Any]:
        return {self.lists: json.dumps({"note": told}), self.timer: gr.Timer(active=True)}


def build(service: Service) -> PairChoice:
    """Put the lists into the Blocks that are being built; they are filled by :meth:`PairChoice.offered`."""
    lists = gr.HTML(html_template=TEMPLATE, js_on_load=look.asset("pair.js"), apply_default_css=False)
    choice = PairChoice(service, lists, gr.Timer(3.0, active=False))
    choice.timer.tick(choice.offered, None, choice.outputs, **look.handler())
    return choice


def _targets(pairs: Sequence[Pair], source: str) -> list[tuple[str, str, str]]:
    return [(name, code, languages.note(pairs, source, code)) for name, code in languages.targets(pairs, source)]

"""What a request to a language model asks for beside the text: servers and models differ in what they take."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

FORMATS = ("json_schema", "json_object", "none")
"""The ways to lay down an answer's form, the strictest first."""


@dataclass(frozen=True)
class Options:
    """What is asked for beside the text.

    Parameters
    ----------
    form : str
        One of :data:`FORMATS`: how strictly the answer's form is laid down.
    tuned : tuple of str
        The settings of the model that are sent.
    """

    form: str = FORMATS[0]
    tuned: tuple[str, ...] = ("temperature", "seed")

    def body(self, schema: Mapping[str, Any], seed: int) -> dict[str, Any]:
        """The fields of a request that ask for all this."""
        values = {"temperature": 0, "seed": seed}
        fields: dict[str, Any] = {name: values[name] for name in self.tuned}
        if self.form == "json_schema":
            named = {"name": "translation", "strict": True, "schema": schema}
            fields["response_format"] = {"type": "json_schema", "json_schema": named}
        elif self.form == "json_object":
            fields["response_format"] = {"type": "json_object"}
        return fields

    def plainer(self, refusal: str) -> Options | None:
        """Less, after a refusal: the option that it names in quotes, else the next simpler form; None at the end."""
        for name in self.tuned:
            if re.search(rf"[\"'`]{name}\\?[\"'`]", refusal):
                return Options(self.form, tuple(other for other in self.tuned if other != name))
        simpler = FORMATS[FORMATS.index(self.form) + 1 :]
        return Options(simpler[0], self.tuned) if simpler else None

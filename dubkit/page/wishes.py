"""What somebody chose on the page, as what is wanted of a film."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dubkit.errors import BadInput
from dubkit.record import Seconds
from dubkit.service.wanted import Wanted

SLOWER = 1.15
"""How much slower the picture may run where that is wanted: hardly seen, and enough for most lines that are too long."""
_CLOCK = re.compile(r"(?:(?:(\d{1,2}):)?(\d{1,3}):)?(\d{1,5}(?:[.,]\d+)?)")


@dataclass(frozen=True)
class Form:
    """The start's fields as they were filled in: anything may be in them, for anybody can send them."""

    source: Any = ""
    target: Any = None
    part: Any = ""
    begin: Any = "0:00"
    seconds: Any = 30
    n_speakers: Any = 0
    names: Any = ""
    keep_original: Any = False
    vocal_sounds: Any = True
    bilingual: Any = False
    slower: Any = False
    profile: Any = ""


def wanted(form: Form) -> Wanted:
    """What the fields ask for.

    Raises
    ------
    BadInput
        If a field cannot be read; the message names it as the page does.
    """
    if not form.target:
        raise BadInput("Choose the language to dub into.")
    start, duration = _stretch(form) if "part" in str(form.part) else (None, None)
    return Wanted(
        target=str(form.target),
        source=str(form.source) if form.source else None,
        profile=str(form.profile) if form.profile else None,
        options=_options(form),
        start=start,
        duration=duration,
    )


def _options(form: Form) -> dict[str, Any]:
    """Only what differs from what is done anyway."""
    found: dict[str, Any] = {}
    if form.n_speakers:
        found["n_speakers"] = form.n_speakers
    if terms := glossary(str(form.names or "")):
        found["glossary"] = terms
    if form.keep_original:
        found["keep_original"] = True
    if not form.vocal_sounds:
        found["vocal_sounds"] = False
    if form.bilingual:
        found["bilingual"] = True
    if form.slower:
        found["slow_picture"] = SLOWER
    return found


def glossary(text: str) -> Mapping[str, str]:
    """Settled words, one in each line: a name alone stays as it is.

    Raises
    ------
    BadInput
        If a line has nothing on one side of its equals sign.
    """
    found: dict[str, str] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        term, equals, becomes = (part.strip() for part in line.partition("="))
        if equals and not (term and becomes):
            raise BadInput(
                f"{line!r} says only half: write what the word is to become, such as cutting board = tábua de corte."
            )
        found[term] = becomes or term
    return found


def _stretch(form: Form) -> tuple[Seconds, Seconds]:
    try:
        duration = float(form.seconds)
    except (TypeError, ValueError):
        duration = math.nan
    if not 0 < duration < math.inf:
        raise BadInput("Say how many seconds the part lasts, such as 30.")
    return moment(str(form.begin)), duration


def moment(text: str) -> Seconds:
    """A place in a film as people write it: ``90``, ``1:30``, ``1:02:05``.

    Raises
    ------
    BadInput
        If it is none.
    """
    found = _CLOCK.fullmatch(text.strip())
    if not found:
        raise BadInput(f"{text!r} is no time in a film: write minutes and seconds, such as 1:30.")
    hours, minutes, seconds = (float((part or "0").replace(",", ".")) for part in found.groups())
    return 3600 * hours + 60 * minutes + seconds

"""What the page's address asks for: all that a visit is known by, so that a server that is started anew goes on with it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qs

HERE = "(...values) => [window.location.search, ...values.slice(1)]"
"""Gives the browser's address as the first input of a handler."""
LONGEST = 100
"""Characters of an id."""


@dataclass(frozen=True)
class Address:
    """A place of the page.

    Parameters
    ----------
    job : str
        The job that is looked at; empty for none.
    is_list : bool
        Whether it is the list of films.
    before : str
        The job after which the list begins; empty for the newest.
    """

    job: str = ""
    is_list: bool = False
    before: str = ""


def read(query: str | None) -> Address:
    """The place that a query means, as the browser tells it: ``?job=ID``, ``?films``, ``?films=ID``; else the start."""
    asked = parse_qs((query or "")[:2000].removeprefix("?"), keep_blank_values=True)
    job, before = (asked.get(name, [""])[0][:LONGEST] for name in ("job", "films"))
    return Address(job, "films" in asked and not job, before)

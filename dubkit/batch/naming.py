"""What rows are called that have no id of their own: as much as can be out of the row alone, so that a batch that has
grown finds its rows again."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from dubkit import languages
from dubkit.store import digest

RESERVED = frozenset(
    {
        "ledger.sqlite",
        "ledger.sqlite-journal",
        "ledger.sqlite-shm",
        "ledger.sqlite-wal",
        "results.csv",
        "results.parquet",
        "summary.html",
        "summary.ipynb",
    }
)
"""Names of the batch's own files, which lie where rows' folders do."""
NAME = re.compile(r"\w[\w.-]{0,99}")
LONGEST = 64
MARK = 10
"""Figures of the digest that tells rows of one name apart: enough for a million of them."""


def unfit(given: str) -> str:
    """Why a row cannot be called that; empty where it can."""
    if not NAME.fullmatch(given):
        return f"the id {given!r} cannot name a folder: letters, figures, - _ and . are allowed"
    if given.casefold() in RESERVED:
        return f"the id {given!r} is the name of a file of the batch; choose another"
    return ""


def ids(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """What rows are called.

    A row without an id has the name of its film, with the ending where that is not mp4, and with the target where the row
    itself names one. Where an earlier row or an id has that name, a digest of the row's own cells follows.

    Parameters
    ----------
    rows : sequence of mapping
        Their cells.
    """
    # Case-insensitive file systems have one folder for both.
    taken = RESERVED | {str(cells["id"]).casefold() for cells in rows if "id" in cells}
    made = []
    for cells in rows:
        name = str(cells.get("id", "")) or _plain(cells)
        if "id" not in cells:
            if name.casefold() in taken:
                name += f"-{digest(cells)[:MARK]}"
            taken |= {name.casefold()}
        made.append(name)
    return made


def _plain(cells: Mapping[str, Any]) -> str:
    film = PurePosixPath(cells["video"])
    ending = "" if film.suffix.lower() == ".mp4" else f"-{film.suffix[1:].lower()}"
    target = f"-{languages.parse(cells['target'])}" if "target" in cells else ""
    return _slug(film.stem) + re.sub(r"\W+", "-", ending).rstrip("-") + target


def _slug(text: str) -> str:
    return re.sub(r"[^\w.-]+", "-", text).strip("-._")[:LONGEST] or "film"

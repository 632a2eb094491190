"""Notebooks that tune a stage, run on one small film."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

from dubkit.settings import Settings, profile

ITEMS = ["dialogue-pt>en"]


@dataclass(frozen=True)
class Tuned:
    """What a notebook showed and wrote.

    Parameters
    ----------
    rows : list of dict
        The sweep's table, as text by column.
    why : str
        What is said of the winner.
    settings : Settings
        Of the profile that was written.
    n_figures : int
    """

    rows: list[dict[str, str]]
    why: str
    settings: Settings
    n_figures: int

    @property
    def winner(self) -> dict[str, str]:
        """The row that is marked."""
        (found,) = (row for row in self.rows if "★ winner" in row[""])
        return found

    def values(self, column: str) -> list[float]:
        """A column's numbers, without their intervals."""
        return [float(row[column].split()[0]) for row in self.rows]


def tuned(execute: Callable[..., Any], name: str, store: Path, path: Path, **values: Any) -> Tuned:
    """Run a notebook with a store and values to try, and let it write its winner to a path."""
    done = execute(name, items=ITEMS, store=str(store), save_as=str(path), save=True, **values)
    return Tuned(rows(done.pages[0]), unescape(done.pages[1]), profile(str(path))[0], len(done.figures))


def rows(page: str) -> list[dict[str, str]]:
    """The rows of the one table in a page."""
    head, *body = (re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in re.findall(r"<tr.*?</tr>", page))
    return [dict(zip(head, map(unescape, row), strict=True)) for row in body]

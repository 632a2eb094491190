"""How numbers, intervals and tables are written."""

from __future__ import annotations

import html
import math
import numbers
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

WORDS = {"lower": "lower is better", "higher": "higher is better", "neither": ""}
ARROWS = {"lower": "↓", "higher": "↑", "neither": ""}
NUMBER = " class='number'"
INTERVAL = re.compile(r"–|-?[\d.]+( \[-?[\d.]+, -?[\d.]+\])?")
"""What :func:`interval` writes."""


def is_named(table: pd.DataFrame) -> bool:
    """Whether the rows have names, not just numbers."""
    return not all(isinstance(label, numbers.Integral) for label in table.index)


def as_html(table: pd.DataFrame) -> str:
    """A table with every cell escaped and numbers to the right; a ``verdict`` colours its row."""
    numeric = [all(_is_number(value) for value in table[c]) and len(table) > 0 for c in table.columns]
    head = "".join(
        f"<th{NUMBER if right else ''}>{html.escape(str(c))}</th>"
        for c, right in zip(table.columns, numeric, strict=True)
    )
    named = is_named(table)
    verdicts = table["verdict"] if "verdict" in table else [""] * len(table)
    body = []
    for label, row, verdict in zip(table.index, table.itertuples(index=False), verdicts, strict=True):
        first = f"<th scope='row'>{html.escape(str(label))}</th>" if named else ""
        kind = f" class='{verdict}'" if verdict in ("better", "worse") else ""
        body.append(f"<tr{kind}>{first}{''.join(map(_cell, row))}</tr>")
    corner = "<td></td>" if named else ""
    return (
        f"<div class='wide'><table><thead><tr>{corner}{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )


def interval(value: float, low: float, high: float) -> str:
    """A value and its interval, with as many digits as tell something."""
    if math.isnan(low):
        return number(value)
    return f"{number(value)} [{number(low)}, {number(high)}]"


def number(value: float) -> str:
    """Three digits behind the point under 10, one above, none from 1000; a dash for nan."""
    if math.isnan(value):
        return "–"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}" if abs(value) < 1000 else f"{value:.0f}"


def _cell(value: object) -> str:
    right = NUMBER if _is_number(value) else ""
    return f"<td{right}>{number(value) if isinstance(value, float) else html.escape(str(value))}</td>"


def _is_number(value: object) -> bool:
    return isinstance(value, numbers.Real) or (isinstance(value, str) and bool(INTERVAL.fullmatch(value)))

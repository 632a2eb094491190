"""A sweep's table for notebooks: a row per setting, how sure its difference is, and what it costs."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

from evaluation.formatting import ARROWS, as_html, interval, number
from evaluation.tuning.choice import SURE, written

if TYPE_CHECKING:
    import pandas as pd

    from evaluation.tuning.sweeping import Sweep

DEFAULT, WINNER = "default", "★ winner"


def marks(sweep: Sweep) -> list[str]:
    """What each row of a sweep's table is: the default, the winner, both, or neither."""
    rows = sweep.table[list(sweep.names)].to_dict("records")
    won = [row == sweep.winner.settings for row in rows]
    return [", ".join([DEFAULT] * (n == 0) + [WINNER] * is_winner) for n, is_winner in enumerate(won)]


def as_page(sweep: Sweep) -> str:
    """The table, how it is to be read, and the winner."""
    measure = sweep.measure
    head = f"<b>{html.escape(sweep.suite.id)}: {measure.name} ({measure.unit}, {measure.better} is better)</b>"
    failed = sweep.table[sweep.table["error"] != ""]
    notes = [f"{written(row, sweep.names)} failed. {row['error']}" for row in failed.to_dict("records")]
    notes += [
        f"q is p corrected for the {len(sweep.trials)} that were tried; better and worse: q ≤ {SURE:g}, and the interval of the "
        "change does not hold 0.",
        "Seconds and memory are those of when a result was made; memory is the process's highest up to then.",
    ]
    told = "".join(f"<p><small>{html.escape(line)}</small></p>" for line in notes)
    return f"{head}{as_html(shown(sweep))}{sweep.winner._repr_html_()}{told}"


def shown(sweep: Sweep) -> pd.DataFrame:
    """The table as people read it: values with their intervals."""
    table = sweep.table
    columns: dict[str, list[Any]] = {name: [str(v) for v in table[name]] for name in sweep.names}
    columns[f"{sweep.measure.name} {ARROWS[sweep.measure.better]}"] = [
        interval(r.value, r.low, r.high) for r in table.itertuples()
    ]
    columns["change"] = [interval(r.change, r.change_low, r.change_high) for r in table.itertuples()]
    columns["q"] = [number(q) for q in table["q"]]
    columns["verdict"] = list(table["verdict"])
    for measure in sweep.also:
        verdicts = table[f"{measure.name} verdict"]
        columns[f"{measure.name} {ARROWS[measure.better]}"] = [
            f"{number(value)} {verdict}".strip() for value, verdict in zip(table[measure.name], verdicts, strict=True)
        ]
    columns["s per s of film"] = [number(v) for v in table["rtf"]]
    columns["peak MB"] = [number(v) for v in table["peak_mb"]]
    columns[""] = marks(sweep)

    import pandas as pd

    return pd.DataFrame(columns)

"""A sweep's table for notebooks: a row per setting, how sure its difference is, and what it costs."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

from evaluation.formatting import ARROWS, as_html, interval, number
from evaluation.statistics import FEWEST_CLUSTERS
from evaluation.tuning import cost
from evaluation.tuning.choice import SURE
from evaluation.tuning.reasons import written

if TYPE_CHECKING:
    import pandas as pd

    from evaluation.tuning.sweeping import Sweep

DEFAULT, WINNER, SUGGESTED = "default", "★ winner", "☆ suggested"


def marks(sweep: Sweep) -> list[str]:
    """What each row of a sweep's table is: the default, the winner, both, what is suggested, or nothing of these."""
    winner = sweep.winner
    rows = sweep.table[list(sweep.names)].to_dict("records")
    return [
        ", ".join([DEFAULT] * (n == 0) + [WINNER] * (row == winner.settings) + [SUGGESTED] * (row == winner.suggested))
        for n, row in enumerate(rows)
    ]


def as_page(sweep: Sweep) -> str:
    """The table, how it is to be read, and the winner."""
    measure = sweep.measure
    head = f"<b>{html.escape(sweep.suite.id)}: {measure.name} ({measure.unit}, {measure.better} is better)</b>"
    failed = sweep.table[sweep.table["error"] != ""]
    notes = [f"{written(row, sweep.names)} failed. {row['error']}" for row in failed.to_dict("records")]
    notes += [
        f"q is p corrected for the {len(sweep.trials)} that were tried; better and worse: q ≤ {SURE:g}, and the interval of the "
        "change does not hold 0. Beside the best, same is whatever is not surely worse.",
        f"Films: {sweep.table['n_films'].iloc[0]}. Whole films are drawn and swapped, so fewer than {FEWEST_CLUSTERS} have no "
        "interval and no verdict.",
        _of_cost(sweep),
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
    columns["beside the best"] = [
        "best" if told == "best" else f"{interval(change, low, high)} {told}".strip()
        for change, low, high, told in table[["behind", "behind_low", "behind_high", "beside_best"]].itertuples(
            index=False
        )
    ]
    for measure in sweep.also:
        verdicts = table[f"{measure.name} verdict"]
        columns[f"{measure.name} {ARROWS[measure.better]}"] = [
            f"{number(value)} {verdict}".strip() for value, verdict in zip(table[measure.name], verdicts, strict=True)
        ]
    if table["cost"].notna().any():
        columns["s per s of film"] = [number(v) for v in table["cost"]]
    columns[""] = marks(sweep)

    import pandas as pd

    return pd.DataFrame(columns)


def _of_cost(sweep: Sweep) -> str:
    if not cost.is_comparable(sweep.names):
        return "Cost is not told: lines that are the same as under another value are not made again."
    stages = " and ".join(stage.name for stage in cost.stages_of(sweep.names))
    return (
        f"Seconds are those of {stages} when a result was made, of models that were loaded already where one process worked; "
        f"those that differ by less than {cost.CLEAR:.0%} are not told apart."
    )

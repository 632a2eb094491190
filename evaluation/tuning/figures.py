"""A sweep as a figure that answers at a glance: which setting, how sure, and what does it cost?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from dubkit.errors import BadInput
from dubkit.plots import COLOURS, new_axes
from dubkit.plots.axes import literal
from evaluation.formatting import WORDS, interval, number
from evaluation.results import POOLED
from evaluation.statistics import FEWEST_CLUSTERS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from evaluation.measures import Measure
    from evaluation.tuning.choice import Winner
    from evaluation.tuning.sweeping import Sweep

MOST_ROWS = 24
"""Of more settings, the best are drawn, and the default."""
BETTER, WORSE, SAME = COLOURS[0], COLOURS[1], "#777777"
INKS = {"better": BETTER, "worse": WORSE}
MARKERS = {"better": "o", "worse": "X"}
SIGNS = {"better": "▲", "worse": "▼"}
KEY = "● better, ✖ worse than the default (dotted), ◆ not sure, | each film, ★ winner"
SUGGESTED = ", ☆ suggested"
PANEL = 0.6
"""Width of what stands beside, as a share of the main axes."""


def figure(sweep: Sweep, ax: Axes | None = None) -> Axes:
    """Values with their intervals by setting and the cost beside them; all combinations of two settings as a map.

    What is reliably better than the default is a blue dot (▲ on the map), what is worse an orange cross (▼), all else a grey
    diamond; the winner has a star, what is best by value alone a hollow one. Each film's own value is a faint stroke.

    Parameters
    ----------
    sweep : Sweep
    ax : Axes, optional
        One in a grid, as of ``plt.subplots``, is parted, so that all has a place in it; in another, values stand alone.

    Returns
    -------
    Axes
        Those of the values.

    Raises
    ------
    BadInput
        If nothing came through.
    """
    table = sweep.table.assign(is_default=[True] + [False] * len(sweep.trials))
    table = table.assign(star=[_star(sweep.winner, row) for row in table[list(sweep.names)].to_dict("records")])
    table = table[table["value"].notna()]
    if not len(table):
        raise BadInput("There is no value to draw: the measure was not measured on this suite.")
    return literal(_map(sweep, table, ax) if _is_grid(table, sweep.names) else _rows(sweep, table, ax))


def _rows(sweep: Sweep, table: pd.DataFrame, ax: Axes | None) -> Axes:
    shown = _ordered(sweep, table)
    ax = new_axes(ax, (9.0 + 2.2 * len(sweep.also), 1.7 + 0.36 * len(shown)))
    for row, one in enumerate(shown.itertuples()):
        films = _by_item(sweep, one.Index)
        ax.plot(films, [row] * len(films), "|", color=INKS.get(one.verdict, SAME), markersize=11, alpha=0.55)
        _dot(ax, row, one.value, one.low, one.high, one.verdict)
        text = f"{interval(one.value, one.low, one.high)} {one.star}".rstrip()
        ax.text(1.02, row, text, transform=ax.get_yaxis_transform(), va="center", fontsize=9)
    ax.axvline(float(shown.loc[shown["is_default"], "value"].iloc[0]), color="#999999", linestyle=":", linewidth=1.2)
    ax.set_yticks(range(len(shown)), [_label(sweep.names, one) for _, one in shown.iterrows()])
    for tick, star in zip(ax.get_yticklabels(), shown["star"], strict=True):
        tick.set_fontweight("bold" if star else "normal")
    if len(sweep.names) == 1 and shown[sweep.names[0]].iloc[0] is None and len(shown) > 1:
        # None is no number: where it belongs among them only the back end knows.
        ax.axhline(0.5, color="#BBBBBB", linewidth=0.8)
    ax.set(
        xlabel=_axis(sweep.measure),
        ylim=(len(shown) - 0.4, -0.6),
        ylabel=",\n".join(sweep.names),
    )
    ax.set_title(f"{_title(sweep)}\n{KEY}{_more(sweep)}", loc="left", fontsize=10)
    _plain(ax).locator_params(axis="x", nbins=5)
    costs = shown["cost"].notna().any()
    beside = _beside(ax, len(sweep.also) + bool(costs))
    for panel, measure in zip(beside, sweep.also, strict=False):
        for row, one in enumerate(shown.to_dict("records")):
            _dot(panel, row, one[measure.name], np.nan, np.nan, one[f"{measure.name} verdict"])
        panel.set_xlabel(_axis(measure))
    for cost in beside[len(sweep.also) :]:
        cost.barh(range(len(shown)), shown["cost"], 0.6, color="#BBBBBB")
        for row, seconds in enumerate(shown["cost"]):
            cost.text(seconds, row, f" {number(seconds)}", va="center", fontsize=8)
        cost.set(xlabel="cost\n(s per s of film)", xlim=(0, 1.4 * float(np.nanmax([*shown["cost"], 1e-9]))))
    return ax


def _map(sweep: Sweep, table: pd.DataFrame, ax: Axes | None) -> Axes:
    import matplotlib.patches as patches

    down, across = sweep.names
    rows, columns = (_sorted(table[name]) for name in (down, across))
    values = np.full((len(rows), len(columns)), np.nan)
    ax = new_axes(ax, (2.6 + 1.25 * len(columns), 1.7 + 0.62 * len(rows)))
    places = []
    for one in table.to_dict("records"):
        at = rows.index(one[down]), columns.index(one[across])
        values[at] = one["value"]
        places.append((at, one))
    # Dark is good, whichever way that is.
    good_is_low = sweep.measure.better == "lower"
    image = ax.imshow(values, cmap="Blues_r" if good_is_low else "Blues", aspect="auto")
    middle = float(np.nanmean([np.nanmin(values), np.nanmax(values)]))
    for (row, column), one in places:
        dark = one["value"] < middle if good_is_low else one["value"] > middle
        sign = SIGNS.get(one["verdict"], "")
        text = f"{number(one['value'])} {sign}{one['star']}".strip()
        if not np.isnan(one["cost"]):
            text += f"\n{number(one['cost'])} s/s"
        ax.text(column, row, text, ha="center", va="center", fontsize=9, color="white" if dark else "black")
        if one["is_default"]:
            ax.add_patch(
                patches.Rectangle((column - 0.47, row - 0.46), 0.94, 0.92, fill=False, edgecolor=WORSE, linewidth=2)
            )
    ax.set_xticks(range(len(columns)), list(map(str, columns)))
    ax.set_yticks(range(len(rows)), list(map(str, rows)))
    ax.set(xlabel=across, ylabel=down)
    ax.set_title(f"{_title(sweep)}\nframe: default, ▲ better, ▼ worse, ★ winner{_more(sweep)}", loc="left", fontsize=10)
    ax.figure.colorbar(image, ax=ax, label=_axis(sweep.measure))
    return ax


def _is_grid(table: pd.DataFrame, names: tuple[str, ...]) -> bool:
    """Whether there is a value for most combinations of two settings."""
    if len(names) != 2:
        return False
    counts = [len(set(map(repr, table[name]))) for name in names]
    return min(counts) > 1 and len(table) > counts[0] * counts[1] / 2


def _ordered(sweep: Sweep, table: pd.DataFrame) -> pd.DataFrame:
    """One setting by its values; several, or too many, the best first."""
    if len(sweep.names) == 1 and len(table) <= MOST_ROWS:
        order = _sorted(table[sweep.names[0]])
        return table.iloc[np.argsort([order.index(v) for v in table[sweep.names[0]]], kind="stable")]
    best = table.sort_values("value", ascending=sweep.measure.better == "lower", kind="stable")
    return best[best["is_default"] | (np.arange(len(best)) < MOST_ROWS)]


def _sorted(values: Any) -> list[Any]:
    """Each once: none first, numbers by size, all else in the order it came."""
    once = list({repr(v): v for v in values}.values())
    if all(v is None or (isinstance(v, int | float) and not isinstance(v, bool)) for v in once):
        return sorted(once, key=lambda v: (v is not None, v or 0))
    return once


def _dot(ax: Axes, row: int, value: float, low: float, high: float, verdict: str) -> None:
    colour = INKS.get(verdict, SAME)
    if not np.isnan(low):
        ax.plot([low, high], [row, row], color=colour, linewidth=2, solid_capstyle="butt")
    ax.plot([value], [row], MARKERS.get(verdict, "D"), color=colour, markersize=7 if verdict in MARKERS else 5)


def _by_item(sweep: Sweep, row: int) -> list[float]:
    """The values of the items of a row of the sweep's table, where there are several."""
    scores = (sweep.default, *sweep.trials)[row].result.scores
    own = scores[(scores["measure"] == sweep.measure.name) & (scores["item"] != POOLED)]
    return own["value"].tolist() if len(own) > 1 else []


def _star(winner: Winner, settings: Mapping[str, Any]) -> str:
    return "★" if settings == winner.settings else "☆" if settings == winner.suggested else ""


def _more(sweep: Sweep) -> str:
    """What the key says besides, where nothing is sure."""
    n_films = int(sweep.table["n_films"].iloc[0])
    few = f"\n{n_films} film{'s' * (n_films != 1)}: too few to be sure" if n_films < FEWEST_CLUSTERS else ""
    return SUGGESTED * (sweep.winner.suggested is not None) + few


def _beside(ax: Axes, n_panels: int) -> list[Axes]:
    """Panels with the same rows in the right half of the axes' room; none where they have no place in a grid."""
    place = ax.get_subplotspec()
    if place is None or not n_panels:
        return []
    grid = place.subgridspec(1, 1 + n_panels, width_ratios=[1, *[PANEL] * n_panels])
    ax.set_subplotspec(grid[0])
    panels = []
    for n in range(n_panels):
        panel = ax.figure.add_subplot(grid[1 + n], sharey=ax)
        panel.tick_params(axis="y", labelleft=False)
        panel.margins(x=0.15)
        panel.locator_params(axis="x", nbins=4, prune="upper")
        panels.append(_plain(panel))
    return panels


def _plain(ax: Axes) -> Axes:
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis="x", color="#DDDDDD", linewidth=0.7)
    ax.set_axisbelow(True)
    ax.tick_params(axis="y", length=0)
    return ax


def _label(names: Sequence[str], one: Any) -> str:
    """A row's settings, numbers short where there are several."""
    told = [f"{v:.3g}" if isinstance(v := one[name], float) and len(names) > 1 else str(v) for name in names]
    return ", ".join(told) + " (default)" * bool(one["is_default"])


def _axis(measure: Measure) -> str:
    told = ", ".join(filter(None, [measure.unit, WORDS[measure.better]]))
    return f"{measure.name}\n({told})"


def _title(sweep: Sweep) -> str:
    return f"{sweep.suite.id}: {sweep.measure.what}"

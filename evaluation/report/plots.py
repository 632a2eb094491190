"""Figures of scores, each ``(table, ..., ax=None) -> Axes``: draws into `ax`, or into a new figure, and gives the axes back.

Tables are those of :mod:`evaluation.results` with the columns ``suite`` and ``system`` before them (:func:`scores_of`,
:func:`samples_of`). Where a table has the item ``all``, that is what is drawn. A system has the same colour in every figure
that has the same systems, and colours are told apart by any colour vision (:data:`dubkit.plots.COLOURS`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from dubkit.errors import BadInput, listed
from dubkit.plots import COLOURS, new_axes
from dubkit.plots.axes import INKS, literal
from evaluation.formatting import WORDS, interval
from evaluation.measures import Measure
from evaluation.results import POOLED, ResultSet

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

GREY = "#999999"
FAINT = "#DDDDDD"
HATCHES = ("", "///", "...")
WORSE = COLOURS[1]
BETTER = COLOURS[0]
# Stages that take less than this share of the longest bar are drawn as one.
SMALL = 0.02


def scores_of(results: Sequence[ResultSet]) -> pd.DataFrame:
    """The scores of several results as one table, with the columns ``suite`` and ``system``."""
    import pandas as pd

    return pd.concat([_named(r.scores, r) for r in results], ignore_index=True)


def samples_of(results: Sequence[ResultSet]) -> pd.DataFrame:
    """The samples of several results as one table, with the columns ``suite``, ``system`` and ``measured_in``, the unit."""
    import pandas as pd

    tables = []
    for result in results:
        units = dict(zip(result.scores["measure"], result.scores["unit"], strict=True))
        tables.append(_named(result.samples.assign(measured_in=result.samples["measure"].map(units)), result))
    return pd.concat(tables, ignore_index=True)


def forest(scores: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Values with their intervals, one row per suite and system; several measures of one unit are blocks of rows.

    Parameters
    ----------
    scores : pandas.DataFrame
        Columns measure, system, value, low, high, unit, better; and suite and item, if there are several.
    ax : Axes, optional

    Raises
    ------
    BadInput
        If there is nothing to draw, or measures are of several units.
    """
    table = _pooled(scores)
    unit, measures = _one(table["unit"], "units"), list(dict.fromkeys(table["measure"]))
    names = _labels(table)
    order = list(dict.fromkeys(names))
    n_rows = len(table) + (len(measures) if len(measures) > 1 else 0)
    ax = new_axes(ax, (7.5, 0.9 + 0.34 * n_rows))
    ticks: list[tuple[float, str]] = []
    row = 0
    for measure in measures:
        block = table[table["measure"] == measure]
        if len(measures) > 1:
            ticks.append((row, measure))
            row += 1
        for label, one in zip(_labels(block), block.itertuples(), strict=True):
            _interval(ax, row, one, INKS[order.index(label) % len(INKS)])
            ticks.append((row, label))
            row += 1
    ax.set_yticks([at for at, _ in ticks], [text for _, text in ticks])
    for tick, (_, text) in zip(ax.get_yticklabels(), ticks, strict=True):
        tick.set_fontweight("bold" if text in measures else "normal")
    better = WORDS[table["better"].iloc[0]] if table["better"].nunique() == 1 else ""
    title = measures[0] if len(measures) == 1 else "value"
    ax.set(xlabel=f"{title} ({', '.join(filter(None, [unit, better]))})", ylim=(row - 0.4, -0.6))
    return _plain(ax, "x")


def distribution(samples: pd.DataFrame, measure: str, ax: Axes | None = None) -> Axes:
    """Which share of units (lines, windows) has at most which value: a curve per system, with its median as a dot.

    Units that have nothing to divide by are left out.

    Parameters
    ----------
    samples : pandas.DataFrame
        Columns measure, system, parts, and suite and measured_in, if they are known.
    measure : str
        A name.
    ax : Axes, optional

    Raises
    ------
    BadInput
        If the measure is not in the table, or has no value by unit.
    """
    table = samples[samples["measure"] == measure]
    if not len(table):
        raise BadInput(f"There are no samples of {measure!r}. There are: {listed(frozenset(samples['measure']))}.")
    labels = np.array(_labels(table))
    ax = new_axes(ax, (7.0, 3.4))
    for n, label in enumerate(dict.fromkeys(labels)):
        values = np.sort(_by_unit(table["parts"][labels == label], measure))
        if not len(values):
            continue
        colour = INKS[n % len(INKS)]
        shares = np.arange(1, len(values) + 1) / len(values)
        style = "solid" if n < len(INKS) else "dashed"
        ax.step(
            [values[0], *values], [0, *shares], where="post", color=colour, linestyle=style, linewidth=1.8, label=label
        )
        ax.plot([np.median(values)], [0.5], "o", color=colour, markersize=6, markeredgecolor="white", zorder=3)
    unit = table["measured_in"].iloc[0] if "measured_in" in table else ""
    ax.set(xlabel=f"{measure} ({unit})" if unit else measure, ylabel="share of units", ylim=(0, 1.02))
    ax.legend(loc="best", frameon=False, fontsize=9)
    return _plain(ax, "both")


def ablation(gains: pd.DataFrame, measure: Measure | None = None, ax: Axes | None = None) -> Axes:
    """How much a score changes when the truth replaces a stage: bars with intervals, the largest gain at the top.

    Bars whose interval holds 0 are pale. Gains point to the right, whichever way the measure is better.

    Parameters
    ----------
    gains : pandas.DataFrame
        Columns replaced, change, low, high: see :func:`evaluation.report.tables.ablation`.
    measure : Measure, optional
        What changes; higher is taken for better where it is not told.
    ax : Axes, optional

    Raises
    ------
    BadInput
        If there is nothing to draw.
    """
    if not len(gains):
        raise BadInput("There are no gains to draw: evaluate a system with the truth in place of its stages first.")
    sign = -1 if measure is not None and measure.better == "lower" else 1
    table = gains.assign(gain=sign * gains["change"]).sort_values("gain", ascending=False, kind="stable")
    ax = new_axes(ax, (7.0, 0.9 + 0.38 * len(table)))
    for row, one in enumerate(table.itertuples()):
        sure = not (np.isnan(one.low) or one.low <= 0 <= one.high)
        ax.barh(row, one.gain, 0.62, color=BETTER if one.gain >= 0 else WORSE, alpha=1.0 if sure else 0.35)
        if not np.isnan(one.low):
            ends = sorted((sign * one.low, sign * one.high))
            ax.plot(ends, [row, row], color="black", linewidth=1.2, solid_capstyle="butt")
    ax.axvline(0, color="black", linewidth=0.8)
    ax.set_yticks(range(len(table)), list(table["replaced"]))
    name = f"{measure.name} ({measure.unit})" if measure else "the score"
    ax.set(xlabel=f"gain in {name} when the truth replaces the stage", ylim=(len(table) - 0.5, -0.5))
    return _plain(ax, "x")


def stage_times(scores: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Seconds of work per second of film, a bar per suite and system, stacked by stage in the pipeline's order.

    Stages that hardly show are drawn together as ``others``.

    Parameters
    ----------
    scores : pandas.DataFrame
        Columns measure, system, value; and suite and item, if there are several. Measures other than
        ``cost.<stage>_rtf`` are passed over.
    ax : Axes, optional

    Raises
    ------
    BadInput
        If it holds no stage's time.
    """
    from evaluation.metrics.cost import STAGE_RTF

    names = {measure.name: stage for stage, measure in STAGE_RTF.items()}
    table = _pooled(scores[scores["measure"].isin(names)])
    table = table.assign(label=_labels(table), stage=table["measure"].map(names))
    times = table.pivot_table(index="label", columns="stage", values="value", sort=False).fillna(0.0)
    times = times.loc[list(dict.fromkeys(table["label"])), [s for s in STAGE_RTF if s in times]]
    longest = float(times.sum(axis=1).max())
    large = [stage for stage in times if times[stage].max() >= SMALL * longest]
    shown = times[large].assign(others=times.drop(columns=large).sum(axis=1))
    shown = shown if len(large) < len(times.columns) else shown[large]
    ax = new_axes(ax, (8.5, 1.5 + 0.45 * len(shown)))
    left = np.zeros(len(shown))
    for n, stage in enumerate(shown):
        colour, hatch = (GREY, "") if stage == "others" else (INKS[n % len(INKS)], HATCHES[n // len(INKS)])
        widths = shown[stage].to_numpy()
        ax.barh(
            range(len(shown)),
            widths,
            0.6,
            left,
            color=colour,
            hatch=hatch,
            edgecolor="white",
            linewidth=0.8,
            label=stage,
        )
        left += widths
    for row, total in enumerate(left):
        ax.text(total, row, f"  {total:.2f}", va="center", fontsize=9)
    ax.set_yticks(range(len(shown)), list(shown.index))
    ax.set(xlabel="seconds of work per second of film", xlim=(0, 1.12 * longest or 1), ylim=(len(shown) - 0.5, -0.5))
    ax.legend(
        loc="lower right",
        bbox_to_anchor=(1, 1),
        ncols=min(6, len(shown.columns)),
        frameon=False,
        fontsize=9,
        columnspacing=1.2,
        handlelength=1.5,
    )
    return _plain(ax, "x")


def _named(table: pd.DataFrame, result: ResultSet) -> pd.DataFrame:
    return table.assign(suite=result.suite, system=result.system)


def _pooled(scores: pd.DataFrame) -> pd.DataFrame:
    """What is over all items, where a table has both that and single items."""
    table = scores
    if "item" in table and (table["item"] == POOLED).any():
        table = table[table["item"] == POOLED]
    if not len(table):
        raise BadInput("There are no scores to draw: choose a measure that was measured.")
    if table.assign(label=_labels(table)).duplicated(["label", "measure"]).any():
        raise BadInput(f"A system has several scores of one measure: choose one item, or {POOLED!r}.")
    return table


def _one(column: pd.Series[Any], what: str) -> str:
    found = list(dict.fromkeys(column))
    if len(found) > 1:
        raise BadInput(f"The scores have several {what} ({listed(found)}): draw them in figures of their own.")
    return str(found[0])


def _labels(table: pd.DataFrame) -> list[str]:
    """The system of each row, after its suite if there are several suites."""
    if "suite" not in table or table["suite"].nunique() < 2:
        return [str(system) for system in table["system"]]
    return [f"{suite}: {system}" for suite, system in zip(table["suite"], table["system"], strict=True)]


def _by_unit(parts: pd.Series[Any], measure: str) -> np.ndarray:
    counts = {len(part) for part in parts}
    if counts == {1}:
        return np.array([part[0] for part in parts])
    if counts == {2}:
        return np.array([part[0] / part[1] for part in parts if part[1]])
    raise BadInput(f"{measure!r} has no value by unit: only sums of its parts over many lines mean something.")


def _interval(ax: Axes, row: int, score: Any, colour: str) -> None:
    """A dot with its interval, and both in figures at the right edge."""
    if not np.isnan(score.low):
        ax.plot([score.low, score.high], [row, row], color=colour, linewidth=2, solid_capstyle="butt")
    text = interval(score.value, score.low, score.high)
    ax.plot([score.value], [row], "o", color=colour, markersize=6)
    ax.text(1.02, row, text, transform=ax.get_yaxis_transform(), va="center", fontsize=9)


def _plain(ax: Axes, grid: Literal["both", "x"]) -> Axes:
    """Without a frame to the right and above, with a faint grid behind, and names as they are written."""
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(axis=grid, color=FAINT, linewidth=0.7)
    ax.set_axisbelow(True)
    if grid == "x":
        ax.tick_params(axis="y", length=0)
    return literal(ax)

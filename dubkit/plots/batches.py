"""A whole batch: where its time went, and how well its films' lines fit. Tables are those of :mod:`dubkit.batch.summary`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dubkit.plots.axes import COLOURS, literal, new_axes

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

NAMED = 5
"""The most films that are named in a figure: of those with flagged lines the ones that fit worst."""


def batch_stages(results: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Where a batch's time went: a bar per stage with its share, hatched what no stage accounts for.

    Parameters
    ----------
    results : pandas.DataFrame
        See :func:`dubkit.batch.summary.read`.
    ax : Axes, optional
    """
    from dubkit.batch.summary import stage_seconds

    table = stage_seconds(results)
    ax = new_axes(ax, (8, 0.9 + 0.32 * max(1, len(table))))
    bars = ax.barh(table["stage"], table["total"], color=COLOURS[0])
    for bar, stage in zip(bars, table["stage"], strict=True):
        if stage == "overhead":
            bar.set(facecolor="#BBBBBB", hatch="///", edgecolor="#666666")
    ax.bar_label(bars, [f"{share:.1%}" for share in table["share"]], padding=3, fontsize=8)
    ax.set(xlabel="seconds of work over all films that are done", title="Where the time went")
    ax.set_xlim(0, max(1e-3, table["total"].max() if len(table) else 0) * 1.15)
    ax.invert_yaxis()
    if not len(table):
        ax.set(yticks=(), xticks=())
        ax.text(
            0.5, 0.5, "nothing was made anew: all was in the store", transform=ax.transAxes, ha="center", va="center"
        )
    return literal(ax)


def batch_timing(results: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """How well lines fit, a mark per film: its fastest line's rate, and how far off the worst of its lines starts.

    Films with flagged lines are crosses; of these, the :data:`NAMED` that are furthest out are named.

    Parameters
    ----------
    results : pandas.DataFrame
        See :func:`dubkit.batch.summary.read`.
    ax : Axes, optional
    """
    ax = new_axes(ax, (8, 4.5))
    ax.set(
        xlabel="rate of the fastest line (1 = natural)",
        ylabel="largest drift of a line (s)",
        title="How well lines fit, a mark per film: lower left is best",
    )
    if not {"largest_rate", "largest_drift", "flagged"} <= set(results):
        return ax
    films = results[(results["state"] == "done") & results["largest_rate"].notna()]
    flagged = films["flagged"] > 0
    for chosen, marker, colour, label in (
        (~flagged, "o", COLOURS[0], "no line flagged"),
        (flagged, "X", COLOURS[1], "some lines flagged"),
    ):
        some = films[chosen]
        if len(some):
            # Many films lie over one another.
            strength = 0.8 if len(films) < 200 else 0.3
            ax.scatter(
                some["largest_rate"], some["largest_drift"], marker=marker, color=colour, alpha=strength,
                label=f"{label} ({len(some)})", clip_on=False,
            )  # fmt: skip
    worst = films.assign(far=films["largest_drift"] + (films["largest_rate"] - 1).abs())
    worst = worst[flagged].nlargest(NAMED, "far")
    for film in worst.itertuples():
        ax.annotate(
            film.id, (film.largest_rate, film.largest_drift), xytext=(6, 4), textcoords="offset points", fontsize=8
        )
    if len(films):
        ax.margins(x=0.12)
        ax.set_ylim(0, max(0.1, films["largest_drift"].max()) * 1.15)
        ax.legend(loc="best", fontsize=8)
    ax.axvline(1, color="#999999", linewidth=0.8, linestyle=":")
    return literal(ax)

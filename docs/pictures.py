"""Draws the pictures of the README and the docs: ``python docs/pictures.py [STORE]``.

The pipeline is drawn from :data:`dubkit.run.PIPELINE` itself; with a store, the newest run in it gives the example of
timing.
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.patches import FancyBboxPatch

from dubkit import plots
from dubkit.overview import reopened
from dubkit.run import PIPELINE

HERE = Path(__file__).parent / "pictures"
PER_ROW = 4


def pipeline() -> None:
    """The eleven stages in reading order: what each does, what it reads, what it makes."""
    rows = -(-len(PIPELINE) // PER_ROW)
    fig, ax = plt.subplots(figsize=(11, 1.5 * rows + 0.2), layout="constrained")
    for number, step in enumerate(PIPELINE):
        row, column = divmod(number, PER_ROW)
        x, y = column * 3.0, -row * 1.6
        colour = plots.COLOURS[5] if step.task else "#DDDDDD"
        ax.add_patch(
            FancyBboxPatch((x, y), 2.4, 1.0, boxstyle="round,pad=0.08", fc=colour, ec="black", lw=0.8, alpha=0.6)
        )
        ax.text(x + 1.2, y + 0.72, f"{number + 1}  {step.name}", ha="center", va="center", weight="bold", fontsize=10)
        reads = ", ".join(step.reads)
        ax.text(x + 1.2, y + 0.38, _folded(reads), ha="center", va="center", fontsize=6.5, color="#333333")
        ax.text(x + 1.2, y + 0.04, f"makes {step.makes.__name__}", ha="center", va="center", fontsize=8, style="italic")
        if number + 1 < len(PIPELINE):
            end = (x + 2.92, y + 0.5) if column + 1 < PER_ROW else (1.2, y - 0.52)
            begin = (x + 2.48, y + 0.5) if column + 1 < PER_ROW else (x + 1.2, y - 0.08)
            style = "arc3" if column + 1 < PER_ROW else "angle,angleA=-90,angleB=0"
            if column + 1 < PER_ROW:
                ax.annotate("", end, begin, arrowprops={"arrowstyle": "->", "connectionstyle": style})
            else:
                ax.plot([begin[0], begin[0], 1.2], [begin[1], y - 0.32, y - 0.32], color="black", lw=1)
                ax.annotate("", (1.2, y - 0.54), (1.2, y - 0.31), arrowprops={"arrowstyle": "->"})
    ax.set(xlim=(-0.2, PER_ROW * 3 - 0.3), ylim=(-(rows - 1) * 1.6 - 0.2, 1.2))
    ax.axis("off")
    fig.savefig(HERE / "pipeline.svg", metadata={"Date": None})


def _folded(names: str) -> str:
    parts = names.split(", ")
    return "reads " + (names if len(parts) < 5 else ", ".join(parts[:4]) + ",\n" + ", ".join(parts[4:]))


def timing(store: str) -> None:
    """Source and dub of the newest run in a store."""
    ax = plots.timing(reopened("last", store).soundtrack)
    ax.figure.savefig(HERE / "timing.svg", metadata={"Date": None})


if __name__ == "__main__":
    plt.rcParams["svg.hashsalt"] = "dubkit"
    HERE.mkdir(exist_ok=True)
    pipeline()
    if len(sys.argv) > 1:
        timing(sys.argv[1])

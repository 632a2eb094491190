"""What came out of a batch: a table with a line per row, and a notebook that looks at the whole."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dubkit.batch import notebook
from dubkit.batch.ledger import Entry
from dubkit.certificate import FORMULAS
from dubkit.service.storage import whole
from dubkit.store import told

if TYPE_CHECKING:
    import pandas as pd
    from pandas.io.formats.style import Styler

COLUMNS = ("id", "video", "state", "reason", "attempts", "seconds")
STAGE = "stage_seconds."
NUMBERS = ("duration", "lines", "largest_rate", "largest_drift", "flagged")
"""Facts that are counted and drawn; a notebook of one's own may say something else under these names."""
SLOWEST = 10


def table(entries: Sequence[Entry]) -> pd.DataFrame:
    """A line per row: :data:`COLUMNS`, then the facts that notebooks said, nested ones as ``stage_seconds.translate``."""
    import pandas as pd

    rows = [
        {name: getattr(entry, name) for name in COLUMNS if name != "video"}
        | {"video": entry.payload["parameters"]["video"]}
        | {name: value for name, value in _flat(entry.result) if name not in COLUMNS}
        for entry in entries
    ]
    names = dict.fromkeys([*COLUMNS, *(name for row in rows for name in row)])
    return pd.DataFrame({name: _column([row.get(name) for row in rows]) for name in names})


def write(entries: Sequence[Entry], folder: Path) -> None:
    """Write ``results.csv``, ``results.parquet``, and ``summary.ipynb`` and ``.html``, which look at them; a table appears
    when it is whole.

    Raises
    ------
    OutOfSpace
        If they cannot be written there.
    """
    found = table(entries)
    with told(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with whole(folder / "results.csv") as part:
            _harmless(found).to_csv(part, index=False)
        with whole(folder / "results.parquet") as part:
            found.to_parquet(part, index=False)
        executed = notebook.execute(
            notebook.shipped("batch_summary.ipynb"),
            folder / "summary.ipynb",
            {"results": str((folder / "results.parquet").absolute())},
        )
        notebook.write_page(executed, folder / "summary.html")


def read(results: str | Path) -> pd.DataFrame:
    """The table of a batch that has ended, from its ``results.parquet``; what is no number among :data:`NUMBERS` and the
    stages' seconds is missing."""
    import pandas as pd

    found = pd.read_parquet(results)
    counted = [name for name in found if name in NUMBERS or name.startswith(STAGE)]
    return found.assign(**{name: pd.to_numeric(found[name], errors="coerce") for name in counted})


def counts(results: pd.DataFrame) -> pd.DataFrame:
    """One line of the whole batch: rows by state, attempts beyond the first, hours of work and of film."""
    import pandas as pd

    done = results[results["state"] == "done"]
    film = float(done["duration"].sum()) if "duration" in done else 0.0
    line = {
        "rows": len(results),
        "done": len(done),
        "failed": int((results["state"] == "failed").sum()),
        "tried again": int((results["attempts"] - 1).clip(lower=0).sum()),
        "hours of work": float(results["seconds"].sum()) / 3600,
        "hours of film": film / 3600,
        "work per film": float(done["seconds"].sum()) / film if film else None,
    }
    return pd.DataFrame([line])


def failures(results: pd.DataFrame) -> pd.DataFrame:
    """The rows that failed, with their reasons in full."""
    found = results[results["state"] == "failed"]
    return found[["id", "video", "attempts", "reason"]].reset_index(drop=True)


def stage_seconds(results: pd.DataFrame) -> pd.DataFrame:
    """Seconds that rows that are done spent in each stage, in order of the pipeline, and beside them all.

    Returns
    -------
    pandas.DataFrame
        Columns stage, total, median and share of the whole. ``overhead`` is what no stage accounts for: the notebook, its
        figures and pages, copying.
    """
    import pandas as pd

    from dubkit.run import PIPELINE

    done = results[results["state"] == "done"]
    stages = {s.name: done[STAGE + s.name].fillna(0.0) for s in PIPELINE if STAGE + s.name in done}
    if not stages:
        return pd.DataFrame(columns=["stage", "total", "median", "share"])
    rest = done["seconds"] - sum(stages.values())
    whole = float(done["seconds"].sum()) or 1.0
    return pd.DataFrame(
        [
            {"stage": name, "total": one.sum(), "median": one.median(), "share": one.sum() / whole}
            for name, one in {**stages, "overhead": rest.clip(lower=0.0)}.items()
        ]
    )


def slowest(results: pd.DataFrame, n_rows: int = SLOWEST) -> pd.DataFrame:
    """The rows that took longest, with the stage that took most of it."""
    found = results.sort_values("seconds", ascending=False).head(n_rows)
    stages = [name for name in found if name.startswith(STAGE)]
    if stages and len(found):
        spent = found[stages].fillna(0.0)
        found = found.assign(longest=spent.idxmax(axis=1).str.removeprefix(STAGE).where(spent.max(axis=1) > 0, ""))
    wanted = [name for name in ("id", "state", "seconds", "duration", "lines", "longest") if name in found]
    return found[wanted].reset_index(drop=True)


def shown(table: pd.DataFrame) -> Styler:
    """A table for notebooks, with all of its rows and texts; they are escaped."""
    texts = list(table.select_dtypes(include="str"))
    plain = table.style.hide(axis="index").format(escape="html", precision=3, na_rep="")
    left = {"text-align": "left"}
    return plain.set_properties(subset=texts, **left).set_table_styles([{"selector": "th", "props": [*left.items()]}])


def _flat(facts: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Facts with those inside groups under dotted names."""
    for name, value in facts.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield before + name, value


def _column(cells: Sequence[Any]) -> pd.Series:
    """Cells as one type, also where some are missing; those of several kinds, lists, and numbers that are too large become
    JSON."""
    import pandas as pd

    kinds = {type(cell) for cell in cells if cell is not None}
    if any(isinstance(cell, int) and abs(cell) >= 2**63 for cell in cells):
        kinds = {object}
    if kinds == {int}:
        return pd.Series(cells, dtype="Int64")
    if kinds == {bool}:
        return pd.Series(cells, dtype="boolean")
    if kinds and kinds <= {int, float}:
        return pd.Series(cells, dtype="float64")
    if not kinds <= {str}:
        cells = [None if cell is None else json.dumps(cell, ensure_ascii=False) for cell in cells]
    # Half characters, as of file names that are not UTF-8, fit in no table.
    cells = [cell and cell.encode("utf-8", "backslashreplace").decode() for cell in cells]
    return pd.Series(cells, dtype="str")


def _harmless(found: pd.DataFrame) -> pd.DataFrame:
    """Texts that a spreadsheet would take for formulas get an apostrophe."""
    return found.map(lambda cell: f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULAS) else cell)

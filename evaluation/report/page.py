"""The report: ``notebooks/evaluation_report.ipynb`` run through papermill, as one HTML page that needs nothing else."""

from __future__ import annotations

import html
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dubkit.errors import BadInput
from evaluation.results import ResultSet

if TYPE_CHECKING:
    from nbformat import NotebookNode

NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "evaluation_report.ipynb"
STYLE = Path(__file__).with_name("report.css")


def write(results: Sequence[Path], out: Path, *, store: Path, baseline: Path | None = None) -> Path:
    """Run the notebook over results and write the page.

    Parameters
    ----------
    results : sequence of Path
        Folders that hold results; the first is the one whose worst lines are shown.
    out : Path
        The HTML file.
    store : Path
        Where the sounds of the runs are kept.
    baseline : Path, optional
        Results that the first ones are held against.

    Raises
    ------
    BadInput
        If there are no results, a folder holds none, or the notebook is not there.
    """
    import papermill

    if not results:
        raise BadInput("There are no results to report: give at least one folder that `run` wrote.")
    for folder in [*results, *([baseline] if baseline else [])]:
        ResultSet.open(folder)
    if not NOTEBOOK.is_file():
        raise BadInput("The report's notebook is not here: run this from a checkout of dubkit.")
    parameters = {
        "results": [str(folder.absolute()) for folder in results],
        "baseline": str(baseline.absolute()) if baseline else "",
        "store": str(store.absolute()),
    }
    with tempfile.TemporaryDirectory() as scratch:
        done = papermill.execute_notebook(
            NOTEBOOK, Path(scratch) / "report.ipynb", parameters, progress_bar=False, cwd=str(NOTEBOOK.parents[1])
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(page(done, "How good the dubs are"), encoding="utf-8")
    return out


def page(notebook: NotebookNode, title: str) -> str:
    """An executed notebook's text and results, without its code, as a whole HTML page.

    Nothing is loaded from elsewhere: pictures and sounds are inside, and there are no scripts.
    """
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(
        template_name="basic", exclude_input=True, exclude_input_prompt=True, exclude_output_prompt=True
    )
    body, _ = exporter.from_notebook_node(notebook)
    return (
        "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{html.escape(title)}</title><style>{STYLE.read_text(encoding='utf-8')}</style></head>"
        f"<body><main>{body}</main></body></html>\n"
    )

"""The notebooks that do the work: where they are, what they can be given, and their execution on a warm kernel."""

from __future__ import annotations

import ast
import functools
import sysconfig
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dubkit.errors import BadInput, MissingModel
from dubkit.store import digest

if TYPE_CHECKING:
    from nbformat import NotebookNode

HOMES = (Path(__file__).parents[2] / "notebooks", Path(sysconfig.get_path("data")) / "share" / "dubkit" / "notebooks")
SHOWN = "injected-parameters"
KERNEL = {"kernel_name": "python3", "language": "python"}
"""What every notebook is executed with, whatever kernel it was written on; see :mod:`dubkit.batch.kernels`."""

# One thread executes all of a process's notebooks: the connection to a kernel belongs to a thread's event loop.
_thread = ThreadPoolExecutor(1, thread_name_prefix="notebook")


def shipped(name: str) -> Path:
    """A notebook that comes with dubkit: from the repository, else from where it was installed.

    Raises
    ------
    BadInput
        If it is in neither place.
    """
    for home in HOMES:
        if (home / name).is_file():
            return home / name
    raise BadInput(f"There is no notebook {name} in {' or '.join(map(str, HOMES))}. Install dubkit anew.")


def parameters(path: str | Path) -> dict[str, Any]:
    """The names that a notebook's parameters cell sets, with their values; None for those that are no plain values.

    Raises
    ------
    BadInput
        If there is no such notebook, it is not in Python, or it has no such cell with a ``video``.
    MissingModel
        If papermill is not installed.
    """
    _papermill()
    from papermill.translators import PythonTranslator

    found = _read(path)
    language = found.metadata.get("kernelspec", {}).get("language", "python")
    if "python" not in language.lower():
        raise BadInput(f"{str(path)!r} is a notebook in {language}. Batches execute notebooks in Python.")
    cells = [cell for cell in found.cells if "parameters" in cell.metadata.get("tags", [])]
    names = {one.name: _default(one.default) for one in PythonTranslator.inspect(cells[0])} if cells else {}
    if "video" not in names:
        raise BadInput(
            f"{str(path)!r} needs a cell with the tag 'parameters' that sets video; it sets: {sorted(names)}."
        )
    return names


def identity(path: str | Path) -> str:
    """A digest of a notebook's code: with other code, a row has another result."""
    return digest([cell.source for cell in _read(path).cells if cell.cell_type == "code"])


def _read(path: str | Path) -> NotebookNode:
    import nbformat

    if not Path(path).is_file():
        raise BadInput(f"There is no notebook {str(path)!r}. Give the path of one, or leave out --notebook.")
    try:
        found: NotebookNode = nbformat.read(path, as_version=4)
    except Exception as error:
        raise BadInput(f"{str(path)!r} is no notebook that can be read ({error}).") from error
    return found


def _default(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None


def execute(
    path: str | Path,
    out: Path,
    given: Mapping[str, Any],
    told: Callable[[str], None] = lambda note: None,
) -> NotebookNode:
    """Execute a notebook on this process's kernel, which stays.

    Parameters
    ----------
    path : path
        The notebook.
    out : Path
        Where the executed one goes, also where it fails.
    given : mapping
        Parameters.
    told : callable
        Is called with what :func:`dubkit.batch.tell` says in the notebook.

    Raises
    ------
    papermill.PapermillExecutionError
        If a cell fails.
    nbclient.exceptions.DeadKernelError
        If the kernel dies.
    """
    papermill = _papermill()
    import dubkit.batch.warm  # noqa: F401 - registers the engine

    work: Future[NotebookNode] = _thread.submit(
        papermill.execute_notebook,
        _plain(path),
        _plain(out),
        dict(given),
        engine_name="dubkit",
        **KERNEL,
        progress_bar=False,
        told=told,
    )
    # While the notebook is at work this process has nothing else to do.
    _exporter()
    return work.result()


def write_page(notebook: NotebookNode, path: Path) -> None:
    """An executed notebook as one HTML file that needs no other: the parameters given and the outputs, without the code."""
    copy = notebook.copy()
    copy.cells = [_tagged(cell) for cell in copy.cells]
    page, _ = _exporter().from_notebook_node(copy, {"metadata": {"name": path.stem}})
    path.write_text(page, encoding="utf-8")


@functools.cache
def _exporter() -> Any:
    """One for all pages: it takes a while to read its templates."""
    from nbconvert import HTMLExporter
    from traitlets.config import Config

    config = Config()
    config.HTMLExporter.exclude_input_prompt = True
    config.HTMLExporter.exclude_output_prompt = True
    # What these load from elsewhere is for formulas and widgets, which there are none of.
    config.HTMLExporter.mathjax_url = config.HTMLExporter.require_js_url = config.HTMLExporter.jquery_url = ""
    config.TagRemovePreprocessor.enabled = True
    config.TagRemovePreprocessor.remove_input_tags = {"code"}
    return HTMLExporter(config=config)


def _tagged(cell: Any) -> Any:
    tags = cell.metadata.get("tags", [])
    if cell.cell_type != "code" or SHOWN in tags:
        return cell
    cell = cell.copy()
    cell.metadata = cell.metadata | {"tags": [*tags, "code"]}
    return cell


def _plain(path: str | Path) -> str:
    """A path for papermill, which fills in what stands in braces."""
    return str(path).replace("{", "{{").replace("}", "}}")


def _papermill() -> Any:
    try:
        import papermill
    except ImportError as error:
        raise MissingModel(
            f"Batches need the Python package {error.name!r}, which is not installed. "
            "Install it with: pip install 'dubkit[batch]'"
        ) from error
    return papermill

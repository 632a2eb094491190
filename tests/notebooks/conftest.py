"""How notebooks are run in the tests: by papermill, on a small real film, with results kept in one store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import papermill
import pytest

from dubkit import Run

HOME = Path(__file__).parents[2] / "notebooks"


class Executed:
    """An executed notebook's outputs."""

    def __init__(self, notebook: Any) -> None:
        self.outputs = [o for cell in notebook.cells if cell.cell_type == "code" for o in cell.outputs]
        self.stderr = "".join(o.text for o in self.outputs if o.output_type == "stream" and o.name == "stderr")

    def of(self, kind: str) -> list[Any]:
        """All outputs of a MIME type, in order."""
        return [o.data[kind] for o in self.outputs if kind in o.get("data", {})]

    @property
    def figures(self) -> list[str]:
        """The pictures, as base64 PNG."""
        return self.of("image/png")

    @property
    def pages(self) -> list[str]:
        """The HTML outputs."""
        return self.of("text/html")

    @property
    def text(self) -> str:
        """Everything printed or shown as plain text or Markdown."""
        printed = "".join(o.text for o in self.outputs if o.output_type == "stream")
        return "\n".join([printed, *self.of("text/plain"), *self.of("text/markdown")])


@pytest.fixture
def execute(tmp_path: Path) -> Callable[..., Executed]:
    """``execute(name, **parameters)`` runs a notebook and gives back what it shows."""

    def run(name: str, **parameters: Any) -> Executed:
        target = tmp_path / f"{name}.done.ipynb"
        papermill.execute_notebook(
            HOME / f"{name}.ipynb", target, parameters, progress_bar=False, cwd=str(HOME), log_output=False
        )
        return Executed(nbformat.read(target, as_version=4))

    return run


@pytest.fixture(scope="session")
def dialogue() -> Path:
    """A woman and a man who talk over music, in Portuguese, with exact truth."""
    from data.samples import built

    return built("dialogue-pt").video


@pytest.fixture(scope="session")
def dubbed(dialogue: Path, shared_store: Path) -> Run:
    """The dialogue's run into English, done once for all notebooks that look at it."""
    return Run.open(dialogue, "en", profile="embedded", store=shared_store).until("combine")

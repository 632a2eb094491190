"""Every notebook runs through papermill on the real video, stripped of outputs, with its parameters cell in place."""

from pathlib import Path

import nbformat
import papermill
import pytest
from result_sets import full, line

HOME = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = ["evaluation_report.ipynb", "quickstart.ipynb"]


def test_every_notebook_is_tested():
    assert sorted(p.name for p in HOME.glob("*.ipynb")) == NOTEBOOKS


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebooks_are_stripped_and_have_parameters(name):
    notebook = nbformat.read(HOME / name, as_version=4)
    code = [c for c in notebook.cells if c.cell_type == "code"]
    assert all(not c.outputs and c.execution_count is None for c in code)
    assert [c.metadata.get("tags") for c in code].count(["parameters"]) == 1
    assert not any(line.startswith("def ") for c in code for line in c.source.splitlines())


def test_quickstart_dubs_the_film(talking_head, tmp_path, shared_store):
    parameters = {"video": str(talking_head), "store": str(shared_store), "settings": {"backends.translator": "pivot"}}
    done = papermill.execute_notebook(
        HOME / "quickstart.ipynb", tmp_path / "done.ipynb", parameters, progress_bar=False, cwd=str(HOME)
    )
    shown = [o for c in done.cells if c.cell_type == "code" for o in c.outputs]
    assert not [o for o in shown if o.output_type == "error"]
    assert sum("image/png" in o.get("data", {}) for o in shown) == 4
    pages = [o.data["text/html"] for o in shown if "text/html" in o.get("data", {})]
    assert any("Translation" in p and "Estados Unidos" in p for p in pages)
    assert any("<video" in p for p in pages)


def test_the_report_shows_results_without_sounds_oracles_or_a_baseline(tmp_path):
    full("embedded", wrong=2, lines={"film": [line("u001", text="Olá.")]}).save(tmp_path / "a")
    parameters = {"results": [str(tmp_path / "a")], "store": str(tmp_path)}
    done = papermill.execute_notebook(
        HOME / "evaluation_report.ipynb", tmp_path / "done.ipynb", parameters, progress_bar=False, cwd=str(HOME)
    )
    shown = [o for c in done.cells if c.cell_type == "code" for o in c.outputs]
    assert {o.output_type for o in shown} == {"display_data"}
    pages = [o.data["text/html"] for o in shown if "text/html" in o.data]
    assert "<td>tiny</td><td>embedded</td><td class='number'>0.200</td>" in pages[0]
    assert any("0.200 [0.200, 0.200]" in p and "↓ word errors per word" in p for p in pages)
    assert any("Olá." in p and "is not in the store any more" in p for p in pages)
    told = [o.data["text/markdown"] for o in shown if "text/markdown" in o.data]
    assert "None was given." in told and any("--oracles" in text for text in told)
    assert sum("image/png" in o.data for o in shown) == 4

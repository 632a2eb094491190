"""Every notebook has a test of its own beside this one, is stripped of outputs, and has its parameters cell in place."""

from pathlib import Path

import nbformat
import pytest

HOME = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = [
    "batch_summary.ipynb",
    "diarization.ipynb",
    "dub.ipynb",
    "evaluation_report.ipynb",
    "quickstart.ipynb",
    "soundtrack.ipynb",
    "synthesis.ipynb",
    "timing.ipynb",
    "transcription.ipynb",
    "translation.ipynb",
    "tune_diarization.ipynb",
    "tune_timing.ipynb",
    "tune_transcription.ipynb",
    "tune_translation.ipynb",
    "validation_and_separation.ipynb",
    "voices.ipynb",
]


def test_every_notebook_is_tested():
    assert sorted(p.name for p in HOME.glob("*.ipynb")) == NOTEBOOKS
    assert len(NOTEBOOKS) == 16
    tests = {p.name for p in Path(__file__).parent.glob("test_*_notebook.py")}
    assert tests == {f"test_{Path(name).stem}_notebook.py" for name in NOTEBOOKS}


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebooks_are_stripped_and_have_parameters(name):
    notebook = nbformat.read(HOME / name, as_version=4)
    code = [c for c in notebook.cells if c.cell_type == "code"]
    assert all(not c.outputs and c.execution_count is None for c in code)
    assert [c.metadata.get("tags") for c in code].count(["parameters"]) == 1
    assert not any(line.startswith("def ") for c in code for line in c.source.splitlines())

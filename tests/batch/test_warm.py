"""Notebooks on a kernel that stays: what it keeps, what it forgets, and when it is replaced."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import papermill
import psutil
import pytest
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError

from dubkit.batch import kernels, notebook
from dubkit.batch.outcome import PROGRESS, collected
from dubkit.errors import BadInput

SAY = "import os\nfrom dubkit import batch\n"


def written(path: Path, *cells: str, parameters: str = "video = ''") -> Path:
    made = [nbformat.v4.new_code_cell(parameters), *map(nbformat.v4.new_code_cell, cells)]
    made[0].metadata["tags"] = ["parameters"]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(nbformat.v4.new_notebook(cells=made, metadata=kernel), path)
    return path


@pytest.fixture
def execute(tmp_path: Path) -> Iterator[Callable[..., dict[str, Any]]]:
    """``execute(cell, ...)`` gives what the notebook said."""

    def run(*cells: str, told: Callable[[str], None] = lambda note: None) -> dict[str, Any]:
        path = written(tmp_path / "in.ipynb", *cells)
        return collected(notebook.execute(path, tmp_path / "{out}.ipynb", {"video": "a"}, told))

    yield run
    kernels.end()


PID = SAY + "batch.result(pid=os.getpid())"


def test_the_kernel_and_its_modules_stay_and_everything_else_is_forgotten(execute, tmp_path):
    first = execute(
        SAY + "import json, matplotlib.pyplot as plt",
        "json.kept = 'models stay'; plt.figure(); left = 1; os.chdir('/'); batch.result(pid=os.getpid())",
    )
    second = execute(
        SAY + "import json, matplotlib.pyplot as plt",
        "facts = {'left': 'left' in globals(), 'figures': len(plt.get_fignums()), 'kept': json.kept}\n"
        "batch.result(pid=os.getpid(), cwd=os.getcwd(), names=sorted(n for n in globals() if n == 'clear'), **facts)",
    )
    assert second == {
        "pid": first["pid"], "cwd": str(Path.cwd()), "names": [], "left": False, "figures": 0, "kept": "models stay",
    }  # fmt: skip
    assert nbformat.read(tmp_path / "{out}.ipynb", 4).cells[2].execution_count == 3


def test_a_notebook_that_fails_leaves_the_kernel_to_the_next(execute):
    first = execute(PID)
    with pytest.raises(PapermillExecutionError) as told:
        execute("from dubkit.errors import BadInput\nraise BadInput('No \"such\" {film}.')")
    assert (told.value.ename, told.value.evalue) == ("BadInput", 'No "such" {film}.')
    assert execute(PID) == first


def test_a_dead_kernel_is_told_and_replaced(execute, tmp_path):
    first = execute(PID)
    with pytest.raises(DeadKernelError):
        execute("print('begun')", "import os\nos.kill(os.getpid(), 9)")
    kept = nbformat.read(tmp_path / "{out}.ipynb", 4)
    assert any(o.get("text") == "begun\n" for c in kept.cells if c.cell_type == "code" for o in c.outputs)
    second = execute(PID)
    assert second["pid"] != first["pid"] and not psutil.pid_exists(first["pid"])
    os.kill(second["pid"], signal.SIGKILL)
    assert execute(PID)["pid"] not in (first["pid"], second["pid"])


def test_the_kernel_is_killed_in_the_middle_by_another_thread(execute):
    with pytest.raises(DeadKernelError):
        execute(
            SAY + "from dubkit.progress import Event\nimport time",
            "batch.tell(Event('asleep', 'started'))\ntime.sleep(60)",
            told=lambda note: kernels.kill(),
        )


def test_what_is_told_on_the_way_reaches_the_caller_and_not_the_notebook(execute, tmp_path):
    told: list[str] = []
    execute(
        SAY + "from dubkit.batch import outcome\nfrom dubkit.progress import Event",
        "batch.tell(Event('translate', 'started'))\n"
        "batch.tell(Event('translate', 'progress', 1, 3))\n"
        "outcome.PAUSE = 0\n"
        "batch.tell(Event('translate', 'progress', 2, 3))\n"
        "batch.tell(Event('translate', 'done'))\n"
        "print('shown')",
        told=told.append,
    )
    kernels.end()
    assert told == ["translate", "translate 2/3"]
    text = (tmp_path / "{out}.ipynb").read_text()
    assert PROGRESS not in text and "shown" in text


def test_results_are_added_up_and_must_be_plain(execute):
    said = execute(SAY + "batch.result(a=1, b={'c': [1.5]})", "batch.result(a=2, d=None)")
    assert said == {"a": 2, "b": {"c": [1.5]}, "d": None}
    with pytest.raises(PapermillExecutionError) as told:
        execute(SAY + "batch.result(a=float('nan'))")
    assert told.value.ename == "BadInput" and "plain values and finite numbers" in told.value.evalue


def test_papermill_itself_finds_the_engine(tmp_path, execute):
    path = written(tmp_path / "in.ipynb", PID)
    found = [collected(papermill.execute_notebook(path, None, engine_name="dubkit", progress_bar=False)) for _ in "ab"]
    assert found[0] == found[1]


def test_a_kernel_ends_with_its_process_also_where_that_is_killed(tmp_path):
    work = SAY + "from pathlib import Path\nPath(video).write_text(str(os.getpid()))\nwhile True: pass"
    path, out, pid = str(written(tmp_path / "in.ipynb", work)), str(tmp_path / "out.ipynb"), tmp_path / "pid"
    code = f"from dubkit.batch import notebook\nnotebook.execute({path!r}, {out!r}, {{'video': {str(pid)!r}}})"
    process = subprocess.Popen([sys.executable, "-c", code])
    end = time.monotonic() + 60
    while not (pid.exists() and pid.read_text()) and time.monotonic() < end:
        time.sleep(0.1)
    kernel = psutil.Process(int(pid.read_text()))
    process.kill()
    process.wait()
    kernel.wait(timeout=10)


def test_a_page_has_the_parameters_and_outputs_and_loads_nothing(tmp_path, execute):
    execute("secret_code = 1\nfrom IPython.display import HTML\nHTML('<b>bold</b>')")
    found = nbformat.read(tmp_path / "{out}.ipynb", 4)
    before = json.dumps(found)
    notebook.write_page(found, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert "<b>bold</b>" in page and "Parameters" in page and "secret_code" not in page
    assert "In&nbsp;[" not in page and "<title>page</title>" in page
    assert 'src="http' not in page
    assert json.dumps(found) == before


def test_every_notebook_is_executed_by_this_interpreter(tmp_path, monkeypatch):
    """Whatever kernel it was written on, and whatever is installed under the name python3."""
    spec = tmp_path / "jupyter" / "kernels" / "python3"
    spec.mkdir(parents=True)
    (spec / "kernel.json").write_text(
        json.dumps({"argv": ["/no/such/python"], "display_name": "x", "language": "python"})
    )
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    for kernel in ({"name": "conda-env-mine-py", "display_name": "Mine", "language": "python"}, None):
        path = written(tmp_path / "in.ipynb", "import sys\n" + SAY + "batch.result(python=sys.executable, video=video)")
        found = nbformat.read(path, 4)
        found.metadata = {"kernelspec": kernel} if kernel else {}
        nbformat.write(found, path)
        assert notebook.parameters(path) == {"video": ""}
        said = collected(notebook.execute(path, tmp_path / "out.ipynb", {"video": "a"}))
        kernels.end()
        assert said == {"python": sys.executable, "video": "a"}


def test_a_notebook_in_another_language_is_refused(tmp_path):
    path = written(tmp_path / "in.ipynb")
    path.write_text(path.read_text().replace('"language": "python"', '"language": "R"'))
    with pytest.raises(BadInput, match=r"is a notebook in R\. Batches execute notebooks in Python"):
        notebook.parameters(path)


def test_parameters_have_the_notebook_s_values(tmp_path):
    cell = "video = ''\nstrength: float = 1.5  # how much\nn = -3\nloud = False\ntags = [\n  'x',\n]\nout = Path('x')"
    names = notebook.parameters(written(tmp_path / "in.ipynb", parameters=cell))
    assert names == {
        "video": "", "strength": 1.5, "n": -3, "loud": False, "tags": ["x"], "out": None,
    }  # fmt: skip


def test_another_code_is_another_notebook_and_another_text_is_not(tmp_path):
    path = written(tmp_path / "in.ipynb", "a = 1")
    before = notebook.identity(path)
    found = nbformat.read(path, 4)
    found.cells.append(nbformat.v4.new_markdown_cell("# Words"))
    found.cells[1].outputs = [nbformat.v4.new_output("stream", text="shown")]
    nbformat.write(found, path)
    assert notebook.identity(path) == before
    assert notebook.identity(written(tmp_path / "in.ipynb", "a = 2")) != before


def test_a_notebook_without_parameters_is_refused(tmp_path):
    path = written(tmp_path / "in.ipynb", parameters="film = ''")
    with pytest.raises(BadInput, match=r"needs a cell with the tag 'parameters' that sets video; it sets: \['film'\]"):
        notebook.parameters(path)
    with pytest.raises(BadInput, match="There is no notebook"):
        notebook.parameters(tmp_path / "none.ipynb")
    (tmp_path / "bad.ipynb").write_text("no JSON")
    with pytest.raises(BadInput, match="is no notebook that can be read"):
        notebook.parameters(tmp_path / "bad.ipynb")


def test_notebooks_come_from_the_repository_else_from_where_they_were_installed(tmp_path, monkeypatch):
    assert notebook.shipped("dub.ipynb") == Path(__file__).parents[2] / "notebooks" / "dub.ipynb"
    (tmp_path / "dub.ipynb").touch()
    monkeypatch.setattr(notebook, "HOMES", (tmp_path / "none", tmp_path))
    assert notebook.shipped("dub.ipynb") == tmp_path / "dub.ipynb"
    with pytest.raises(BadInput, match=r"There is no notebook other\.ipynb in"):
        notebook.shipped("other.ipynb")

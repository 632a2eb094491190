"""JupyterLab as `make lab` starts it: it runs this environment, and its widgets are there."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The address of a running server, with its token as a header."""
    folder = tmp_path_factory.mktemp("lab")
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        "--allow-root",
        "--port=0",
        "--IdentityProvider.token=t",
    ]
    command += [f"--LabApp.workspaces_dir={folder}"]
    log = (folder / "log").open("w+")
    process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)
    try:
        address = None
        for _ in range(300):
            if found := re.search(r"http://[\w.]+:(\d+)/", (folder / "log").read_text()):
                address = f"http://127.0.0.1:{found[1]}"
                break
            time.sleep(0.2)
        assert address, (folder / "log").read_text()
        with httpx.Client(base_url=address, headers={"Authorization": "token t"}, timeout=30) as client:
            yield client
    finally:
        process.terminate()
        process.wait(20)
        log.close()


def test_the_kernel_of_the_notebooks_is_this_environment(lab):
    specs = lab.get("/api/kernelspecs").json()["kernelspecs"]
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        name = json.loads(path.read_text())["metadata"]["kernelspec"]["name"]
        assert name in specs
    # What is called python there is the server's own.
    assert specs["python3"]["spec"]["argv"][0] in ("python", sys.executable)
    kernel = lab.post("/api/kernels", json={"name": "python3"}).json()
    assert lab.get(f"/api/kernels/{kernel['id']}").json()["name"] == "python3"
    assert lab.delete(f"/api/kernels/{kernel['id']}").status_code == 204


def test_widgets_and_notebooks_are_there(lab):
    page = lab.get("/lab").text
    configuration = json.loads(re.search(r'id="jupyter-config-data"[^>]*>(.*?)</script>', page, re.S)[1])
    assert "@jupyter-widgets/jupyterlab-manager" in [e["name"] for e in configuration["federated_extensions"]]
    names = [one["name"] for one in lab.get("/api/contents/notebooks").json()["content"]]
    assert "quickstart.ipynb" in names

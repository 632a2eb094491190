"""Where results come from: complete, traceable and JSON-able."""

from __future__ import annotations

import json
import subprocess
import time

import pytest
from known_film import item

from dubkit.backends import registry
from dubkit.errors import MissingModel
from dubkit.settings import Settings, load
from evaluation import provenance, statistics
from evaluation.job import Job
from evaluation.provenance import machine, told
from evaluation.suites import Suite, SuiteItem
from evaluation.system import System

SUITE = Suite(id="tiny", title="", what="", judge="faster-whisper:x", items=(SuiteItem(sample="talk", target="pt"),))
SYSTEM = System("embedded", {"segment.max_length": 9}, name="short")


@pytest.fixture
def facts(talk, tmp_path, backends):
    settings = Settings().but({"backends.translator": "nllb:x"})
    jobs = [
        Job(item(talk), settings, given, "combine", "x", tmp_path) for given in (("diarize",), ("segment", "diarize"))
    ]
    return told(SUITE, SYSTEM, settings, jobs, time.time() - 3.0, 7)


def test_it_is_json_and_reads_back(facts):
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts


def test_models_are_told_by_their_fingerprints_and_the_judges_too(facts, backends):
    assert facts["models"] == {
        "separator": "Halver@1",
        "diarizer": "ToneDiarizer@1",
        "transcriber": "ToneTranscriber@1",
        "gender_classifier": "PitchClassifier@1",
        "translator": "Prefixer@1",
        "synthesizer": "ToneSynthesizer@1",
    }
    assert (facts["judge"], facts["judge_model"]) == ("faster-whisper:x", "ToneTranscriber@1")
    asked = {(task, spec) for task, spec, _ in backends.specs}
    assert {("translator", "nllb:x"), ("transcriber", "faster-whisper:x")} <= asked


def test_settings_can_be_had_again(facts):
    assert load(facts["settings"]) == Settings().but({"backends.translator": "nllb:x"})


def test_what_was_run_and_how_numbers_were_made(facts):
    assert (facts["suite"], facts["system"], facts["until"]) == ("tiny", "short", "combine")
    assert facts["given"] == ["diarize", "segment"]
    assert (facts["seed"], facts["resamples"], facts["level"]) == (7, statistics.RESAMPLES, statistics.LEVEL)
    assert facts["seconds"] == pytest.approx(3.0, abs=2.0)
    assert facts["command"][:3] == ["python", "-m", "evaluation"]
    assert set(facts["versions"]) >= {"python", "dubkit", "numpy"}
    began = time.strptime(facts["began"], "%Y-%m-%dT%H:%M:%SZ")
    assert time.strftime("%Y", began) >= "2024"


def test_the_machine():
    found = machine()
    assert set(found) == {"system", "processor", "cores", "memory_gigabytes", "gpu"}
    assert found["cores"] >= 1 and found["memory_gigabytes"] > 0.5
    assert found["processor"] == found["processor"].strip() != ""


def test_a_model_that_is_not_here_is_told_as_such(monkeypatch, facts):
    def none(task, spec, compute):
        raise MissingModel(f"{task} needs packages")

    monkeypatch.setattr(registry, "get", none)
    assert provenance._fingerprint("translator", "x", Settings()) == "not here: translator needs packages"


def test_the_commit_is_the_checkouts(facts):
    head = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()
    plain = facts["commit"].removesuffix("-dirty").rpartition("-g")[2]
    assert head.startswith(plain) and (plain or not head)


def test_outside_a_checkout_there_is_no_commit(monkeypatch):
    def none(*args, **kwargs):
        raise FileNotFoundError("git")

    monkeypatch.setattr(provenance.subprocess, "run", none)
    assert provenance._commit() == ""

"""The command line's own tables, answers for programs, and corrections."""

import json

import pytest
from typer.testing import CliRunner

from dubkit.cli import app


def call(*arguments):
    return CliRunner().invoke(app, list(map(str, arguments)))


@pytest.fixture(scope="module")
def dubbed(talking_head, shared_store, tmp_path_factory):
    """One dub through the command, answering in JSON."""
    out = tmp_path_factory.mktemp("out") / "film.mp4"
    options = ["--profile", "embedded", "--store", shared_store, "--out", out, "--json"]
    done = call("dub", talking_head, "--to", "Portuguese", *options)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout.splitlines()[-1]), done


def test_dub_tells_programs_where_and_what(dubbed):
    facts, done = dubbed
    assert (facts["source"], facts["target"], facts["picture"], facts["spoken"]) == ("en", "pt", "copied", True)
    events = [json.loads(line) for line in done.stderr.splitlines()]
    assert [e["stage"] for e in events if e["status"] in ("done", "reused")][-1] == "combine"


def test_subtitles_lie_beside_the_film(dubbed, tmp_path):
    from pathlib import Path

    out = Path(dubbed[0]["out"])
    assert sorted(p.name for p in out.parent.iterdir()) == [
        "film.en.srt", "film.en.vtt", "film.mp4", "film.srt", "film.vtt",
    ]  # fmt: skip


def test_show_timing_lists_the_certificates_and_writes_them(dubbed, shared_store, tmp_path):
    run = dubbed[0]["run"]
    done = call("show", run, "--timing", "--store", shared_store)
    assert done.exit_code == 0
    assert "u0001" in done.stdout and "adherent" in done.stdout and "reason" in done.stdout
    told = json.loads(call("show", run, "--timing", "--json", "--store", shared_store).stdout)
    assert [line["id"] for line in told] == sorted(line["id"] for line in told)
    assert {"slot_start", "start", "rate", "borrowed", "drift", "candidate", "reason", "flag"} <= set(told[0])
    out = tmp_path / "timing.csv"
    assert call("show", run, "--out", out, "--store", shared_store).stdout.strip() == str(out)
    assert len(out.read_text().splitlines()) == len(told) + 1
    refused = call("show", run, "--out", tmp_path / "timing.txt", "--store", shared_store)
    assert refused.exit_code == 2


def test_show_lists_the_stages(dubbed, shared_store):
    done = call("show", dubbed[0]["run"], "--store", shared_store)
    assert done.exit_code == 0
    for stage in ("validate", "detect_gender", "combine"):
        assert stage in done.stdout
    assert call("show", "no-such-run", "--store", shared_store).exit_code == 2


def test_edit_is_kept_until_the_next_dub(dubbed, shared_store, talking_head, tmp_path):
    run = dubbed[0]["run"]
    assert call("edit", run, "translate", "u0001", "Bom dia.", "--store", shared_store).exit_code == 0
    try:
        done = call("run", talking_head, "--to", "pt", "--until", "translate", "--store", shared_store, "--json",
                    "--profile", "embedded")  # fmt: skip
        assert json.loads(done.stdout.splitlines()[-1])["artefact"]["lines"][0]["text"] == "Bom dia."
        assert "corrected by hand: translate: u0001" in call("show", run, "--store", shared_store).stdout
        assert call("edit", run, "translate", "u9999", "x", "--store", shared_store).exit_code == 2
    finally:
        from dubkit.overview import reopened

        reopened(run, shared_store).reset("translate")


def test_run_stops_at_a_stage(talking_head, tmp_path):
    arguments = ["run", talking_head, "--until", "validate", "--store", tmp_path / "store", "--to", "pt"]
    done = call(*arguments, "--profile", "embedded", "--json")
    assert json.loads(done.stdout.splitlines()[-1])["artefact"]["duration"] == pytest.approx(8.713, abs=0.01)
    assert not (tmp_path / "store" / "separate").exists()
    assert call(*arguments[:3], "everything", *arguments[4:]).exit_code == 2


def test_models_tell_size_licence_and_presence():
    done = call("models", "--profile", "embedded", "--json")
    assert done.exit_code == 0
    cards = {c["model"]: c for c in json.loads(done.stdout)["models"]}
    assert cards["whisper-base"]["licence"] == "MIT" and cards["kokoro"]["licence"] == "Apache-2.0"
    assert all(c["present"] for c in cards.values())
    assert "kokoro" in call("models", "--profile", "embedded").stdout


def test_languages_tell_how_good_and_whose_voices():
    rows = json.loads(call("languages", "--profile", "embedded", "--json").stdout)
    pairs = {(r["from"].split()[0], r["to"].split()[0]): r for r in rows}
    assert pairs["en", "pt"]["translation"] == "good"
    assert "female" in pairs["en", "pt"]["voices"]
    assert "Portuguese" in call("languages", "--profile", "embedded").stdout
    few = json.loads(call("languages", "--profile", "embedded", "--from", "English", "--to", "pt", "--json").stdout)
    assert few == [pairs["en", "pt"]]
    assert call("languages", "--to", "Klingonese").exit_code == 2


def test_models_of_the_hub_are_told_with_their_size_and_how_to_bring_them():
    done = call("models", "--profile", "hub", "--to", "pt", "--to", "German", "--json")
    cards = {c["model"]: c for c in json.loads(done.stdout)["models"]}
    assert done.exit_code == 4
    assert cards["openai/whisper-large-v3"]["megabytes"] == "3090"
    assert cards["facebook/nllb-200-3.3B"]["note"] == "non-commercial use only"
    assert {"facebook/mms-tts-por", "facebook/mms-tts-deu"} <= set(cards)
    assert cards["facebook/mms-tts-deu"]["fetch"].startswith("hf download facebook/mms-tts-deu")
    assert "the same command with --fetch brings them" in call("models", "--profile", "hub").stdout


def test_fetching_tells_each_model_that_could_not_be_had(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    chosen = ["--profile", "hub", "--set", "backends.diarizer=pyannote:packaged", "--to", "pt"]
    done = call("models", *chosen, "--fetch", "--json")
    failures = json.loads(done.stdout.splitlines()[-1])["failures"]
    assert done.exit_code == 4
    assert [f.split()[2] for f in failures] == [
        "openai/whisper-large-v3",
        "facebook/nllb-200-3.3B",
        "facebook/mms-tts-por",
    ]


def test_errors_are_data_for_programs(tmp_path):
    done = call("dub", tmp_path / "none.mp4", "--to", "pt", "--json", "--store", tmp_path / "store")
    assert done.exit_code == 2
    assert json.loads(done.stdout)["exit_code"] == 2

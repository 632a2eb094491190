"""The evaluation's commands: what they print, what they refuse, and their exit codes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from result_sets import full
from typer.testing import CliRunner

from evaluation import cli, guard, harness
from evaluation.cli import app, slug
from evaluation.report import publish
from evaluation.scoring import MEASURES
from evaluation.suites import Suite, suites

RTTM = "SPEAKER f 1 0.000 5.000 <NA> <NA> ana <NA> <NA>\n"


def call(*arguments):
    return CliRunner().invoke(app, list(map(str, arguments)), env={"COLUMNS": "200"})


@pytest.fixture
def runs(monkeypatch):
    """What was asked to be run, instead of a run; the next results are taken from ``results``."""

    class Runs(list):
        def __init__(self):
            super().__init__()
            self.results = []

    asked = Runs()

    def run(suite, system, store, *, workers, watch):
        asked.append((suite.id, system, store, workers))
        return asked.results.pop(0)

    monkeypatch.setattr(harness, "run", run)
    return asked


def test_suites_lists_all_with_their_films(monkeypatch):
    done = call("suites")
    assert done.exit_code == 0, done.output
    for name in suites():
        assert f"\n{name}: " in "\n" + done.stdout
    assert "dialogue-pt>en" in done.stdout


def test_measures_lists_all():
    done = call("measures")
    assert done.exit_code == 0
    shown = [row.split()[0] for row in done.stdout.splitlines()[1:]]
    assert shown == [m.name for m in MEASURES]


class TestRun:
    def test_results_are_saved_by_suite_and_system_and_printed(self, runs, tmp_path):
        runs.results = [full("embedded", wrong=2)]
        done = call("run", "guard", "--store", tmp_path / "store", "--out", tmp_path / "out", "--workers", 2)
        assert done.exit_code == 0, done.output
        ((suite, system, store, workers),) = runs
        assert (suite, system.label, store, workers) == ("guard", "embedded", tmp_path / "store", 2)
        assert (tmp_path / "out" / "guard" / "embedded" / "result.json").is_file()
        row = next(x for x in done.stdout.splitlines() if x.strip().startswith("asr.wer"))
        assert row.split() == ["asr.wer", "0.200", "0.200", "..", "0.200", "10", "ratio", "lower"]

    def test_settings_name_and_given_stages_make_the_system(self, runs, tmp_path):
        runs.results = [full("x")]
        call(
            "run",
            "guard",
            "--set",
            "diarize.n_speakers=3",
            "--given",
            "diarize",
            "--name",
            "three: a/b",
            "--out",
            tmp_path,
        )
        (system,) = (one[1] for one in runs)
        assert (system.changes, system.given, system.label) == ({"diarize.n_speakers": "3"}, ("diarize",), "three: a/b")
        (made,) = (tmp_path / "guard").iterdir()
        assert made.name.startswith("three_a_b-")

    def test_an_item_that_failed_makes_the_exit_code_1_and_the_rest_is_kept(self, runs, tmp_path):
        runs.results = [full("embedded", errors={"other": "no speech"})]
        assert call("run", "guard", "--out", tmp_path).exit_code == 1
        assert (tmp_path / "guard" / "embedded" / "result.json").is_file()

    def test_an_unknown_suite_is_refused_with_those_that_there_are(self, runs):
        done = call("run", "gaurd")
        assert done.exit_code == 2 and not runs
        for name in suites():
            assert name in done.stderr
        assert "Traceback" not in done.output

    @pytest.mark.parametrize("options", [(), ("--from", "es"), ("--to", "en")])
    def test_a_folder_of_sounds_needs_both_languages(self, runs, tmp_path, options):
        done = call("run", f"audiofolder:{tmp_path}", *options)
        assert done.exit_code == 2 and "--from and --to" in done.stderr and not runs

    def test_an_unknown_setting_is_refused_before_films_are_built(self, monkeypatch):
        monkeypatch.setattr(Suite, "load", lambda suite: pytest.fail("was loaded"))
        done = call("run", "guard", "--set", "diarize.speakers=3")
        assert done.exit_code == 2 and "n_speakers" in done.stderr


class TestCompare:
    def test_what_differs_is_told_with_a_verdict(self, tmp_path):
        full("a", wrong=3).save(tmp_path / "a")
        full("b", wrong=1).save(tmp_path / "b")
        done = call("compare", tmp_path / "a", tmp_path / "b")
        assert done.exit_code == 0 and done.stdout.startswith("tiny: A is a, B is b\n")
        row = next(x for x in done.stdout.splitlines() if x.strip().startswith("asr.wer")).split()
        assert row[:4] == ["asr.wer", "0.300", "0.100", "-0.200"] and row[-1] == "better"

    def test_other_suites_and_folders_without_results_are_refused(self, tmp_path):
        full("a").save(tmp_path / "a")
        full("b", suite="other").save(tmp_path / "b")
        done = call("compare", tmp_path / "a", tmp_path / "b")
        assert done.exit_code == 2 and "different suites" in done.stderr
        assert call("compare", tmp_path / "a", tmp_path / "none").exit_code == 2


class TestGuard:
    def ask(self, tmp_path, *more):
        return call("guard", "--baseline", tmp_path / "base.json", "--out", tmp_path, *more)

    @pytest.fixture
    def baseline(self, tmp_path):
        kept = guard.baseline_of(full("embedded", wrong=2), MEASURES)
        guard.write(kept, full("embedded"), tmp_path / "base.json")
        return kept

    def test_what_holds_passes(self, runs, tmp_path, baseline):
        runs.results = [full("embedded", wrong=2)]
        done = self.ask(tmp_path)
        assert (done.exit_code, done.stdout) == (0, f"All {len(baseline)} scores hold.\n")

    def test_what_has_fallen_is_named_and_fails(self, runs, tmp_path, baseline):
        runs.results = [full("embedded", wrong=4)]
        done = self.ask(tmp_path)
        assert done.exit_code == 1
        assert "asr.wer: was 0.200, is 0.400" in done.stdout and "end_to_end.asr_chrf" in done.stdout
        assert "timing.onset" not in done.stdout

    def test_an_item_that_failed_fails(self, runs, tmp_path, baseline):
        runs.results = [full("embedded", wrong=2, errors={"other": "no speech"})]
        done = self.ask(tmp_path)
        assert done.exit_code == 1 and "other failed: no speech" in done.stdout

    def test_without_a_baseline_nothing_is_run(self, runs, tmp_path):
        done = self.ask(tmp_path)
        assert done.exit_code == 2 and "--update" in done.stderr and not runs

    def test_update_makes_the_baseline(self, runs, tmp_path):
        runs.results = [full("embedded", wrong=2)]
        assert self.ask(tmp_path, "--update").exit_code == 0
        assert {k.measure: k.value for k in guard.read(tmp_path / "base.json")}["asr.wer"] == pytest.approx(0.2)

    def test_no_baseline_is_made_of_failures(self, runs, tmp_path):
        runs.results = [full("embedded", errors={"other": "no speech"})]
        assert self.ask(tmp_path, "--update").exit_code == 2
        assert not (tmp_path / "base.json").exists()


def test_score_prints_the_scores_of_two_files(tmp_path):
    (tmp_path / "a.rttm").write_text(RTTM)
    (tmp_path / "b.rttm").write_text(RTTM.replace("5.000", "4.000"))
    done = call("score", tmp_path / "a.rttm", tmp_path / "b.rttm")
    row = next(x for x in done.stdout.splitlines() if x.strip().startswith("diarization.der")).split()
    assert (done.exit_code, row[1]) == (0, "0.200")
    assert call("score", tmp_path / "a.rttm", tmp_path / "none.rttm").exit_code == 2


def test_publish_names_the_files_that_it_wrote(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(publish, "publish", lambda results: seen.extend(results) or [tmp_path / "README.md"])
    full("embedded").save(tmp_path / "a")
    done = call("publish", tmp_path / "a")
    assert (done.exit_code, done.stdout) == (0, f"{tmp_path / 'README.md'}\n")
    assert [r.system for r in seen] == ["embedded"]
    assert call("publish", tmp_path / "none").exit_code == 2


def test_report_refuses_what_holds_no_results(tmp_path):
    done = call("report", tmp_path / "none", "--out", tmp_path / "report.html")
    assert done.exit_code == 2 and "holds no results" in done.stderr


def test_damage_of_an_unknown_sample_is_refused():
    done = call("damage", "--sample", "nothing>en")
    assert done.exit_code == 2 and "dialogue-pt>en" in done.stderr


class TestSlug:
    @pytest.mark.parametrize("plain", ["embedded", "embedded-2", "a=1", "v1.5"])
    def test_plain_names_stay(self, plain):
        assert slug(plain) == plain

    @given(st.text(max_size=200))
    def test_a_name_is_one_folder_of_any_file_system(self, label):
        made = slug(label)
        assert made and len(made) <= cli.LONGEST + 7 and not made.startswith(".")
        assert not set(made) - set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.=_+-")

    @given(st.text(max_size=80), st.text(max_size=80))
    def test_unlike_names_are_unlike_folders(self, one, other):
        assert (slug(one) == slug(other)) == (one == other)

    def test_long_names_and_odd_ones_differ_though_they_are_cut(self):
        assert slug("x" * 100 + "a") != slug("x" * 100 + "b")
        assert slug("a/b") != slug("a b") != slug("a_b")

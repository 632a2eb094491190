"""One item through the pipeline and past the judges."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from builders import transcript
from known_film import item, truth, write_stems
from stand_ins import ToneSynthesizer

from dubkit import voice_prints
from dubkit.progress import Event
from dubkit.settings import Settings
from evaluation import job
from evaluation.job import STAGES, Job, evidence_of, perform, units
from evaluation.judging import quality_model
from evaluation.metrics.quality import Rating


@pytest.fixture
def known(talk, tmp_path, backends, monkeypatch):
    """The film, on stand-ins for all models and judges."""
    monkeypatch.setattr(quality_model, "rated", lambda sounds, rate: [Rating(3.0, 4.0, 3.5)] * len(sounds))
    monkeypatch.setattr(voice_prints, "prints", lambda sounds, rate: np.eye(4)[: len(sounds)])
    return item(talk, write_stems(tmp_path / "stems"))


def job_of(one, store: Path, given=(), until="combine", **changes) -> Job:
    return Job(one, Settings().but(changes), given, until, "judge", store)


def test_all_that_is_known_after_a_run(known, store):
    events: list[Event] = []
    found = evidence_of(job_of(known, store), events.append)
    assert found.film == found.dub.video.path
    assert [x.unit for x in found.dubbedlines.lines] == ["u001", "u002", "u003"]
    assert found.reading.model == "ToneTranscriber@1"
    assert [x.id for x in found.appraisal.lines] == [x.id for x in found.dubbedlines.lines]
    assert set(found.records) == set(STAGES[:-3])
    assert found.source_sound == found.tracks.full
    ended = [e.stage for e in events if e.status in ("done", "reused")]
    assert ended == list(STAGES)


def test_a_run_that_ends_early_has_no_judges(known, store, backends):
    found = evidence_of(job_of(known, store, until="diarize"))
    assert found.turns is not None and found.segments is None and found.screening is None and found.film is None
    assert set(found.records) == {"validate", "separate", "diarize"}


def test_what_the_truth_replaced_has_no_record_and_no_score(known, store):
    given = ("separate", "diarize", "segment", "transcribe", "detect_gender", "translate")
    found = perform(job_of(known, store, given), lambda event: None)
    assert found.error == ""
    tasks = {s.measure.partition(".")[0] for s in found.samples}
    assert not tasks & {"asr", "cpwer", "words", "language", "diarization", "translation", "meaning"}
    assert tasks >= {"timing", "intelligibility", "end_to_end", "quality", "voices", "loudness", "cost"}
    assert "cost.translate_rtf" not in {s.measure for s in found.samples}
    assert "gender.accuracy" not in {s.measure for s in found.samples}


def test_the_judge_is_the_suites_whatever_the_runs_own_is(known, store, backends):
    evidence_of(job_of(known, store, **{"backends.transcriber": "own", "backends.gender_classifier": "mine"}))
    asked = {(task, spec) for task, spec, _ in backends.specs}
    assert {("transcriber", "own"), ("transcriber", "judge")} <= asked
    assert {("gender_classifier", "mine"), ("gender_classifier", "voice-gender")} <= asked


def test_lines_and_samples_carry_the_truths_ids(known, store):
    found = perform(job_of(known, store), lambda event: None)
    ids = {"u001", "u002", "u003"}
    assert {line["unit"] for line in found.lines} == ids
    by_line = ("asr.", "translation.", "intelligibility.", "end_to_end.", "timing.onset", "quality.", "gender.dub_")
    assert {s.unit for s in found.samples if s.measure.startswith(by_line)} == ids
    assert {s.unit.partition("/")[0] for s in found.samples if s.measure == "clicks.joins"} == ids


class TestFailing:
    def test_a_film_that_is_not_there_is_told_in_a_sentence(self, known, tmp_path):
        gone = dataclasses.replace(known, video=tmp_path / "gone.mp4")
        found = perform(job_of(gone, tmp_path / "store"), lambda event: None)
        assert (found.item, found.samples, found.lines) == ("talk>pt", (), ())
        assert found.error.startswith("There is no file") and "Traceback" not in found.error
        assert found.seconds > 0

    def test_a_model_that_breaks_down_names_the_stage(self, known, tmp_path, backends):
        backends.renew(synthesizer=ToneSynthesizer(breaks_after=1))
        found = perform(job_of(known, tmp_path / "store"), lambda event: None)
        assert "The stage synthesize failed: BrokeDownError: out of memory" in found.error

    def test_a_mistake_in_the_harness_is_told_with_its_place(self, known, store, monkeypatch):
        def broken(evidence):
            return 1 / 0

        monkeypatch.setattr(job, "samples_of", broken)
        found = perform(job_of(known, store), lambda event: None)
        assert found.error.startswith("ZeroDivisionError: division by zero\n")
        assert "in broken" in found.error

    def test_an_interrupt_is_no_failure(self, known, store, monkeypatch):
        def stop(event):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            perform(job_of(known, store), stop)


class TestUnits:
    def test_each_line_stands_for_the_sentence_that_it_mostly_lies_in(self, talk):
        lines = transcript(("S1", 0.4, 1.2, "a"), ("S1", 1.2, 2.6, "b"), ("S2", 2.7, 5.5, "c"), ("S1", 5.8, 6.0, "d"))
        assert units(lines, item(talk)) == {"u0001": "u001", "u0002": "u001", "u0003": "u002", "u0004": "u003"}

    def test_without_a_truth_a_line_is_its_own(self, talk):
        assert units(transcript(("S1", 0, 1, "a")), dataclasses.replace(item(talk), truth=None)) == {}

    def test_a_truth_in_which_nobody_speaks(self, talk):
        silent = truth().but(utterances=(), turns=(), translations={})
        assert units(transcript(("S1", 0, 1, "a")), item(talk, known=silent)) == {"u0001": "u0001"}

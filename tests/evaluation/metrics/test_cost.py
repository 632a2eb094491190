"""What a film took, by hand."""

import math

import numpy as np
import pytest

from dubkit.errors import BadInput
from evaluation.metrics import cost
from evaluation.statistics import pooled

RECORDS = {
    "synthesize": {"seconds": 30.0, "model_seconds": 25.0, "peak_megabytes": 900, "warnings": []},
    "transcribe": {"seconds": 10.0, "model_seconds": 9.5, "peak_megabytes": 700},
}


def value(samples, measure):
    return float(pooled(np.array([s.parts for s in samples if s.measure == measure.name]), measure.pool))


def test_seconds_of_work_per_second_of_film():
    found = cost.score(RECORDS, 80.0)
    assert (found.rtf, found.model_rtf, found.peak_megabytes) == (0.5, 34.5 / 80, 900)
    assert [s.stage for s in found.stages] == ["transcribe", "synthesize"]
    samples = found.samples()
    assert value(samples, cost.RTF) == found.rtf
    assert value(samples, cost.MODEL_RTF) == found.model_rtf
    assert value(samples, cost.PEAK) == 900
    assert value(samples, cost.STAGE_RTF["synthesize"]) == 30 / 80


def test_films_add_up():
    short, long = cost.score(RECORDS, 80.0), cost.score({"transcribe": RECORDS["transcribe"]}, 920.0)
    both = short.samples() + long.samples()
    assert value(both, cost.RTF) == 50 / 1000
    assert value(both, cost.STAGE_RTF["transcribe"]) == 20 / 1000


def test_there_is_a_measure_for_each_stage_of_the_pipeline():
    assert len(cost.STAGES) == 11
    assert {f"cost.{stage}_rtf" for stage in cost.STAGES} < {m.name for m in cost.MEASURES}


def test_stages_without_a_record_have_no_samples():
    found = {s.measure for s in cost.score(RECORDS, 80.0).samples()}
    assert "cost.diarize_rtf" not in found and "cost.transcribe_rtf" in found


@pytest.mark.parametrize(
    ("records", "duration", "told"),
    [
        ({}, 10.0, "no records"),
        ({"mumble": RECORDS["transcribe"]}, 10.0, "no stage 'mumble'"),
        ({"transcribe": {}}, 10.0, "None for seconds"),
        ({"transcribe": {**RECORDS["transcribe"], "seconds": -1}}, 10.0, "-1 for seconds"),
        ({"transcribe": {**RECORDS["transcribe"], "peak_megabytes": math.nan}}, 10.0, "nan for peak_megabytes"),
        (RECORDS, 0.0, "length in seconds"),
    ],
)
def test_what_is_no_cost_is_refused(records, duration, told):
    with pytest.raises(BadInput, match=told):
        cost.score(records, duration)

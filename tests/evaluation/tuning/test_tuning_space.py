"""What a sweep tries, and what it refuses to."""

from __future__ import annotations

import math

import pytest
from result_sets import CHRF, WER

from dubkit.errors import BadInput
from dubkit.settings import Settings
from evaluation.tuning import space

BASE = Settings()


def test_a_grid_is_every_combination_once_in_the_settings_own_types() -> None:
    found = space.grid({"transcribe.beam_size": ["1", 5, 1], "diarize.threshold": ["none", 0.5]}, BASE)
    assert found == [
        {"transcribe.beam_size": 1, "diarize.threshold": None},
        {"transcribe.beam_size": 1, "diarize.threshold": 0.5},
        {"transcribe.beam_size": 5, "diarize.threshold": None},
        {"transcribe.beam_size": 5, "diarize.threshold": 0.5},
    ]


def test_a_settings_value_is_found_by_its_dotted_name() -> None:
    assert space.value_of(BASE, "synthesize.timing.fastest") == 1.25
    assert space.fitted({"synthesize.timing.fastest": "1.5"}, BASE) == {"synthesize.timing.fastest": 1.5}


@pytest.mark.parametrize(
    ("asked", "until", "complaint"),
    [
        ({}, "combine", "nothing to try"),
        ({"diarize.threshold": []}, "diarize", "give a list of values to try"),
        ({"diarize.threshold": 0.5}, "diarize", "give a list of values to try, not 0.5"),
        ({"backends.diarizer": "pyannote"}, "diarize", "give a list of values to try"),
        ({"diarize.treshold": [0.5]}, "diarize", "no setting 'diarize.treshold'.*threshold"),
        ({"diarize.threshold": [0.5, 3]}, "diarize", "do not fit: diarize.threshold"),
        ({"diarize.threshold": (0.3, 0.7)}, "diarize", "a range, which only search='optuna'"),
        ({"backends.diarizer": ["nobody"]}, "diarize", "nobody"),
        ({"transcribe.beam_size": [1]}, "diarize", "works after 'diarize'.*a later measure"),
        ({"backends.transcriber": ["faster-whisper"]}, "diarize", "works after 'diarize'"),
        ({"compute.threads": [1, 2]}, "combine", "changes no result"),
    ],
)
def test_what_cannot_be_tried_is_refused_at_once(asked: dict[str, object], until: str, complaint: str) -> None:
    with pytest.raises(BadInput, match=complaint):
        space.validate(asked, BASE, until, ranges=False)  # type: ignore[arg-type]


@pytest.mark.parametrize("values", [(0.7, 0.3), (0.3, 0.5, 0.7), ("a", "b"), (0.5, 0.5)])
def test_a_range_has_two_ends(values: tuple[object, ...]) -> None:
    with pytest.raises(BadInput, match=r"a range is \(low, high\)"):
        space.validate({"synthesize.length_weight": values}, BASE, "combine", ranges=True)


def test_what_can_be_tried_passes() -> None:
    asked = {"diarize.threshold": (0.3, 0.7), "backends.transcriber": ["faster-whisper"]}
    space.validate(asked, BASE, "transcribe", ranges=True)


def test_the_optimiser_finds_a_valley_with_few_questions_and_the_same_ones_every_time() -> None:
    def asked_for(measure: object, sign: int) -> list[space.Values]:
        asked: list[space.Values] = []

        def score(values: space.Values) -> float:
            asked.append(values)
            return sign * (values["synthesize.length_weight"] - 3.0) ** 2

        allowed = {"synthesize.length_weight": (0.0, 10.0), "transcribe.beam_size": (1, 20), "segment.padding": [0.1]}
        space.search(allowed, measure, BASE, 25, score)  # type: ignore[arg-type]
        return asked

    lowest, highest = asked_for(WER, 1), asked_for(CHRF, -1)
    assert len(lowest) == 25 and lowest == asked_for(WER, 1)
    for asked in (lowest, highest):
        assert min(abs(v["synthesize.length_weight"] - 3.0) for v in asked) < 0.3
    assert all(isinstance(v["transcribe.beam_size"], int) and v["segment.padding"] == 0.1 for v in lowest)


def test_the_optimiser_goes_on_after_a_failure() -> None:
    asked: list[float] = []

    def score(values: space.Values) -> float:
        asked.append(values["synthesize.length_weight"])
        return math.nan if len(asked) % 2 else 1.0

    space.search({"synthesize.length_weight": (0.0, 1.0)}, WER, BASE, 6, score)
    assert len(asked) == 6

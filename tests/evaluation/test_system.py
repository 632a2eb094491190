"""Systems: what they are called, what they set, and their oracles."""

from __future__ import annotations

import dataclasses

import pytest
from known_film import item, write_stems

from dubkit.errors import BadInput
from dubkit.settings import profile
from evaluation.suites import REPLACEABLE
from evaluation.system import System

EMBEDDED = System("embedded")


@pytest.mark.parametrize(
    ("system", "label"),
    [
        (System(), "default"),
        (System("embedded"), "embedded"),
        (System("some/where/own.toml"), "own"),
        (System("hub", {"b.c": 2, "a.b": 1}, ("diarize",)), "hub a.b=1 b.c=2 true:diarize"),
        (System("hub", {"a.b": 1}, name="mine"), "mine"),
    ],
)
def test_is_called_by_what_it_is(system, label):
    assert system.label == label


def test_settings_are_the_profiles_with_the_changes():
    found = System("embedded", {"segment.max_length": 9}).settings
    assert found == profile("embedded")[0].but({"segment.max_length": 9})
    with pytest.raises(BadInput, match="no setting"):
        assert System("embedded", {"segment.colour": 9}).settings


def test_once_for_each_stage_that_all_items_know(suite, talk, tmp_path):
    whole = item(talk, write_stems(tmp_path / "stems"))
    bare = dataclasses.replace(item(talk, tmp_path), id="bare>pt", given=("segment",))
    found = EMBEDDED.oracles(suite(whole, bare))
    assert [(s.label, s.given) for s in found] == [
        ("embedded true:diarize", ("diarize",)),
        ("embedded true:transcribe", ("transcribe",)),
        ("embedded true:detect_gender", ("detect_gender",)),
        ("embedded true:translate", ("translate",)),
        ("embedded true:all", ("diarize", "transcribe", "detect_gender", "translate")),
    ]
    assert all(s.profile == "embedded" for s in found)


def test_what_is_given_already_is_not_given_again(suite, talk, tmp_path):
    base = System("embedded", given=("diarize",))
    found = base.oracles(suite(item(talk, write_stems(tmp_path / "stems"))))
    assert found[0].label == "embedded true:diarize true:separate"
    assert found[0].given == ("diarize", "separate")
    assert found[-1].given == ("diarize", *(s for s in REPLACEABLE if s != "diarize"))


def test_stages_from_the_suites_last_on_would_have_no_score(suite, talk, tmp_path):
    films = suite(item(talk, write_stems(tmp_path / "stems")), until="diarize")
    assert {s.given for s in EMBEDDED.oracles(films)} == {("separate",)}


def test_without_a_truth_there_are_none(suite, talk):
    assert EMBEDDED.oracles(suite(dataclasses.replace(item(talk), truth=None))) == []

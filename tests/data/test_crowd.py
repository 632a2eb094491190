"""Conversations of voices that never met."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from data import clips, crowd, reel
from data.crowd import BETWEEN_TURNS, MOST_CLIPS, WITHIN_A_TURN
from data.manifest import manifest
from data.reel import LEAD, Clip
from data.truth import CastMember
from dubkit.errors import BadInput

RATE = 8_000


def voices(*names: str, n_clips: int = 30, seconds: float = 3.0) -> dict[str, list[Clip]]:
    """Clips of a tone, each with its own text."""
    tone = np.sin(np.arange(round(seconds * RATE)) / 5).astype(np.float32)
    return {
        name: [
            Clip(tone, RATE, f"{name} {n}", CastMember(id=name, name=name, gender="unknown")) for n in range(n_clips)
        ]
        for name in names
    }


@pytest.mark.parametrize("people", [("a", "b"), ("a", "b", "c", "d", "e")])
def test_everybody_speaks_in_turns_of_a_few_clips(people):
    said, pauses = crowd.draw(voices(*people), seed=3)
    assert {one.speaker.id for one in said} == set(people)
    turns = [list(own) for _, own in itertools.groupby(said, key=lambda one: one.speaker.id)]
    assert max(map(len, turns)) <= MOST_CLIPS
    assert len({one.text for one in said}) == len(said)
    assert 60 < 3.0 * len(said) < 90
    assert pauses[0] == LEAD


def test_pauses_are_those_of_a_talk():
    said, pauses = crowd.draw(voices("a", "b", "c"), seed=5)
    for before, one, pause in zip(said, said[1:], pauses[1:], strict=False):
        low, high = WITHIN_A_TURN if before.speaker == one.speaker else BETWEEN_TURNS
        assert low <= pause <= high
    assert min(pauses) < 0 < max(pauses)


def test_a_drawn_talk_is_a_reel_with_speech_at_once():
    truth, _ = reel.join("talk", "A talk", "und", *crowd.draw(voices("a", "b", "c"), seed=5))
    assert truth.may_overlap
    assert 60 < truth.duration < 90


def test_a_seed_gives_one_talk():
    first, again, other = (crowd.draw(voices("a", "b"), seed) for seed in (1, 1, 2))
    texts = [[one.text for one in said] for said, _ in (first, again, other)]
    assert texts[0] == texts[1] != texts[2]
    assert first[1] == again[1]


def test_one_who_has_no_clips_left_is_silent():
    said, _ = crowd.draw({**voices("a", "b"), **voices("c", n_clips=1)}, seed=1)
    assert sum(one.speaker.id == "c" for one in said) == 1


@pytest.mark.parametrize(
    ("given", "complaint"), [(voices("a"), "takes two speakers.*: a"), (voices("a", "b", n_clips=4), "too few clips")]
)
def test_refuses_what_makes_no_talk(given, complaint):
    with pytest.raises(BadInput, match=complaint):
        crowd.draw(given, seed=0)


def test_nobody_is_two_people():
    for sample in manifest().samples:
        if sample.clips == "crowd":
            assert len({one.id for one in sample.cast}) == sample.n_speakers == len(sample.cast)
            assert {one.id for one in sample.cast} <= {"allison", "june", "carlo", "austen-reader", "dickens-reader"}
    # Allison Smith has recorded the English and the Spanish prompts.
    assert "es" not in clips.PROMPTS_OF.values()


def test_the_pieces_of_dickens_lie_in_his_sentences():
    lines = next(one for one in manifest().samples if one.id == "two-cities").lines
    assert " ".join(text for *_, text in clips.DICKENS) == " ".join(line.text.strip() for line in lines)
    for start, end, text in clips.DICKENS:
        (line,) = [line for line in lines if text in line.text]
        assert line.start <= start < end <= line.end


def test_an_unknown_voice_is_refused(tmp_path):
    with pytest.raises(
        BadInput, match="no voice 'nobody'; there are: allison, june, carlo, dickens-reader, austen-reader"
    ):
        clips.voice("nobody", manifest(), tmp_path)

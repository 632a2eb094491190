"""Reels: when each clip sounds is what their truth says."""

from __future__ import annotations

import itertools
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from data import reel
from data.reel import GAP, LEAD, LEVEL, SAMPLE_RATE, TAIL, Clip
from data.truth import CastMember, Truth
from dubkit.audio import speech_level
from dubkit.errors import BadInput

RATE = 16_000
ANNA = CastMember(id="anna", name="Anna", gender="female")
BEN = CastMember(id="ben", name="Ben", gender="male")


def clip(seconds: float = 1.0, speaker: CastMember = ANNA, loud: float = 0.3, **fields) -> Clip:
    """A tone with 0.3 s of silence before it and 0.4 s after."""
    tone = loud * np.sin(2 * np.pi * 300 * np.arange(round(seconds * RATE)) / RATE + 0.5)
    samples = np.concatenate([np.zeros(round(0.3 * RATE)), tone, np.zeros(round(0.4 * RATE))]).astype(np.float32)
    return Clip(samples, RATE, fields.pop("text", "La."), speaker, **fields)


class TestJoin:
    def test_clips_sound_when_the_truth_says(self):
        clips = [clip(1.0), clip(0.5, BEN), clip(0.8)]
        truth, sound = reel.join("r", "A reel", "en", clips, reel.even(3))
        times = [(one.start, one.end) for one in truth.utterances]
        expected = [(0.5, 1.5), (2.3, 2.8), (3.6, 4.4)]
        assert np.array(times) == pytest.approx(np.array(expected), abs=0.011)
        heard = np.flatnonzero(np.abs(sound) > 300)
        edges = np.flatnonzero(np.diff(heard) > 0.3 * SAMPLE_RATE)
        begins = [heard[0], *heard[edges + 1]]
        assert [b / SAMPLE_RATE for b in begins] == pytest.approx([start for start, _ in times], abs=0.02)

    def test_it_lasts_a_whole_number_of_frames_after_the_last_clip(self):
        truth, sound = reel.join("r", "A reel", "en", [clip(1.01)], reel.even(1))
        assert truth.duration * 25 == pytest.approx(round(truth.duration * 25))
        assert len(sound) == round(truth.duration * SAMPLE_RATE)
        assert truth.duration == pytest.approx(LEAD + 1.01 + TAIL, abs=0.05)

    def test_all_are_made_equally_loud(self):
        truth, sound = reel.join("r", "", "en", [clip(loud=0.02), clip(loud=0.7)], reel.even(2))
        parts = [
            sound[round(one.start * SAMPLE_RATE) : round(one.end * SAMPLE_RATE)] / 32767 for one in truth.utterances
        ]
        assert [speech_level(part, SAMPLE_RATE) for part in parts] == pytest.approx([LEVEL] * 2, rel=0.02)

    def test_between_clips_there_is_nothing(self):
        truth, sound = reel.join("r", "", "en", [clip(), clip()], reel.even(2))
        first, last = (
            round(t * SAMPLE_RATE) for t in (truth.utterances[0].end + 0.15, truth.utterances[1].start - 0.15)
        )
        assert not sound[first:last].any()

    def test_a_negative_pause_is_heard_over_the_clip_above(self):
        truth, sound = reel.join("r", "", "en", [clip(1.0), clip(1.0, BEN)], [LEAD, -0.4])
        a, b = truth.utterances
        assert b.start == pytest.approx(a.end - 0.4)
        assert truth.may_overlap
        both = sound[round((b.start + 0.05) * SAMPLE_RATE) : round((a.end - 0.05) * SAMPLE_RATE)] / 32767
        alone = sound[round(0.6 * SAMPLE_RATE) : round(0.9 * SAMPLE_RATE)] / 32767
        assert np.sqrt(np.mean(both**2)) != pytest.approx(np.sqrt(np.mean(alone**2)), rel=0.05)

    def test_consecutive_clips_of_a_speaker_are_a_turn(self):
        truth, _ = reel.join("r", "", "en", [clip(), clip(), clip(speaker=BEN)], reel.even(3))
        assert [turn.speaker for turn in truth.turns] == ["anna", "ben"]
        assert [one.id for one in truth.speakers] == ["anna", "ben"]
        assert [one.gender for one in truth.utterances] == ["female", "female", "male"]

    def test_translations_are_those_that_all_clips_have(self):
        clips = [
            clip(text="One.", translations={"pt": "Um.", "es": "Uno.", "en": "One."}),
            clip(text="Two.", translations={"pt": "Dois.", "en": "Two."}),
        ]
        truth, _ = reel.join("r", "", "en", clips, reel.even(2))
        assert truth.translations == {"pt": ("Um.", "Dois.")}
        assert truth.text == "One. Two."

    @settings(max_examples=25)
    @given(
        st.lists(st.tuples(st.integers(4, 40), st.integers(-6, 30)), min_size=1, max_size=6),
        st.sampled_from([8_000, 16_000, 44_100]),
    )
    def test_pauses_are_kept_to_a_sample(self, drawn, rate):
        people = itertools.cycle([ANNA, BEN])
        clips = [
            Clip(np.sin(np.arange(length * rate // 10) / 9).astype(np.float32), rate, "La.", next(people))
            for length, _ in drawn
        ]
        pauses = [abs(drawn[0][1]) / 10, *(max(pause, -length // 4) / 10 for length, pause in drawn[1:])]
        truth, sound = reel.join("r", "", "und", clips, pauses)
        ends = [0.0, *(one.end for one in truth.utterances)]
        found = [one.start - end for one, end in zip(truth.utterances, ends, strict=False)]
        assert found == pytest.approx(pauses, abs=1.01 / SAMPLE_RATE)
        assert truth.duration >= max(ends)
        assert len(sound) == round(truth.duration * SAMPLE_RATE)


class TestValidate:
    @pytest.mark.parametrize(
        ("clips", "pauses", "complaint"),
        [
            ([], [], "0 clips"),
            ([clip()], [0.5, 0.8], "1 clips with 2 pauses"),
            ([clip(loud=0.0)], [0.5], "Clip 1 .*silent"),
            ([clip()], [-0.1], "before the film"),
            ([clip(), clip()], [0.5, -0.2], "'anna' would begin 'La.' before"),
            ([clip(2.0), clip(0.3, BEN), clip()], [0.5, -1.9, 0.1], "'anna' would begin"),
        ],
    )
    def test_refuses_what_makes_no_reel(self, clips, pauses, complaint):
        with pytest.raises(BadInput, match=complaint):
            reel.join("r", "", "en", clips, pauses)


def test_a_reel_is_a_film_with_its_truth(tmp_path: Path):
    truth, sound = reel.join("short", "A reel", "und", [clip(0.6)], reel.even(1))
    reel.write(truth, sound, "one clip", tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["audio.wav", "short.mp4", "truth.json", "truth.rttm"]
    assert Truth.open(tmp_path) == truth
    assert np.array_equal(soundfile.read(tmp_path / "audio.wav", dtype="int16")[0], sound)
    with av.open(str(tmp_path / "short.mp4")) as container:
        assert float(container.streams.video[0].duration * container.streams.video[0].time_base) == pytest.approx(
            truth.duration, abs=1e-3
        )


def test_a_plain_reel_has_even_gaps():
    assert reel.even(3) == [LEAD, GAP, GAP]

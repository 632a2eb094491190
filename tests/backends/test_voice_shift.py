"""Voices moved in pitch and formants: exact on pulses, and heard as wanted in real speech."""

import subprocess
from itertools import pairwise

import numpy as np
import pytest
from speech_sounds import say

from dubkit.backends import registry
from dubkit.backends.mms import voice_shift
from dubkit.backends.mms.voice_shift import FORMANT, PITCH, USUAL_PITCH, VARIANTS, Shift, median_pitch, shift, shifted
from dubkit.backends.protocols import Compute
from dubkit.errors import StageFailed

RATE = 16_000


def buzz(pitch: float, seconds: float = 1.0) -> np.ndarray:
    """A vowel: pulses through resonances at 600 and 1400 Hz."""
    import scipy.signal

    time = np.arange(int(seconds * RATE)) / RATE
    pulses = np.diff(np.floor(time * pitch), prepend=0.0)
    for centre in (600, 1400):
        radius = np.exp(-np.pi * 90 / RATE)
        pulses = scipy.signal.lfilter([1.0], [1, -2 * radius * np.cos(2 * np.pi * centre / RATE), radius**2], pulses)
    return (0.3 * pulses / np.abs(pulses).max()).astype(np.float32)


@pytest.mark.parametrize("pitch", [82.0, 115.0, 160.0, 205.0, 290.0])
def test_pitch_is_measured(pitch: float) -> None:
    assert median_pitch([buzz(pitch), np.zeros(RATE, np.float32)], RATE) == pytest.approx(pitch, rel=0.015)


def test_noise_and_silence_have_no_pitch() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, RATE).astype(np.float32)
    assert median_pitch([np.zeros(RATE, np.float32), noise, buzz(100)[:100]], RATE) is None
    assert median_pitch([], RATE) is None


def test_a_variant_of_the_other_gender_is_moved_to_its_pitch_and_formants_with_it() -> None:
    assert shift(VARIANTS["female"], 110.0).pitch * 110 == pytest.approx(205)
    assert shift(VARIANTS["male"], 210.0).pitch * 210 == pytest.approx(126), "as far as it can be moved"
    assert shift(VARIANTS["female"], 110.0).formant == pytest.approx(1.16)
    assert 0.86 < shift(VARIANTS["male2"], 200.0).formant < 0.92
    for pitch in (70.0, 120.0, 159.0, 161.0, 240.0, 380.0):
        for variant in VARIANTS.values():
            by = shift(variant, pitch)
            assert PITCH[0] <= by.pitch <= PITCH[1], "the second ones are moved less"
            assert FORMANT[0] <= by.formant <= FORMANT[1]


def test_a_voice_of_the_right_gender_is_left_alone_or_moved_a_little() -> None:
    assert shift(VARIANTS["male"], 110.0) == shift(VARIANTS["female"], 200.0) == Shift()
    assert shift(VARIANTS["male2"], 110.0).pitch == pytest.approx(2 ** (1 / 6)), "up, where it is low"
    assert shift(VARIANTS["female2"], 230.0).pitch == pytest.approx(2 ** (-1 / 6)), "down, where it is high"
    assert all(shift(variant, None) == Shift() for variant in VARIANTS.values())


def test_the_four_variants_of_a_voice_are_four_voices() -> None:
    for pitch in (100.0, 135.0, 190.0, 230.0):
        heard = sorted(pitch * shift(variant, pitch).pitch for variant in VARIANTS.values())
        assert min(b / a for a, b in pairwise(heard)) > 1.06, "a semitone at least"


@pytest.mark.parametrize(
    ("style", "name", "low", "high"), [("am_michael", "female", 0.8, 1.0), ("af_heart", "male", 0.0, 0.3)]
)
def test_real_speech_is_heard_as_the_gender_and_at_the_pitch_that_were_wanted(
    style: str, name: str, low: float, high: float
) -> None:
    clip = say("My brother bought seven large boxes of old books.", style).waveform
    base = median_pitch([clip], RATE)
    assert base is not None
    by = shift(VARIANTS[name], base)
    moved = shifted(clip, RATE, by)
    assert moved.dtype == np.float32
    assert len(moved) == len(clip)
    assert median_pitch([moved], RATE) == pytest.approx(USUAL_PITCH[VARIANTS[name].gender], rel=0.05)
    before, after = registry.get("gender_classifier", "voice-gender", Compute()).female_probability([clip, moved])
    assert (before > 0.9) == (name == "male")
    assert low <= after <= high
    assert np.std(moved) == pytest.approx(np.std(clip), rel=0.02)
    assert np.array_equal(moved, shifted(clip, RATE, by)), "the same again"


@pytest.mark.parametrize("rubberband", [True, False])
@pytest.mark.parametrize("by", [Shift(1.8, 1.15), Shift(0.62, 0.88)])
def test_a_clip_keeps_its_length_and_its_times(by: Shift, rubberband: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    assert voice_shift.has_rubberband()
    monkeypatch.setattr(voice_shift, "has_rubberband", lambda: rubberband)
    sound = np.concatenate([buzz(140, 0.3), np.zeros(3_217, np.float32), buzz(140, 0.4), np.zeros(777, np.float32)])
    moved = shifted(sound, RATE, by)
    assert len(moved) == len(sound)
    pause = np.flatnonzero(np.convolve(np.abs(moved), np.ones(80) / 80, "same") < 0.01)
    pause = pause[(pause > 2_000) & (pause < 12_000)]
    exact = 320 if rubberband else 480
    assert pause.min() == pytest.approx(4_800, abs=exact), "20 ms"
    assert pause.max() == pytest.approx(4_800 + 3_217, abs=exact)
    factor = by.pitch if rubberband else np.clip((by.pitch * by.formant) ** 0.5, *voice_shift.TOGETHER)
    assert median_pitch([moved], RATE) == pytest.approx(140 * factor, rel=0.05)


def test_nothing_to_move_stays_as_it_is() -> None:
    sound, silence = buzz(100, 0.2), np.zeros(800, np.float32)
    assert shifted(sound, RATE, Shift()) is sound
    assert shifted(silence, RATE, Shift(1.5, 1.1)) is silence


def test_very_short_clips_keep_their_length() -> None:
    for n in (1, 40, 700):
        assert len(shifted(buzz(150)[:n] + np.float32(0.01), RATE, Shift(1.7, 1.1))) == n


def test_loud_clips_do_not_clip() -> None:
    sound = buzz(110) / np.abs(buzz(110)).max()
    assert np.abs(shifted(sound, RATE, Shift(1.8, 1.16))).max() <= 1.0001


def test_a_failure_of_ffmpeg_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice_shift, "_RUBBERBAND", "nonsense={:.6f}:{}")
    with pytest.raises(StageFailed, match=r"moving a voice.*nonsense"):
        shifted(buzz(100, 0.2), RATE, Shift(1.5, 1.1))


def test_an_ffmpeg_without_rubber_band_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert voice_shift.shifter() == "rubberband"

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[bytes]:
        return subprocess.CompletedProcess(command, 0, stdout=b" ..C atempo A->A Adjust audio tempo.\n")

    monkeypatch.setattr(voice_shift.subprocess, "run", run)
    voice_shift.has_rubberband.cache_clear()
    try:
        assert not voice_shift.has_rubberband()
        assert voice_shift.shifter() == "atempo"
    finally:
        voice_shift.has_rubberband.cache_clear()

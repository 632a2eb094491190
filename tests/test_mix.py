import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from builders import FILM_RATE, silence, sine, sound
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from dubkit import loudness, mix
from dubkit.artefacts import Tracks
from dubkit.mix import Heard, MixSettings, Sound, held

RATE = FILM_RATE
SPANS = st.lists(
    st.tuples(st.floats(-1, 9), st.floats(0, 4)).map(lambda span: (span[0], span[0] + span[1])), max_size=6
)


def gain(spans: list[tuple[float, float]], seconds: float, **changes: float) -> np.ndarray:
    return mix.ducking(spans, 0, round(seconds * 1000), MixSettings(**changes), 1000)


def voice(seconds: float, level: float, seed: int = 1) -> np.ndarray:
    """Noise in syllables; `level` is that of :func:`dubkit.loudness.speech_loudness`."""
    rng = np.random.default_rng(seed)
    n = round(seconds * RATE)
    samples = rng.standard_normal(n) * (0.55 + 0.45 * np.sin(2 * np.pi * 4 * np.arange(n) / RATE))
    return (samples * 10 ** ((level - loudness.speech_loudness(samples, RATE)) / 20)).astype(np.float32)


@pytest.mark.parametrize(
    "wrong", [{"duck": -1}, {"attack": 0}, {"release": 0}, {"hold": -0.1}, {"loudness": 0}, {"true_peak": 0.5}]
)
def test_settings_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        MixSettings(**wrong)


def test_the_bed_is_down_from_the_first_sample_of_a_line_to_its_last() -> None:
    found = gain([(2.0, 3.0)], 6.0, duck=6, attack=0.25, release=0.5)
    down = 10 ** (-6 / 20)
    assert found[2000:3001] == pytest.approx(down, abs=1e-6)
    assert (found[:1751] == 1).all()
    assert (found[3500:] == 1).all()
    assert (np.diff(found[1750:2001]) <= 0).all()
    assert (np.diff(found[3000:3501]) >= 0).all()
    # Half way in time is half way in dB.
    assert found[[1875, 3250]] == pytest.approx(10 ** (-3 / 20), abs=1e-6)


def test_the_bed_never_steps() -> None:
    found = gain([(1.0, 1.4), (2.0, 2.1), (4.0, 4.0)], 6.0, duck=12, attack=0.1, release=0.3, hold=0.0)
    assert np.abs(np.diff(20 * np.log10(found))).max() < 12 * np.pi / 2 / 100 * 1.01


@given(spans=SPANS, cuts=st.lists(st.integers(0, 10_000), max_size=5), hold=st.floats(0, 2))
@settings(max_examples=30, deadline=None)
def test_ducking_does_not_depend_on_how_the_film_is_cut(
    spans: list[tuple[float, float]], cuts: list[int], hold: float
) -> None:
    chosen = MixSettings(hold=hold)
    edges = sorted({0, 10_000, *cuts})
    blocks = [mix.ducking(spans, a, b - a, chosen, 1000) for a, b in itertools.pairwise(edges)]
    assert np.concatenate(blocks) == pytest.approx(mix.ducking(spans, 0, 10_000, chosen, 1000), abs=1e-7)


@given(spans=SPANS, hold=st.floats(0, 2))
@settings(max_examples=30, deadline=None)
def test_the_bed_is_down_wherever_somebody_speaks_and_never_below(
    spans: list[tuple[float, float]], hold: float
) -> None:
    found = gain(spans, 14.0, duck=6, hold=hold)
    assert found.min(initial=1) >= 10 ** (-6 / 20) - 1e-6
    assert found.max(initial=0) <= 1
    times = np.arange(14_000) / 1000
    for start, end in spans:
        assert found[(times >= start) & (times <= end)] == pytest.approx(10 ** (-6 / 20), abs=1e-6)
    assert (mix.ducking(spans[::-1], 0, 14_000, MixSettings(hold=hold), 1000) == found).all()


def test_the_bed_stays_down_in_short_pauses() -> None:
    phrases = [(1.0, 2.0), (2.5, 3.5), (4.4, 5.0)]
    assert np.ptp(gain(phrases, 8.0, hold=1.0)[1000:5000]) == 0
    # Pumping, for comparison: without hold it comes up by several dB and goes down again, twice.
    loose = 20 * np.log10(gain(phrases, 8.0, hold=0.0, attack=0.1, release=0.3)[1000:5000])
    assert np.count_nonzero((loose[1:-1] > loose[:-2]) & (loose[1:-1] >= loose[2:])) == 2


def test_spans_are_joined_across_pauses_shorter_than_the_hold() -> None:
    spans = [(5.0, 6.0), (1.0, 4.0), (2.0, 3.0), (4.5, 4.8)]
    assert mix.held(spans, 0.3) == [(1.0, 4.0), (4.5, 6.0)]
    assert mix.held(spans, 0.6) == [(1.0, 6.0)]
    assert mix.held([], 1.0) == []


def test_each_clip_becomes_as_loud_as_its_original_line() -> None:
    originals, clips = [-24.0, -20.0, -27.0], [-18.0, -18.0, -30.0]
    found = 20 * np.log10(mix.line_gains(["a", "a", "a"], originals, clips))
    assert clips + found == pytest.approx(originals)


def test_a_line_stays_near_its_speakers_usual_level() -> None:
    found = 20 * np.log10(mix.line_gains(["a"] * 5, [-20, -20, -20, -36, -6], [-20.0] * 5, 6.0)) - 20
    assert found == pytest.approx([-20, -20, -20, -26, -14])
    assert mix.line_gains(["a"] * 3, [-20, -26, -18], [-20.0] * 3, 0.0) == pytest.approx(1.0)


@pytest.mark.parametrize("lost", [-np.inf, -75.0, -45.0])
def test_a_line_whose_original_cannot_be_heard_takes_the_usual_level(lost: float) -> None:
    found = 20 * np.log10(mix.line_gains(["a", "a", "a", "b"], [-22, -24, lost, -14], [-20.0] * 4)) - 20
    assert found == pytest.approx([-22, -24, -23, -14])


def test_somebody_who_was_never_heard_speaks_as_loud_as_the_others() -> None:
    found = 20 * np.log10(mix.line_gains(["a", "b", "c"], [-22, -26, -np.inf], [-20.0] * 3)) - 20
    assert found == pytest.approx([-22, -26, -24])
    assert 20 * np.log10(mix.line_gains(["a"], [-np.inf], [-20.0])) == pytest.approx([-3.0])


def test_whispers_and_shouts_stay_intelligible() -> None:
    found = 20 * np.log10(mix.line_gains(["a", "b"], [-50, -2], [-20.0, -20.0])) - 20
    assert found == pytest.approx([mix.QUIETEST, mix.LOUDEST])


def test_a_silent_clip_is_not_raised() -> None:
    assert mix.line_gains(["a", "a"], [-20, -20], [-np.inf, -61.0]).tolist() == [1.0, 1.0]
    assert len(mix.line_gains([], [], [])) == 0


@pytest.mark.parametrize("place", [-0.8, -0.3, 0.0, 0.5, 1.0])
def test_a_panned_voice_is_heard_where_it_stands_and_as_loud_as_it_is(place: float) -> None:
    found = mix.heard(mix.panned(voice(2.0, -25.0), place))
    assert found.position == pytest.approx(place, abs=0.01)
    assert found.level == pytest.approx(-25.0, abs=0.1)


def test_bleed_and_reverberation_do_not_move_a_voice() -> None:
    bleed = np.stack([voice(2.0, -38.0, 2), voice(2.0, -38.0, 3)], axis=1)
    found = mix.heard(mix.panned(voice(2.0, -25.0), 0.6) + bleed)
    assert found.position == pytest.approx(0.6, abs=0.05)
    assert found.level == pytest.approx(-25.0, abs=0.3)


def test_what_comes_from_nowhere_counts_as_central() -> None:
    wide = np.stack([voice(2.0, -25.0, 2), voice(2.0, -20.0, 3)], axis=1)
    inverted = voice(2.0, -25.0)[:, None] * np.array([1, -0.8], np.float32)
    assert mix.heard(wide).position == mix.heard(inverted).position == 0
    assert mix.heard(voice(1.0, -25.0)) == Heard(pytest.approx(-25.0, abs=0.01), 0.0)
    assert mix.heard(np.zeros((RATE, 2), np.float32)).level == -np.inf
    assert mix.heard(np.zeros((0, 2), np.float32)) == Heard(-np.inf, 0.0)


def test_the_original_voice_is_the_whole_sound_without_the_bed(tmp_path: Path) -> None:
    said, bed = np.zeros((4 * RATE, 2), np.float32), np.stack([sine(4.0, hz=90), sine(4.0, hz=300)], axis=1)
    said[RATE : 3 * RATE] = mix.panned(voice(2.0, -25.0), -0.5)
    tracks = Tracks(
        speech=sound(tmp_path / "speech.flac", silence(4.0, 16_000), 16_000),
        full=sound(tmp_path / "full.flac", said + bed),
        background=sound(tmp_path / "background.flac", bed),
    )
    found = mix.original(tracks, 1.0, 3.0)
    assert (found.level, found.position) == (pytest.approx(-25.0, abs=0.1), pytest.approx(-0.5, abs=0.01))
    assert mix.original(tracks, 3.1, 3.9).level < -60


def test_voices_near_the_centre_stand_in_it_and_no_voice_stands_at_the_very_side() -> None:
    found = mix.positions(list("abcde"), [Heard(-25, p) for p in (0.1, -0.14, 0.3, -0.5, 1.0)])
    assert found == pytest.approx([0, 0, 0.3, -0.5, mix.OUTERMOST])


def test_one_mistaken_line_moves_nobody_but_a_speaker_may_move() -> None:
    said = [-0.4, -0.4, 0.6, -0.4, 0.5, 0.5, 0.5]
    found = mix.positions(["a"] * 7, [Heard(-25, p) for p in said])
    assert found == pytest.approx([-0.4, -0.4, -0.4, 0.5, 0.5, 0.5, 0.5])


def test_a_line_that_was_not_heard_comes_from_where_its_speaker_is() -> None:
    found = mix.positions(["a", "b", "a", "c"], [Heard(-25, 0.5), Heard(-25, 0), Heard(-np.inf, 0), Heard(-np.inf, 0)])
    assert found == pytest.approx([0.5, 0, 0.5, 0])


@given(st.floats(-1, 1))
def test_panning_keeps_the_power(place: float) -> None:
    left, right = mix.panned(np.ones(1, np.float32), place)[0]
    assert left**2 + right**2 == pytest.approx(2, abs=1e-5)
    assert mix.panned(np.ones(1, np.float32), 0.0)[0] == pytest.approx([1, 1])


@given(
    starts=st.lists(st.integers(-400, 1200), max_size=6),
    cuts=st.lists(st.integers(0, 1000), max_size=4),
    seed=st.integers(0, 99),
)
@settings(max_examples=30, deadline=None)
def test_sounds_are_added_at_their_sample_whatever_the_blocks(starts: list[int], cuts: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    bed = rng.standard_normal((1000, 2)).astype(np.float32)
    clips = [rng.standard_normal((int(rng.integers(0, 500)), 2)).astype(np.float32) for _ in starts]
    expected = np.pad(bed, ((400, 800), (0, 0)))
    for start, clip in zip(starts, clips, strict=True):
        expected[400 + start : 400 + start + len(clip)] += clip
    edges = sorted({0, 1000, *cuts})
    blocks = (bed[a:b] for a, b in itertools.pairwise(edges))
    found = list(mix.mixed(blocks, [Sound(s, lambda c=c: c) for s, c in zip(starts, clips, strict=True)]))
    assert [len(block) for block in found] == np.diff(edges).tolist()
    assert np.concatenate(found) == pytest.approx(expected[400:1400], abs=1e-5)


def test_a_clip_is_loaded_once_when_its_turn_comes() -> None:
    loaded: list[tuple[str, int]] = []
    given_out = 0

    def bed() -> Iterator[np.ndarray]:
        nonlocal given_out
        for n in range(5):
            given_out = n
            yield np.zeros(100, np.float32)

    def clip(name: str, n: int) -> Sound:
        def load() -> np.ndarray:
            loaded.append((name, given_out))
            return np.full(20, 0.5, np.float32)

        return Sound(n, load)

    out = np.concatenate(list(mix.mixed(bed(), [clip("late", 390), clip("never", 500), clip("early", 10)])))
    assert loaded == [("early", 0), ("late", 3)]
    assert np.flatnonzero(out[:, 0]).tolist() == [*range(10, 30), *range(390, 410)]
    assert (out[:, 0] == out[:, 1]).all()


def test_the_bed_is_ducked_and_the_speech_is_not() -> None:
    bed = np.full((3 * RATE, 2), 0.1, np.float32)
    clip = np.full(RATE, 0.3, np.float32)
    out = np.concatenate(list(mix.mixed([bed], [Sound(RATE, lambda: clip)], [(1.0, 2.0)], MixSettings(duck=6))))
    assert out[RATE + 10] == pytest.approx(0.3 + 0.1 * 10 ** (-6 / 20), abs=1e-6)
    assert out[0] == pytest.approx(0.1)
    assert (bed == np.float32(0.1)).all()


def test_a_long_film_is_ducked_as_one_block_would_be_with_its_lines_joined_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    random = np.random.default_rng(3)
    spans = [(t, t + float(random.uniform(0, 2.5))) for t in map(float, random.uniform(0, 60, 40))]
    lengths = [0, 1, 7 * RATE, 12_345, RATE // 3, 20 * RATE, 31 * RATE]
    whole = mix.ducking(spans, 0, sum(lengths), MixSettings())
    n_joined: list[int] = []
    monkeypatch.setattr(mix, "held", lambda spans, hold: n_joined.append(len(spans)) or held(spans, hold))
    out = list(mix.mixed((np.ones(n, np.float32) for n in lengths), [], spans))
    assert [len(block) for block in out] == lengths
    assert (np.concatenate(out)[:, 0] == whole).all()
    assert n_joined[0] == len(spans)
    assert n_joined[2] <= 1, "a block of one sample lies in one span at most"


def test_a_mix_ends_at_its_programme_loudness_under_its_ceiling(tmp_path: Path) -> None:
    phrases = [(1.0, 3.5), (4.1, 6.0), (6.8, 9.0), (12.0, 15.5), (16.0, 18.0)]
    bed = np.stack([sine(20.0, hz=220, level=0.1), sine(20.0, hz=330, level=0.1)], axis=1)
    sounds = [
        Sound(round(a * RATE), lambda n=n, a=a, b=b: mix.panned(voice(b - a, -20.0, n), 0.4 * (-1) ** n))
        for n, (a, b) in enumerate(phrases)
    ]
    chosen = MixSettings()
    assert chosen.loudness is not None
    blocks = mix.mixed(np.split(bed, 4), sounds, phrases, chosen)
    file = loudness.mastered(blocks, tmp_path / "mix.flac", chosen.loudness, chosen.true_peak)
    found = loudness.measured(file.path)
    assert found.integrated == pytest.approx(-16.0, abs=0.3)
    assert found.true_peak <= -1.0
    assert file.n_samples == len(bed)

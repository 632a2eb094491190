"""The room is heard where there is one, and nowhere else; what is put into it stays clear."""

import functools
from collections.abc import Iterator
from pathlib import Path

import builders
import numpy as np
import pytest
from scipy.signal import fftconvolve

from dubkit.room import HEARD, LEAST_DECAYS, LONGEST_TAIL, WETTEST, Room, estimate, in_room, windows

RATE = 16_000
HALL = Room(0.8, 10.0, "room")


@functools.cache
def talk(seconds: float, seed: int = 0, trailing: float = 0.0) -> np.ndarray:
    """Syllables of buzz and noise in phrases of about a second, dry, with pauses of half a second.

    The last of each phrase may trail off for some seconds, by 60 dB.
    """
    random = np.random.default_rng(seed)
    sound = np.zeros(round(seconds * RATE))
    at, left = RATE // 10, 5
    while at < len(sound) - RATE // 2:
        n = round(random.uniform(0.08, 0.25) * RATE)
        t = np.arange(n) / RATE
        hz = random.uniform(100, 200)
        buzz = sum(np.sin(2 * np.pi * hz * h * t) / h**0.7 for h in range(1, 30))
        rise, fall = np.minimum(1, t / 0.03), np.minimum(1, (t[-1] - t) / 0.04)
        syllable = (np.asarray(buzz) + random.standard_normal(n)) * rise * fall * random.uniform(0.3, 1)
        left -= 1
        if trailing and not left:
            rest = np.arange(round(trailing * RATE)) / RATE
            syllable = np.concatenate(
                [syllable[: n - RATE // 25], 0.5 * random.standard_normal(len(rest)) * 10 ** (-3 * rest / trailing)]
            )
        sound[at : at + len(syllable)] = syllable[: len(sound) - at]
        at += n + round((random.uniform(0.02, 0.08) if left else 0.5) * RATE)
        left = left or 5
    return 0.1 * sound / np.std(sound)


def response(rt60: float, drr: float) -> np.ndarray:
    """A room of known reverberation time: a direct sound, and falling noise from 5 ms on."""
    n = round(1.2 * rt60 * RATE)
    tail = np.random.default_rng(42).standard_normal(n) * 10 ** (-3 * np.arange(n) / RATE / rt60)
    tail[: RATE // 200] = 0
    tail *= 10 ** (-drr / 20) / np.sqrt(np.sum(tail**2))
    tail[0] = 1.0
    return tail


@functools.cache
def heard_in(rt60: float, drr: float, snr: float = 45.0) -> np.ndarray:
    dry = talk(30)
    wet = fftconvolve(dry, response(rt60, drr))[: len(dry)]
    return wet + 0.1 * 10 ** (-snr / 20) * np.random.default_rng(5).standard_normal(len(wet))


def pieces(sound: np.ndarray) -> Iterator[np.ndarray]:
    """Five seconds each."""
    for start in range(0, len(sound), 5 * RATE):
        yield sound[start : start + 5 * RATE].astype(np.float32)


@pytest.mark.parametrize("rt60", [0.3, 0.6, 1.0])
@pytest.mark.parametrize("drr", [0.0, 6.0, 10.0])
@pytest.mark.parametrize("snr", [60.0, 45.0])
def test_the_reverberation_time_is_found(rt60: float, drr: float, snr: float) -> None:
    room = estimate(pieces(heard_in(rt60, drr, snr)), RATE)
    assert room.heard
    assert room.rt60 == pytest.approx(rt60, rel=0.4)


def test_a_wetter_room_is_told_from_a_drier_one() -> None:
    found = [estimate(pieces(heard_in(0.6, drr)), RATE).drr for drr in (0.0, 6.0, 12.0)]
    assert found == sorted(found)
    assert found[0] < 9
    assert found[2] == pytest.approx(12, abs=2.5)


@pytest.mark.parametrize("snr", [60.0, 40.0, 25.0])
def test_a_dry_voice_has_no_room(snr: float) -> None:
    dry = talk(30)
    noisy = dry + 0.1 * 10 ** (-snr / 20) * np.random.default_rng(5).standard_normal(len(dry))
    room = estimate(pieces(noisy), RATE)
    assert not room.heard
    assert room.rt60 == 0


def test_a_voice_that_trails_off_is_no_room() -> None:
    # Slow enough for a room, but within the phrases it falls silent faster than any room would let it.
    room = estimate(pieces(talk(40, trailing=0.45) + 1e-4 * np.random.default_rng(5).standard_normal(40 * RATE)), RATE)
    assert room.n_decays >= LEAST_DECAYS
    assert room.verdict == "dry"


def test_too_little_is_unclear() -> None:
    wet = heard_in(0.6, 6.0).astype(np.float32)
    assert estimate([], RATE).verdict == "unclear"
    assert estimate([wet[: RATE // 50]], RATE).verdict == "unclear"
    assert estimate([wet[:RATE]], RATE).verdict == "unclear"
    assert estimate([np.zeros(10 * RATE, np.float32)], RATE).verdict == "unclear"
    noise = np.random.default_rng(1).standard_normal(20 * RATE).astype(np.float32)
    assert estimate(pieces(noise), RATE).verdict == "unclear"


def test_the_sample_rate_does_not_matter() -> None:
    from dubkit.audio import resample

    wet = heard_in(0.6, 6.0).astype(np.float32)
    slow = estimate([wet], RATE)
    fast = estimate([resample(wet, RATE, 48_000)], 48_000)
    assert fast.rt60 == pytest.approx(slow.rt60, rel=0.05)
    assert fast.drr == pytest.approx(slow.drr, abs=0.5)


def test_windows_leave_out_what_the_background_covers(tmp_path: Path) -> None:
    voice = np.tile(builders.sine(4.0), 3)
    background = np.concatenate([0.1 * voice[: len(voice) // 3], voice[: 2 * len(voice) // 3]])
    tracks = builders.tracks(tmp_path, np.clip(voice + background, -1, 1), background=background)
    found = list(windows(tracks, [(1.0, 2.5), (5.0, 6.0), (9.0, 10.0)]))
    # From 0.2 s before the line to 0.8 s behind it.
    assert [len(w) for w in found] == [round(2.5 * builders.FILM_RATE)]


def test_pauses_that_a_gate_has_silenced_do_not_hide_the_room() -> None:
    dry = talk(30)
    wet = fftconvolve(dry, response(0.6, 6.0))[: len(dry)]
    level = np.sqrt(np.convolve(wet**2, np.ones(320) / 320, "same"))
    gated = np.where(level > 0.0008, wet, 0.0)
    assert estimate(pieces(gated), RATE).rt60 == pytest.approx(0.6, rel=0.25)


def test_windows_of_a_long_film_are_spread_over_it(tmp_path: Path) -> None:
    film = builders.tracks(tmp_path, builders.sine(150.0))
    found = list(windows(film, [(float(n), n + 1.0) for n in range(145)]))
    seconds = sum(map(len, found)) / builders.FILM_RATE
    assert 90 < seconds <= HEARD


def test_no_more_is_heard_where_every_second_line_is_long(tmp_path: Path) -> None:
    film = builders.tracks(tmp_path, builders.sine(200.0))
    lines = [(t, t + length) for n in range(15) for t, length in ((13.0 * n, 10.0), (13.0 * n + 11, 1.0))]
    assert 60 < sum(map(len, windows(film, lines))) / builders.FILM_RATE <= HEARD
    assert [len(w) for w in windows(film, [(1.0, 190.0)])] == [HEARD * builders.FILM_RATE]


def test_the_direct_sound_keeps_its_place_and_level() -> None:
    clip = np.zeros(RATE, np.float32)
    clip[1000] = 0.5
    wet = in_room(clip, RATE, HALL, 1.0)
    assert wet.dtype == np.float32
    assert wet[1000] == pytest.approx(0.5, abs=1e-6)
    assert not np.abs(wet[:1000]).max() > 1e-6
    assert RATE < len(wet) <= RATE * (1 + LONGEST_TAIL)


@pytest.mark.parametrize("drr, amount, expected", [(10.0, 1.0, 10.0), (10.0, 0.5, 16.02), (-3.0, 1.0, WETTEST)])
def test_the_tail_has_the_energy_that_is_asked_for_within_a_limit(drr: float, amount: float, expected: float) -> None:
    clip = np.zeros(RATE // 2, np.float32)
    clip[0] = 1.0
    wet = in_room(clip, RATE, Room(0.6, drr, "room"), amount)
    assert -10 * np.log10(np.sum(wet[1:].astype(float) ** 2)) == pytest.approx(expected, abs=0.1)


def test_the_tail_falls_as_the_room_does() -> None:
    clip = np.zeros(100, np.float32)
    clip[0] = 1.0
    tail = in_room(clip, 48_000, Room(0.4, 8.0, "room"), 1.0)[480:].astype(float)
    early, later = (np.sum(tail[round(s * 48_000) : round((s + 0.05) * 48_000)] ** 2) for s in (0.02, 0.17))
    assert 10 * np.log10(early / later) == pytest.approx(60 * 0.15 / 0.4, abs=3)


def test_what_was_put_into_a_room_is_heard_in_it() -> None:
    dry = talk(30).astype(np.float32)
    assert not estimate(pieces(dry), RATE).heard
    room = estimate(pieces(in_room(dry, RATE, Room(0.4, 8.0, "room"), 1.0)), RATE)
    assert room.rt60 == pytest.approx(0.4, rel=0.3)


def test_without_a_room_or_an_amount_nothing_changes() -> None:
    clip = talk(1).astype(np.float32)
    for room, amount in ((Room(0.0, 0.0, "dry"), 1.0), (Room(0.0, 0.0, "unclear"), 1.0), (HALL, 0.0)):
        np.testing.assert_array_equal(in_room(clip, RATE, room, amount), clip)
    assert len(in_room(clip[:0], RATE, HALL, 1.0)) == 0
    np.testing.assert_array_equal(in_room(clip, RATE, Room(0.0, 0.0, "dry"), 1.0, 2), np.stack([clip, clip], axis=1))


def test_in_stereo_the_voice_stays_in_the_middle_and_the_tail_surrounds_it() -> None:
    clip = np.zeros(RATE // 4, np.float32)
    clip[0] = 1.0
    wet = in_room(clip, RATE, HALL, 1.0, n_channels=2)
    assert wet.shape == (RATE // 4 + round(LONGEST_TAIL * RATE) - 1, 2)
    assert wet[0] == pytest.approx([1.0, 1.0], abs=1e-6)
    assert abs(np.corrcoef(wet[1:].T)[0, 1]) < 0.1


def test_the_same_clip_sounds_the_same_again() -> None:
    clip = talk(1).astype(np.float32)
    np.testing.assert_array_equal(in_room(clip, RATE, HALL, 0.7), in_room(clip, RATE, HALL, 0.7))

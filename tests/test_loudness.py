import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
from builders import FILM_RATE, silence, sine, sound

from dubkit import audio, loudness
from dubkit.errors import BadInput, StageFailed
from dubkit.media import ffmpeg_program

RATE = FILM_RATE


def speech_like(seconds: float, seed: int = 1) -> np.ndarray:
    """A pulse train with formant-like ringing and syllables; its crest factor is that of a voice, some 15 dB."""
    rng = np.random.default_rng(seed)
    n = round(seconds * RATE)
    pulses = np.zeros(n)
    pulses[:: RATE // 120] = 1
    t = np.arange(RATE // 50) / RATE
    rings = sum(np.exp(-120 * t) * np.sin(2 * np.pi * hz * t) for hz in (500, 1500, 2500))
    voice = np.convolve(pulses, rings)[:n]
    syllables = np.repeat(rng.uniform(0.1, 1, n // 9600 + 1), 9600)[:n]
    shape = np.convolve(syllables, np.hanning(2400) / np.hanning(2400).sum(), "same")
    return (0.2 * voice * shape / np.abs(voice).max()).astype(np.float32)


def two(samples: np.ndarray) -> np.ndarray:
    return np.stack([samples, samples], axis=1)


@pytest.mark.parametrize(
    ("level", "expected"),
    # EBU Tech 3341, test signals 1 and 2: a 1 kHz sine of -23 dBFS in both channels is -23 LUFS.
    [(-23.0, -23.0), (-33.0, -33.0)],
)
def test_a_standard_tone_has_the_standard_loudness(tmp_path: Path, level: float, expected: float) -> None:
    file = sound(tmp_path / "a.flac", two(sine(20.0, hz=1000, level=10 ** (level / 20))))
    found = loudness.measured(file.path)
    assert found.integrated == pytest.approx(expected, abs=0.1)
    assert 10 ** (found.true_peak / 20) == pytest.approx(10 ** (level / 20), abs=1e-3)


def test_what_is_far_below_the_rest_does_not_count(tmp_path: Path) -> None:
    # EBU Tech 3341, test signal 3: quiet stretches fall under the gate that lies 10 LU below the loud one.
    quiet, loud = sine(5.0, hz=1000, level=10 ** (-36 / 20)), sine(30.0, hz=1000, level=10 ** (-23 / 20))
    file = sound(tmp_path / "a.flac", two(np.concatenate([quiet, loud, quiet])))
    assert loudness.measured(file.path).integrated == pytest.approx(-23.0, abs=0.1)


def test_peaks_between_samples_are_found(tmp_path: Path) -> None:
    t = np.arange(RATE)
    # At a quarter of the rate and 45 degrees the samples reach 3 dB less than the wave.
    wave = audio.faded((0.5 * np.sin(2 * np.pi * t / 4 + np.pi / 4)).astype(np.float32), RATE, 0.1)
    assert np.abs(wave).max() == pytest.approx(0.5 / np.sqrt(2), abs=1e-3)
    assert loudness.measured(sound(tmp_path / "a.flac", two(wave)).path).true_peak == pytest.approx(-6.0, abs=0.1)


def test_mono_counts_as_the_same_in_both_loudspeakers(tmp_path: Path) -> None:
    tone = speech_like(3.0)
    one, both = (loudness.measured(sound(tmp_path / f"{n}.flac", x).path) for n, x in enumerate((tone, two(tone))))
    assert one.integrated == pytest.approx(both.integrated, abs=0.01)


def test_silence_has_the_loudness_of_the_gate(tmp_path: Path) -> None:
    found = loudness.measured(sound(tmp_path / "a.flac", two(silence(2.0))).path)
    assert (found.integrated, found.true_peak) == (-70.0, -np.inf)


def test_the_sound_of_a_video_is_measured(tmp_path: Path) -> None:
    file = sound(tmp_path / "a.flac", two(speech_like(3.0)))
    video = tmp_path / "it's 100%: a film.mkv"
    command = [ffmpeg_program(), "-v", "error", "-f", "lavfi", "-i", "color=size=32x32:duration=3", "-i", file.path]
    subprocess.run([*command, "-c:a", "flac", f"file:{video}"], check=True)
    assert loudness.measured(video).integrated == loudness.measured(file.path).integrated


def test_what_is_no_sound_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("not a sound at all")
    with pytest.raises(BadInput, match=r"a\.txt"):
        loudness.measured(tmp_path / "a.txt")
    (tmp_path / "a.flac").write_bytes(b"fLaC" + b"\0" * 100)
    with pytest.raises(StageFailed, match=r"a\.flac"):
        loudness.measured(tmp_path / "a.flac")


@pytest.mark.parametrize("wanted", [-23.0, -16.0, -14.0])
def test_speech_comes_to_the_loudness_asked_for_under_the_ceiling(tmp_path: Path, wanted: float) -> None:
    source = sound(tmp_path / "a.flac", two(speech_like(10.5)))
    file = loudness.normalised(source.path, tmp_path / "b.flac", wanted, -1.0)
    found = loudness.measured(file.path)
    assert found.integrated == pytest.approx(wanted, abs=0.3)
    assert found.true_peak <= -1.0
    assert (file.n_samples, file.n_channels, file.sample_rate) == (source.n_samples, 2, RATE)
    assert soundfile.info(file.path).subtype == "PCM_16"


@pytest.mark.parametrize("ceiling", [-1.0, -3.0])
@pytest.mark.parametrize("kind", ["noise", "quarter rate", "clicks"])
def test_the_ceiling_holds_whatever_comes(tmp_path: Path, kind: str, ceiling: float) -> None:
    n = 3 * RATE
    rng = np.random.default_rng(3)
    clicks = np.zeros(n)
    clicks[rng.integers(0, n, 50)] = rng.choice([-0.99, 0.99], 50)
    samples = {
        "noise": rng.uniform(-0.99, 0.99, n),
        "quarter rate": 0.99 * np.sign(np.sin(np.pi * np.arange(n) / 2 + np.pi / 4)),
        "clicks": clicks,
    }[kind]
    source = sound(tmp_path / "a.flac", two(samples.astype(np.float32)))
    file = loudness.normalised(source.path, tmp_path / "b.flac", -8.0, ceiling)
    assert loudness.measured(file.path).true_peak <= ceiling


def test_without_peaks_the_gain_is_the_same_for_every_sample(tmp_path: Path) -> None:
    samples = two(speech_like(4.0))
    source = sound(tmp_path / "a.flac", samples)
    out = loudness.normalised(source.path, tmp_path / "b.flac", -28.0, -1.0).load()
    before = source.load()
    factor = 10 ** ((-28.0 - loudness.measured(source.path).integrated) / 20)
    assert np.abs(out - factor * before).max() <= 2**-16 + 1e-7


def test_the_limiter_moves_around_peaks_only(tmp_path: Path) -> None:
    # A steady tone lasting over the edge of a block of ten seconds, with one click that has to come down 8 dB.
    at = 10 * RATE + 200
    samples = two(sine(12.0, hz=997, level=0.1))
    samples[at] = 0.99
    source = sound(tmp_path / "a.flac", samples)
    file = loudness.normalised(source.path, tmp_path / "b.flac", loudness.measured(source.path).integrated, -9.0)
    change = file.load()[:, 0] - source.load()[:, 0]
    moved = np.flatnonzero(np.abs(change) > 2**-15)
    assert abs(file.load()[at, 0]) <= 10 ** (-9 / 20)
    assert moved[0] >= at - 0.013 * RATE
    assert moved[-1] <= at + 0.053 * RATE
    # The peak stays where it is, and is the only one.
    assert np.argmax(np.abs(file.load()[:, 0])) == at


def test_nothing_is_shifted(tmp_path: Path) -> None:
    samples = two(speech_like(11.0))
    source = sound(tmp_path / "a.flac", samples)
    out = loudness.normalised(source.path, tmp_path / "b.flac", -12.0, -1.0).load()[:, 0]
    spectrum = np.fft.rfft(out) * np.conj(np.fft.rfft(source.load()[:, 0]))
    assert np.argmax(np.fft.irfft(spectrum, len(out))) == 0


def test_an_impulse_stays_at_its_sample(tmp_path: Path) -> None:
    samples = silence(2.0)
    samples[54_321] = 0.9
    file = loudness.normalised(sound(tmp_path / "a.flac", samples).path, tmp_path / "b.flac", None, -3.0)
    out = file.load()
    assert np.flatnonzero(out[:, 0]).tolist() == np.flatnonzero(out[:, 1]).tolist() == [54_321]
    assert 10 ** (-3.5 / 20) < out[54_321, 0] <= 10 ** (-3 / 20)


@pytest.mark.parametrize("level", [0.0, 10 ** (-75 / 20)])
def test_what_lies_below_the_gate_keeps_its_level(tmp_path: Path, level: float) -> None:
    source = sound(tmp_path / "a.flac", two(sine(3.0, level=level)))
    file = loudness.normalised(source.path, tmp_path / "b.flac", -16.0, -1.0)
    assert (file.load() == source.load()).all()


def test_a_quiet_film_is_raised_by_twenty_decibels_at_most(tmp_path: Path) -> None:
    source = sound(tmp_path / "a.flac", two(sine(3.0, hz=1000, level=10 ** (-50 / 20))))
    file = loudness.normalised(source.path, tmp_path / "b.flac", -16.0, -1.0)
    assert loudness.measured(file.path).integrated == pytest.approx(-30.0, abs=0.2)


def test_the_gate_is_where_the_finished_sound_lies(tmp_path: Path) -> None:
    # A mix waits 18 dB lower: one of -60 LUFS lies below the gate there.
    file = loudness.mastered([two(sine(3.0, hz=1000, level=10 ** (-60 / 20)))], tmp_path / "b.flac", -16.0, -1.0)
    assert loudness.measured(file.path).integrated == pytest.approx(-40.0, abs=0.2)
    assert loudness.measured(file.path, gain=30.0).integrated == pytest.approx(-10.0, abs=0.2)


def test_the_same_source_makes_the_same_bytes(tmp_path: Path) -> None:
    source = sound(tmp_path / "a.flac", two(speech_like(3.0)))
    files = [loudness.normalised(source.path, tmp_path / n, -12.0, -1.0) for n in ("b.flac", "c.flac")]
    assert files[0].sha256 == files[1].sha256


def test_another_sample_rate_is_refused(tmp_path: Path) -> None:
    source = sound(tmp_path / "a.flac", sine(0.5, rate=16_000), 16_000)
    with pytest.raises(ValueError, match="16000 Hz"):
        loudness.normalised(source.path, tmp_path / "b.flac", -16.0, -1.0)


def test_a_mix_beyond_full_scale_is_brought_down_whole(tmp_path: Path) -> None:
    wave = 12 * speech_like(6.0)
    assert np.abs(wave).max() > 2
    file = loudness.mastered((two(b) for b in np.array_split(wave, 7)), tmp_path / "b.flac", -20.0, -1.0)
    found = loudness.measured(file.path)
    assert found.integrated == pytest.approx(-20.0, abs=0.3)
    out = file.load()[:, 0]
    loud = np.abs(wave) > 1
    assert loud.sum() > 100
    # No peak is cut: what passed full scale keeps its proportions.
    assert np.abs(out[loud] / wave[loud] - np.median(out[loud] / wave[loud])).max() < 1e-3
    assert [p.name for p in tmp_path.iterdir()] == ["b.flac"]


def test_a_mix_keeps_its_level_where_no_loudness_is_asked_for(tmp_path: Path) -> None:
    wave = speech_like(2.0)
    file = loudness.mastered([two(wave)], tmp_path / "b.flac", None, -1.0)
    assert np.abs(file.load()[:, 0] - wave).max() <= 2**-15


def test_nothing_is_left_behind_by_a_mix_that_breaks(tmp_path: Path) -> None:
    def blocks():  # type: ignore[no-untyped-def]
        yield two(sine(0.1))
        raise RuntimeError("a clip is missing")

    with pytest.raises(RuntimeError, match="a clip is missing"):
        loudness.mastered(blocks(), tmp_path / "b.flac", -16.0, -1.0)
    assert list(tmp_path.iterdir()) == []


def test_a_line_has_the_loudness_of_the_standard_in_one_channel() -> None:
    tone = sine(1.0, hz=997, level=1.0)
    # BS.1770: a full-scale sine of 997 Hz in one channel reads -3.01.
    assert loudness.speech_loudness(tone, RATE) == pytest.approx(-3.01, abs=0.05)
    assert loudness.speech_loudness(sine(1.0, hz=997, level=1.0, rate=24_000), 24_000) == pytest.approx(-3.01, abs=0.1)
    assert loudness.speech_loudness(silence(1.0), RATE) == -np.inf
    assert loudness.speech_loudness(silence(0.0), RATE) == -np.inf


def test_pauses_and_rumble_do_not_change_how_loud_a_line_is() -> None:
    voice = speech_like(2.0)
    alone = loudness.speech_loudness(voice, RATE)
    assert loudness.speech_loudness(np.concatenate([voice, silence(3.0)]), RATE) == pytest.approx(alone, abs=0.1)
    rumble = sine(2.0, hz=20, level=float(2 * audio.speech_level(voice, RATE)))
    assert abs(loudness.speech_loudness(voice + rumble, RATE) - alone) < 1.5
    assert 20 * np.log10(audio.speech_level(voice + rumble, RATE) / audio.speech_level(voice, RATE)) > 3

from pathlib import Path

import numpy as np
import pytest
from builders import FILM_RATE, VOICE_RATE, sine, speech, transcript
from builders import tracks as make_tracks

import dubkit.stages.assemble as module
from dubkit.artefacts import Soundtrack, Speech, Tracks, Transcript
from dubkit.audio import speech_level
from dubkit.loudness import speech_loudness
from dubkit.mix import LOUDEST, QUIETEST, MixSettings
from dubkit.progress import Event, Report
from dubkit.stages.assemble import AssembleSettings, assemble

LENGTH = 6.0


def voiced(seconds: float, *, hz: float = 300.0, level: float = 0.2) -> np.ndarray:
    return sine(seconds, hz=hz, level=level, rate=VOICE_RATE)


def bed(left: float, right: float, seconds: float = LENGTH) -> np.ndarray:
    """A stereo background: constants, so that its gain can be read off the mix."""
    return np.stack([np.full(round(seconds * FILM_RATE), v, np.float32) for v in (left, right)], axis=1)


def at(folder: Path, full: np.ndarray, background: np.ndarray) -> Tracks:
    return make_tracks(folder / "tracks", full, background=background, speech=np.zeros(16, np.float32))


def mixed(
    folder: Path, spoken: Speech, said: Transcript, tracks: Tracks, report: Report | None = None, **settings: float
) -> tuple[Soundtrack, np.ndarray]:
    found: Soundtrack = assemble(
        spoken,
        said,
        tracks,
        settings=AssembleSettings(mix=MixSettings(**{"loudness": None, **settings}), room=0.0),
        folder=folder,
        report=report or Report("assemble"),
    )
    return found, found.audio.load()


def seconds(mix: np.ndarray, start: float, end: float) -> np.ndarray:
    return mix[round(start * FILM_RATE) : round(end * FILM_RATE)]


ONE = transcript(("S1", 2.0, 4.0, "one"))


def test_the_soundtrack_is_as_long_as_the_film_to_the_sample(folder: Path, report: Report, events: list[Event]) -> None:
    full = bed(0.0, 0.0)[:-1234]
    found, mix = mixed(folder, speech(folder / "c", ONE, voiced(2)), ONE, at(folder, full, full), report)
    assert found.audio.n_samples == len(mix) == len(full)
    assert (found.audio.sample_rate, found.audio.n_channels) == (48_000, 2)
    assert [(e.done, e.total, e.note) for e in events] == [(6, 6, "seconds")]


def test_the_background_gives_way_under_speech_and_stays_stereo(folder: Path) -> None:
    background = bed(0.2, -0.1)
    quiet = speech(folder / "c", ONE, voiced(2, level=0.0))
    found, mix = mixed(folder, quiet, ONE, at(folder, background, background), duck=6.0, attack=0.25, release=0.25)
    assert (found.placements[0].start, found.placements[0].end) == (2.0, 4.0)
    down = 10 ** (-6 / 20)
    assert np.allclose(seconds(mix, 0, 1.74), (0.2, -0.1), atol=1e-4)
    assert np.allclose(seconds(mix, 2.0, 4.0), (0.2 * down, -0.1 * down), atol=1e-4)
    assert np.allclose(seconds(mix, 4.26, 6.0), (0.2, -0.1), atol=1e-4)
    # Half of the way in decibels at half of the ramp, on both sides.
    for middle in (1.875, 4.125):
        assert mix[round(middle * FILM_RATE), 0] == pytest.approx(0.2 * 10 ** (-3 / 20), abs=1e-3)
    assert (np.diff(seconds(mix, 1.7, 2.0)[:, 0]) <= 1e-4).all()
    assert (np.diff(seconds(mix, 4.0, 4.3)[:, 0]) >= -1e-4).all()


def test_no_ducking_leaves_the_background_alone(folder: Path) -> None:
    background = bed(0.2, 0.1)
    _, mix = mixed(
        folder, speech(folder / "c", ONE, voiced(2, level=0)), ONE, at(folder, background, background), duck=0
    )
    assert np.allclose(mix, background, atol=1e-4)


def test_in_a_short_pause_the_background_stays_down(folder: Path) -> None:
    said = transcript(("S1", 1.0, 2.0, "one"), ("S1", 2.5, 3.5, "two"))
    background = bed(0.2, 0.2)
    clips = speech(folder / "c", said, voiced(1, level=0), voiced(1, level=0))
    _, mix = mixed(folder, clips, said, at(folder, background, background), duck=6.0, hold=1.0)
    assert np.allclose(seconds(mix, 1.0, 3.5), 0.2 * 10 ** (-6 / 20), atol=1e-3)


def test_the_clip_lies_where_the_certificate_says(folder: Path) -> None:
    silent = bed(0, 0)
    found, mix = mixed(folder, speech(folder / "c", ONE, voiced(1.95)), ONE, at(folder, silent, silent))
    place = found.placements[0]
    assert (place.slot_start, place.slot_end, place.start, place.end) == (2.0, 4.0, 2.0, 3.95)
    assert (place.rate, place.stretch, place.borrowed, place.drift, place.flag) == (1.0, 1.0, 0.0, 0.0, "")
    sounding = np.flatnonzero(np.abs(mix[:, 0]) > 1e-3) / FILM_RATE
    assert (sounding[0], sounding[-1]) == (pytest.approx(2.0, abs=0.003), pytest.approx(3.95, abs=0.003))
    assert (mix[:, 0] == mix[:, 1]).all()


def test_each_speaker_keeps_the_level_that_they_had(folder: Path) -> None:
    said = transcript(("S1", 0.0, 1.5, "one"), ("S2", 2.0, 3.5, "two"), ("S1", 4.0, 5.5, "three"))
    full = bed(0, 0)
    for start, level in ((0.0, 0.3), (2.0, 0.05), (4.0, 0.3)):
        full[round(start * FILM_RATE) : round((start + 1.5) * FILM_RATE)] += sine(1.5, level=level)[:, None]
    clips = speech(folder / "c", said, voiced(1.4, level=0.1), voiced(1.4, level=0.5), voiced(1.4, level=0.1))
    _, mix = mixed(folder, clips, said, at(folder, full, bed(0, 0)))
    for start, level in ((0.0, 0.3), (2.0, 0.05), (4.0, 0.3)):
        found = speech_level(seconds(mix, start, start + 1.4)[:, 0], FILM_RATE)
        assert found == pytest.approx(level / np.sqrt(2), rel=0.03)


def test_the_level_is_that_of_the_voice_without_the_background(folder: Path) -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, (round(LENGTH * FILM_RATE), 1)).astype(np.float32)
    full = np.repeat(noise, 2, axis=1)
    background = full.copy()
    full[2 * FILM_RATE : 4 * FILM_RATE] += sine(2, level=0.1)[:, None]
    clips = speech(folder / "c", ONE, voiced(2, level=0.4))
    _, mix = mixed(folder, clips, ONE, at(folder, full, background), duck=60.0)
    assert speech_level(seconds(mix, 2.1, 3.9)[:, 0], FILM_RATE) == pytest.approx(0.1 / np.sqrt(2), rel=0.03)


@pytest.mark.parametrize(("level", "met"), [(0.004, QUIETEST), (0.9, LOUDEST)])
def test_whispers_and_shouts_are_met_within_limits(folder: Path, level: float, met: float) -> None:
    full = bed(0, 0)
    full[2 * FILM_RATE : 4 * FILM_RATE] += sine(2, level=level)[:, None]
    _, mix = mixed(folder, speech(folder / "c", ONE, voiced(2)), ONE, at(folder, full, bed(0, 0)))
    assert speech_loudness(seconds(mix, 2.1, 3.9)[:, 0], FILM_RATE) == pytest.approx(met, abs=0.3)


def test_no_edge_of_a_clip_clicks(folder: Path) -> None:
    abrupt = np.full(VOICE_RATE, 0.2, np.float32)
    full = bed(0, 0)
    full[2 * FILM_RATE : 4 * FILM_RATE] += sine(2, level=0.2)[:, None]
    _, mix = mixed(folder, speech(folder / "c", ONE, abrupt), ONE, at(folder, full, bed(0, 0)))
    peak = np.abs(mix).max()
    assert peak > 0.1
    # Over five milliseconds, not from one sample to the next.
    assert np.abs(np.diff(mix[:, 0])).max() < 0.03 * peak


def test_nothing_is_ever_louder_than_full_scale(folder: Path) -> None:
    said = transcript(*[(f"S{n}", 2.0, 4.0, "all at once") for n in range(4)])
    full = bed(0.9, -0.9)
    clips = speech(folder / "c", said, *[voiced(2, level=0.9) for _ in range(4)])
    _, mix = mixed(folder, clips, said, at(folder, full, full - 0.5), duck=0)
    assert np.abs(mix).max() <= 10 ** (-1 / 20)


def test_blocks_make_no_difference(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    full = rng.normal(0, 0.1, (round(LENGTH * FILM_RATE) - 777, 2)).astype(np.float32)
    # The first runs over several borders, the second begins at one, the third is stretched.
    said = transcript(
        ("S1", 0.3, 1.9, "one"), ("S2", 2.0, 2.5, "two"), ("S1", 3.0, 3.8, "three"), ("S1", 3.9, 5.9, "4")
    )
    clips = speech(folder / "c", said, voiced(1.6), voiced(0.5), voiced(2.6), voiced(1.9))
    tracks = at(folder, full, full * 0.5)
    whole, expected = mixed(folder, clips, said, tracks)
    assert whole.placements[2].stretch > 1
    for length in (0.3, 2.0):
        monkeypatch.setattr(module, "BLOCK_SECONDS", length)
        found, mix = mixed(folder, clips, said, tracks)
        assert (mix == expected).all()
        assert found.audio.sha256 == whole.audio.sha256


def test_no_clip_is_cut_off(folder: Path) -> None:
    # Twice as long as its slot, with another line of the speaker close behind and the film's end after that.
    said = transcript(("S1", 0.0, 1.0, "one"), ("S1", 1.1, 2.0, "two"))
    silent = bed(0, 0, 3.0)
    marked = np.concatenate([voiced(1.9, level=0.05), voiced(0.1, level=0.2)])
    found, mix = mixed(folder, speech(folder / "c", said, marked, marked), said, at(folder, silent, silent))
    first, second = found.placements
    assert first.end <= second.start + 1e-3
    assert second.end <= 3.0
    assert first.stretch > 1.05
    for place in found.placements:
        body = np.abs(seconds(mix, place.start, place.start + 0.3)[:, 0]).max()
        tail = np.abs(seconds(mix, place.end - 0.06, place.end)[:, 0]).max()
        assert tail == pytest.approx(4 * body, rel=0.15)


def test_lines_that_do_not_fit_are_flagged_and_told(folder: Path, report: Report) -> None:
    said = transcript(*[("S1", n * 1.0, n * 1.0 + 0.9, "x") for n in range(3)])
    silent = bed(0, 0, 3.2)
    clips = speech(folder / "c", said, *[voiced(2) for _ in range(3)])
    found, _ = mixed(folder, clips, said, at(folder, silent, silent), report)
    assert all(p.flag for p in found.placements)
    assert any("of 3 lines do not fit and are spoken faster than is allowed: u000" in text for text in report.warnings)
    for p in found.placements:
        assert (p.flag == "late") <= (p.drift > 0.3)
        assert (p.flag == "squeezed") == (p.stretch > 1.256)
        assert p.rate == pytest.approx(p.stretch, abs=1e-3)
        assert p.end == pytest.approx(p.start + 2 / p.stretch, abs=1e-3)


def test_borrowed_silence_is_in_the_certificate(folder: Path) -> None:
    silent = bed(0, 0)
    found, _ = mixed(folder, speech(folder / "c", ONE, voiced(2.8)), ONE, at(folder, silent, silent))
    (place,) = found.placements
    assert place.end > 4.05 and place.borrowed == pytest.approx(place.end - 4, abs=1e-3)
    assert place.flag == "" and "of silence borrowed" in place.reason


def test_a_film_in_which_nobody_speaks_keeps_its_own_sound(folder: Path) -> None:
    full = np.random.default_rng(3).normal(0, 0.1, (2 * FILM_RATE, 2)).astype(np.float32)
    nobody = transcript()
    found, mix = mixed(folder, Speech(clips=()), nobody, at(folder, full, full * 0))
    assert found.placements == ()
    assert np.allclose(mix, full, atol=1e-4)


def test_a_mono_film_is_dubbed_in_stereo(folder: Path) -> None:
    full = sine(LENGTH, level=0.1)
    _, mix = mixed(folder, speech(folder / "c", ONE, voiced(2)), ONE, at(folder, full, full * 0.5))
    assert mix.shape == (len(full), 2)
    assert (mix[:, 0] == mix[:, 1]).all()


def test_an_empty_clip_leaves_silence(folder: Path) -> None:
    said = transcript(("S1", 1.0, 2.0, "…"), ("S1", 3.0, 4.0, "two"))
    silent = bed(0, 0)
    clips = speech(folder / "c", said, np.zeros(0, np.float32), voiced(1))
    found, mix = mixed(folder, clips, said, at(folder, silent, silent))
    assert found.placements[0].stretch == 1.0
    assert np.abs(seconds(mix, 0, 2.9)).max() < 1e-4
    assert np.abs(seconds(mix, 3, 4)).max() > 0.01


def test_a_line_given_to_a_speaker_without_lines_of_their_own_still_sounds(folder: Path) -> None:
    full = bed(0, 0)
    full[2 * FILM_RATE : 4 * FILM_RATE] += sine(2, level=0.2)[:, None]
    clips = speech(folder / "c", ONE, voiced(2, level=0.5))
    moved = clips.but(clips=(clips.clips[0].but(speaker="S2"),))
    _, mix = mixed(folder, moved, ONE, at(folder, full, bed(0, 0)))
    assert speech_level(seconds(mix, 2.1, 3.9)[:, 0], FILM_RATE) == pytest.approx(0.2 / np.sqrt(2), rel=0.05)

from pathlib import Path

import numpy as np
import pytest
from builders import SPEECH_RATE, silence, sine, turns
from builders import tracks as make_tracks
from stand_ins import PitchClassifier

from dubkit.artefacts import Speakers, Tracks, Turns
from dubkit.edits import apply, edits
from dubkit.progress import Event, Report
from dubkit.stages.detect_gender import DetectGenderSettings, detect_gender, excerpts, gender, voiced_pitch

LOW, HIGH = 120.0, 350.0


def voiced(seconds: float, hz: float) -> np.ndarray:
    """A tone with overtones, as a voice has."""
    parts = [sine(seconds, hz=hz * k, level=0.2 / k, rate=SPEECH_RATE) for k in (1, 2, 3)]
    return np.sum(parts, axis=0).astype(np.float32)


@pytest.fixture(scope="module")
def tracks(tmp_path_factory: pytest.TempPathFactory) -> Tracks:
    """Low for two seconds, both at once for one, high for two, silence for one."""
    both = voiced(1, LOW) + voiced(1, HIGH)
    heard = np.concatenate([voiced(2, LOW), both, voiced(2, HIGH), silence(1, SPEECH_RATE)])
    return make_tracks(tmp_path_factory.mktemp("t"), np.zeros(10, np.float32), speech=heard)


class Fixed(PitchClassifier):
    """Says what it was told to, in order."""

    def __init__(self, *odds: float) -> None:
        super().__init__()
        self.odds = list(odds)

    def female_probability(self, waveforms):  # type: ignore[no-untyped-def]
        self.note([len(w) / SPEECH_RATE for w in waveforms])
        return [self.odds.pop(0) for _ in waveforms]


def cast(
    tracks: Tracks,
    spoken: Turns,
    backend: PitchClassifier,
    report: Report | None = None,
    folder: Path | None = None,
    **settings: float,
) -> Speakers:
    made: Speakers = detect_gender(
        tracks,
        spoken,
        settings=DetectGenderSettings(**settings),
        backend=backend,
        folder=folder or tracks.full.path.parent,
        report=report or Report("detect_gender"),
    )
    return made


def test_each_speaker_is_listened_to_alone(tracks: Tracks, report: Report, events: list[Event]) -> None:
    backend = PitchClassifier()
    found = cast(tracks, turns(("S1", 0, 3), ("S2", 2, 5)), backend, report)
    assert [[n / SPEECH_RATE for n in lengths] for lengths in backend.asked] == [[2.0], [2.0]]  # type: ignore[union-attr]
    assert [(s.id, s.name, s.gender, s.confidence) for s in found.speakers] == [
        ("S1", "Speaker 1", "male", 0.95),
        ("S2", "Speaker 2", "female", 0.95),
    ]
    assert [s.pitch for s in found.speakers] == [pytest.approx(LOW, abs=3), pytest.approx(HIGH, abs=8)]
    assert [s.speech_seconds for s in found.speakers] == [3.0, 3.0]
    assert [(e.done, e.total, e.note) for e in events] == [(1, 2, "speakers"), (2, 2, "speakers")]


def test_who_never_speaks_alone_is_heard_all_the_same(tracks: Tracks) -> None:
    backend = Fixed(0.5, 0.5, 0.5)
    found = cast(tracks, turns(("S1", 0, 5), ("S2", 2, 3)), backend)
    assert backend.asked == [[2.0, 2.0], [1.0]]
    assert [s.id for s in found.speakers] == ["S1", "S2"]


def test_stretches_around_another_speaker_are_both_heard(tracks: Tracks) -> None:
    backend = Fixed(0.9, 0.9, 0.1)
    cast(tracks, turns(("S1", 0, 5), ("S2", 1, 2)), backend)
    # Between 2 s and 5 s, and before 1 s: the longest first.
    assert backend.asked[0] == [3.0, 1.0]


def test_scraps_between_others_are_not_worth_hearing(tracks: Tracks) -> None:
    backend = Fixed(0.9, 0.1, 0.1)
    cast(tracks, turns(("S1", 0, 2), ("S2", 0.2, 0.9), ("S3", 1.0, 1.1)), backend)
    assert backend.asked[0] == [pytest.approx(0.9)]


def test_no_more_is_heard_than_asked_for(tracks: Tracks) -> None:
    backend = Fixed(0.9, 0.9)
    cast(tracks, turns(("S1", 0, 2), ("S1", 3, 4.5)), backend, excerpt_seconds=2.75)
    assert backend.asked == [[2.0, 0.75]]


def test_longer_excerpts_count_for_more(tracks: Tracks) -> None:
    found = cast(tracks, turns(("S1", 0, 3), ("S1", 4, 5)), Fixed(0.9, 0.1))
    assert found.speakers[0].gender == "female"
    assert found.speakers[0].confidence == pytest.approx(0.7)


@pytest.mark.parametrize(
    ("female", "verdict", "confidence"),
    [
        (0.71, "female", 0.71),
        (0.69, "unknown", 0.69),
        (0.5, "unknown", 0.5),
        (0.31, "unknown", 0.69),
        (0.29, "male", 0.71),
    ],
)
def test_the_verdict_is_left_open_where_it_is_not_sure(
    tracks: Tracks, female: float, verdict: str, confidence: float
) -> None:
    found = cast(tracks, turns(("S1", 0, 2)), Fixed(female)).speakers[0]
    assert (found.gender, found.confidence) == (verdict, pytest.approx(confidence))


def test_certainty_can_be_asked_for() -> None:
    assert [gender(0.9, c) for c in (0.6, 0.9, 0.95)] == ["female", "female", "unknown"]
    assert [gender(0.1, c) for c in (0.6, 0.9, 0.95)] == ["male", "male", "unknown"]


def test_silence_has_no_pitch_and_no_rate(tracks: Tracks) -> None:
    found = cast(tracks, turns(("S1", 5.1, 5.9)), Fixed(0.5)).speakers[0]
    assert (found.pitch, found.speaking_rate, found.gender) == (None, 0.0, "unknown")


def test_syllables_are_counted(tmp_path: Path) -> None:
    # Four swells a second, as the vowels of steady speech.
    breath = np.random.default_rng(1).normal(0, 0.1, 3 * SPEECH_RATE)
    swell = np.hanning(SPEECH_RATE // 4) ** 2
    steady = make_tracks(tmp_path, np.zeros(10, np.float32), speech=(breath * np.tile(swell, 12)).astype(np.float32))
    found = cast(steady, turns(("S1", 0, 3)), Fixed(0.5)).speakers[0]
    assert found.speaking_rate == pytest.approx(4, abs=0.4)


def test_a_turn_beyond_the_sound_is_no_trouble(tracks: Tracks) -> None:
    found = cast(tracks, turns(("S1", 6.5, 7.5)), Fixed(0.9)).speakers[0]
    assert (found.gender, found.pitch) == ("unknown", None)


def voice_at(hz: float, seconds: float) -> np.ndarray:
    """A tone with overtones at 48 kHz that swells as words do, with a pause of a quarter of a second each second."""
    t = np.arange(round(seconds * 48_000)) / 48_000
    tone = sum(0.2 / k * np.sin(2 * np.pi * hz * k * t) for k in (1, 2, 3))
    return (tone * (t % 1 < 0.75)).astype(np.float32)


@pytest.fixture(scope="module")
def dialogue(tmp_path_factory: pytest.TempPathFactory) -> Tracks:
    """Low for 14 s, both for 2 s, high for 3 s and, after a second, for 4 s more, over a hum that is loud at first."""
    low, high = voice_at(LOW, 16), voice_at(HIGH, 7)
    spoken = np.zeros(48_000 * 24, np.float32)
    spoken[: len(low)] += low
    spoken[14 * 48_000 : 19 * 48_000] += voice_at(HIGH, 5)
    spoken[20 * 48_000 :] += high[: 4 * 48_000]
    hum = sine(24, hz=50, level=0.002)
    hum[: 2 * 48_000] *= 100
    both = np.stack([spoken + hum, spoken + hum], axis=1)
    return make_tracks(tmp_path_factory.mktemp("d"), both, background=np.stack([hum, hum], axis=1))


DIALOGUE = turns(("S1", 0, 16), ("S2", 14, 19), ("S2", 20, 24), ("S3", 16.5, 17.5))


def test_a_sample_of_each_voice_is_cut_out_where_it_is_alone_and_clean(dialogue: Tracks, folder: Path) -> None:
    low, high, brief = cast(dialogue, DIALOGUE, Fixed(*[0.5] * 9), folder=folder).speakers
    assert low.sample is not None
    assert high.sample is not None
    assert (low.sample.path.parent, low.sample.sample_rate, low.sample.n_channels) == (folder, 24_000, 1)
    # The twelve seconds after the loud hum; what lies between the overlaps, joined.
    assert 11 < low.sample.duration <= 12
    assert 2 < high.sample.duration < 6
    for sample, hz, other in ((low.sample, LOW, HIGH), (high.sample, HIGH, LOW)):
        heard = sample.load()
        spectrum = np.abs(np.fft.rfft(heard))
        at = [spectrum[round(f * len(heard) / 24_000)] for f in (hz, other, 50.0)]
        assert at[0] > 50 * at[1]
        assert at[0] > 50 * at[2]
    assert brief.sample is None


def test_a_corrected_gender_keeps_the_sample(dialogue: Tracks, folder: Path) -> None:
    found = cast(dialogue, DIALOGUE, Fixed(*[0.5] * 9), folder=folder)
    changed, aside = apply(found, edits(found, {"S1": "female"}))
    assert aside == []
    assert changed.speakers[0].gender == "female"
    assert [s.sample for s in changed.speakers] == [s.sample for s in found.speakers]


def test_nobody_speaks(tracks: Tracks) -> None:
    assert cast(tracks, turns(), Fixed()).speakers == ()


def test_excerpts_are_the_longest_stretches_alone_up_to_a_length(tracks: Tracks) -> None:
    spoken = turns(("S1", 0, 0.5), ("S1", 1, 3), ("S2", 2.5, 5))
    heard = excerpts(tracks, spoken, "S1", 1.7)
    assert [len(e) / SPEECH_RATE for e in heard] == [1.5]
    assert [len(e) / SPEECH_RATE for e in excerpts(tracks, spoken, "S1", 2.0)] == [1.5, 0.5]
    assert np.array_equal(heard[0], tracks.speech.load(1.0, 2.5))


def test_pitch_is_that_of_voiced_frames_alone(tracks: Tracks) -> None:
    found = voiced_pitch([tracks.speech.load(1, 2), silence(1, SPEECH_RATE)], SPEECH_RATE)
    assert len(found) > 20 and np.median(found) == pytest.approx(LOW, abs=3)
    assert len(voiced_pitch([silence(1, SPEECH_RATE)], SPEECH_RATE)) == len(voiced_pitch([], SPEECH_RATE)) == 0

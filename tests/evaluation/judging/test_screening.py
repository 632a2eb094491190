"""What judges are given of a finished film, and what they say."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from builders import FILM_RATE, silence, sine, sound, transcript, translation
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stand_ins import PitchClassifier, ToneTranscriber

from dubkit import voice_prints
from dubkit.artefacts import Dub, Placement, Soundtrack
from dubkit.errors import BadInput
from dubkit.record import File
from evaluation.judging import quality_model
from evaluation.judging.screening import (
    CHOICE,
    WINDOW,
    DubbedLine,
    DubbedLines,
    Screening,
    appraise,
    lined_up,
    read_back,
    screen,
    screened,
    windows,
)
from evaluation.metrics.quality import Rating

RATE = 16_000


def dubbed(name: str, start: float, end: float) -> DubbedLine:
    return DubbedLine(
        id=name, unit=name, speaker="S1", source_text="", text="x", slot_start=0, slot_end=1, start=start, end=end
    )


class TestScreen:
    def test_decodes_the_finished_films_sound(self, talk, folder):
        heard = screened(talk, "pt", folder)
        assert (heard.language, heard.sound.sample_rate) == ("pt", FILM_RATE)
        assert heard.sound.duration == pytest.approx(6.0, abs=0.03)
        samples = heard.sound.load()
        mono = samples if samples.ndim == 1 else samples.mean(axis=1)
        loud = [
            np.abs(mono[round(a * FILM_RATE) : round(b * FILM_RATE)]).max() > 0.1
            for a, b in ((0, 0.4), (0.6, 1.9), (2.6, 3.9))
        ]
        assert loud == [False, True, True]

    def test_the_stage_asks_for_the_translations_language(self, talk, folder):
        made = Dub(video=File.of(talk), duration=6.0, picture="copied", subtitles=())
        lines = translation(transcript(("S1", 0, 1, "x.")), "y.", target="es")
        assert screen(made, lines, folder=folder).language == "es"

    def test_what_is_no_film_is_refused(self, tmp_path, folder):
        (tmp_path / "a.mp4").write_text("no film")
        with pytest.raises(BadInput):
            screened(tmp_path / "a.mp4", "pt", folder)


class TestWindows:
    def test_a_short_sound_is_one(self, tmp_path):
        assert windows(sound(tmp_path / "a.flac", sine(10.0, rate=RATE), RATE)) == [(0.0, 10.0)]

    def test_cuts_lie_where_it_is_quiet(self, tmp_path):
        samples = sine(70.0, rate=RATE)
        for at in (21.3, 46.0):
            samples[round((at - 0.2) * RATE) : round((at + 0.2) * RATE)] = 0
        (first, second, third) = windows(sound(tmp_path / "a.flac", samples, RATE))
        assert first == (0.0, pytest.approx(21.3, abs=0.06))
        assert second == (first[1], pytest.approx(46.0, abs=0.06))
        assert third == (second[1], 70.0)

    @settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.floats(0.5, 100.0), st.integers(0, 5))
    def test_all_sound_is_in_windows_that_a_recogniser_takes(self, tmp_path, seconds, seed):
        rate = 1000
        noise = np.random.default_rng(seed).normal(0, 0.1, round(seconds * rate)).astype(np.float32)
        made = sound(tmp_path / "a.flac", noise, rate)
        found = windows(made)
        assert found[0][0] == 0 and found[-1][1] == made.duration
        assert all(a[1] == b[0] for a, b in itertools.pairwise(found))
        assert all(0 < end - start <= WINDOW for start, end in found)
        assert all(end - start >= WINDOW - CHOICE for start, end in found[:-1])


class TestReadBack:
    def test_words_are_in_times_of_the_film(self, tmp_path, report, events):
        samples = sine(40.0, hz=200, rate=RATE)
        samples[round(24.8 * RATE) : round(25.2 * RATE)] = 0
        heard = Screening(sound=sound(tmp_path / "a.flac", samples, RATE), language="pt")
        (_, cut), _ = windows(heard.sound)
        backend = ToneTranscriber()
        found = read_back(heard, backend=backend, report=report)
        first = int(cut * RATE) // 4000
        assert found.words[0].start == 0.0
        assert found.words[first].text == "low1"
        assert found.words[first].start == pytest.approx(cut, abs=0.001)
        assert found.words[first + 4].start == pytest.approx(cut + 1.0, abs=0.001)
        assert found.words[-1].end <= 40.0
        assert [w.start for w in found.words] == sorted(w.start for w in found.words)
        assert {language for language, _ in backend.asked} == {"pt"}
        assert found.model == "ToneTranscriber@1"
        assert [(e.done, e.total) for e in events] == [(1, 2), (2, 2)]

    def test_stereo_is_heard_in_the_middle(self, tmp_path, report):
        two = np.stack([sine(1.0, hz=200), silence(1.0)], axis=1)
        heard = Screening(sound=sound(tmp_path / "a.flac", two), language="pt")
        assert read_back(heard, backend=ToneTranscriber(), report=report).words[0].text == "low1"


class TestAppraise:
    @pytest.fixture
    def heard(self, tmp_path):
        samples = np.concatenate([sine(2.0, hz=200), sine(2.0, hz=500), silence(1.0)])
        return Screening(sound=sound(tmp_path / "a.flac", samples), language="pt")

    @pytest.fixture
    def lengths(self, monkeypatch):
        """Judges of quality and voice that note how long the sounds are that they get, in seconds."""
        seen: dict[str, list[float]] = {}

        def rated(sounds, rate):
            seen["rated"] = [len(s) / rate for s in sounds]
            return [Rating(1.0 + n, 2.0, 3.0) for n in range(len(sounds))]

        def prints(sounds, rate):
            seen["prints"] = [len(s) / rate for s in sounds]
            return np.eye(3)[: len(sounds)]

        monkeypatch.setattr(quality_model, "rated", rated)
        monkeypatch.setattr(voice_prints, "prints", prints)
        return seen

    def test_line_by_line_and_without_those_of_no_length(self, heard, lengths, report):
        lines = DubbedLines(
            lines=(dubbed("a", 0.2, 1.8), dubbed("gone", 1.0, 1.0), dubbed("b", 2.1, 2.9), dubbed("c", 2.5, 4.0))
        )
        found = appraise(heard, lines, backend=PitchClassifier(), report=report)
        assert [x.id for x in found.lines] == ["a", "b", "c"]
        assert [x.female for x in found.lines] == [0.05, 0.95, 0.95]
        assert [x.quality for x in found.lines] == [(1.0, 2.0, 3.0), (2.0, 2.0, 3.0), (3.0, 2.0, 3.0)]
        # Shorter than a second says too little of a voice.
        assert [x.print for x in found.lines] == [(1.0, 0.0, 0.0), (), (0.0, 1.0, 0.0)]
        assert lengths == {"rated": pytest.approx([1.6, 0.8, 1.5]), "prints": pytest.approx([1.6, 1.5])}
        assert found.model.startswith("PitchClassifier@1, dnsmos@")

    def test_a_dub_without_lines(self, heard, lengths, report):
        nothing = DubbedLines(lines=(dubbed("gone", 1.0, 1.0),))
        assert appraise(heard, nothing, backend=PitchClassifier(), report=report).lines == ()

    def test_by_the_real_judges(self, speech, tmp_path, report):
        from dubkit import audio

        clean = audio.resample(audio.open_audio(speech).load(0, 4), audio.open_audio(speech).sample_rate, RATE)
        clean = clean if clean.ndim == 1 else clean.mean(axis=1)
        noise = np.random.default_rng(1).normal(0, 0.05, len(clean)).astype(np.float32)
        two = Screening(sound=sound(tmp_path / "a.flac", np.concatenate([clean, clean + noise]), RATE), language="en")
        lines = DubbedLines(lines=(dubbed("clean", 0.0, 4.0), dubbed("noisy", 4.0, 8.0)))
        first, second = appraise(two, lines, backend=PitchClassifier(), report=report).lines
        assert first.quality[2] > second.quality[2] + 0.3
        assert np.dot(first.print, second.print) > 0.3
        assert np.linalg.norm(first.print) == pytest.approx(1.0, abs=1e-3)


def test_lines_stand_in_order_of_their_starts_with_their_units(tmp_path):
    def place(name, start):
        facts = dict.fromkeys(("rate", "stretch"), 1.0) | dict.fromkeys(("borrowed", "drift"), 0.0)
        return Placement(
            id=name,
            speaker="S1",
            text=f"dub {name}",
            slot_start=start,
            slot_end=start + 1,
            start=start,
            end=start + 0.9,
            **facts,
        )

    track = Soundtrack(
        audio=sound(tmp_path / "a.flac", silence(1.0)), placements=(place("u0002", 3.0), place("u0001", 1.0))
    )
    text = translation(transcript(("S1", 1, 2, "one."), ("S1", 3, 4, "two.")), "um.", "dois.")
    first, second = lined_up(track, text, {"u0001": "u007"}).lines
    assert (first.id, first.unit, first.source_text, first.text) == ("u0001", "u007", "one.", "dub u0001")
    assert (second.id, second.unit, second.start, second.slot_end) == ("u0002", "u0002", 3.0, 4.0)

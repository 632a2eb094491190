"""Waveforms, stems and spectrograms: heights, levels and frequencies of known sounds."""

from __future__ import annotations

import math
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from builders import FILM_RATE, SPEECH_RATE, silence, sine, sound, tracks
from matplotlib.axes import Axes
from matplotlib.collections import FillBetweenPolyCollection

from dubkit import audio, plots
from dubkit.errors import BadInput
from dubkit.plots.sound import COLUMNS, N_MELS, POINTS, RANGE, envelope, spectrogram_of
from dubkit.record import AudioFile


def heights(ax: Axes) -> list[tuple[float, float]]:
    """Lowest and highest point of each filled shape."""
    shapes = [c for c in ax.collections if isinstance(c, FillBetweenPolyCollection)]
    tops = [np.concatenate([p.vertices[:, 1] for p in c.get_paths()]) for c in shapes]
    return [(float(top.min()), float(top.max())) for top in tops]


def levels(ax: Axes) -> np.ndarray:
    """What a spectrogram shows, in dB, shape (n_bands, n_columns)."""
    return np.asarray(ax.collections[0].get_array())


class TestEnvelope:
    def test_is_as_high_as_the_sound_at_every_time(self, tmp_path: Path) -> None:
        steps = np.concatenate([silence(1), sine(1, level=0.5), sine(1.5, level=0.1)])
        found = envelope(sound(tmp_path / "a.flac", steps))
        assert len(found.times) <= POINTS
        for start, end, level in ((0.01, 0.99, 0.0), (1.01, 1.99, 0.5), (2.01, 3.49, 0.1)):
            inside = (found.times > start) & (found.times < end)
            assert found.peaks[inside].mean() == pytest.approx(level, rel=0.05, abs=1e-4)
            assert found.rms[inside].mean() == pytest.approx(level / math.sqrt(2), rel=0.05, abs=1e-4)

    def test_the_level_is_that_of_the_whole_sound(self, tmp_path: Path) -> None:
        assert envelope(sound(tmp_path / "a.flac", sine(1, level=0.1))).level == pytest.approx(-23.0, abs=0.05)
        assert envelope(sound(tmp_path / "b.flac", silence(1))).level == -math.inf

    def test_a_stretch_has_times_of_the_film_and_as_many_steps(self, tmp_path: Path) -> None:
        film = sound(tmp_path / "a.flac", np.concatenate([silence(1), sine(1, level=0.5), silence(2)]))
        found = envelope(film, 0.9, 1.1)
        assert found.times[0] == pytest.approx(0.9, abs=1e-3) and found.times[-1] == pytest.approx(1.1, abs=1e-3)
        assert POINTS * 0.9 < len(found.times) <= POINTS
        assert found.peaks[found.times < 1].max() < 1e-3 and found.peaks[found.times > 1].max() == pytest.approx(
            0.5, abs=0.01
        )
        assert envelope(film, 3, 99).times[-1] < 4

    def test_the_end_counts_and_so_does_every_channel(self, tmp_path: Path) -> None:
        samples = np.zeros((10_007, 2), np.float32)
        samples[-1] = 0.5, -0.5
        assert envelope(sound(tmp_path / "a.flac", samples)).peaks[-1] == pytest.approx(0.5, abs=1e-3)


def test_waveform_reaches_the_peaks_over_the_whole_length(tmp_path: Path) -> None:
    ax = plots.waveform(sound(tmp_path / "a.flac", sine(1, hz=50, level=0.5)))
    (low, high), (inner_low, inner_high) = heights(ax)
    assert high == pytest.approx(0.5, abs=0.02) and low == pytest.approx(-0.5, abs=0.02)
    assert -0.5 < inner_low < 0 < inner_high < 0.5
    assert (ax.get_xlim(), ax.get_ylim()) == ((0, 1), (-1, 1))
    assert ax.get_xlabel() == "time (s)"


class TestStems:
    def test_lanes_are_the_whole_the_difference_and_the_rest_in_db(self, tmp_path: Path) -> None:
        voice, music = sine(2, hz=300, level=0.1), sine(2, hz=700, level=0.01)
        # What the listening stages hear is no matter: a mixture here.
        ax = plots.stems(tracks(tmp_path / "tracks", voice + music, background=music))
        assert [t.get_text() for t in ax.get_yticklabels()] == [
            "whole sound\n−23 dBFS",
            "speech\n−23 dBFS",
            "background\n−43 dBFS",
        ]
        whole, _, speech, _, background, _ = heights(ax)
        # Peaks of -20 and -40 dBFS are two thirds and one third of the way up from -60.
        assert speech[1] - 1 == pytest.approx(0.46 * 2 / 3, abs=0.01)
        assert background[1] - 2 == pytest.approx(0.46 / 3, abs=0.01)
        assert whole[1] > speech[1] - 1
        assert ax.get_ylim()[0] > ax.get_ylim()[1], "the whole is at the top"

    def test_of_silence_say_so(self, tmp_path: Path) -> None:
        ax = plots.stems(tracks(tmp_path / "tracks", silence(1)))
        assert {t.get_text().partition("\n")[2] for t in ax.get_yticklabels()} == {"silent"}
        assert heights(ax)[0] == (0, 0)


class TestSpectrogram:
    @pytest.mark.parametrize(("rate", "hz"), [(SPEECH_RATE, 1000.0), (FILM_RATE, 3000.0)])
    def test_a_tone_is_loud_at_its_frequency_and_nowhere_else(self, tmp_path: Path, rate: int, hz: float) -> None:
        ax = plots.spectrogram(sound(tmp_path / "a.flac", sine(1, hz=hz, level=1.0, rate=rate), rate))
        column = levels(ax)[:, 50]
        edges = ax.collections[0].get_coordinates()[:, 0, 1]
        loudest = int(column.argmax())
        assert edges[loudest - 1] < hz < edges[loudest + 2]
        assert column.max() == pytest.approx(0, abs=2.5), "0 dB is a sine at full scale"
        assert np.median(column) < -50
        assert (len(column), ax.get_ylim()) == (N_MELS, (0, 8000))

    def test_ticks_are_frequencies_that_people_read(self, tmp_path: Path) -> None:
        ax = plots.spectrogram(sound(tmp_path / "a.flac", sine(1, rate=SPEECH_RATE), SPEECH_RATE))
        assert [t.get_text() for t in ax.get_yticklabels()] == ["100", "500", "1k", "2k", "4k", "8k"]
        assert not ax.get_yticks(minor=True).size
        (scale,) = ax.child_axes
        assert scale.get_ylabel() == "level (dB)"
        narrow = plots.spectrogram(sound(tmp_path / "b.flac", sine(1, rate=8000), 8000))
        assert [t.get_text() for t in narrow.get_yticklabels()] == ["100", "500", "1k", "2k", "4k"]

    def test_a_stretch_has_times_of_the_film_and_only_what_sounds_there(self, tmp_path: Path) -> None:
        film = sound(tmp_path / "a.flac", np.concatenate([sine(2, level=0.5), silence(2)]))
        loud, soft = plots.spectrogram(film, 0.5, 1.5), plots.spectrogram(film, 2.5, 3.5)
        assert (loud.get_xlim(), soft.get_xlim()) == ((0.5, 1.5), (2.5, 3.5))
        assert levels(loud).max() > -12 and levels(soft).max() == pytest.approx(-100)
        onset = levels(plots.spectrogram(film, 1.5))
        sounding = onset.max(axis=0) > -50
        assert sounding[:45].all() and not sounding[56:].any()

    def test_long_sounds_are_averaged_over_columns_and_read_in_pieces(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        quiet, tone = silence(280, SPEECH_RATE), sine(20, hz=2000, level=0.5, rate=SPEECH_RATE)
        film = sound(tmp_path / "a.flac", np.concatenate([quiet, tone]), SPEECH_RATE)
        pieces: list[int] = []

        def load(own: AudioFile, start: float = 0.0, end: float | None = None) -> np.ndarray:
            pieces.append(len(samples := audio.read(own.path, start, end)))
            return samples

        monkeypatch.setattr(AudioFile, "load", load)
        shown = levels(plots.spectrogram(film)).max(axis=0)
        envelope(film)
        assert max(pieces) < film.n_samples / 15
        assert COLUMNS / 2 < len(shown) <= COLUMNS
        at = int(len(shown) * 280 / 300)
        assert (shown[: at - 2] < -99).all() and (shown[at + 2 : -2] > -10).all()

    def test_silence_is_black_and_a_soft_sound_is_not_made_loud(self, tmp_path: Path) -> None:
        ax = plots.spectrogram(sound(tmp_path / "a.flac", silence(1)))
        assert levels(ax).max() == pytest.approx(-100) and ax.collections[0].get_clim() == (-100, -60)
        soft = plots.spectrogram(sound(tmp_path / "b.flac", sine(1, hz=1000, level=1e-2)))
        low, high = soft.collections[0].get_clim()
        assert (low, high) == (-100, pytest.approx(-40, abs=2.5))
        low, high = plots.spectrogram(sound(tmp_path / "c.flac", sine(1, level=1))).collections[0].get_clim()
        assert high - low == RANGE

    def test_samples_in_memory_look_like_those_of_a_file(self, tmp_path: Path) -> None:
        samples = np.stack([sine(0.5, hz=2000), silence(0.5)], axis=1)
        ax = spectrogram_of(samples, FILM_RATE)
        np.testing.assert_allclose(levels(ax), levels(plots.spectrogram(sound(tmp_path / "a.flac", samples))), atol=0.5)
        assert ax.get_xlim() == (0, 0.5)
        assert spectrogram_of(np.ones(10, np.float32), 16_000).get_xlim() == (0, 10 / 16_000)
        with pytest.raises(BadInput, match="no sound to draw"):
            spectrogram_of(np.zeros(0, np.float32), 16_000)

    def test_where_there_is_no_sound_is_refused(self, tmp_path: Path) -> None:
        film = sound(tmp_path / "a.flac", sine(1))
        for start, end in ((2, 3), (0.5, 0.5), (0.8, 0.2)):
            with pytest.raises(BadInput, match=r"a\.flac lasts 1\.00 s"):
                plots.spectrogram(film, start, end)

    def test_a_moment_has_one_column(self, tmp_path: Path) -> None:
        assert levels(plots.spectrogram(sound(tmp_path / "a.flac", sine(1)), 0.5, 0.505)).shape == (N_MELS, 1)


def test_figures_draw_into_the_axes_given(tmp_path: Path) -> None:
    film, made = sound(tmp_path / "a.flac", sine(1)), tracks(tmp_path / "tracks", sine(1))
    for draw, artefact in ((plots.waveform, film), (plots.stems, made), (plots.spectrogram, film)):
        axes = plt.subplots()[1]
        assert draw(artefact, ax=axes) is axes

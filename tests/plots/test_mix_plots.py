"""The bed under the lines, and loudness over time."""

from pathlib import Path

import matplotlib
import numpy as np
import pytest
from builders import FILM_RATE, placement, silence, sine, sound, soundtrack, tracks

from dubkit import plots
from dubkit.artefacts import Soundtrack
from dubkit.mix import MixSettings

matplotlib.use("agg")
SETTINGS = MixSettings(duck=8, attack=0.5, release=1.0, hold=0.5)


def level(amplitude_db: float, seconds: float) -> np.ndarray:
    """A 1 kHz tone, whose loudness in two channels is its level (EBU Tech 3341, test signal 1)."""
    return np.repeat(sine(seconds, hz=1000, level=10 ** (amplitude_db / 20))[:, None], 2, axis=1)


def test_the_bed_is_down_under_lines_and_up_between_them(tmp_path: Path) -> None:
    lines = placement("u1", "S1", (2, 3), (2, 3)), placement("u2", "S2", (6, 7), (6, 7))
    ax = plots.ducking(soundtrack(tmp_path, *lines), SETTINGS)
    times, gain = ax.lines[0].get_data()
    at = dict(zip(np.round(times, 2).tolist(), gain.tolist(), strict=True))
    assert [at[t] for t in (1.0, 1.75, 2.5, 3.5, 5.0, 6.5)] == pytest.approx([0, -4, -8, -4, 0, -8], abs=0.05)
    one, two = (c.get_paths()[0].get_extents() for c in ax.collections[1:])
    assert (tuple(one.intervalx), tuple(two.intervalx)) == ((2, 3), (6, 7))
    # Each speaker has a lane below the gain, named at its right.
    assert [t.get_text() for t in ax.texts] == [" S1", " S2"]
    lower, upper = (t.xy[1] for t in reversed(ax.texts))
    assert two.y0 < lower < two.y1 < one.y0 < upper < one.y1 < -8 and lower > ax.get_ylim()[0]
    assert min(ax.get_yticks()) >= -8.8
    told = "8 dB less bed under lines: down in 0.5 s, back in 1 s, held in pauses under 0.5 s"
    assert ax.get_title("left") == told


def test_a_stretch_of_it_has_the_same_gain_and_a_long_film_no_more_points(tmp_path: Path) -> None:
    dub = soundtrack(tmp_path, placement("u1", "S1", (2, 3), (2, 3)))
    times, gain = plots.ducking(dub, SETTINGS, 1, 4).lines[0].get_data()
    assert (times[0], times[-1]) == (1, pytest.approx(4, abs=0.02)) and gain[150] == pytest.approx(-8, abs=0.01)
    long = dub.but(audio=dub.audio.but(n_samples=7200 * FILM_RATE))
    assert len(plots.ducking(long, SETTINGS, 0, 7200).lines[0].get_xdata()) <= 7200
    ax = plots.ducking(long, SETTINGS)
    assert ax.get_xlim() == (0, 120) and ax.get_title("left").endswith(" (0 to 120 of 7200 s)")


def test_loudness_goes_with_the_sound_and_tells_that_of_the_whole(tmp_path: Path) -> None:
    full = np.concatenate([level(-23, 10), level(-33, 10)])
    heard = sound(tmp_path / "dub.flac", level(-20, 20))
    dub = Soundtrack(audio=heard, placements=(placement("u1", "S1", (1, 2), (1, 2)),))
    ax = plots.loudness(tracks(tmp_path / "tracks", full), dub, MixSettings(loudness=-18))
    original, _, dubbed, _, asked = ax.lines
    times, values = original.get_data()
    np.testing.assert_allclose(values[times < 8.4], -23, atol=0.1)
    np.testing.assert_allclose(values[times > 11.6], -33, atol=0.1)
    np.testing.assert_allclose(dubbed.get_ydata(), -20, atol=0.1)
    assert times[0] == pytest.approx(1.5) and times[-1] == pytest.approx(18.5, abs=0.11)
    assert asked.get_ydata()[0] == -18
    # Half at -23 and half at -33 LUFS: 10 log10((10^-2.3 + 10^-3.3) / 2).
    assert [t.get_text() for t in ax.texts] == [" original -25.6", " dub -20.0"]
    assert [t.get_verticalalignment() for t in ax.texts] == ["top", "bottom"]
    low, high = ax.get_ylim()
    assert low < -33 and high > -18


def test_of_equally_loud_sounds_the_names_do_not_cover_each_other(tmp_path: Path) -> None:
    same = level(-20, 5)
    dub = Soundtrack(audio=sound(tmp_path / "dub.flac", same), placements=())
    ax = plots.loudness(tracks(tmp_path / "tracks", same), dub)
    assert {t.get_text(): t.get_verticalalignment() for t in ax.texts} == {
        " original -20.0": "top",
        " dub -20.0": "bottom",
    }


def test_a_silent_dub_is_called_silent_at_the_edge(tmp_path: Path) -> None:
    still = np.repeat(silence(5)[:, None], 2, axis=1)
    dub = Soundtrack(audio=sound(tmp_path / "dub.flac", still), placements=())
    ax = plots.loudness(tracks(tmp_path / "tracks", level(-20, 5)), dub)
    assert [(t.get_text(), t.xy[1]) for t in ax.texts] == [
        (" original -20.0", pytest.approx(-20, abs=0.1)),
        (" dub silent", ax.get_ylim()[0]),
    ]
    assert ax.get_ylim()[0] >= -60


def test_the_original_is_moved_to_the_times_of_a_slowed_dub(tmp_path: Path) -> None:
    heard = sound(tmp_path / "dub.flac", level(-20, 12))
    dub = Soundtrack(audio=heard, placements=(), knots=((0.0, 0.0), (10.0, 12.0)))
    ax = plots.loudness(tracks(tmp_path / "tracks", level(-23, 10)), dub)
    assert ax.lines[0].get_xdata()[0] == pytest.approx(1.5 * 1.2)
    # Where nobody speaks nothing was asked for.
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["original", "dub"]


def test_silence_and_films_shorter_than_a_window_have_a_figure_too(tmp_path: Path) -> None:
    still = np.repeat(silence(2)[:, None], 2, axis=1)
    dub = Soundtrack(audio=sound(tmp_path / "dub.flac", still), placements=())
    ax = plots.loudness(tracks(tmp_path / "tracks", still), dub)
    assert ax.get_xlim() == (0, 2) and len(ax.lines[0].get_xdata()) == 0
    assert [t.get_text() for t in ax.texts] == [" original silent", " dub silent"]
    assert ax.get_ylim() == (-60, -38)
    ax.figure.canvas.draw()
    assert all(t.get_window_extent().y0 > 0 for t in ax.texts)
    assert plots.ducking(dub).lines[0].get_ydata().tolist() == [0] * 200

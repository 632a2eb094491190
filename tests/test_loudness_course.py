"""Short-term loudness over time."""

from pathlib import Path

import numpy as np
import pytest
from builders import silence, sine, sound

from dubkit.errors import BadInput
from dubkit.loudness import measured
from dubkit.loudness_course import SILENCE, course


def two(samples: np.ndarray) -> np.ndarray:
    return np.stack([samples, samples], axis=1)


def tone(level: float, seconds: float) -> np.ndarray:
    """EBU Tech 3341: 1 kHz in both channels is as loud, in LUFS, as its level in dBFS."""
    return two(sine(seconds, hz=1000, level=10 ** (level / 20)))


def test_a_step_is_seen_by_the_windows_that_reach_over_it(tmp_path: Path) -> None:
    file = sound(tmp_path / "a.flac", np.concatenate([tone(-20, 5), tone(-30, 5)]))
    heard = course(file.path)
    assert heard.times[0] == pytest.approx(1.5) and heard.times[-1] == pytest.approx(8.5)
    assert np.diff(heard.times) == pytest.approx(0.1)
    levels = dict(zip(np.round(heard.times, 1).tolist(), heard.short_term.tolist(), strict=True))
    # In the middle of the step half of the window is of each.
    expected = {3.0: -20, 5.0: 10 * np.log10((10**-2 + 10**-3) / 2), 7.0: -30}
    assert {t: levels[t] for t in expected} == pytest.approx(expected, abs=0.1)


def test_the_whole_is_as_loud_as_measured(tmp_path: Path) -> None:
    file = sound(tmp_path / "a.flac", np.concatenate([tone(-20, 5), tone(-30, 5)]))
    assert course(file.path).integrated == measured(file.path).integrated


def test_silence_has_a_course_and_what_is_shorter_than_a_window_has_none(tmp_path: Path) -> None:
    heard = course(sound(tmp_path / "silence.flac", two(silence(5))).path)
    assert heard.short_term.max() == SILENCE and heard.integrated == -70 and len(heard.times) == 21
    short = course(sound(tmp_path / "short.flac", tone(-20, 2)).path)
    assert len(short.times) == 0 and short.integrated == pytest.approx(-20, abs=0.1)


def test_what_is_no_sound_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("no sound")
    with pytest.raises(BadInput):
        course(tmp_path / "a.txt")

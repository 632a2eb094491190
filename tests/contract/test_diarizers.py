"""What every diarizer promises."""

from typing import Any

import numpy as np
import pytest
from backends.speech_sounds import say


@pytest.fixture(scope="module")
def talk() -> np.ndarray:
    """A woman and a man at 16 kHz."""
    pause = np.zeros(8000, np.float32)
    first = say("The weather was cold this morning, so we stayed at home.", "af_heart").waveform
    second = say("He said he would call back tomorrow, in the afternoon.", "am_michael").waveform
    return np.concatenate([pause, first, pause, second, pause])


def test_turns_lie_in_the_sound_and_every_label_has_a_voice(backend: Any, talk: np.ndarray) -> None:
    heard = backend.diarize(talk)
    assert list(heard.turns) == sorted(heard.turns)
    assert all(0 <= a < b <= len(talk) / 16_000 + 0.01 for a, b, _ in heard.turns)
    assert {label for *_, label in heard.turns} <= set(heard.centroids)
    assert all(np.linalg.norm(v) == pytest.approx(1, abs=1e-4) for v in heard.centroids.values())
    assert len({len(v) for v in heard.centroids.values()}) <= 1


def test_it_hears_the_same_every_time(backend: Any, talk: np.ndarray) -> None:
    assert backend.diarize(talk).turns == backend.diarize(talk).turns


def test_no_more_speakers_than_allowed(backend: Any, talk: np.ndarray) -> None:
    assert len({label for *_, label in backend.diarize(talk, n_speakers=1).turns}) <= 1
    assert len({label for *_, label in backend.diarize(talk, max_speakers=1).turns}) <= 1


def test_a_threshold_that_is_set_holds_for_one_call(backend: Any, talk: np.ndarray) -> None:
    own = backend.diarize(talk)
    assert len({label for *_, label in backend.diarize(talk, threshold=1.9).turns}) <= 1
    assert backend.diarize(talk).turns == own.turns


@pytest.mark.parametrize("n_samples", [0, 200, 40_000])
def test_silence_has_no_turns(backend: Any, n_samples: int) -> None:
    assert backend.diarize(np.zeros(n_samples, np.float32)).turns == ()
